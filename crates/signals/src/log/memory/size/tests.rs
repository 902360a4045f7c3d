//! Sizes are about right, and found without much stack.

use serde_json::{Value, json};

use super::size;
use crate::signal::{Data, Draft, Signal};

fn of(with: impl FnOnce(Draft) -> Draft) -> u64 {
    let draft = Signal::new("order.7.shipped", "/shop").id("0198c0de-0000-7000-8000-000000000001");
    size(&with(draft).build().unwrap())
}

#[test]
fn a_signal_is_about_as_large_as_its_json() {
    for value in [
        json!(null),
        json!("a text of some length, as there are many"),
        json!({ "order": { "number": 1_234_567, "lines": [1, 2, 3], "paid": true } }),
        json!(vec![json!({ "name": "a name", "count": 123 }); 100]),
    ] {
        let attributes = json!({
            "specversion": "1.0", "id": "0198c0de-0000-7000-8000-000000000001",
            "type": "order.7.shipped", "source": "/shop", "time": "2026-01-01T00:00:00.123456Z",
            "datacontenttype": "application/json", "data": value,
        });
        let exact = u64::try_from(attributes.to_string().len()).unwrap();
        let about = of(|draft| draft.json(value.clone()));
        assert!(about * 2 > exact && about < exact * 2, "about {about}, exactly {exact}: {value}");
    }
}

#[test]
fn whatever_a_signal_says_counts() {
    let bare = of(|draft| draft);
    let kilobyte = "k".repeat(1000);
    let text: Box<str> = kilobyte.clone().into();
    assert!(of(|draft| draft.data(Data::Text(text))) >= bare + 1000);
    assert!(of(|draft| draft.bytes(vec![0; 999])) >= bare + 1332, "bytes are written as base64");
    assert!(of(|draft| draft.subject(kilobyte.clone())) >= bare + 1000);
    assert!(of(|draft| draft.schema(format!("s:{kilobyte}"))) >= bare + 1000);
    assert!(of(|draft| draft.content_type(format!("a/{kilobyte}"))) >= bare + 1000);
    assert!(of(|draft| draft.extension("tenant", kilobyte.as_str())) >= bare + 1000);
}

#[test]
fn json_that_is_very_deep_needs_no_stack() {
    let depth = 10_000;
    let deep = (0..depth).fold(Value::Null, |inside, _| Value::Array(vec![inside]));
    assert!(of(|draft| draft.json(deep)) >= 2 * depth);
}
