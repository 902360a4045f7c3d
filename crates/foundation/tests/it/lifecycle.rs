//! Starting: acknowledged after init, refused with a reason, and nothing left of what did not
//! start.

use std::sync::Arc;
use std::time::Duration;

use foundation::{ChildSpec, Error, ExitReason, Mailbox};
use testkit::Log;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::fixture::{AtInit, Message, Script, Scripted, running, spec, system};

fn script(init: AtInit) -> Script {
    Script { init, ..Script::default() }
}

#[tokio::test(start_paused = true)]
async fn a_start_is_acknowledged_after_init_and_not_before() {
    let gate = Arc::new(Notify::new());
    let script = script(AtInit::WaitFor(Arc::clone(&gate)));
    let system = system().await;
    let starting = async {
        let actor = system.start(spec(&script)).await.unwrap();
        script.log.push("acknowledged");
        actor
    };
    let open = async {
        script.log.wait_for("init").await;
        script.log.push("opened");
        gate.notify_one();
    };
    let (actor, ()) = tokio::join!(starting, open);
    assert_eq!(script.log.entries(), ["init", "opened", "ready", "acknowledged"]);
    assert!(actor.is_alive());
    assert_eq!((actor.name(), actor.pid().generation), ("scripted", 1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_init_returns_reaches_whoever_started_it() {
    let refused = Error::business("no_licence").with_detail("day", 3);
    let script = script(AtInit::Fail(refused));
    let system = system().await;
    let error = system.start(spec(&script)).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["day"]), ("no_licence", &3.into()));
    assert_eq!(error.origin().unwrap().operation, "scripted");
    assert!(error.id().is_some() && error.at().is_some());
    assert_eq!(system.census().actors, 0);
    assert_eq!(script.log.entries(), ["init"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_init_is_the_error_of_the_start() {
    let system = system().await;
    let error = system.start(spec(&script(AtInit::Panic("no way")))).await.unwrap_err();
    assert_eq!((error.code(), error.message()), ("actor_panicked", "no way"));
    let location = error.details()["location"].as_str().unwrap();
    assert!(location.contains("fixture.rs:"), "{location}");
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_chooses_not_to_run_says_so() {
    let system = system().await;
    let error = system.start(spec(&script(AtInit::Ignore))).await.unwrap_err();
    assert_eq!(error.code(), "start_ignored");
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_init_that_takes_too_long_is_killed() {
    let script = script(AtInit::WaitForever);
    let system = system().await;
    let started = Instant::now();
    let spec = spec(&script).start_within(Duration::from_millis(300));
    let error = system.start(spec).await.unwrap_err();
    assert_eq!((error.code(), error.message()), ("timeout", "init took too long"));
    assert_eq!(started.elapsed(), Duration::from_millis(300));
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_given_up_kills_what_was_starting() {
    let script = script(AtInit::WaitForever);
    let system = system().await;
    {
        let starting = system.start(spec(&script));
        let seen = script.log.wait_for("init");
        tokio::select! { biased; _ = starting => unreachable!(), () = seen => {} }
    }
    testkit::eventually(|| match system.census().actors {
        0 => Ok(()),
        actors => Err(format!("{actors} actors")),
    })
    .await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_init_continues_with_comes_before_the_first_message() {
    let script = script(AtInit::Continue("continued"));
    let (system, actor) = running(&script).await;
    actor.tell(Message::Note("first")).await.unwrap();
    script.log.wait_for("first").await;
    assert_eq!(script.log.entries(), ["init", "ready", "continued", "first"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_during_init_are_kept() {
    // Only the actor itself can hand out a reference before its start is acknowledged.
    struct Eager(Log);
    impl foundation::Actor for Eager {
        type Args = Log;
        type Message = &'static str;
        async fn init(
            log: Log,
            cx: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Init<Self>> {
            cx.me().tell("told during init").await?;
            cx.continue_with("continued");
            Ok(foundation::Init::Ready(Self(log)))
        }
        async fn handle(
            &mut self,
            message: &'static str,
            _: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Flow> {
            self.0.push(message);
            Ok(foundation::Flow::Continue)
        }
    }
    let (system, log) = (system().await, Log::default());
    let actor = system.start(ChildSpec::<Eager>::actor("eager", log.clone())).await.unwrap();
    actor.drain().await.unwrap();
    assert_eq!(log.entries(), ["continued", "told during init"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_are_refused_with_the_field_they_are_in() {
    let script = Script::default();
    let specs = [
        ("name", ChildSpec::<Scripted>::actor("", script.clone())),
        ("name", ChildSpec::actor("x".repeat(256), script.clone())),
        ("mailbox.capacity", spec(&script).mailbox(Mailbox::bounded(0))),
        ("mailbox.capacity", spec(&script).mailbox(Mailbox::bounded((1 << 20) + 1))),
        ("start_within", spec(&script).start_within(Duration::ZERO)),
    ];
    let system = system().await;
    for (field, spec) in specs {
        let error = system.start(spec).await.unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
        assert!(error.message().starts_with(field), "{error}");
    }
    assert!(script.log.entries().is_empty());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_actors_are_two_places_and_a_clone_is_none() {
    let system = system().await;
    let first = system.start(spec(&Script::default())).await.unwrap();
    let second = system.start(spec(&Script::default())).await.unwrap();
    assert_ne!(first, second);
    assert_ne!(first.pid(), second.pid());
    assert_eq!(first, first.clone());
    assert_eq!(first.stop(ExitReason::Normal).await.unwrap(), ExitReason::Normal);
    assert!(!first.is_alive() && second.is_alive());
    system.stop().await.unwrap();
}
