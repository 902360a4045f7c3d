//! What a load gives.

use std::ops::Bound;
use std::time::Duration;

use super::Harness;
use super::ask::{event, same, text, version};
use super::store::Store;
use crate::append::{Append, Wake};
use crate::load::Load;
use crate::stream::Version;

pub(super) async fn a_stream_without_appends_is_at_version_zero(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.version, &Version::NONE, format!("it is at version 0, {way}"));
        same(&loaded.wake, &Wake::Never, format!("it is not to be woken, {way}"));
        same(&loaded.snapshot, &None, format!("it has no snapshot, {way}"));
        let empty = loaded.events.is_empty() && loaded.parts.is_empty() && loaded.more.is_none();
        assert!(empty, "there is nothing in it, {way}");
        let writer = store.writer(&stream).await;
        same(&writer.head(), &Version::NONE, format!("a writer begins at version 0, {way}"));
        drop(writer);
        let listed = store.streams("case", None, 10).await;
        same(&listed.len(), &0, format!("opening a stream writes nothing, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_load_gives_nothing_that_was_not_asked_for(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let first = event("one").put("a", text("a")).wake(Wake::Now);
    store.append(&stream, first.snapshot(Version::NONE, text("state"))).await;
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::new()).await;
        same(&loaded.version, &version(1), format!("the version is there, {way}"));
        same(&loaded.wake, &Wake::Now, format!("the wake is there, {way}"));
        let empty = loaded.events.is_empty() && loaded.parts.is_empty();
        assert!(empty && loaded.snapshot.is_none(), "nothing else is there, {way}");
        let loaded = store.load(&stream, Load::new().snapshot()).await;
        let snapshot = Some((Version::NONE, text("state")));
        same(&loaded.snapshot, &snapshot, format!("a snapshot that was asked for is there, {way}"));
        let empty = loaded.events.is_empty() && loaded.parts.is_empty();
        assert!(empty, "nothing but the snapshot is there, {way}");
    }
    store.end().await;
}

pub(super) async fn events_carry_their_version_and_time(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut expected = Vec::new();
    for number in 1..=3 {
        store.pass(Duration::from_micros(1_000_001));
        let both = event("one").event(text("two"));
        store.append(&stream, both).await;
        expected.extend([(version(number), store.now()); 2]);
    }
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        let events: Vec<_> = loaded.events.iter().map(|event| (event.version, event.at)).collect();
        same(&events, &expected, format!("events say with which append they came, {way}"));
        store.pass(Duration::from_secs(1));
    }
    store.end().await;
}

pub(super) async fn history_begins_behind_a_version(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    for number in 1..=6 {
        let one = event(&number.to_string());
        // The fourth has none.
        store.append(&stream, if number == 4 { Append::new() } else { one }).await;
    }
    for way in store.ways() {
        store.go(*way).await;
        for (after, expected) in [
            (0, vec![1, 2, 3, 5, 6]),
            (2, vec![3, 5, 6]),
            (3, vec![5, 6]),
            (4, vec![5, 6]),
            (5, vec![6]),
            (6, vec![]),
            (u64::MAX, vec![]),
        ] {
            let loaded = store.load(&stream, Load::new().events_after(version(after))).await;
            let events: Vec<_> = loaded.events.iter().map(|event| event.version.get()).collect();
            same(&events, &expected, format!("events behind version {after} are given, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn parts_are_given_by_their_keys(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let put = Append::new().put("a", text("1")).put("b", text("2")).put("b\0", text("3"));
    store.append(&stream, put.put("c", text("4"))).await;
    store.append(&stream, Append::new().delete("c")).await;
    for way in store.ways() {
        store.go(*way).await;
        for (asked, expected) in [
            (vec!["b\0", "b", "zz", "a", "a", "c"], vec!["a", "b", "b\0"]),
            (vec!["b"], vec!["b"]),
            (vec!["c", ""], vec![]),
            (vec![], vec![]),
        ] {
            let keys = asked.iter().map(|key| key.as_bytes().to_vec());
            let loaded = store.load(&stream, Load::new().parts(keys)).await;
            let parts: Vec<_> = loaded.parts.into_iter().map(|part| part.key).collect();
            let expected: Vec<_> = expected.iter().map(|key| key.as_bytes().to_vec()).collect();
            same(&parts, &expected, format!("the parts {asked:?} are given, in order, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn parts_are_given_between_keys(harness: &dyn Harness) {
    use Bound::{Excluded, Included, Unbounded};
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let put = ["a", "b", "bb", "c", "d"]
        .iter()
        .fold(Append::new(), |append, key| append.put(*key, text(key)));
    store.append(&stream, put).await;
    store.append(&stream, Append::new().put("b", text("again")).delete("d")).await;
    let neighbour = store.stream(0, 1);
    store.append(&neighbour, Append::new().put("b", text("of another stream"))).await;
    let ranges: [(Bound<&str>, Bound<&str>, &[&str]); 14] = [
        (Unbounded, Unbounded, &["a", "b", "bb", "c"]),
        (Included("b"), Included("c"), &["b", "bb", "c"]),
        (Included("b"), Excluded("c"), &["b", "bb"]),
        (Excluded("b"), Included("c"), &["bb", "c"]),
        (Excluded("b"), Excluded("c"), &["bb"]),
        (Included("aa"), Excluded("bc"), &["b", "bb"]),
        (Unbounded, Excluded("b"), &["a"]),
        (Excluded("bb"), Unbounded, &["c"]),
        (Included("b"), Included("b"), &["b"]),
        (Included("b"), Excluded("b"), &[]),
        (Excluded("b"), Excluded("b"), &[]),
        (Included("c"), Included("b"), &[]),
        (Excluded("z"), Excluded("a"), &[]),
        (Included("d"), Unbounded, &[]),
    ];
    let owned = |bound: Bound<&str>| bound.map(|key| key.as_bytes().to_vec());
    for way in store.ways() {
        store.go(*way).await;
        for (from, to, expected) in ranges {
            let load = Load::new().parts_between(owned(from), owned(to));
            let loaded = store.load(&stream, load).await;
            let parts: Vec<_> = loaded.parts.into_iter().map(|part| part.key).collect();
            let expected: Vec<_> = expected.iter().map(|key| key.as_bytes().to_vec()).collect();
            same(&parts, &expected, format!("the parts from {from:?} to {to:?} are given, {way}"));
        }
    }
    store.end().await;
}
