//! Readers of the log.

use std::time::Duration;

use super::ask::{
    answer, append, at_once, event, fails, ok, queue, queue_events, same, signal, text, version,
    within,
};
use super::store::Store;
use super::{Harness, Setup};
use crate::append::{Append, Wake};
use crate::codes;
use crate::handle::LogReader;
use crate::options::Retention;
use crate::stream::{Position, Shard, Version};

const START: Position = Position::start(Shard::new(0));

pub(super) async fn the_log_has_every_append_with_all_it_did(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let streams = [store.stream(0, 0), store.stream(0, 1)];
    let appends = [
        event("first").event(text("second")).put("part", text("value")).delete("gone"),
        Append::new().signal(signal("one")).answer(answer("key", u128::MAX, store.time(3600))),
        Append::new().wake(Wake::Never).wake(Wake::Now).wake(Wake::At(store.time(10))),
        Append::new(),
        Append::new().snapshot(version(1), text("state")).signal(signal("two")).put("a", text("")),
        Append::tombstone(),
    ];
    let mut expected = Vec::new();
    for append in &appends {
        for stream in &streams {
            store.pass(Duration::from_secs(1));
            let committed = store.append(stream, append.clone()).await;
            let (position, version) = (committed.position, committed.version);
            expected.push((
                position,
                stream.clone(),
                version,
                store.now(),
                append.changes().to_vec(),
            ));
        }
    }
    store.append(&store.stream(1, 0), event("in another shard")).await;
    for way in store.ways() {
        store.go(*way).await;
        store.retain().await;
        let log = store.log(START, expected.len()).await;
        let log: Vec<_> =
            log.into_iter().map(|e| (e.position, e.stream, e.version, e.at, e.changes)).collect();
        same(&log, &expected, format!("the log has every append as it was, {way}"));
    }
    store.end().await;
}

pub(super) async fn positions_rise_and_are_of_their_shard(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let streams = [store.stream(0, 0), store.stream(1, 0)];
    let mut last = [0, 1].map(|shard| Position::start(Shard::new(shard)));
    for way in store.ways() {
        store.go(*way).await;
        for (last, shard) in last.iter().zip(0..) {
            let end = store.log_end(shard);
            assert!(!last.is_after(end), "the log ends behind what is durable, {way}");
        }
        for round in 0..10 {
            for (stream, last) in streams.iter().zip(&mut last) {
                let what = event("one").signal(signal("one")).signal(signal("two"));
                let committed = store.append(stream, what).await;
                let risen = committed.position.is_after(*last);
                assert!(risen, "positions rise, {way}, in round {round}");
                *last = committed.position;
            }
        }
    }
    let [one, other] = last;
    assert!(!one.is_after(other) && !other.is_after(one), "positions of shards do not compare");
    store.end().await;
}

pub(super) async fn a_reader_begins_behind_its_position(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut positions = vec![START];
    for _ in 1..=10 {
        positions.push(store.append(&stream, event("one")).await.position);
    }
    for way in store.ways() {
        store.go(*way).await;
        for (position, next) in positions.iter().zip(positions.iter().skip(1)) {
            // A position may have been written down in between.
            let position = Position::new(position.shard(), position.number());
            let entries = store.log(position, 1).await;
            let found = entries.first().map(|entry| entry.position);
            same(&found, &Some(*next), format!("a reader begins behind its position, {way}"));
        }
    }
    let end = store.log_end(0);
    let next = store.append(&stream, event("next")).await;
    let entries = store.log(end, 1).await;
    let found = entries.first().map(|entry| entry.position);
    assert_eq!(found, Some(next.position), "behind the end comes what is appended next");
    store.end().await;
}

pub(super) async fn a_reader_that_waits_is_given_what_comes(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, other) = (store.stream(0, 0), store.stream(1, 0));
    let (mut writer, mut bystander) = (store.writer(&stream).await, store.writer(&other).await);
    let mut reader = ok(store.journal().log(store.log_end(0)), "a log is read");
    for round in 1..=5 {
        assert!(at_once(reader.next()).await.is_none(), "a reader waits when there is no more");
        append(&mut bystander, event("in another shard")).await;
        assert!(at_once(reader.next()).await.is_none(), "a reader waits for its own shard");
        // Two signals, so that the log ends behind the position of the append.
        let what = event("comes").signal(signal("one")).signal(signal("two"));
        let (entry, committed) = {
            let next = reader.next();
            let mut next = std::pin::pin!(next);
            assert!(at_once(next.as_mut()).await.is_none(), "a reader waits");
            let ticket = queue(&mut writer, what).await;
            let entry = ok(within("a reader is woken", next).await, "a log is read");
            let committed = super::ask::outcome(ticket).await;
            (entry, ok(committed, "what a reader was given is durable"))
        };
        assert_eq!(entry.position, committed.position, "a reader is given the next append");
        assert_eq!(entry.version, version(round), "a reader is given each append once");
        assert_eq!(reader.position(), committed.position, "a reader is behind what it gave");
    }
    drop((reader, writer, bystander));
    store.end().await;
}

pub(super) async fn a_reader_that_gave_up_has_lost_nothing(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    let mut reader = ok(store.journal().log(store.log_end(0)), "a log is read");
    let mut last = Version::NONE;
    for _ in 0..20 {
        // Given up while it waits, while the append is on its way, and while it reads.
        assert!(at_once(reader.next()).await.is_none(), "a reader waits when there is no more");
        let ticket = queue(&mut writer, event("comes")).await;
        let mut given = at_once(reader.next()).await;
        let committed = ok(super::ask::outcome(ticket).await, "an append becomes durable");
        for _ in 0..3 {
            if given.is_none() {
                given = at_once(reader.next()).await;
            }
        }
        let entry = match given {
            Some(entry) => entry,
            None => within("the log has more", reader.next()).await,
        };
        let entry = ok(entry, "a log is read");
        assert_eq!(entry.version, last.next(), "a reader that gave up has lost nothing");
        assert_eq!(entry.version, committed.version, "a reader that gave up has lost nothing");
        last = entry.version;
    }
    drop((reader, writer));
    store.end().await;
}

pub(super) async fn a_long_log_is_read_without_gaps(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    // More than a reader takes at a time, a part of it folded.
    let mut count = 0;
    for _ in 0..7 {
        let tickets = queue_events(&mut writer, 100).await;
        count += super::ask::durable_first(tickets, &[]).await;
        if count == 300 {
            store.settle().await;
        }
    }
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        let log = store.log(START, 700).await;
        let versions: Vec<_> = log.iter().map(|entry| entry.version.get()).collect();
        let expected: Vec<_> = (1..=700).collect();
        same(&versions, &expected, format!("a reader is given every append, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_reader_behind_retention_is_told_of_a_gap(harness: &dyn Harness) {
    let retention = Retention { log_bytes: 2000, ..Retention::default() };
    let mut store = Store::with(harness, Setup { retention, ..Setup::default() }).await;
    let stream = store.stream(0, 0);
    let mut positions = Vec::new();
    for _ in 0..100 {
        let what = event(&"x".repeat(100)).put("part", text("kept")).signal(signal("kept"));
        positions.push(store.append(&stream, what).await.position);
    }
    store.retain().await;
    for way in store.ways() {
        store.go(*way).await;
        // It is not folded, or the newest: in either case it is kept.
        let last = store.append(&stream, event("last")).await.position;
        positions.push(last);
        let mut reader = ok(store.journal().log(START), "a log is read");
        let what = format!("a reader behind retention is told of it, {way}");
        let error = fails(within("a reader is told", reader.next()).await, codes::GAP, &what);
        let from = super::ask::gap(&error, "from", Shard::new(0));
        same(&from, &START, format!("a gap begins where the reader is, {way}"));
        let to = super::ask::gap(&error, "to", Shard::new(0));
        assert!(to.is_after(from), "a gap ends behind where the reader is, {way}");
        let again = within("a reader is told", reader.next()).await;
        fails(again, codes::GAP, format!("a reader is told until it goes on, {way}"));
        // A store may drop more at any time, so it is told of gaps until there is something.
        let first = first_kept(&mut reader, to).await;
        let behind = positions.iter().skip_while(|it| **it != first).skip(1);
        for expected in behind {
            let entry = ok(within("there is more", reader.next()).await, "a log is read");
            same(&entry.position, expected, format!("behind a gap nothing is missing, {way}"));
        }
        drop(reader);
        let signals = store.signals(START, 100).await.len();
        same(&signals, &100, format!("signals have a retention of their own, {way}"));
        let loaded = store.load(&stream, crate::load::Load::all()).await;
        same(&loaded.parts.len(), &1, format!("state is kept without its log, {way}"));
        assert!(loaded.events.len() >= 100, "events are kept without their log, {way}");
    }
    store.end().await;
}

/// Where the first append behind `to` is, or behind the gaps that come there.
async fn first_kept(reader: &mut LogReader, mut to: Position) -> Position {
    for _ in 0..100 {
        ok(reader.skip(to), "a reader goes on behind a gap");
        let next = within("there is more", reader.next()).await;
        match next {
            Ok(entry) => return entry.position,
            Err(error) => {
                let error = fails(Err::<(), _>(error), codes::GAP, "behind a gap a log is read");
                let later = super::ask::gap(&error, "to", Shard::new(0));
                assert!(later.is_after(to), "a gap ends behind where the reader is");
                to = later;
            }
        }
    }
    panic!("behind a gap a log is read, and there are only gaps");
}
