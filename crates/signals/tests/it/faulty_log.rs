//! A log that fails and hesitates does so exactly where it was told to.

use std::pin::pin;
use std::time::Duration;

use foundation::{Error, System};
use signals::testing::{Fault, FaultyLog, Moment, Operation};
use signals::{LogPosition, MemoryLog, PartChange, Retention, Signal, SignalLog};

use crate::polled::polled;

const START: LogPosition = LogPosition::START;

async fn log() -> (System, FaultyLog) {
    let system = System::builder().name("faults").start().await.unwrap();
    let log = FaultyLog::new(MemoryLog::new(&system));
    (system, log)
}

fn one() -> Vec<Signal> {
    vec![Signal::new("one", "/test").id("1").build().unwrap()]
}

fn change() -> Vec<PartChange> {
    vec![PartChange { key: "key".into(), value: Some(vec![1]) }]
}

async fn len(log: &FaultyLog) -> usize {
    log.read(START, 100).await.unwrap().entries.len()
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_is_not_done_and_what_fails_after_is() {
    let (system, log) = log().await;
    log.inject(Fault::before(Operation::Append));
    assert_eq!(log.append(one()).await.unwrap_err().code(), "log_fault");
    assert_eq!(len(&log).await, 0);
    log.inject(Fault::after(Operation::Append));
    assert_eq!(log.append(one()).await.unwrap_err().code(), "log_fault");
    assert_eq!(len(&log).await, 1);
    log.append(one()).await.unwrap();
    assert_eq!(len(&log).await, 2, "a fault is of one call");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_nth_call_fails_and_no_other() {
    let (system, log) = log().await;
    log.append(one()).await.unwrap();
    log.inject(Fault::before(Operation::Append).nth(3).error(Error::system("gone")));
    let mut failed = Vec::new();
    for number in 1..=5 {
        log.bounds().await.unwrap();
        if let Err(error) = log.append(one()).await {
            assert_eq!(error.code(), "gone");
            failed.push(number);
        }
    }
    assert_eq!(failed, [3], "calls are counted from when the fault was injected");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lasting_fault_lasts_until_the_log_is_healed() {
    let (system, log) = log().await;
    log.inject(Fault::of_any(Operation::WRITES, Moment::Before).nth(2).lasting());
    log.append(one()).await.unwrap();
    for _ in 0..3 {
        log.append(one()).await.unwrap_err();
        log.store_parts("owner", change()).await.unwrap_err();
        log.retain(Retention::forever()).await.unwrap_err();
        log.list_parts("owner", "", 1).await.unwrap();
    }
    log.heal();
    log.append(one()).await.unwrap();
    assert_eq!((len(&log).await, log.writes()), (2, 11));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_operation_fails_when_it_is_told_to_and_is_counted() {
    let (system, log) = log().await;
    for moment in [Moment::Before, Moment::After] {
        log.inject(Fault::of_any(Operation::ALL, moment).lasting());
        log.append(one()).await.unwrap_err();
        log.read(START, 1).await.unwrap_err();
        log.bounds().await.unwrap_err();
        log.position_at(system.now()).await.unwrap_err();
        log.retain(Retention::forever()).await.unwrap_err();
        log.load_part("owner", "a").await.unwrap_err();
        log.list_parts("owner", "", 1).await.unwrap_err();
        log.store_parts("owner", change()).await.unwrap_err();
        log.owners().await.unwrap_err();
        log.heal();
    }
    for operation in Operation::ALL {
        assert_eq!(log.calls(*operation), 2, "{operation:?}");
    }
    assert_eq!(log.owners().await.unwrap(), ["owner"], "what failed after was done");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_log_itself_comes_before_that_of_a_fault_after() {
    let (system, log) = log().await;
    log.append(one()).await.unwrap();
    log.retain(Retention::forever().count(0)).await.unwrap();
    log.inject(Fault::after(Operation::Read));
    assert_eq!(log.read(START, 1).await.unwrap_err().code(), "signal_gap");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_earlier_of_two_faults_of_a_call_counts() {
    let (system, log) = log().await;
    log.inject(Fault::before(Operation::Append).error(Error::system("first")));
    log.inject(Fault::before(Operation::Append).error(Error::system("second")));
    assert_eq!(log.append(one()).await.unwrap_err().code(), "first");
    log.append(one()).await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_held_call_waits_before_or_after_it_is_done() {
    for (moment, done) in [(Moment::Before, 0), (Moment::After, 1)] {
        let (system, log) = log().await;
        let hold = log.hold(Operation::Append, moment);
        let mut append = pin!(log.append(one()));
        assert!(polled(append.as_mut()).is_pending());
        hold.reached(1).await;
        assert_eq!((hold.came(), len(&log).await), (1, done), "{moment:?}");
        assert_eq!(log.tail().borrow().get(), done as u64, "{moment:?}");
        hold.release();
        append.await.unwrap();
        assert_eq!(len(&log).await, 1, "{moment:?}");
        system.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_dropped_lets_all_go_on_and_holds_no_others() {
    let (system, log) = log().await;
    let hold = log.hold(Operation::StoreParts, Moment::Before);
    let mut stores = [log.store_parts("owner", change()), log.store_parts("other", change())];
    for store in &mut stores {
        assert!(polled(store.as_mut()).is_pending());
    }
    hold.reached(2).await;
    log.append(one()).await.unwrap();
    drop(hold);
    for store in stores {
        store.await.unwrap();
    }
    log.store_parts("owner", change()).await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_nobody_reaches_says_so() {
    let (system, log) = log().await;
    let hold = log.hold(Operation::Append, Moment::Before);
    let (done, reached) = tokio::sync::oneshot::channel();
    system.executor("waiting").execute(async move {
        hold.reached(1).await;
        done.send(()).unwrap();
    });
    let reached = tokio::time::timeout(Duration::from_mins(1), reached).await.unwrap();
    assert!(reached.is_err(), "it panics");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_crash_point_of_a_run_can_be_enumerated() {
    let (system, harmless) = log().await;
    let run = |log: FaultyLog| async move {
        log.append(one()).await?;
        log.store_parts("owner", change()).await?;
        log.append(one()).await.map(drop)
    };
    run(harmless.clone()).await.unwrap();
    let mut reached = Vec::new();
    for point in 1..=harmless.writes() {
        for moment in [Moment::Before, Moment::After] {
            let log = FaultyLog::new(MemoryLog::new(&system));
            log.inject(Fault::of_any(Operation::WRITES, moment).nth(point).lasting());
            run(log.clone()).await.unwrap_err();
            log.heal();
            reached.push((len(&log).await, log.owners().await.unwrap().len()));
        }
    }
    assert_eq!(reached, [(0, 0), (1, 0), (1, 0), (1, 1), (1, 1), (2, 1)]);
    system.stop().await.unwrap();
}
