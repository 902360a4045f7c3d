//! What a log has to do.

use std::fmt;

use async_trait::async_trait;
use foundation::Result;
use jiff::Timestamp;
use tokio::sync::watch;

use super::entry::{LogBounds, LogPage, LogPosition, Retained, Retention};
use crate::signal::Signal;

/// One part of what is kept for a subscription, as it is from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartChange {
    /// Which part: 1 to 128 bytes.
    pub key: String,
    /// What it is; nothing if it is to be gone.
    pub value: Option<Vec<u8>>,
}

/// A log of signals. Every one that is used by a bus passes the conformance kit.
///
/// Every method may be given up, which a bus does when one takes too long: whether an append that
/// was given up is in the log, only reading tells. What was given up takes effect before whatever
/// is called later, or never: a change of parts that landed behind a later one would take it back.
#[async_trait]
pub trait SignalLog: fmt::Debug + Send + Sync + 'static {
    /// Appends signals, all of them or none, next to each other, in order, behind everything that
    /// was appended before. Gives the position of each when all are durable and can be read, and
    /// the tail says so. To append none does nothing.
    ///
    /// # Errors
    ///
    /// Whatever refuses them; what is unknown is as it is in the log.
    async fn append(&self, signals: Vec<Signal>) -> Result<Vec<LogPosition>>;

    /// The signals behind `after`, in order, `limit` at most. There may be fewer than could be
    /// read; whoever wants the others reads on behind `read_to`, which is greater than `after` as
    /// long as `after` is before the end and `limit` is not 0. An empty page says that there are
    /// none yet up to its `read_to`. From the end on, or with a limit of 0, that is `after`.
    ///
    /// # Errors
    ///
    /// `signal_gap` when something behind `after` is no longer kept; whatever reading fails with.
    async fn read(&self, after: LogPosition, limit: usize) -> Result<LogPage>;

    /// How far the log can be read, live: never further than that, and never back. Closed when the
    /// log is.
    fn tail(&self) -> watch::Receiver<LogPosition>;

    /// What there is.
    ///
    /// # Errors
    ///
    /// Whatever reading fails with.
    async fn bounds(&self) -> Result<LogBounds>;

    /// The position behind which everything was appended at `time` or later, and before which
    /// nothing was. What is no longer kept does not count: reading from there finds no gap.
    ///
    /// # Errors
    ///
    /// Whatever reading fails with.
    async fn position_at(&self, time: Timestamp) -> Result<LogPosition>;

    /// Drops what `retention` does not keep, from the beginning on. A log may keep more.
    ///
    /// # Errors
    ///
    /// Whatever dropping fails with.
    async fn retain(&self, retention: Retention) -> Result<Retained>;

    /// A part of `owner`; none if there is nothing.
    ///
    /// # Errors
    ///
    /// Whatever reading fails with.
    async fn load_part(&self, owner: &str, key: &str) -> Result<Option<Vec<u8>>>;

    /// The parts of `owner` whose keys come after `after`, by key, `limit` at most; from the first
    /// one with an empty key.
    ///
    /// # Errors
    ///
    /// Whatever reading fails with.
    async fn list_parts(
        &self,
        owner: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>>;

    /// Changes parts of `owner`, all of them or none; of two changes of one part the later one
    /// counts. Durable when it returns.
    ///
    /// # Errors
    ///
    /// `invalid_part` for what [`check_parts`](super::check_parts) refuses; whatever else refuses
    /// them. What is unknown is as it is in the log.
    async fn store_parts(&self, owner: &str, changes: Vec<PartChange>) -> Result<()>;

    /// All owners that have parts, by name.
    ///
    /// # Errors
    ///
    /// Whatever reading fails with.
    async fn owners(&self) -> Result<Vec<String>>;
}
