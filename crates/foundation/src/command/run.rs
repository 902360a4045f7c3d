//! One command from its start to its end.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};
use tokio::time::Instant;

use super::group::{Group, Pipes};
use super::options::CommandOptions;
use super::output::CommandOutput;
use super::request::Call;
use crate::actor::{catch, refused};
use crate::deadline::Within;
use crate::error::{Error, Result, boundary, codes};
use crate::system::Home;

/// How long after the end of a program and its group something may come through its pipes: nothing
/// that they wrote takes longer. A process that has left the group may hold them for ever.
const LEFTOVERS: Duration = Duration::from_secs(1);
/// How long a program may take to be gone that was killed. The kernel needs no time for that,
/// unless it waits for a device.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much is read at a time: what a pipe holds.
const CHUNK: usize = 1 << 16;

/// Which stream a command floods.
struct Flood(&'static str);

/// How running it went.
enum Ran {
    Ended,
    Flooded(Flood),
    Overran,
}

/// Runs a command, and leaves nothing behind. Dropping it kills it.
pub(super) async fn run(
    call: Arc<Call>,
    deadline: Duration,
    options: Arc<CommandOptions>,
    home: Home,
) -> Result<CommandOutput> {
    let begun = Instant::now();
    let (mut group, pipes) = start(&call, &options)?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let Pipes { stdin, stdout: out, stderr: err } = pipes;
    let most = options.max_output;
    let (ran, escaped) = {
        let mut talking = pin!(async {
            // The first that floods ends it, whatever the others wait for.
            let done = tokio::try_join!(
                read("stdout", out, &mut stdout, most),
                read("stderr", err, &mut stderr, most),
                async {
                    write(stdin, call.stdin.as_deref()).await;
                    Ok(())
                },
            );
            done.map(drop)
        });
        let mut has_talked = None;
        let whole = until_ended(&mut group, talking.as_mut(), &mut has_talked);
        let mut ran = match Within::new(home.limit(Some(deadline)), whole).await {
            Ok(ran) => ran?,
            Err(_passed) if home.has_stopped() => return Err(codes::SYSTEM_STOPPING.into()),
            Err(_passed) => Ran::Overran,
        };
        if matches!(ran, Ran::Overran) {
            // It may end by itself now. Whatever it says meanwhile is read, so that it can.
            group.terminate();
            let whole = until_ended(&mut group, talking.as_mut(), &mut has_talked);
            drop(Within::new(home.limit(Some(options.kill_after)), whole).await);
        }
        group.kill();
        if Within::new(home.limit(Some(PATIENCE)), group.ended()).await.is_err() {
            return Err(unresponsive(&call, &home));
        }
        let mut escaped = false;
        if matches!(ran, Ran::Ended) && has_talked.is_none() {
            match Within::new(home.limit(Some(LEFTOVERS)), talking).await {
                Ok(Ok(())) => {}
                Ok(Err(flood)) => ran = Ran::Flooded(flood),
                Err(_passed) if home.has_stopped() => return Err(codes::SYSTEM_STOPPING.into()),
                Err(_passed) => escaped = true,
            }
        }
        (ran, escaped)
    };
    let status = group.collect().await?;
    if escaped {
        tracing::warn!(program = &*call.program, "command.escaped");
    }
    let output = CommandOutput::new(status, stdout, stderr, begun.elapsed());
    judge(&ran, &call.program, deadline, most, output)
}

/// What a command came to that has ended so.
fn judge(
    ran: &Ran,
    program: &str,
    deadline: Duration,
    most: usize,
    output: CommandOutput,
) -> Result<CommandOutput> {
    match ran {
        Ran::Ended => {
            let (exit_code, seconds) = (output.exit_code(), output.took().as_secs_f64());
            tracing::debug!(program, exit_code, seconds, "command.ended");
            Ok(output)
        }
        Ran::Flooded(Flood(stream)) => {
            tracing::warn!(program, reason = "output", "command.killed");
            Err(Error::from(codes::COMMAND_OUTPUT_TOO_LARGE)
                .with_detail("program", program)
                .with_detail("stream", *stream)
                .with_detail("max_output", most))
        }
        Ran::Overran => {
            tracing::warn!(program, reason = "deadline", "command.killed");
            Err(Error::from(codes::TIMEOUT)
                .with_message("the command took too long, and was ended")
                .with_detail("program", program)
                .with_detail("after_seconds", deadline.as_secs_f64())
                .with_detail("stderr", output.stderr_tail()))
        }
    }
}

/// Waits for the end of the leader, and lets it talk meanwhile.
async fn until_ended<T>(
    group: &mut Group,
    mut talking: T,
    has_talked: &mut Option<()>,
) -> Result<Ran>
where
    T: Future<Output = std::result::Result<(), Flood>> + Unpin,
{
    let mut ended = pin!(group.ended());
    loop {
        // Neither arm loses anything when the other is taken.
        tokio::select! {
            biased;
            talked = &mut talking, if has_talked.is_none() => match talked {
                Ok(()) => *has_talked = Some(()),
                Err(flood) => {
                    *has_talked = Some(());
                    return Ok(Ran::Flooded(flood));
                }
            },
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
) -> std::result::Result<(), Flood> {
    let Some(mut from) = from else { return Ok(()) };
    loop {
        let room = (most - into.len()).saturating_add(1).min(CHUNK);
        into.reserve(room);
        // A pipe that breaks is at its end.
        match (&mut from).take(room as u64).read_buf(into).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(_) if into.len() > most => return Err(Flood(stream)),
            Ok(_) => {}
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

/// Starts the program, from the first place where it is.
fn start(call: &Call, options: &CommandOptions) -> Result<(Group, Pipes)> {
    let places: Vec<PathBuf> = if call.program.starts_with('/') {
        vec![PathBuf::from(&*call.program)]
    } else {
        options.search_path.iter().map(|folder| folder.join(&*call.program)).collect()
    };
    let mut failure = io::Error::from(ErrorKind::NotFound);
    for place in places {
        let mut command = prepare(&place, call, options);
        // Without input and output in its runtime the library panics.
        let started = catch(|| Group::start(&mut command)).map_err(|_panic| {
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
                    ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied
                );
                // One that may not be run says more than one that is not there.
                if error.kind() != ErrorKind::NotFound || failure.kind() == ErrorKind::NotFound {
                    failure = error;
                }
                if !elsewhere {
                    break;
                }
            }
        }
    }
    boundary::process(Err(failure)).map_err(|error| {
        let error = error.with_detail("program", &*call.program);
        match &call.current_dir {
            Some(folder) => error.with_detail("current_dir", folder.display().to_string()),
            None => error,
        }
    })
}

fn prepare(place: &Path, call: &Call, options: &CommandOptions) -> Command {
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

fn unresponsive(call: &Call, home: &Home) -> Error {
    home.passed_or(|| {
        Error::from(codes::UNRESPONSIVE)
            .with_message("the command was killed and does not end: it waits for a device")
            .with_detail("program", &*call.program)
    })
}
