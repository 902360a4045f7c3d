//! Being ended by others: asked, drained, killed, and in which time.

use std::time::Duration;

use foundation::{ExitReason, Mailbox, Shutdown};
use tokio::time::Instant;

use crate::fixture::{
    AtTerminate, Message, Script, hold, running, spec, system, with_mailbox, with_shutdown,
};

fn terminates(terminate: AtTerminate) -> Script {
    Script { terminate, ..Script::default() }
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_the_message_at_hand_and_leaves_the_others() {
    let script = Script::default();
    let (system, actor) = running(&script).await;
    let gate = hold(&actor, &script.log).await;
    actor.tell(Message::Note("left behind")).await.unwrap();
    let stopping = actor.stop(ExitReason::shutdown_with("upgrade"));
    let opening = async { gate.notify_one() };
    let (reason, ()) = tokio::join!(stopping, opening);
    assert_eq!(reason.unwrap(), ExitReason::shutdown_with("upgrade"));
    let expected = ["init", "ready", "waiting", "terminate: shutdown: upgrade", "dropped"];
    assert_eq!(script.log.entries(), expected);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_queue_behind_messages() {
    // K13: the mailbox is full, and nobody reads it until the handler is done.
    let (system, actor, log) = with_mailbox(Mailbox::bounded(1)).await;
    let gate = hold(&actor, &log).await;
    actor.tell(Message::Note("left behind")).await.unwrap();
    assert_eq!(actor.try_tell(Message::Note("no room")).unwrap_err().error.code(), "mailbox_full");
    let (reason, ()) = tokio::join!(actor.stop(ExitReason::Shutdown), async { gate.notify_one() });
    assert_eq!((reason.unwrap(), log.count("left behind")), (ExitReason::Shutdown, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_handles_what_was_accepted_and_refuses_the_rest() {
    let script = Script::default();
    let (system, actor) = running(&script).await;
    let gate = hold(&actor, &script.log).await;
    for note in ["one", "two", "three"] {
        actor.tell(Message::Note(note)).await.unwrap();
    }
    let refused = async {
        tokio::task::yield_now().await;
        let refused = actor.tell(Message::Note("too late")).await.unwrap_err();
        gate.notify_one();
        refused
    };
    let (reason, refused) = tokio::join!(actor.drain(), refused);
    assert_eq!((reason.unwrap(), refused.code()), (ExitReason::Normal, "no_process"));
    assert_eq!(script.log.entries()[3..6], ["one", "two", "three"]);
    assert_eq!(script.log.count("too late"), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_is_drained_at_once() {
    let (system, actor) = running(&Script::default()).await;
    assert_eq!(actor.drain().await.unwrap(), ExitReason::Normal);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_kill_ends_a_handler_where_it_waits_and_calls_nothing() {
    let script = Script::default();
    let (system, actor) = running(&script).await;
    actor.tell(Message::WaitForever).await.unwrap();
    script.log.wait_for("waiting").await;
    actor.kill();
    assert_eq!(actor.exited().await, ExitReason::Killed);
    assert_eq!(script.log.entries(), ["init", "ready", "waiting", "dropped"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_does_not_end_in_time_is_killed() {
    for (shutdown, takes) in [
        (Shutdown::default(), 5000),
        (Shutdown::Within(Duration::from_millis(700)), 700),
        (Shutdown::Within(Duration::ZERO), 0),
        (Shutdown::BrutalKill, 0),
    ] {
        let script = terminates(AtTerminate::WaitForever);
        let (system, actor) = with_shutdown(&script, shutdown).await;
        let started = Instant::now();
        assert_eq!(actor.stop(ExitReason::Shutdown).await.unwrap(), ExitReason::Killed);
        let took = started.elapsed();
        // A long deadline is kept by looking every 10 ms.
        let most = Duration::from_millis(takes + takes / 250);
        assert!(took >= Duration::from_millis(takes) && took <= most, "{shutdown:?} took {took:?}");
        let asked = shutdown != Shutdown::BrutalKill && takes > 0;
        assert_eq!(script.log.count("terminate: shutdown"), usize::from(asked), "{shutdown:?}");
        system.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_an_actor_takes_as_long_as_it_takes() {
    let script = terminates(AtTerminate::Take(Duration::from_hours(1)));
    let (system, actor) = with_shutdown(&script, Shutdown::Infinity).await;
    let started = Instant::now();
    assert_eq!(actor.stop(ExitReason::Shutdown).await.unwrap(), ExitReason::Shutdown);
    assert_eq!(started.elapsed(), Duration::from_hours(1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_dead_cannot_be_stopped() {
    // OTP F24
    let (system, actor) = running(&Script::default()).await;
    actor.stop(ExitReason::Normal).await.unwrap();
    assert_eq!(actor.stop(ExitReason::Normal).await.unwrap_err().code(), "no_process");
    assert_eq!(actor.drain().await.unwrap_err().code(), "no_process");
    actor.kill();
    assert_eq!(actor.exited().await, ExitReason::Normal);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_stops_itself_by_reference_is_told_so() {
    // OTP F24
    let (system, actor) = running(&Script::default()).await;
    let stopped = actor.ask(|reply| Message::StopOther(actor.clone(), reply)).await.unwrap();
    assert_eq!(stopped.unwrap_err().code(), "calling_self");
    assert!(actor.is_alive());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_callback_can_see_that_it_should_hurry() {
    let script = Script::default();
    let (system, actor) = running(&script).await;
    assert!(!actor.ask(Message::IsStopping).await.unwrap());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_who_stop_an_actor_both_learn_the_first_reason() {
    let script = Script::default();
    let (system, actor) = running(&script).await;
    let gate = hold(&actor, &script.log).await;
    let first = actor.stop(ExitReason::shutdown_with("first"));
    let second = actor.stop(ExitReason::shutdown_with("second"));
    let (first, second, ()) = tokio::join!(first, second, async { gate.notify_one() });
    assert_eq!(first.unwrap(), ExitReason::shutdown_with("first"));
    assert_eq!(second.unwrap(), ExitReason::shutdown_with("first"));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_system_stops_its_actors_in_the_reverse_order_of_their_start_one_by_one() {
    let system = system().await;
    let log = testkit::Log::default();
    for _ in 0..3 {
        let takes = AtTerminate::Take(Duration::from_secs(1));
        let script = Script { log: log.clone(), terminate: takes, ..Script::default() };
        system.start(spec(&script)).await.unwrap();
    }
    let started = Instant::now();
    let _ = log.take();
    system.stop().await.unwrap();
    assert_eq!(log.entries(), ["terminate: shutdown", "dropped"].repeat(3));
    assert_eq!(started.elapsed(), Duration::from_secs(3));
}
