//! What follows from what: causes, flows and traces.

use foundation::System;
use signals::{Signal, TraceContext};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01";

#[tokio::test(start_paused = true)]
async fn everything_that_follows_is_of_one_flow_and_knows_its_cause() {
    let system = System::builder().start().await.unwrap();
    let placed =
        Signal::new("order.placed", "/shop").correlation("order-7").stamp(&system).unwrap();
    assert_eq!((placed.correlation_id(), placed.causation_id()), (Some("order-7"), None));
    let paid = Signal::new("order.paid", "/shop").caused_by(&placed).stamp(&system).unwrap();
    let sent = Signal::new("order.sent", "/shop").caused_by(&paid).stamp(&system).unwrap();
    for (signal, cause) in [(&paid, &placed), (&sent, &paid)] {
        assert_eq!(signal.correlation_id(), Some("order-7"));
        assert_eq!(signal.causation_id(), Some(&*cause.id().to_string()));
    }
    system.stop().await.unwrap();
}

#[test]
fn a_flow_without_a_name_has_that_of_its_first_signal() {
    let first = Signal::new("a", "/").id("first").build().unwrap();
    assert_eq!((first.correlation_id(), first.causation_id()), (None, None));
    let second = Signal::new("b", "/").id("second").caused_by(&first).build().unwrap();
    let third = Signal::new("c", "/").id("third").caused_by(&second).build().unwrap();
    assert_eq!((second.correlation_id(), second.causation_id()), (Some("first"), Some("first")));
    assert_eq!((third.correlation_id(), third.causation_id()), (Some("first"), Some("second")));
}

#[tokio::test(start_paused = true)]
async fn a_trace_goes_on_in_a_span_of_its_own() {
    let system = System::builder().start().await.unwrap();
    let parent: TraceContext = PARENT.parse().unwrap();
    let parent = parent.with_state("a=b").unwrap();
    let cause = Signal::new("a", "/").trace(parent.clone()).stamp(&system).unwrap();
    let draft = Signal::new("b", "/").caused_by(&cause);
    let (one, two) = (draft.clone().stamp(&system).unwrap(), draft.stamp(&system).unwrap());
    let (one, two) = (one.trace().unwrap(), two.trace().unwrap());
    assert_eq!(one, parent.child(one.span_id()));
    assert_eq!(two, parent.child(two.span_id()));
    assert!(one != two && one != parent && two != parent);
    system.stop().await.unwrap();
}

#[test]
fn without_a_system_it_is_in_the_span_of_its_cause() {
    let cause = Signal::new("a", "/").id("1").extension("traceparent", PARENT).build().unwrap();
    let caused = Signal::new("b", "/").id("2").caused_by(&cause).build().unwrap();
    assert_eq!(caused.trace(), cause.trace());
    let other = Signal::new("a", "/").id("1").extension("traceparent", "junk").build().unwrap();
    let caused = Signal::new("b", "/").id("2").caused_by(&other).build().unwrap();
    assert_eq!(caused.extension("traceparent"), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_last_of_a_trace_counts() {
    let system = System::builder().start().await.unwrap();
    let cause = Signal::new("a", "/").extension("traceparent", PARENT).stamp(&system).unwrap();
    let own = TraceContext::root(1.try_into().unwrap(), 2.try_into().unwrap());
    let draft = Signal::new("b", "/").caused_by(&cause).trace(own.clone());
    assert_eq!(draft.stamp(&system).unwrap().trace(), Some(own.clone()));
    let draft = Signal::new("b", "/").trace(own).caused_by(&cause);
    let (trace, of_cause) = (draft.stamp(&system).unwrap().trace(), cause.trace());
    assert_eq!(trace.map(|it| it.trace_id()), of_cause.map(|it| it.trace_id()));
    system.stop().await.unwrap();
}

#[test]
fn a_draft_of_a_signal_stays_where_it_is_in_its_trace() {
    let signal = Signal::new("a", "/").id("1").extension("traceparent", PARENT).build().unwrap();
    assert_eq!(signal.to_draft().build().unwrap(), signal);
}
