//! Signals that say a value of a type of Rust.

use foundation::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signals::{Extensions, Signal, SignalData};

const SCHEMA: &str = "https://example.com/schemas/paid/1";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Paid {
    amount: i64,
}

impl SignalData for Paid {
    const TOPIC: &'static str = "order.paid";
    const SCHEMA: Option<&'static str> = Some(SCHEMA);
    const EXTENSIONS: &'static Extensions =
        &Extensions { required: &["tenant"], forbidden: &["dryrun"] };

    fn check(&self) -> Result<()> {
        if self.amount < 0 { Err(Error::validation("negative_amount")) } else { Ok(()) }
    }
}

#[derive(Serialize, Deserialize)]
struct Misnamed(u8);

impl SignalData for Misnamed {
    const TOPIC: &'static str = "bad type!!";
}

fn paid(amount: i64) -> signals::Draft {
    Signal::of(&Paid { amount }, "/shop").id("1").extension("tenant", "acme")
}

#[test]
fn a_value_is_sent_and_read() {
    let signal = paid(5).build().unwrap();
    assert_eq!((signal.topic().as_str(), signal.schema()), ("order.paid", Some(SCHEMA)));
    assert_eq!(signal.data().as_json(), Some(&json!({ "amount": 5 })));
    assert_eq!(signal.read_as::<Paid>().unwrap(), Paid { amount: 5 });
}

#[test]
fn what_is_wrong_with_a_value_is_told_when_it_is_stamped_and_when_it_is_read() {
    assert_eq!(paid(-5).build().unwrap_err().code(), "negative_amount");
    let sent = Signal::new("order.paid", "/shop").id("1").extension("tenant", "acme");
    let signal = sent.json(json!({ "amount": -5 })).build().unwrap();
    assert_eq!(signal.read_as::<Paid>().unwrap_err().code(), "negative_amount");
    let error = Signal::of(&Misnamed(1), "/shop").id("1").build().unwrap_err();
    assert_eq!(error.details()["attribute"], "type");
}

#[test]
fn extensions_are_as_the_type_has_them() {
    let without = Signal::of(&Paid { amount: 5 }, "/shop").id("1").build().unwrap_err();
    let with = paid(5).extension("dryrun", true).build().unwrap_err();
    for (error, name) in [(without, "tenant"), (with, "dryrun")] {
        assert_eq!(error.code(), "invalid_signal");
        assert_eq!(error.details()["attribute"], name);
    }
    let plain = || Signal::new("order.paid", "/shop").id("1").json(json!({ "amount": 5 }));
    let error = plain().build().unwrap().read_as::<Paid>().unwrap_err();
    assert_eq!((error.code(), &error.details()["attribute"]), ("invalid_signal", &"tenant".into()));
    let both = plain().extension("tenant", "acme").extension("dryrun", true).build().unwrap();
    assert_eq!(both.read_as::<Paid>().unwrap_err().details()["attribute"], "dryrun");
}

#[test]
fn another_type_or_schema_is_a_mismatch() {
    let other_type = Signal::new("order.lost", "/shop").id("1").build().unwrap();
    let other_schema = paid(5).schema("https://example.com/schemas/paid/2").build().unwrap();
    for (signal, attribute, found) in [
        (other_type, "type", "order.lost"),
        (other_schema, "dataschema", "https://example.com/schemas/paid/2"),
    ] {
        let error = signal.read_as::<Paid>().unwrap_err();
        assert_eq!(error.code(), "signal_mismatch");
        assert_eq!(error.details()["attribute"], attribute);
        assert_eq!(error.details()["found"], found);
    }
}

#[test]
fn a_signal_that_names_no_schema_is_read() {
    let plain = Signal::new("order.paid", "/shop").id("1").extension("tenant", "acme");
    let signal = plain.json(json!({ "amount": 5 })).build().unwrap();
    assert_eq!(signal.read_as::<Paid>().unwrap(), Paid { amount: 5 });
}

#[test]
fn data_of_another_shape_is_refused() {
    for data in [json!({}), json!({ "amount": "5" }), json!({ "amount": 5, "more": 1 }), json!(5)] {
        let sent = Signal::new("order.paid", "/shop").id("1").extension("tenant", "acme");
        let error = sent.json(data).build().unwrap().read_as::<Paid>().unwrap_err();
        assert_eq!(
            (error.code(), &error.details()["attribute"]),
            ("invalid_signal", &"data".into())
        );
    }
}
