//! Commands that are to end because no more are to run, and what is collected of those that were
//! killed.

use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::time::Duration;

use foundation::{
    ActorRef, ChildSpec, Command, CommandOptions, CommandOutput, Commands, Error, Pid, Restart,
    Result, TaskSupervisor,
};
use futures_util::FutureExt;
use futures_util::future::join_all;
use rustix::process::{
    Pid as Number, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};
use testkit::{Telemetry, eventually};
use tokio::time::Instant;

use super::machine::{
    argument, content, folder, is_there, mark, nothing_is_left, program, running,
};
use super::{MINUTE, MOMENT, SECOND, Stage, script, shell};
use crate::fixture::{strike, system};

/// Says its number when it can be asked to end, and `tidy` when it is.
const TIDY: &str = "trap 'echo tidy >> \"$0\"; exit 0' TERM; echo $$ > \"$0\"; \
                    while :; do sleep 0.01; done";
/// Says its number when it can no longer be asked to end.
const STUBBORN: &str = "trap '' TERM INT HUP; echo $$ > \"$0\"; while :; do sleep 0.01; done";

/// Waits until a program has said something, and gives that.
async fn said(trace: &Path) -> String {
    eventually(|| if content(trace).ends_with('\n') { Ok(()) } else { Err("it says nothing") })
        .await;
    content(trace).trim_end().to_owned()
}

#[tokio::test]
async fn a_command_is_asked_to_end_when_its_supervisor_has_waited_for_it() {
    let telemetry = Telemetry::listen();
    let options = shell().drain(MOMENT).kill_after(MINUTE);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let trace = folder("asked by its supervisor").join("trace");
    let begun = Instant::now();
    let (error, ()) = tokio::join!(commands.run(script(TIDY).arg(argument(&trace))), async {
        said(&trace).await;
        system.stop().await.unwrap();
        assert!(content(&trace).ends_with("tidy\n"), "{}", content(&trace));
    });
    let error = error.unwrap_err();
    assert_eq!((error.code(), &error.details()["program"]), ("actor_stopped", &"sh".into()));
    assert!((MOMENT..MINUTE).contains(&begun.elapsed()));
    assert!(telemetry.about("command.killed")[0].contains("reason=stop"));
}

#[tokio::test]
async fn a_command_that_ignores_being_asked_is_killed_when_its_supervisor_stops() {
    let options = shell().drain(Duration::ZERO).kill_after(MOMENT);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let trace = folder("ignores its supervisor").join("trace");
    let (error, number) =
        tokio::join!(commands.run(script(STUBBORN).arg(argument(&trace))), async {
            let number = said(&trace).await;
            system.stop().await.unwrap();
            number
        });
    assert_eq!(error.unwrap_err().code(), "actor_stopped");
    assert!(!is_there(&number));
}

#[tokio::test]
async fn commands_that_wait_when_their_supervisor_stops_are_run_in_its_time() {
    let options = shell().max_concurrent(1).max_queue(1).drain(MINUTE);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let trace = folder("wait and are run").join("trace");
    let first = script("echo begun > \"$0\"; sleep 0.2").arg(argument(&trace));
    let (first, second, ()) =
        tokio::join!(commands.run(first), commands.run(script("echo second")), async {
            said(&trace).await;
            system.stop().await.unwrap();
        });
    first.unwrap();
    assert_eq!(second.unwrap().text(), "second\n");
}

/// Does something while one command runs and another waits for its place. The first is a script
/// that says something in the file `$0`, and may wait for the file `$1`, of which `doing` is told.
/// Gives the codes of the errors of both, and what the second has written.
async fn one_waits(
    name: &str,
    commands: &Commands,
    first: &str,
    doing: impl AsyncFnOnce(&Path),
) -> ([Option<String>; 2], String) {
    let folder = folder(name);
    let (trace, gate, second) = (folder.join("trace"), folder.join("gate"), folder.join("second"));
    let (first, other, ()) = tokio::join!(
        commands.run(script(first).args([argument(&trace), argument(&gate)])),
        commands.run(script("echo ran > \"$0\"").arg(argument(&second))),
        async {
            said(&trace).await;
            doing(&gate).await;
        }
    );
    let failed = [first, other].map(Result::err);
    let programs = failed.iter().flatten().map(|error| &error.details()["program"]);
    assert!(programs.into_iter().all(|program| program == "sh"), "{failed:?}");
    (failed.map(|error| error.map(|error| error.code().to_owned())), content(&second))
}

fn both(code: &str) -> [Option<String>; 2] {
    [Some(code.to_owned()), Some(code.to_owned())]
}

#[tokio::test]
async fn commands_that_wait_when_the_time_of_their_supervisor_is_over_do_not_begin() {
    let options = shell().max_concurrent(1).max_queue(1).drain(MOMENT).kill_after(MOMENT);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let stops = async |_: &Path| system.stop().await.unwrap();
    let came = one_waits("wait and are not run", &commands, STUBBORN, stops).await;
    assert_eq!(came, (both("actor_stopped"), String::new()));
}

/// Has a supervisor of tasks end by itself: what it restarts fails too often.
async fn overload(tasks: &ActorRef<TaskSupervisor>) {
    let before = tasks.pid();
    let crashing = ChildSpec::task("crashing", async |_| Err(Error::infrastructure("crashed")));
    tasks.start_child(crashing.restart(Restart::Permanent)).await.unwrap();
    eventually(|| if tasks.pid() == before { Err("it runs") } else { Ok(()) }).await;
}

#[tokio::test]
async fn commands_that_wait_when_their_supervisor_ends_by_itself_have_its_time() {
    let options = |drain| shell().max_concurrent(1).max_queue(1).drain(drain).kill_after(MOMENT);
    let Stage { system, tasks, commands } = Stage::set(options(MOMENT)).await;
    let overloads = async |_: &Path| overload(&tasks).await;
    let came = one_waits("ends by itself too early", &commands, STUBBORN, overloads).await;
    assert_eq!(came, (both("actor_stopped"), String::new()));
    strike(system).await;

    let Stage { system, tasks, commands } = Stage::set(options(MINUTE)).await;
    let overloads = async |_: &Path| overload(&tasks).await;
    let slow = "echo begun > \"$0\"; sleep 0.3";
    let came = one_waits("ends by itself in time", &commands, slow, overloads).await;
    assert_eq!(came, ([None, None], "ran\n".to_owned()));
    strike(system).await;
}

/// The tasks of commands, those first that were started first.
fn pids(tasks: &ActorRef<TaskSupervisor>) -> Vec<Pid> {
    let children = tasks.which_children().unwrap().into_iter();
    let mut pids: Vec<_> = children.map(|child| child.pid.unwrap()).collect();
    pids.sort();
    pids
}

#[tokio::test]
async fn a_command_that_is_ended_alone_while_it_waits_does_not_begin() {
    let options = shell().max_concurrent(1).max_queue(1);
    let Stage { system, tasks, commands } = Stage::set(options).await;
    let waits = "echo begun > \"$0\"; until test -e \"$1\"; do sleep 0.01; done";
    let ends_it = async |gate: &Path| {
        let mut ending = pin!(tasks.terminate_child(pids(&tasks)[1]));
        assert!(ending.as_mut().now_or_never().is_none());
        program(gate, "", 0o644);
        ending.await.unwrap();
    };
    let came = one_waits("ended alone while it waits", &commands, waits, ends_it).await;
    assert_eq!(came, ([None, Some("actor_stopped".to_owned())], String::new()));
    strike(system).await;
}

#[tokio::test]
async fn a_stop_is_noted_by_a_command_that_was_told_to_end_before() {
    let options = shell().max_concurrent(1).max_queue(1).drain(MOMENT).kill_after(SECOND);
    let Stage { system, tasks, commands } = Stage::set(options).await;
    let ends_it_and_stops = async |_: &Path| {
        // It goes on for as long as it may; the supervisor is stopped meanwhile.
        let mut ending = pin!(tasks.terminate_child(pids(&tasks)[0]));
        assert!(ending.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
        system.stop().await.unwrap();
    };
    let came = one_waits("told to end before", &commands, STUBBORN, ends_it_and_stops).await;
    assert_eq!(came, (both("actor_stopped"), String::new()));
}

#[tokio::test]
async fn commands_that_are_closed_run_no_more_and_are_waited_for() {
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let (done, closed) = tokio::join!(commands.run(script("sleep 0.1")), commands.close(MINUTE));
    done.unwrap();
    closed.unwrap();
    assert_eq!(commands.run(script("true")).await.unwrap_err().code(), "pool_closed");
    commands.close(Duration::ZERO).await.unwrap();
    strike(system).await;
}

#[tokio::test]
async fn commands_that_are_closed_are_asked_to_end_in_time() {
    let options = shell().max_concurrent(1).max_queue(1).kill_after(MINUTE);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let trace = folder("closed").join("trace");
    let (error, other, closed) = tokio::join!(
        commands.run(script(TIDY).arg(argument(&trace))),
        commands.run(script("echo never")),
        async {
            said(&trace).await;
            commands.close(MOMENT).await
        }
    );
    assert_eq!(error.unwrap_err().code(), "pool_closed");
    assert_eq!(other.unwrap_err().code(), "pool_closed");
    let closed = closed.unwrap_err();
    assert_eq!((closed.code(), &closed.details()["ended"]), ("timeout", &2.into()));
    assert!(content(&trace).ends_with("tidy\n"));
    strike(system).await;
}

#[tokio::test]
async fn commands_that_ignore_being_closed_are_killed() {
    let Stage { system, commands, .. } = Stage::set(shell().kill_after(MOMENT)).await;
    let trace = folder("ignores being closed").join("trace");
    let (error, (number, closed)) =
        tokio::join!(commands.run(script(STUBBORN).arg(argument(&trace))), async {
            let number = said(&trace).await;
            (number, commands.close(Duration::ZERO).await)
        });
    assert_eq!(error.unwrap_err().code(), "pool_closed");
    assert_eq!(closed.unwrap_err().details()["ended"], 1);
    assert!(!is_there(&number));
    strike(system).await;
}

#[tokio::test]
async fn no_time_after_being_asked_is_none() {
    let Stage { system, commands, .. } = Stage::set(shell().kill_after(Duration::ZERO)).await;
    let trace = folder("no time").join("trace");
    let slow = "trap 'sleep 1; echo tidy >> \"$0\"; exit 0' TERM; echo $$ > \"$0\"; \
                while :; do sleep 0.01; done";
    let (error, number) = tokio::join!(commands.run(script(slow).arg(argument(&trace))), async {
        let number = said(&trace).await;
        commands.close(Duration::ZERO).await.unwrap_err();
        number
    });
    assert_eq!(error.unwrap_err().code(), "pool_closed");
    assert_eq!((content(&trace), is_there(&number)), (format!("{number}\n"), false));
    strike(system).await;
}

#[tokio::test]
async fn what_was_killed_is_collected_when_the_system_has_stopped() {
    let Stage { system, tasks, commands } = Stage::set(shell()).await;
    let trace = folder("is collected").join("trace");
    let (error, number) =
        tokio::join!(commands.run(script(STUBBORN).arg(argument(&trace))), async {
            let number = said(&trace).await;
            tasks.kill();
            system.stop().await.unwrap();
            number
        });
    assert!(error.is_err());
    assert!(!is_there(&number));
}

#[tokio::test]
async fn a_program_is_killed_that_has_left_its_own_group() {
    let options = CommandOptions::default().allow("perl").kill_after(MOMENT);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let (trace, mark) = (folder("left its own group").join("trace"), mark(86420));
    let text = format!(
        "$SIG{{TERM}} = 'IGNORE'; setpgrp(0, getpgrp(getppid())); \
         open(F, '>', $ARGV[0]); print F \"$$\\n\"; close F; sleep {mark}"
    );
    let command = Command::new("perl").args(["-e", &text]).arg(argument(&trace));
    let (error, number) = tokio::join!(commands.run(command), async {
        let number = said(&trace).await;
        commands.close(Duration::ZERO).await.unwrap_err();
        number
    });
    assert_eq!((error.unwrap_err().code(), is_there(&number)), ("pool_closed", false));
    nothing_is_left(&mark).await;
    strike(system).await;
}

#[tokio::test]
async fn a_process_that_is_handed_to_us_when_its_own_has_ended_is_collected() {
    /// This process, as one that is handed what others leave behind.
    struct Subreaper;
    impl Drop for Subreaper {
        fn drop(&mut self) {
            set_child_subreaper(None).unwrap();
        }
    }
    set_child_subreaper(Some(getpid())).unwrap();
    let _subreaper = Subreaper;
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let mark = mark(86421);
    for _ in 0..10 {
        // All but the last two are ours as soon as those end that have started them.
        let text = format!(
            "for n in 1 2 3 4 5 6 7 8 9; do (sleep {mark} & echo $!); done; sleep {mark} & echo $!; \
             echo $$"
        );
        let said = commands.run(script(text)).await.unwrap();
        let numbers = said.text().lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(numbers.len(), 11);
        for number in numbers {
            eventually(|| if is_there(&number) { Err("is left over") } else { Ok(()) }).await;
        }
    }
    // Those of a command that was dropped, too.
    let trace = folder("handed to us").join("trace");
    let text = format!("sleep {mark} & echo $! > \"$0\"; wait");
    let mut waiting = Box::pin(commands.run(script(text).arg(argument(&trace))));
    let number = tokio::select! {
        biased;
        done = &mut waiting => panic!("{done:?}"),
        number = said(&trace) => number,
    };
    drop(waiting);
    eventually(|| if is_there(&number) { Err("is left over") } else { Ok(()) }).await;
    strike(system).await;
}

/// Numbers of system calls: `prctl` and `ptrace`.
#[cfg(target_arch = "x86_64")]
const CALLS: [&str; 2] = ["157", "101"];
#[cfg(not(target_arch = "x86_64"))]
const CALLS: [&str; 2] = ["167", "117"];

/// Says its number when it may be traced by anybody, and cannot be asked to end.
fn victim(trace: &Path) -> Command {
    let text = "$SIG{TERM} = 'IGNORE'; syscall($ARGV[0] + 0, 0x59616d61, -1, 0, 0, 0); \
                open(F, '>', $ARGV[1]); print F \"$$\\n\"; close F; sleep 1000";
    Command::new("perl").args(["-e", text, CALLS[0]]).arg(argument(trace))
}

/// What keeps the process from ending whose number is in a file: it is traced, by one who does not
/// look. Says so when it is.
fn tracer(process: &str, trace: &Path) -> Command {
    let text = "syscall($ARGV[0] + 0, 0x4206, $ARGV[1] + 0, 0, 0) == 0 or die; \
                open(F, '>', $ARGV[2]); print F \"traced\\n\"; close F; sleep 1000";
    let tracer = Command::new("perl").args(["-e", text, CALLS[1], process]);
    tracer.arg(argument(trace)).deadline(MINUTE)
}

/// A command that runs.
type Running<'a> = Pin<Box<dyn Future<Output = Result<CommandOutput>> + 'a>>;

/// Does something with a program that does not end when it is killed, until that is done.
async fn with_stuck<'a, T>(
    name: &str,
    commands: &'a Commands,
    doing: impl AsyncFnOnce(Running<'a>) -> T,
) -> T {
    let folder = folder(name);
    let (trace, traced) = (folder.join("trace"), folder.join("traced"));
    let mut stuck: Running<'_> = Box::pin(commands.run(victim(&trace)));
    let system = system().await;
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let options = CommandOptions::default().allow("perl").drain(Duration::ZERO);
    let others = Commands::new(&tasks, options).unwrap();
    let number = tokio::select! {
        biased;
        done = &mut stuck => panic!("{done:?}"),
        number = said(&trace) => number,
    };
    let mut tracing = pin!(others.run(tracer(&number, &traced)));
    tokio::select! {
        biased;
        done = &mut stuck => panic!("{done:?}"),
        done = &mut tracing => panic!("{done:?}"),
        traced = said(&traced) => assert_eq!(traced, "traced"),
    }
    let done = tokio::select! {
        biased;
        done = tracing => panic!("{done:?}"),
        done = doing(stuck) => done,
    };
    system.stop().await.unwrap();
    done
}

#[tokio::test]
async fn a_program_that_does_not_end_when_it_is_killed_keeps_its_place() {
    let options = shell().allow("perl").max_concurrent(2).kill_after(MOMENT).deadline(SECOND * 4);
    let Stage { system, commands, .. } = Stage::set(options).await;
    with_stuck("does not end", &commands, async |stuck| {
        let error = stuck.await.unwrap_err();
        assert_eq!((error.code(), &error.details()["program"]), ("unresponsive", &"perl".into()));
        assert_eq!((commands.stats().unresponsive, commands.stats().pool.running), (1, 0));
        // One more is run, and no second.
        let gate = folder("keeps its place").join("gate");
        let waits = script("until test -e \"$0\"; do sleep 0.01; done").arg(argument(&gate));
        let (first, ()) = tokio::join!(commands.run(waits), async {
            eventually(|| match commands.stats().pool.running {
                1 => Ok(()),
                running => Err(format!("{running} run")),
            })
            .await;
            let second = commands.run(script("true")).await.unwrap_err();
            assert_eq!(second.code(), "pool_full");
            program(&gate, "", 0o644);
        });
        first.unwrap();
    })
    .await;
    // It has ended after all.
    eventually(|| if commands.stats().unresponsive == 0 { Ok(()) } else { Err("it is there") })
        .await;
    for done in join_all((0..2).map(|_| commands.run(script("true")))).await {
        done.unwrap();
    }
    strike(system).await;
}

#[tokio::test]
async fn a_dropped_program_that_does_not_end_keeps_its_place_too() {
    let options = CommandOptions::default().allow("perl").max_concurrent(1).deadline(MINUTE);
    let Stage { system, commands, .. } = Stage::set(options).await;
    with_stuck("dropped and does not end", &commands, async |stuck| {
        drop(stuck);
        eventually(|| match commands.stats().unresponsive {
            1 => Ok(()),
            stuck => Err(format!("{stuck} do not end")),
        })
        .await;
        let refused = commands.run(Command::new("perl")).await.unwrap_err();
        assert_eq!(
            (refused.code(), &refused.details()["unresponsive"]),
            ("unresponsive", &1.into())
        );
        assert_eq!(refused.details()["program"], "perl");
    })
    .await;
    eventually(|| if commands.stats().unresponsive == 0 { Ok(()) } else { Err("it is there") })
        .await;
    strike(system).await;
}

#[tokio::test]
async fn a_system_that_stops_says_that_a_program_does_not_end() {
    let options = CommandOptions::default().allow("perl").deadline(MINUTE);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let error = with_stuck("does not end with its system", &commands, async |stuck| {
        drop(stuck);
        system.stop().await.unwrap_err()
    })
    .await;
    assert_eq!((error.code(), &error.details()["commands"]), ("unresponsive", &1.into()));
}

#[tokio::test]
async fn a_program_that_somebody_else_has_collected_is_nobodys_to_kill() {
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let trace = folder("somebody else").join("trace");
    let (error, ()) = tokio::join!(commands.run(script(STUBBORN).arg(argument(&trace))), async {
        let number = Number::from_raw(said(&trace).await.parse().unwrap()).unwrap();
        // On the one thread of this test, so that nobody looks between these two.
        kill_process(number, Signal::KILL).unwrap();
        waitpid(Some(number), WaitOptions::empty()).unwrap();
    });
    let error = error.unwrap_err();
    assert_eq!((error.code(), &error.details()["program"]), ("process_error", &"sh".into()));
    assert!(error.details()["kind"].is_string());
    commands.run(script("true")).await.unwrap();
    strike(system).await;
}

#[tokio::test]
async fn a_command_that_is_ended_alone_takes_nothing_from_the_time_of_others() {
    let options = shell().drain(SECOND * 2).kill_after(MINUTE);
    let Stage { system, tasks, commands } = Stage::set(options).await;
    let folder = folder("ended alone");
    let (first, second) = (folder.join("first"), folder.join("second"));
    let (error, ()) = tokio::join!(commands.run(script(TIDY).arg(argument(&first))), async {
        said(&first).await;
        tasks.terminate_child(pids(&tasks)[0]).await.unwrap();
    });
    assert_eq!(error.unwrap_err().code(), "actor_stopped");
    let slow = script("echo begun > \"$0\"; sleep 0.3; echo done").arg(argument(&second));
    let (done, ()) = tokio::join!(commands.run(slow), async {
        said(&second).await;
        system.stop().await.unwrap();
    });
    assert_eq!(done.unwrap().text(), "done\n");
}

#[test]
fn a_command_is_killed_with_its_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, mark) = (runtime(), mark(86422));
    let text = format!("sleep {mark} & sleep {mark}");
    let (system, commands) = first.block_on(async {
        let system = system().await;
        let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
        (system, Commands::new(&tasks, shell()).unwrap())
    });
    let mut waiting = Box::pin(commands.run(script(text)));
    first.block_on(async {
        tokio::select! {
            biased;
            done = &mut waiting => panic!("{done:?}"),
            () = eventually(|| if running(&mark) >= 2 { Ok(()) } else { Err("not yet") }) => {}
        }
    });
    drop(first);
    runtime().block_on(nothing_is_left(&mark));
    drop((waiting, system));
}
