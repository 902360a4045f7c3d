//! A shard has one owner.

use super::Harness;
use super::ask::{
    append, at_once, durable_first, event, fails, ok, permit, queue_events, refuses, same,
    try_queue, version, within,
};
use super::store::Store;
use crate::codes;
use crate::load::Load;
use crate::stream::{Epoch, Shard};

pub(super) async fn a_later_lease_has_a_greater_epoch(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let mut last = [None::<Epoch>; 2];
    for round in 0..3 {
        for (last, shard) in last.iter_mut().zip(0..) {
            // One shard is taken over more often than the other.
            for _ in 0..=shard {
                let lease = store.acquire(shard).await;
                assert_eq!(lease.shard(), Shard::new(shard), "a lease is of the shard");
                assert!(!lease.is_lost(), "a lease that was just given is not lost");
                let later = last.is_none_or(|last| lease.epoch() > last);
                assert!(later, "epochs rise, in round {round}: {:?} after {last:?}", lease.epoch());
                *last = Some(lease.epoch());
            }
        }
        if !store.survives() {
            continue;
        }
        match round {
            0 => store.reopen().await,
            1 => store.crash().await,
            _ => {}
        }
    }
    store.end().await;
}

pub(super) async fn who_takes_a_shard_over_ends_the_lease_before(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let old = store.lease(0).await;
    let clone = old.clone();
    let mut writer = store.writer(&stream).await;
    append(&mut writer, event("under the old lease")).await;
    ok(within("a lease is renewed", store.journal().renew(&old)).await, "a lease is renewed");
    assert!(at_once(old.lost()).await.is_none(), "a lease holds until it is taken over");
    let ready = permit(&writer).await;
    let new = store.acquire(0).await;
    assert!(old.is_lost() && clone.is_lost(), "the lease before is lost, and says so");
    within("who waits for the loss of a lease is told", clone.lost()).await;
    assert!(!new.is_lost(), "the new lease is not lost");
    let refused = writer.append(ready, event("refused"));
    refuses(refused, codes::LEASE_LOST, "a writer under a lost lease is refused");
    let refused = try_queue(&mut writer, event("refused")).await;
    refuses(refused, codes::LEASE_LOST, "a writer under a lost lease stays refused");
    let renewed = within("a lease is renewed", store.journal().renew(&old)).await;
    fails(renewed, codes::LEASE_LOST, "a lost lease is not renewed");
    let opened = within("a stream opens", store.journal().open(&old, &stream)).await;
    fails(opened, codes::LEASE_LOST, "a lost lease opens nothing");
    let opened = within("a stream opens", store.journal().open(&new, &stream)).await;
    let mut opened = ok(opened, "the new owner opens streams");
    assert_eq!(opened.head(), version(1), "the new owner goes on where the stream is");
    append(&mut opened, event("under the new lease")).await;
    let refused = try_queue(&mut writer, event("refused")).await;
    assert!(refused.is_err(), "a writer under a lost lease is refused when there is another one");
    ok(within("a lease is renewed", store.journal().renew(&new)).await, "a lease is renewed");
    drop((writer, opened));
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::new()).await;
        same(&loaded.version, &version(2), format!("nothing of a lost lease is there, {way}"));
    }
    store.end().await;
}

pub(super) async fn what_was_queued_under_a_lost_lease_is_decided(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let streams = [store.stream(0, 0), store.stream(0, 1)];
    let mut before = [0; 2];
    for _ in 0..20 {
        let mut queued = Vec::new();
        let mut writers = Vec::new();
        let lease = store.acquire(0).await;
        for stream in &streams {
            let open = store.journal().open(&lease, stream);
            let mut writer = ok(within("a stream opens", open).await, "a stream opens");
            queued.push(queue_events(&mut writer, 10).await);
            writers.push(writer);
        }
        store.acquire(0).await;
        let mut seen = Vec::new();
        for stream in &streams {
            seen.push(store.load(stream, Load::new()).await.version);
        }
        for ((tickets, before), seen) in queued.into_iter().zip(&mut before).zip(seen) {
            *before += durable_first(tickets, &[codes::LEASE_LOST]).await;
            let what = "what is durable when a shard is taken over is all there is";
            assert_eq!(seen, version(*before), "{what}");
        }
    }
    for way in store.ways() {
        store.go(*way).await;
        for (stream, before) in streams.iter().zip(before) {
            let found = store.load(stream, Load::new()).await.version;
            same(&found, &version(before), format!("what was refused is not there, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn taking_a_shard_over_does_not_touch_another(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(1, 0);
    let lease = store.lease(1).await;
    let mut writer = store.writer(&stream).await;
    let tickets = queue_events(&mut writer, 5).await;
    store.acquire(0).await;
    store.acquire(0).await;
    assert_eq!(durable_first(tickets, &[]).await, 5, "appends in another shard become durable");
    assert!(!lease.is_lost(), "the lease of another shard is not lost");
    ok(within("a lease is renewed", store.journal().renew(&lease)).await, "a lease is renewed");
    append(&mut writer, event("goes on")).await;
    drop(writer);
    store.end().await;
}

pub(super) async fn a_lease_is_for_the_streams_of_its_shard(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (lease, stream) = (store.lease(0).await, store.stream(1, 0));
    let opened = within("a stream opens", store.journal().open(&lease, &stream)).await;
    fails(opened, codes::NO_SUCH_SHARD, "a lease opens no stream of another shard");
    let mut writer = store.writer(&stream).await;
    let committed = append(&mut writer, event("under its own lease")).await;
    assert_eq!(committed.position.shard(), Shard::new(1), "a position is of the stream's shard");
    drop(writer);
    store.end().await;
}

pub(super) async fn a_lease_does_not_outlive_its_journal(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, lease) = (store.stream(0, 0), store.lease(0).await);
    let writer = store.writer(&stream).await;
    let journal = store.journal().clone();
    ok(within("a journal closes", journal.close()).await, "a journal closes");
    within("who waits for the end of a lease is told of a close", lease.lost()).await;
    assert!(lease.is_lost(), "a close ends the leases");
    drop(writer);
    if store.survives() {
        store.reopen().await;
        let opened = within("a stream opens", store.journal().open(&lease, &stream)).await;
        fails(opened, codes::LEASE_LOST, "a lease of an earlier journal opens nothing");
        let renewed = within("a lease is renewed", store.journal().renew(&lease)).await;
        fails(renewed, codes::LEASE_LOST, "a lease of an earlier journal is not renewed");
    }
    store.end().await;
}
