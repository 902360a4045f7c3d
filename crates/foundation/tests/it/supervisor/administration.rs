//! Starting, ending, restarting and deleting children by request, and listing them.

use foundation::{ChildState, ExitReason, Restart, Strategy};
use testkit::{Log, Pull, Puppet, Start, Strings};

use super::{Stage, listed};

async fn code(result: impl Future<Output = foundation::Result<()>>) -> String {
    match result.await {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_runs_is_not_started_twice() {
    // OTP B01
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    let error = stage.supervisor.start_child(Puppet::spec("a", &stage.log)).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["child"]), ("already_started", &"a".into()));
    assert!(error.id().is_some(), "stamped as it leaves the supervisor");
    assert_eq!(stage.counts().await, [1, 1, 0, 1]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_is_terminated_restarted_and_deleted_by_request() {
    // OTP B02, B04, B05, B06, B13
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    let supervisor = &stage.supervisor;
    let child = stage.child("a").await;
    let (first, exited) = (child.pid(), child.exited());
    supervisor.terminate_child("a").await.unwrap();
    assert_eq!(exited.await, ExitReason::Shutdown);
    assert_eq!(
        (stage.which().await, stage.counts().await),
        (listed(&[("a", false)]), [1, 0, 0, 1])
    );
    // Once more changes nothing.
    supervisor.terminate_child("a").await.unwrap();

    let present = supervisor.start_child(Puppet::spec("a", &stage.log)).await.unwrap_err();
    assert_eq!(present.code(), "already_present");

    let second = supervisor.restart_child("a").await.unwrap();
    assert_eq!((second.slot, second.generation), (first.slot, first.generation + 1));
    assert_eq!(child.ask(Pull::Starts).await.unwrap(), 2);
    assert_eq!(supervisor.restart_child("a").await.unwrap_err().code(), "child_running");
    assert_eq!(supervisor.restart_child("b").await.unwrap_err().code(), "child_not_found");

    assert_eq!(code(supervisor.delete_child("a")).await, "child_running");
    assert_eq!(code(supervisor.delete_child("b")).await, "child_not_found");
    supervisor.terminate_child("a").await.unwrap();
    assert_eq!(code(supervisor.delete_child("a")).await, "ok");
    assert_eq!((stage.which().await, stage.counts().await), (vec![], [0, 0, 0, 0]));
    assert_eq!(supervisor.restart_child("a").await.unwrap_err().code(), "child_not_found");
    assert_eq!(code(supervisor.terminate_child("a")).await, "child_not_found");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_static_child_is_known_by_its_name_and_not_by_its_pid() {
    // OTP B08
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    let pid = stage.pid("a").await.unwrap();
    let name = pid.to_string();
    assert_eq!(code(stage.supervisor.terminate_child(&name)).await, "child_not_found");
    assert_eq!(stage.pid("a").await, Some(pid));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn children_are_listed_from_the_newest_to_the_oldest() {
    // OTP B14
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    stage.supervisor.start_child(Puppet::spec("b", &stage.log)).await.unwrap();
    let unknown = async || stage.supervisor.child::<Puppet>("c").await.unwrap_err();
    assert_eq!(stage.which().await, listed(&[("b", true), ("a", true)]));
    assert_eq!(unknown().await.code(), "child_not_found");
    stage.supervisor.terminate_child("b").await.unwrap();
    assert_eq!(stage.which().await, listed(&[("b", false), ("a", true)]));
    assert_eq!(unknown().await.code(), "child_not_found");
    stage.supervisor.delete_child("b").await.unwrap();
    assert_eq!(stage.which().await, listed(&[("a", true)]));
    assert_eq!(unknown().await.code(), "child_not_found");
    stage.strike().await;
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum EndedBy {
    Kill,
    Normal,
    Error,
    Supervisor,
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_of_a_child_depends_on_its_restart_and_its_end() {
    // OTP B18
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
            for ended_by in [EndedBy::Kill, EndedBy::Normal, EndedBy::Error, EndedBy::Supervisor] {
                let stage = Stage::of(strategy, &[]).await;
                let spec = || Puppet::spec("a", &stage.log).restart(restart);
                let child = stage.supervisor.start_child(spec()).await.unwrap();
                match ended_by {
                    EndedBy::Kill => Puppet::kill(&child).await,
                    EndedBy::Normal => Puppet::exit(&child, ExitReason::Normal).await,
                    EndedBy::Error => {
                        let exited = child.exited();
                        child.tell(Pull::Fail("broken")).await.unwrap();
                        assert!(exited.await.is_abnormal());
                    }
                    EndedBy::Supervisor => {
                        stage.supervisor.terminate_child("a").await.unwrap();
                    }
                }
                stage.settle().await;
                let again = stage.supervisor.start_child(spec()).await;
                let expected = match (restart, ended_by) {
                    (Restart::Temporary, _) => "ok",
                    (_, EndedBy::Supervisor) | (Restart::Transient, EndedBy::Normal) => {
                        "already_present"
                    }
                    _ => "already_started",
                };
                let given = again.map_or_else(|error| error.code().to_owned(), |_| "ok".to_owned());
                assert_eq!(given, expected, "{strategy:?} {restart:?} {ended_by:?}");
                stage.strike().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_about_a_child_in_transit_are_answered_as_if_they_came_before_or_after() {
    let stage = Stage::of(Strategy::OneForOne, &[]).await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    let slow = Strings::new("a", &stage.log).starting([Start::WaitFor(gate.clone())]);
    let asking = async {
        stage.log.wait_for("+a").await;
        let again = stage.supervisor.start_child(Puppet::spec("a", &stage.log)).await;
        assert_eq!(again.unwrap_err().code(), "already_started");
        assert_eq!(stage.supervisor.restart_child("a").await.unwrap_err().code(), "child_running");
        assert_eq!(code(stage.supervisor.delete_child("a")).await, "child_running");
        gate.notify_one();
    };
    let (started, ()) = tokio::join!(stage.supervisor.start_child(slow.spec()), asking);
    started.unwrap();
    // Two that end it are both told when it has ended.
    let (one, two) =
        tokio::join!(stage.supervisor.terminate_child("a"), stage.supervisor.terminate_child("a"));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(stage.state("a").await, ChildState::Stopped);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_to_a_supervisor_that_has_ended_fails_at_once() {
    let log = Log::default();
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    stage.supervisor.stop(ExitReason::Shutdown).await.unwrap();
    let error = stage.supervisor.start_child(Puppet::spec("b", &log)).await.unwrap_err();
    assert_eq!(error.code(), "no_process");
    assert_eq!(stage.supervisor.which_children().await.unwrap_err().code(), "no_process");
    stage.strike().await;
}
