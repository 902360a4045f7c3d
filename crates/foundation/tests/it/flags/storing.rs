//! What is stored stays: over crashes of the server, failures of the store, and its silence.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation::{
    Error, FlagChange, FlagRule, FlagServer, FlagStore, Flags, MemoryFlagStore, Percentage, Result,
    Supervisor, System,
};
use testkit::{Telemetry, eventually};

use crate::fixture::{Said, after, heard, listener, system};

/// A store in memory that can be made to fail, or to hang.
#[derive(Clone, Default)]
struct Unreliable {
    memory: MemoryFlagStore,
    fails: Arc<Mutex<Option<Error>>>,
    hangs: Arc<AtomicBool>,
}

impl Unreliable {
    async fn answer(&self) -> Result<()> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.fails.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl FlagStore for Unreliable {
    async fn load(&self) -> Result<BTreeMap<String, FlagRule>> {
        self.answer().await?;
        self.memory.load().await
    }

    async fn save(&self, flag: &str, rule: &FlagRule) -> Result<()> {
        self.answer().await?;
        self.memory.save(flag, rule).await
    }

    async fn remove(&self, flag: &str) -> Result<()> {
        self.answer().await?;
        self.memory.remove(flag).await
    }
}

async fn started(system: &System, store: impl FlagStore) -> Flags {
    Flags::builder().flag("canary").flag("use_v2").store(store).start(system).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_is_there_again_after_a_restart_of_everything() {
    // FLAG-5
    let store = MemoryFlagStore::default();
    let system_before = system().await;
    let flags = started(&system_before, store.clone()).await;
    flags.set_percentage("canary", 25.0).await.unwrap();
    flags.enable_for("canary", "agent-1").await.unwrap();
    let before = flags.rules();
    system_before.stop().await.unwrap();

    let system = system().await;
    let flags = started(&system, store).await;
    assert_eq!(flags.rules(), before);
    assert!(flags.is_enabled_for("canary", "agent-1").unwrap());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_killed_comes_back_and_reading_goes_on_meanwhile() {
    // FLAG-5
    let system = system().await;
    let store = MemoryFlagStore::default();
    let builder = Flags::builder().flag("canary").store(store.clone());
    let (flags, server) = builder.build(&system).unwrap();
    assert_eq!(flags.enable("canary").await.unwrap_err().code(), "no_process");
    assert!(!flags.is_enabled("canary").unwrap());
    let supervisor = Supervisor::one_for_one().child(server).start(&system).await.unwrap();
    flags.set_percentage("canary", 25.0).await.unwrap();

    let server = supervisor.child::<FlagServer>("flag_server").await.unwrap();
    let first = server.pid();
    server.kill();
    assert_eq!(flags.rule("canary").unwrap().percentage.hundredths(), 2500);
    eventually(|| (server.pid() != first).then_some(()).ok_or("it is not back")).await;
    flags.enable("canary").await.unwrap();
    assert!(flags.is_enabled("canary").unwrap());
    assert_eq!(store.load().await.unwrap()["canary"], FlagRule::on());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_not_changed() {
    let system = system().await;
    let store = Unreliable::default();
    let flags = started(&system, store.clone()).await;
    let told = listener::<FlagChange>(&system).await;
    flags.listen(&told, Said::Event).unwrap();
    let full = Error::infrastructure("disk_full");
    *store.fails.lock().unwrap() = Some(full.clone());
    assert_eq!(flags.enable("canary").await.unwrap_err().code(), "disk_full");
    assert!(!flags.is_enabled("canary").unwrap());
    assert_eq!(heard(&told).await, []);
    *store.fails.lock().unwrap() = None;
    after(Duration::from_secs(1)).await;
    flags.enable("canary").await.unwrap();
    assert_eq!(heard(&told).await.len(), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_to_be_stored_is_read_again_before_anything_else() {
    let system = system().await;
    let store = Unreliable::default();
    let flags = started(&system, store.clone()).await;
    store.hangs.store(true, Ordering::Relaxed);
    let begun = tokio::time::Instant::now();
    let unknown = flags.enable("canary").await.unwrap_err();
    assert_eq!(
        (unknown.code(), unknown.message()),
        ("timeout", "the store of the flags did not answer")
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
    // It was stored after all.
    store.memory.save("canary", &FlagRule::on()).await.unwrap();
    assert_eq!(flags.disable("use_v2").await.unwrap_err().code(), "timeout");
    store.hangs.store(false, Ordering::Relaxed);
    eventually(|| flags.is_enabled("canary").unwrap().then_some(()).ok_or("not yet")).await;
    flags.disable("canary").await.unwrap();
    assert_eq!(store.load().await.unwrap()["canary"], FlagRule::off());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_read_once_in_a_while_however_many_changes_there_are() {
    let system = system().await;
    let store = Unreliable::default();
    let builder = Flags::builder().flag("canary").store(store.clone());
    let (flags, server) = builder.build(&system).unwrap();
    let supervisor = Supervisor::one_for_one().child(server).start(&system).await.unwrap();
    let server = supervisor.child::<FlagServer>("flag_server").await.unwrap();
    store.hangs.store(true, Ordering::Relaxed);
    for _ in 0..10 {
        // The store's own error, within the time that whoever asks has.
        let error = flags.enable("canary").await.unwrap_err();
        assert_eq!(error.message(), "the store of the flags did not answer");
    }
    let telemetry = Telemetry::listen();
    let begun = tokio::time::Instant::now();
    after(Duration::from_mins(1)).await;
    // Each second it waits for four, and no more often.
    let failed = telemetry.about("flag.store_failed").len();
    assert!((11..=13).contains(&failed), "{failed} in {:?}", begun.elapsed());
    store.hangs.store(false, Ordering::Relaxed);
    after(Duration::from_secs(5)).await;
    flags.enable("canary").await.unwrap();
    assert_eq!(server.status().mailbox_len, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_store_that_has_stored_it_all_the_same_is_found_out() {
    let system = system().await;
    let store = Unreliable::default();
    let flags = started(&system, store.clone()).await;
    *store.fails.lock().unwrap() = Some(Error::infrastructure("connection_lost"));
    assert_eq!(flags.enable("canary").await.unwrap_err().code(), "connection_lost");
    store.memory.save("canary", &FlagRule::on()).await.unwrap();
    *store.fails.lock().unwrap() = None;
    // Nothing is changed before it is known.
    assert_eq!(flags.enable("use_v2").await.unwrap_err().code(), "connection_lost");
    eventually(|| flags.is_enabled("canary").unwrap().then_some(()).ok_or("not yet")).await;
    flags.enable("use_v2").await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_again_while_the_store_is_down_does_not_give_up() {
    let system = system().await;
    let store = Unreliable::default();
    let builder = Flags::builder().flag("canary").store(store.clone());
    let (flags, server) = builder.build(&system).unwrap();
    let supervisor = Supervisor::one_for_one().child(server).start(&system).await.unwrap();
    flags.set_percentage("canary", 25.0).await.unwrap();
    let server = supervisor.child::<FlagServer>("flag_server").await.unwrap();
    let first = server.pid();
    *store.fails.lock().unwrap() = Some(Error::infrastructure("connection_refused"));
    server.kill();
    eventually(|| (server.pid() != first).then_some(()).ok_or("it is not back")).await;
    after(Duration::from_mins(1)).await;
    assert_eq!(flags.rule("canary").unwrap().percentage.hundredths(), 2500);
    assert_eq!(flags.enable("canary").await.unwrap_err().code(), "connection_refused");
    *store.fails.lock().unwrap() = None;
    after(Duration::from_secs(1)).await;
    flags.enable("canary").await.unwrap();
    assert!(flags.is_enabled("canary").unwrap());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_reset_is_what_the_next_release_defines() {
    let store = MemoryFlagStore::default();
    let before = system().await;
    let flags = started(&before, store.clone()).await;
    flags.set_percentage("canary", 25.0).await.unwrap();
    flags.reset("canary").await.unwrap();
    assert!(store.load().await.unwrap().is_empty());
    before.stop().await.unwrap();

    let system = system().await;
    let builder = Flags::builder().flag_with("canary", FlagRule::on()).store(store);
    assert!(builder.start(&system).await.unwrap().is_enabled("canary").unwrap());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn more_ids_than_may_be_named_are_refused_unless_they_are_stored() {
    let telemetry = Telemetry::listen();
    let system = system().await;
    let mut rule = FlagRule::off();
    rule.on_for = (0..10_001).map(|id| id.to_string()).collect();
    let builder = Flags::builder().flag_with("canary", rule.clone());
    assert_eq!(builder.start(&system).await.unwrap_err().code(), "invalid_options");

    let store = MemoryFlagStore::default();
    store.save("canary", &rule).await.unwrap();
    store.save("gone", &rule).await.unwrap();
    let flags = started(&system, store).await;
    assert!(flags.is_enabled_for("canary", "10000").unwrap());
    assert_eq!(telemetry.about("flag.unknown_stored").len(), 1);
    // It can be made smaller only, down to what may be.
    let error = flags.disable_for("canary", "10001").await.unwrap_err();
    assert_eq!(error.code(), "invalid_options");
    flags.untarget("canary", "10000").await.unwrap();
    assert!(!flags.is_enabled_for("canary", "10000").unwrap());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn flags_that_cannot_be_read_do_not_start() {
    let system = system().await;
    let store = Unreliable::default();
    *store.fails.lock().unwrap() = Some(Error::system("store_corrupt"));
    let builder = Flags::builder().flag("canary").store(store);
    let error = builder.start(&system).await.unwrap_err();
    assert_eq!(error.code(), "failed_to_start_child");
    assert!(error.report().to_string().contains("store_corrupt"), "{error:?}");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_of_flags_that_are_no_more_is_left_alone() {
    let system = system().await;
    let store = MemoryFlagStore::default();
    store.save("forgotten", &FlagRule::on()).await.unwrap();
    let flags = started(&system, store.clone()).await;
    assert_eq!(flags.is_enabled("forgotten").unwrap_err().code(), "unknown_flag");
    assert_eq!(store.load().await.unwrap()["forgotten"], FlagRule::on());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_caller_gave_up_is_made_all_the_same() {
    let system = system().await;
    let flags = started(&system, MemoryFlagStore::default()).await;
    let now = std::future::ready(());
    let change = flags.set_percentage("canary", 50.0);
    tokio::select! { biased; _ = change => panic!("it was made at once"), () = now => {} }
    let half = Percentage::new(50.0).unwrap();
    let is_half = || {
        let seen = flags.rule("canary").unwrap().percentage;
        (seen == half).then_some(()).ok_or(seen)
    };
    eventually(is_half).await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_flags_that_nobody_has() {
    let store = Unreliable::default();
    let system = system().await;
    let flags = started(&system, store.clone()).await;
    flags.enable("canary").await.unwrap();
    system.stop().await.unwrap();
    drop(flags);
    let gone = || match Arc::strong_count(&store.hangs) {
        1 => Ok(()),
        more => Err(format!("{more} have the store")),
    };
    eventually(gone).await;
}
