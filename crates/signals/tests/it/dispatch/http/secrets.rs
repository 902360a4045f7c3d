//! What is never shown.

use signals::{Destination, Dispatched, HttpOptions, WebhookOptions, WebhookSecret};
use testkit::Telemetry;

use super::server::{Reply, Server};
use super::{Sender, failed, paid, post};

const SECRET: &str = "s3cret-of-the-webhook";
const TOKEN: &str = "t0ken-of-the-endpoint";
const PATH: &str = "path-with-a-t0ken";
const QUERY: &str = "query-with-a-t0ken";

#[tokio::test]
async fn no_secret_is_in_an_error_a_report_or_the_log() {
    let sender = Sender::new().await;
    let telemetry = Telemetry::listen();
    // A server that repeats what it was sent.
    let body =
        format!("no Bearer {TOKEN}, no {TOKEN}, no /in/{PATH}?key={QUERY}, no {PATH}, no {QUERY}");
    // One of which the end is not shown.
    let long = format!("{}{TOKEN}", "x".repeat(514 - TOKEN.len()));
    for reply in [
        Reply::status(401, &body),
        Reply::status(503, &body),
        Reply::status(404, &long),
        Reply::with(302, &format!("location: https://example.com/{TOKEN}\r\n"), &body),
        Reply::Close,
    ] {
        let server = Server::always(&sender.system, reply).await;
        let options = post(&server.url(&format!("/in/{PATH}?key={QUERY}")));
        let options = options.header("authorization", format!("Bearer {TOKEN}"));
        let webhook = WebhookOptions::new(options.clone(), WebhookSecret::new(SECRET).unwrap());
        let shown = format!("{options:?} {webhook:?}");
        let destinations =
            [Destination::http(options).unwrap(), Destination::webhook(webhook).unwrap()];
        let report = sender.dispatcher.dispatch(paid(), &destinations).await.unwrap();
        // Where it failed, the circuit is open now.
        let again = sender.dispatcher.dispatch(paid(), &destinations).await.unwrap();
        let reports = [report, again];
        let receipts = reports.iter().flat_map(Dispatched::receipts);
        let errors: Vec<_> = receipts.map(|receipt| failed(receipt).0).collect();
        let reported: Vec<_> = errors.iter().map(|error| error.report().to_string()).collect();
        let circuits = sender.dispatcher.circuits().statuses();
        let names = destinations.each_ref().map(|it| (it.name(), it.circuit()));
        let shown = format!("{shown} {destinations:?} {errors:?} {reported:?} {reports:?}");
        let shown = format!("{shown} {circuits:?} {names:?} {:?}", sender.dispatcher);
        assert_eq!(server.requests()[0].headers["authorization"], format!("Bearer {TOKEN}"));
        for secret in [SECRET, &TOKEN[..12], PATH, QUERY] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    for event in ["signals.dispatch_failed", "circuit.changed", "circuit.refused"] {
        assert!(!telemetry.about(event).is_empty(), "{event}");
    }
    for secret in [SECRET, TOKEN, PATH, QUERY] {
        assert!(telemetry.about(secret).is_empty(), "{:?}", telemetry.about(secret));
    }
    sender.stop().await;
}

#[test]
fn options_are_shown_without_what_is_secret_even_when_they_are_wrong() {
    for url in ["https://user:t0ken@example.com/", "nonsense t0ken", "https://example.com/t0ken"] {
        let options = HttpOptions::post(url).header("x-key", "t0ken");
        let shown = format!("{options:?} {:?}", Destination::http(options.clone()));
        assert!(!shown.contains("t0ken"), "{shown}");
    }
    let parsed = WebhookSecret::parse("whsec_t0ken").unwrap_err();
    assert!(!format!("{parsed:?}").contains("t0ken"));
}
