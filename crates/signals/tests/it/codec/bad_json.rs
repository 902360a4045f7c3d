//! JSON that is no signal: each in its own way, and told where.

use serde_json::{Value, json};
use signals::codec::Codec;

use super::{detail, refused};

/// A signal as JSON, with these members in place of its own; `null` takes one away.
fn with(members: Value) -> String {
    let mut all =
        json!({ "specversion": "1.0", "id": "1", "source": "/shop", "type": "order.paid" });
    let Value::Object(members) = members else { unreachable!("it is an object") };
    all.as_object_mut().unwrap().extend(members);
    all.to_string()
}

/// A signal as JSON, with this at its end.
fn and(text: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"1","source":"/shop","type":"order.paid",{text}}}"#)
}

#[test]
fn an_attribute_that_cannot_be_is_told_by_its_name() {
    let mut cases: Vec<(Value, &str)> = vec![
        (json!({ "specversion": "0.3" }), "specversion"),
        (json!({ "specversion": "1" }), "specversion"),
        (json!({ "specversion": "" }), "specversion"),
        (json!({ "specversion": 1.0 }), "specversion"),
        (json!({ "specversion": true }), "specversion"),
        (json!({ "type": "bad type!!" }), "type"),
        (json!({ "source": "the shop" }), "source"),
        (json!({ "time": "not-a-time" }), "time"),
        (json!({ "time": "9999-12-31T23:59:59Z" }), "time"),
        (json!({ "time": 1_522_949_460 }), "time"),
        (json!({ "subject": "a\nb" }), "subject"),
        (json!({ "datacontenttype": "json" }), "datacontenttype"),
        (json!({ "dataschema": "relative" }), "dataschema"),
        (json!({ "tenant": [] }), "tenant"),
        (json!({ "tenant": {} }), "tenant"),
        (json!({ "tenant": 1.5 }), "tenant"),
        (json!({ "tenant": 5.0 }), "tenant"),
        (json!({ "tenant": 2_147_483_648_u32 }), "tenant"),
        (json!({ "tenant": -2_147_483_649_i64 }), "tenant"),
        (json!({ "tenant": u64::MAX }), "tenant"),
        (json!({ "tenant": "a\u{0}" }), "tenant"),
        (json!({ "tenant": "\u{ffff}" }), "tenant"),
        (json!({ "Tenant": "a" }), "Tenant"),
        (json!({ "Tenant": null }), "Tenant"),
        (json!({ "the_tenant": "a" }), "the_tenant"),
        (json!({ "": "a" }), ""),
        (json!({ "correlationid": "" }), "correlationid"),
        (json!({ "data": 1, "data_base64": "AA==" }), "data"),
        (json!({ "data": null, "data_base64": "AA==" }), "data"),
        (json!({ "datacontenttype": "text/xml", "data": {} }), "data"),
        (json!({ "datacontenttype": "text/xml", "data": 1 }), "data"),
        (json!({ "datacontenttype": "application/json", "data_base64": "ew==" }), "data"),
    ];
    for name in ["specversion", "id", "source", "type"] {
        cases.push((json!({ name: null }), name));
        cases.push((json!({ name: "" }), name));
    }
    for name in ["id", "source", "type", "time", "subject", "datacontenttype", "dataschema"] {
        cases.extend(
            [json!(1), json!(false), json!([]), json!({})].map(|it| (json!({ name: it }), name)),
        );
    }
    for name in ["subject", "time", "datacontenttype", "dataschema"] {
        cases.push((json!({ name: "" }), name));
    }
    for (members, name) in cases {
        let text = with(members);
        let error = refused(&text);
        assert_eq!(
            (error.code(), detail(&error, "attribute")),
            ("invalid_signal", &name.into()),
            "{text}"
        );
        assert_eq!(detail(&error, "line"), 1, "{text}");
    }
}

#[test]
fn bytes_that_are_not_in_base64_are_refused() {
    let texts = ["A", "AA", "A A=", "AB==", "_w=="].map(Value::from);
    let others = [json!(1), json!(-1), json!(1.5), json!(true), json!([]), json!({})];
    for base64 in texts.into_iter().chain(others) {
        let error = refused(with(json!({ "data_base64": base64 })));
        assert_eq!(error.code(), "invalid_signal");
        assert_eq!(detail(&error, "attribute"), "data_base64", "{base64}");
    }
}

#[test]
fn what_is_missing_is_told_by_its_name() {
    for name in ["specversion", "id", "source", "type"] {
        let mut all: Value = serde_json::from_str(&with(json!({}))).unwrap();
        all.as_object_mut().unwrap().remove(name);
        let error = refused(all.to_string());
        assert_eq!((error.code(), detail(&error, "attribute")), ("invalid_signal", &name.into()));
        assert!(error.message().contains("missing"), "{error}");
    }
    assert_eq!(detail(&refused("{}"), "attribute"), "specversion");
}

#[test]
fn an_attribute_that_is_there_twice_is_refused() {
    for name in ["specversion", "id", "source", "type"] {
        for again in ["\"1.0\"", "\"a\"", "null"] {
            let text = and(&format!("\"{name}\":{again}"));
            assert_eq!(detail(&refused(&text), "attribute"), name, "{text}");
            let first = format!("{{\"{name}\":{again},{}", &and("\"a\":1")[1..]);
            assert_eq!(detail(&refused(&first), "attribute"), name, "{first}");
        }
    }
    for (text, name) in [
        (r#""tenant":1,"tenant":2"#, "tenant"),
        (r#""tenant":1,"tenant":null"#, "tenant"),
        (r#""tenant":null,"tenant":1"#, "tenant"),
        (r#""tenant":null,"tenant":null"#, "tenant"),
        (r#""tenant":1,"\u0074enant":2"#, "tenant"),
        (r#""time":null,"time":"2018-04-05T17:31:00Z""#, "time"),
        (r#""time":"2018-04-05T17:31:00Z","time":null"#, "time"),
        (r#""subject":"a","subject":"a""#, "subject"),
        (r#""subject":"a","subject":null"#, "subject"),
        (r#""dataschema":"a:b","dataschema":"a:b""#, "dataschema"),
        (r#""dataschema":"a:b","dataschema":null"#, "dataschema"),
        (r#""datacontenttype":"a/b","datacontenttype":"a/b""#, "datacontenttype"),
        (r#""datacontenttype":"a/b","datacontenttype":null"#, "datacontenttype"),
        (r#""data":1,"data":1"#, "data"),
        (r#""data_base64":"AA==","data_base64":"AA==""#, "data_base64"),
        (r#""data_base64":"AA==","data_base64":null"#, "data_base64"),
        (r#""data_base64":null,"data_base64":"AA==""#, "data_base64"),
    ] {
        assert_eq!(detail(&refused(and(text)), "attribute"), name, "{text}");
    }
}

#[test]
fn a_key_of_the_data_that_is_there_twice_is_refused() {
    let error = refused(and("\n\"data\":{\"a\":[{\"key\":1,\"key\":1}]}"));
    assert_eq!(
        (error.code(), detail(&error, "reason")),
        ("unreadable_signal", &"duplicate_key".into())
    );
    assert_eq!((detail(&error, "key"), detail(&error, "line")), (&"key".into(), &2.into()));
}

#[test]
fn what_is_not_json_is_told_with_its_place() {
    for (text, reason, line, column) in [
        ("{", "truncated", 1, 1),
        ("{\"id\":\"1\"", "truncated", 1, 9),
        ("{\n\"id\": x}", "syntax", 2, 7),
        ("{\"id\":\"1\",}", "syntax", 1, 11),
        ("{\"id\":\"\\ud800\"}", "syntax", 1, 14),
        ("{\"id\":\"a\nb\"}", "syntax", 2, 0),
        ("{'id':1}", "syntax", 1, 2),
        ("\u{feff}{}", "syntax", 1, 1),
        ("{\"a\":01}", "syntax", 1, 7),
        ("{\"data\":1e999}", "syntax", 1, 13),
        ("{\"a\":NaN}", "syntax", 1, 6),
        ("nul", "truncated", 1, 3),
        (" ", "truncated", 1, 1),
    ] {
        let error = refused(text);
        assert_eq!(error.code(), "unreadable_signal", "{text}");
        let place = (detail(&error, "reason"), detail(&error, "line"), detail(&error, "column"));
        assert_eq!(place, (&reason.into(), &line.into(), &column.into()), "{text} {error}");
    }
    let after = refused(format!("{} 1", with(json!({}))));
    assert_eq!(detail(&after, "reason"), "syntax");
}

#[test]
fn what_is_cut_off_anywhere_is_refused() {
    let text = with(json!({ "tenant": 5, "data": { "a": [1, "b", null, true] } }));
    for end in 1..text.len() {
        let error = refused(&text[..end]);
        assert_eq!(detail(&error, "reason"), "truncated", "{}", &text[..end]);
    }
}

#[test]
fn other_json_than_a_signal_is_refused_without_being_quoted() {
    let long = format!("\"{}\"", "a".repeat(100_000));
    for text in ["[]", "1", "null", "true", "1.5", "\"a\"", &long] {
        let error = refused(text);
        assert_eq!(
            (error.code(), detail(&error, "reason")),
            ("unreadable_signal", &"shape".into())
        );
        assert!(error.report().to_string().len() < 500, "{error}");
    }
    let error = Codec::default().decode_json_batch(b"{}").unwrap_err();
    assert_eq!(detail(&error, "reason"), "shape");
}

#[test]
fn nothing_and_what_is_not_utf8_are_told_apart() {
    assert_eq!(detail(&refused(""), "reason"), "empty");
    let mut bytes = and("\"subject\":\"a").into_bytes();
    let position = bytes.len();
    bytes.extend(b"\xff\"}");
    let error = refused(bytes);
    assert_eq!(
        (detail(&error, "reason"), detail(&error, "position")),
        (&"encoding".into(), &position.into())
    );
}

#[test]
fn the_signal_of_a_batch_that_cannot_be_is_told_by_its_index() {
    let (codec, good) = (Codec::default(), with(json!({})));
    for (text, code, index) in [
        (format!("[{good},{},{good}]", with(json!({ "type": "" }))), "invalid_signal", 1),
        (format!("[{good},{good},3]"), "unreadable_signal", 2),
        (format!("[{good},{good}"), "unreadable_signal", 2),
        ("[".to_owned(), "unreadable_signal", 0),
        (format!("[{good},[{good}]]"), "unreadable_signal", 1),
        (format!("[null,{good}]"), "unreadable_signal", 0),
    ] {
        let error = codec.decode_json_batch(text.as_bytes()).unwrap_err();
        assert_eq!((error.code(), detail(&error, "index")), (code, &index.into()), "{text}");
    }
    let after = codec.decode_json_batch(format!("[{good}]]").as_bytes()).unwrap_err();
    assert_eq!(
        (detail(&after, "reason"), detail(&after, "index")),
        (&"syntax".into(), &Value::Null)
    );
}

#[test]
fn what_is_null_is_not_there() {
    let names = ["time", "subject", "datacontenttype", "dataschema", "tenant", "data_base64"];
    let nulls: serde_json::Map<_, _> =
        names.into_iter().map(|it| (it.to_owned(), Value::Null)).collect();
    let codec = Codec::default();
    let signal = codec.decode_json(with(nulls.into()).as_bytes()).unwrap();
    assert_eq!(signal, codec.decode_json(with(json!({})).as_bytes()).unwrap());
    let xml = with(json!({ "datacontenttype": "text/xml", "data": null }));
    assert!(codec.decode_json(xml.as_bytes()).unwrap().data().is_none());
    // As JSON, null is something.
    let signal = codec.decode_json(with(json!({ "data": null })).as_bytes()).unwrap();
    assert_eq!(signal.data().as_json(), Some(&Value::Null));
}

#[test]
fn names_and_texts_may_be_escaped() {
    let text = and(r#""\u0073ubject":"\u00e9\ud83d\ude00","d\u0061ta":"\/\u0000""#);
    let signal = Codec::default().decode_json(text.as_bytes()).unwrap();
    assert_eq!(signal.subject(), Some("é😀"));
    assert_eq!(signal.data().as_json(), Some(&json!("/\u{0}")));
}

#[test]
fn bytes_that_are_said_to_be_json_are_json_and_others_are_bytes() {
    let codec = Codec::default();
    let read = |members| codec.decode_json(with(members).as_bytes()).unwrap();
    let json = read(json!({ "datacontenttype": "application/json", "data_base64": "WzFd" }));
    assert_eq!(json.data().as_json(), Some(&json!([1])));
    let bytes = read(json!({ "data_base64": "WzFd" }));
    assert_eq!(bytes.data().as_bytes().unwrap(), "[1]");
}
