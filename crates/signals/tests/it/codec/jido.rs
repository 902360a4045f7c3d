//! What Jido takes and refuses, and what is taken and refused here.

use serde_json::{Value, json};
use signals::Signal;
use signals::codec::Codec;

use super::{assert_same_in_every_form, detail};

/// A document as Jido writes them, with these members in place of its own.
fn document(members: Value) -> Value {
    let mut all = json!({
        "specversion": "1.0.2",
        "id": "018f4e9c-7b5a-7c3d-8e2f-1a2b3c4d5e6f",
        "source": "/s",
        "type": "a.b",
        "time": "2026-01-02T03:04:05.678901Z",
        "datacontenttype": "application/json",
        "data": { "x": 1 },
        "jido_schema_version": 1,
    });
    let Value::Object(members) = members else { unreachable!("it is an object") };
    all.as_object_mut().unwrap().extend(members);
    all
}

fn read(members: Value) -> foundation::Result<Signal> {
    Codec::default().decode_json(document(members).to_string().as_bytes())
}

#[test]
fn what_jido_writes_is_read_and_written_as_cloudevents_has_it() {
    let signal = read(json!({})).unwrap();
    assert_eq!(signal.id().as_uuid().unwrap().get_version_num(), 7);
    assert_eq!(signal.extensions().count(), 0);
    let written = Codec::default().encode_json(&signal).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["specversion"], "1.0");
    assert_eq!(written.get("jido_schema_version"), None);
    assert_same_in_every_form(&signal);
}

#[test]
fn what_jido_refuses_and_cloudevents_has_is_read() {
    for members in [
        json!({ "specversion": "1.0" }),
        json!({ "data": "" }),
        json!({ "data": [1, 2] }),
        json!({ "data": null }),
        json!({ "datacontenttype": "text/plain", "data": "" }),
        json!({ "datacontenttype": "text/plain", "data": "a" }),
    ] {
        assert_same_in_every_form(&read(members).unwrap());
    }
}

#[test]
fn what_jido_takes_and_is_no_signal_is_refused() {
    for (name, value) in
        [("id", Value::Null), ("time", json!("not-a-time")), ("type", json!("bad type!!"))]
    {
        let error = read(json!({ name: value })).unwrap_err();
        assert_eq!((error.code(), detail(&error, "attribute")), ("invalid_signal", &name.into()));
    }
}

#[test]
fn what_jido_refuses_as_missing_or_empty_is_refused() {
    for name in ["specversion", "type", "source"] {
        assert_eq!(detail(&read(json!({ name: null })).unwrap_err(), "attribute"), name);
    }
    let names = ["id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];
    for name in names {
        assert_eq!(detail(&read(json!({ name: "" })).unwrap_err(), "attribute"), name);
    }
}
