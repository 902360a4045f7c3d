//! The log as a destination.

use bytes::Bytes;
use serde_json::json;
use signals::{Data, Destination, LogLevel, LogOptions, Signal};
use testkit::Telemetry;

use super::{World, paid};

#[tokio::test(start_paused = true)]
async fn a_signal_is_written_to_the_log_without_its_data() {
    let world = World::new().await;
    let telemetry = Telemetry::listen();
    for (level, name) in [
        (LogLevel::Debug, "DEBUG"),
        (LogLevel::Info, "INFO"),
        (LogLevel::Warn, "WARN"),
        (LogLevel::Error, "ERROR"),
    ] {
        let signal = paid().id("7").subject("order/7").json(json!({ "card": "s3cret" }));
        let log = [Destination::log(level)];
        assert_eq!(world.dispatcher.dispatch(signal, &log).await.unwrap().delivered(), 1);
        let line = telemetry.about("signals.signal").pop().unwrap();
        let expected = "signals.signal id=7 topic=order.paid source=/shop subject=order/7";
        assert_eq!(line, format!("{name} {expected}"));
    }
    assert!(telemetry.about("s3cret").is_empty());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_data_is_written_where_it_is_asked_for_and_not_more_than_fits() {
    let world = World::new().await;
    let telemetry = Telemetry::listen();
    let log = [Destination::log(LogOptions::new(LogLevel::Info).with_data())];
    for (data, shown) in [
        (Data::Json(json!({ "a": "b\n" })), r#"data={"a":"b\n"}"#.to_owned()),
        (Data::Binary(Bytes::from_static(b"\xff\x00")), "data=2 bytes".to_owned()),
        (Data::Text("line\nfeed".into()), "data=line feed".to_owned()),
        (Data::Text("é".repeat(600).into()), format!("data={}… (1200 bytes)", "é".repeat(512))),
        (Data::None, "data=".to_owned()),
    ] {
        let signal = Signal::new("a.b", "/test").data(data);
        let _report = world.dispatcher.dispatch(signal, &log).await.unwrap();
        let line = telemetry.about("signals.signal").pop().unwrap();
        assert!(line.ends_with(&shown), "{line}\nshould end with\n{shown}");
    }
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_told_with_its_destination() {
    let world = World::new().await;
    let telemetry = Telemetry::listen();
    let via = world.system.registry().via::<super::Receiver>("nobody");
    let _report =
        world.dispatcher.dispatch(paid().id("7"), &[Destination::named(via)]).await.unwrap();
    let told = telemetry.about("signals.dispatch_failed");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("WARN") && told[0].contains("destination=nobody"), "{told:?}");
    assert!(told[0].contains("signal=7"), "{told:?}");
    world.stop().await;
}
