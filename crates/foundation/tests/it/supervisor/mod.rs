//! OTP's own cases for supervisors, and ours. `// OTP A05` names the case in the list of scenarios
//! that a test ports; `scenarios.rs` checks that none is missing.

mod administration;
mod auto_shutdown;
mod budget;
mod model;
mod partitions;
mod random;
mod restarts;
mod scale;
mod scenarios;
mod shutdown;
mod starting;
mod strategies;
mod telemetry;
mod unresponsive;

use std::time::Duration;

use foundation::{
    ActorRef, ChildState, Counts, Pid, Strategy, Supervisor, SupervisorBuilder, System,
};
use testkit::{Log, Puppet, pass};

use crate::fixture::{strike, system};

/// The shortest time that passes.
const MOMENT: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);

/// A supervisor in a system of its own, and the log of its children.
struct Stage {
    system: System,
    supervisor: ActorRef<Supervisor>,
    log: Log,
}

impl Stage {
    async fn set(builder: SupervisorBuilder, log: &Log) -> Self {
        let system = system().await;
        let supervisor = builder.name("top").start(&system).await.unwrap();
        drop(log.take());
        Self { system, supervisor, log: log.clone() }
    }

    /// Ordinary puppets under a supervisor of the strategy, which allows any number of restarts.
    async fn of(strategy: Strategy, names: &[&'static str]) -> Self {
        let log = Log::default();
        let supervisor = Supervisor::with_strategy(strategy).intensity(1000, HOUR);
        let children = names.iter().map(|name| Puppet::spec(name, &log));
        Self::set(children.fold(supervisor, SupervisorBuilder::child), &log).await
    }

    async fn child(&self, name: &str) -> ActorRef<Puppet> {
        self.supervisor.child(name).await.unwrap()
    }

    async fn pid(&self, name: &str) -> Option<Pid> {
        let children = self.supervisor.which_children().await.unwrap();
        children.into_iter().find(|child| &*child.name == name).expect("the child is known").pid
    }

    async fn state(&self, name: &str) -> ChildState {
        let children = self.supervisor.which_children().await.unwrap();
        children.into_iter().find(|child| &*child.name == name).expect("the child is known").state
    }

    /// The children as they are listed, each with whether it has an incarnation.
    async fn which(&self) -> Vec<(String, bool)> {
        let children = self.supervisor.which_children().await.unwrap();
        children.into_iter().map(|child| (child.name.to_string(), child.pid.is_some())).collect()
    }

    async fn counts(&self) -> [usize; 4] {
        counts(&self.supervisor).await
    }

    /// Kills a child and waits until the supervisor has done what it does about that.
    async fn crash(&self, name: &str) {
        Puppet::kill(&self.child(name).await).await;
        self.settle().await;
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
async fn counts(supervisor: &ActorRef<Supervisor>) -> [usize; 4] {
    let Counts { specs, active, supervisors, workers, .. } =
        supervisor.count_children().await.unwrap();
    [specs, active, supervisors, workers]
}

/// What somebody is who is listed with an incarnation, or without.
fn listed(children: &[(&str, bool)]) -> Vec<(String, bool)> {
    children.iter().map(|(name, runs)| ((*name).to_owned(), *runs)).collect()
}
