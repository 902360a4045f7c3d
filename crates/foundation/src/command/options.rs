//! Which programs may be run, and how.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::actor::refused;
use crate::error::Result;

/// How many run at a time, unless it is said: what is run here is small, and the machine is not
/// there for it.
const MAX_CONCURRENT: usize = 5;
/// How long a command may take, unless it is said.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a command may take to end that was asked to, unless it is said: enough to remove a
/// file, not enough to finish the work.
const KILL_AFTER: Duration = Duration::from_secs(1);
/// How long commands go on when their supervisor stops, unless it is said: as any child.
const DRAIN: Duration = Duration::from_secs(5);
/// How much is kept of what a command writes to one stream, unless it is said.
const MAX_OUTPUT: usize = 1 << 20;
/// The most that can be kept of one stream: it is in memory.
const MOST_OUTPUT: usize = 1 << 30;
/// How long a result is good that is kept, unless it is said.
const CACHE_TTL: Duration = Duration::from_secs(30);
/// How many results are kept, unless it is said: each may be as large as two streams.
const MAX_CACHED: usize = 100;
/// The longest that anything is waited for.
pub(super) const LONGEST: Duration = Duration::from_hours(366 * 24);
/// How long the name of a program may be, in bytes: as a path of the operating system.
const LONGEST_PROGRAM: usize = 4095;
/// Where programs are looked for, unless it is said: where an operating system keeps its own.
const SEARCH_PATH: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// How [`Commands`](super::Commands) are run.
///
/// | option | default |
/// |---|---|
/// | [`allow`](Self::allow) | nothing: no program may be run |
/// | [`max_concurrent`](Self::max_concurrent) | 5 |
/// | [`max_queue`](Self::max_queue) | 0: one too many is refused at once |
/// | [`deadline`](Self::deadline) | 10 s |
/// | [`kill_after`](Self::kill_after) | 1 s |
/// | [`drain`](Self::drain) | 5 s |
/// | [`max_output`](Self::max_output) | 1 MiB of each stream |
/// | [`cache_ttl`](Self::cache_ttl) | 30 s, for commands that [ask for it](super::Command::cached) |
/// | [`max_cached`](Self::max_cached) | 100 results |
/// | [`search_path`](Self::search_path) | `/usr/local/sbin`, `/usr/local/bin`, `/usr/sbin`, `/usr/bin`, `/sbin`, `/bin` |
/// | [`inherit_environment`](Self::inherit_environment) | nothing is inherited |
#[derive(Debug, Clone)]
#[must_use]
pub struct CommandOptions {
    pub(super) allowed: BTreeSet<Arc<str>>,
    pub(super) max_concurrent: usize,
    pub(super) max_queue: usize,
    pub(super) deadline: Duration,
    pub(super) kill_after: Duration,
    pub(super) drain: Duration,
    pub(super) max_output: usize,
    pub(super) cache_ttl: Duration,
    pub(super) max_cached: usize,
    pub(super) search_path: Vec<PathBuf>,
    pub(super) inherits_environment: bool,
}

impl Default for CommandOptions {
    fn default() -> Self {
        Self {
            allowed: BTreeSet::new(),
            max_concurrent: MAX_CONCURRENT,
            max_queue: 0,
            deadline: DEADLINE,
            kill_after: KILL_AFTER,
            drain: DRAIN,
            max_output: MAX_OUTPUT,
            cache_ttl: CACHE_TTL,
            max_cached: MAX_CACHED,
            search_path: SEARCH_PATH.into_iter().map(PathBuf::from).collect(),
            inherits_environment: false,
        }
    }
}

impl CommandOptions {
    /// Allows one program, with any arguments: a name, which is looked for in the
    /// [search path](Self::search_path), or an absolute path. A command is allowed when its
    /// program is spelt just so: `df` does not allow `/bin/df`, nor the other way round.
    ///
    /// Whoever allows `sh`, `env`, `find` or another program that runs programs allows all of
    /// them; so does who lets others choose the [environment](super::Command::env) of one that
    /// reads there what to run.
    pub fn allow(mut self, program: impl Into<Arc<str>>) -> Self {
        self.allowed.insert(program.into());
        self
    }

    /// How many commands run at a time; 1 to 1,000,000.
    pub const fn max_concurrent(mut self, commands: usize) -> Self {
        self.max_concurrent = commands;
        self
    }

    /// How many commands may wait for a place, 0 to 1,000,000. Any more are refused at once.
    pub const fn max_queue(mut self, commands: usize) -> Self {
        self.max_queue = commands;
        self
    }

    /// How long a command may take, unless it [says itself](super::Command::deadline); more than
    /// nothing, 366 days at most.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long after it is asked to end, at its deadline or because no more are to run, a command
    /// is killed; 366 days at most, nothing for at once. A command is asked with SIGTERM, which it
    /// may ignore, and killed with SIGKILL, both sent to its whole process group.
    pub const fn kill_after(mut self, time: Duration) -> Self {
        self.kill_after = time;
        self
    }

    /// How long commands go on, those included that still wait for a place, when their supervisor
    /// stops; 366 days at most. Then they are asked to end, and killed
    /// [so much later](Self::kill_after).
    pub const fn drain(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// How much a command may write to standard output, and how much to standard error, in bytes;
    /// 1 GiB at most. One that writes more is killed.
    pub const fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// How long the result of a command is kept that asks for it; more than nothing, 366 days at
    /// most.
    pub const fn cache_ttl(mut self, ttl: Duration) -> Self {
        self.cache_ttl = ttl;
        self
    }

    /// How many results are kept; 1 or more. The one that was used longest ago gives way.
    pub const fn max_cached(mut self, results: usize) -> Self {
        self.max_cached = results;
        self
    }

    /// Where programs are looked for, in this order; absolute folders. Commands find it in their
    /// environment too, as `PATH`.
    pub fn search_path<P: Into<PathBuf>>(mut self, folders: impl IntoIterator<Item = P>) -> Self {
        self.search_path = folders.into_iter().map(Into::into).collect();
        self
    }

    /// Lets commands have the whole environment of this program, and with it the secrets that are
    /// there. `PATH` is that of the [search path](Self::search_path) all the same.
    pub const fn inherit_environment(mut self, inherits: bool) -> Self {
        self.inherits_environment = inherits;
        self
    }

    /// Refuses what cannot be. What the pool and the cache are made from, those refuse.
    pub(super) fn validate(&self) -> Result<()> {
        self.allowed.iter().try_for_each(|program| validate_program("allow", program))?;
        validate_deadline(self.deadline)?;
        if self.kill_after > LONGEST {
            return Err(refused("kill_after", "366 days at most"));
        }
        if self.drain > LONGEST {
            return Err(refused("drain", "366 days at most"));
        }
        if self.max_output > MOST_OUTPUT {
            return Err(refused("max_output", "1 GiB at most"));
        }
        let can_be = |folder: &PathBuf| {
            let bytes = folder.as_os_str().as_encoded_bytes();
            folder.is_absolute() && !bytes.contains(&0) && !bytes.contains(&b':')
        };
        if self.search_path.is_empty() || !self.search_path.iter().all(can_be) {
            return Err(refused("search_path", "one or more absolute folders, without colons"));
        }
        Ok(())
    }
}

/// Refuses what can be no program.
pub(super) fn validate_program(field: &'static str, program: &str) -> Result<()> {
    if program.is_empty() || program.len() > LONGEST_PROGRAM || program.contains('\0') {
        return Err(refused(field, "a program has a name of 1 to 4,095 bytes, none of them zero"));
    }
    if program.contains('/') && !program.starts_with('/') {
        return Err(refused(field, "a program is a name or an absolute path"));
    }
    Ok(())
}

pub(super) fn validate_deadline(deadline: Duration) -> Result<()> {
    if deadline.is_zero() || deadline > LONGEST {
        return Err(refused("deadline", "more than nothing, 366 days at most"));
    }
    Ok(())
}
