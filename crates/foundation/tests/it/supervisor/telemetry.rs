//! What a supervisor tells whoever listens.

use foundation::{ExitReason, Restart, Supervisor};
use testkit::{End, Log, Pull, Puppet, Start, Strings, Telemetry};

use super::{HOUR, Stage};

#[tokio::test(start_paused = true)]
async fn starting_by_request_tells_nobody_who_listens_for_trouble() {
    // OTP C09: the first record at level info and above is that of the end.
    let telemetry = Telemetry::listen();
    let stage = Stage::set(Supervisor::one_for_one(), &Log::default()).await;
    let spec = Puppet::spec("a", &stage.log).restart(Restart::Transient);
    let child = stage.supervisor.start_child(spec).await.unwrap();
    child.tell(Pull::Fail("broken")).await.unwrap();
    stage.settle().await;
    let loud: Vec<_> = telemetry.about("supervisor.").into_iter().collect();
    let expected = [
        "DEBUG supervisor.child_started supervisor=top child=a",
        "ERROR supervisor.child_ended supervisor=top child=a reason=error: broken",
        "DEBUG supervisor.child_started supervisor=top child=a",
    ];
    assert_eq!(loud, expected);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn an_abnormal_end_during_a_shutdown_is_told_and_a_clean_one_is_not() {
    // OTP F25
    let telemetry = Telemetry::listen();
    let log = Log::default();
    let hanging = Strings::new("b", &log).ending(End::Hang);
    let builder = Supervisor::one_for_one().child(Puppet::spec("a", &log)).child(hanging.spec());
    Stage::set(builder, &log).await.strike().await;
    let told = telemetry.about("supervisor.shutdown_error");
    assert_eq!(told, ["ERROR supervisor.shutdown_error supervisor=top child=b reason=killed"]);
}

#[tokio::test(start_paused = true)]
async fn failed_starts_and_too_many_restarts_are_told() {
    let telemetry = Telemetry::listen();
    let log = Log::default();
    let broken = Strings::new("a", &log).starting([Start::Run]).then(Start::Fail("broken"));
    let builder = Supervisor::one_for_one().intensity(1, HOUR).child(broken.spec());
    let stage = Stage::set(builder, &log).await;
    let exited = stage.supervisor.exited();
    stage.child("a").await.kill();
    assert_eq!(exited.await, ExitReason::Shutdown);
    let loud = telemetry.about("ERROR supervisor.");
    let expected = [
        "ERROR supervisor.child_ended supervisor=top child=a reason=killed",
        "ERROR supervisor.start_error supervisor=top child=a error=broken",
        "ERROR supervisor.too_many_restarts supervisor=top",
    ];
    assert_eq!(loud, expected);
    stage.strike().await;
}

#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb in a specification");
    }
}

#[tokio::test(start_paused = true)]
async fn what_panics_when_a_specification_is_dropped_is_told_and_ends_nobody() {
    let telemetry = Telemetry::listen();
    let stage = Stage::set(Supervisor::one_for_one(), &Log::default()).await;
    let spec = || {
        let (bomb, strings) = (Bomb, Strings::new("a", &stage.log));
        foundation::ChildSpec::<Puppet>::with("a", move || {
            let _ = &bomb;
            strings.clone()
        })
    };
    stage.supervisor.start_child(spec()).await.unwrap();
    stage.supervisor.terminate_child("a").await.unwrap();
    // One that is refused, because there is one; one that cannot be under this supervisor; and the
    // one that is forgotten.
    stage.supervisor.start_child(spec()).await.unwrap_err();
    let significant = spec().restart(Restart::Transient).significant(true);
    stage.supervisor.start_child(significant).await.unwrap_err();
    stage.supervisor.delete_child("a").await.unwrap();
    let told = telemetry.about("supervisor.panicked_in_drop");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("a bomb in a specification"), "{told:?}");
    assert_eq!(stage.counts().await, [0, 0, 0, 0]);
    stage.strike().await;
}
