//! Positions, pages, and lists: what is read of a journal in memory.

use std::ops::Bound;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Fixture, SHARD, event, number, signals, stream, text};
use crate::append::{Append, Wake};
use crate::codes;
use crate::load::{Due, Load};
use crate::options::Retention;
use crate::stream::{Position, StreamId, Version};

// === positions ===

#[test]
fn a_record_takes_one_position_and_one_more_for_each_further_signal() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    let positions = [0, 1, 3, 0].map(|count| fixture.append(&alice, &signals(count)).position);
    assert_eq!(positions.map(Position::number), [1, 2, 3, 6]);
    assert_eq!(fixture.log(0, 10).unwrap(), (vec![1, 2, 3, 6], 6));
    assert_eq!(fixture.signals(0, 10).unwrap(), (vec![2, 3, 4, 5], 6));
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    for count in [0, 3, 2] {
        fixture.append(&alice, &signals(count));
    }
    assert_eq!(fixture.log(0, 2).unwrap(), (vec![1, 2], 2));
    // The last entry is given, so all of its signals are, and so is everything up to the end.
    assert_eq!(fixture.log(2, 2).unwrap(), (vec![5], 6));
    assert_eq!(fixture.log(6, 2).unwrap(), (vec![], 6));
    assert_eq!(fixture.signals(0, 2).unwrap(), (vec![2, 3], 3));
    assert_eq!(fixture.signals(3, 3).unwrap(), (vec![4, 5, 6], 6));
    // Not even nothing makes a reader stand still, or go back.
    assert_eq!(fixture.log(0, 0).unwrap(), (vec![1], 1));
    assert_eq!(fixture.log(9, 1).unwrap(), (vec![], 9));
}

#[test]
fn a_reader_behind_the_log_that_is_kept_gets_a_gap_and_goes_on_from_its_end() {
    let alice = stream("alice");
    let one = u64::try_from(crate::format::stored_size(&alice, &signals(2))).unwrap();
    let retention = Retention { log_bytes: 2 * one, ..Retention::default() };
    let mut fixture = Fixture::retaining(retention);
    let alice = fixture.open("alice");
    for _ in 0..4 {
        fixture.append(&alice, &signals(2));
    }
    // Records at 1, 3, 5 and 7, of which the first two are gone.
    for from in [0, 1, 2] {
        let error = fixture.log(from, 10).unwrap_err();
        assert_eq!(error.code(), codes::GAP.name);
        assert_eq!((number(&error, "from"), number(&error, "to")), (Some(from), Some(3)));
    }
    // Who has the record at 3 has missed nothing.
    assert_eq!(fixture.log(3, 10).unwrap(), (vec![5, 7], 8));
    let stats = fixture.state.stats();
    assert_eq!((stats.tail, stats.log_bytes, stats.appends), (2, 2 * one, 4));
    assert_eq!(fixture.signals(0, 10).unwrap().0.len(), 8);
}

#[test]
fn signals_have_a_retention_of_their_own() {
    let hour = Duration::from_hours(1);
    let of_one = u64::try_from("happened".len() + "signal".len() + 64).unwrap();
    let retention =
        Retention { signals_for: hour, signal_bytes: 2 * of_one, ..Retention::default() };
    let mut fixture = Fixture::retaining(retention);
    let alice = fixture.open("alice");
    fixture.append(&alice, &signals(1));
    fixture.pass(hour);
    fixture.append(&alice, &signals(3));
    assert_eq!(fixture.state.stats().signal_bytes, 4 * of_one);

    // The first is as old as they may be; of the others two have room.
    assert_eq!(fixture.state.retain(fixture.now).unwrap().signals, 2);
    assert_eq!(fixture.state.stats().signal_bytes, 2 * of_one);
    for from in [0, 1] {
        let error = fixture.signals(from, 10).unwrap_err();
        assert_eq!((number(&error, "from"), number(&error, "to")), (Some(from), Some(2)));
    }
    assert_eq!(fixture.signals(2, 10).unwrap(), (vec![3, 4], 4));
    assert_eq!(fixture.log(0, 10).unwrap().0, [1, 2]);
}

#[test]
fn signals_are_found_by_their_time() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    let start = fixture.now;
    for count in [2, 0, 1] {
        fixture.append(&alice, &signals(count));
        fixture.pass(Duration::from_secs(1));
    }
    let since = |time| fixture.state.signals_since(SHARD, time).unwrap().number();
    assert_eq!(since(start), 0);
    assert_eq!(since(start + SignedDuration::from_millis(1)), 3);
    assert_eq!(since(fixture.now), 4);
    assert_eq!(fixture.signals(3, 10).unwrap().0, [4]);
}

// === loading ===

#[test]
fn parts_have_their_last_value_and_the_version_that_set_it() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    let first = Append::new().put("a", text("1")).put("b", text("1")).put("c", text("1"));
    fixture.append(&alice, &first);
    fixture.append(&alice, &Append::new().put("b", text("2")).delete("c").delete("none"));
    fixture.append(&alice, &Append::new().delete("a").put("a", text("3")));
    let found = fixture.state.load(&stream("alice"), &Load::all()).unwrap();
    let parts = found.parts.into_iter().map(|part| part.value);
    let parts: Vec<_> = parts.map(|part| (part.key, part.version.get(), part.payload)).collect();
    assert_eq!(parts, [(b"a".to_vec(), 3, text("3")), (b"b".to_vec(), 2, text("2"))]);
}

#[test]
fn pages_together_are_the_whole_and_no_version_is_parted() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    fixture.append(&alice, &event("old").snapshot(Version::new(1), text("state")));
    for name in ["1", "22", "333"] {
        fixture.append(&alice, &event(name).event(text(name)).put(name, text(name)));
    }
    let keys = ["1", "22", "none", "333"].map(|key| key.as_bytes().to_vec());
    for whole in [Load::all(), Load::all().parts(keys)] {
        let all = fixture.state.load(&stream("alice"), &whole).unwrap();
        assert_eq!((all.events.len(), all.parts.len(), all.more), (6, 3, None));
        for bytes in 0..40 {
            let (mut events, mut parts, mut pages) = (Vec::new(), Vec::new(), 0);
            let mut next = Some(whole.clone().page(bytes));
            while let Some(load) = next.take() {
                let found = fixture.state.load(&stream("alice"), &load).unwrap();
                assert_eq!(found.snapshot.is_some(), pages == 0);
                assert!(found.events.len() + found.parts.len() > 0);
                assert_eq!(found.events.len() % 2, 0);
                assert!(found.parts.is_empty() || events.len() + found.events.len() == 6);
                events.extend(found.events);
                parts.extend(found.parts);
                next = found.more;
                pages += 1;
            }
            assert_eq!((&events, &parts), (&all.events, &all.parts));
            assert_eq!(pages == 1, bytes >= "state".len() + 18, "{bytes} bytes, {pages} pages");
            assert!(bytes > 0 || pages == 6);
        }
    }
}

#[test]
fn ranges_of_parts_may_be_empty_or_turned_round() {
    use Bound::{Excluded, Included, Unbounded};
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    let append = ["a", "b", "c"].into_iter().fold(Append::new(), |a, key| a.put(key, text(key)));
    fixture.append(&alice, &append);
    let key = |key: &str| key.as_bytes().to_vec();
    let cases = [
        (Unbounded, Unbounded, "abc"),
        (Included(key("a")), Excluded(key("c")), "ab"),
        (Excluded(key("a")), Included(key("c")), "bc"),
        (Included(key("b")), Included(key("b")), "b"),
        (Included(key("b")), Excluded(key("b")), ""),
        (Excluded(key("b")), Excluded(key("b")), ""),
        (Excluded(key("b")), Included(key("b")), ""),
        (Included(key("c")), Included(key("a")), ""),
        (Excluded(key("c")), Excluded(key("a")), ""),
        (Included(key("d")), Unbounded, ""),
    ];
    for (from, to, keys) in cases {
        let load = Load::new().parts_between(from, to);
        let found = fixture.state.load(&stream("alice"), &load).unwrap();
        let found: Vec<_> = found.parts.into_iter().flat_map(|part| part.value.key).collect();
        assert_eq!(found, keys.as_bytes(), "{load:?}");
    }
}

// === wakes and lists ===

#[test]
fn due_streams_come_by_time_then_name_and_page() {
    let mut fixture = Fixture::new();
    let at = |second| Timestamp::from_second(second).unwrap();
    let wakes = [
        ("a", Wake::At(at(30))),
        ("b", Wake::Now),
        ("c", Wake::At(at(20))),
        ("d", Wake::Never),
        ("e", Wake::Now),
        ("f", Wake::At(at(20))),
    ];
    for (id, wake) in wakes {
        let opened = fixture.open(id);
        fixture.append(&opened, &Append::new().wake(wake));
    }
    let ids = |due: &[Due]| due.iter().map(|due| due.stream.id().to_owned()).collect::<String>();
    assert_eq!(ids(&fixture.due(at(29), None, 10)), "becf");
    assert_eq!(ids(&fixture.due(at(30), None, 10)), "becfa");
    assert_eq!(ids(&fixture.due(at(30), None, 0)), "");

    let (mut paged, mut after) = (String::new(), None);
    loop {
        let page = fixture.due(at(30), after.as_ref(), 2);
        paged.push_str(&ids(&page));
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
    }
    assert_eq!(paged, "becfa");

    // An append without a wake leaves it; one with another replaces it.
    let opened = fixture.open("c");
    fixture.append(&opened, &event("one"));
    assert_eq!(ids(&fixture.due(at(30), None, 10)), "becfa");
    fixture.append(&opened, &Append::new().wake(Wake::Never));
    assert_eq!(ids(&fixture.due(at(30), None, 10)), "befa");
}

#[test]
fn streams_of_a_kind_come_by_id() {
    let mut fixture = Fixture::new();
    for (kind, id) in [("b", "2"), ("a", "3"), ("b", "1"), ("c", "0"), ("b", "3"), ("ba", "9")] {
        let id = StreamId::new(kind, id).unwrap();
        let opened = fixture.state.open(&fixture.lease, &id).unwrap();
        fixture.append(&opened, &event("one"));
    }
    let list = |after: Option<&StreamId>, limit| {
        let streams = fixture.state.streams("b", after, limit).unwrap();
        streams.iter().map(|info| info.stream.id().to_owned()).collect::<String>()
    };
    assert_eq!(list(None, 10), "123");
    assert_eq!(list(None, 2), "12");
    let after = |kind, id| StreamId::new(kind, id).unwrap();
    assert_eq!(list(Some(&after("b", "1")), 10), "23");
    assert_eq!(list(Some(&after("a", "9")), 10), "123");
    assert_eq!(list(Some(&after("c", "0")), 10), "");
}
