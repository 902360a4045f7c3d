//! Closing, crashing, counting.

use super::Harness;
use super::ask::{
    answer, append, at_once, attempt, event, fails, ok, outcome, permit, queue, queue_events,
    refuses, same, signal, text, try_queue, version, within,
};
use super::store::Store;
use crate::append::Append;
use crate::codes;
use crate::error::is_refused;
use crate::load::{Load, Loaded};
use crate::permit::Share;
use crate::stream::{Position, Shard, Version};

pub(super) async fn a_closed_journal_refuses_everything(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, lease) = (store.stream(0, 0), store.lease(0).await);
    let mut writer = store.writer(&stream).await;
    append(&mut writer, event("before")).await;
    let ready = permit(&writer).await;
    let (end, shard) = (store.log_end(0), Shard::new(0));
    let mut log = ok(store.journal().log(end), "a log is read");
    let mut signals = ok(store.journal().signals(end), "signals are read");
    let journal = store.journal().clone();
    ok(within("a journal closes", journal.close()).await, "a journal closes");
    let closed = codes::STORE_CLOSED;
    let what = "a closed journal refuses everything";
    refuses(writer.append(ready, event("after")), closed, "a closed journal takes no append");
    fails(within(what, writer.permit(Share::New, 1)).await, closed, "it gives no permit");
    fails(within(what, writer.permit(Share::Reserved, 1)).await, closed, "it gives no permit");
    fails(within(what, journal.acquire(shard)).await, closed, "no shard is acquired");
    fails(within(what, journal.renew(&lease)).await, closed, "no lease is renewed");
    fails(within(what, journal.open(&lease, &stream)).await, closed, "no stream is opened");
    fails(within(what, journal.load(&stream, Load::new())).await, closed, "no stream is loaded");
    fails(within(what, journal.answer(&stream, "key", 1)).await, closed, "no answer is given");
    let due = journal.due(shard, store.now(), None, 1);
    fails(within(what, due).await, closed, "no wakes are listed");
    fails(within(what, journal.streams("case", None, 1)).await, closed, "no stream is listed");
    let since = journal.signals_since(shard, store.now());
    fails(within(what, since).await, closed, "no time is looked up");
    fails(within(what, journal.retain()).await, closed, "nothing is dropped");
    fails(within(what, log.next()).await, closed, "a reader of the log is told");
    fails(within(what, signals.next()).await, closed, "a reader of signals is told");
    ok(within("a journal closes", journal.close()).await, "a journal closes twice");
    drop((writer, log, signals));
    store.end().await;
}

pub(super) async fn who_waits_for_a_journal_is_told_of_its_close(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let writer = store.writer(&stream).await;
    let (journal, end) = (store.journal().clone(), store.log_end(0));
    let mut reader = ok(journal.log(end), "a log is read");
    let next = reader.next();
    let mut next = std::pin::pin!(next);
    assert!(at_once(next.as_mut()).await.is_none(), "a reader waits when there is no more");
    ok(within("a journal closes", journal.close()).await, "a journal closes");
    let told = within("a reader that waits is told of a close", next).await;
    fails(told, codes::STORE_CLOSED, "a reader that waits is told of a close");
    drop(writer);
    store.end().await;
}

pub(super) async fn what_is_queued_is_committed_by_a_close(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let streams = [store.stream(0, 0), store.stream(1, 0)];
    let mut queued = Vec::new();
    let mut writers = Vec::new();
    for stream in &streams {
        let mut writer = store.writer(stream).await;
        queued.extend(queue_events(&mut writer, 20).await);
        writers.push(writer);
    }
    let journal = store.journal().clone();
    ok(within("a journal closes", journal.close()).await, "a journal closes");
    for ticket in queued {
        let committed = at_once(ticket).await;
        let committed =
            super::ask::some(committed, "on return of a close every ticket is answered");
        ok(committed, "what is queued is committed by a close");
    }
    drop((writers, journal));
    if store.survives() {
        store.reopen().await;
        for stream in &streams {
            let found = store.load(stream, Load::new()).await.version;
            assert_eq!(found, version(20), "what was queued before a close is there after it");
        }
    }
    store.end().await;
}

pub(super) async fn a_close_that_is_given_up_goes_on(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    let tickets = queue_events(&mut writer, 20).await;
    let journal = store.journal().clone();
    if let Some(closed) = at_once(journal.close()).await {
        ok(closed, "a journal closes");
    }
    for ticket in tickets {
        ok(outcome(ticket).await, "what was queued before a close is committed");
    }
    let lease = store.lease(0).await;
    within("a close that is given up goes on", lease.lost()).await;
    let loaded = within("a load ends", journal.load(&stream, Load::new())).await;
    fails(loaded, codes::STORE_CLOSED, "a close that is given up goes on");
    drop(writer);
    store.end().await;
}

pub(super) async fn what_was_acknowledged_is_there_after_a_crash(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !store.survives() {
        return store.end().await;
    }
    let streams = [store.stream(0, 0), store.stream(1, 0)];
    for round in 1..=5_u64 {
        for stream in &streams {
            let what = event(&round.to_string()).put("part", text(&round.to_string()));
            store.append(stream, what.signal(signal(&round.to_string()))).await;
        }
        if round % 2 == 0 {
            store.settle().await;
        }
        store.crash().await;
        for stream in &streams {
            let loaded = store.load(stream, Load::all()).await;
            assert_eq!(loaded.version, version(round), "what was acknowledged is there");
            assert_eq!(loaded.events.len(), usize::try_from(round).unwrap_or(0), "with its event");
            let part = loaded.parts.first().map(|part| part.payload.clone());
            assert_eq!(part, Some(text(&round.to_string())), "with its part");
            let from = Position::start(stream.shard(store.journal().shards()));
            let count = usize::try_from(round).unwrap_or(0);
            let last = store.signals(from, count).await.pop().map(|entry| entry.signal);
            assert_eq!(last, Some(signal(&round.to_string())), "with its signal");
        }
    }
    store.end().await;
}

pub(super) async fn an_append_is_there_wholly_or_not_at_all(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !store.survives() {
        return store.end().await;
    }
    for round in 0..10 {
        let stream = store.stream(0, round);
        let mut writer = store.writer(&stream).await;
        append(&mut writer, event("before")).await;
        let mut tickets = Vec::new();
        for number in 2..=10 {
            let until = store.time(3600);
            let number = number.to_string();
            let what = event(&number).put(number.as_str(), text(&number)).signal(signal(&number));
            let ticket = queue(&mut writer, what.answer(answer(&number, 1, until))).await;
            tickets.push(ticket);
        }
        store.crash().await;
        let mut told = Vec::new();
        for ticket in tickets {
            told.push(at_once(ticket).await);
        }
        drop(writer);
        let loaded = store.load(&stream, Load::all()).await;
        is_whole(&mut store, &loaded, round).await;
        for (told, number) in told.iter().zip(2..) {
            let there = loaded.version >= version(number);
            match told {
                Some(Ok(_)) => assert!(there, "what was acknowledged is there"),
                Some(Err(error)) if is_refused(error) => {
                    assert!(!there, "what was refused is not there");
                }
                Some(Err(_)) | None => {}
            }
        }
        store.append(&stream, event("after")).await;
    }
    store.end().await;
}

/// Every append up to the version is there with all it did, and nothing of those behind it.
async fn is_whole(store: &mut Store<'_>, loaded: &Loaded, round: usize) {
    let stream = store.stream(0, round);
    let there: Vec<_> = (2..=loaded.version.get()).map(|number| number.to_string()).collect();
    let events = super::ask::said(loaded.events.iter().skip(1).map(|event| &event.payload));
    same(&events, &there, "events are there wholly or not at all");
    let mut parts = super::ask::said(loaded.parts.iter().map(|part| &part.payload));
    parts.sort_by_key(|part| part.parse::<u64>().ok());
    same(&parts, &there, "parts are there wholly or not at all");
    for number in 2..=10_u64 {
        let key = number.to_string();
        let answer = store.journal().answer(&stream, &key, 1);
        let answer = ok(within("it is looked up", answer).await, "it is looked up");
        let expected = number <= loaded.version.get();
        assert_eq!(answer.is_some(), expected, "answers are there wholly or not at all");
    }
    let signals = store.whole_signals(0).await;
    let signals = signals.iter().filter(|entry| entry.stream == stream);
    let signals = super::ask::said(signals.map(|entry| &entry.signal.payload));
    same(&signals, &there, "signals are there wholly or not at all");
    let log = store.whole_log(0).await;
    let log = log.iter().filter(|entry| entry.stream == stream).count();
    let log = u64::try_from(log).ok();
    same(&log, &Some(loaded.version.get()), "the log has what the stream has");
}

pub(super) async fn what_was_done_is_counted(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, other) = (store.stream(0, 0), store.stream(1, 0));
    assert_eq!(store.journal().stats().appends, 0, "a new store has done nothing");
    let (mut writer, bystander) = (store.writer(&stream).await, store.writer(&other).await);
    assert_eq!(store.journal().stats().writers, 2, "streams with a writer are counted");
    append(&mut writer, Append::new().answer(answer("key", 1, store.time(3600)))).await;
    append(&mut writer, event("second")).await;
    let stats = store.journal().stats();
    assert_eq!((stats.appends, stats.refused, stats.unknown), (2, 0, 0), "appends are counted");
    assert!((1..=2).contains(&stats.groups), "groups are counted: {stats:?}");
    assert!(stats.bytes > 0, "bytes are counted: {stats:?}");
    let refused = try_queue(&mut writer, event("refused").expecting(Version::NONE)).await;
    refuses(refused, codes::VERSION_CONFLICT, "the stream is at 2");
    let refused = Append::new().answer(answer("key", 1, store.time(3600)));
    let refused = attempt(&mut writer, refused).await;
    refuses(refused, codes::KEY_ANSWERED, "a key is answered once");
    let stats = store.journal().stats();
    assert_eq!((stats.appends, stats.refused), (2, 2), "refused appends are counted");
    drop(writer);
    assert_eq!(store.journal().stats().writers, 1, "a writer that is dropped frees its stream");
    drop(bystander);
    assert_eq!(store.journal().stats().writers, 0, "a writer that is dropped frees its stream");
    store.settle().await;
    assert_eq!(store.journal().stats().appends, 2, "housekeeping appends nothing");
    if store.survives() {
        store.reopen().await;
        assert_eq!(store.journal().stats().appends, 0, "counts are of a journal since it opened");
    }
    store.end().await;
}
