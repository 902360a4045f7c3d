//! Results that are kept, for those who ask for them.

use std::path::PathBuf;

use foundation::Command;
use futures_util::future::join_all;
use testkit::eventually;
use tokio::time::Instant;

use super::machine::{argument, content, folder, mark, nothing_is_left};
use super::{MINUTE, MOMENT, Stage, script, shell};
use crate::fixture::strike;

/// A command that says how often it was run, and a file that says it too.
fn counted(name: &str) -> (Command, PathBuf) {
    let trace = folder(name).join("trace");
    let command = script("echo ran >> \"$0\"; wc -l < \"$0\"").arg(argument(&trace));
    (command, trace)
}

// CMD-1
#[tokio::test]
async fn a_result_that_is_kept_is_given_without_running() {
    let Stage { system, commands, .. } = Stage::set(shell().cache_ttl(MINUTE)).await;
    let (command, _trace) = counted("kept");
    let run = async |command: &Command| {
        let said = commands.run(command.clone()).await.unwrap();
        said.text().trim().to_owned()
    };
    let cached = command.clone().cached();
    assert_eq!((run(&cached).await, run(&cached).await), ("1".to_owned(), "1".to_owned()));
    // Whoever does not ask for it runs it, and keeps nothing.
    assert_eq!((run(&command).await, run(&cached).await), ("2".to_owned(), "1".to_owned()));
    // Another call is another result.
    let other = [
        cached.clone().env("A", "1"),
        cached.clone().arg("more"),
        cached.clone().current_dir("/"),
        cached.clone().stdin(*b"more"),
        cached.clone().accept_all(),
    ];
    for (times, other) in (3..).zip(other) {
        assert_eq!(run(&other).await, times.to_string());
    }
    assert_eq!(commands.clear_cache(), 6);
    assert_eq!(run(&cached).await, "8");
    let stats = commands.stats();
    assert_eq!((stats.pool.completed, stats.cache.hits), (8, 2));

    // What may not be run is not given either.
    commands.forbid("sh").unwrap();
    assert_eq!(commands.run(cached).await.unwrap_err().code(), "command_not_allowed");
    strike(system).await;
}

#[tokio::test]
async fn of_several_at_a_time_one_is_run() {
    let Stage { system, commands, .. } = Stage::set(shell().cache_ttl(MINUTE)).await;
    let (command, trace) = counted("at a time");
    let all = join_all((0..20).map(|_| commands.run(command.clone().cached()))).await;
    assert!(all.iter().all(|said| said.as_ref().unwrap().text().trim() == "1"));
    assert_eq!(content(&trace).lines().count(), 1);
    strike(system).await;
}

#[tokio::test]
async fn whoever_waits_for_another_does_not_share_its_haste() {
    let Stage { system, commands, .. } = Stage::set(shell().cache_ttl(MINUTE)).await;
    let slow = || script("sleep 0.5; echo done").cached();
    let (hasty, patient) =
        tokio::join!(commands.run(slow().deadline(MOMENT)), commands.run(slow().deadline(MINUTE)));
    assert_eq!(hasty.unwrap_err().code(), "timeout");
    assert_eq!(patient.unwrap().text(), "done\n");
    strike(system).await;
}

#[tokio::test]
async fn a_failure_is_never_kept() {
    let Stage { system, commands, .. } = Stage::set(shell().cache_ttl(MINUTE)).await;
    let trace = folder("failures").join("trace");
    let text = "echo ran >> \"$0\"; test $(wc -l < \"$0\") -gt 2";
    let command = script(text).arg(argument(&trace)).cached();
    for _ in 0..2 {
        assert_eq!(commands.run(command.clone()).await.unwrap_err().code(), "command_failed");
    }
    commands.run(command.clone()).await.unwrap();
    commands.run(command).await.unwrap();
    assert_eq!(content(&trace).lines().count(), 3);
    strike(system).await;
}

#[tokio::test]
async fn a_result_is_kept_for_a_time() {
    let Stage { system, commands, .. } = Stage::set(shell().cache_ttl(MOMENT)).await;
    let (command, _trace) = counted("for a time");
    let (command, begun) = (command.cached(), Instant::now());
    assert_eq!(commands.run(command.clone()).await.unwrap().text().trim(), "1");
    // Until it has passed what is kept is given.
    while commands.run(command.clone()).await.unwrap().text().trim() != "2" {
        tokio::task::yield_now().await;
    }
    assert!(begun.elapsed() >= MOMENT);
    strike(system).await;
}

#[tokio::test]
async fn output_that_somebody_else_goes_on_to_write_is_not_complete_and_not_kept() {
    let Stage { system, commands, .. } = Stage::set(shell().cache_ttl(MINUTE)).await;
    let (folder, mark) = (folder("not complete"), mark(86430));
    let (trace, left) = (folder.join("trace"), folder.join("left"));
    // It goes on when the other has left its group.
    let text = format!(
        "echo ran >> \"$0\"; setsid sh -c ': > \"$0\"; exec sleep {mark}' \"$1\" & echo $!; \
         until test -e \"$1\"; do sleep 0.01; done; rm \"$1\""
    );
    let command = script(text).args([argument(&trace), argument(&left)]).cached();
    for times in 1..=2 {
        let said = commands.run(command.clone()).await.unwrap();
        assert!(!said.is_complete());
        assert_eq!(content(&trace).lines().count(), times);
        commands.run(script(format!("kill {}", said.text()))).await.unwrap();
    }
    nothing_is_left(&mark).await;
    assert!(commands.run(script("true")).await.unwrap().is_complete());
    strike(system).await;
}

#[tokio::test]
async fn whoever_waits_for_another_that_was_dropped_runs_it() {
    let Stage { system, commands, .. } = Stage::set(shell().cache_ttl(MINUTE)).await;
    let trace = folder("was dropped").join("trace");
    let text = "echo ran >> \"$0\"; test $(wc -l < \"$0\") -gt 1 || sleep 1000";
    let command = script(text).arg(argument(&trace)).cached();
    let mut first = Box::pin(commands.run(command.clone()));
    let mut second = Box::pin(commands.run(command));
    tokio::select! {
        biased;
        done = &mut first => panic!("{done:?}"),
        done = &mut second => panic!("{done:?}"),
        () = eventually(|| match content(&trace).lines().count() {
            1 => Ok(()),
            runs => Err(format!("it was run {runs} times")),
        }) => {}
    }
    drop(first);
    second.await.unwrap();
    assert_eq!(content(&trace).lines().count(), 2);
    strike(system).await;
}

#[tokio::test]
async fn so_many_results_are_kept() {
    let Stage { system, commands, .. } = Stage::set(shell().cache_ttl(MINUTE).max_cached(2)).await;
    let (command, _trace) = counted("so many");
    let run = async |variant: &str| {
        let command = command.clone().arg(variant).cached();
        commands.run(command).await.unwrap().text().trim().to_owned()
    };
    assert_eq!([run("a").await, run("b").await, run("a").await], ["1", "2", "1"]);
    // The one that was used longest ago gives way.
    assert_eq!([run("c").await, run("a").await, run("b").await], ["3", "1", "4"]);
    strike(system).await;
}
