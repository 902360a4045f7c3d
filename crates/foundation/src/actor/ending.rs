//! Ending an actor: ask, wait, kill, wait a little, and go on in any case.

use std::time::Duration;

use super::handle::Exited;
use super::slot::Process;
use super::spec::Shutdown;
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

/// Ends `process` as its specification says. `ask` asks it to; a brutal kill does not.
pub(crate) async fn end(process: &dyn Process, ask: impl FnOnce(&dyn Process)) -> Ended {
    let core = process.core();
    let wait = |after| Within::new(limit(process, after), Exited::of(core));
    let patience = match core.shutdown {
        Shutdown::BrutalKill => None,
        Shutdown::Within(patience) => Some(Some(patience)),
        Shutdown::Infinity => Some(None),
    };
    if let Some(patience) = patience {
        let exited = wait(patience);
        ask(process);
        if let Ok(reason) = exited.await {
            return Ended::With(reason);
        }
    }
    let exited = wait(Some(AFTER_KILL));
    process.kill();
    if let Ok(reason) = exited.await {
        return Ended::With(reason);
    }
    let (pid, name) = (core.pid.to_string(), &*core.name);
    tracing::error!(actor = name, pid, "actor.unresponsive");
    let error = Error::from(codes::UNRESPONSIVE).with_detail("actor", name);
    Ended::Unresponsive(error.with_detail("pid", pid))
}

fn limit(process: &dyn Process, after: Option<Duration>) -> Limit<'_> {
    let core = process.core();
    let shard = usize::try_from(core.pid.slot).unwrap_or(0);
    Limit::new(&core.system.deadlines, shard, after)
}
