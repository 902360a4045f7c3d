//! Errors are counted as they leave, and listeners hear when there are too many.

use std::time::Duration;

use foundation::{
    ActorRef, Category, Error, ErrorAlert, ErrorTracker, ErrorTracking, Result, System,
    TaskSupervisor,
};

use crate::fixture::{self, Message, Said, Script, after, heard, listener, running, system};

const WINDOW: Duration = Duration::from_mins(5);

fn database_timeout() -> Error {
    Error::infrastructure("database_timeout")
}

async fn listening(system: &System) -> ActorRef<fixture::Listener<ErrorAlert>> {
    let listener = listener(system).await;
    system.errors().listen(&listener, Said::Event).unwrap();
    listener
}

#[tokio::test(start_paused = true)]
async fn fifteen_errors_of_one_kind_give_one_alert_to_whoever_listens() {
    // ERR-6
    let system = system().await;
    let (first, second) = (listening(&system).await, listening(&system).await);
    for _ in 0..15 {
        system.errors().track(&database_timeout());
    }
    for listener in [first, second] {
        let alerts = heard(&listener).await;
        let [alert] = &alerts[..] else { panic!("{alerts:?}") };
        assert_eq!((&*alert.code, alert.category), ("database_timeout", Category::Infrastructure));
        assert_eq!((alert.count, alert.window, alert.missed), (10, WINDOW, 0));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nine_errors_a_pause_as_long_as_the_window_and_nine_more_give_none() {
    // ERR-6
    let system = system().await;
    let listener = listening(&system).await;
    for _ in 0..2 {
        for _ in 0..9 {
            system.errors().track(&database_timeout());
        }
        assert_eq!(system.errors().recent(), 9);
        after(WINDOW + WINDOW / 60).await;
        assert_eq!(system.errors().recent(), 0);
    }
    assert_eq!(heard(&listener).await, []);
    assert_eq!(system.errors().counts()[0].total, 18);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_is_counted_once_on_its_way_out_of_scopes_tasks_and_actors() {
    let system = system().await;
    let mut context = system.error_context("checkout");
    let failed: Result<()> = context.scope("charge", |context| {
        context.scope("ask the bank", |_| Err(Error::infrastructure("bank_down")))
    });
    assert_eq!(counts(&system), ["bank_down 1"]);
    // It was counted where it happened, and is not again where it goes.
    let _: Result<()> = context.scope("again", |_| failed);
    assert_eq!(counts(&system), ["bank_down 1"]);

    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let failing = tasks.async_nolink(async { Err::<(), _>(Error::business("no")) }).unwrap();
    failing.await.unwrap_err();
    assert_eq!(counts(&system), ["bank_down 1", "no 1"]);
    system.stop().await.unwrap();

    let (system, actor) = running(&Script::default()).await;
    actor.tell(Message::Fail(Error::system("out_of_order"))).await.unwrap();
    actor.exited().await;
    assert_eq!(counts(&system), ["out_of_order 1"]);
    system.stop().await.unwrap();
}

fn counts(system: &System) -> Vec<String> {
    let counts = system.errors().counts().into_iter();
    counts.map(|count| format!("{} {}", count.code, count.total)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_system_counts_as_it_was_told_and_others_as_they_were() {
    let tracking = ErrorTracking::default().threshold(2).alert_on([Category::System]);
    let system = System::builder().error_tracking(tracking).start().await.unwrap();
    let heard_of = listening(&system).await;
    let other = ErrorTracker::new(&system, ErrorTracking::default().threshold(1)).unwrap();
    other.listen(&heard_of, Said::Event).unwrap();
    for error in [Error::business("no"), Error::system("broken")] {
        system.errors().track(&error);
        system.errors().track(&error);
    }
    other.track(&Error::business("elsewhere"));
    let codes: Vec<_> = heard(&heard_of).await.into_iter().map(|alert| alert.code).collect();
    assert_eq!(codes.iter().map(|code| &**code).collect::<Vec<_>>(), ["broken", "elsewhere"]);
    assert_eq!((system.errors().recent(), other.recent()), (4, 1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_listens_no_more_or_has_ended_hears_nothing() {
    let system = system().await;
    let (left, ended) = (listening(&system).await, listening(&system).await);
    let errors = system.errors();
    assert_eq!(errors.listeners(), 2);
    errors.unlisten(&left).unwrap();
    assert_eq!(errors.unlisten(&left).unwrap_err().code(), "not_registered");
    ended.kill();
    ended.exited().await;
    assert_eq!(errors.listeners(), 0);
    assert_eq!(errors.listen(&ended, Said::Event).unwrap_err().code(), "no_process");
    for _ in 0..10 {
        errors.track(&database_timeout());
    }
    assert_eq!(heard(&left).await, []);
    let elsewhere = fixture::system().await;
    let refused = elsewhere.errors().listen(&left, Said::Event).unwrap_err();
    assert_eq!(refused.code(), "invalid_options");
    elsewhere.stop().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn counting_that_cannot_be_is_refused() {
    let second = Duration::from_secs(1);
    let table = [
        (ErrorTracking::default().threshold(0), "threshold"),
        (ErrorTracking::default().threshold(1001), "threshold"),
        (ErrorTracking::default().window(Duration::ZERO), "window"),
        (ErrorTracking::default().window(Duration::MAX), "window"),
        (ErrorTracking::default().window(8 * 24 * 60 * 60 * second), "window"),
    ];
    let system = system().await;
    for (options, field) in table {
        let error = ErrorTracker::new(&system, options.clone()).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
        let error = System::builder().error_tracking(options).start().await.unwrap_err();
        assert_eq!(error.details()["field"], field);
    }
    system.stop().await.unwrap();
}
