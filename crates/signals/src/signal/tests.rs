//! What a signal is made of, and every way in which it cannot be.

use bytes::Bytes;
use foundation::{Error, System};
use jiff::Timestamp;
use serde_json::json;

use super::{Attribute, Data, Draft, Id, MAX_EXTENSIONS, Signal};

fn draft() -> Draft {
    Signal::new("order.paid", "/shop").id("1")
}

fn refused(draft: Draft) -> Error {
    let error = draft.build().unwrap_err();
    assert_eq!(error.code(), "invalid_signal", "{error}");
    error
}

/// The attribute that is refused.
fn attribute(draft: Draft) -> String {
    refused(draft).details()["attribute"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn what_is_stamped_has_an_id_and_a_time_of_its_system() {
    let system = System::builder().start().await.unwrap();
    let signal = Signal::new("order.paid", "/shop").stamp(&system).unwrap();
    assert_eq!(signal.id().as_uuid().unwrap().get_version_num(), 7);
    assert!(signal.time().is_some());
    assert_eq!((signal.topic().as_str(), signal.source().as_str()), ("order.paid", "/shop"));
    assert!(signal.data().is_none());
    assert_eq!((signal.subject(), signal.schema(), signal.content_type()), (None, None, None));
    assert_eq!(signal.extensions().count(), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ids_of_one_system_only_rise() {
    let system = System::builder().start().await.unwrap();
    let mut last: Option<Id> = None;
    for _ in 0..10_000 {
        let id = Signal::new("a", "/").stamp(&system).unwrap().id().clone();
        assert!(last.as_ref() < Some(&id), "{last:?} {id}");
        last = Some(id);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_id_and_a_time_that_are_given_stay() {
    let system = System::builder().start().await.unwrap();
    let signal = draft().time(Timestamp::UNIX_EPOCH).stamp(&system).unwrap();
    assert_eq!(signal.id().to_string(), "1");
    assert_eq!(signal.time(), Some(Timestamp::UNIX_EPOCH));
    system.stop().await.unwrap();
}

#[test]
fn what_is_built_has_an_id_and_no_time_of_its_own() {
    assert_eq!(draft().build().unwrap().time(), None);
    assert_eq!(attribute(Signal::new("a", "/")), "id");
}

#[test]
fn what_is_not_as_it_must_be_is_refused_by_its_name() {
    let long = "a".repeat(4097);
    let shortened = format!("{}… (65 bytes)", &long[..64]);
    let cases: Vec<(Draft, &str)> = vec![
        (Signal::new("", "/shop").id("1"), "type"),
        (Signal::new("bad type!!", "/shop").id("1"), "type"),
        (Signal::new("a..b", "/shop").id("1"), "type"),
        (Signal::new("a", "").id("1"), "source"),
        (Signal::new("a", "the shop").id("1"), "source"),
        (Signal::new("a", "a".repeat(2049)).id("1"), "source"),
        (Signal::new("a", "/").id(""), "id"),
        (Signal::new("a", "/").id("a\nb"), "id"),
        (Signal::new("a", "/").id("a\u{fdd0}"), "id"),
        (Signal::new("a", "/").id("a".repeat(257)), "id"),
        (draft().subject(""), "subject"),
        (draft().subject("a\u{0}"), "subject"),
        (draft().subject("a\u{7f}"), "subject"),
        (draft().subject("a\u{9f}"), "subject"),
        (draft().subject("a\u{ffff}"), "subject"),
        (draft().subject("a\u{10fffe}"), "subject"),
        (draft().subject("a\u{fdef}"), "subject"),
        (draft().subject(&*long), "subject"),
        (draft().content_type(""), "datacontenttype"),
        (draft().content_type("json"), "datacontenttype"),
        (draft().content_type("text/plain\u{e9}"), "datacontenttype"),
        (draft().schema(""), "dataschema"),
        (draft().schema("/relative"), "dataschema"),
        (draft().schema("https://example.com/a b"), "dataschema"),
        (draft().time(Timestamp::MIN), "time"),
        (draft().extension("", "a"), ""),
        (draft().extension("Upper", "a"), "Upper"),
        (draft().extension("with_line", "a"), "with_line"),
        (draft().extension("a".repeat(65), "a"), &shortened),
        (draft().extension("data", "a"), "data"),
        (draft().extension("type", "a"), "type"),
        (draft().extension("specversion", "1.0"), "specversion"),
        (draft().extension("tenant", "a\tb"), "tenant"),
        (draft().extension("tenant", &*long), "tenant"),
        (draft().extension("correlationid", ""), "correlationid"),
        (draft().extension("causationid", 5), "causationid"),
        (draft().json(json!(1)).content_type("text/plain"), "datacontenttype"),
        (draft().bytes("{").content_type("application/json"), "data"),
        (draft().bytes("{\"a\":1,\"a\":2}").content_type("a/b+json"), "data"),
        (draft().serialize(&Unwritable), "data"),
    ];
    for (draft, name) in cases {
        let shown = format!("{draft:.200?}");
        assert_eq!(attribute(draft), name, "{shown}");
    }
}

/// A value that is not written as JSON: its key is no text.
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([((1, 2), 3)])
    }
}

#[test]
fn what_is_in_an_error_is_shortened() {
    let error = refused(Signal::new("a", "é ".repeat(500)).id("1"));
    let value = error.details()["value"].as_str().unwrap();
    assert!(value.len() < 100 && value.ends_with("… (1500 bytes)"), "{value}");
}

#[test]
fn the_first_that_was_wrong_is_told() {
    let draft = Signal::new("a", "/").id("").id("a\n").serialize(&Unwritable);
    assert_eq!(refused(draft).message(), "id: it is empty");
    let error = Signal::new("a", "/").serialize(&Unwritable).build().unwrap_err();
    assert_eq!(error.details()["attribute"], "data", "before the id that is missing");
}

#[test]
fn bounds_are_reached() {
    let mut draft =
        Signal::new("a", "a".repeat(2048)).id("é".repeat(128)).subject("a".repeat(4096));
    for number in 0..MAX_EXTENSIONS {
        draft = draft.extension(format!("e{number}"), true);
    }
    let signal = draft.clone().build().unwrap();
    assert_eq!(signal.extensions().count(), MAX_EXTENSIONS);
    assert_eq!(attribute(draft.extension("more", true)), "extensions");
    draft_with_name(64).build().unwrap();
}

fn draft_with_name(length: usize) -> Draft {
    draft().extension("a".repeat(length), i32::MIN).extension("empty", "")
}

#[test]
fn a_uuid_is_one_only_as_it_is_written_here() {
    let lower = "018f4e9c-7b5a-7c3d-8e2f-1a2b3c4d5e6f";
    let id = Id::try_from(lower).unwrap();
    assert_eq!((id.as_uuid().unwrap().to_string(), id.to_string()), (lower.into(), lower.into()));
    for text in [lower.to_uppercase(), lower.replace('-', ""), format!("{{{lower}}}"), "1".into()] {
        let id = Id::try_from(&*text).unwrap();
        assert_eq!((id.as_uuid(), id.to_string()), (None, text));
    }
}

#[test]
fn a_media_type_goes_without_saying() {
    for (draft, content_type) in [
        (draft(), None),
        (draft().json(json!(null)), Some("application/json")),
        (draft().bytes("a"), Some("application/octet-stream")),
        (draft().data(Data::Text("a".into())), Some("text/plain")),
        (draft().content_type("text/xml"), Some("text/xml")),
        (draft().json(json!(1)).content_type("a/b+json"), Some("a/b+json")),
    ] {
        assert_eq!(draft.build().unwrap().content_type(), content_type);
    }
    let said = draft().json(json!(1)).content_type("application/json").build().unwrap();
    assert_eq!(said, draft().json(json!(1)).build().unwrap());
}

#[test]
fn what_is_said_to_be_json_is_json() {
    for data in [Data::Text("[1]".into()), Bytes::from("[1]").into()] {
        let signal = draft().data(data).content_type("application/json").build().unwrap();
        assert_eq!(signal.data().as_json(), Some(&json!([1])));
    }
}

#[test]
fn what_has_no_length_is_nothing() {
    for data in [Data::Text("".into()), Bytes::new().into()] {
        assert!(draft().data(data.clone()).build().unwrap().data().is_none());
        let signal = draft().data(data).content_type("application/json").build().unwrap();
        assert!(signal.data().is_none());
    }
    assert!(!draft().json(json!("")).build().unwrap().data().is_none());
}

#[test]
fn a_text_and_its_bytes_are_equal_and_readable_both_ways() {
    let (text, bytes) = (Data::Text("é".into()), Data::Binary("é".into()));
    for (one, two) in [(&text, &bytes), (&bytes, &text), (&text, &text), (&bytes, &bytes)] {
        assert_eq!(one, two);
    }
    assert_eq!(text.as_text(), bytes.as_text());
    assert!(
        text != Data::Binary("e".into()) && text != Data::Json(json!("é")) && text != Data::None
    );
    assert_eq!(Data::Binary(Bytes::from_static(b"\xff")).as_text(), None);
    assert_eq!((text.as_bytes(), text.as_json()), (None, None));
    assert_eq!(bytes.as_bytes(), Some(&Bytes::from("é")));
}

#[test]
fn a_number_and_a_text_that_is_written_like_it_are_equal() {
    let attribute = |value: &str| Attribute::from(value);
    for (value, text) in [
        (Attribute::from(true), "true"),
        (false.into(), "false"),
        (5.into(), "5"),
        (0.into(), "0"),
        (i32::MIN.into(), "-2147483648"),
    ] {
        assert!(value == attribute(text) && attribute(text) == value, "{text}");
        assert_eq!(value.to_string(), text);
        assert_eq!(value.as_integer(), attribute(text).as_integer());
        assert_eq!(value.as_boolean(), attribute(text).as_boolean());
    }
    for (value, text) in [(Attribute::from(5), "05"), (5.into(), "+5"), (0.into(), "-0")] {
        assert!(value != attribute(text) && attribute(text) != value, "{text}");
    }
    assert!(Attribute::from(true) != Attribute::from(1) && attribute("a") != attribute("b"));
    assert!(Attribute::from(true) != attribute("True") && Attribute::from(5) != Attribute::from(6));
}

#[test]
fn signals_are_equal_when_every_attribute_is() {
    let draft = || draft().subject("7").schema("a:b").extension("tenant", "acme").json(json!([1]));
    let signal = draft().build().unwrap();
    assert!(signal == draft().build().unwrap() && !signal.is_same(&draft().build().unwrap()));
    assert!(signal.is_same(&signal.clone()));
    for other in [
        draft().id("2"),
        draft().time(Timestamp::UNIX_EPOCH),
        draft().subject("8"),
        draft().schema("a:c"),
        draft().content_type("a/b+json"),
        draft().extension("tenant", "other"),
        draft().extension("more", "acme"),
        draft().json(json!([2])),
        Signal::new("order.lost", "/shop").id("1"),
        Signal::new("order.paid", "/other").id("1"),
    ] {
        assert!(signal != other.build().unwrap());
    }
}

#[test]
fn a_draft_of_a_signal_makes_the_same_one_until_it_is_changed() {
    let signal = draft()
        .time(Timestamp::UNIX_EPOCH)
        .subject("7")
        .schema("https://example.com/schema#/paid")
        .extension("tenant", "acme")
        .json(json!({ "a": 1 }))
        .build()
        .unwrap();
    assert_eq!(signal.to_draft().build().unwrap(), signal);
    let other = signal.to_draft().id("2").subject("8").build().unwrap();
    assert_eq!((other.subject(), signal.subject()), (Some("8"), Some("7")));
    assert_eq!(other.extension("tenant"), Some(&"acme".into()));
}

#[test]
fn data_is_read_as_what_it_is() {
    let signal = draft().serialize(&(1, "a")).build().unwrap();
    assert_eq!(signal.read::<(u8, String)>().unwrap(), (1, "a".to_owned()));
    for (signal, is_caused) in [(signal, true), (draft().bytes("[1]").build().unwrap(), false)] {
        let error = signal.read::<u8>().unwrap_err();
        assert_eq!(
            (error.code(), &error.details()["attribute"]),
            ("invalid_signal", &"data".into())
        );
        assert_eq!(std::error::Error::source(&error).is_some(), is_caused);
    }
}

#[test]
fn what_is_large_is_not_shown() {
    let signal = draft().bytes(vec![7; 1 << 20]).extension("tenant", "acme").build().unwrap();
    let shown = format!("{signal:?}");
    assert!(shown.contains("1048576 bytes") && shown.contains("acme"), "{shown}");
    let signal = draft().data(Data::Text("a".repeat(1000).into())).build().unwrap();
    assert!(format!("{signal:?}").len() < 250, "{signal:?}");
}
