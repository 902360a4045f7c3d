//! How much is written and read.

use bytes::Bytes;
use serde_json::{Value, json};
use signals::codec::{Codec, Limits};
use signals::{Draft, MAX_EXTENSIONS, Signal};

use super::{BINARY, detail, headers};

fn draft() -> Draft {
    Signal::new("order.paid", "/shop").id("1")
}

/// Arrays and objects within each other, in turn.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |value, level| match level % 2 {
        0 => json!([value]),
        _ => json!({ "a": value }),
    })
}

#[track_caller]
fn assert_large<T: std::fmt::Debug>(result: foundation::Result<T>, field: &str, limit: usize) {
    let error = result.unwrap_err();
    let said = (error.code(), detail(&error, "field"), detail(&error, "limit"));
    assert_eq!(said, ("signal_too_large", &field.into(), &limit.into()));
}

#[test]
fn so_many_bytes_are_written_and_read_and_no_more() {
    let signal = draft().json(json!("a".repeat(1000))).build().unwrap();
    let json = Codec::default().encode_json(&signal).unwrap();
    let exact = Codec::new(Limits { bytes: json.len(), ..Limits::default() });
    assert_eq!(exact.decode_json(&exact.encode_json(&signal).unwrap()).unwrap(), signal);
    let bytes = json.len() - 1;
    let less = Codec::new(Limits { bytes, ..Limits::default() });
    assert_large(less.encode_json(&signal), "bytes", bytes);
    assert_large(less.decode_json(&json), "bytes", bytes);
    assert_large(less.encode_json_batch(std::slice::from_ref(&signal)), "bytes", bytes);
    let batch = Codec::default().encode_json_batch(&[signal]).unwrap();
    assert_large(less.decode_json_batch(&batch), "bytes", bytes);
    let header = headers(&[("content-type", "application/cloudevents+json")]);
    assert_large(less.decode(&header, json), "bytes", bytes);
}

#[test]
fn so_many_bytes_are_in_a_body_and_no_more() {
    let limits = Limits { bytes: 100, ..Limits::default() };
    let codec = Codec::new(limits);
    for (draft, fits) in [
        (draft().bytes(vec![7; 100]), true),
        (draft().bytes(vec![7; 101]), false),
        (draft().json(json!("a".repeat(98))), true),
        (draft().json(json!("a".repeat(99))), false),
    ] {
        let signal = draft.build().unwrap();
        let (headers, body) = Codec::default().encode_binary(&signal).unwrap();
        if fits {
            assert_eq!(codec.encode_binary(&signal).unwrap(), (headers.clone(), body.clone()));
            assert_eq!(codec.decode(&headers, body).unwrap().into_signals(), [signal]);
        } else {
            assert_large(codec.encode_binary(&signal), "bytes", 100);
            assert_large(codec.decode(&headers, body), "bytes", 100);
        }
    }
}

#[test]
fn ten_million_bytes_are_read_and_no_more() {
    assert_eq!(Limits::default().bytes, 10_000_000);
    let codec = Codec::default();
    assert_large(codec.decode_json(&vec![b' '; 10_000_001]), "bytes", 10_000_000);
    let error = codec.decode_json(&vec![b' '; 10_000_000]).unwrap_err();
    assert_eq!(error.code(), "unreadable_signal");
}

#[test]
fn so_deep_is_data_and_no_deeper() {
    for (asked, limit) in [(0, 0), (1, 1), (100, 100), (120, 120), (121, 120), (u8::MAX, 120)] {
        let codec = Codec::new(Limits { depth: asked, ..Limits::default() });
        let within = draft().json(nested(limit)).build().unwrap();
        let batch = vec![within.clone(), within.clone()];
        let json = codec.encode_json_batch(&batch).unwrap();
        assert_eq!(codec.decode_json_batch(&json).unwrap(), batch);
        let (headers, body) = codec.encode_binary(&within).unwrap();
        assert_eq!(codec.decode(&headers, body).unwrap().into_signals(), [within]);

        let deeper = draft().json(nested(limit + 1)).build().unwrap();
        for error in [
            codec.encode_json(&deeper).unwrap_err(),
            codec.encode_json_batch(std::slice::from_ref(&deeper)).unwrap_err(),
            codec.encode_binary(&deeper).unwrap_err(),
        ] {
            assert_eq!((error.code(), detail(&error, "limit")), ("signal_too_deep", &limit.into()));
        }
    }
}

#[test]
fn json_that_is_too_deep_is_told_with_its_place() {
    let codec = Codec::default();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [101, 129, 100_000] {
            let data = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let text = format!(
                r#"{{"specversion":"1.0","id":"1","source":"/shop","type":"a","data":{data}}}"#
            );
            let error = codec.decode_json(text.as_bytes()).unwrap_err();
            assert_eq!((error.code(), detail(&error, "limit")), ("signal_too_deep", &100.into()));
            assert!(detail(&error, "column").as_u64().unwrap() > 160);
            let error = codec.decode_json_batch(format!("[{text}]").as_bytes()).unwrap_err();
            assert_eq!((error.code(), detail(&error, "index")), ("signal_too_deep", &0.into()));
            let mut all = BINARY.to_vec();
            all.push(("content-type", "application/json"));
            let error = codec.decode(&headers(&all), data.into()).unwrap_err();
            assert_eq!(error.code(), "signal_too_deep");
        }
    }
    // What is no data is not looked into.
    let deep = "[".repeat(100_000);
    for name in ["tenant", "id", "jido_schema_version"] {
        let error = codec.decode_json(format!("{{\"{name}\":{deep}").as_bytes()).unwrap_err();
        assert_ne!(error.code(), "signal_too_deep", "{name}");
    }
}

#[test]
fn so_many_signals_are_in_a_batch_and_no_more() {
    let codec = Codec::new(Limits { batch: 3, ..Limits::default() });
    let signals = vec![draft().build().unwrap(); 4];
    let json = codec.encode_json_batch(&signals[..3]).unwrap();
    assert_eq!(codec.decode_json_batch(&json).unwrap(), signals[..3]);
    assert_large(codec.encode_json_batch(&signals), "batch", 3);
    let json = Codec::default().encode_json_batch(&signals).unwrap();
    assert_large(codec.decode_json_batch(&json), "batch", 3);
    assert_eq!(detail(&codec.decode_json_batch(&json).unwrap_err(), "index"), &Value::Null);
}

#[test]
fn so_many_extensions_are_read_and_no_more() {
    for value in ["1", "null"] {
        let members = |count| {
            let members = (0..count).map(|number| format!(",\"e{number}\":{value}"));
            members.collect::<String>()
        };
        let text = |count| {
            let members = members(count);
            format!(r#"{{"specversion":"1.0","id":"1","source":"/shop","type":"a"{members}}}"#)
        };
        let codec = Codec::default();
        codec.decode_json(text(MAX_EXTENSIONS).as_bytes()).unwrap();
        let error = codec.decode_json(text(MAX_EXTENSIONS + 2).as_bytes()).unwrap_err();
        assert_eq!(detail(&error, "attribute"), "extensions", "{value}");
        // What follows is not looked at.
        let error = codec.decode_json(text(100_000).as_bytes()).unwrap_err();
        assert!(detail(&error, "column").as_u64().unwrap() < 1000, "{value}");
    }
}

#[test]
fn attributes_have_the_same_bounds_everywhere() {
    for (name, most) in
        [("id", 256), ("source", 2048), ("type", 1024), ("subject", 4096), ("tenant", 4096)]
    {
        for (length, fits) in [(most, true), (most + 1, false)] {
            let mut all = json!({ "specversion": "1.0", "id": "1", "source": "/", "type": "a" });
            all[name] = "a".repeat(length).into();
            let read = Codec::default().decode_json(all.to_string().as_bytes());
            assert_eq!(read.is_ok(), fits, "{name} {length}");
            let header: Vec<_> = all
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (format!("ce-{name}"), value.as_str().unwrap().to_owned()))
                .collect();
            let header: Vec<_> = header.iter().map(|(name, value)| (&**name, &**value)).collect();
            let read = Codec::default().decode(&headers(&header), Bytes::new());
            assert_eq!(read.is_ok(), fits, "{name} {length}");
        }
    }
}
