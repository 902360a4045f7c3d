//! Segments beside one plain list, in whatever state they are.

use std::num::NonZeroU32;

use fastrand::Rng;

use super::*;

const EVERYTHING: Room =
    Room { signals: u64::MAX, bytes: u64::MAX, retention: Retention::forever() };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn signals(count: usize, bytes: u64) -> Vec<Sized> {
    let signal = Signal::new("one", "/here").id("1").build().unwrap();
    vec![(bytes, signal); count]
}

fn append(entries: &mut Entries, count: usize, bytes: u64, now: i64, room: &Room) -> Result<usize> {
    let mut coming = signals(count, bytes);
    let result = entries.append(&mut coming, at(now), room);
    assert_eq!(coming.len(), if result.is_ok() { 0 } else { count }, "all are taken, or none");
    result.map(|(_, dropped)| dropped.len())
}

/// Everything behind `after`, by position and time.
fn read(entries: &Entries, after: u64, limit: usize) -> Vec<(u64, Timestamp)> {
    let page = entries.read(LogPosition::new(after), limit).unwrap();
    page.entries.into_iter().map(|entry| (entry.position.get(), entry.at)).collect()
}

#[test]
fn segments_are_as_one_list_in_whatever_state_they_are() {
    testkit::for_each_seed(NonZeroU32::new(20).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let (mut entries, mut all, mut kept) = (Entries::default(), Vec::new(), 0);
        for now in 0..100 {
            if random.u8(..) < 150 {
                let count = random.usize(..SEGMENT);
                append(&mut entries, count, 1, now, &EVERYTHING).unwrap();
                all.extend((all.len() as u64 + 1..).zip(vec![at(now); count]));
            } else {
                let left = random.usize(..=all.len() - kept);
                let keep = Retention::forever().count(left as u64);
                let (retained, dropped) = entries.retain(keep, at(now));
                assert_eq!((retained.left, dropped.len()), (left as u64, all.len() - kept - left));
                kept = all.len() - left;
            }
            let after = random.usize(kept..=all.len());
            let limit = random.usize(..2 * SEGMENT);
            let expected = &all[after..all.len().min(after + limit)];
            assert_eq!(read(&entries, after as u64, limit), expected);
            let time = at(random.i64(-1..=now + 1));
            let expected = kept + all[kept..].partition_point(|(_, at)| *at < time);
            assert_eq!(entries.position_at(time).get(), expected as u64);
            assert_eq!(entries.bytes, entries.count);
        }
    });
}

#[test]
fn an_append_moves_nothing_that_was_there() {
    let mut entries = Entries::default();
    append(&mut entries, 100 * SEGMENT, 1, 0, &EVERYTHING).unwrap();
    let before: Vec<*const Stored> = entries.from(SEGMENT).map(std::ptr::from_ref).collect();
    append(&mut entries, 100 * SEGMENT, 1, 0, &EVERYTHING).unwrap();
    let after = entries.from(SEGMENT).map(std::ptr::from_ref);
    assert!(after.take(before.len()).eq(before));
    assert!(entries.segments.iter().skip(1).all(|segment| segment.capacity() == SEGMENT));
}

#[test]
fn a_segment_does_not_grow_but_for_the_first() {
    let mut entries = Entries::default();
    append(&mut entries, SEGMENT + 1, 1, 0, &EVERYTHING).unwrap();
    assert_eq!(entries.segments[1].capacity(), SEGMENT);
    entries.retain(Retention::forever().count(0), at(0));
    assert!(entries.segments.is_empty(), "what is dropped gives its room back");
    append(&mut entries, 1, 1, 0, &EVERYTHING).unwrap();
    assert!(entries.segments[0].capacity() < 10, "many logs are small");
}

#[test]
fn what_is_just_as_much_as_is_kept_is_kept() {
    let mut entries = Entries::default();
    append(&mut entries, 4, 25, 0, &EVERYTHING).unwrap();
    for keep in [Retention::forever().bytes(100), Retention::forever().count(4)] {
        assert_eq!(entries.retain(keep, at(0)).0.left, 4);
    }
    assert_eq!(entries.retain(Retention::forever().bytes(99), at(0)).0.left, 3);
    let room = Room { retention: Retention::forever().bytes(100), ..EVERYTHING };
    assert_eq!(append(&mut entries, 1, 25, 0, &room).unwrap(), 0);
    assert_eq!(append(&mut entries, 1, 1, 0, &room).unwrap(), 1);
}

#[test]
fn a_log_that_drops_as_much_as_comes_stays_as_large_as_it_is() {
    let mut entries = Entries::default();
    let room = Room { retention: Retention::forever().count(3), ..EVERYTHING };
    for now in 0..10_000 {
        append(&mut entries, 1, 5, now, &room).unwrap();
    }
    assert_eq!((entries.segments.len(), entries.count, entries.bytes), (1, 3, 15));
    assert!(entries.segments[0].capacity() < 10);
}

#[test]
fn an_append_drops_what_is_older_than_the_retention_or_more() {
    let mut entries = Entries::default();
    let retention = Retention::forever().age(Duration::from_secs(10)).count(5).bytes(100);
    let room = Room { retention, ..EVERYTHING };
    for (count, bytes, now, dropped) in [
        (4, 10, 0, 0),
        (2, 10, 5, 1),
        (1, 61, 9, 2),
        (1, 1, 10, 1),
        (1, 1, 14, 0),
        (1, 1, 15, 2),
        // What comes at one time is kept together.
        (9, 50, 16, 4),
        (1, 1, 17, 8),
    ] {
        let found = append(&mut entries, count, bytes, now, &room).unwrap();
        assert_eq!(found, dropped, "at {now}");
    }
}

#[test]
fn a_log_without_room_refuses_and_drops_nothing() {
    let mut entries = Entries::default();
    let room = Room { signals: 4, bytes: 100, ..EVERYTHING };
    append(&mut entries, 4, 10, 0, &room).unwrap();
    let error = append(&mut entries, 1, 1, 0, &room).unwrap_err();
    assert_eq!((error.code(), &error.details()["limit"]), ("log_full", &"signals".into()));
    entries.retain(Retention::forever().count(1), at(0));
    append(&mut entries, 1, 90, 0, &room).unwrap();
    let error = append(&mut entries, 1, 1, 0, &room).unwrap_err();
    assert_eq!((error.code(), &error.details()["limit"]), ("log_full", &"bytes".into()));
    let retaining = Room { retention: Retention::forever().count(3), ..room };
    append(&mut entries, 5, 1, 0, &retaining).unwrap_err();
    assert_eq!(read(&entries, 3, 10).len(), 2, "a refused append has made no room for itself");
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_younger() {
    let mut entries = Entries::default();
    append(&mut entries, 1, 1, 100, &EVERYTHING).unwrap();
    append(&mut entries, 1, 1, 50, &EVERYTHING).unwrap();
    assert_eq!(read(&entries, 0, 10), [(1, at(100)), (2, at(100))]);
    entries.retain(Retention::forever().count(0), at(0));
    append(&mut entries, 1, 1, 70, &EVERYTHING).unwrap();
    assert_eq!(read(&entries, 2, 10), [(3, at(100))], "not even when the log is empty");
    let old = Retention::forever().age(Duration::from_secs(10));
    assert_eq!(entries.retain(old, at(20)).0.left, 1);
}

#[test]
fn an_age_that_is_longer_than_can_be_counted_is_for_ever() {
    let mut entries = Entries::default();
    append(&mut entries, 1, 1, 0, &EVERYTHING).unwrap();
    assert_eq!(entries.retain(Retention::forever().age(Duration::MAX), Timestamp::MAX).0.left, 1);
}
