//! What a supervisor is made from: a strategy, a budget of restarts, and children in order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Supervisor;
use super::child::Child;
use crate::actor::{Actor, ActorRef, ChildSpec, Options, Source, refused};
use crate::error::{Error, Result, codes};
use crate::system::System;

/// Restarts that are allowed in one period, unless the options say otherwise. Elixir's value: with
/// OTP's, which is one, a child that fails twice in a row takes its siblings along.
pub(super) const INTENSITY: u32 = 3;
/// The period, unless the options say otherwise. The value of OTP and Elixir.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

/// Which children are restarted when one has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "OTP has these three and no others")]
pub enum Strategy {
    /// That one.
    OneForOne,
    /// All of them: the others are stopped, the last one first, and then all are started in order.
    OneForAll,
    /// That one and those that were started after it, in the same way.
    RestForOne,
}

/// Whether a supervisor ends when its [significant](ChildSpec::significant) children end by
/// themselves and are not restarted. An end that was asked for, or that comes from a sibling's
/// restart, does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "OTP has these three and no others")]
pub enum AutoShutdown {
    /// It does not. The default; significant children are refused.
    #[default]
    Never,
    /// With the first of them.
    AnySignificant,
    /// With the last of them.
    AllSignificant,
}

/// The options of a supervisor, and its first children.
///
/// | option | default | refused |
/// |---|---|---|
/// | [`name`](Self::name) | `supervisor` | empty, or longer than 255 bytes |
/// | [`intensity`](Self::intensity) | 3 restarts in 5 s | a period of 0 |
/// | [`auto_shutdown`](Self::auto_shutdown) | `Never` | – |
/// | [`child`](Self::child) | none | two of one name |
///
/// What is refused is refused with `invalid_options` when it is started, and the detail `field`;
/// two children of one name with `duplicate_child`. Further options, those of the supervisor as
/// somebody's child, has [`child_spec`](Self::child_spec).
#[must_use = "nothing is started until it is"]
pub struct SupervisorBuilder {
    name: Arc<str>,
    pub(super) blueprint: Blueprint,
}

/// What every incarnation of a supervisor starts from.
pub struct Blueprint {
    pub(super) rules: Rules,
    pub(super) children: Vec<Arc<dyn Child>>,
}

/// The rules of one supervisor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) strategy: Strategy,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) intensity: u32,
    pub(super) period: Duration,
}

/// What can be started: a specification, or a supervisor that is still being built.
pub trait IntoChildSpec {
    /// Whom it specifies.
    type Actor: Actor;

    /// The specification.
    fn into_child_spec(self) -> ChildSpec<Self::Actor>;
}

impl<A: Actor> IntoChildSpec for ChildSpec<A> {
    type Actor = A;

    fn into_child_spec(self) -> Self {
        self
    }
}

impl IntoChildSpec for SupervisorBuilder {
    type Actor = Supervisor;

    fn into_child_spec(self) -> ChildSpec<Supervisor> {
        self.child_spec()
    }
}

// === impl SupervisorBuilder ===

impl SupervisorBuilder {
    pub(super) fn new(strategy: Strategy) -> Self {
        let rules = Rules {
            strategy,
            auto_shutdown: AutoShutdown::Never,
            intensity: INTENSITY,
            period: PERIOD,
        };
        Self { name: "supervisor".into(), blueprint: Blueprint { rules, children: Vec::new() } }
    }

    /// What it is called, among its siblings and in logs; 1 to 255 bytes.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How many restarts it allows in which time. One more ends it. The window is inclusive: a
    /// restart that lies a whole period back still counts.
    pub const fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.blueprint.rules.intensity = restarts;
        self.blueprint.rules.period = period;
        self
    }

    /// Whether it ends with its significant children.
    pub const fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.blueprint.rules.auto_shutdown = auto_shutdown;
        self
    }

    /// Adds a child. Children are started in the order in which they are added, each when the one
    /// before has acknowledged its start, and stopped in the reverse order.
    pub fn child(mut self, child: impl IntoChildSpec) -> Self {
        self.blueprint.children.push(child.into_child_spec().placed());
        self
    }

    pub(super) fn into_parts(self) -> (Arc<str>, Blueprint) {
        (self.name, self.blueprint)
    }

    /// The supervisor as a child, for options that it has as one.
    pub fn child_spec(self) -> ChildSpec<Supervisor> {
        let (name, blueprint) = self.into_parts();
        let mut spec = ChildSpec::from_source(name, Arc::new(blueprint));
        spec.be_supervisor();
        spec
    }

    /// Starts it in a system, and waits until its children run.
    ///
    /// # Errors
    ///
    /// As [`System::start`], and `failed_to_start_child` with the detail `child` when a child does
    /// not start; those before it have been stopped then.
    pub async fn start(self, system: &System) -> Result<ActorRef<Supervisor>> {
        system.start(self).await
    }
}

impl Clone for SupervisorBuilder {
    /// Another supervisor, whose children have places of their own.
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), blueprint: self.blueprint.another() }
    }
}

impl fmt::Debug for SupervisorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SupervisorBuilder");
        shown.field("name", &self.name).field("blueprint", &self.blueprint).finish()
    }
}

// === impl Blueprint ===

impl Blueprint {
    /// For another supervisor, whose children have places of their own.
    pub(super) fn another(&self) -> Self {
        let children = self.children.iter().map(|child| child.another()).collect();
        Self { rules: self.rules, children }
    }

    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<()> {
        validate_period("intensity.period", self.rules.period)?;
        let mut names: Vec<_> = Vec::with_capacity(self.children.len());
        for child in &self.children {
            let options = child.options();
            self.rules
                .validate(options)
                .map_err(|error| error.with_detail("child", &*options.name))?;
            names.push(&options.name);
        }
        names.sort_unstable();
        match names.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
            Some([name, ..]) => {
                let twice = format!("two children are called {name:?}");
                let duplicate = Error::from(codes::DUPLICATE_CHILD).with_message(twice);
                Err(duplicate.with_detail("child", &***name))
            }
            _ => Ok(()),
        }
    }
}

impl Source<Self> for Blueprint {
    /// For the next incarnation, whose children have the places of those before them.
    fn get(&self) -> Option<Self> {
        Some(Self { rules: self.rules, children: self.children.clone() })
    }

    fn another(&self) -> Option<Arc<dyn Source<Self>>> {
        Some(Arc::new(Self::another(self)))
    }
}

impl fmt::Debug for Blueprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.children.iter().map(|child| &child.options().name).collect();
        let mut shown = f.debug_struct("Blueprint");
        shown.field("rules", &self.rules).field("children", &names).finish()
    }
}

/// Refuses a period in which nothing can happen.
pub(super) fn validate_period(field: &str, period: Duration) -> Result<()> {
    if period.is_zero() {
        return Err(refused(field, "no restart happens in no time"));
    }
    Ok(())
}

// === impl Rules ===

impl Rules {
    /// Refuses a child that cannot be under this supervisor.
    pub(super) fn validate(self, child: &Options) -> Result<()> {
        child.validate()?;
        if child.significant && self.auto_shutdown == AutoShutdown::Never {
            return Err(refused("significant", "the supervisor has no auto-shutdown"));
        }
        Ok(())
    }
}
