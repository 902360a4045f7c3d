//! What a dynamic supervisor is made from: how many children, and how often they may fail.

use std::sync::Arc;
use std::time::Duration;

use super::DynamicSupervisor;
use crate::actor::{ActorRef, ChildSpec, Options, Source, refused};
use crate::error::Result;
use crate::supervisor::options::{INTENSITY, IntoChildSpec, PERIOD, validate_period};
use crate::system::System;

/// The options of a dynamic supervisor.
///
/// | option | default | refused |
/// |---|---|---|
/// | [`name`](Self::name) | `dynamic_supervisor` | empty, or longer than 255 bytes |
/// | [`max_children`](Self::max_children) | no limit | – |
/// | [`intensity`](Self::intensity) | 3 restarts in 5 s, of all children together | a period of 0 |
/// | [`budget_per_child`](Self::budget_per_child) | none: all children share one | see [`ChildBudget`] |
///
/// What is refused is refused with `invalid_options` when it is started, and the detail `field`.
/// Further options, those of the supervisor as somebody's child, has
/// [`child_spec`](Self::child_spec).
#[derive(Debug, Clone)]
#[must_use = "nothing is started until it is"]
pub struct DynamicSupervisorBuilder {
    name: Arc<str>,
    blueprint: DynamicBlueprint,
}

/// What every incarnation of a dynamic supervisor starts from.
#[derive(Debug, Clone)]
pub struct DynamicBlueprint {
    pub(super) rules: Rules,
}

/// The rules of one dynamic supervisor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) max_children: usize,
    pub(super) intensity: u32,
    pub(super) period: Duration,
    pub(super) per_child: Option<ChildBudget>,
}

/// A budget of restarts that each child has for itself, so that one that fails again and again
/// spends nobody else's.
///
/// A child whose end charges its budget waits before it is started again: 100 ms, and twice as long
/// for every restart that still counts, up to 30 s; a random part of that, half or more, so that
/// those who failed together do not return together. With more restarts than allowed it is
/// *quarantined*: it does not run, and keeps its place until somebody
/// [releases](ActorRef::release_child) or terminates it.
///
/// Every end charges the budget after which the child is restarted, a failed start and a kill
/// included, except `Shutdown` and `ShutdownWith`: there it was told to end, and is started again
/// after the first wait.
///
/// | option | default | refused |
/// |---|---|---|
/// | [`intensity`](Self::intensity) | 5 restarts in 60 s | a period of 0 |
/// | [`backoff`](Self::backoff) | from 100 ms to 30 s | a first wait of 0, or above the longest |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ChildBudget {
    pub(super) intensity: u32,
    pub(super) period: Duration,
    pub(super) first: Duration,
    pub(super) most: Duration,
}

// === impl ChildBudget ===

impl Default for ChildBudget {
    /// Enough restarts to outlast a dependency that is being restarted itself, few enough that a
    /// child which cannot run is known within seconds.
    fn default() -> Self {
        Self {
            intensity: 5,
            period: Duration::from_mins(1),
            first: Duration::from_millis(100),
            most: Duration::from_secs(30),
        }
    }
}

impl ChildBudget {
    /// How many restarts are allowed in which time, inclusive. One more is quarantine.
    pub const fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.intensity = restarts;
        self.period = period;
        self
    }

    /// How long the first wait is, and the longest.
    pub const fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.first = first;
        self.most = most;
        self
    }

    fn validate(&self) -> Result<()> {
        validate_period("budget_per_child.period", self.period)?;
        if self.first.is_zero() {
            return Err(refused(
                "budget_per_child.first",
                "without a wait there is no time for anything else",
            ));
        }
        if self.first > self.most {
            return Err(refused("budget_per_child.first", "it is longer than the longest wait"));
        }
        Ok(())
    }
}

// === impl DynamicSupervisorBuilder ===

impl DynamicSupervisorBuilder {
    pub(super) fn new() -> Self {
        let rules = Rules {
            max_children: usize::MAX,
            intensity: INTENSITY,
            period: PERIOD,
            per_child: None,
        };
        Self { name: "dynamic_supervisor".into(), blueprint: DynamicBlueprint { rules } }
    }

    /// What it is called, among its siblings and in logs; 1 to 255 bytes.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How many children it has at most, those included that start, stop, wait for their restart or
    /// are quarantined. One more is refused with `max_children`.
    pub const fn max_children(mut self, most: usize) -> Self {
        self.blueprint.rules.max_children = most;
        self
    }

    /// How many restarts it allows in which time, of all children together. One more ends it. The
    /// window is inclusive. Of no account where each child has a budget of its own.
    pub const fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.blueprint.rules.intensity = restarts;
        self.blueprint.rules.period = period;
        self
    }

    /// Gives each child a budget of its own. The supervisor then never ends because of its
    /// children.
    pub const fn budget_per_child(mut self, budget: ChildBudget) -> Self {
        self.blueprint.rules.per_child = Some(budget);
        self
    }

    /// The supervisor as a child, for options that it has as one.
    pub fn child_spec(self) -> ChildSpec<DynamicSupervisor> {
        let Self { name, blueprint } = self;
        let mut spec = ChildSpec::from_source(name, Arc::new(blueprint));
        spec.be_supervisor();
        spec
    }

    /// Starts it in a system.
    ///
    /// # Errors
    ///
    /// As [`System::start`].
    pub async fn start(self, system: &System) -> Result<ActorRef<DynamicSupervisor>> {
        system.start(self).await
    }
}

impl IntoChildSpec for DynamicSupervisorBuilder {
    type Actor = DynamicSupervisor;

    fn into_child_spec(self) -> ChildSpec<DynamicSupervisor> {
        self.child_spec()
    }
}

impl Source<Self> for DynamicBlueprint {
    fn get(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl DynamicBlueprint {
    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<()> {
        validate_period("intensity.period", self.rules.period)?;
        self.rules.per_child.as_ref().map_or(Ok(()), ChildBudget::validate)
    }
}

/// Refuses a child that no dynamic supervisor can have.
pub(super) fn validate(child: &Options) -> Result<()> {
    child.validate()?;
    if child.significant {
        return Err(refused("significant", "a dynamic supervisor has no auto-shutdown"));
    }
    Ok(())
}
