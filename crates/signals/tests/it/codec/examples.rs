//! The events that the specification has as examples, written down anew.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use signals::codec::{Codec, Received};
use signals::{Data, Signal};

use super::{assert_same_in_every_form, headers};

/// The example of a format: what all of them have, and what one has of its own.
fn example(own: Value) -> Value {
    let mut all = json!({
        "specversion": "1.0",
        "type": "com.example.someevent",
        "source": "/mycontext",
        "time": "2018-04-05T17:31:00Z",
        "comexampleextension1": "value",
        "comexampleothervalue": 5,
    });
    let Value::Object(own) = own else { unreachable!("it is an object") };
    all.as_object_mut().unwrap().extend(own);
    all
}

fn read(json: &Value) -> Signal {
    Codec::default().decode_json(json.to_string().as_bytes()).unwrap()
}

/// That it is what all examples are, and is the same in every form.
#[track_caller]
fn assert_example(signal: &Signal, id: &str) {
    assert_eq!(signal.id().to_string(), id);
    assert_eq!(signal.topic().as_str(), "com.example.someevent");
    assert_eq!(signal.source().as_str(), "/mycontext");
    assert_eq!(signal.time(), Some("2018-04-05T17:31:00Z".parse().unwrap()));
    assert_eq!(signal.extension("comexampleextension1"), Some(&"value".into()));
    assert_eq!(signal.extension("comexampleothervalue"), Some(&5.into()));
    assert_eq!(signal.extensions().count(), 2);
    assert_eq!(signal.subject(), None);
    assert_same_in_every_form(signal);
}

/// What all examples are in binary mode.
fn message(id: &str, content_type: &str) -> http::HeaderMap {
    headers(&[
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.someevent"),
        ("ce-source", "/mycontext"),
        ("ce-id", id),
        ("ce-time", "2018-04-05T17:31:00Z"),
        ("ce-comexampleextension1", "value"),
        ("ce-comexampleothervalue", "5"),
        ("content-type", content_type),
    ])
}

/// That a signal in binary mode is that message.
#[track_caller]
fn assert_message(signal: &Signal, content_type: &str, body: impl Into<Bytes>) {
    let (codec, body) = (Codec::default(), body.into());
    let expected = message(&signal.id().to_string(), content_type);
    assert_eq!(codec.encode_binary(signal).unwrap(), (expected.clone(), body.clone()));
    assert_eq!(codec.decode(&expected, body).unwrap(), Received::Binary(signal.clone()));
}

#[test]
fn bytes() {
    let thrift = "application/vnd.apache.thrift.binary";
    let bytes = b"\x00\xffthrift".as_slice();
    let signal = read(&example(json!({
        "id": "A234-1234-1234",
        "datacontenttype": thrift,
        "data_base64": STANDARD.encode(bytes),
    })));
    assert_example(&signal, "A234-1234-1234");
    assert_eq!((signal.data(), signal.content_type()), (&Bytes::from(bytes).into(), Some(thrift)));
    assert_message(&signal, thrift, bytes);
}

#[test]
fn a_text_that_is_not_json() {
    let xml = r#"<much wow="xml"/>"#;
    let signal = read(&example(json!({
        "id": "B234-1234-1234",
        "unsetextension": null,
        "datacontenttype": "application/xml",
        "data": xml,
    })));
    assert_example(&signal, "B234-1234-1234");
    assert!(matches!(signal.data(), Data::Text(text) if **text == *xml));
    assert_message(&signal, "application/xml", xml);
}

#[test]
fn an_object() {
    let data = json!({ "appinfoA": "abc", "appinfoB": 123, "appinfoC": true });
    let signal = read(&example(json!({
        "id": "C234-1234-1234",
        "subject": null,
        "datacontenttype": "application/json",
        "data": data,
    })));
    assert_example(&signal, "C234-1234-1234");
    assert_eq!(signal.data().as_json(), Some(&data));
    assert_message(&signal, "application/json", data.to_string());
}

#[test]
fn a_text_that_is_json_without_saying_so() {
    let signal = read(&example(json!({
        "id": "D234-1234-1234",
        "subject": null,
        "data": "I'm just a string",
    })));
    assert_example(&signal, "D234-1234-1234");
    assert_eq!(signal.data().as_json(), Some(&json!("I'm just a string")));
    assert_message(&signal, "application/json", "\"I'm just a string\"");
}

#[test]
fn a_batch_and_an_empty_one() {
    let all = json!([
        example(json!({
            "source": "/mycontext/4",
            "id": "B234-1234-1234",
            "datacontenttype": "application/vnd.apache.thrift.binary",
            "data_base64": "AP8=",
        })),
        example(json!({
            "type": "com.example.someotherevent",
            "source": "/mycontext/9",
            "id": "C234-1234-1234",
            "time": "2018-04-05T17:31:05Z",
            "datacontenttype": "application/json",
            "data": { "appinfoA": "abc", "appinfoB": 123, "appinfoC": true },
        })),
    ]);
    let codec = Codec::default();
    let header = headers(&[("content-type", "application/cloudevents-batch+json; charset=UTF-8")]);
    let Received::Batch(signals) = codec.decode(&header, all.to_string().into()).unwrap() else {
        panic!("it is a batch");
    };
    assert_eq!(signals[0].data().as_bytes(), Some(&Bytes::from_static(b"\0\xff")));
    assert_eq!(signals[1].topic().as_str(), "com.example.someotherevent");
    assert_eq!(
        codec.decode_json_batch(&codec.encode_json_batch(&signals).unwrap()).unwrap(),
        signals
    );

    assert_eq!(codec.encode_json_batch(&[]).unwrap(), "[]");
    let received = codec.decode(&header, Bytes::from_static(b"[]")).unwrap();
    assert_eq!(received, Received::Batch(vec![]));
}

#[test]
fn the_example_of_the_specification_itself() {
    let signal = read(&json!({
        "specversion": "1.0",
        "type": "com.github.pull_request.opened",
        "source": "https://github.com/cloudevents/spec/pull",
        "subject": "123",
        "id": "A234-1234-1234",
        "time": "2018-04-05T17:31:00Z",
        "comexampleextension1": "value",
        "comexampleothervalue": 5,
        "datacontenttype": "text/xml",
        "data": "<much wow=\"xml\"/>",
    }));
    assert_eq!((signal.subject(), signal.topic().segments().count()), (Some("123"), 4));
    assert_same_in_every_form(&signal);
}

#[test]
fn the_messages_of_the_http_binding() {
    let codec = Codec::default();
    let header = headers(&[
        ("Host", "webhook.example.com"),
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.someevent"),
        ("ce-time", "2018-04-05T03:56:24Z"),
        ("ce-id", "1234-1234-1234"),
        ("ce-source", "/mycontext/subcontext"),
        ("Content-Type", "application/json; charset=utf-8"),
    ]);
    let Received::Binary(signal) = codec.decode(&header, "{\"a\": 1}".into()).unwrap() else {
        panic!("it is binary");
    };
    assert_eq!(signal.data().as_json(), Some(&json!({ "a": 1 })));
    assert_eq!(signal.content_type(), Some("application/json; charset=utf-8"));
    assert_same_in_every_form(&signal);

    let header = headers(&[("Content-Type", "application/cloudevents+json; charset=utf-8")]);
    let json = codec.encode_json(&signal).unwrap();
    assert_eq!(codec.decode(&header, json).unwrap(), Received::Structured(signal));
}

#[test]
fn the_example_of_distributed_tracing() {
    let header = headers(&[
        ("ce-id", "1"),
        ("ce-specversion", "1.0"),
        ("ce-type", "example"),
        ("ce-source", "http://localhost"),
        ("ce-traceparent", " 00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ]);
    let received = Codec::default().decode(&header, Bytes::new()).unwrap();
    let signal = received.into_signals().remove(0);
    assert_eq!(signal.trace().unwrap().span_id().get(), 0xb9c7_c989_f979_18e1);
    assert!(signal.data().is_none());
    assert_same_in_every_form(&signal);
}

#[test]
fn the_example_of_correlation() {
    let signal = read(&json!({
        "specversion": "1.0",
        "type": "com.example.payment.processed",
        "source": "https://example.com/payments",
        "id": "payment-789",
        "correlationid": "txn-abc-123",
        "causationid": "order-123",
        "data": { "amount": 150.0, "currency": "USD" },
    }));
    assert_eq!(signal.correlation_id(), Some("txn-abc-123"));
    assert_eq!(signal.causation_id(), Some("order-123"));
    assert_same_in_every_form(&signal);
}

#[test]
fn sources_and_types_of_the_specification() {
    for source in [
        "https://github.com/cloudevents",
        "mailto:cncf-wg-serverless@lists.cncf.io",
        "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
        "/cloudevents/spec/pull/123",
        "/sensors/tn-1234567/alerts",
        "1-555-123-4567",
    ] {
        for topic in ["com.github.pull_request.opened", "com.example.object.deleted.v2"] {
            let signal = Signal::new(topic, source).id("1").build().unwrap();
            assert_same_in_every_form(&signal);
        }
    }
}
