//! A running program with all the processes that it has started and that have not left its group.
//!
//! The group has the number of its first process, the leader, for as long as that is not collected
//! or another process is in the group; after that the number may be anybody's. So the leader is
//! collected last: its end is seen without collecting it, the others are killed, and then it is.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, kill_process_group,
    waitid, waitpgid, waitpid,
};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::signal::unix;
use tokio::time::Instant;

use super::collector::Collector;
use crate::error::{Result, boundary};
use crate::timer::sleep_until;

/// How often the leader is looked at though nothing was heard: whoever replaces the handler of
/// SIGCHLD takes it from everybody.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A process group. Dropping it kills all that are in it; they are collected in the background.
pub(super) struct Group {
    /// None when it was handed over.
    members: Option<Members>,
    collector: Collector,
    /// They were killed, and somebody has waited for their end as long as it takes.
    is_stuck: bool,
}

/// The processes of a group. Dropping it does nothing to them.
pub(super) struct Members {
    number: Pid,
    /// Whether the number is that of the leader still, which nobody has collected.
    is_ours: bool,
    /// Tells that some process of ours has ended, whichever.
    endings: unix::Signal,
}

/// What the leader reads and writes.
pub(super) struct Pipes {
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Group {
    /// Starts a program in a group of its own.
    pub(super) fn start(mut command: Command, collector: &Collector) -> io::Result<(Self, Pipes)> {
        // Listening begins before there is anything to hear.
        let endings = unix::signal(unix::SignalKind::child())?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut leader = command.spawn()?;
        let members = Members { number: Pid::from_child(&leader), is_ours: true, endings };
        // From here on it is killed whatever fails.
        let group = Self { members: Some(members), collector: collector.clone(), is_stuck: false };
        let pipes = Pipes {
            stdin: leader.stdin.take().map(ChildStdin::from_std).transpose()?,
            stdout: leader.stdout.take().map(ChildStdout::from_std).transpose()?,
            stderr: leader.stderr.take().map(ChildStderr::from_std).transpose()?,
        };
        Ok((group, pipes))
    }

    /// Asks all of them to end.
    pub(super) fn terminate(&mut self) {
        if let Some(members) = &mut self.members {
            // Whoever does not hear is killed.
            let _ = members.send(Signal::TERM);
        }
    }

    /// Kills all of them. Fails when none of them is ours to kill.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.members.as_mut().map_or(Ok(()), |members| members.send(Signal::KILL))
    }

    /// Waits for the end of the leader, which stays to be collected. Dropping it loses nothing.
    pub(super) async fn ended(&mut self) -> Result<()> {
        match &mut self.members {
            Some(members) => boundary::process(members.ended().await),
            None => Ok(()),
        }
    }

    /// Gives up waiting for the end of what was killed.
    pub(super) const fn give_up(&mut self) {
        self.is_stuck = true;
    }

    /// Collects a leader that has ended, whose group was killed.
    pub(super) fn collect(mut self) -> Result<ExitStatus> {
        let Some(mut members) = self.members.take() else {
            return boundary::process(Err(io::Error::from(Errno::CHILD)));
        };
        let status = boundary::process(members.collect_leader())?;
        self.collector.collect_others(members);
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(mut members) = self.members.take() {
            let _ = members.send(Signal::KILL);
            self.collector.collect(members, self.is_stuck);
        }
    }
}

impl Members {
    /// Waits for the end of the leader, which stays to be collected. Dropping it loses nothing.
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        while !self.has_ended()? {
            self.some_has_ended().await;
        }
        Ok(())
    }

    /// Whether the leader has ended, which stays to be collected. Fails when somebody else has
    /// collected it, whose number it is no longer.
    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        if !self.is_ours {
            return Err(Errno::CHILD.into());
        }
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let seen = waitid(WaitId::Pid(self.number), look);
        self.is_ours = seen.is_ok();
        Ok(seen?.is_some())
    }

    /// Collects the leader, which has ended.
    pub(super) fn collect_leader(&mut self) -> io::Result<ExitStatus> {
        if !self.has_ended()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.is_ours = false;
        let collected = waitpid(Some(self.number), WaitOptions::NOHANG)?;
        let (_, status) = collected.ok_or(Errno::CHILD)?;
        Ok(ExitStatus::from_raw(status.as_raw()))
    }

    /// Whether processes of the group may be left to be collected when the leader was. They are
    /// ours when whoever has started them has ended: those of the first process of a container, or
    /// of one that has asked for them.
    ///
    /// They keep the number until the last of them was collected. Where they are another's to
    /// collect they are not asked for: the number may be anybody's as soon as the leader was.
    pub(super) fn may_have_others() -> bool {
        getpid() == Pid::INIT || is_subreaper()
    }

    /// Collects others than the leader, for as long as some have ended, and says whether there are
    /// more that have not.
    pub(super) fn collect_others(&self) -> bool {
        loop {
            match waitpgid(self.number, WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_there_is_none) => return false,
            }
        }
    }

    /// Waits until some process of ours has ended, whichever, or it is time to look again.
    pub(super) async fn some_has_ended(&mut self) {
        tokio::select! {
            biased;
            // Never at an end: the runtime keeps what it comes from.
            _ = self.endings.recv() => {}
            () = sleep_until(Instant::now() + LOOK_AGAIN) => {}
        }
    }

    /// Sends a signal to all of them, unless the number may be anybody's. The leader is ours even
    /// if it has left its group.
    fn send(&mut self, signal: Signal) -> io::Result<()> {
        self.has_ended()?;
        let to_group = kill_process_group(self.number, signal);
        let to_leader = kill_process(self.number, signal);
        Ok(to_group.or(to_leader)?)
    }
}

/// Whether there may be a program at a place. Looking costs much less than a process that finds
/// nothing to run.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, what can be run is in files")]
pub(super) fn may_exist(program: &Path) -> bool {
    !matches!(program.try_exists(), Ok(false))
}

/// Whether this process has asked for the processes that its own leave behind.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_subreaper() -> bool {
    matches!(rustix::process::child_subreaper(), Ok(Some(_)))
}

/// Whether this process has asked for the processes that its own leave behind: nobody can.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const fn is_subreaper() -> bool {
    false
}
