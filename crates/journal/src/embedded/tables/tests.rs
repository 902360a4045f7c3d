//! Keys sort as what they name, and those of one stream lie together.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn at(microsecond: i64) -> Timestamp {
    time_from(microsecond).unwrap()
}

fn stream(id: &str) -> StreamId {
    StreamId::new("kind", id).unwrap()
}

/// Names whose keys are as close to one another as they can be.
fn close() -> Vec<StreamId> {
    let ids = ["a", "b", "aa", "ab", "b\u{10ffff}", "\u{10ffff}", "z", "{", "~", "\u{a0}", "é"];
    let mut streams: Vec<_> = ids.into_iter().map(stream).collect();
    let long = "x".repeat(crate::stream::MAX_ID - 1);
    streams.extend(["y", "z"].map(|last| stream(&format!("{long}{last}"))));
    streams.push(StreamId::new("kind-", "a").unwrap());
    streams
}

#[test]
fn times_sort_as_they_are_also_before_the_epoch() {
    let times = [
        Timestamp::MIN,
        at(-1_000_000),
        at(-256),
        at(-255),
        at(-2),
        at(-1),
        at(0),
        at(1),
        at(255),
        at(256),
        at(1_700_000_000_000_000),
        at(Timestamp::MAX.as_microsecond()),
    ];
    for pair in times.windows(2) {
        assert!(time_key(pair[0]) < time_key(pair[1]), "{pair:?}");
    }
    for time in times {
        assert_eq!(time_of(&time_key(time)), Some(time));
    }
    assert_eq!(time_key(at(0)), [0x80, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(time_key(at(-1)), [0x7f, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(time_of(&[0; 7]), None);
    assert_eq!(time_of(&[0; 8]), None, "longer ago than times go");
    assert_eq!(time_of(&[255; 8]), None);
}

#[test]
fn keys_of_one_stream_lie_together_and_no_other_between() {
    let streams = close();
    let rests: [&[u8]; 6] = [b"", b"\0", b"a", b"\xff", b"\xff\xff\xff\xff", &[255; 64]];
    for one in &streams {
        let (from, to) = (within(one.key(), &[]), after_all(one.key()));
        for other in &streams {
            for rest in rests {
                let key = within(other.key(), rest);
                let inside = from <= key && key < to;
                assert_eq!(inside, one == other, "{other} {rest:?} in {one}");
                assert_eq!(behind(&key, one.key()), (one == other).then_some(rest));
            }
        }
    }
    assert_eq!(behind(&[], b"a"), None);
    assert_eq!(behind(&[0], b""), None);
    assert_eq!(behind(&[0, 2, b'a'], b"a"), None);
}

#[test]
fn versions_and_positions_sort_as_numbers() {
    let versions = [0, 1, 255, 256, 65_535, 65_536, u64::MAX];
    for pair in versions.windows(2) {
        let [before, after] = [pair[0], pair[1]].map(|it| within(b"a", &u64::to_be_bytes(it)));
        assert!(before < after);
        let [before, after] = [pair[0], pair[1]].map(|it| signal_key(Shard::new(1), it));
        assert!(before < after);
        assert!(signal_key(Shard::new(0), pair[1]) < signal_key(Shard::new(1), pair[0]));
    }
    assert_eq!(signal_position(&signal_key(Shard::new(3), 77)), Some(77));
    assert_eq!(signal_position(&[0; 9]), None);
}

#[test]
fn wakes_sort_by_shard_then_by_time_then_by_stream() {
    let [zero, one] = [Shard::new(0), Shard::new(256)];
    let (a, b) = (stream("a"), stream("b"));
    let keys = [
        wake_key(zero, Timestamp::MIN, b.key()),
        wake_key(zero, at(-1), a.key()),
        wake_key(zero, at(-1), b.key()),
        wake_key(zero, at(0), a.key()),
        wake_key(zero, at(Timestamp::MAX.as_microsecond()), a.key()),
        wake_key(one, Timestamp::MIN, a.key()),
    ];
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(wake_of(&keys[2]), Some((at(-1), b)));
    assert!(after_wakes(zero, at(-1)) > keys[2] && after_wakes(zero, at(-1)) <= keys[3]);
    assert!(after_wakes(zero, Timestamp::MAX) > keys[4]);
    assert!(after_wakes(zero, Timestamp::MAX) <= keys[5]);
    for length in 0..keys[0].len() - 1 {
        assert_eq!(wake_of(&keys[0][..length]), None);
    }
}

#[test]
fn wakes_that_are_due_at_once_come_first() {
    assert_eq!(wake_time(Wake::Never), None);
    assert_eq!(wake_time(Wake::Now), Some(Timestamp::MIN));
    assert_eq!(wake_time(Wake::At(at(5))), Some(at(5)));
}

#[test]
fn positions_are_a_group_and_a_slot_in_it() {
    assert_eq!((position(1, 0), position(1, 5), position(2, 0)), (1 << 20, (1 << 20) + 5, 2 << 20));
    for group in [0, 1, 2, (1 << 44) - 1] {
        for slot in [0, 1, GROUP_SLOTS - 1] {
            assert_eq!(group_of(position(group, slot)), group);
        }
        assert_eq!(last_of(group), position(group, GROUP_SLOTS - 1));
        assert_eq!(last_of(group).wrapping_add(1), position(group + 1, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn times_sort_by_their_keys(a in any::<i32>(), b in any::<i32>(), scale in 1..1_000_000_i64) {
        let (a, b) = (at(i64::from(a) * scale), at(i64::from(b) * scale));
        prop_assert_eq!(time_key(a).cmp(&time_key(b)), a.cmp(&b));
        prop_assert_eq!(time_of(&time_key(a)), Some(a));
    }

    #[test]
    fn any_two_streams_are_apart(
        one in prop::collection::vec(any::<char>(), 1..4).prop_map(String::from_iter),
        two in prop::collection::vec(any::<char>(), 1..4).prop_map(String::from_iter),
        rest in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let streams = (StreamId::new("kind", &one), StreamId::new("kind", &two));
        let (Ok(one), Ok(two)) = streams else { return Ok(()) };
        let key = within(two.key(), &rest);
        let inside = (within(one.key(), &[])..after_all(one.key())).contains(&key);
        prop_assert_eq!(inside, one == two);
        prop_assert_eq!(behind(&key, one.key()).is_some(), one == two);
    }

    #[test]
    fn any_bytes_are_read_as_a_key_without_a_panic(
        key in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let _ = (time_of(&key), wake_of(&key), signal_position(&key), behind(&key, b"kind\0a"));
    }
}
