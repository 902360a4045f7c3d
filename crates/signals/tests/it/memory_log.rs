//! What is special about the log in memory: how it is bounded, and how long it lives.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use fastrand::Rng;
use foundation::System;
use serde_json::json;
use signals::{LogPosition, MemoryLog, PartChange, Retention, Signal, SignalLog, gap_end};
use tokio::runtime::Builder;

const START: LogPosition = LogPosition::START;

async fn system() -> System {
    System::builder().name("logs").start().await.unwrap()
}

fn signals(count: usize) -> Vec<Signal> {
    let signal = |number: usize| {
        Signal::new("one.of.many", "/test").id(format!("id {number}")).build().unwrap()
    };
    (0..count).map(signal).collect()
}

#[tokio::test(start_paused = true)]
async fn a_log_without_room_refuses_a_whole_append() {
    let system = system().await;
    let log = MemoryLog::builder().max_signals(5).build(&system).unwrap();
    log.append(signals(4)).await.unwrap();
    let error = log.append(signals(2)).await.unwrap_err();
    assert_eq!(error.code(), "log_full");
    assert_eq!((&error.details()["most"], &error.details()["wanted"]), (&5.into(), &6.into()));
    assert!(error.is_retryable(), "there may be room later");
    assert_eq!(log.bounds().await.unwrap().end.get(), 4);
    log.append(signals(1)).await.unwrap();
    log.retain(Retention::forever().count(1)).await.unwrap();
    let positions = log.append(signals(4)).await.unwrap();
    assert_eq!(positions[0].get(), 6, "what was refused has taken no position");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_log_is_bounded_by_the_bytes_of_its_signals() {
    let system = system().await;
    let log = MemoryLog::builder().max_bytes(10_000).build(&system).unwrap();
    let large = || {
        let draft = Signal::new("large", "/test").json(json!("k".repeat(1000)));
        vec![draft.stamp(&system).unwrap()]
    };
    let mut count = 0;
    while log.append(large()).await.is_ok() {
        count += 1;
    }
    assert!((7..=9).contains(&count), "{count} signals of a kilobyte are in 10 kB");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_log_that_retains_drops_the_oldest_and_never_refuses() {
    let system = system().await;
    let retention = Retention::forever().count(5);
    let log = MemoryLog::builder().max_signals(6).retention(retention).build(&system).unwrap();
    let mut last = START;
    for _ in 0..100 {
        last = log.append(signals(2)).await.unwrap()[1];
    }
    let bounds = log.bounds().await.unwrap();
    assert_eq!((bounds.kept_after.get(), bounds.end), (195, last));
    let error = log.read(START, 1).await.unwrap_err();
    assert_eq!(gap_end(&error), Some(bounds.kept_after));
    // What comes at one time is not dropped by itself; what is larger than the log is refused.
    assert_eq!(log.append(signals(6)).await.unwrap().len(), 6);
    assert_eq!(log.read(last, 10).await.unwrap().entries.len(), 6);
    assert_eq!(log.append(signals(7)).await.unwrap_err().code(), "log_full");
    assert_eq!(log.read(last, 10).await.unwrap().entries.len(), 6);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn parts_are_bounded_too() {
    let system = system().await;
    let log = MemoryLog::builder().max_part_bytes(100).build(&system).unwrap();
    let put = |size| vec![PartChange { key: "key".into(), value: Some(vec![0; size]) }];
    log.store_parts("owner", put(92)).await.unwrap();
    let error = log.store_parts("owner", put(93)).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["limit"]), ("log_full", &"part_bytes".into()));
    assert_eq!(log.list_parts("owner", "", 9).await.unwrap()[0].1.len(), 92);
    log.store_parts("owner", put(1)).await.unwrap();
    log.store_parts("other", put(50)).await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_log_without_any_room_is_refused() {
    let system = system().await;
    for (builder, field) in [
        (MemoryLog::builder().max_signals(0), "max_signals"),
        (MemoryLog::builder().max_bytes(0), "max_bytes"),
    ] {
        let error = builder.build(&system).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_log_outlives_the_system_whose_clock_it_has() {
    let first = system().await;
    let log = MemoryLog::new(&first);
    log.append(signals(2)).await.unwrap();
    first.stop().await.unwrap();
    let again = log.clone();
    let mut tail = again.tail();
    drop(log);
    assert!(tail.has_changed().is_ok(), "it is open as long as there is a clone");
    assert_eq!(again.append(signals(1)).await.unwrap(), [LogPosition::new(3)]);
    assert_eq!(again.read(START, 10).await.unwrap().entries.len(), 3);
    drop(again);
    tail.mark_unchanged();
    assert!(tail.changed().await.is_err(), "it is gone with the last clone");
}

#[tokio::test(start_paused = true)]
async fn a_large_page_comes_in_pieces() {
    let system = system().await;
    let log = MemoryLog::new(&system);
    log.append(signals(10_000)).await.unwrap();
    let (mut at, mut pages) = (START, Vec::new());
    while at.get() < 10_000 {
        let page = log.read(at, usize::MAX).await.unwrap();
        at = page.read_to;
        pages.push(page.entries.len());
    }
    assert_eq!(pages, [4096, 4096, 1808], "others have their turn in between");
    system.stop().await.unwrap();
}

/// Fails unless others run while somebody calls a log again and again.
async fn lets_others_run<F: Future>(system: &System, mut call: impl FnMut() -> F) {
    let (sender, mut has_run) = tokio::sync::oneshot::channel();
    system.executor("other").execute(async move { sender.send(()).unwrap() });
    for _ in 0..10_000 {
        if has_run.try_recv().is_ok() {
            return;
        }
        call().await;
    }
    panic!("nobody else has run");
}

#[tokio::test(start_paused = true)]
async fn who_calls_without_end_lets_others_run() {
    let system = system().await;
    let log = &MemoryLog::new(&system);
    lets_others_run(&system, || log.append(signals(1))).await;
    lets_others_run(&system, || log.read(START, 1)).await;
    lets_others_run(&system, || log.list_parts("owner", "", 9)).await;
    lets_others_run(&system, || log.store_parts("owner", Vec::new())).await;
    system.stop().await.unwrap();
}

/// Ten names, so that most are there already.
fn name(random: &mut Rng) -> String {
    format!("name {}", random.u8(..10))
}

fn changes(random: &mut Rng) -> Vec<PartChange> {
    let count = random.usize(..5);
    let change = |random: &mut Rng| {
        let value = random.bool().then(|| vec![random.u8(..); random.usize(..10)]);
        PartChange { key: name(random), value }
    };
    (0..count).map(|_| change(random)).collect()
}

#[test]
fn parts_are_as_those_of_plain_maps() {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    testkit::for_each_seed(NonZeroU32::new(20).unwrap(), |seed| {
        runtime.block_on(async {
            let mut random = Rng::with_seed(seed);
            let system = system().await;
            let log = MemoryLog::new(&system);
            let mut all: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
            for _ in 0..200 {
                let (owner, changes) = (name(&mut random), changes(&mut random));
                log.store_parts(&owner, changes.clone()).await.unwrap();
                let parts = all.entry(owner.clone()).or_default();
                for PartChange { key, value } in changes {
                    match value {
                        Some(value) => parts.insert(key, value),
                        None => parts.remove(&key),
                    };
                }
                let expected: Vec<_> = parts.clone().into_iter().collect();
                assert_eq!(log.list_parts(&owner, "", usize::MAX).await.unwrap(), expected);
                all.retain(|_, parts| !parts.is_empty());
                let expected: Vec<_> = all.keys().cloned().collect();
                assert_eq!(log.owners().await.unwrap(), expected);
            }
            system.stop().await.unwrap();
        });
    });
}
