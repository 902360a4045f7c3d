//! What is started, and how it is stopped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Actor;
use crate::error::{Error, Result, codes};
use crate::mailbox::{MOST_CAPACITY, Mailbox};
use crate::registry::{Key, Naming, Registry};
use crate::sync::Mutex;

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

/// When a supervisor starts a child again that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "OTP has these three and no others")]
pub enum Restart {
    /// Always, also when it has ended cleanly. The default.
    #[default]
    Permanent,
    /// When it has ended abnormally.
    Transient,
    /// Never; when it has ended the supervisor forgets it.
    Temporary,
}

/// What becomes of a child that was killed and does not end, because it holds its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "either it is waited for, or it is not")]
pub enum Unresponsive {
    /// Nothing is started in its place while it is there. When it ends at last, it is started if it
    /// should be running. The default: two of one kind at a time are worse than none.
    #[default]
    Wait,
    /// It is forgotten, and another one started in a new place. References to the old place stay
    /// with the old one.
    Abandon,
}

/// Whether a child is a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "OTP has these two and no others")]
pub enum ChildKind {
    /// It is not.
    #[default]
    Worker,
    /// It is: it has children of its own.
    Supervisor,
}

/// What to start: a name, what `init` gets, and how to start, stop and restart it.
///
/// | option | default | refused |
/// |---|---|---|
/// | name | – | empty, or longer than 255 bytes |
/// | [`mailbox`](Self::mailbox) | 1,024 messages, senders wait | a capacity of 0, or above 1,048,576 |
/// | [`restart`](Self::restart) | `Permanent` | for a system's own children and one-time arguments: anything but `Temporary` |
/// | [`significant`](Self::significant) | false | together with `Permanent`, or under a supervisor without auto-shutdown |
/// | [`shutdown`](Self::shutdown) | asked, killed after 5 s; of a supervisor `Infinity` | – |
/// | [`start_within`](Self::start_within) | 30 s; of a supervisor none: its children have their own | 0 |
/// | [`when_unresponsive`](Self::when_unresponsive) | `Wait` | – |
/// | [`registered`](Self::registered), [`via`](Self::via) | not | a key that is empty, or longer than 255 bytes |
/// | [`metadata`](Self::metadata) | none | where it is not registered |
///
/// What is refused is refused with `invalid_options` when it is started, and the detail `field`. A
/// clone of a specification starts another actor, in a place of its own.
#[must_use]
pub struct ChildSpec<A: Actor> {
    pub(super) options: Options,
    pub(super) args: Args<A>,
}

/// Where incarnations get what they start from.
pub(crate) type Args<A> = Arc<dyn Source<<A as Actor>::Args>>;

/// Gives every incarnation what it starts from. Called in the task of the actor.
pub(crate) trait Source<T>: Send + Sync {
    /// What the next one starts from; nothing if an earlier one has used it.
    fn get(&self) -> Option<T>;

    /// A source of the same for another actor; nothing if the two can share this one.
    fn another(&self) -> Option<Arc<dyn Source<T>>> {
        None
    }
}

struct Made<F>(F);

impl<T, F: Fn() -> T + Send + Sync> Source<T> for Made<F> {
    fn get(&self) -> Option<T> {
        Some((self.0)())
    }
}

struct Once<T>(Mutex<Option<T>>);

impl<T: Send> Source<T> for Once<T> {
    fn get(&self) -> Option<T> {
        self.0.lock().take()
    }
}

/// What of a specification does not depend on the type of the actor.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) name: Arc<str>,
    pub(crate) mailbox: Mailbox,
    pub(crate) shutdown: Shutdown,
    pub(crate) start_within: Duration,
    /// Unset, it is what the parent's default is.
    pub(crate) restart: Option<Restart>,
    pub(crate) significant: bool,
    pub(crate) unresponsive: Unresponsive,
    pub(crate) kind: ChildKind,
    /// Whether the arguments are there for one start only.
    pub(crate) once: bool,
    /// The name that every incarnation takes, if it does.
    pub(crate) naming: Option<Arc<Naming>>,
    /// Whether it is a task, and handles no messages.
    pub(crate) is_task: bool,
}

impl<A: Actor> ChildSpec<A> {
    /// An actor called `name`, each incarnation of which starts from a clone of `args`.
    pub fn actor(name: impl Into<Arc<str>>, args: A::Args) -> Self
    where
        A::Args: Clone + Sync,
    {
        Self::with(name, move || args.clone())
    }

    /// An actor called `name`, each incarnation of which starts from what `args` makes. It is
    /// called in the task of the actor; a panic in it is a failed start.
    pub fn with(
        name: impl Into<Arc<str>>,
        args: impl Fn() -> A::Args + Send + Sync + 'static,
    ) -> Self {
        Self::from_source(name, Arc::new(Made(args)))
    }

    /// An actor called `name` that is started once, from `args`, such as a connection. It is
    /// [`Temporary`](Restart::Temporary).
    pub fn once(name: impl Into<Arc<str>>, args: A::Args) -> Self {
        let mut spec = Self::from_source(name, Arc::new(Once(Mutex::new(Some(args)))));
        spec.options.restart = Some(Restart::Temporary);
        spec.options.once = true;
        spec
    }

    pub(crate) fn from_source(name: impl Into<Arc<str>>, args: Arc<dyn Source<A::Args>>) -> Self {
        Self { options: Options::new(name.into()), args }
    }

    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn args(&self) -> Args<A> {
        Arc::clone(&self.args)
    }

    /// Gives it another name.
    pub(crate) fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.options.name = name.into();
        self
    }

    /// Makes it a supervisor: one that is waited for as long as its children take.
    pub(crate) fn be_supervisor(&mut self) {
        self.options.kind = ChildKind::Supervisor;
        self.options.shutdown = Shutdown::Infinity;
        self.options.start_within = Duration::MAX;
    }

    /// Makes it a task: one that handles no messages.
    pub(crate) fn be_task(&mut self) {
        self.options.is_task = true;
    }

    /// How large its mailbox is, and what happens when it is full.
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.options.mailbox = mailbox;
        self
    }

    /// When a supervisor starts it again.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.options.restart = Some(restart);
        self
    }

    /// Whether its end may end its supervisor, as [`AutoShutdown`](crate::AutoShutdown) says.
    pub fn significant(mut self, significant: bool) -> Self {
        self.options.significant = significant;
        self
    }

    /// How it is ended.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.options.shutdown = shutdown;
        self
    }

    /// How long `init` may take. An actor that takes longer is killed, and its start fails with
    /// `timeout`.
    pub fn start_within(mut self, deadline: Duration) -> Self {
        self.options.start_within = deadline;
        self
    }

    /// Registers it in the [registry of the system](crate::System::registry), under the name it has
    /// here. Every incarnation takes the name before its `init`, and has it until it has ended;
    /// when somebody else has it, the start fails with `already_started`.
    ///
    /// Names of children are unique among their siblings only, so they are not registered unless
    /// this is said. A partition has a number in place of a name; it is registered with
    /// [`via`](Self::via).
    pub fn registered(mut self) -> Self {
        self.naming().key = Key::OwnName;
        self.naming().registry = None;
        self
    }

    /// As [`Self::registered`], under `key` in another registry.
    pub fn via(mut self, registry: &Registry, key: impl Into<Arc<str>>) -> Self {
        self.naming().key = Key::Given(key.into());
        self.naming().registry = Some(registry.clone());
        self
    }

    /// What every incarnation is registered with, for queries.
    pub fn metadata(mut self, metadata: impl Into<Value>) -> Self {
        self.naming().metadata = metadata.into();
        self
    }

    fn naming(&mut self) -> &mut Naming {
        Arc::make_mut(self.options.naming.get_or_insert_default())
    }

    /// What becomes of it when it was killed and does not end.
    pub fn when_unresponsive(mut self, then: Unresponsive) -> Self {
        self.options.unresponsive = then;
        self
    }
}

impl Options {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            mailbox: Mailbox::default(),
            shutdown: Shutdown::default(),
            start_within: START,
            restart: None,
            significant: false,
            unresponsive: Unresponsive::Wait,
            kind: ChildKind::Worker,
            once: false,
            naming: None,
            is_task: false,
        }
    }

    /// Whether it is registered under the name it is started under.
    pub(crate) fn is_registered_under_its_name(&self) -> bool {
        self.naming.as_ref().is_some_and(|naming| naming.key == Key::OwnName)
    }

    /// Refuses what cannot be.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.name.is_empty() || self.name.len() > 255 {
            return Err(refused("name", "a name has 1 to 255 bytes"));
        }
        if !(1..=MOST_CAPACITY).contains(&self.mailbox.get_capacity()) {
            return Err(refused("mailbox.capacity", "a mailbox holds 1 to 1,048,576 messages"));
        }
        if self.start_within.is_zero() {
            return Err(refused("start_within", "no actor starts in no time"));
        }
        if let Some(naming) = &self.naming {
            naming.validate(&self.name)?;
        }
        let restart = self.restart.unwrap_or_default();
        if self.once && restart != Restart::Temporary {
            return Err(refused("restart", "with one-time arguments there is no restart"));
        }
        if self.significant && restart == Restart::Permanent {
            return Err(refused("significant", "a permanent child never ends for good"));
        }
        Ok(())
    }

    /// Refuses what a system's own children cannot have: nobody restarts them.
    pub(super) fn validate_for_system(&self) -> Result<()> {
        self.validate()?;
        if self.restart.is_some_and(|restart| restart != Restart::Temporary) {
            return Err(refused("restart", "a system restarts nothing; start a supervisor in it"));
        }
        if self.significant {
            return Err(refused("significant", "a system has no auto-shutdown"));
        }
        Ok(())
    }
}

impl<A: Actor> Clone for ChildSpec<A> {
    /// The specification of another actor, in a place of its own.
    fn clone(&self) -> Self {
        let args = self.args.another().unwrap_or_else(|| Arc::clone(&self.args));
        Self { options: self.options.clone(), args }
    }
}

impl<A: Actor> fmt::Debug for ChildSpec<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec").field("options", &self.options).finish_non_exhaustive()
    }
}

/// An option that cannot be.
pub(crate) fn refused(field: &str, why: &str) -> Error {
    Error::from(codes::INVALID_OPTIONS)
        .with_message(format!("{field}: {why}"))
        .with_detail("field", field)
}
