//! Commands, as whoever runs them sees them.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::options::{CommandOptions, validate_program};
use super::output::CommandOutput;
use super::request::{Call, Command};
use super::run::run;
use crate::actor::ActorRef;
use crate::cache::{Cache, CacheOptions, CacheStats};
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::system::Home;
use crate::task::{Job, TaskPool, TaskPoolOptions, TaskPoolStats, TaskSupervisor};

/// The longest that a task or a load may take: those of commands have deadlines of their own.
const LONGEST: Duration = Duration::from_hours(366 * 24);
/// How much longer than a command may take somebody waits for another who runs the same.
const MARGIN: Duration = Duration::from_secs(10);

/// Runs programs that are allowed by name. A clone is the same commands.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use foundation::{Command, CommandOptions, Commands, System, TaskSupervisor};
///
/// let system = System::builder().name("shop").start().await?;
/// let tasks = TaskSupervisor::builder().name("commands").start(&system).await?;
/// let commands = Commands::new(&tasks, CommandOptions::default().allow("echo"))?;
///
/// let output = commands.run(Command::new("echo").arg("$HOME; ls")).await?;
/// assert_eq!(output.text(), "$HOME; ls\n"); // there is no shell
///
/// let error = commands.run(Command::new("sh").args(["-c", "ls"])).await.unwrap_err();
/// assert_eq!(error.code(), "command_not_allowed");
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # What is left behind
///
/// Nothing that stays in the process group of the program: the whole group is killed when the
/// program has ended, however that was, and so are processes that it meant to go on. What leaves
/// its group (a daemon, with `setsid`) goes on; an event `command.escaped` tells of one that keeps
/// the output open. When this program ends without stopping its system, as by a signal, commands
/// that run go on until they end by themselves. A program that is the first process of its
/// container, and has no init, has to collect what is killed with a group.
///
/// When the supervisor stops, commands go on for 5 s, and are killed then. Starting one blocks its
/// thread until the program is loaded, which takes as long as the disk it is on.
#[derive(Clone)]
pub struct Commands {
    shared: Arc<Shared>,
}

struct Shared {
    home: Home,
    pool: TaskPool,
    options: Arc<CommandOptions>,
    allowed: Mutex<BTreeSet<Arc<str>>>,
    not_allowed: AtomicU64,
    cache: Cache<Arc<Call>, CommandOutput>,
}

/// What commands have done since they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandStats {
    /// How many were refused because their program is not allowed.
    pub not_allowed: u64,
    /// Those that were to run. One that failed, took too long or wrote too much has `failed`.
    pub pool: TaskPoolStats,
    /// Those that asked for a result that is kept.
    pub cache: CacheStats,
}

impl Commands {
    /// Commands that run under `tasks`, in a [pool](TaskPool) called `commands`.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn new(tasks: &ActorRef<TaskSupervisor>, options: CommandOptions) -> Result<Self> {
        options.validate()?;
        let pool = TaskPoolOptions::new(options.max_concurrent);
        let pool = pool.max_queue(options.max_queue).deadline(LONGEST);
        let cache = CacheOptions::default().max_entries(options.max_cached);
        let cache = cache.ttl(options.cache_ttl).load_deadline(LONGEST);
        let home = tasks.system().home();
        let shared = Shared {
            pool: TaskPool::new(tasks, "commands", pool)?,
            cache: Cache::new(&home, "commands", cache)?,
            home,
            allowed: Mutex::new(options.allowed.clone()),
            options: Arc::new(options),
            not_allowed: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs a command, and waits for its end. Dropping it kills the command, unless others wait for
    /// the same [cached](Command::cached) one: then that is run again.
    ///
    /// # Errors
    ///
    /// - `command_not_allowed`, `invalid_options`, `pool_full`, `pool_closed`, `program_not_found`,
    ///   `process_error`, `no_process`, and `no_runtime` in a runtime without input and output:
    ///   nothing was run.
    /// - `command_failed`: it ended with a code that is not [accepted](Command::accept).
    /// - `timeout`, `command_output_too_large`: it was killed.
    /// - `unresponsive`: it was killed, and the kernel does not let it go.
    /// - `actor_stopped`, `system_stopping`: its task was killed, and the command with it.
    pub async fn run(&self, command: Command) -> Result<CommandOutput> {
        let shared = &*self.shared;
        command.validate()?;
        shared.check(&command.call.program)?;
        let deadline = command.deadline.unwrap_or(shared.options.deadline);
        let call = Arc::new(command.call);
        if command.is_cached {
            return self.shared.cached(&call, deadline).await;
        }
        self.shared.execute(&call, deadline).await
    }

    /// Allows one more program, as [`CommandOptions::allow`].
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn allow(&self, program: impl Into<Arc<str>>) -> Result<()> {
        let program = program.into();
        validate_program("allow", &program)?;
        self.shared.allowed.lock().insert(program);
        Ok(())
    }

    /// Allows a program no longer. What runs goes on.
    ///
    /// # Errors
    ///
    /// `command_not_allowed` when it was not allowed.
    pub fn forbid(&self, program: &str) -> Result<()> {
        let was_allowed = self.shared.allowed.lock().remove(program);
        if was_allowed { Ok(()) } else { Err(not_allowed(program)) }
    }

    /// The programs that are allowed, in order.
    #[must_use]
    pub fn allowed(&self) -> Vec<Arc<str>> {
        self.shared.allowed.lock().iter().cloned().collect()
    }

    /// Forgets all results that are kept, and says how many that were.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn clear_cache(&self) -> usize {
        self.shared.cache.clear()
    }

    /// Runs no more commands, and waits for those that run, as [`TaskPool::close`].
    ///
    /// # Errors
    ///
    /// As [`TaskPool::close`].
    pub async fn close(&self, deadline: Duration) -> Result<()> {
        self.shared.pool.close(deadline).await
    }

    /// What they have done.
    #[must_use]
    pub fn stats(&self) -> CommandStats {
        let Shared { pool, cache, not_allowed, .. } = &*self.shared;
        let not_allowed = not_allowed.load(Ordering::Relaxed);
        CommandStats { not_allowed, pool: pool.stats(), cache: cache.stats() }
    }
}

impl Shared {
    fn check(&self, program: &str) -> Result<()> {
        if self.allowed.lock().contains(program) {
            return Ok(());
        }
        self.not_allowed.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(program, "command.not_allowed");
        Err(not_allowed(program))
    }

    /// Gives what was kept, or runs a command, or waits for somebody else who does.
    async fn cached(
        self: &Arc<Self>,
        call: &Arc<Call>,
        deadline: Duration,
    ) -> Result<CommandOutput> {
        self.cache.sweep();
        let runs = AtomicBool::new(false);
        let load = async || {
            runs.store(true, Ordering::Relaxed);
            self.execute(call, deadline).await
        };
        // Whoever runs it may not be polled, or be more patient.
        let patience = deadline.saturating_add(self.options.kill_after).saturating_add(MARGIN);
        let mut loading = pin!(self.cache.get_or_load(call, load));
        let loaded = Within::new(self.home.limit(Some(patience)), loading.as_mut()).await;
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(_passed) if runs.load(Ordering::Relaxed) => return loading.await,
            Err(_passed) => Err(self.home.passed_or(|| codes::TIMEOUT.into())),
        };
        match loaded {
            Err(error) if error.is_retryable() && !runs.load(Ordering::Relaxed) => {
                let output = self.execute(call, deadline).await?;
                self.cache.insert(Arc::clone(call), output.clone());
                Ok(output)
            }
            loaded => loaded,
        }
    }

    /// Runs a command that may be run, in a task.
    async fn execute(
        self: &Arc<Self>,
        call: &Arc<Call>,
        deadline: Duration,
    ) -> Result<CommandOutput> {
        let (shared, called) = (Arc::clone(self), Arc::clone(call));
        let work = async move {
            // It may have waited, and be allowed no longer.
            shared.check(&called.program)?;
            let (options, home) = (Arc::clone(&shared.options), shared.home.clone());
            let output = run(Arc::clone(&called), deadline, options, home).await?;
            if called.accepted.accepts(output.exit_code()) {
                return Ok(output);
            }
            Err(output.failed(&called.program))
        };
        self.pool.async_nolink(Job::new(work).name(task_name(&call.program)))?.await
    }
}

/// What the task is called: the last part of the program, if that is a name.
fn task_name(program: &str) -> Arc<str> {
    let name = program.rsplit('/').next().unwrap_or(program);
    if name.is_empty() || name.len() > 255 { "command".into() } else { name.into() }
}

fn not_allowed(program: &str) -> Error {
    Error::from(codes::COMMAND_NOT_ALLOWED).with_detail("program", program)
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Commands");
        shown.field("allowed", &self.allowed()).field("stats", &self.stats());
        shown.finish_non_exhaustive()
    }
}
