//! Commands, as whoever runs them sees them.

use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::collector::Collector;
use super::endings::Endings;
use super::options::{CommandOptions, LONGEST, validate_program};
use super::output::CommandOutput;
use super::request::{Call, Command};
use super::run::Run;
use crate::actor::ActorRef;
use crate::cache::{Cache, CacheOptions, CacheStats};
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::system::Home;
use crate::task::{Job, TaskContext, TaskPool, TaskPoolOptions, TaskPoolStats, TaskSupervisor};

/// What their pool, their cache and the tasks that collect are called.
pub(super) const POOL: &str = "commands";
/// How much longer than a command may take it is waited for: the kernel may need some time.
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
/// Nothing that stays in the process group of the program, and may be killed by this one: the whole
/// group is killed when the program has ended, however that was, and so are processes that it meant
/// to go on. What leaves its group (a daemon, with `setsid`) goes on; an event `command.escaped`
/// tells of one that keeps the output open. When this program ends without stopping its system, as
/// by a signal, commands that run go on until they end by themselves.
///
/// Commands are collected here. Nothing else in this program may collect processes that it has not
/// started, with `waitpid(-1)` or by ignoring SIGCHLD: how a command ended is lost then, and
/// `process_error` is given, and what is left of its group is not killed.
///
/// When the supervisor stops, commands go on for as long as [`drain`](CommandOptions::drain) says,
/// are asked to end then, and killed [`kill_after`](CommandOptions::kill_after) later. Starting one
/// blocks its thread until the program is loaded, which takes as long as the disk it is on.
///
/// A program that has not ended 5 s after it was killed, since it waits for a device, keeps its
/// place: one fewer may run until it has ended, and none when all places are kept so.
#[derive(Clone)]
pub struct Commands {
    shared: Arc<Shared>,
}

struct Shared {
    home: Home,
    pool: TaskPool,
    endings: Endings,
    collector: Collector,
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
    /// How many were killed more than 5 s ago and have not ended.
    pub unresponsive: usize,
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
        // Commands have deadlines of their own, and after a drain as long as when they are asked.
        let drain = options.drain.saturating_add(options.kill_after).saturating_add(MARGIN);
        let pool = pool.max_queue(options.max_queue).deadline(LONGEST).drain(drain.min(LONGEST));
        let cache = CacheOptions::default().max_entries(options.max_cached);
        let cache = cache.ttl(options.cache_ttl).load_deadline(LONGEST);
        let home = tasks.system().home();
        let (places, pool) = (pool, TaskPool::new(tasks, POOL, pool)?);
        let executor = tasks.system().spawner.executor(POOL);
        let shared = Shared {
            collector: Collector::new(executor, &pool, places, options.max_concurrent),
            pool,
            cache: Cache::new(&home, POOL, cache)?,
            endings: Endings::new(tasks, options.drain),
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
    /// - `command_not_allowed`, `invalid_options`, `pool_full`, `program_not_found`, `no_process`,
    ///   and `no_runtime` in a runtime without input and output: nothing was run.
    /// - `command_failed`: it ended with a code that is not [accepted](Command::accept).
    /// - `timeout`, `command_output_too_large`: it was killed.
    /// - `process_error`: it could not be started, its output could not be read, or somebody else
    ///   has collected it. It may have been run.
    /// - `unresponsive`: it was killed, and the kernel does not let it go; or it was not run because
    ///   as many as may run are in that state, with their number in `unresponsive`.
    /// - `actor_stopped`, `system_stopping`: its supervisor was killed or is stopping, or its task
    ///   was told to end.
    /// - `pool_closed`: commands were [closed](Self::close) before it was run, or before it was done.
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

    /// Runs no more commands, and waits until all are over, those included that wait for a place,
    /// for `deadline` at most. Then those that are left are asked to end, and killed
    /// [`kill_after`](CommandOptions::kill_after) later; whoever waits for them has `pool_closed`.
    /// Commands that are closed stay so.
    ///
    /// When this is dropped before `deadline`, no more commands are run, and none was ended.
    ///
    /// # Errors
    ///
    /// `timeout` when commands were ended, and how many in `ended`; `unresponsive` when some of
    /// them hold their threads; `system_stopping`.
    pub async fn close(&self, deadline: Duration) -> Result<()> {
        let Shared { pool, home, endings, options, .. } = &*self.shared;
        let done = Within::new(home.limit(Some(deadline)), pool.close(LONGEST)).await;
        if let Ok(done) = done {
            return done;
        }
        let before = endings.ended();
        endings.close();
        pool.close(options.kill_after.saturating_add(MARGIN)).await?;
        match endings.ended() - before {
            0 => Ok(()),
            ended => Err(Error::from(codes::TIMEOUT)
                .with_message("commands were ended that took too long")
                .with_detail("ended", ended)),
        }
    }

    /// What they have done.
    #[must_use]
    pub fn stats(&self) -> CommandStats {
        let Shared { pool, cache, not_allowed, collector, .. } = &*self.shared;
        let not_allowed = not_allowed.load(Ordering::Relaxed);
        let (pool, cache) = (pool.stats(), cache.stats());
        CommandStats { not_allowed, pool, cache, unresponsive: collector.stuck() }
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
        // What is not complete is no result for others, nor to be kept.
        let incomplete = Mutex::new(None);
        let load = async || {
            runs.store(true, Ordering::Relaxed);
            let output = self.execute(call, deadline).await?;
            if output.is_complete() {
                return Ok(output);
            }
            *incomplete.lock() = Some(output);
            Err(Error::from(codes::PROCESS_ERROR).with_message("the output is not complete"))
        };
        // Whoever runs it may not be polled, or be more patient.
        let patience = deadline.saturating_add(self.options.kill_after).saturating_add(MARGIN);
        let mut loading = pin!(self.cache.get_or_load(call, load));
        let loaded = Within::new(self.home.limit(Some(patience)), loading.as_mut()).await;
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(_passed) if runs.load(Ordering::Relaxed) => loading.await,
            Err(_passed) => Err(self.home.passed_or(|| codes::TIMEOUT.into())),
        };
        let Err(error) = loaded else { return loaded };
        if let Some(output) = incomplete.lock().take() {
            return Ok(output);
        }
        if runs.load(Ordering::Relaxed) || !error.is_retryable() {
            return Err(error);
        }
        let output = self.execute(call, deadline).await?;
        if output.is_complete() {
            self.cache.insert(Arc::clone(call), output.clone());
        }
        Ok(output)
    }

    /// Runs a command that may be run, in a task.
    async fn execute(
        self: &Arc<Self>,
        call: &Arc<Call>,
        deadline: Duration,
    ) -> Result<CommandOutput> {
        let shared = Arc::clone(self);
        let run = Run {
            call: Arc::clone(call),
            deadline,
            options: Arc::clone(&self.options),
            home: self.home.clone(),
            collector: self.collector.clone(),
        };
        let work = move |cx: TaskContext| async move {
            let (call, endings) = (&run.call, &shared.endings);
            let mut unwanted = pin!(endings.unwanted(&cx));
            let failed = |error: Error| error.with_detail("program", &*call.program);
            // It may have waited, and be unwanted or allowed no longer.
            if let Some(error) = unwanted.as_mut().now_or_never() {
                return Err(failed(error));
            }
            shared.check(&call.program)?;
            shared.collector.check().map_err(failed)?;
            let output = tokio::select! {
                biased;
                output = run.run(unwanted) => output?,
                never = endings.watch(&cx) => match never {},
            };
            if call.accepted.accepts(output.exit_code()) {
                return Ok(output);
            }
            Err(output.failed(&call.program))
        };
        self.pool.async_nolink(Job::with(work).name(task_name(&call.program)))?.await
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
