//! Wakes, and lists of streams.

use std::time::Duration;

use jiff::Timestamp;

use super::Harness;
use super::ask::{append, event, fails, named, same, text, version, within};
use super::store::{Store, Way};
use crate::append::{Append, Wake};
use crate::codes;
use crate::load::{Due, Load};
use crate::stream::{Shard, StreamId};

fn wake(wake: Wake) -> Append {
    Append::new().wake(wake)
}

/// Fails unless exactly these are due, in this order.
async fn are_due(
    store: &Store<'_>,
    until: Timestamp,
    streams: &[(Timestamp, &StreamId)],
    way: Way,
) {
    let expected: Vec<_> =
        streams.iter().map(|(since, stream)| Due::new(*since, (*stream).clone())).collect();
    let due = store.due(0, until, None, 100).await;
    same(&due, &expected, format!("what is due is listed, the earliest first, {way}"));
}

pub(super) async fn a_stream_is_due_from_its_time_on(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let [early, late, now, never] = [0, 1, 2, 3].map(|number| store.stream(0, number));
    let (soon, later) = (store.time(10), store.time(20));
    store.append(&late, wake(Wake::At(later))).await;
    store.append(&early, wake(Wake::At(soon))).await;
    store.append(&now, wake(Wake::Now)).await;
    store.append(&never, wake(Wake::Never)).await;
    store.append(&store.stream(0, 4), event("sets no wake")).await;
    store.append(&store.stream(1, 0), wake(Wake::Now)).await;
    let micro = Duration::from_micros(1);
    for way in store.ways() {
        store.go(*way).await;
        let first = (Timestamp::MIN, &now);
        are_due(&store, store.time(0), &[first], *way).await;
        are_due(&store, soon - micro, &[first], *way).await;
        are_due(&store, soon, &[first, (soon, &early)], *way).await;
        are_due(&store, later - micro, &[first, (soon, &early)], *way).await;
        are_due(&store, later, &[first, (soon, &early), (later, &late)], *way).await;
        are_due(&store, Timestamp::MAX, &[first, (soon, &early), (later, &late)], *way).await;
        are_due(&store, Timestamp::MIN, &[first], *way).await;
        for (stream, expected) in
            [(&early, Wake::At(soon)), (&now, Wake::Now), (&never, Wake::Never)]
        {
            let found = store.load(stream, Load::new()).await.wake;
            same(&found, &expected, format!("a load gives the wake, {way}"));
        }
        let other: Vec<_> = store.due(1, store.now(), None, 100).await;
        same(&other.len(), &1, format!("each shard has its own, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_stream_has_one_wake(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let [a, b, c] = [0, 1, 2].map(|number| store.stream(0, number));
    let (early, late) = (store.time(-10), store.time(10));
    for stream in [&a, &b, &c] {
        store.append(stream, wake(Wake::At(late)).wake(Wake::At(early))).await;
    }
    for way in store.ways() {
        store.go(*way).await;
        let mut all = [(early, &a), (early, &b), (early, &c)];
        all.sort();
        are_due(&store, store.now(), &all, *way).await;
        are_due(&store, Timestamp::MAX, &all, *way).await;
    }
    store.append(&a, wake(Wake::At(late))).await;
    store.append(&b, wake(Wake::Never)).await;
    store.append(&c, event("leaves the wake alone")).await;
    for way in store.ways() {
        store.go(*way).await;
        are_due(&store, store.now(), &[(early, &c)], *way).await;
        are_due(&store, Timestamp::MAX, &[(early, &c), (late, &a)], *way).await;
    }
    store.append(&a, wake(Wake::Now)).await;
    store.append(&b, wake(Wake::At(late))).await;
    store.append(&c, wake(Wake::Never)).await;
    for way in store.ways() {
        store.go(*way).await;
        are_due(&store, store.now(), &[(Timestamp::MIN, &a)], *way).await;
        are_due(&store, Timestamp::MAX, &[(Timestamp::MIN, &a), (late, &b)], *way).await;
    }
    store.end().await;
}

pub(super) async fn due_streams_are_listed_in_pages(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let mut expected = Vec::new();
    for number in 0..20 {
        let stream = store.stream(0, number);
        // Several have the same time, and some are due now; every other one is folded when the
        // rest comes.
        let set = match number % 5 {
            0 => Wake::Now,
            step => Wake::At(store.time(i64::try_from(step).unwrap_or(0))),
        };
        store.append(&stream, wake(set)).await;
        if number == 10 {
            store.settle().await;
        }
        expected.push(Due::new(set.due_from().unwrap_or(Timestamp::MAX), stream));
    }
    expected.sort_by(|one, other| (one.since, &one.stream).cmp(&(other.since, &other.stream)));
    let until = store.time(3);
    let limit = expected.iter().take_while(|due| due.since <= until).count();
    expected.truncate(limit);
    for way in store.ways() {
        store.go(*way).await;
        for page in [1, 3, 7, limit, 100] {
            let mut found: Vec<Due> = Vec::new();
            loop {
                let more = store.due(0, until, found.last(), page).await;
                assert!(more.len() <= page, "a page of {page} has no more, {way}");
                // An engine that gives the same again and again would not end.
                if more.is_empty() || found.len() > expected.len() {
                    break;
                }
                found.extend(more);
            }
            same(&found, &expected, format!("pages of {page} have all of them, {way}"));
        }
        let none = store.due(0, until, None, 0).await;
        same(&none.len(), &0, format!("a page of nothing is empty, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_page_begins_behind_what_is_no_longer_due(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let mut streams = [0, 1, 2, 3].map(|number| store.stream(0, number));
    streams.sort();
    for stream in &streams {
        store.append(stream, wake(Wake::Now)).await;
    }
    let [first, second, third, fourth] = &streams;
    store.append(second, wake(Wake::Never)).await;
    for way in store.ways() {
        store.go(*way).await;
        let behind = Due::new(Timestamp::MIN, second.clone());
        let due = store.due(0, store.now(), Some(&behind), 10).await;
        let due: Vec<_> = due.iter().map(|due| &due.stream).collect();
        same(&due, &[third, fourth], format!("a page begins behind what is not there, {way}"));
        let due = store.due(0, store.now(), None, 2).await;
        let due: Vec<_> = due.iter().map(|due| &due.stream).collect();
        same(&due, &[first, third], format!("a stream that was woken is left out, {way}"));
    }
    store.end().await;
}

pub(super) async fn listing_changes_nothing(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    store.append(&stream, wake(Wake::Now)).await;
    for way in store.ways() {
        store.go(*way).await;
        are_due(&store, store.now(), &[(Timestamp::MIN, &stream)], *way).await;
        are_due(&store, store.now(), &[(Timestamp::MIN, &stream)], *way).await;
    }
    let mut writer = store.writer(&stream).await;
    let committed = append(&mut writer, wake(Wake::Never)).await;
    assert_eq!(committed.version, version(2), "listing makes no version");
    are_due(&store, store.now(), &[], Way::Written).await;
    drop(writer);
    store.end().await;
}

pub(super) async fn streams_of_a_kind_are_listed(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let ids = ["", "1", "10", "2", "a", "A", "ab", "a b", "\u{e9}", "z"];
    let mut expected = Vec::new();
    for kind in ["a", "a.b", "ab", "a-", "b"] {
        for id in ids.iter().filter(|id| !id.is_empty()) {
            let stream = named(kind, id);
            store.append(&stream, event("is there")).await;
            expected.push(stream);
        }
        store.settle().await;
    }
    expected.sort();
    for way in store.ways() {
        store.go(*way).await;
        for kind in ["a", "a.b", "ab", "a-", "b", "c", "0"] {
            let of_kind: Vec<_> =
                expected.iter().filter(|stream| stream.kind() == kind).cloned().collect();
            for page in [1, 4, 100] {
                let mut found: Vec<StreamId> = Vec::new();
                loop {
                    let more = store.streams(kind, found.last(), page).await;
                    assert!(more.len() <= page, "a page of {page} has no more, {way}");
                    // An engine that gives the same again and again would not end.
                    if more.is_empty() || found.len() > of_kind.len() {
                        break;
                    }
                    found.extend(more.into_iter().map(|info| info.stream));
                }
                same(&found, &of_kind, format!("pages of {page} have all of {kind:?}, {way}"));
            }
        }
        let behind = named("a", "1x");
        let found = store.streams("a", Some(&behind), 1).await;
        let found: Vec<_> = found.iter().map(|info| info.stream.id()).collect();
        same(&found, &["2"], format!("a page begins behind what is not there, {way}"));
        same(&store.streams("a", None, 0).await.len(), &0, format!("none were asked for, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_listed_stream_says_how_it_is(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(1, 0);
    let time = store.time(99);
    store.append(&stream, event("first").wake(Wake::At(time))).await;
    store.pass(Duration::from_secs(5));
    store.append(&stream, Append::new().put("part", text("second"))).await;
    let at = store.now();
    store.pass(Duration::from_secs(5));
    for way in store.ways() {
        store.go(*way).await;
        let listed = store.streams("case", None, 10).await;
        let [info] = listed.as_slice() else { panic!("one stream is listed, {way}: {listed:?}") };
        same(&info.stream, &stream, format!("its name is listed, {way}"));
        same(&info.version, &version(2), format!("its version is listed, {way}"));
        same(&info.wake, &Wake::At(time), format!("its wake is listed, {way}"));
        same(&info.at, &at, format!("the time of its last append is listed, {way}"));
    }
    store.end().await;
}

pub(super) async fn what_is_no_shard_or_kind_is_refused(harness: &dyn Harness) {
    let store = Store::new(harness).await;
    let (journal, none) = (store.journal(), Shard::new(2));
    let what = "there is no shard 2";
    fails(within(what, journal.acquire(none)).await, codes::NO_SUCH_SHARD, what);
    let due = journal.due(none, store.now(), None, 1);
    fails(within(what, due).await, codes::NO_SUCH_SHARD, what);
    let since = journal.signals_since(none, store.now());
    fails(within(what, since).await, codes::NO_SUCH_SHARD, what);
    fails(journal.end(none), codes::NO_SUCH_SHARD, what);
    let start = crate::stream::Position::start(none);
    fails(journal.log(start), codes::NO_SUCH_SHARD, what);
    fails(journal.signals(start), codes::NO_SUCH_SHARD, what);
    let streams = journal.streams("No Kind", None, 1);
    let what = "a kind has no space";
    fails(within(what, streams).await, codes::INVALID_RECORD, what);
    store.end().await;
}
