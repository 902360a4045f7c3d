//! Signals that have passed their retention.

use std::time::Duration;

use super::ask::{fails, gap, ok, same, signal, within};
use super::store::{Store, Way};
use super::{Harness, Setup};
use crate::append::{Append, Payload, Signal};
use crate::codes;
use crate::options::Retention;
use crate::stream::{Position, Shard};

const SHARD: Shard = Shard::new(0);
const START: Position = Position::start(SHARD);

/// Fails unless a reader from the start is told of a gap, behind which exactly these are.
async fn begin_with_a_gap(store: &Store<'_>, kept: &[Position], way: Way) {
    let mut reader = ok(store.journal().signals(START), "signals are read");
    let what = format!("a reader behind retention is told of it, {way}");
    let error = fails(within("a reader is told", reader.next()).await, codes::GAP, what);
    let from = gap(&error, "from", SHARD);
    same(&from, &START, format!("a gap begins where the reader is, {way}"));
    ok(reader.skip(gap(&error, "to", SHARD)), "a reader goes on behind a gap");
    for expected in kept {
        let entry = ok(within("there is more", reader.next()).await, "signals are read");
        same(&entry.position, expected, format!("behind a gap nothing is missing, {way}"));
    }
}

pub(super) async fn signals_are_kept_for_their_time(harness: &dyn Harness) {
    let retention = Retention { signals_for: Duration::from_secs(1000), ..Retention::default() };
    let mut store = Store::with(harness, Setup { retention, ..Setup::default() }).await;
    let stream = store.stream(0, 0);
    let mut positions = Vec::new();
    for number in 0..10 {
        let one = Append::new().signal(signal(&format!("{number}")));
        positions.push(store.append(&stream, one).await.position);
        if number == 4 {
            store.pass(Duration::from_secs(500));
        }
    }
    store.pass(Duration::from_secs(499));
    for way in store.ways() {
        store.go(*way).await;
        assert_eq!(store.retain().await.signals, 0, "no signal has passed its time, {way}");
        let found = store.signals(START, 10).await;
        let found: Vec<_> = found.iter().map(|entry| entry.position).collect();
        same(&found, &positions, format!("signals are kept for their time, {way}"));
    }
    store.pass(Duration::from_secs(2));
    assert_eq!(store.retain().await.signals, 5, "half of the signals have passed their time");
    let kept = positions.split_off(5);
    for way in store.ways() {
        store.go(*way).await;
        begin_with_a_gap(&store, &kept, *way).await;
        let at_the_edge = store.signals(positions.last().copied().unwrap_or(START), 5).await;
        same(&at_the_edge.len(), &5, format!("who has read what was dropped has no gap, {way}"));
        let log = store.whole_log(0).await;
        same(&log.len(), &10, format!("the log has a retention of its own, {way}"));
    }
    store.pass(Duration::from_secs(1000));
    assert_eq!(store.retain().await.signals, 5, "all of the signals have passed their time");
    let next = store.append(&stream, Append::new().signal(signal("next"))).await.position;
    for way in store.ways() {
        store.go(*way).await;
        begin_with_a_gap(&store, &[next], *way).await;
    }
    store.end().await;
}

pub(super) async fn signals_are_kept_up_to_their_bytes(harness: &dyn Harness) {
    let retention = Retention { signal_bytes: 20_000, ..Retention::default() };
    let mut store = Store::with(harness, Setup { retention, ..Setup::default() }).await;
    let stream = store.stream(0, 0);
    let mut positions = Vec::new();
    let payload = Payload::new(1, vec![1; 1000]);
    for _ in 0..50 {
        let signal = Signal { class: 1, routing: "large".into(), payload: payload.clone() };
        positions.push(store.append(&stream, Append::new().signal(signal)).await.position);
    }
    let dropped = usize::try_from(store.retain().await.signals).unwrap_or(usize::MAX);
    let bytes = store.journal().stats().signal_bytes;
    assert!(bytes <= 20_000, "no more signals are kept than are to: {bytes} bytes");
    assert!(
        (31..50).contains(&dropped),
        "what is over goes, and the rest does not: {dropped} of 50"
    );
    let kept = positions.split_off(dropped);
    for way in store.ways() {
        store.go(*way).await;
        begin_with_a_gap(&store, &kept, *way).await;
    }
    assert_eq!(store.retain().await.signals, 0, "what was dropped is not dropped again");
    store.end().await;
}

pub(super) async fn a_pass_with_nothing_to_drop_drops_nothing(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let empty = store.retain().await;
    assert_eq!(empty, crate::stats::Retained::default(), "of an empty store nothing is dropped");
    let stream = store.stream(0, 0);
    store.append(&stream, Append::new().signal(signal("kept"))).await;
    for way in store.ways() {
        store.go(*way).await;
        let pass = store.retain().await;
        same(&pass, &crate::stats::Retained::default(), format!("nothing is dropped, {way}"));
        let found = store.signals(START, 1).await.len();
        same(&found, &1, format!("what has not passed its retention is kept, {way}"));
    }
    store.end().await;
}
