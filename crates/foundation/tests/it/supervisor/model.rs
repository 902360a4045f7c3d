//! A small model of a tree of supervisors, as OTP's manual describes it: one thing after the other,
//! no time, no tasks. Random trees under random failures have to do what it says, event for event.

use std::collections::HashMap;
use std::time::Duration;

use foundation::{AutoShutdown, ExitReason, Restart, Strategy};

/// A supervisor or a worker, as it is specified.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) restart: Restart,
    pub(super) significant: bool,
    pub(super) supervises: Option<SupervisorSpec>,
}

#[derive(Debug, Clone)]
pub(super) struct SupervisorSpec {
    pub(super) strategy: Strategy,
    pub(super) intensity: u32,
    pub(super) auto: AutoShutdown,
    pub(super) children: Vec<Spec>,
}

/// What happens, in order; within one entry in whatever order.
pub(super) type Events = Vec<Vec<String>>;

/// The window of every supervisor here.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Node {
    pub(super) spec: Spec,
    pub(super) runs: bool,
    pub(super) children: Vec<Node>,
    restarts: Vec<Duration>,
}

/// What all nodes share.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) now: Duration,
    pub(super) events: Events,
    /// How many of the next starts of a worker fail.
    pub(super) failing: HashMap<&'static str, u32>,
}

/// The supervisor ends.
struct Ends;

impl World {
    fn event(&mut self, event: String) {
        self.events.push(vec![event]);
    }
}

impl Node {
    pub(super) fn new(spec: Spec) -> Self {
        Self { spec, runs: false, children: Vec::new(), restarts: Vec::new() }
    }

    /// Starts it with its first children, and says whether it did.
    pub(super) fn start(&mut self, world: &mut World) -> bool {
        let Some(supervises) = self.spec.supervises.clone() else {
            world.event(format!("+{}", self.spec.name));
            let failing = world.failing.entry(self.spec.name).or_default();
            self.runs = *failing == 0;
            *failing = failing.saturating_sub(1);
            return self.runs;
        };
        self.restarts.clear();
        self.children = supervises.children.into_iter().map(Self::new).collect();
        for at in 0..self.children.len() {
            if !self.children[at].start(world) {
                self.stop_children(world, 0);
                return false;
            }
        }
        self.runs = true;
        true
    }

    /// Stops it, children first.
    pub(super) fn stop(&mut self, world: &mut World) {
        if !std::mem::take(&mut self.runs) {
            return;
        }
        self.stop_children(world, 0);
        if self.spec.supervises.is_none() {
            world.event(format!("{}?", self.spec.name));
            world.event(format!("-{}", self.spec.name));
        }
    }

    /// Kills it, and everybody below at once.
    pub(super) fn kill(&mut self, world: &mut World) {
        let mut all = Vec::new();
        self.collect_dead(&mut all);
        world.events.push(all);
    }

    fn collect_dead(&mut self, all: &mut Vec<String>) {
        if std::mem::take(&mut self.runs) && self.spec.supervises.is_none() {
            all.push(format!("-{}", self.spec.name));
        }
        self.children.iter_mut().for_each(|child| child.collect_dead(all));
    }

    /// Something happens to the node at the end of `path`. Says whether this node ended by it, and
    /// why.
    pub(super) fn at(
        &mut self,
        path: &[&'static str],
        world: &mut World,
        then: &mut dyn FnMut(&mut Node, &mut World) -> Option<ExitReason>,
    ) -> Option<ExitReason> {
        let Some((name, rest)) = path.split_first() else { return then(self, world) };
        let child = self.find(name).expect("the path leads somewhere");
        let reason = child.at(rest, world, then)?;
        child.runs = false;
        let Err(Ends) = self.ended(name, &reason, world) else { return None };
        self.stop(world);
        Some(ExitReason::Shutdown)
    }

    /// A child has ended by itself.
    fn ended(
        &mut self,
        name: &'static str,
        reason: &ExitReason,
        world: &mut World,
    ) -> Result<(), Ends> {
        let spec = self.find(name).expect("it was there").spec.clone();
        let again = match spec.restart {
            Restart::Permanent => true,
            Restart::Transient => reason.is_abnormal(),
            Restart::Temporary => false,
        };
        if again {
            return self.restart(name, world);
        }
        self.forget_temporary();
        let left = self.children.iter().filter(|child| child.runs && child.spec.significant);
        let ends = match self.supervises().auto {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => spec.significant,
            AutoShutdown::AllSignificant => spec.significant && left.count() == 0,
        };
        if ends { Err(Ends) } else { Ok(()) }
    }

    fn restart(&mut self, name: &'static str, world: &mut World) -> Result<(), Ends> {
        let mut name = name;
        loop {
            self.restarts.retain(|time| world.now.saturating_sub(*time) <= PERIOD);
            if self.restarts.len() >= self.supervises().intensity as usize {
                return Err(Ends);
            }
            self.restarts.push(world.now);
            let position = |children: &[Node]| children.iter().position(|it| it.spec.name == name);
            let at = position(&self.children).expect("it is there");
            let range = match self.supervises().strategy {
                Strategy::OneForOne => at..at + 1,
                Strategy::OneForAll => 0..usize::MAX,
                Strategy::RestForOne => at..usize::MAX,
            };
            if range.end == usize::MAX {
                self.stop_children(world, range.start);
            }
            let end = range.end.min(self.children.len());
            let failed = (range.start..end).find(|at| !self.children[*at].start(world));
            match failed {
                None => return Ok(()),
                Some(at) => name = self.children[at].spec.name,
            }
        }
    }

    fn stop_children(&mut self, world: &mut World, from: usize) {
        self.children[from..].iter_mut().rev().for_each(|child| child.stop(world));
        self.forget_temporary();
    }

    pub(super) fn forget_temporary(&mut self) {
        self.children.retain(|child| child.runs || child.spec.restart != Restart::Temporary);
    }

    pub(super) fn find(&mut self, name: &str) -> Option<&mut Node> {
        self.children.iter_mut().find(|child| child.spec.name == name)
    }

    fn supervises(&self) -> &SupervisorSpec {
        self.spec.supervises.as_ref().expect("only supervisors have children")
    }

    /// The paths to everybody below that runs.
    pub(super) fn running(&self) -> Vec<Vec<&'static str>> {
        let mut paths = Vec::new();
        for child in self.children.iter().filter(|child| child.runs) {
            paths.push(vec![child.spec.name]);
            let below = child.running().into_iter();
            paths.extend(below.map(|path| [vec![child.spec.name], path].concat()));
        }
        paths
    }

    /// The paths to all supervisors that run, this one included, each with its children.
    pub(super) fn listing(&self, path: &str) -> Vec<(String, Vec<(String, bool)>)> {
        if self.spec.supervises.is_none() || !self.runs {
            return Vec::new();
        }
        let children = self.children.iter().rev();
        let own = children.map(|child| (child.spec.name.to_owned(), child.runs)).collect();
        let mut all = vec![(path.to_owned(), own)];
        for child in &self.children {
            all.extend(child.listing(&format!("{path}/{}", child.spec.name)));
        }
        all
    }
}
