//! Idempotency: recorded answers, and appends that would record a second one.

use std::time::Duration;

use super::Harness;
use super::ask::{
    answer, append, attempt, event, fails, ok, outcome, queue, refuses, same, signal, text,
    try_queue, version, within,
};
use super::store::{Store, Way};
use crate::append::{Append, Payload};
use crate::codes;
use crate::load::Load;
use crate::stream::StreamId;

async fn found(store: &Store<'_>, stream: &StreamId, key: &str) -> Option<Payload> {
    let answer = store.journal().answer(stream, key, 1);
    ok(within("an answer is looked up", answer).await, "an answer is looked up")
}

/// An append that answers `key`, with everything that could be left behind when it is refused.
fn answering(store: &Store<'_>, key: &str, fingerprint: u128) -> Append {
    event("of an answer")
        .put("refused", text("never there"))
        .signal(signal("answered"))
        .wake(crate::append::Wake::Now)
        .answer(answer(key, fingerprint, store.time(3600)))
}

pub(super) async fn an_answer_is_found_again(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, other) = (store.stream(0, 0), store.stream(0, 1));
    let until = store.time(3600);
    let both = Append::new().answer(answer("key", 1, until)).answer(answer("key2", 1, until));
    store.append(&stream, both).await;
    for way in store.ways() {
        store.go(*way).await;
        for key in ["key", "key2"] {
            let expected = Some(text(&format!("answer to {key}")));
            same(&found(&store, &stream, key).await, &expected, format!("it is found, {way}"));
        }
        for (stream, key) in [(&stream, "ke"), (&stream, "key3"), (&other, "key")] {
            let none = found(&store, stream, key).await;
            same(&none, &None, format!("{key} of {stream} has no answer, {way}"));
        }
        let reused = store.journal().answer(&stream, "key", u128::MAX);
        let reused = within("an answer is looked up", reused).await;
        fails(reused, codes::KEY_REUSED, format!("a key is for one command, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_key_is_answered_once(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, other) = (store.stream(0, 0), store.stream(0, 1));
    store.append(&stream, Append::new().answer(answer("key", 1, store.time(3600)))).await;
    for way in store.ways() {
        store.go(*way).await;
        for (fingerprint, code) in [(1, codes::KEY_ANSWERED), (2, codes::KEY_REUSED)] {
            let mut writer = store.writer(&stream).await;
            let mut bystander = store.writer(&other).await;
            let before = queue(&mut bystander, event("before")).await;
            let again = answering(&store, "key", fingerprint);
            let refused = queue(&mut writer, again).await;
            let after = queue(&mut bystander, event("after")).await;
            let what = format!("a key is answered once, {way}");
            refuses(outcome(refused).await, code, &what);
            let later = try_queue(&mut writer, event("later")).await;
            refuses(
                later,
                codes::WRITER_FENCED,
                format!("nothing follows what was refused, {way}"),
            );
            ok(outcome(before).await, "an append of another stream becomes durable");
            ok(outcome(after).await, "an append of another stream becomes durable");
        }
        nothing_was_written(&mut store, &stream, 1, *way).await;
    }
    store.end().await;
}

/// Nothing of [`answering`] is anywhere, and the stream is at that version.
async fn nothing_was_written(store: &mut Store<'_>, stream: &StreamId, at: u64, way: Way) {
    let loaded = store.load(stream, Load::all()).await;
    same(&loaded.version, &version(at), format!("a refused append makes no version, {way}"));
    same(&loaded.parts.len(), &0, format!("a refused append puts no part, {way}"));
    same(&loaded.events.len(), &0, format!("a refused append has no event, {way}"));
    same(&loaded.wake, &crate::append::Wake::Never, format!("it sets no wake, {way}"));
    let due = store.due(0, store.now(), None, 10).await;
    same(&due.len(), &0, format!("nothing is due by a refused append, {way}"));
    let log = store.whole_log(0).await;
    let log = log.iter().filter(|entry| entry.stream == *stream).count();
    same(&u64::try_from(log).unwrap_or(0), &at, format!("a refused append is in no log, {way}"));
    let signals = store.whole_signals(0).await;
    same(&signals.len(), &0, format!("signals of a refused append are not there, {way}"));
}

pub(super) async fn of_two_queued_answers_the_first_counts(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let streams = [0, 1, 2].map(|number| store.stream(0, number));
    for (stream, (fingerprint, code)) in
        streams.iter().zip([(1, codes::KEY_ANSWERED), (2, codes::KEY_REUSED)])
    {
        let mut writer = store.writer(stream).await;
        let first = Append::new().answer(answer("key", 1, store.time(3600)));
        let first = queue(&mut writer, first).await;
        let second = queue(&mut writer, answering(&store, "key", fingerprint)).await;
        let third = try_queue(&mut writer, answering(&store, "other", 1)).await;
        let committed = ok(outcome(first).await, "the first answer counts");
        assert_eq!(committed.version, version(1), "the first answer makes the first version");
        refuses(outcome(second).await, code, "the second answer is refused");
        let third = match third {
            Ok(ticket) => outcome(ticket).await,
            Err(error) => Err(error),
        };
        refuses(third, codes::WRITER_FENCED, "what was queued behind a refused append is refused");
        let later = try_queue(&mut writer, event("later")).await;
        refuses(later, codes::WRITER_FENCED, "nothing follows what was refused");
    }
    for way in store.ways() {
        store.go(*way).await;
        for stream in streams.iter().take(2) {
            nothing_was_written(&mut store, stream, 1, *way).await;
            let other = found(&store, stream, "other").await;
            same(&other, &None, format!("answers of refused appends are not there, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn a_stream_goes_on_after_a_refused_answer(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    store.append(&stream, Append::new().answer(answer("key", 1, store.time(3600)))).await;
    let mut writer = store.writer(&stream).await;
    let refused = attempt(&mut writer, answering(&store, "key", 1)).await;
    refuses(refused, codes::KEY_ANSWERED, "a key is answered once");
    let mut writer = store.writer(&stream).await;
    assert_eq!(writer.head(), version(1), "a new writer begins where the stream is");
    let committed = append(&mut writer, event("second")).await;
    assert_eq!(committed.version, version(2), "a new writer goes on where the stream is");
    drop(writer);
    store.end().await;
}

pub(super) async fn an_answer_is_kept_until_its_time(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let (short, long) = (store.time(100), store.time(200));
    let both = Append::new().answer(answer("short", 1, short)).answer(answer("long", 1, long));
    store.append(&stream, both).await;
    store.pass(Duration::from_secs(99));
    for way in store.ways() {
        store.go(*way).await;
        assert_eq!(store.retain().await.answers, 0, "no answer has passed its time, {way}");
        for key in ["short", "long"] {
            let answer = found(&store, &stream, key).await;
            assert!(answer.is_some(), "an answer is kept until its time, {way}");
        }
    }
    store.pass(Duration::from_secs(2));
    assert_eq!(store.retain().await.answers, 1, "one answer has passed its time");
    for way in store.ways() {
        store.go(*way).await;
        let short = found(&store, &stream, "short").await;
        same(&short, &None, format!("an answer that passed its time is dropped, {way}"));
        let reused = store.journal().answer(&stream, "short", 2);
        let reused = ok(within("it is looked up", reused).await, "a dropped answer has no command");
        same(&reused, &None, format!("an answer that passed its time is dropped, {way}"));
        let long = found(&store, &stream, "long").await;
        assert!(long.is_some(), "an answer is kept until its time, {way}");
    }
    let again = Append::new().answer(answer("short", 2, store.time(1000)));
    store.append(&stream, again).await;
    let reused = within("it is looked up", store.journal().answer(&stream, "short", 1)).await;
    fails(reused, codes::KEY_REUSED, "a key whose answer was dropped may be answered anew");
    store.pass(Duration::from_secs(500));
    assert_eq!(store.retain().await.answers, 1, "the other answer has passed its time");
    let mut writer = store.writer(&stream).await;
    let again = attempt(&mut writer, answering(&store, "short", 2)).await;
    refuses(again, codes::KEY_ANSWERED, "an answer is kept until its new time");
    drop(writer);
    store.end().await;
}
