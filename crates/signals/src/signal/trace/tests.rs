//! Contexts as they are written, and what is none.

use super::{TraceContext, span};
use crate::signal::Signal;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01";

fn parse(text: &str) -> TraceContext {
    text.parse().unwrap()
}

#[test]
fn a_parent_is_read_and_written() {
    let context = parse(PARENT);
    assert_eq!(context.trace_id().get(), 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
    assert_eq!(context.span_id().get(), 0xb9c7_c989_f979_18e1);
    assert!(context.is_sampled());
    assert_eq!(context.to_string(), PARENT);
    assert!(!parse(&PARENT.replace("-01", "-00")).is_sampled());
    let root = TraceContext::root(1.try_into().unwrap(), 2.try_into().unwrap());
    let text = "00-00000000000000000000000000000001-0000000000000002-00";
    assert_eq!((root.to_string(), parse(text)), (text.to_owned(), root.clone()));
    assert!(
        root.clone().sampled(true).is_sampled() && !root.sampled(true).sampled(false).is_sampled()
    );
}

#[test]
fn of_a_later_version_what_is_known_is_taken() {
    for text in [
        PARENT.replace("00-", "01-"),
        PARENT.replace("00-", "fe-"),
        format!("{}-what-comes", PARENT.replace("00-", "cc-")),
        format!("{}-", PARENT.replace("00-", "cc-")),
        PARENT.replace("-01", "-fd"),
    ] {
        assert_eq!(parse(&text), parse(PARENT), "{text}");
    }
    assert_eq!(parse(&PARENT.replace("-01", "-ff")).to_string(), PARENT.replace("-01", "-03"));
}

#[test]
fn what_is_no_parent_is_refused() {
    for text in [
        "",
        "00",
        &PARENT[..54],
        &format!("{PARENT}-"),
        &format!("{PARENT}0"),
        &format!("{PARENT}-what"),
        &format!("{}.what", PARENT.replace("00-", "cc-")),
        &format!("{}0", PARENT.replace("00-", "01-")),
        &PARENT.replace("00-", "ff-"),
        &PARENT.replace("00-", "0g-"),
        &PARENT.replace("00-", "0A-"),
        &PARENT.to_uppercase(),
        &PARENT.replace("0af7", "0aF7"),
        &PARENT.replace('-', "_"),
        &PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
        &PARENT.replace("b9c7c989f97918e1", &"0".repeat(16)),
        &PARENT.replace("0af7", "0xf7"),
        &PARENT.replace("0af7", "+af7"),
        &PARENT.replace("-01", "-0 "),
        &PARENT.replace("c-b", "-cb"),
        &format!(" {}", &PARENT[..54]),
        &PARENT.replace("0af7", "é7"),
    ] {
        let error = text.parse::<TraceContext>().unwrap_err();
        assert_eq!(error.code(), "invalid_signal", "{text}");
        assert_eq!(error.details()["attribute"], "traceparent");
    }
}

#[test]
fn a_state_is_of_names_and_values() {
    let longest = format!("a={}", "b".repeat(256));
    for state in [
        "rojo=00f067aa0ba902b7",
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        "a=b , c=d,,\te=f",
        "a_-*/9=!\"#$%&'()*+-./:;<>?@[]^_`{|}~",
        "9tenant@system=1",
        "a=b c",
        &longest,
        &(0..32).map(|number| format!("a{number}=b")).collect::<Vec<_>>().join(","),
        &format!("{}@{}=1", "a".repeat(241), "b".repeat(14)),
    ] {
        let context = parse(PARENT).with_state(state);
        assert_eq!(context.unwrap().state(), Some(state));
    }
    assert_eq!(parse(PARENT).with_state("a=b").unwrap().with_state("").unwrap().state(), None);
}

#[test]
fn what_is_no_state_is_refused() {
    for state in [
        ",",
        " ",
        "a",
        "a=",
        "=b",
        "A=b",
        "1=b",
        "a b=c",
        "a =b",
        "a@@b=c",
        "a=b=c",
        "a=é",
        "a=b,a=c",
        "a@B=c",
        "a@1=c",
        "@a=c",
        "a@=c",
        "a@b@c=d",
        &format!("a={}", "b".repeat(257)),
        &format!("{}=b", "a".repeat(257)),
        &format!("{}@b=1", "a".repeat(242)),
        &format!("a@{}=1", "b".repeat(15)),
        &(0..33).map(|number| format!("a{number}=b")).collect::<Vec<_>>().join(","),
        &format!("a={0},b={0}", "c".repeat(255)),
    ] {
        let error = parse(PARENT).with_state(state).unwrap_err();
        assert_eq!(error.details()["attribute"], "tracestate", "{state}");
    }
}

#[test]
fn a_child_has_all_but_the_span() {
    let parent = parse(PARENT).with_state("a=b").unwrap();
    let child = parent.child(7.try_into().unwrap());
    assert_eq!(child.to_string(), PARENT.replace("b9c7c989f97918e1", "0000000000000007"));
    assert_eq!(child.state(), Some("a=b"));
    assert_eq!((span(0).get(), span(7).get()), (1, 7));
}

#[test]
fn a_signal_has_the_context_that_it_was_given() {
    let draft = || Signal::new("a", "/").id("1");
    let context = parse(PARENT).with_state("a=b").unwrap();
    let signal = draft().trace(context.clone()).build().unwrap();
    assert_eq!(signal.trace(), Some(context.clone()));
    assert_eq!(signal.extension("traceparent").unwrap().as_text(), Some(PARENT));
    assert_eq!(signal.extension("tracestate").unwrap().as_text(), Some("a=b"));
    // Another context takes the state of the one before away.
    let other = signal.to_draft().trace(parse(PARENT)).build().unwrap();
    assert_eq!(other.trace(), Some(parse(PARENT)));
    assert_eq!(other.extension("tracestate"), None);
    assert_eq!(draft().build().unwrap().trace(), None);
}

#[test]
fn what_cannot_be_a_context_is_as_good_as_none() {
    let draft = || Signal::new("a", "/").id("1");
    assert_eq!(draft().extension("traceparent", "junk").build().unwrap().trace(), None);
    assert_eq!(draft().extension("traceparent", 5).build().unwrap().trace(), None);
    assert_eq!(draft().extension("tracestate", "a=b").build().unwrap().trace(), None);
    let draft = draft().extension("traceparent", PARENT).extension("tracestate", "junk");
    let signal = draft.build().unwrap();
    assert_eq!(signal.trace(), Some(parse(PARENT)));
    // What was received is handed on as it came.
    assert_eq!(signal.extension("tracestate").unwrap().as_text(), Some("junk"));
}
