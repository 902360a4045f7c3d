//! Ending an actor: ask, wait, kill, wait a little, and go on in any case.

use std::time::Duration;

use super::handle::Exited;
use super::slot::Peer;
use super::spec::{ChildKind, Shutdown};
use crate::deadline::{Limit, Within};
use crate::error::{Error, codes};
use crate::exit::ExitReason;

/// How long a killed actor may take to be gone. It is gone when it next waits for something, so one
/// that takes longer holds its thread.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// How an actor that was to end did.
#[derive(Debug)]
pub(crate) enum Ended {
    With(ExitReason),
    /// It was killed and is still there.
    Unresponsive(Error),
}

/// Ends an actor as its specification says. `ask` asks it to; a brutal kill does not.
pub(crate) async fn end(peer: &Peer, ask: impl FnOnce(&Peer)) -> Ended {
    let core = peer.process.core();
    let wait = |after| Within::new(limit(peer, after), Exited::of(core, peer.generation));
    let patience = match core.shutdown {
        Shutdown::BrutalKill => None,
        Shutdown::Within(patience) => Some(Some(patience)),
        Shutdown::Infinity => Some(None),
    };
    if let Some(patience) = patience {
        let exited = wait(patience);
        ask(peer);
        if let Ok(reason) = exited.await {
            return Ended::With(reason);
        }
    }
    kill(peer).await
}

/// Kills an actor, and waits a little.
pub(crate) async fn kill(peer: &Peer) -> Ended {
    let core = peer.process.core();
    let exited = Exited::of(core, peer.generation);
    let exited = Within::new(limit(peer, after_kill(core.kind)), exited);
    peer.kill();
    if let Ok(reason) = exited.await {
        return Ended::With(reason);
    }
    let error = unresponsive(peer);
    core.system.root.report(&error);
    Ended::Unresponsive(error)
}

/// How long whoever ends waits for the tasks that belong to it. Less than it is waited for itself,
/// or else a task that holds its thread would make its owner look as if it did.
const FOR_OWNED: Duration = Duration::from_millis(500);

/// Ends tasks that belong to somebody who has ended, and waits a little for all of them together.
pub(super) async fn end_owned(tasks: Vec<Peer>) {
    tasks.iter().for_each(Peer::dismiss);
    let Some(first) = tasks.first() else { return };
    let all_gone = async {
        for task in &tasks {
            Exited::of(task.process.core(), task.generation).await;
        }
    };
    if Within::new(limit(first, Some(FOR_OWNED)), all_gone).await.is_err() {
        // One that waits for tasks of its own holds no thread, and reports those itself.
        let holds = |task: &&Peer| task.is_there() && !task.process.core().life.is_closing();
        for task in tasks.iter().filter(holds) {
            task.process.core().system.root.report(&unresponsive(task));
        }
    }
}

/// How long an actor of this kind is waited for when it was killed. A supervisor is waited for
/// until its children are gone, each of which has its own limit.
pub(crate) const fn after_kill(kind: ChildKind) -> Option<Duration> {
    match kind {
        ChildKind::Worker => Some(AFTER_KILL),
        ChildKind::Supervisor => None,
    }
}

/// The error about an actor that was killed and is still there, which is logged.
pub(crate) fn unresponsive(peer: &Peer) -> Error {
    let (pid, name) = (peer.pid().to_string(), &*peer.process.core().name);
    tracing::error!(actor = name, pid, "actor.unresponsive");
    Error::from(codes::UNRESPONSIVE).with_detail("actor", name).with_detail("pid", pid)
}

/// A deadline of something that concerns this actor.
pub(crate) fn limit(peer: &Peer, after: Option<Duration>) -> Limit<'_> {
    let core = peer.process.core();
    let shard = usize::try_from(core.slot).unwrap_or(0);
    Limit::new(&core.system.deadlines, shard, after)
}
