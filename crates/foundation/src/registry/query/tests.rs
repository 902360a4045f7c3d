//! Every operator on every kind of attribute, what is missing, and what is refused.

use serde_json::{Value, json};

use super::{Operator, Query};

const ALL: [Operator; 8] = [
    Operator::Eq,
    Operator::Neq,
    Operator::Gt,
    Operator::Lt,
    Operator::Gte,
    Operator::Lte,
    Operator::In,
    Operator::NotIn,
];

/// Whether each operator holds of `attribute`, in the order of [`ALL`]; `x` where it is refused.
fn holds(attribute: &Value, value: &Value) -> String {
    let metadata = json!({ "a": attribute });
    let answer = |operator| {
        let query = Query::new().and("a", operator, value.clone());
        match query.validate() {
            Ok(()) if query.matches(&metadata) => '1',
            Ok(()) => '0',
            Err(_) => {
                assert!(!query.matches(&metadata));
                'x'
            }
        }
    };
    ALL.into_iter().map(answer).collect()
}

#[test]
fn every_operator_means_the_same_of_every_kind_of_value() {
    // eq neq gt lt gte lte in not_in
    let table = [
        (json!(2), json!(2), "100011xx"),
        (json!(2), json!(2.0), "100011xx"),
        (json!(3), json!(2), "011010xx"),
        (json!(-1), json!(2), "010101xx"),
        (json!(0.5), json!(0.25), "011010xx"),
        (json!(u64::MAX), json!(u64::MAX - 1), "011010xx"),
        (json!(u64::MAX), json!(-1), "011010xx"),
        (json!("b"), json!("a"), "011010xx"),
        (json!("a"), json!("a"), "100011xx"),
        // Of different kinds: not the same, and in no order.
        (json!("2"), json!(2), "010000xx"),
        (json!(null), json!(2), "010000xx"),
        (json!(true), json!(2), "010000xx"),
        (json!({}), json!("a"), "010000xx"),
        // What has no order is refused where one is asked for.
        (json!(true), json!(true), "10xxxxxx"),
        (json!(null), json!(null), "10xxxxxx"),
        (json!({ "b": [1] }), json!({ "b": [1.0] }), "10xxxxxx"),
        (json!({ "b": 1 }), json!({ "b": 1, "c": 2 }), "01xxxxxx"),
        // A list has what is in it.
        (json!(["r", "s"]), json!("s"), "100000xx"),
        (json!(["r", "s"]), json!("t"), "010000xx"),
        (json!([]), json!("t"), "010000xx"),
        (json!(["r", "s"]), json!(["r", "s"]), "10xxxx10"),
        (json!(["r", "s"]), json!(["s", "t"]), "01xxxx10"),
        (json!(["r", "s"]), json!(["t"]), "01xxxx01"),
        (json!(["r", "s"]), json!([["r", "s"]]), "01xxxx10"),
        (json!("s"), json!(["s", "t"]), "01xxxx10"),
        (json!("r"), json!(["s", "t"]), "01xxxx01"),
        (json!(1), json!([1.0]), "01xxxx10"),
        (json!("s"), json!([]), "01xxxx01"),
    ];
    for (attribute, value, expected) in table {
        assert_eq!(holds(&attribute, &value), expected, "{attribute} against {value}");
    }
}

#[test]
fn an_attribute_that_is_missing_satisfies_nothing() {
    let all =
        [json!({}), json!({ "b": 1 }), json!(null), json!([1]), json!("a"), json!({ "a": 1 })];
    for metadata in all {
        for operator in ALL {
            for value in [json!(null), json!(0), json!(""), json!([]), json!([null])] {
                let query = Query::new().and("a.b", operator, value.clone());
                assert!(!query.matches(&metadata), "{metadata} {operator:?} {value}");
            }
        }
    }
}

#[test]
fn all_criteria_have_to_hold_wherever_the_attributes_are() {
    let metadata =
        json!({ "health": "healthy", "resources": { "memory": { "free": 7 } }, "x.y": 1 });
    let both = Query::new().eq("health", "healthy").gt("resources.memory.free", 6);
    assert!(Query::new().matches(&metadata) && both.matches(&metadata));
    assert!(!both.clone().lt("resources.memory.free", 7).matches(&metadata));
    assert!(Query::new().eq(["x.y"], 1).matches(&metadata));
    assert!(!Query::new().eq("x.y", 1).matches(&metadata));
}

#[test]
fn criteria_that_can_hold_of_nothing_are_refused_by_their_number() {
    let ok = || Query::new().eq("a", 1);
    let deep: [&str; 17] = ["a"; 17];
    let refused = [
        ok().eq("", 1),
        ok().eq("a..b", 1),
        ok().eq(".", 1),
        ok().eq([], 1),
        ok().eq(deep, 1),
        ok().gt("a", json!(null)),
        ok().lte("a", true),
        ok().lt("a", json!([1])),
        ok().gte("a", json!({})),
        ok().and("a", Operator::In, "b"),
        ok().and("a", Operator::NotIn, json!(null)),
    ];
    for query in refused {
        let error = query.validate().unwrap_err();
        assert_eq!(
            (error.code(), error.details().get("criterion")),
            ("invalid_query", Some(&json!(1)))
        );
    }
    let many = (0..65).fold(Query::new(), |query, n| query.eq("a", n));
    assert_eq!(many.validate().unwrap_err().code(), "invalid_query");
}

#[test]
fn the_json_form_says_what_it_cannot_be() {
    let good = json!([{ "path": "a.b", "op": "not_in", "value": [1] }, { "path": ["c.d"], "op": "eq", "value": null }]);
    let expected = Query::new().not_in("a.b", [1]).eq(["c.d"], Value::Null);
    assert_eq!(Query::from_json(&good).unwrap(), expected);
    let bad = [
        json!({}),
        json!("a"),
        json!([1]),
        json!([{ "op": "eq", "value": 1 }]),
        json!([{ "path": 1, "op": "eq", "value": 1 }]),
        json!([{ "path": ["a", 1], "op": "eq", "value": 1 }]),
        json!([{ "path": [], "op": "eq", "value": 1 }]),
        json!([{ "path": "a", "op": "like", "value": 1 }]),
        json!([{ "path": "a", "op": "EQ", "value": 1 }]),
        json!([{ "path": "a", "value": 1 }]),
        json!([{ "path": "a", "op": "eq" }]),
        json!([{ "path": "a", "op": "in", "value": 1 }]),
        json!([{ "path": "a", "op": "eq", "value": 1, "or": true }]),
    ];
    for json in bad {
        assert_eq!(Query::from_json(&json).unwrap_err().code(), "invalid_query", "{json}");
    }
}

#[test]
fn what_is_cut_out_is_never_more_than_there_is() {
    let found = || vec![1, 2, 3, 4];
    let cut = |query: Query| query.cut(found());
    assert_eq!(cut(Query::new()), [1, 2, 3, 4]);
    assert_eq!(cut(Query::new().skip(1).limit(2)), [2, 3]);
    assert_eq!(cut(Query::new().skip(3).limit(2)), [4]);
    assert!(cut(Query::new().skip(9)).is_empty() && cut(Query::new().limit(0)).is_empty());
}
