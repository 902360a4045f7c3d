//! Actors as destinations.

use std::time::Duration;

use foundation::{Actor, ChildSpec, Context, Flow, Init, Result};
use signals::{Bus, Delivery, Destination, LogLevel, Signal};

use super::{Receiver, Then, World, is, outcomes, paid};

#[tokio::test(start_paused = true)]
async fn a_signal_reaches_an_actor_whoever_has_a_name_and_all_of_a_group() {
    let world = World::new().await;
    let one = world.receiver("one", Then::Drop).await;
    let _named = world.receiver("named", Then::Drop).await;
    let groups = world.system.groups();
    for name in ["first", "second"] {
        let member = world.receiver(name, Then::Drop).await;
        groups.join("members", &member).unwrap();
        // Whoever has joined twice gets it once.
        groups.join("members", &member).unwrap();
    }
    let destinations = [
        Destination::actor(&one),
        Destination::named(world.system.registry().via::<Receiver>("named")),
        Destination::group::<Receiver>(groups, "members"),
    ];
    let report = world.dispatcher.dispatch(paid(), &destinations).await.unwrap();
    let expected = [
        is(0, "one", "Accepted"),
        is(1, "named", "Accepted"),
        is(2, "members", "Accepted"),
        is(2, "members", "Accepted"),
    ];
    assert_eq!(outcomes(&report), expected);
    assert_eq!(report.delivered(), 4);
    assert_eq!(report.receipts()[0].pid, Some(one.pid()));
    assert_ne!(report.receipts()[2].pid, report.receipts()[3].pid);
    let mut names = world.names(4).await;
    names.sort();
    assert_eq!(names, ["first", "named", "one", "second"]);
    assert!(world.got.lock().unwrap().iter().all(|(_, got)| got.is_same(report.signal())));
    report.into_result().unwrap();
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_destination_is_whoever_is_there_when_a_signal_comes() {
    let world = World::new().await;
    let destination = Destination::named(world.system.registry().via::<Receiver>("later"));
    let members = Destination::group::<Receiver>(world.system.groups(), "members");
    let destinations = [destination, members];
    let report = world.dispatcher.dispatch(paid(), &destinations).await.unwrap();
    assert_eq!(outcomes(&report), [is(0, "later", "not_registered")]);
    let later = world.receiver("later", Then::Drop).await;
    world.system.groups().join("members", &later).unwrap();
    let report = world.dispatcher.dispatch(paid(), &destinations).await.unwrap();
    assert_eq!(outcomes(&report), [is(0, "later", "Accepted"), is(1, "members", "Accepted")]);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_stops_no_other() {
    let world = World::new().await;
    let full = world.receiver("full", Then::Drop).await;
    let gone = world.receiver("gone", Then::Drop).await;
    gone.stop(foundation::ExitReason::Normal).await.unwrap();
    let last = world.receiver("last", Then::Drop).await;
    let destinations = [
        Destination::actor(&full),
        Destination::actor(&full),
        Destination::actor(&full),
        Destination::actor(&gone),
        Destination::named(world.system.registry().via::<Other>("last")),
        Destination::actor(&last),
    ];
    let report = world.dispatcher.dispatch(paid(), &destinations).await.unwrap();
    let expected = [
        is(0, "full", "Accepted"),
        is(1, "full", "Accepted"),
        is(2, "full", "mailbox_full"),
        is(3, "gone", "no_process"),
        is(4, "last", "wrong_type"),
        is(5, "last", "Accepted"),
    ];
    assert_eq!(outcomes(&report), expected);
    assert_eq!((report.delivered(), report.failures().count()), (3, 3));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn actors_acknowledge_where_that_is_waited_for() {
    let world = World::new().await;
    let mut destinations = Vec::new();
    for (name, then) in [
        ("acknowledges", Then::Acknowledge),
        ("refuses", Then::Refuse),
        ("drops", Then::Drop),
        ("keeps", Then::Keep),
        ("keeps too", Then::Keep),
    ] {
        let receiver = world.receiver(name, then).await;
        let destination = Destination::actor(&receiver);
        destinations.push(destination.acknowledged_within(Duration::from_secs(3)).unwrap());
    }
    let begun = tokio::time::Instant::now();
    let report = world.dispatcher.dispatch(paid(), &destinations).await.unwrap();
    let expected = [
        is(0, "acknowledges", "Acknowledged"),
        is(1, "refuses", "not_wanted"),
        is(2, "drops", "no_reply"),
        is(3, "keeps", "timeout"),
        is(4, "keeps too", "timeout"),
    ];
    assert_eq!(outcomes(&report), expected);
    // All at the same time: as long as the longest, and no longer.
    assert!((3..4).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn members_of_a_group_are_asked_at_the_same_time() {
    let world = World::new().await;
    let groups = world.system.groups();
    for name in ["a", "b", "c"] {
        groups.join("members", &world.receiver(name, Then::Keep).await).unwrap();
    }
    let members = Destination::group::<Receiver>(groups, "members");
    let members = [members.acknowledged_within(Duration::from_secs(3)).unwrap()];
    let begun = tokio::time::Instant::now();
    let report = world.dispatcher.dispatch(paid(), &members).await.unwrap();
    assert_eq!(report.failures().count(), 3);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_made_is_that_receivers_failure() {
    let world = World::new().await;
    let receiver = world.receiver("receiver", Then::Acknowledge).await;
    let told = Destination::actor(&receiver);
    let asked = told.clone().acknowledged_within(Duration::from_secs(1)).unwrap();
    let signal = Signal::new("of.panic", "/test");
    let destinations = [told, asked, Destination::log(LogLevel::Info)];
    let report = world.dispatcher.dispatch(signal, &destinations).await.unwrap();
    let expected = [
        is(0, "receiver", "callback_panicked"),
        is(1, "receiver", "callback_panicked"),
        is(2, "log", "Accepted"),
    ];
    assert_eq!(outcomes(&report), expected);
    // The places that were taken are given back.
    let destinations = [Destination::actor(&receiver), Destination::actor(&receiver)];
    assert_eq!(world.dispatcher.dispatch(paid(), &destinations).await.unwrap().delivered(), 2);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_actors_acknowledge_and_in_a_time_that_can_be() {
    let world = World::new().await;
    let receiver = Destination::actor(&world.receiver("receiver", Then::Drop).await);
    let hour = Duration::from_hours(1);
    for wrong in [
        receiver.clone().acknowledged_within(Duration::ZERO),
        receiver.clone().acknowledged_within(hour + Duration::from_nanos(1)),
        Destination::log(LogLevel::Info).acknowledged_within(hour),
    ] {
        let error = wrong.unwrap_err();
        assert_eq!(error.code(), "invalid_options");
        assert_eq!(error.details()["field"], "acknowledged_within");
    }
    receiver.acknowledged_within(hour).unwrap();
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_dispatches_what_matches() {
    let world = World::new().await;
    let bus = Bus::builder().start(&world.system).await.unwrap();
    let receiver = world.receiver("receiver", Then::Refuse).await;
    let asked = Destination::actor(&receiver).acknowledged_within(Duration::from_secs(1)).unwrap();
    let destinations = vec![Destination::log(LogLevel::Info), asked];
    bus.handle("order.**", world.dispatcher.to(destinations)).await.unwrap();
    let report = bus.publish_and_wait(paid(), Duration::from_secs(5)).await.unwrap();
    let (_, error) = report.failures().next().unwrap();
    assert_eq!((error.code(), &error.details()["destination"]), ("not_wanted", &"receiver".into()));
    assert_eq!(world.names(1).await, ["receiver"]);
    world.stop().await;
}

/// An actor with other messages.
struct Other;

struct OtherMessage;

impl From<Delivery> for OtherMessage {
    fn from(_: Delivery) -> Self {
        Self
    }
}

impl Actor for Other {
    type Args = ();
    type Message = OtherMessage;

    async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, _: OtherMessage, _: &mut Context<Self>) -> Result<Flow> {
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_of_another_type_is_a_failure_and_no_hindrance() {
    let world = World::new().await;
    let groups = world.system.groups();
    let other = world.system.start(ChildSpec::<Other>::actor("other", ())).await.unwrap();
    groups.join("members", &other).unwrap();
    groups.join("members", &world.receiver("receiver", Then::Drop).await).unwrap();
    let members = [Destination::group::<Receiver>(groups, "members")];
    let report = world.dispatcher.dispatch(paid(), &members).await.unwrap();
    assert_eq!(outcomes(&report), [is(0, "members", "wrong_type"), is(0, "members", "Accepted")]);
    world.stop().await;
}
