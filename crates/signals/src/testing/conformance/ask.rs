//! How cases ask, and how they say what was not kept.

use std::fmt::{Debug, Display};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use foundation::{Code, Error, Result};
use tokio::sync::oneshot;

use crate::log::{LogEntry, LogPosition, PartChange};

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

/// Fails unless both lists are the same, and says where they begin to differ: they may be long.
#[track_caller]
pub(super) fn same_list<T: PartialEq + Debug>(found: &[T], expected: &[T], what: impl Display) {
    let equal = found.iter().zip(expected).take_while(|(one, other)| one == other).count();
    let (rest, missing) = (found.len() - equal, expected.len() - equal);
    let (is, should_be) = (found.get(equal), expected.get(equal));
    assert!(
        rest == 0 && missing == 0,
        "{what}\nafter {equal} that are as expected there are {rest} in place of {missing}\n   \
         found: {is:?}\nexpected: {should_be:?}"
    );
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

/// What `wait` comes to, which it has to.
pub(super) async fn within<T>(what: impl Display, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(value) => value,
        Err(elapsed) => panic!("{what}, and does not within {PATIENCE:?}: {elapsed}"),
    }
}

/// What a task tells, which it has to.
pub(super) async fn told<T>(what: &str, told: oneshot::Receiver<T>) -> T {
    match within(what, told).await {
        Ok(value) => value,
        Err(dropped) => panic!("{what}, and its own message says why not: {dropped}"),
    }
}

/// Goes so far with the future that it waits for the `waits`-th time, or until it ends.
pub(super) async fn begin<F: Future>(mut future: Pin<&mut F>, waits: usize) -> Option<F::Output> {
    for wait in 1..=waits {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(value) = polled {
            return Some(value);
        }
        if wait < waits {
            tokio::task::yield_now().await;
        }
    }
    None
}

/// Begins the future, and gives it up when it waits for the `waits`-th time.
pub(super) async fn give_up<T>(future: impl Future<Output = T>, waits: usize) -> Option<T> {
    begin(pin!(future), waits).await
}

/// Where the entries are.
pub(super) fn positions(entries: &[LogEntry]) -> Vec<LogPosition> {
    entries.iter().map(|entry| entry.position).collect()
}

/// The last of positions.
pub(super) fn last(positions: &[LogPosition]) -> LogPosition {
    some(positions.last().copied(), "an append gives positions")
}

/// A part that says something.
pub(super) fn put(key: &str, value: &[u8]) -> PartChange {
    PartChange { key: key.to_owned(), value: Some(value.to_vec()) }
}

/// A part that is to be gone.
pub(super) fn gone(key: &str) -> PartChange {
    PartChange { key: key.to_owned(), value: None }
}

/// Parts as they are read.
pub(super) fn pairs(parts: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    parts.iter().map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect()
}
