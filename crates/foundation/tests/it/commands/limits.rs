//! How many run, and that nothing is left of many.

use foundation::{Command, CommandOptions, Error};
use futures_util::future::join_all;
use testkit::eventually;

use super::machine::{
    argument, content, folder, is_there, mark, nothing_is_left, open_pipes, program, running,
};
use super::{Stage, script, shell};
use crate::fixture::strike;

// CMD-1
#[tokio::test]
async fn of_twenty_at_a_time_five_are_run_and_the_others_refused() {
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let gate = folder("twenty at a time").join("gate");
    let waits = script("until test -e \"$0\"; do sleep 0.01; done").arg(argument(&gate));
    let all = join_all((0..20).map(|_| commands.run(waits.clone())));
    let (all, ()) = tokio::join!(all, async {
        eventually(|| match (commands.stats().pool.refused, running("twenty at a time/gate")) {
            (15, 5) => Ok(()),
            (refused, run) => Err(format!("{refused} are refused, {run} run")),
        })
        .await;
        program(&gate, "", 0o644);
    });
    let codes: Vec<_> = all.iter().filter_map(|it| it.as_ref().err()).map(Error::code).collect();
    assert_eq!(codes, ["pool_full"; 15]);
    let stats = commands.stats().pool;
    assert_eq!((stats.completed, stats.refused, stats.most_running), (5, 15, 5));
    strike(system).await;
}

#[tokio::test]
async fn those_that_may_wait_do() {
    let options = CommandOptions::default().allow("true").max_concurrent(2).max_queue(18);
    let Stage { system, commands, .. } = Stage::set(options).await;
    let all = join_all((0..20).map(|_| commands.run(Command::new("true")))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(commands.stats().pool.most_running, 2);
    strike(system).await;
}

// LEAK-5
#[tokio::test]
async fn nothing_is_left_of_fifty_commands() {
    fifty("fifty").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_of_fifty_commands_on_several_threads() {
    fifty("fifty on several threads").await;
}

async fn fifty(name: &str) {
    let Stage { system, commands, tasks } = Stage::set(shell().max_queue(50)).await;
    let trace = folder(name).join("trace");
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let tasks_before = alive();
    // The first has the runtime open what it hears signals with.
    commands.run(script("true")).await.unwrap();
    let pipes = open_pipes();
    let mark = mark(86410);
    let texts = ["true", "exit 1", &format!("sleep {mark} & true"), "yes", "kill -9 $$"];
    let all = (0..50).zip(texts.iter().cycle()).map(|(_, text)| {
        commands.run(script(format!("echo $$ >> \"$0\"; {text}")).arg(argument(&trace)))
    });
    assert_eq!(join_all(all).await.iter().filter(|done| done.is_ok()).count(), 20);
    nothing_is_left(&mark).await;
    let leaders = content(&trace);
    assert_eq!(leaders.lines().count(), 50);
    assert!(!leaders.lines().any(is_there));
    let now = || (open_pipes(), alive());
    eventually(|| match now() {
        (open, alive) if open <= pipes && alive == tasks_before => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(tasks.count_children().unwrap().specs, 0);
    strike(system).await;
}
