//! How coordination is made.

use std::sync::Arc;
use std::time::Duration;

use foundation::{ChildSpec, DynamicSupervisor, InSystem, Result, Supervisor, System};

use super::anchor::{Anchor, anchor_name, tasks_name};
use super::dead_letters::Limits;
use super::handle::Coordination;
use super::lane::Rules;
use super::shared::Shared;
use crate::error::invalid_options;

/// How long a receiver may take. An agent that takes longer acknowledges first and works then; and
/// a sender that waits for longer is of no use to whoever waits for it.
const DEADLINE: Duration = Duration::from_secs(1);
/// Failures in a row that open a circuit.
const FAILURES: u32 = 5;
/// How long a circuit is open: longer than a restart takes.
const RESET_AFTER: Duration = Duration::from_secs(30);
/// How many messages are kept for a receiver: some of them are out of date when there are more.
const BUFFER: usize = 100;
/// How often a dead letter is sent again.
const ATTEMPTS: u32 = 5;
/// When a dead letter is of no use any more.
const EXPIRY: Duration = Duration::from_hours(24);
/// How many dead letters there may be: some megabytes, of messages of an ordinary size.
const DEAD_LETTERS: usize = 10_000;
/// How long a message is kept: longer than the longest wait before a supervisor starts a child
/// again, and than a circuit is open, several times.
const PATIENCE: Duration = Duration::from_mins(5);
/// How many receivers there may be: as many actors as most machines run.
const MOST_RECEIVERS: usize = 1_000_000;
/// The longest of all times.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The options of coordination. Begin with [`Coordination::builder`].
///
/// | option | default | |
/// |---|---|---|
/// | [`name`](Self::name) | `coordination` | its name in the tree, one for each of a system |
/// | [`deadline`](Self::deadline) | 1 s | how long a receiver may take |
/// | [`failure_threshold`](Self::failure_threshold) | 5 | failures in a row that open a circuit |
/// | [`reset_after`](Self::reset_after) | 30 s | how long it is open then |
/// | [`buffer`](Self::buffer) | 100 | messages that are kept for each receiver |
/// | [`keep_for`](Self::keep_for) | 5 min | how long each of them is |
/// | [`dead_letters`](Self::dead_letters) | 10,000 | with more the oldest is dropped |
/// | [`max_attempts`](Self::max_attempts) | 5 | how often a dead letter is sent again |
/// | [`expiry`](Self::expiry) | 24 h | how long a dead letter is of use |
/// | [`max_receivers`](Self::max_receivers) | 1,000,000 | more are refused |
#[derive(Debug, Clone)]
#[must_use = "nobody receives until it is started"]
pub struct CoordinationBuilder {
    name: Arc<str>,
    deadline: Duration,
    failures: u32,
    reset_after: Duration,
    buffer: usize,
    keep_for: Duration,
    dead_letters: usize,
    max_attempts: u32,
    expiry: Duration,
    max_receivers: usize,
}

impl CoordinationBuilder {
    pub(super) fn new() -> Self {
        Self {
            name: "coordination".into(),
            deadline: DEADLINE,
            failures: FAILURES,
            reset_after: RESET_AFTER,
            buffer: BUFFER,
            keep_for: PATIENCE,
            dead_letters: DEAD_LETTERS,
            max_attempts: ATTEMPTS,
            expiry: EXPIRY,
            max_receivers: MOST_RECEIVERS,
        }
    }

    /// Its name in the tree.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a receiver may take until it acknowledges, unless a sender says otherwise. Also how
    /// long a probe may take, and the pause before a receiver without room is tried again.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many failures in a row open the circuit of a receiver; 1 or more. A message that takes
    /// too long is one, and one for which there is no room, and an infrastructure error of the
    /// receiver.
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// How long a circuit is open.
    pub const fn reset_after(mut self, time: Duration) -> Self {
        self.reset_after = time;
        self
    }

    /// How many messages are kept for each receiver; 1 or more. With one more the oldest becomes a
    /// dead letter.
    pub const fn buffer(mut self, messages: usize) -> Self {
        self.buffer = messages;
        self
    }

    /// How long a message is kept for its receiver, whether that hangs, has ended, or has others to
    /// handle first. If it has not begun it by then, it becomes a dead letter.
    ///
    /// With less than a circuit is [open](Self::reset_after), nothing is tried that was kept when
    /// it opened.
    pub const fn keep_for(mut self, time: Duration) -> Self {
        self.keep_for = time;
        self
    }

    /// How many dead letters there may be; 1 or more. With one more the oldest is dropped.
    pub const fn dead_letters(mut self, most: usize) -> Self {
        self.dead_letters = most;
        self
    }

    /// How often a dead letter is sent again; 1 or more.
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// How long a dead letter is of use.
    pub const fn expiry(mut self, time: Duration) -> Self {
        self.expiry = time;
        self
    }

    /// How many receivers there may be.
    pub const fn max_receivers(mut self, most: usize) -> Self {
        self.max_receivers = most;
        self
    }

    /// Coordination, and what of it has to run, for a supervisor of the program to start. Until
    /// that runs, and whenever it does not, everything is refused with `coordination_not_running`.
    ///
    /// # Errors
    ///
    /// `invalid_options` for a number that is zero, and a time that is zero or longer than a year.
    #[must_use = "everything is refused until a supervisor starts the child"]
    pub fn build(self, system: &impl InSystem) -> Result<(Coordination, ChildSpec<Supervisor>)> {
        let rules = self.rules()?;
        let expiry = self.expiry;
        nanos("expiry", expiry)?;
        let (capacity, max_attempts) = (self.dead_letters, self.max_attempts);
        let limits = Limits { capacity, max_attempts, expiry };
        let name = self.name;
        let shared = Shared::new(system, Arc::clone(&name), rules, limits, self.max_receivers);
        let coordination = Coordination { shared: Arc::new(shared) };
        let tasks = DynamicSupervisor::builder().name(tasks_name(&name)).child_spec();
        let anchor = ChildSpec::<Anchor>::actor(anchor_name(&name), coordination.clone());
        let spec = Supervisor::rest_for_one()
            .name(&*name)
            .child(tasks.registered())
            .child(anchor.registered());
        Ok((coordination, spec.child_spec()))
    }

    /// Coordination that runs in a system, at its top.
    ///
    /// # Errors
    ///
    /// As [`Self::build`]; `system_stopping`.
    pub async fn start(self, system: &System) -> Result<Coordination> {
        let (coordination, child) = self.build(system)?;
        system.start(child).await?;
        Ok(coordination)
    }

    fn rules(&self) -> Result<Rules> {
        let (failures, attempts) = (self.failures == 0, self.max_attempts == 0);
        let (buffer, letters) = (self.buffer == 0, self.dead_letters == 0);
        let zeros = [
            ("failure_threshold", failures),
            ("max_attempts", attempts),
            ("buffer", buffer),
            ("dead_letters", letters),
        ];
        if let Some((field, _)) = zeros.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(invalid_options(field, "1 or more"));
        }
        Ok(Rules {
            failures: self.failures,
            reset_after: nanos("reset_after", self.reset_after)?,
            deadline: nanos("deadline", self.deadline)?,
            buffer: self.buffer,
            patience: nanos("keep_for", self.keep_for)?,
        })
    }
}

/// A time in nanoseconds, if it can be.
pub(super) fn nanos(field: &str, time: Duration) -> Result<u64> {
    if time.is_zero() || time > LONGEST {
        return Err(invalid_options(field, "more than nothing, a year at most"));
    }
    Ok(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
