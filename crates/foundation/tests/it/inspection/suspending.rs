//! Actors that are held between two messages.

use std::time::Duration;

use foundation::{
    ActorState, ChildSpec, DynamicSupervisor, ExitReason, Mailbox, Overflow, Restart, Supervisor,
    TaskSupervisor,
};
use serde_json::json;
use testkit::{End, Log, Pull, Puppet, Strings, eventually};

use super::{Glass, Say, glass, hold, running};
use crate::fixture::{after, strike, system};

#[tokio::test(start_paused = true)]
async fn what_comes_to_one_that_is_suspended_waits_and_comes_in_order_when_it_is_resumed() {
    let (system, actor, log) = running().await;
    let other = system.start(Puppet::spec("other", &Log::default())).await.unwrap();
    actor.ask(|reply| Say::Monitor(other.clone(), reply)).await.unwrap();
    actor.tell(Say::After(Duration::from_secs(1), 3)).await.unwrap();
    actor.tell(Say::After(Duration::from_secs(2), 4)).await.unwrap();
    assert_eq!(actor.ask(Say::Total).await, Ok(0));
    actor.tell(Say::Add(1)).await.unwrap();
    actor.suspend().await.unwrap();
    // It was suspended before it came to that.
    assert_eq!(log.entries(), Vec::<String>::new());
    actor.tell(Say::Add(2)).await.unwrap();
    Puppet::exit(&other, ExitReason::Normal).await;
    after(Duration::from_secs(10)).await;
    assert_eq!((log.entries(), actor.status().state), (Vec::new(), ActorState::Suspended));
    // It can be looked at, and suspended again, which is nothing more.
    assert!(actor.inspect().await.unwrap().is_some());
    actor.suspend().await.unwrap();
    actor.resume().await.unwrap();
    actor.resume().await.unwrap();
    log.wait_for("add 4").await;
    assert_eq!(actor.status().state, ActorState::Running);
    // Control first, then messages, those of timers as they come by.
    let mut entries = log.entries();
    assert_eq!(entries.first().map(|it| &**it), Some("other is down"));
    entries.retain(|entry| !["add 3", "add 4"].contains(&&**entry));
    assert_eq!(entries, ["other is down", "add 1", "add 2"]);
    assert_eq!((log.count("add 3"), log.count("add 4")), (1, 1));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_suspended_between_two_messages_and_not_later() {
    let (system, actor, log) = running().await;
    let gate = hold(&actor, &log).await;
    for n in 0..100 {
        actor.tell(Say::Add(n)).await.unwrap();
    }
    gate.notify_one();
    actor.suspend().await.unwrap();
    assert_eq!(log.entries(), ["waiting"]);
    assert_eq!(actor.status().mailbox_len, 100);
    assert_eq!(actor.inspect().await, Ok(Some(json!({ "total": 0 }))));
    actor.resume().await.unwrap();
    assert_eq!(actor.ask(Say::Total).await, Ok(4950));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_suspended_can_be_ended() {
    let (system, actor, log) = running().await;
    actor.suspend().await.unwrap();
    actor.tell(Say::Add(1)).await.unwrap();
    assert_eq!(actor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
    assert_eq!(log.take(), ["terminate"]);

    let actor = system.start(glass(&log)).await.unwrap();
    actor.suspend().await.unwrap();
    actor.kill();
    assert_eq!(actor.exited().await, ExitReason::Killed);

    // Drained, it would have to handle what it has; so it is killed at its deadline.
    let actor = system.start(glass(&log)).await.unwrap();
    actor.suspend().await.unwrap();
    actor.tell(Say::Add(1)).await.unwrap();
    assert_eq!(actor.drain().await, Ok(ExitReason::Killed));
    let actor = system.start(glass(&log)).await.unwrap();
    actor.suspend().await.unwrap();
    actor.tell(Say::Add(2)).await.unwrap();
    let (drained, resumed) = tokio::join!(actor.drain(), async {
        after(Duration::from_secs(1)).await;
        actor.resume().await
    });
    assert_eq!((drained, resumed), (Ok(ExitReason::Normal), Ok(())));
    assert_eq!((log.count("add 1"), log.count("add 2")), (0, 1));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_linked_actor_ends_it_unless_it_traps_that() {
    let (system, actor, log) = running().await;
    let puppets = [
        system.start(Puppet::spec("trapped", &Log::default())).await.unwrap(),
        system.start(Puppet::spec("normal", &Log::default())).await.unwrap(),
        system.start(Puppet::spec("fatal", &Log::default())).await.unwrap(),
    ];
    actor.ask(|reply| Say::Link(puppets[0].clone(), true, reply)).await.unwrap();
    actor.suspend().await.unwrap();
    Puppet::kill(&puppets[0]).await;
    after(Duration::from_secs(1)).await;
    assert_eq!(log.entries(), Vec::<String>::new());
    actor.resume().await.unwrap();
    log.wait_for("trapped has ended").await;

    for puppet in &puppets[1..] {
        actor.ask(|reply| Say::Link(puppet.clone(), false, reply)).await.unwrap();
    }
    actor.suspend().await.unwrap();
    let exited = actor.exited();
    Puppet::exit(&puppets[1], ExitReason::Normal).await;
    assert!(actor.inspect().await.is_ok());
    Puppet::kill(&puppets[2]).await;
    assert_eq!(exited.await, ExitReason::Killed);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn its_mailbox_fills_up_as_that_of_one_that_is_busy() {
    let (system, log) = (system().await, Log::default());
    let mailbox = Mailbox::bounded(2).overflow(Overflow::Reject);
    let actor = system.start(glass(&log).mailbox(mailbox)).await.unwrap();
    actor.suspend().await.unwrap();
    actor.tell(Say::Add(1)).await.unwrap();
    actor.tell(Say::Add(2)).await.unwrap();
    assert_eq!(actor.tell(Say::Add(3)).await.unwrap_err().code(), "mailbox_full");

    let waits = system.start(glass(&log).mailbox(Mailbox::bounded(1))).await.unwrap();
    waits.suspend().await.unwrap();
    waits.tell(Say::Add(4)).await.unwrap();
    let told = tokio::join!(waits.tell(Say::Add(5)), async {
        after(Duration::from_secs(1)).await;
        waits.resume().await
    });
    assert_eq!(told, (Ok(()), Ok(())));
    assert_eq!(waits.ask(Say::Total).await, Ok(9));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn the_next_incarnation_is_not_suspended() {
    let (system, log) = (system().await, Log::default());
    let supervisor = Supervisor::one_for_one().child(glass(&log)).start(&system).await.unwrap();
    let actor = supervisor.child::<Glass>("glass").await.unwrap();
    actor.suspend().await.unwrap();
    actor.kill();
    actor.exited().await;
    eventually(|| match actor.status().state {
        ActorState::Running => Ok(()),
        state => Err(format!("{state:?}")),
    })
    .await;
    assert_eq!(actor.ask(Say::Total).await, Ok(0));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_suspended_restarts_nobody_and_still_ends_its_children() {
    let (system, log) = (system().await, Log::default());
    let strings = Strings::new("a", &log);
    let supervisor = Supervisor::one_for_one()
        .child(strings.spec())
        .child(Puppet::spec("b", &log))
        .start(&system)
        .await
        .unwrap();
    let child = supervisor.child::<Puppet>("a").await.unwrap();
    supervisor.suspend().await.unwrap();
    Puppet::kill(&child).await;
    after(Duration::from_secs(1)).await;
    assert_eq!((strings.starts(), child.is_alive()), (1, false));
    supervisor.resume().await.unwrap();
    eventually(|| if child.is_alive() { Ok(()) } else { Err("not restarted") }).await;
    assert_eq!(child.ask(Pull::Starts).await, Ok(2));

    supervisor.suspend().await.unwrap();
    Puppet::kill(&child).await;
    let _ = log.take();
    assert_eq!(supervisor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
    assert_eq!(log.entries(), ["b?", "-b"]);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_dynamic_supervisor_that_is_suspended_restarts_nobody_and_starts_whoever_is_wanted() {
    let (system, log) = (system().await, Log::default());
    let supervisor = DynamicSupervisor::builder().name("dynamic").start(&system).await.unwrap();
    let strings = Strings::new("a", &log);
    let child = supervisor.start_child(strings.spec()).await.unwrap();
    supervisor.suspend().await.unwrap();
    Puppet::kill(&child).await;
    let other = supervisor.start_child(Puppet::spec("b", &log)).await.unwrap();
    after(Duration::from_secs(1)).await;
    assert_eq!((strings.starts(), supervisor.count_children().unwrap().specs), (1, 2));
    let tree = system.tree().await;
    let seen = tree.find(&["dynamic"]).unwrap();
    assert_eq!((seen.suspended, seen.complete, seen.children.len()), (true, true, 2));
    let terminating = supervisor.terminate_child(other.pid());
    let resuming = async {
        after(Duration::from_secs(1)).await;
        assert!(other.is_alive());
        supervisor.resume().await
    };
    assert_eq!(tokio::join!(terminating, resuming), (Ok(()), Ok(())));
    eventually(|| if child.is_alive() { Ok(()) } else { Err("not restarted") }).await;
    assert_eq!(child.ask(Pull::Starts).await, Ok(2));
    // It answers also while it ends.
    let slow = Strings::new("slow", &log).ending(End::Take(Duration::from_secs(2)));
    supervisor.start_child(slow.spec()).await.unwrap();
    let looking = async {
        log.wait_for("slow?").await;
        supervisor.inspect().await
    };
    let stopped = supervisor.stop(ExitReason::Shutdown);
    assert_eq!(tokio::join!(stopped, looking), (Ok(ExitReason::Shutdown), Ok(None)));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_and_a_supervisor_that_starts_cannot_be_suspended() {
    let (system, log) = (system().await, Log::default());
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    let until = std::sync::Arc::clone(&gate);
    let task = ChildSpec::task("task", move |_| {
        let until = std::sync::Arc::clone(&until);
        async move {
            until.notified().await;
            Ok(())
        }
    });
    let task = tasks.start_child(task.restart(Restart::Temporary)).await.unwrap();
    assert_eq!(task.suspend().await.unwrap_err().code(), "handles_no_messages");
    assert_eq!(task.status().state, ActorState::Running);
    let exited = task.exited();
    gate.notify_one();
    assert_eq!(exited.await, ExitReason::Normal);

    let hangs = Strings::new("hangs", &log).starting([testkit::Start::Hang]);
    let inner = Supervisor::one_for_one().name("inner").child(hangs.spec()).child_spec();
    let outer = Supervisor::one_for_one().start(&system).await.unwrap();
    let starting = outer.start_child(inner);
    let suspending = async {
        log.wait_for("+hangs").await;
        let inner = outer.child::<Supervisor>("inner").await.unwrap();
        assert_eq!(inner.suspend().await.unwrap_err().code(), "handles_no_messages");
        inner.kill();
    };
    let (started, ()) = tokio::join!(starting, suspending);
    started.unwrap_err();
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_could_not_be_suspended_in_time_goes_on() {
    let (system, actor, log) = running().await;
    let gate = hold(&actor, &log).await;
    assert_eq!(actor.suspend().await.unwrap_err().code(), "timeout");
    let given_up = tokio::time::timeout(Duration::from_secs(1), actor.suspend()).await;
    assert!(given_up.is_err());
    gate.notify_one();
    actor.tell(Say::Add(1)).await.unwrap();
    assert_eq!(actor.ask(Say::Total).await, Ok(1));
    assert_eq!(actor.status().state, ActorState::Running);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn no_more_than_some_wait_to_look_at_one_that_hangs() {
    let (system, actor, log) = running().await;
    let gate = hold(&actor, &log).await;
    let looking = (0..70).map(|_| actor.inspect());
    let answers = futures_util::future::join_all(looking).await;
    let codes: Vec<_> = answers.iter().map(|it| it.as_ref().unwrap_err().code()).collect();
    assert_eq!(codes[..64], ["timeout"; 64]);
    assert_eq!(codes[64..], ["mailbox_full"; 6]);
    assert_eq!(actor.suspend().await.unwrap_err().code(), "mailbox_full");
    gate.notify_one();
    // Those who have given up are forgotten when it comes to them.
    assert_eq!(actor.ask(Say::Total).await, Ok(0));
    assert!(actor.inspect().await.is_ok());
    let _ = log.take();
    hold(&actor, &log).await;
    assert_eq!(actor.inspect().await.unwrap_err().code(), "timeout");
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_cannot_be_suspended_before_it_has_begun_either() {
    let system = system().await;
    let task = ChildSpec::task("task", |_| std::future::pending()).restart(Restart::Permanent);
    let supervisor = Supervisor::one_for_one().child(task).start(&system).await.unwrap();
    let task = supervisor.child::<foundation::TaskActor>("task").await.unwrap();
    let exited = task.exited();
    task.kill();
    exited.await;
    // Whatever it has come to by now.
    for _ in 0..20 {
        match task.suspend().await {
            Err(error) if error.code() == "no_process" => tokio::task::yield_now().await,
            refused => assert_eq!(refused.unwrap_err().code(), "handles_no_messages"),
        }
        assert_ne!(task.status().state, ActorState::Suspended);
    }
    assert_eq!(task.trace(1).await.map(drop).unwrap_err().code(), "handles_no_messages");
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_put_aside_before_the_end_of_a_linked_actor_is_lost_with_it() {
    let (system, actor, log) = running().await;
    let watched = system.start(Puppet::spec("watched", &Log::default())).await.unwrap();
    let linked = system.start(Puppet::spec("linked", &Log::default())).await.unwrap();
    actor.ask(|reply| Say::Monitor(watched.clone(), reply)).await.unwrap();
    actor.ask(|reply| Say::Link(linked.clone(), false, reply)).await.unwrap();
    actor.suspend().await.unwrap();
    Puppet::kill(&watched).await;
    after(Duration::from_secs(1)).await;
    let exited = actor.exited();
    Puppet::kill(&linked).await;
    assert_eq!(exited.await, ExitReason::Killed);
    assert_eq!(log.entries(), ["terminate"]);
    assert_eq!((actor.links(), linked.links(), watched.watchers()), (0, 0, 0));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_hibernates_can_be_suspended() {
    let (system, actor, log) = running().await;
    actor.tell(Say::Hibernate).await.unwrap();
    assert_eq!(actor.ask(Say::Total).await, Ok(0));
    actor.tell(Say::Hibernate).await.unwrap();
    after(Duration::from_secs(1)).await;
    actor.suspend().await.unwrap();
    actor.tell(Say::Add(1)).await.unwrap();
    after(Duration::from_secs(1)).await;
    assert_eq!(log.entries(), Vec::<String>::new());
    actor.resume().await.unwrap();
    log.wait_for("add 1").await;
    strike(system).await;
}

/// Whatever tells, suspensions and traces meet, every message is handled once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_however_often_it_is_suspended() {
    let system = foundation::System::builder().start().await.unwrap();
    let log = Log::default();
    let actor = system.start(glass(&log)).await.unwrap();
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let tellers: Vec<_> = (0..4)
        .map(|_| {
            let actor = actor.clone();
            let telling = async move {
                for _ in 0..500 {
                    actor.tell(Say::Add(1)).await?;
                }
                Ok(())
            };
            tasks.async_nolink(telling).unwrap()
        })
        .collect();
    let lookers: Vec<_> = (0..2)
        .map(|_| {
            let actor = actor.clone();
            let looking = async move {
                for _ in 0..100 {
                    actor.suspend().await?;
                    let trace = actor.trace(4).await?;
                    actor.inspect().await?;
                    actor.resume().await?;
                    assert!(!trace.entries().is_empty());
                }
                Ok(())
            };
            tasks.async_nolink(looking).unwrap()
        })
        .collect();
    for task in lookers.into_iter().chain(tellers) {
        task.await.unwrap();
    }
    assert_eq!(actor.ask(Say::Total).await, Ok(2000));
    system.stop().await.unwrap();
}
