//! Random signals.

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use serde_json::Value;
use signals::{Attribute, Data, Signal};

/// A random signal that can be sent in every form.
pub(super) fn signal() -> impl Strategy<Value = Signal> {
    let required = (id(), "[A-Za-z0-9_-]{1,8}(\\.[A-Za-z0-9_-]{1,8}){0,3}", source());
    let optional = (of(time()), of(text(1)), of(Just("https://example.com/schema?a#b")));
    // No attribute of the specification begins so.
    let extensions = btree_map("x[a-z0-9]{0,19}", attribute(), 0..6);
    (required, optional, data(), extensions).prop_map(
        |((id, topic, source), (time, subject, schema), (content_type, data), extensions)| {
            let mut draft = Signal::new(topic, source).id(id).data(data);
            draft = match time {
                Some(time) => draft.time(time),
                None => draft,
            };
            if let Some(subject) = subject {
                draft = draft.subject(subject);
            }
            if let Some(schema) = schema {
                draft = draft.schema(schema);
            }
            if let Some(content_type) = content_type {
                draft = draft.content_type(content_type);
            }
            for (name, value) in extensions {
                draft = draft.extension(name, value);
            }
            draft.build().unwrap()
        },
    )
}

fn id() -> impl Strategy<Value = String> {
    let uuid = any::<u128>().prop_map(|number| uuid::Uuid::from_u128(number).to_string());
    prop_oneof![uuid, text(1).prop_filter("it is too long", |text| text.len() <= 256)]
}

fn source() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "/",
        "/shop",
        "https://a.b:1/c%20d?e=%22#f",
        "urn:a:b",
        "1-2",
        "'",
    ])
}

/// A text that may be in an attribute, and often has what is odd in headers.
fn text(least: usize) -> impl Strategy<Value = String> {
    let odd =
        proptest::sample::select(vec![' ', '"', '%', '\\', ',', ';', '\u{a0}', '😀', '\u{200b}']);
    let any = any::<char>().prop_filter("no attribute has it", |c| {
        !c.is_control()
            && u32::from(*c) & 0xFFFE != 0xFFFE
            && !('\u{fdd0}'..='\u{fdef}').contains(c)
    });
    vec(prop_oneof![odd, any, proptest::char::range('!', '~')], least..40)
        .prop_map(String::from_iter)
}

fn attribute() -> impl Strategy<Value = Attribute> {
    prop_oneof![
        any::<bool>().prop_map(Attribute::from),
        any::<i32>().prop_map(Attribute::from),
        text(0).prop_map(Attribute::from),
        proptest::sample::select(vec!["true", "5", "-0", "05", "null", "\"5\""])
            .prop_map(Attribute::from),
    ]
}

fn time() -> impl Strategy<Value = Timestamp> {
    let seconds = -62_167_219_200_i64..=253_402_207_200;
    (seconds, 0..1_000_000_000_i32).prop_map(|(second, nanosecond)| {
        Timestamp::new(second, if second < 0 { 0 } else { nanosecond }).unwrap()
    })
}

fn data() -> impl Strategy<Value = (Option<&'static str>, Data)> {
    let media_type = |all: &'static [&'static str]| of(proptest::sample::select(all));
    let json = media_type(&["application/json", "a/b+json; charset=utf-8"]);
    let other = media_type(&["text/plain", "text/xml; charset=\"utf-8\"", "image/svg+xml", "a/b"]);
    let other = move || other.clone();
    prop_oneof![
        (other(), Just(Data::None)),
        (json, value().prop_map(Data::Json)),
        (other(), any::<String>().prop_map(|text| Data::Text(text.into()))),
        (other(), vec(any::<u8>(), 0..50).prop_map(|bytes| Data::Binary(bytes.into()))),
        (other(), any::<String>().prop_map(|text| Data::Binary(text.into()))),
    ]
}

/// JSON of any kind.
pub(super) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6)
                .prop_map(|values| Value::Object(values.into_iter().collect())),
        ]
    })
}
