//! Monitors and links: how one actor learns of the end of another.
//!
//! A monitor is one-way and tells; a link goes both ways and ends whoever does not trap exits.
//! Both belong to one incarnation and go with it, from both sides.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::life::{self, Dead, Side};
use super::slot::{Peer, Pid, Process, Signal};
use crate::exit::ExitReason;

/// Names one monitor of one actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MonitorRef(pub(super) u64);

/// What a monitor tells, once.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Down {
    /// The monitor, which is over with this.
    pub monitor: MonitorRef,
    /// The incarnation that has ended.
    pub pid: Pid,
    /// The name it was started under.
    pub name: Arc<str>,
    /// Why it ended; `NoProc` if it was dead when the monitor was set.
    pub reason: ExitReason,
}

/// The end of a linked actor, as an actor that traps exits is told of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Exit {
    /// The incarnation that has ended.
    pub pid: Pid,
    /// The name it was started under.
    pub name: Arc<str>,
    /// Why it ended; `NoProc` if it was dead when it was linked.
    pub reason: ExitReason,
}

/// The monitors of one incarnation, on its own side. Links are in the life of either side.
pub(super) struct Watching {
    /// Whom each monitor watches, with the key to leave; without one where nobody lived.
    monitors: BTreeMap<MonitorRef, (Arc<dyn Process>, Option<u64>)>,
    next: u64,
}

// === impl Watching ===

impl Watching {
    pub(super) fn new() -> Self {
        Self { monitors: BTreeMap::new(), next: 0 }
    }

    pub(super) fn monitor(&mut self, owner: &Peer, target: Arc<dyn Process>) -> MonitorRef {
        let monitor = MonitorRef(self.next);
        self.next += 1;
        let core = target.core();
        let key = core.life.monitor(owner.clone(), monitor);
        if let Err(Dead(generation)) = key {
            let (pid, name) = (Pid { slot: core.slot, generation }, Arc::clone(&core.name));
            owner.signal(Signal::Down(Down { monitor, pid, name, reason: ExitReason::NoProc }));
        }
        self.monitors.insert(monitor, (target, key.ok()));
        monitor
    }

    /// Whether the monitor was there and had not told anything. One that has told something by now
    /// is forgotten only if that is to be `flushed`.
    pub(super) fn demonitor(&mut self, monitor: MonitorRef, flushed: bool) -> bool {
        let Some((target, key)) = self.monitors.get(&monitor) else { return false };
        let removed = key.is_some_and(|key| target.core().life.unwatch(key));
        if removed || flushed {
            self.monitors.remove(&monitor);
        }
        removed
    }

    /// Whether a monitor that told something was still there.
    pub(super) fn is_down(&mut self, monitor: MonitorRef) -> bool {
        self.monitors.remove(&monitor).is_some()
    }

    /// How many monitors there are, those included whose telling waits.
    pub(super) fn len(&self) -> usize {
        self.monitors.len()
    }
}

impl Drop for Watching {
    /// Whoever ends watches nobody any more.
    fn drop(&mut self) {
        for (target, key) in self.monitors.values() {
            if let Some(key) = key {
                target.core().life.unwatch(*key);
            }
        }
    }
}

/// Links two actors, unless they are one, or linked already. Whoever turns out to be dead is heard
/// of at once.
pub(super) fn link(owner: &Peer, other: &Peer) {
    let (mine, theirs) = (owner.pid(), other.pid());
    if mine == theirs || owner.process.core().life.is_linked(theirs) {
        return;
    }
    let own = Side { life: &owner.process.core().life, pid: mine, peer: owner.clone() };
    let their = Side { life: &other.process.core().life, pid: theirs, peer: other.clone() };
    if life::link(own, their).is_err() {
        let name = Arc::clone(&other.process.core().name);
        owner.signal(Signal::Exit(Exit { pid: theirs, name, reason: ExitReason::NoProc }));
    }
}

/// Links a task that has not begun to its owner, to whom it belongs from here on.
///
/// # Errors
///
/// When the owner has ended.
pub(crate) fn own(owner: &Peer, task: &Peer) -> Result<(), Dead> {
    let (mine, theirs) = (owner.pid(), task.pid());
    owner.process.core().life.own(mine, theirs, task.clone())?;
    // It cannot have ended: it has not begun.
    task.process.core().life.link(theirs, mine, owner.clone())
}

/// Removes the link of two actors from both sides. False when there was none. What the other one
/// has told by now finds no link, and is forgotten.
pub(crate) fn unlink(owner: &Peer, other: Pid) -> bool {
    let Some(peer) = owner.process.core().life.unlink(other) else { return false };
    drop(peer.process.core().life.unlink(owner.pid()));
    true
}
