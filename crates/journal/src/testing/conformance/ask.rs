//! How cases ask, and how they say what was not kept.

use std::fmt::{Debug, Display};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use foundation::{Code, Error, Result};

use crate::append::{Answer, Append, Payload, Signal};
use crate::error::is_refused;
use crate::handle::Writer;
use crate::permit::{Permit, Share};
use crate::stream::{Position, Shard, StreamId, Version};
use crate::ticket::{Committed, Ticket};

/// Long enough for any disk; a wait that takes longer has no end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of something that has to go well.
#[track_caller]
pub(super) fn ok<T>(result: Result<T>, what: impl Display) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}, and failed: {}", error.report()),
    }
}

/// What is there because it has to be.
#[track_caller]
pub(super) fn some<T>(value: Option<T>, what: impl Display) -> T {
    match value {
        Some(value) => value,
        None => panic!("{what}, and there is nothing"),
    }
}

/// Fails unless both are the same.
#[track_caller]
pub(super) fn same<A, B>(found: &A, expected: &B, what: impl Display)
where
    A: PartialEq<B> + Debug + ?Sized,
    B: Debug + ?Sized,
{
    assert!(found == expected, "{what}\n   found: {found:?}\nexpected: {expected:?}");
}

/// The error of something that has to fail in that way.
#[track_caller]
pub(super) fn fails<T: Debug>(result: Result<T>, code: Code, what: impl Display) -> Error {
    match result {
        Ok(value) => panic!("{what}: it has to be {}, and was {value:?}", code.name),
        Err(error) => {
            same(error.code(), code.name, what);
            error
        }
    }
}

/// As [`fails`], of an append: the code has to say that nothing was written.
#[track_caller]
pub(super) fn refuses<T: Debug>(result: Result<T>, code: Code, what: impl Display) -> Error {
    let error = fails(result, code, what);
    assert!(is_refused(&error), "{} says that nothing was written", code.name);
    error
}

/// What `wait` comes to, which it has to.
pub(super) async fn within<T>(what: impl Display, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(value) => value,
        Err(elapsed) => panic!("{what}, and does not within {PATIENCE:?}: {elapsed}"),
    }
}

/// What the future comes to without waiting; it is given up otherwise.
pub(super) async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

/// A permit for a small append.
pub(super) async fn permit(writer: &Writer) -> Permit {
    ok(within("a permit comes", writer.permit(Share::New, 64)).await, "a permit is given")
}

/// Tries to queue an append.
pub(super) async fn try_queue(writer: &mut Writer, append: Append) -> Result<Ticket> {
    let permit = permit(writer).await;
    writer.append(permit, append)
}

/// Queues an append.
pub(super) async fn queue(writer: &mut Writer, append: Append) -> Ticket {
    ok(try_queue(writer, append).await, "an append is queued")
}

/// What comes of an append, whether it is told at once or by its ticket.
pub(super) async fn attempt(writer: &mut Writer, append: Append) -> Result<Committed> {
    let ticket = try_queue(writer, append).await?;
    outcome(ticket).await
}

/// What a ticket says.
pub(super) async fn outcome(ticket: Ticket) -> Result<Committed> {
    within("a ticket is answered", ticket).await
}

/// Appends, and waits until it is durable.
pub(super) async fn append(writer: &mut Writer, append: Append) -> Committed {
    ok(attempt(writer, append).await, "an append becomes durable")
}

/// The tickets of `count` appends that are queued one after the other.
pub(super) async fn queue_events(writer: &mut Writer, count: usize) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    for number in 0..count {
        tickets.push(queue(writer, event(&format!("queued {number}"))).await);
    }
    tickets
}

/// Awaits tickets of one writer, of which the first ones are durable and the others refused: how
/// many are durable.
pub(super) async fn durable_first(tickets: Vec<Ticket>, codes: &[Code]) -> u64 {
    let (mut durable, mut refused) = (0, false);
    for ticket in tickets {
        match outcome(ticket).await {
            Ok(_) => {
                assert!(!refused, "appends of a writer become durable in their order");
                durable += 1;
            }
            Err(error) => {
                refused = true;
                let known = codes.iter().any(|code| code.name == error.code());
                assert!(known, "what is not durable is refused, and not {}", error.report());
            }
        }
    }
    durable
}

/// That stream.
pub(super) fn named(kind: &str, id: &str) -> StreamId {
    ok(StreamId::new(kind, id), "the kit knows good names")
}

/// A payload that says `text`.
pub(super) fn text(text: &str) -> Payload {
    Payload::new(1, text)
}

/// An append of one event.
pub(super) fn event(said: &str) -> Append {
    Append::new().event(text(said))
}

/// A signal that says `said`.
pub(super) fn signal(said: &str) -> Signal {
    Signal { class: 7, routing: format!("kit.{said}"), payload: text(said) }
}

/// An answer under `key` to the command `fingerprint`.
pub(super) fn answer(key: &str, fingerprint: u128, until: jiff::Timestamp) -> Answer {
    Answer { key: key.into(), fingerprint, until, payload: text(&format!("answer to {key}")) }
}

/// Texts of payloads.
pub(super) fn said<'a>(payloads: impl IntoIterator<Item = &'a Payload>) -> Vec<String> {
    payloads
        .into_iter()
        .map(|payload| String::from_utf8_lossy(payload.bytes()).into_owned())
        .collect()
}

/// The version with that number.
pub(super) const fn version(number: u64) -> Version {
    Version::new(number)
}

/// Where a reader that got that gap is told to go on: the number of a position, or a position as
/// it is displayed.
#[track_caller]
pub(super) fn gap(error: &Error, key: &str, shard: Shard) -> Position {
    let detail = some(error.details().get(key), format!("a gap says `{key}`"));
    let text = detail.as_str().map(|text| text.rsplit(':').next().unwrap_or(text));
    let number = detail.as_u64().or_else(|| text.and_then(|text| text.parse().ok()));
    Position::new(shard, some(number, format!("`{key}` of a gap is a position: {detail}")))
}
