//! What is started, and how it is stopped.

use std::fmt;
use std::time::Duration;

use super::Actor;
use crate::error::{Error, Result, codes};
use crate::mailbox::{MOST_CAPACITY, Mailbox};

/// How long an actor may take to end before it is killed, unless its specification says otherwise.
/// OTP's value: long enough to finish a request, short enough to wait for.
const SHUTDOWN: Duration = Duration::from_secs(5);
/// How long `init` may take, unless the specification says otherwise. Longer than anything that
/// connects to something should take; OTP waits for ever.
const START: Duration = Duration::from_secs(30);

/// How an actor is ended by its supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shutdown {
    /// It is asked to, and killed when it has not ended in time. Zero asks and kills at once.
    Within(Duration),
    /// It is killed without being asked.
    BrutalKill,
    /// It is asked to, and waited for as long as it takes. For supervisors, whose children have
    /// deadlines of their own.
    Infinity,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::Within(SHUTDOWN)
    }
}

/// What to start: a name, what `init` gets, and the options of mailbox, start and shutdown.
///
/// | option | default | refused |
/// |---|---|---|
/// | name | – | empty, or longer than 255 bytes |
/// | [`mailbox`](Self::mailbox) | 1,024 messages, senders wait | a capacity of 0, or above 1,048,576 |
/// | [`shutdown`](Self::shutdown) | asked, killed after 5 s | – |
/// | [`start_within`](Self::start_within) | 30 s | 0 |
///
/// What is refused is refused with `invalid_options` when it is started, and the detail `field`.
#[must_use]
pub struct ChildSpec<A: Actor> {
    pub(super) name: String,
    pub(super) args: A::Args,
    pub(super) mailbox: Mailbox,
    pub(super) shutdown: Shutdown,
    pub(super) start_within: Duration,
}

impl<A: Actor> ChildSpec<A> {
    /// An actor called `name`, started from `args`.
    pub fn actor(name: impl Into<String>, args: A::Args) -> Self {
        Self {
            name: name.into(),
            args,
            mailbox: Mailbox::default(),
            shutdown: Shutdown::default(),
            start_within: START,
        }
    }

    /// How large its mailbox is, and what happens when it is full.
    pub const fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.mailbox = mailbox;
        self
    }

    /// How it is ended.
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// How long `init` may take. An actor that takes longer is killed, and its start fails with
    /// `timeout`.
    pub const fn start_within(mut self, deadline: Duration) -> Self {
        self.start_within = deadline;
        self
    }

    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<()> {
        if self.name.is_empty() || self.name.len() > 255 {
            return Err(refused("name", "a name has 1 to 255 bytes"));
        }
        if !(1..=MOST_CAPACITY).contains(&self.mailbox.get_capacity()) {
            return Err(refused("mailbox.capacity", "a mailbox holds 1 to 1,048,576 messages"));
        }
        if self.start_within.is_zero() {
            return Err(refused("start_within", "no actor starts in no time"));
        }
        Ok(())
    }
}

impl<A: Actor> fmt::Debug for ChildSpec<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, args: _, mailbox, shutdown, start_within } = self;
        let mut shown = f.debug_struct("ChildSpec");
        shown.field("name", name).field("mailbox", mailbox).field("shutdown", shutdown);
        shown.field("start_within", start_within).finish_non_exhaustive()
    }
}

/// An option that cannot be.
pub(crate) fn refused(field: &str, why: &str) -> Error {
    Error::from(codes::INVALID_OPTIONS)
        .with_message(format!("{field}: {why}"))
        .with_detail("field", field)
}
