//! Reports, and what comes before there is one.

use std::time::Duration;

use signals::{Destination, LogLevel};

use super::{Then, World, paid};

#[tokio::test(start_paused = true)]
async fn the_error_of_a_report_is_one_where_trying_again_may_help() {
    let world = World::new().await;
    let refuses = world.receiver("refuses", Then::Refuse).await;
    let keeps = world.receiver("keeps", Then::Keep).await;
    let within = |actor| Destination::actor(actor).acknowledged_within(Duration::from_secs(1));
    let destinations =
        [within(&refuses).unwrap(), Destination::log(LogLevel::Info), within(&keeps).unwrap()];
    let report = world.dispatcher.dispatch(paid(), &destinations).await.unwrap();
    let error = report.into_result().unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("timeout", true));
    let details = error.details();
    assert_eq!(details["destination"], "keeps");
    assert_eq!((&details["failed"], &details["receivers"]), (&2.into(), &3.into()));
    let report = world.dispatcher.dispatch(paid(), &destinations[..2]).await.unwrap();
    let error = report.into_result().unwrap_err();
    assert_eq!((error.code(), &error.details()["failed"]), ("not_wanted", &1.into()));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn to_nobody_is_fine_and_to_too_many_is_not() {
    let world = World::new().await;
    let report = world.dispatcher.dispatch(paid(), &[]).await.unwrap();
    assert!(report.receipts().is_empty() && report.delivered() == 0);
    report.into_result().unwrap();
    let many = vec![Destination::log(LogLevel::Debug); 1001];
    let report = world.dispatcher.dispatch(paid(), &many[..1000]).await.unwrap();
    assert_eq!(report.delivered(), 1000);
    let error = world.dispatcher.dispatch(paid(), &many).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.details()["field"]),
        ("invalid_options", &"destinations".into())
    );
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_a_signal_that_cannot_be() {
    let world = World::new().await;
    let receiver = Destination::actor(&world.receiver("receiver", Then::Drop).await);
    let wrong = signals::Signal::new("no signal", "/test");
    let error = world.dispatcher.dispatch(wrong, &[receiver]).await.unwrap_err();
    assert_eq!(error.code(), "invalid_signal");
    tokio::task::yield_now().await;
    assert!(world.got.lock().unwrap().is_empty());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_draft_is_stamped_once_for_all_destinations() {
    let world = World::new().await;
    let receiver = Destination::actor(&world.receiver("receiver", Then::Drop).await);
    let destinations = [receiver.clone(), receiver];
    let report = world.dispatcher.dispatch(paid(), &destinations).await.unwrap();
    world.names(2).await;
    let got: Vec<_> = world.got.lock().unwrap().iter().map(|(_, signal)| signal.clone()).collect();
    assert!(got[0].is_same(&got[1]) && got[0].time().is_some());
    assert_eq!(report.signal().id(), got[0].id());
    world.stop().await;
}
