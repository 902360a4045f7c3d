//! One command from its start to its end.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::time::Instant;

use super::collector::{Collector, PATIENCE};
use super::group::{Group, Pipes, may_exist};
use super::options::CommandOptions;
use super::output::{CommandOutput, Written};
use super::request::Call;
use crate::actor::{catch, refused};
use crate::deadline::Within;
use crate::error::{Error, Result, boundary, codes};
use crate::system::Home;

/// How long after the end of a program and its group something may come through its pipes: nothing
/// that they wrote takes longer. A process that has left the group may hold them for ever.
const LEFTOVERS: Duration = Duration::from_secs(1);
/// How much is read at a time: what a pipe holds.
const CHUNK: usize = 1 << 16;

/// A command that is to be run.
pub(super) struct Run {
    pub(super) call: Arc<Call>,
    pub(super) deadline: Duration,
    pub(super) options: Arc<CommandOptions>,
    pub(super) home: Home,
    pub(super) collector: Collector,
}

/// What is wrong with what a command writes.
enum Trouble {
    /// More comes through this stream than may.
    Flood(&'static str),
    /// It cannot be read.
    Broken(io::Error),
}

/// How running it went.
enum Ran {
    Ended,
    Troubled(Trouble),
    Overran,
    /// It was to end before, for this reason.
    Unwanted(Error),
}

/// A command that runs. Dropping it says that it was killed because it was dropped.
struct Dropped<'a>(&'a str);

impl Run {
    /// Runs it, and leaves nothing behind. Dropping it kills the command. It ends when it is
    /// unwanted.
    pub(super) async fn run(&self, unwanted: impl Future<Output = Error>) -> Result<CommandOutput> {
        let (begun, program) = (Instant::now(), &*self.call.program);
        let (mut group, pipes) = self.start()?;
        let dropped = Dropped(program);
        let mut written = Written::default();
        let ran = self.see(&mut group, pipes, unwanted, &mut written).await;
        std::mem::forget(dropped);
        let done = ran.and_then(|ran| {
            let status = group.collect()?;
            self.judge(ran, CommandOutput::new(status, written, begun.elapsed()))
        });
        done.map_err(|error| error.with_detail("program", program))
    }

    /// Sees to it that it ends, and takes what it writes until then.
    async fn see(
        &self,
        group: &mut Group,
        pipes: Pipes,
        unwanted: impl Future<Output = Error>,
        written: &mut Written,
    ) -> Result<Ran> {
        let (most, input) = (self.options.max_output, self.call.stdin.as_deref());
        let mut reading = pin!(written.read(pipes.stdout, pipes.stderr, most).fuse());
        let mut writing = pin!(write(pipes.stdin, input).fuse());
        let whole = until_ended(group, reading.as_mut(), writing.as_mut());
        let whole = async {
            tokio::select! {
                biased;
                ran = whole => ran,
                error = unwanted => Ok(Ran::Unwanted(error)),
            }
        };
        let mut ran = match Within::new(self.home.limit(Some(self.deadline)), whole).await {
            Ok(ran) => ran?,
            Err(_passed) if self.home.has_stopped() => Ran::Unwanted(codes::SYSTEM_STOPPING.into()),
            Err(_passed) => Ran::Overran,
        };
        if matches!(ran, Ran::Overran | Ran::Unwanted(_)) {
            // It may end by itself now. Whatever it says meanwhile is read, so that it can.
            group.terminate();
            let whole = until_ended(group, reading.as_mut(), writing.as_mut());
            drop(Within::new(self.home.limit(Some(self.options.kill_after)), whole).await);
        }
        let killed = group.kill();
        match Within::new(self.home.limit(Some(PATIENCE)), group.ended()).await {
            Ok(ended) => ended?,
            Err(_passed) => {
                group.give_up();
                return Err(self.unresponsive(&killed));
            }
        }
        if matches!(ran, Ran::Ended) && !reading.is_terminated() {
            match Within::new(self.home.limit(Some(LEFTOVERS)), reading).await {
                Ok(Ok(())) => {}
                Ok(Err(trouble)) => ran = Ran::Troubled(trouble),
                Err(_passed) if self.home.has_stopped() => {
                    ran = Ran::Unwanted(codes::SYSTEM_STOPPING.into());
                }
                Err(_passed) => {
                    tracing::warn!(program = &*self.call.program, "command.escaped");
                }
            }
        }
        Ok(ran)
    }

    /// What it came to, when it has ended so.
    fn judge(&self, ran: Ran, output: CommandOutput) -> Result<CommandOutput> {
        let program = &*self.call.program;
        let killed = |reason| tracing::warn!(program, reason, "command.killed");
        match ran {
            Ran::Ended => {
                let (exit_code, seconds) = (output.exit_code(), output.took().as_secs_f64());
                tracing::debug!(program, exit_code, seconds, "command.ended");
                Ok(output)
            }
            Ran::Troubled(Trouble::Flood(stream)) => {
                killed("output");
                Err(Error::from(codes::COMMAND_OUTPUT_TOO_LARGE)
                    .with_detail("stream", stream)
                    .with_detail("max_output", self.options.max_output))
            }
            Ran::Troubled(Trouble::Broken(error)) => {
                killed("output");
                boundary::process(Err(error))
            }
            Ran::Overran => {
                killed("deadline");
                Err(Error::from(codes::TIMEOUT)
                    .with_message("the command took too long, and was ended")
                    .with_detail("after_seconds", self.deadline.as_secs_f64())
                    .with_detail("stderr", output.stderr_tail()))
            }
            Ran::Unwanted(error) => {
                killed("stop");
                Err(error)
            }
        }
    }

    /// Starts the program, from the first place where it is.
    fn start(&self) -> Result<(Group, Pipes)> {
        let Call { program, current_dir, .. } = &*self.call;
        let mut failure = io::Error::from(ErrorKind::NotFound);
        for place in self.places() {
            let command = self.prepare(&place);
            // Without input and output in its runtime the library panics.
            let started = catch(|| Group::start(command, &self.collector)).map_err(|_panic| {
                Error::from(codes::NO_RUNTIME)
                    .with_message("commands need a runtime that was built with `enable_all`")
            })?;
            match started {
                Ok(started) => return Ok(started),
                Err(error) if error.kind() == ErrorKind::ArgumentListTooLong => {
                    return Err(refused("args", "the operating system takes no more"));
                }
                Err(error) => {
                    let elsewhere = matches!(
                        error.kind(),
                        ErrorKind::NotFound
                            | ErrorKind::NotADirectory
                            | ErrorKind::PermissionDenied
                    );
                    // One that may not be run says more than one that is not there.
                    if error.kind() != ErrorKind::NotFound || failure.kind() == ErrorKind::NotFound
                    {
                        failure = error;
                    }
                    if !elsewhere {
                        break;
                    }
                }
            }
        }
        boundary::process(Err(failure)).map_err(|error| {
            let error = error.with_detail("program", &**program);
            match current_dir {
                Some(folder) => error.with_detail("current_dir", folder.display().to_string()),
                None => error,
            }
        })
    }

    /// Where the program may be.
    fn places(&self) -> Vec<PathBuf> {
        let program = &*self.call.program;
        if program.starts_with('/') {
            return vec![PathBuf::from(program)];
        }
        let places = self.options.search_path.iter().map(|folder| folder.join(program));
        places.filter(|place| may_exist(place)).collect()
    }

    fn prepare(&self, place: &Path) -> Command {
        let Self { call, options, .. } = self;
        let mut command = Command::new(place);
        if !options.inherits_environment {
            command.env_clear();
        }
        let folders: Vec<_> = options.search_path.iter().map(|folder| folder.as_os_str()).collect();
        command.env("PATH", folders.join(":".as_ref()));
        command.args(&call.args).envs(&call.env);
        if let Some(folder) = &call.current_dir {
            command.current_dir(folder);
        }
        command.stdin(if call.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command
    }

    fn unresponsive(&self, killed: &io::Result<()>) -> Error {
        let program = &*self.call.program;
        tracing::warn!(program, reason = "unresponsive", "command.killed");
        self.home.passed_or(|| {
            let error = Error::from(codes::UNRESPONSIVE);
            match killed {
                Ok(()) => error.with_message("the command was killed and does not end"),
                Err(cause) => error
                    .with_message("the command cannot be killed: it is somebody else's")
                    .with_detail("cause", cause.to_string()),
            }
        })
    }
}

impl Written {
    /// Reads all that a command writes.
    async fn read(
        &mut self,
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
        most: usize,
    ) -> std::result::Result<(), Trouble> {
        // The first that is in trouble ends it, whatever comes through the other.
        tokio::try_join!(
            read("stdout", stdout, &mut self.stdout, most),
            read("stderr", stderr, &mut self.stderr, most),
        )?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        tracing::warn!(program = self.0, reason = "dropped", "command.killed");
    }
}

/// Waits for the end of the leader, and reads and writes meanwhile.
async fn until_ended<R, W>(group: &mut Group, mut reading: R, mut writing: W) -> Result<Ran>
where
    R: FusedFuture<Output = std::result::Result<(), Trouble>> + Unpin,
    W: FusedFuture<Output = ()> + Unpin,
{
    let mut ended = pin!(group.ended());
    loop {
        // No arm loses anything when another is taken.
        tokio::select! {
            biased;
            read = &mut reading, if !reading.is_terminated() => {
                if let Err(trouble) = read {
                    return Ok(Ran::Troubled(trouble));
                }
            }
            () = &mut writing, if !writing.is_terminated() => {}
            ended = &mut ended => return ended.map(|()| Ran::Ended),
        }
    }
}

/// Reads to the end, or until there is more than may be.
async fn read(
    stream: &'static str,
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    most: usize,
) -> std::result::Result<(), Trouble> {
    let Some(mut from) = from else { return Ok(()) };
    loop {
        let room = (most - into.len()).saturating_add(1).min(CHUNK);
        into.reserve(room);
        match (&mut from).take(room as u64).read_buf(into).await {
            Ok(0) => return Ok(()),
            Ok(_) if into.len() > most => return Err(Trouble::Flood(stream)),
            Ok(_) => {}
            Err(error) => return Err(Trouble::Broken(error)),
        }
    }
}

/// Writes all of it, unless nobody reads it.
async fn write(to: Option<ChildStdin>, bytes: Option<&[u8]>) {
    if let (Some(mut to), Some(bytes)) = (to, bytes) {
        // A program need not read what it is given.
        let _ = to.write_all(bytes).await;
    }
}
