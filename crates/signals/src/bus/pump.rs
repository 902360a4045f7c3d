//! Whoever reads the tail of the log, and hands on what is new: one to the durable subscriptions,
//! and one into the inboxes of transient subscribers.
//!
//! They are the only ones that deliver what is in the log, whoever appended it, so that all
//! receivers see one order. They wait for no receiver. What stands in between, conditions and what
//! makes messages, which are a user's, run in the second one: what takes long there holds up
//! transient subscribers of this bus, and no durable subscription.

use std::sync::Arc;
use std::time::Duration;

use foundation::{Backoff, Error, Result, TaskContext};
use tokio::sync::watch;
use tokio::time::Instant;

use super::handle::{Bus, Shared};
use super::log::{Landed, LogPart};
use super::places::OnFull;
use super::receiver::Waits;
use crate::log::{LogEntry, LogPage, LogPosition, gap_end};

/// How many entries are read at a time.
const PAGE: usize = 256;
/// How often what is not to be kept any more is dropped.
const RETAIN_EVERY: Duration = Duration::from_mins(1);
/// How soon it tries again when the log has failed. It waits here and does not fail itself: a log
/// that is away for a while would use up the restarts of the bus, and of the system.
const LOG_AGAIN: Backoff =
    Backoff::Exponential { base: Duration::from_millis(100), cap: Duration::from_secs(5) };

/// A reader of the tail, from where the one before has stopped.
struct Tail<'a> {
    shared: &'a Shared,
    part: &'a LogPart,
    end: watch::Receiver<LogPosition>,
    position: LogPosition,
    failures: u32,
}

/// Feeds the durable subscriptions, and looks after the log.
pub(super) async fn feed(shared: Arc<Shared>, cx: TaskContext) -> Result<()> {
    let Some(part) = &shared.log else { return Ok(()) };
    let mut tail = Tail::new(&shared, part, part.core.done());
    let bus = Bus { shared: Arc::clone(&shared) };
    let (mut retain_at, mut runs_durables) = (Instant::now(), false);
    while !cx.is_stopping() {
        if Instant::now() >= retain_at {
            retain_at = Instant::now() + RETAIN_EVERY;
            part.retain().await;
        }
        if !runs_durables {
            match bus.run_durables().await {
                Ok(()) => runs_durables = true,
                Err(error) => tail.again(error).await?,
            }
        }
        if let Some(page) = tail.next(retain_at, |end| part.has_no_durables(end)).await? {
            for entry in &page.entries {
                part.core.begin(entry.position);
                for durable in part.routes.matching(&entry.signal).targets() {
                    durable.feed(entry);
                }
                part.core.finish(entry.position);
                // One that has very much to hand on would never let others run.
                tokio::task::coop::consume_budget().await;
            }
        }
        part.core.finish(tail.position);
    }
    Ok(())
}

/// Delivers to transient subscribers.
pub(super) async fn deliver(shared: Arc<Shared>, cx: TaskContext) -> Result<()> {
    let Some(part) = &shared.log else { return Ok(()) };
    let mut tail = Tail::new(&shared, part, part.core.delivered());
    while !cx.is_stopping() {
        if let Some(page) = tail.next(Instant::now() + RETAIN_EVERY, |_| false).await? {
            for entry in page.entries {
                tokio::task::coop::consume_budget().await;
                let position = entry.position;
                shared.hand_on(part, entry).await;
                part.core.deliver_to(position);
            }
        }
        part.core.deliver_to(tail.position);
    }
    Ok(())
}

impl<'a> Tail<'a> {
    fn new(shared: &'a Shared, part: &'a LogPart, position: LogPosition) -> Self {
        Self { shared, part, end: part.core.log.tail(), position, failures: 0 }
    }

    /// What comes next, if something does until then. It is passed unread if it can be.
    async fn next(
        &mut self,
        until: Instant,
        can_pass: impl Fn(LogPosition) -> bool,
    ) -> Result<Option<LogPage>> {
        let position = self.position;
        let grown = self.end.wait_for(|end| *end > position);
        match tokio::time::timeout_at(until, grown).await {
            Ok(Ok(end)) => {
                let end = *end;
                if can_pass(end) {
                    self.position = end;
                    return Ok(None);
                }
            }
            // The log is closed: nothing more comes.
            Ok(Err(_closed)) => return Err(crate::codes::LOG_CLOSED.into()),
            Err(_elapsed) => return Ok(None),
        }
        let error = match self.part.core.log.read(position, PAGE).await {
            Ok(page) => {
                self.failures = 0;
                self.position = page.read_to;
                return Ok(Some(page));
            }
            Err(error) => error,
        };
        match gap_end(&error) {
            Some(to) => {
                let (bus, from) = (&*self.shared.name, position.get());
                tracing::error!(bus, from, to = to.get(), "signals.tail_lost");
                self.position = to;
            }
            None => self.again(error).await?,
        }
        Ok(None)
    }

    /// The log has failed: waits a while, if that may help.
    async fn again(&mut self, error: Error) -> Result<()> {
        if !error.is_retryable() {
            return Err(error);
        }
        self.failures = self.failures.saturating_add(1);
        let (bus, failures) = (&*self.shared.name, self.failures);
        tracing::error!(bus, failures, %error, "signals.tail_failed");
        let never = std::future::pending::<()>();
        let _elapsed = tokio::time::timeout(LOG_AGAIN.wait(failures), never).await;
        Ok(())
    }
}

impl LogPart {
    /// Whether nobody has to be fed with what is up to there. It counts as begun before that is
    /// looked at, so that whoever begins to be fed at this moment reads up to there.
    fn has_no_durables(&self, end: LogPosition) -> bool {
        self.core.begin(end);
        self.routes.is_empty()
    }

    /// Where whoever reads the tail begins: behind what is there already.
    pub(super) async fn begin_at_end(&self) -> Result<()> {
        if !self.core.has_begun() {
            let bounds = self.core.log.bounds().await?;
            self.core.begin_behind(bounds.end);
        }
        Ok(())
    }

    /// Drops what is not to be kept.
    async fn retain(&self) {
        if let Err(error) = self.core.log.retain(self.retention).await {
            tracing::warn!(%error, "signals.retain_failed");
        }
    }
}

impl Shared {
    /// Hands on one entry.
    async fn hand_on(&self, part: &LogPart, entry: LogEntry) {
        let LogEntry { signal, .. } = &entry;
        let receivers = self.receivers_between(signal).await;
        // It is in the log by now, so nobody is refused on account of another one.
        let places = self.take_places(receivers, OnFull::LeaveOut).unwrap_or_default();
        let Some(waiter) = part.take_waiter(signal.id()) else {
            let receipts = places.deliver(signal);
            self.count(&receipts);
            return;
        };
        let landed = match waiter.deadline {
            None => Landed::Delivered(places.deliver(signal)),
            Some(deadline) => {
                let waits = Waits { caller: waiter.caller, deadline };
                Landed::Asked(places.ask(signal, waits))
            }
        };
        // Whoever waited may have given up; it is delivered all the same, and counted here.
        if let Err(Landed::Delivered(receipts)) = waiter.landed.send(landed) {
            self.count(&receipts);
        }
    }
}
