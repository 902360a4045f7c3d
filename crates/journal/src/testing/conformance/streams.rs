//! What an append does to its stream, and when it is seen.

use super::Harness;
use super::ask::{
    answer, append, at_once, event, named, ok, outcome, queue, queue_events, said, same, signal,
    text, version, within,
};
use super::store::Store;
use crate::append::{Append, Change, Payload, Wake};
use crate::load::Load;
use crate::stream::{MAX_ID, MAX_KIND, Position, Shard, Version};

pub(super) async fn appends_make_the_versions_one_two_three(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    assert_eq!(writer.head(), Version::NONE, "a stream begins before its first version");
    for number in 1..=5 {
        let committed = append(&mut writer, event("something")).await;
        assert_eq!(committed.version, version(number), "the n-th append makes version n");
        assert_eq!(writer.head(), version(number), "the head is the version of the last append");
    }
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::new()).await;
        same(&loaded.version, &version(5), format!("a stream keeps its version, {way}"));
        let head = store.writer(&stream).await.head();
        same(&head, &version(5), format!("a new writer goes on where the stream is, {way}"));
    }
    let next = store.append(&stream, event("more")).await;
    assert_eq!(next.version, version(6), "versions go on where the stream is");
    store.end().await;
}

pub(super) async fn the_head_counts_what_is_queued(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    let tickets = queue_events(&mut writer, 3).await;
    assert_eq!(writer.head(), version(3), "the head counts what is queued");
    for (ticket, number) in tickets.into_iter().zip(1..) {
        let committed = ok(outcome(ticket).await, "a queued append becomes durable");
        assert_eq!(committed.version, version(number), "versions are those of the queue");
    }
    drop(writer);
    store.end().await;
}

pub(super) async fn appends_of_a_writer_become_durable_in_their_order(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    let tickets = queue_events(&mut writer, 200).await;
    let mut last = Position::start(Shard::new(0));
    for ticket in tickets {
        let committed = ok(outcome(ticket).await, "a queued append becomes durable");
        assert!(committed.position.is_after(last), "positions rise in the order of the queue");
        last = committed.position;
    }
    drop(writer);
    let expected: Vec<_> = (0..200).map(|number| format!("queued {number}")).collect();
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        let events = said(loaded.events.iter().map(|event| &event.payload));
        same(&events, &expected, format!("events are in the order of the queue, {way}"));
    }
    store.end().await;
}

pub(super) async fn what_is_seen_becomes_durable(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    for round in 1..=50 {
        let end = store.log_end(0);
        let ticket = queue(&mut writer, event("perhaps seen")).await;
        let seen = store.load(&stream, Load::new()).await.version;
        let further = store.log_end(0).is_after(end);
        assert!(seen <= writer.head(), "a load sees nothing that was not appended");
        let committed = ok(outcome(ticket).await, "what was seen becomes durable");
        assert_eq!(committed.version, version(round), "what was seen is the version it was");
        if further {
            let entry = store.log(end, 1).await;
            assert_eq!(entry.len(), 1, "the end of the log moves when there is something");
        }
        let after = store.load(&stream, Load::new()).await.version;
        assert_eq!(after, committed.version, "a load sees what its ticket says is durable");
    }
    drop(writer);
    store.end().await;
}

pub(super) async fn what_was_seen_survives_a_crash(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !store.survives() {
        return store.end().await;
    }
    let stream = store.stream(0, 0);
    for _ in 0..10 {
        let mut writer = store.writer(&stream).await;
        let ticket = queue(&mut writer, event("perhaps seen")).await;
        let seen = store.load(&stream, Load::new()).await.version;
        let acknowledged = matches!(at_once(ticket).await, Some(Ok(_)));
        let least = if acknowledged { writer.head() } else { seen };
        store.crash().await;
        drop(writer);
        let found = store.load(&stream, Load::new()).await.version;
        assert!(found >= least, "what was seen is there after a crash: {found} is not {least}");
    }
    store.end().await;
}

pub(super) async fn everything_is_seen_when_its_ticket_says_so(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(1, 0);
    let from = store.log_end(1);
    let all = event("happened")
        .put("part", text("value"))
        .signal(signal("said"))
        .answer(answer("key", 1, store.time(3600)))
        .wake(Wake::Now);
    let committed = store.append(&stream, all.clone()).await;
    let loaded = store.load(&stream, Load::all()).await;
    assert_eq!(loaded.version, version(1), "a load sees what is durable");
    assert_eq!(loaded.events.len(), 1, "a load sees the event of what is durable");
    assert_eq!(loaded.parts.len(), 1, "a load sees the part of what is durable");
    assert_eq!(loaded.wake, Wake::Now, "a load sees the wake of what is durable");
    let due = store.due(1, store.now(), None, 10).await;
    assert_eq!(due.len(), 1, "a list of wakes sees what is durable");
    let streams = store.streams("case", None, 10).await;
    assert_eq!(streams.len(), 1, "a list of streams sees what is durable");
    let answered = store.journal().answer(&stream, "key", 1);
    let answered = ok(within("an answer is looked up", answered).await, "an answer is looked up");
    assert_eq!(answered, Some(text("answer to key")), "an answer is seen when it is durable");
    let end = store.log_end(1);
    assert!(!committed.position.is_after(end), "the log ends behind what is durable");
    let entries = store.log(from, 1).await;
    let changes: Vec<_> = entries.into_iter().flat_map(|entry| entry.changes).collect();
    assert_eq!(changes, all.changes(), "a reader of the log sees what is durable");
    let signals = store.signals(from, 1).await;
    let signals: Vec<_> = signals.into_iter().map(|entry| entry.signal).collect();
    assert_eq!(signals, [signal("said")], "a reader of signals sees what is durable");
    store.end().await;
}

pub(super) async fn changes_take_effect_in_their_order(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let first = Append::new().put("gone", text("old")).put("kept", text("old"));
    store.append(&stream, first).await;
    let second = event("first")
        .put("twice", text("first"))
        .event(text("second"))
        .put("twice", text("second"))
        .put("undone", text("never"))
        .delete("undone")
        .delete("redone")
        .put("redone", text("again"))
        .delete("gone")
        .delete("never there")
        .event(text("third"));
    store.append(&stream, second).await;
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        let events = said(loaded.events.iter().map(|event| &event.payload));
        same(&events, &["first", "second", "third"], format!("events keep their order, {way}"));
        let parts: Vec<_> = loaded.parts.iter().map(|part| part.key.as_slice()).collect();
        let keys: [&[u8]; 3] = [b"kept", b"redone", b"twice"];
        same(&parts, &keys, format!("parts are there that were put last, {way}"));
        let values = said(loaded.parts.iter().map(|part| &part.payload));
        same(&values, &["old", "again", "second"], format!("the last write wins, {way}"));
        let versions: Vec<_> = loaded.parts.iter().map(|part| part.version.get()).collect();
        same(&versions, &[1, 2, 2], format!("a part has the version that set it, {way}"));
    }
    store.append(&stream, Append::new().delete("kept").put("gone", text("back"))).await;
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        let parts: Vec<_> = loaded.parts.iter().map(|part| part.key.as_slice()).collect();
        let keys: [&[u8]; 3] = [b"gone", b"redone", b"twice"];
        same(&parts, &keys, format!("parts come and go over appends, {way}"));
    }
    store.end().await;
}

pub(super) async fn an_append_of_nothing_makes_a_version(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    store.append(&stream, event("something").wake(Wake::Now)).await;
    let committed = store.append(&stream, Append::new()).await;
    assert_eq!(committed.version, version(2), "an append of nothing makes a version");
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.version, &version(2), format!("an append of nothing is counted, {way}"));
        same(&loaded.events.len(), &1, format!("an append of nothing adds no event, {way}"));
        same(&loaded.wake, &Wake::Now, format!("an append of nothing keeps the wake, {way}"));
        let log = store.whole_log(0).await;
        let empty = log.iter().filter(|entry| entry.changes.is_empty()).count();
        same(&empty, &1, format!("an append of nothing is in the log, {way}"));
    }
    store.end().await;
}

pub(super) async fn payloads_come_back_as_they_were(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let payloads = [
        Payload::default(),
        Payload::new(u16::MAX, *b""),
        Payload::new(0, *b"\0"),
        Payload::new(2, (0..=u8::MAX).collect::<Vec<_>>()),
        Payload::new(3, vec![0xff; 70_000]),
    ];
    let mut all = Append::new();
    for (payload, key) in payloads.iter().zip(0_u8..) {
        all = all.event(payload.clone()).put([key], payload.clone());
    }
    all = all.put([0xff, 0, 0xff], text("any bytes are a key"));
    store.append(&stream, all.clone()).await;
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        let events: Vec<_> = loaded.events.iter().map(|event| event.payload.clone()).collect();
        same(&events, &payloads, format!("payloads of events come back as they were, {way}"));
        let changes = loaded.parts.iter().map(|p| Change::Put(p.key.clone(), p.payload.clone()));
        let put: Vec<_> = changes.collect();
        let expected: Vec<_> =
            all.changes().iter().filter(|c| matches!(c, Change::Put(..))).collect();
        let put: Vec<_> = put.iter().collect();
        same(&put, &expected, format!("payloads of parts come back as they were, {way}"));
    }
    store.end().await;
}

pub(super) async fn the_longest_names_and_keys_are_kept(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let kind = "k".repeat(MAX_KIND);
    let longest = named(&kind, &"\u{1f980}".repeat(MAX_ID / 4));
    let shorter = named(&kind, &"\u{1f980}".repeat(MAX_ID / 4 - 1));
    let key = vec![0xff; store.journal().limits().key];
    for stream in [&longest, &shorter] {
        store
            .append(stream, Append::new().put(key.clone(), text(stream.id())).wake(Wake::Now))
            .await;
    }
    for way in store.ways() {
        store.go(*way).await;
        for stream in [&longest, &shorter] {
            let loaded = store.load(stream, Load::new().parts([key.clone()])).await;
            let parts: Vec<_> = loaded.parts.into_iter().map(|part| part.payload).collect();
            same(&parts, &[text(stream.id())], format!("long keys are found, {way}"));
        }
        let listed = store.streams(&kind, None, 10).await;
        let listed: Vec<_> = listed.iter().map(|info| &info.stream).collect();
        same(&listed, &[&shorter, &longest], format!("long names are listed, {way}"));
    }
    store.end().await;
}

pub(super) async fn streams_do_not_see_each_other(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let streams = [("a", "1"), ("a", "11"), ("a.b", "1"), ("ab", "1"), ("a-", "1"), ("a", "1 ")];
    let streams = streams.map(|(kind, id)| named(kind, id));
    for stream in &streams {
        let name = stream.to_string();
        let until = store.time(3600);
        let all = event(&name).put("part", text(&name)).answer(answer("key", 1, until));
        store.append(stream, all.snapshot(Version::NONE, text(&name))).await;
    }
    for way in store.ways() {
        store.go(*way).await;
        for stream in &streams {
            let loaded = store.load(stream, Load::all()).await;
            let name = [stream.to_string()];
            let events = said(loaded.events.iter().map(|event| &event.payload));
            same(&events, &name, format!("events are those of the stream, {way}"));
            let parts = said(loaded.parts.iter().map(|part| &part.payload));
            same(&parts, &name, format!("parts are those of the stream, {way}"));
            let snapshot = loaded.snapshot.map(|(_, payload)| payload);
            let snapshot = said(snapshot.iter());
            same(&snapshot, &name, format!("the snapshot is that of the stream, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn an_append_is_made_though_nobody_waits(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let from = store.log_end(0);
    let mut writer = store.writer(&stream).await;
    drop(queue(&mut writer, event("its ticket is dropped")).await);
    drop(queue(&mut writer, event("its writer is dropped too")).await);
    drop(writer);
    let entries = store.log(from, 2).await;
    let versions: Vec<_> = entries.iter().map(|entry| entry.version.get()).collect();
    assert_eq!(versions, [1, 2], "an append is made all the same when its ticket is dropped");
    let head = store.writer(&stream).await.head();
    assert_eq!(head, version(2), "what a dropped writer had queued is there");
    store.end().await;
}
