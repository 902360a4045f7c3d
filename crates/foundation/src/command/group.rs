//! A running program with all the processes that it has started and that have not left its group.
//!
//! The group has the number of its first process, the leader, for as long as that is not collected
//! or another process is in the group; after that the number may be anybody's. So the leader is
//! collected last: its end is seen without collecting it, the others are killed, and then it is.

use std::io;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::signal::unix;

use crate::error::{Result, boundary};

/// A process group. Dropping it kills all that are in it.
pub(super) struct Group {
    /// None when the leader was collected, and the number is no longer ours.
    number: Option<Pid>,
    leader: Child,
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
    pub(super) fn start(command: &mut Command) -> io::Result<(Self, Pipes)> {
        // Listening begins before there is anything to hear.
        let endings = unix::signal(unix::SignalKind::child())?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut leader = command.spawn()?;
        let (stdin, stdout) = (leader.stdin.take(), leader.stdout.take());
        let stderr = leader.stderr.take();
        let number = leader.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok((Self { number, leader, endings }, Pipes { stdin, stdout, stderr }))
    }

    /// Asks all of them to end.
    pub(super) fn terminate(&self) {
        self.send(Signal::TERM);
    }

    /// Kills all of them.
    pub(super) fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// Waits for the end of the leader, which stays to be collected. Dropping it loses nothing.
    pub(super) async fn ended(&mut self) -> Result<()> {
        let Some(number) = self.number else { return Ok(()) };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            let seen = waitid(WaitId::Pid(number), look).map_err(io::Error::from);
            if boundary::process(seen)?.is_some() {
                return Ok(());
            }
            // Never at an end: the runtime keeps what it comes from.
            let _ = self.endings.recv().await;
        }
    }

    /// Kills whatever is left, and collects the leader, which has ended.
    pub(super) async fn collect(&mut self) -> Result<ExitStatus> {
        self.kill();
        let status = self.leader.wait().await;
        self.number = None;
        boundary::process(status)
    }

    fn send(&self, signal: Signal) {
        if let Some(number) = self.number {
            // All have ended, or are no longer ours to end: nothing more can be done.
            let _ = kill_process_group(number, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The runtime collects a leader that nobody has waited for.
        self.kill();
    }
}
