//! What is too large, and what cannot be.

use foundation::Error;

use super::ask::{answer, append, fails, named, refuses, same, some, text, try_queue, version};
use super::store::Store;
use super::{Harness, Setup};
use crate::append::{Append, Limits, Payload, Signal};
use crate::codes;
use crate::handle::Writer;
use crate::load::Load;
use crate::stream::{MAX_ID, MAX_KIND, StreamId, Version};

const LIMITS: Limits = Limits { key: 16, payload: 100, changes: 8, append: 4096, blob: 1000 };

async fn small(harness: &dyn Harness) -> Store<'_> {
    Store::with(harness, Setup { limits: LIMITS, ..Setup::default() }).await
}

fn bytes(count: usize) -> Payload {
    Payload::new(1, vec![b'x'; count])
}

fn of_signal(routing: usize, payload: usize) -> Append {
    let routing = "r".repeat(routing);
    Append::new().signal(Signal { class: 0, routing, payload: bytes(payload) })
}

fn of_answer(store: &Store<'_>, key: usize, payload: usize) -> Append {
    let mut answer = answer(&"k".repeat(key), 1, store.time(3600));
    answer.payload = bytes(payload);
    Append::new().answer(answer)
}

/// A size in the details of an error.
fn number(error: &Error, key: &str) -> usize {
    let detail = some(error.details().get(key), format!("the error says the {key}"));
    let number = detail.as_u64().and_then(|number| usize::try_from(number).ok());
    some(number, format!("the {key} is a number"))
}

/// Which field the details of an error name.
fn field_of(error: &Error) -> &str {
    let detail = some(error.details().get("field"), "the error says which field");
    some(detail.as_str(), "a field is text")
}

/// Fails unless an append is refused with that field, and nothing of it is queued.
async fn is_too_large(writer: &mut Writer, append: Append, field: &str, size: usize, limit: usize) {
    let head = writer.head();
    let what = format!("{field} of {size} is over the limit");
    let error = refuses(try_queue(writer, append).await, codes::TOO_LARGE, &what);
    same(field_of(&error), field, "the error says what is too large");
    for (key, expected) in [("size", size), ("limit", limit)] {
        let found = number(&error, key);
        same(&found, &expected, format!("the error says the {key} of {field}"));
    }
    assert_eq!(writer.head(), head, "nothing is queued of what is too large");
}

pub(super) async fn what_is_at_its_limit_is_taken_and_no_more(harness: &dyn Harness) {
    let mut store = small(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    let (key, payload, changes) = (LIMITS.key, LIMITS.payload, LIMITS.changes);
    let many = |count| (0..count).fold(Append::new(), |append, _| append.event(text("")));
    let snapshot = |count| Append::new().snapshot(Version::NONE, bytes(count));
    let put = |key: usize, count| Append::new().put(vec![1; key], bytes(count));
    let delete = |key: usize| Append::new().delete(vec![1; key]);
    let cases = [
        (
            "event",
            payload,
            Append::new().event(bytes(payload)),
            Append::new().event(bytes(payload + 1)),
        ),
        ("part", payload, put(1, payload), put(1, payload + 1)),
        ("part", key, put(key, 0), put(key + 1, 0)),
        ("part", key, delete(key), delete(key + 1)),
        ("routing", key, of_signal(key, 0), of_signal(key + 1, 0)),
        ("signal", payload, of_signal(1, payload), of_signal(1, payload + 1)),
        ("answer", key, of_answer(&store, key, 0), of_answer(&store, key + 1, 0)),
        ("answer", payload, of_answer(&store, 1, payload), of_answer(&store, 2, payload + 1)),
        ("snapshot", payload, snapshot(payload), snapshot(payload + 1)),
        ("changes", changes, many(changes), many(changes + 1)),
    ];
    let mut count = 0;
    for (field, limit, at_limit, over) in cases {
        is_too_large(&mut writer, over, field, limit + 1, limit).await;
        let committed = append(&mut writer, at_limit).await;
        count += 1;
        assert_eq!(committed.version, version(count), "{field} of {limit} is within the limit");
    }
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.version, &version(count), format!("what is too large is not there, {way}"));
        let log = store.whole_log(0).await.len();
        same(&u64::try_from(log).ok(), &Some(count), format!("nor is it in the log, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_whole_append_has_a_limit(harness: &dyn Harness) {
    let limits = Limits { append: 4096, ..Limits::default() };
    let mut store = Store::with(harness, Setup { limits, ..Setup::default() }).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    // How much is written beside the payload is the journal's own affair; its error tells.
    let over = try_queue(&mut writer, Append::new().put("part", bytes(4096))).await;
    let error = refuses(over, codes::TOO_LARGE, "an append is larger than its payloads");
    let most = 4096 - (number(&error, "size") - 4096);
    let over = Append::new().put("part", bytes(most + 1));
    is_too_large(&mut writer, over, "append", 4097, 4096).await;
    let committed = append(&mut writer, Append::new().put("part", bytes(most))).await;
    assert_eq!(committed.version, version(1), "an append of exactly the limit is taken");
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        let found: Vec<_> = loaded.parts.iter().map(|part| part.payload.bytes().len()).collect();
        same(&found, &[most], format!("an append of exactly the limit is there, {way}"));
    }
    store.end().await;
}

pub(super) async fn what_cannot_be_is_refused(harness: &dyn Harness) {
    let mut store = small(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    append(&mut writer, Append::new().event(text("first"))).await;
    let refused = [
        ("part", Append::new().put("", text("no key"))),
        ("part", Append::new().delete("")),
        ("answer", of_answer(&store, 0, 0)),
        ("snapshot", Append::new().snapshot(version(3), text("of the future"))),
        ("tombstone", Append::tombstone().event(text("behind it"))),
        ("tombstone", Append::tombstone().delete("part")),
        ("answer", {
            let answer = answer("key", 1, store.time(3600));
            Append::new().answer(answer.clone()).event(text("between")).answer(answer)
        }),
    ];
    for (field, append) in refused {
        let what = format!("a {field} that cannot be is refused");
        // What comes before it in the same append is not there either.
        let append = match field {
            "tombstone" => append,
            _ => append.put("beside", text("never there")),
        };
        let error = refuses(try_queue(&mut writer, append).await, codes::INVALID_RECORD, what);
        same(field_of(&error), field, "the error says what cannot be");
        assert_eq!(writer.head(), version(1), "nothing is queued of what cannot be");
    }
    let committed = append(&mut writer, Append::new().event(text("second"))).await;
    assert_eq!(committed.version, version(2), "a writer goes on after what was refused");
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.version, &version(2), format!("what was refused makes no version, {way}"));
        same(&loaded.parts.len(), &0, format!("nothing of what was refused is there, {way}"));
    }
    store.end().await;
}

pub(super) async fn names_have_limits(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    for (kind, id, code) in [
        ("", "id".to_owned(), codes::INVALID_RECORD),
        ("Kind", "id".to_owned(), codes::INVALID_RECORD),
        ("kind", String::new(), codes::INVALID_RECORD),
        ("kind", "a\0b".to_owned(), codes::INVALID_RECORD),
        ("kind", "x".repeat(MAX_ID + 1), codes::TOO_LARGE),
        ("k".repeat(MAX_KIND + 1).as_str(), "id".to_owned(), codes::TOO_LARGE),
    ] {
        fails(StreamId::new(kind, &id), code, format!("{kind:?} and {id:?} are no name"));
    }
    let stream = named("kind", &"x".repeat(MAX_ID));
    let mut writer = store.writer(&stream).await;
    let committed = append(&mut writer, Append::new()).await;
    assert_eq!(committed.version, version(1), "the longest name is a name");
    drop(writer);
    store.end().await;
}
