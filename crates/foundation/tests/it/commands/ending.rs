//! Programs that do not end, do not want to, or leave others behind. Nothing of them is left.

use foundation::Command;
use testkit::{Telemetry, eventually};
use tokio::time::Instant;

use super::machine::{argument, content, folder, is_there, mark, nothing_is_left, running};
use super::{MINUTE, MOMENT, SECOND, Stage, script, shell};
use crate::fixture::strike;

// CMD-1
#[tokio::test]
async fn a_deadline_kills_the_program_and_all_that_it_has_started() {
    let mark = mark(86401);
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let many = format!("for n in 1 2 3 4 5 6 7 8 9; do (sleep {mark} & sleep {mark}) & done; wait");
    let command = script(many).deadline(SECOND * 4);
    let (error, ()) = tokio::join!(commands.run(command), async {
        eventually(|| match running(&mark) {
            19.. => Ok(()),
            some => Err(format!("{some} run")),
        })
        .await;
    });
    let error = error.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("timeout", true));
    assert_eq!(
        (&error.details()["program"], &error.details()["after_seconds"]),
        (&"sh".into(), &4.0.into())
    );
    nothing_is_left(&mark).await;
    assert_eq!((commands.stats().pool.failed, commands.stats().pool.running), (1, 0));
    strike(system).await;
}

#[tokio::test]
async fn a_program_that_ignores_being_asked_is_killed() {
    let mark = mark(86402);
    let Stage { system, commands, .. } = Stage::set(shell().kill_after(MOMENT)).await;
    let stubborn = format!("trap '' TERM INT HUP; while :; do sleep 0.01; done; : {mark}");
    let begun = Instant::now();
    // Enough for it to begin to ignore, however busy the machine is.
    let error = commands.run(script(stubborn).deadline(SECOND * 4)).await.unwrap_err();
    assert_eq!(error.code(), "timeout");
    assert!(begun.elapsed() >= SECOND * 4 + MOMENT, "it was not given its time");
    nothing_is_left(&mark).await;
    strike(system).await;
}

#[tokio::test]
async fn a_program_that_ends_when_it_is_asked_can_tidy_up() {
    let Stage { system, commands, .. } = Stage::set(shell().kill_after(MINUTE)).await;
    let trace = folder("tidies up").join("trace");
    // It says much meanwhile, and somebody reads it.
    let text = "trap 'yes | head -c 500000; echo tidy > \"$0\"; exit 0' TERM; \
                while :; do sleep 0.01; done";
    let command = script(text).arg(argument(&trace)).deadline(SECOND * 4);
    let begun = Instant::now();
    assert_eq!(commands.run(command).await.unwrap_err().code(), "timeout");
    assert!(begun.elapsed() < MINUTE);
    assert_eq!(content(&trace), "tidy\n");
    strike(system).await;
}

#[tokio::test]
async fn a_program_that_is_stopped_is_killed() {
    let mark = mark(86403);
    let Stage { system, commands, .. } = Stage::set(shell().kill_after(MOMENT)).await;
    let error = commands
        .run(script(format!("kill -STOP $$; : {mark}")).deadline(MOMENT))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "timeout");
    nothing_is_left(&mark).await;
    strike(system).await;
}

#[tokio::test]
async fn a_program_that_floods_its_output_is_killed() {
    let mark = mark(86404);
    let options = shell().allow("yes").max_output(10_000);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let error = commands.run(Command::new("yes").arg(&mark)).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.details()["stream"]),
        ("command_output_too_large", &"stdout".into())
    );
    assert_eq!(error.details()["max_output"], 10_000);
    let error = commands.run(script(format!("yes {mark} >&2"))).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.details()["stream"]),
        ("command_output_too_large", &"stderr".into())
    );
    nothing_is_left(&mark).await;
    // As much as may be is kept; a byte more is too much.
    let exact = commands.run(script("head -c 10000 /dev/zero")).await.unwrap();
    assert_eq!(exact.stdout().len(), 10_000);
    let error = commands.run(script("head -c 10001 /dev/zero")).await.unwrap_err();
    assert_eq!(error.code(), "command_output_too_large");
    strike(system).await;
}

#[tokio::test]
async fn a_flood_is_noticed_whatever_else_the_program_does() {
    let mark = mark(86411);
    let Stage { system, commands, .. } = Stage::set(shell().max_output(10_000)).await;
    let texts = [
        format!("trap '' PIPE; while :; do echo {mark} 0123456789 2>/dev/null; done"),
        format!("head -c 20000 /dev/zero; exec sleep {mark}"),
        format!("sleep {mark} >/dev/null & head -c 20000 /dev/zero"),
    ];
    for text in texts {
        let error = commands.run(script(&text).deadline(MINUTE)).await.unwrap_err();
        assert_eq!(error.code(), "command_output_too_large", "{text}");
    }
    nothing_is_left(&mark).await;
    strike(system).await;
}

#[tokio::test]
async fn no_output_at_all_may_be_allowed() {
    let Stage { system, commands, .. } = Stage::set(shell().max_output(0)).await;
    commands.run(script("true")).await.unwrap();
    let error = commands.run(script("echo")).await.unwrap_err();
    assert_eq!(error.code(), "command_output_too_large");
    strike(system).await;
}

#[tokio::test]
async fn what_a_program_leaves_running_is_killed_when_it_ends() {
    let mark = mark(86405);
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let begun = Instant::now();
    let said = commands.run(script(format!("sleep {mark} & echo started"))).await.unwrap();
    assert_eq!(said.text(), "started\n");
    assert!(begun.elapsed() < MINUTE);
    nothing_is_left(&mark).await;
    strike(system).await;
}

#[tokio::test]
async fn a_process_that_leaves_the_group_keeps_nobody_waiting() {
    let mark = mark(86406);
    let telemetry = Telemetry::listen();
    let Stage { system, commands, .. } = Stage::set(shell().allow("kill")).await;
    let begun = Instant::now();
    // It says so when it has left.
    let text = format!(
        "setsid sh -c ': > \"$0\"; exec sleep {mark}' \"$0\" & echo $!; \
         until test -e \"$0\"; do sleep 0.01; done"
    );
    let left = folder("leaves the group").join("left");
    let said = commands.run(script(text).arg(argument(&left))).await.unwrap();
    assert!(begun.elapsed() < MINUTE);
    assert_eq!(telemetry.about("command.escaped").len(), 1);
    // It is nobody's but ours.
    eventually(|| if running(&format!("sleep\0{mark}")) == 1 { Ok(()) } else { Err("not there") })
        .await;
    commands.run(Command::new("kill").arg(said.text().trim_end())).await.unwrap();
    nothing_is_left(&mark).await;
    strike(system).await;
}

#[tokio::test]
async fn a_program_that_closes_its_output_is_waited_for() {
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let trace = folder("closes its output").join("trace");
    let text = "exec >&- 2>&-; sleep 0.2; : > \"$0\"; echo late > \"$0\"; exit 4";
    let error = commands.run(script(text).arg(argument(&trace))).await.unwrap_err();
    assert_eq!((&error.details()["exit_code"], content(&trace).as_str()), (&4.into(), "late\n"));
    strike(system).await;
}

#[tokio::test]
async fn a_command_that_nobody_waits_for_is_killed() {
    let mark = mark(86407);
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let mut waiting = Box::pin(commands.run(script(format!("sleep {mark} & sleep {mark}"))));
    tokio::select! {
        biased;
        done = &mut waiting => panic!("{done:?}"),
        () = eventually(|| if running(&mark) >= 2 { Ok(()) } else { Err("it does not run") }) => {}
    }
    drop(waiting);
    nothing_is_left(&mark).await;
    commands.run(script("true")).await.unwrap();
    strike(system).await;
}

#[tokio::test]
async fn a_command_is_killed_with_its_supervisor() {
    let mark = mark(86408);
    let Stage { system, tasks, commands } = Stage::set(shell()).await;
    let before = tasks.pid();
    let (error, ()) =
        tokio::join!(commands.run(script(format!("sleep {mark} & sleep {mark}"))), async {
            eventually(|| if running(&mark) >= 2 { Ok(()) } else { Err("it does not run") }).await;
            tasks.kill();
        });
    assert_eq!(error.unwrap_err().code(), "actor_stopped");
    nothing_is_left(&mark).await;
    eventually(|| if tasks.pid() == before { Err("not restarted") } else { Ok(()) }).await;
    // SUP-6: what is allowed is so again.
    commands.run(script("true")).await.unwrap();
    strike(system).await;
}

#[tokio::test]
async fn a_system_that_stops_waits_for_its_commands() {
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let trace = folder("is waited for").join("trace");
    let text = "echo begun > \"$0\"; sleep 0.3; echo done > \"$0\"";
    let (done, ()) = tokio::join!(commands.run(script(text).arg(argument(&trace))), async {
        eventually(|| if content(&trace).is_empty() { Err("it does not run") } else { Ok(()) })
            .await;
        system.stop().await.unwrap();
        assert_eq!(content(&trace), "done\n");
    });
    done.unwrap();
    assert_eq!(commands.run(script("true")).await.unwrap_err().code(), "no_process");
}

#[tokio::test]
async fn a_program_is_collected_before_its_command_is_over() {
    let mark = mark(86409);
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    for text in ["echo $$", &format!("sleep {mark} & echo $$"), "echo $$; kill -9 $$"] {
        for _ in 0..5 {
            let said = commands.run(script(text).accept_all()).await.unwrap();
            assert!(!is_there(said.text().trim_end()));
        }
    }
    nothing_is_left(&mark).await;
    strike(system).await;
}
