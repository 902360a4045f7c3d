//! What a command came to.

use std::borrow::Cow;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, codes};

/// How much of what a failed command wrote to standard error is in the details of its error.
const TAIL: usize = 1000;

/// What a command came to. A clone is the same output.
#[derive(Clone)]
pub struct CommandOutput {
    done: Arc<Done>,
}

struct Done {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    took: Duration,
    is_complete: bool,
}

/// What was read of what a command wrote.
#[derive(Default)]
pub(super) struct Written {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// To the end of both.
    pub(super) is_complete: bool,
}

impl CommandOutput {
    pub(super) fn new(status: ExitStatus, written: Written, took: Duration) -> Self {
        let Written { mut stdout, mut stderr, is_complete } = written;
        // It may be kept for long.
        stdout.shrink_to_fit();
        stderr.shrink_to_fit();
        Self { done: Arc::new(Done { status, stdout, stderr, took, is_complete }) }
    }

    /// What it ended with, 0 to 255; none when a signal ended it.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        self.done.status.code()
    }

    /// The signal that ended it, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.done.status.signal()
    }

    /// What it wrote to standard output.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.done.stdout
    }

    /// What it wrote to standard error.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.done.stderr
    }

    /// What it wrote to standard output, as text: what is no UTF-8 is replaced by U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.done.stdout)
    }

    /// Whether its output was read to the end. It was not when a process that it has started, and
    /// that has left its group, keeps the output open: what the program itself wrote is here, and
    /// what the other writes more than a second later is not.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.done.is_complete
    }

    /// How long it took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.done.took
    }

    /// The error of one that has failed.
    pub(super) fn failed(&self, program: &str) -> Error {
        let error = Error::from(codes::COMMAND_FAILED).with_detail("program", program);
        let error = match (self.exit_code(), self.signal()) {
            (Some(code), _) => error.with_detail("exit_code", code),
            (None, Some(signal)) => error.with_detail("signal", signal),
            (None, None) => error,
        };
        error.with_detail("stderr", self.stderr_tail())
    }

    /// The end of what it wrote to standard error.
    pub(super) fn stderr_tail(&self) -> String {
        let (_, tail) = self.stderr().split_at(self.stderr().len().saturating_sub(TAIL));
        String::from_utf8_lossy(tail).trim_end().to_owned()
    }
}

impl fmt::Debug for CommandOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("CommandOutput");
        shown.field("exit_code", &self.exit_code()).field("signal", &self.signal());
        shown.field("stdout_bytes", &self.stdout().len());
        shown.field("stderr_bytes", &self.stderr().len()).finish_non_exhaustive()
    }
}
