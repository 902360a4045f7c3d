//! Circuit breakers, with calls.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use foundation::{
    BreakerOptions, Bulkhead, BulkheadOptions, Category, CircuitBreaker, CircuitBreakers,
    CircuitChange, CircuitState, Clock, Error, Jitter, Result, Retry, RetryPolicy, System,
    TaskSupervisor, codes, with_fallback,
};
use futures_util::future::join_all;
use testkit::Telemetry;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::fixture::{Said, after, heard, listener, system};

use CircuitState::{Closed, HalfOpen, Open};

const MS: Duration = Duration::from_millis(1);

fn options(failures: u32, reset_after: Duration) -> BreakerOptions {
    let options = BreakerOptions::default().failure_threshold(failures).success_threshold(1);
    options.reset_after(reset_after)
}

fn circuit(system: &System, options: BreakerOptions) -> CircuitBreaker {
    CircuitBreakers::new(system, options).unwrap().circuit("bank").unwrap()
}

fn down() -> Error {
    Error::infrastructure("bank_unreachable")
}

async fn fail(circuit: &CircuitBreaker) -> Error {
    circuit.call(async { Err::<(), _>(down()) }).await.unwrap_err()
}

async fn succeed(circuit: &CircuitBreaker) -> Result<u32> {
    circuit.call(async { Ok(17) }).await
}

#[tokio::test(start_paused = true)]
async fn opens_at_the_threshold_and_calls_nothing_more() {
    // BRK-1
    let system = system().await;
    let circuit = circuit(&system, options(3, 60_000 * MS));
    for _ in 0..3 {
        assert_eq!(circuit.status().state, Closed);
        assert_eq!(fail(&circuit).await, down());
    }
    let refused = circuit.call(async { unreachable!("it is open") as Result<()> }).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code(), &refused.details()["key"]), ("circuit_open", &"bank".into()));
    assert_eq!(refused.retry_after(), Some(60_000 * MS));
    assert!(refused.is_retryable());
    assert_eq!(circuit.status().state, Open);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closes_when_a_probe_succeeds_and_opens_when_it_fails() {
    // BRK-2
    let system = system().await;
    let circuit = circuit(&system, options(1, 100 * MS));
    fail(&circuit).await;
    assert_eq!(succeed(&circuit).await.unwrap_err().code(), "circuit_open");
    after(100 * MS).await;
    assert_eq!(succeed(&circuit).await.unwrap(), 17);
    assert_eq!(circuit.status().state, Closed);
    fail(&circuit).await;
    after(100 * MS).await;
    assert_eq!(fail(&circuit).await, down());
    assert_eq!(succeed(&circuit).await.unwrap_err().retry_after(), Some(100 * MS));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn slow_calls_delay_nobody_and_all_results_are_counted() {
    // BRK-3
    let system = system().await;
    let circuit = circuit(&system, options(50, 60_000 * MS));
    let begun = Instant::now();
    let call = async |n: u32| {
        let operation = async {
            after(1000 * MS).await;
            if n.is_multiple_of(2) { Ok(n) } else { Err(down()) }
        };
        circuit.call(operation).await
    };
    let results = join_all((0..100).map(call)).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 50);
    assert!((1000..1010).contains(&begun.elapsed().as_millis()));
    // Never two failures in a row.
    assert_eq!((circuit.status().state, circuit.status().failures), (Closed, 1));
    let results = join_all((0..100).map(|n| call(2 * n + 1))).await;
    assert!(results.iter().all(|result| result.as_ref().unwrap_err().code() == "bank_unreachable"));
    assert_eq!(circuit.status().state, Open);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_never_used_is_not_found_and_what_was_can_be_configured_again() {
    // BRK-4
    let system = system().await;
    let breakers = CircuitBreakers::new(&system, options(5, 1000 * MS)).unwrap();
    assert_eq!(breakers.find("bank").unwrap_err().code(), "circuit_not_found");
    assert_eq!(breakers.remove("bank").unwrap_err().code(), "circuit_not_found");
    let circuit = breakers.configure("bank", options(1, 1000 * MS)).unwrap();
    fail(&circuit).await;
    assert_eq!(breakers.find("bank").unwrap().status().state, Open);
    circuit.reset();
    assert_eq!(succeed(&circuit).await.unwrap(), 17);
    breakers.configure("bank", options(2, 1000 * MS)).unwrap();
    fail(&circuit).await;
    assert_eq!(circuit.status().state, Closed);
    fail(&circuit).await;
    assert_eq!(circuit.status().state, Open);
    breakers.circuit("post").unwrap();
    let keys: Vec<_> = breakers.statuses().into_iter().map(|status| status.key).collect();
    assert_eq!(keys.iter().map(|key| &**key).collect::<Vec<_>>(), ["bank", "post"]);
    breakers.remove("bank").unwrap();
    assert_eq!(breakers.circuit("bank").unwrap().status().state, Closed);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn half_open_admits_one_probe_at_a_time_and_needs_several_successes() {
    // BRK-5
    let system = system().await;
    let circuit = circuit(&system, options(1, 100 * MS).success_threshold(3));
    fail(&circuit).await;
    after(100 * MS).await;
    for successes in 0..3 {
        let probe = circuit.acquire().unwrap();
        assert_eq!(circuit.acquire().unwrap_err().code(), "circuit_open");
        let status = circuit.status();
        let seen = (status.state, status.probes, status.successes);
        assert_eq!(seen, (HalfOpen, 1, successes));
        probe.success();
    }
    assert_eq!(circuit.status().state, Closed);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tripping_opens_it_at_once() {
    // BRK-6
    let system = system().await;
    let circuit = circuit(&system, options(5, 100 * MS));
    circuit.trip();
    assert_eq!(succeed(&circuit).await.unwrap_err().code(), "circuit_open");
    after(100 * MS).await;
    assert_eq!(succeed(&circuit).await.unwrap(), 17);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_category_of_an_error_says_whether_it_is_a_failure() {
    let system = system().await;
    let circuit = circuit(&system, options(2, 100 * MS));
    let call = async |error: Error| {
        let failed: Result<()> = circuit.call(async { Err(error.clone()) }).await;
        assert_eq!(failed.unwrap_err(), error);
        circuit.status().failures
    };
    assert_eq!(call(down()).await, 1);
    // A system error says nothing about the bank; a refusal says that it is there.
    assert_eq!(call(Error::system("out_of_order")).await, 1);
    assert_eq!(call(Error::business("insufficient_funds")).await, 0);
    assert_eq!(call(down()).await, 1);
    assert_eq!(call(Error::validation("no_such_account")).await, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_our_own_says_nothing_about_the_other_side() {
    let system = system().await;
    let circuit = circuit(&system, options(1, 100 * MS));
    let refusals = [
        codes::BACKPRESSURE_ACTIVE,
        codes::BULKHEAD_FULL,
        codes::CIRCUIT_OPEN,
        codes::MAX_CHILDREN,
        codes::POOL_CLOSED,
        codes::POOL_FULL,
        codes::RATE_LIMITED,
        codes::RESOURCE_EXHAUSTED,
        codes::SYSTEM_STOPPING,
        codes::TOO_MANY_CIRCUITS,
        codes::TOO_MANY_KEYS,
        codes::TOO_MANY_SCHEDULES,
    ];
    // Every other infrastructure error is of the other side; one that is new belongs to either.
    let names =
        |all: &[foundation::Code]| all.iter().map(|code| code.name).collect::<BTreeSet<_>>();
    let all: Vec<_> = codes::ALL
        .iter()
        .copied()
        .filter(|code| code.category == Category::Infrastructure)
        .collect();
    let theirs: BTreeSet<_> = names(&all).difference(&names(&refusals)).copied().collect();
    let known = [
        "actor_stopped",
        "mailbox_full",
        "network_error",
        "no_process",
        "no_reply",
        "not_registered",
        "process_error",
        "store_error",
        "timeout",
    ];
    assert_eq!(theirs, BTreeSet::from(known));
    for code in refusals {
        let refused = circuit.call(async { Err::<(), _>(Error::from(code)) }).await;
        assert_eq!(refused.unwrap_err().code(), code.name);
        assert_eq!(circuit.status().state, Closed, "{}", code.name);
    }
    // A rush of our own is not the bank's fault.
    let bulkhead = Bulkhead::new(&system, "bank", BulkheadOptions::new(1)).unwrap();
    let permit = bulkhead.try_acquire().unwrap();
    let waits = circuit.call(bulkhead.call(1000 * MS, async { Ok(17) })).await;
    assert_eq!(waits.unwrap_err().code(), "bulkhead_full");
    assert_eq!(circuit.status().state, Closed);
    drop(permit);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_call_is_told_of() {
    // BRK-4
    let telemetry = Telemetry::listen();
    let system = system().await;
    let circuit = circuit(&system, options(1, 100 * MS));
    succeed(&circuit).await.unwrap();
    drop(circuit.acquire().unwrap());
    fail(&circuit).await;
    assert_eq!(succeed(&circuit).await.unwrap_err().code(), "circuit_open");
    let verdicts = telemetry.about("circuit.called");
    let of = |n: usize, verdict: &str| verdicts[n].contains(&format!("verdict={verdict}"));
    assert!(of(0, "Success") && of(1, "Neutral") && of(2, "Failure"), "{verdicts:?}");
    assert_eq!((verdicts.len(), telemetry.about("circuit.refused").len()), (3, 1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_a_failure_when_the_circuit_knows_its_deadline() {
    let system = system().await;
    let circuit = circuit(&system, options(2, 60_000 * MS));
    for _ in 0..2 {
        let hangs = circuit.call_within(1000 * MS, std::future::pending::<Result<()>>());
        assert_eq!(hangs.await.unwrap_err().code(), "timeout");
    }
    assert_eq!(circuit.status().state, Open);
    circuit.reset();
    assert_eq!(circuit.call_within(1000 * MS, async { Ok(17) }).await.unwrap(), 17);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_looks_at_a_circuit_while_it_changes_does_not_block() {
    /// A clock that looks at a circuit whenever it is read.
    #[derive(Debug, Default, Clone)]
    struct Curious(Arc<OnceLock<CircuitBreakers>>);
    impl Clock for Curious {
        fn now(&self) -> jiff::Timestamp {
            if let Some(breakers) = self.0.get() {
                assert!(breakers.statuses().len() <= 1);
            }
            jiff::Timestamp::UNIX_EPOCH
        }
    }
    let clock = Curious::default();
    let system = System::builder().clock(clock.clone()).start().await.unwrap();
    let breakers = CircuitBreakers::new(&system, options(1, 100 * MS)).unwrap();
    clock.0.set(breakers.clone()).unwrap();
    let circuit = breakers.circuit("bank").unwrap();
    fail(&circuit).await;
    circuit.reset();
    assert_eq!(circuit.status().state, Closed);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_or_is_given_up_makes_place_for_another() {
    let system = system().await;
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let circuit = circuit(&system, options(1, 100 * MS));
    fail(&circuit).await;
    after(100 * MS).await;
    let probing = circuit.clone();
    let panicking = async move { probing.call(async { panic!("in a probe") as Result<()> }).await };
    assert_eq!(tasks.async_nolink(panicking).unwrap().await.unwrap_err().code(), "actor_panicked");
    assert_eq!((circuit.status().state, circuit.status().probes), (HalfOpen, 0));
    let hanging = circuit.call(std::future::pending::<Result<()>>());
    tokio::select! { biased; _ = hanging => panic!("it ended"), () = after(10 * MS) => {} }
    assert_eq!((circuit.status().state, circuit.status().probes), (HalfOpen, 0));
    assert_eq!(succeed(&circuit).await.unwrap(), 17);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_holds_the_circuit_no_longer_than_it_was_open() {
    let system = system().await;
    let circuit = circuit(&system, options(1, 100 * MS));
    fail(&circuit).await;
    after(100 * MS).await;
    let hangs = circuit.acquire().unwrap();
    after(99 * MS).await;
    assert_eq!(succeed(&circuit).await.unwrap_err().code(), "circuit_open");
    after(MS).await;
    assert_eq!(succeed(&circuit).await.unwrap(), 17);
    // It comes back late, and says nothing any more.
    hangs.failure();
    assert_eq!((circuit.status().state, circuit.status().failures), (Closed, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_late_failure_from_before_is_ignored() {
    let system = system().await;
    let circuit = circuit(&system, options(1, 100 * MS));
    let gate = Notify::new();
    let late = circuit.call(async {
        gate.notified().await;
        Err::<(), _>(down())
    });
    let meanwhile = async {
        fail(&circuit).await;
        after(100 * MS).await;
        assert_eq!(succeed(&circuit).await.unwrap(), 17);
        gate.notify_one();
    };
    let (late, ()) = tokio::join!(late, meanwhile);
    assert_eq!(late.unwrap_err(), down());
    assert_eq!((circuit.status().state, circuit.status().failures), (Closed, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_change_is_told_in_order() {
    // BRK-4
    let system = system().await;
    let breakers = CircuitBreakers::new(&system, options(1, 100 * MS)).unwrap();
    let listener = listener::<CircuitChange>(&system).await;
    breakers.listen(&listener, Said::Event).unwrap();
    let circuit = breakers.circuit("bank").unwrap();
    fail(&circuit).await;
    after(100 * MS).await;
    succeed(&circuit).await.unwrap();
    circuit.trip();
    circuit.reset();
    circuit.reset();
    let changes = heard(&listener).await;
    assert!(changes.iter().all(|change| &*change.key == "bank" && change.missed == 0));
    let changes: Vec<_> = changes.iter().map(|change| (change.from, change.to)).collect();
    let expected =
        [(Closed, Open), (Open, HalfOpen), (HalfOpen, Closed), (Closed, Open), (Open, Closed)];
    assert_eq!(changes, expected);
    breakers.unlisten(&listener).unwrap();
    circuit.trip();
    assert_eq!(heard(&listener).await, []);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_listens_to_what_is_gone_holds_nothing_of_it() {
    /// Panics when it is dropped.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a bomb");
        }
    }
    let system = system().await;
    let (first, second) = (listener(&system).await, listener(&system).await);
    let breakers = CircuitBreakers::new(&system, options(1, 100 * MS)).unwrap();
    let bomb = Bomb;
    let make = move |change: CircuitChange| {
        let _armed = &bomb;
        Said::Event(change)
    };
    breakers.listen(&first, make).unwrap();
    breakers.listen(&second, Said::Event).unwrap();
    assert_eq!((first.status().registrations, second.status().registrations), (1, 1));
    let telemetry = Telemetry::listen();
    // Not the matter of whoever has it last.
    drop(breakers);
    assert_eq!(telemetry.about("listener.panicked_in_drop").len(), 1);
    assert_eq!((first.status().registrations, second.status().registrations), (0, 0));
    assert_eq!(heard(&first).await, []);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_circuits_than_there_may_be() {
    let system = system().await;
    let max = NonZeroUsize::new(2).unwrap();
    let breakers = CircuitBreakers::with_max_circuits(&system, options(1, 100 * MS), max).unwrap();
    let held = breakers.circuit("held").unwrap();
    breakers.circuit("as new").unwrap();
    // The one that nobody holds and that has seen nothing gives way.
    breakers.circuit("tripped").unwrap().trip();
    assert_eq!(breakers.find("as new").unwrap_err().code(), "circuit_not_found");
    let refused = breakers.circuit("one more").unwrap_err();
    assert_eq!((refused.code(), &refused.details()["max"]), ("too_many_circuits", &2.into()));
    drop(held);
    // Somebody looks again soon.
    after(100 * MS).await;
    breakers.circuit("one more").unwrap();
    assert_eq!(breakers.find("tripped").unwrap().status().state, Open);
    assert_eq!(breakers.len(), 2);
    // What it knows is out of date when nobody has used it for long.
    after(200 * MS).await;
    breakers.circuit("yet another").unwrap();
    breakers.circuit("and another").unwrap();
    assert_eq!(breakers.find("tripped").unwrap_err().code(), "circuit_not_found");
    // One with options of its own is never forgotten.
    breakers.configure("of its own", options(7, 100 * MS)).unwrap();
    after(1000 * MS).await;
    breakers.circuit("one").unwrap();
    breakers.circuit("two").unwrap();
    breakers.find("of its own").unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn options_and_keys_that_cannot_be_are_refused() {
    let system = system().await;
    let table = [
        (options(0, MS), "failure_threshold"),
        (options(1, MS).success_threshold(0), "success_threshold"),
        (options(1, MS).probes(0), "probes"),
        (options(1, Duration::ZERO), "reset_after"),
        (options(1, Duration::MAX), "reset_after"),
    ];
    let breakers = CircuitBreakers::new(&system, options(1, MS)).unwrap();
    for (options, field) in table {
        let error = CircuitBreakers::new(&system, options).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
        assert_eq!(breakers.configure("bank", options).unwrap_err().details()["field"], field);
    }
    for key in ["", &"k".repeat(256)] {
        assert_eq!(breakers.circuit(key).unwrap_err().details()["field"], "key");
    }
    assert!(breakers.is_empty());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retries_a_breaker_and_a_fallback_work_together() {
    // RET-4
    let system = system().await;
    let circuit = circuit(&system, options(5, 120_000 * MS));
    let policy = RetryPolicy::exponential().jitter(Jitter::None).max_attempts(10);
    let retry = Retry::new(&system, policy).unwrap();
    let calls = AtomicU32::new(0);
    let guarded = retry.run(|_| {
        let call = async {
            calls.fetch_add(1, Ordering::Relaxed);
            Err::<u32, _>(down())
        };
        circuit.call(call)
    });
    let price = with_fallback(guarded, async |error| {
        // The circuit asks for a longer wait than the policy allows.
        assert_eq!(error.code(), "circuit_open");
        Ok(16)
    });
    assert_eq!(price.await.unwrap(), 16);
    assert_eq!(calls.into_inner(), 5);
    system.stop().await.unwrap();
}
