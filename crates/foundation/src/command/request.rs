//! What is to be run.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::options::{validate_deadline, validate_program};
use crate::actor::refused;
use crate::error::Result;

/// A program with its arguments, as it is to be run once. Never a line of a shell: an argument is
/// what it is, whatever characters are in it.
///
/// | option | default |
/// |---|---|
/// | [`arg`](Self::arg), [`args`](Self::args) | no arguments |
/// | [`env`](Self::env) | `PATH` only, and what [is inherited](super::CommandOptions::inherit_environment) |
/// | [`current_dir`](Self::current_dir) | that of this program |
/// | [`stdin`](Self::stdin) | nothing to read |
/// | [`deadline`](Self::deadline) | that of all commands, 10 s |
/// | [`accept`](Self::accept), [`accept_all`](Self::accept_all) | exit code 0 |
/// | [`cached`](Self::cached) | it is run |
///
/// Its [`Debug`](fmt::Debug) form shows neither arguments nor environment, which may be secret.
#[derive(Clone)]
#[must_use = "nothing is run until `Commands::run` is called and awaited"]
pub struct Command {
    pub(super) call: Call,
    pub(super) deadline: Option<Duration>,
    pub(super) is_cached: bool,
}

/// All that what comes of a command depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub(super) program: Arc<str>,
    pub(super) args: Vec<OsString>,
    pub(super) env: BTreeMap<OsString, OsString>,
    pub(super) current_dir: Option<PathBuf>,
    pub(super) stdin: Option<Arc<[u8]>>,
    pub(super) accepted: Accepted,
}

/// How a program may end that has done what it should.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Accepted {
    Codes(BTreeSet<i32>),
    /// However it ends, signals included.
    All,
}

impl Command {
    /// A program: a name, or an absolute path, spelt as it
    /// [is allowed](super::CommandOptions::allow).
    pub fn new(program: impl Into<Arc<str>>) -> Self {
        let call = Call {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            current_dir: None,
            stdin: None,
            accepted: Accepted::Codes(BTreeSet::from([0])),
        };
        Self { call, deadline: None, is_cached: false }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.call.args.push(arg.into());
        self
    }

    /// More arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.call.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// One more variable of its environment, or another value for one. `LD_…` and `DYLD_…`, which
    /// have other code run in a program, are refused.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.call.env.insert(name.into(), value.into());
        self
    }

    /// The folder that it is run in.
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.call.current_dir = Some(folder.into());
        self
    }

    /// What it can read from standard input. It need not read it.
    pub fn stdin(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.call.stdin = Some(bytes.into());
        self
    }

    /// How long it may take, from when it is started; more than nothing, 366 days at most.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Exit codes that are no failure, in place of 0 alone: `diff` says with 1 that files differ.
    pub fn accept(mut self, exit_codes: impl IntoIterator<Item = i32>) -> Self {
        self.call.accepted = Accepted::Codes(exit_codes.into_iter().collect());
        self
    }

    /// However it ends is no failure, for whoever looks at
    /// [`exit_code`](super::CommandOutput::exit_code).
    pub fn accept_all(mut self) -> Self {
        self.call.accepted = Accepted::All;
        self
    }

    /// Gives what the same command came to before, if that is not longer ago than
    /// [`cache_ttl`](super::CommandOptions::cache_ttl), and keeps what it comes to. The same is one
    /// with the same program, arguments, environment, folder, input and accepted codes. Of several
    /// at the same time one is run, with its deadline, and the others wait for it; one that has
    /// waited 10 s longer than its own deadline and `kill_after`, or hears of an infrastructure
    /// error, runs it for itself. A failure is never kept, nor is output that is not
    /// [complete](super::CommandOutput::is_complete).
    pub const fn cached(mut self) -> Self {
        self.is_cached = true;
        self
    }

    /// Refuses what can be no command.
    pub(super) fn validate(&self) -> Result<()> {
        let Call { program, args, env, current_dir, .. } = &self.call;
        validate_program("program", program)?;
        if args.iter().any(|arg| has_zero(arg)) {
            return Err(refused("args", "an argument has no zero byte"));
        }
        let is_name =
            |name: &OsString| !name.is_empty() && !name.as_encoded_bytes().contains(&b'=');
        if !env.keys().all(is_name) {
            return Err(refused("env", "a variable has a name, without `=`"));
        }
        if env.keys().any(|name| is_of_the_loader(name)) {
            return Err(refused("env", "what loads programs is not told what to load with them"));
        }
        if env.iter().any(|(name, value)| has_zero(name) || has_zero(value)) {
            return Err(refused("env", "a variable has no zero byte"));
        }
        if current_dir.as_ref().is_some_and(|folder| has_zero(folder.as_os_str())) {
            return Err(refused("current_dir", "a path has no zero byte"));
        }
        self.deadline.map_or(Ok(()), validate_deadline)
    }
}

impl Accepted {
    pub(super) fn accepts(&self, exit_code: Option<i32>) -> bool {
        match self {
            Self::All => true,
            Self::Codes(codes) => exit_code.is_some_and(|code| codes.contains(&code)),
        }
    }
}

/// Whether a variable has other code run in a program than its own.
fn is_of_the_loader(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"LD_") || name.starts_with(b"DYLD_")
}

fn has_zero(text: &OsStr) -> bool {
    text.as_encoded_bytes().contains(&0)
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Command");
        shown.field("program", &self.call.program).field("deadline", &self.deadline);
        shown.field("is_cached", &self.is_cached).finish_non_exhaustive()
    }
}
