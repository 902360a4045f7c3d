//! Names that can be and cannot be, their order, and the shards that they are in for ever.

use std::num::NonZeroU16;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn code(kind: &str, id: &str) -> Option<String> {
    StreamId::new(kind, id).err().map(|error| error.code().to_owned())
}

fn shards(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

#[test]
fn kinds_are_words_of_a_program() {
    let longest = "k".repeat(MAX_KIND);
    for kind in ["a", "z-9._", "0", ".", "-", longest.as_str()] {
        assert_eq!(code(kind, "id"), None, "{kind}");
        assert!(check_kind(kind).is_ok());
    }
    let wrong = ["", "A", "a b", "a/b", "ä", "a\0", "\u{7f}", "a:b", "é"];
    for kind in wrong {
        assert_eq!(code(kind, "id").as_deref(), Some(codes::INVALID_RECORD.name), "{kind:?}");
    }
    let longer = "k".repeat(MAX_KIND + 1);
    assert_eq!(code(&longer, "id").as_deref(), Some(codes::TOO_LARGE.name));
}

#[test]
fn ids_are_text_without_control_characters() {
    // The limit is one of bytes: two for each of these letters.
    let longest = "ü".repeat(MAX_ID / 2);
    for id in ["a", "Alice", "a/b", " ", "日本", "\u{10ffff}", "\u{2028}", longest.as_str()] {
        assert_eq!(code("kind", id), None, "{id}");
    }
    for id in ["", "a\0b", "a\n", "\u{7f}", "\u{85}", "\u{9f}", "\t"] {
        assert_eq!(code("kind", id).as_deref(), Some(codes::INVALID_RECORD.name), "{id:?}");
    }
    for longer in [format!("{longest}a"), "a".repeat(MAX_ID + 1)] {
        assert_eq!(code("kind", &longer).as_deref(), Some(codes::TOO_LARGE.name));
    }
}

#[test]
fn a_stream_is_found_again_by_its_key() {
    let alice = StreamId::new("account", "alice").unwrap();
    assert_eq!(alice.key(), b"account\0alice");
    assert_eq!(StreamId::from_key(alice.key()), Some(alice.clone()));
    assert_eq!(
        (alice.to_string(), format!("{alice:?}")),
        ("account/alice".to_owned(), "\"account/alice\"".to_owned(),)
    );
    let wrong: [&[u8]; 7] =
        [b"", b"account", b"account\0", b"\0alice", b"A\0alice", b"a\0b\0c", b"a\0\xff"];
    for key in wrong {
        assert_eq!(StreamId::from_key(key), None, "{}", key.escape_ascii());
    }
}

#[test]
fn streams_sort_by_kind_then_by_the_bytes_of_the_id() {
    let sorted = [
        ("a", "zz"),
        ("a-b", "a"),
        ("a.b", "a"),
        ("a0", "a"),
        ("a_", "a"),
        ("aa", "A"),
        ("aa", "a"),
        ("aa", "aa"),
        ("aa", "b"),
        ("aa", "ä"),
        ("aa", "\u{10ffff}"),
        ("b", " "),
    ];
    let sorted = sorted.map(|(kind, id)| StreamId::new(kind, id).unwrap());
    assert!(sorted.is_sorted());
    assert!(sorted.windows(2).all(|two| two[0] != two[1]));
    // In the tables as in memory.
    assert!(sorted.is_sorted_by_key(|stream| stream.key().to_vec()));
    for kind in ["a", "a-b", "a0", "aa", "b"] {
        let start = StreamId::start_of(kind);
        for stream in &sorted {
            assert_eq!(*stream > start, stream.kind() >= kind, "{stream} and {kind}");
        }
    }
}

/// These never change: a stream in another shard would be lost.
#[test]
fn streams_are_in_their_shard_for_ever() {
    let expected = [
        ("account", "alice", [0, 4, 980, 17280]),
        ("account", "bob", [1, 15, 559, 30134]),
        ("queue", "mail", [1, 15, 519, 19729]),
        ("a", "1", [1, 15, 423, 48898]),
        ("workflow", "日本", [0, 8, 0, 24905]),
    ];
    for (kind, id, expected) in expected {
        let stream = StreamId::new(kind, id).unwrap();
        let found = [2, 16, 1000, u16::MAX].map(|count| stream.shard(shards(count)).get());
        assert_eq!(found, expected, "{stream}");
        assert_eq!(stream.shard(NonZeroU16::MIN), Shard::new(0));
    }
}

#[test]
fn streams_are_evenly_over_the_shards() {
    for count in [2, 3, 16, 100] {
        let mut found = vec![0_u32; count.into()];
        for n in 0..20_000 {
            let stream = StreamId::new("account", &n.to_string()).unwrap();
            found[usize::from(stream.shard(shards(count)).get())] += 1;
        }
        let even = 20_000 / u32::from(count);
        assert!(found.iter().all(|found| found.abs_diff(even) < even / 2), "{found:?}");
    }
}

#[test]
fn positions_of_one_shard_compare_and_others_do_not() {
    let [first, other] = [Shard::new(0), Shard::new(1)];
    let [one, two] = [Position::new(first, 1), Position::new(first, 2)];
    assert!(two.is_after(one) && !one.is_after(two) && !one.is_after(one));
    assert!(one.is_after(Position::start(first)));
    assert!(!Position::new(other, 2).is_after(one));
    assert_eq!((two.shard(), two.number(), two.to_string()), (first, 2, "0:2".to_owned()));
}

#[test]
fn versions_follow_one_another_up_to_the_last() {
    assert_eq!(Version::NONE.next(), Version::new(1));
    assert_eq!(Version::new(u64::MAX).next().get(), u64::MAX);
    assert_eq!((Version::new(7).to_string(), Epoch::new(8).to_string()), ("7".into(), "8".into()));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_name_is_refused_or_found_again(
        kind in prop::collection::vec(any::<char>(), 0..4).prop_map(String::from_iter),
        id in prop::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter),
        plain in any::<bool>(),
        count in 1..=u16::MAX,
    ) {
        let kind = if plain { "a-b" } else { kind.as_str() };
        if let Ok(stream) = StreamId::new(kind, &id) {
            prop_assert_eq!((stream.kind(), stream.id()), (kind, id.as_str()));
            prop_assert_eq!(StreamId::from_key(stream.key()), Some(stream.clone()));
            prop_assert!(stream.shard(shards(count)).get() < count);
        }
    }

    #[test]
    fn any_bytes_are_no_key_or_that_of_one_stream(
        key in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        if let Some(stream) = StreamId::from_key(&key) {
            prop_assert_eq!(stream.key(), key.as_slice());
        }
    }
}
