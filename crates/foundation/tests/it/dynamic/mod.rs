//! Elixir's and OTP's cases for dynamic supervisors, and ours; see `supervisor/scenarios.rs`.

mod administration;
mod budget_per_child;
mod random;
mod restarts;
mod scale;
mod shutdown;
mod unresponsive;

use std::time::Duration;

use foundation::{
    ActorRef, ChildState, Counts, DynamicSupervisor, DynamicSupervisorBuilder, System,
};
use testkit::{Log, Puppet, pass};

use crate::fixture::{strike, system};

/// The shortest time that passes.
const MOMENT: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);

/// A dynamic supervisor in a system of its own, and the log of its children.
struct Stage {
    system: System,
    supervisor: ActorRef<DynamicSupervisor>,
    log: Log,
}

impl Stage {
    async fn set(builder: DynamicSupervisorBuilder) -> Self {
        let system = system().await;
        let supervisor = builder.name("top").start(&system).await.unwrap();
        Self { system, supervisor, log: Log::default() }
    }

    /// A supervisor that allows any number of restarts.
    async fn lenient() -> Self {
        Self::set(DynamicSupervisor::builder().intensity(1000, HOUR)).await
    }

    /// An ordinary puppet, which is permanent.
    async fn puppet(&self, name: &'static str) -> ActorRef<Puppet> {
        self.supervisor.start_child(Puppet::spec(name, &self.log)).await.unwrap()
    }

    /// The children by name, in the order of their start.
    fn names(&self) -> Vec<String> {
        let children = self.supervisor.which_children().unwrap();
        children.iter().map(|child| child.name.to_string()).collect()
    }

    /// Where the children are, in the order of their start.
    fn states(&self) -> Vec<ChildState> {
        self.supervisor.which_children().unwrap().iter().map(|child| child.state).collect()
    }

    fn counts(&self) -> [usize; 4] {
        counts(&self.supervisor)
    }

    /// Waits until nothing happens any more.
    async fn settle(&self) {
        // Paused time passes when nothing else is left to do.
        pass(MOMENT).await;
    }

    /// Stops everything, after which nothing is left.
    async fn strike(self) {
        strike(self.system).await;
    }
}

/// `[specs, active, supervisors, workers]`, as the scenarios write it.
fn counts(supervisor: &ActorRef<DynamicSupervisor>) -> [usize; 4] {
    let Counts { specs, active, supervisors, workers, .. } = supervisor.count_children().unwrap();
    [specs, active, supervisors, workers]
}
