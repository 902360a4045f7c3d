//! Supervisors that end with their significant children.

use foundation::{ActorRef, AutoShutdown, ExitReason, Restart, Strategy, Supervisor};
use testkit::{Log, Pull, Puppet};

use super::{HOUR, Stage, listed};

const MODES: [AutoShutdown; 3] =
    [AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant];

#[derive(Debug, Clone, Copy, PartialEq)]
enum EndedBy {
    Request,
    Kill,
    Error,
    Itself,
}

const ENDS: [EndedBy; 4] = [EndedBy::Request, EndedBy::Kill, EndedBy::Error, EndedBy::Itself];

impl EndedBy {
    async fn end(self, stage: &Stage, child: &ActorRef<Puppet>) {
        match self {
            Self::Request => stage.supervisor.terminate_child(child.name()).await.unwrap(),
            Self::Kill => Puppet::kill(child).await,
            Self::Error => {
                let exited = child.exited();
                child.tell(Pull::Fail("broken")).await.unwrap();
                exited.await;
            }
            Self::Itself => Puppet::exit(child, ExitReason::Normal).await,
        }
    }
}

/// A supervisor with children, each with its restart and whether it is significant.
async fn with(auto: AutoShutdown, children: &[(&'static str, Restart, bool)]) -> Stage {
    let log = Log::default();
    let supervisor = Supervisor::one_for_one().auto_shutdown(auto).intensity(5, HOUR);
    let builder = children.iter().fold(supervisor, |builder, (name, restart, significant)| {
        builder.child(Puppet::spec(name, &log).restart(*restart).significant(*significant))
    });
    Stage::set(builder, &log).await
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_not_significant_ends_nobody() {
    // OTP G01, G02
    for auto in MODES {
        for restart in [Restart::Temporary, Restart::Transient] {
            for ended_by in ENDS {
                let stage = with(auto, &[("a", restart, false), ("b", restart, false)]).await;
                let child = stage.child("a").await;
                ended_by.end(&stage, &child).await;
                stage.settle().await;
                let restarted = restart == Restart::Transient
                    && matches!(ended_by, EndedBy::Kill | EndedBy::Error);
                assert_eq!(child.is_alive(), restarted, "{auto:?} {restart:?} {ended_by:?}");
                assert!(stage.supervisor.is_alive());
                stage.strike().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_first_significant_temporary_child_everything_ends() {
    // OTP G04
    for ended_by in [EndedBy::Kill, EndedBy::Error, EndedBy::Itself] {
        let children = [("a", Restart::Temporary, true), ("b", Restart::Permanent, false)];
        let stage = with(AutoShutdown::AnySignificant, &children).await;
        let (child, other) = (stage.child("a").await, stage.child("b").await);
        let exited = stage.supervisor.exited();
        ended_by.end(&stage, &child).await;
        assert_eq!(exited.await, ExitReason::Shutdown, "{ended_by:?}");
        assert_eq!(other.exited().await, ExitReason::Shutdown);
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_last_significant_child_everything_ends() {
    // OTP G05, G08
    for restart in [Restart::Temporary, Restart::Transient] {
        let children =
            [("a", restart, true), ("b", restart, true), ("c", Restart::Permanent, false)];
        let stage = with(AutoShutdown::AllSignificant, &children).await;
        Puppet::exit(&stage.child("a").await, ExitReason::Normal).await;
        stage.settle().await;
        assert_eq!(stage.counts().await[1], 2);
        let exited = stage.supervisor.exited();
        let other = stage.child("c").await;
        Puppet::exit(&stage.child("b").await, ExitReason::Normal).await;
        assert_eq!(exited.await, ExitReason::Shutdown);
        assert_eq!(other.exited().await, ExitReason::Shutdown);
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_by_request_or_one_that_is_restarted_ends_nobody() {
    // OTP G06
    for ended_by in [EndedBy::Request, EndedBy::Kill, EndedBy::Error] {
        for auto in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
            let stage = with(auto, &[("a", Restart::Transient, true)]).await;
            let child = stage.child("a").await;
            ended_by.end(&stage, &child).await;
            stage.settle().await;
            assert!(stage.supervisor.is_alive(), "{ended_by:?}");
            assert_eq!(child.is_alive(), ended_by != EndedBy::Request);
            stage.strike().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_temporary_significant_child_that_is_terminated_ends_nobody() {
    let stage = with(AutoShutdown::AnySignificant, &[("a", Restart::Temporary, true)]).await;
    stage.supervisor.terminate_child("a").await.unwrap();
    assert_eq!(stage.counts().await, [0, 0, 0, 0]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_significant_child_for_a_siblings_sake_ends_nobody() {
    // OTP G09
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        for auto in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
            let log = Log::default();
            let builder = Supervisor::with_strategy(strategy)
                .auto_shutdown(auto)
                .child(Puppet::spec("a", &log))
                .child(Puppet::spec("b", &log).restart(Restart::Transient).significant(true))
                .child(Puppet::spec("c", &log).restart(Restart::Temporary).significant(true));
            let stage = Stage::set(builder, &log).await;
            stage.crash("a").await;
            let expected = match strategy {
                Strategy::OneForOne => listed(&[("c", true), ("b", true), ("a", true)]),
                // The temporary one was stopped with the others, and forgotten.
                _ => listed(&[("b", true), ("a", true)]),
            };
            assert_eq!(stage.which().await, expected, "{strategy:?} {auto:?}");
            stage.strike().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn auto_shutdown_climbs_where_the_supervisor_is_significant_itself() {
    // OTP G10
    let log = Log::default();
    let inner = Supervisor::one_for_one()
        .name("inner")
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(Puppet::spec("c", &log).restart(Restart::Transient).significant(true));
    let builder = Supervisor::one_for_one()
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(inner.child_spec().restart(Restart::Transient).significant(true));
    let stage = Stage::set(builder, &log).await;
    let inner = stage.supervisor.child::<Supervisor>("inner").await.unwrap();
    let child = inner.child::<Puppet>("c").await.unwrap();
    let (inner_exited, exited) = (inner.exited(), stage.supervisor.exited());
    Puppet::exit(&child, ExitReason::Normal).await;
    assert_eq!(inner_exited.await, ExitReason::Shutdown);
    assert_eq!(exited.await, ExitReason::Shutdown);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_significant_child_that_is_being_restarted_counts_as_there() {
    let log = Log::default();
    let failing =
        testkit::Strings::new("a", &log).starting([testkit::Start::Run, testkit::Start::Hang]);
    let builder = Supervisor::one_for_one()
        .auto_shutdown(AutoShutdown::AllSignificant)
        .child(failing.spec().restart(Restart::Transient).significant(true))
        .child(Puppet::spec("b", &log).restart(Restart::Transient).significant(true));
    let stage = Stage::set(builder, &log).await;
    Puppet::kill(&stage.child("a").await).await;
    Puppet::exit(&stage.child("b").await, ExitReason::Normal).await;
    assert!(stage.supervisor.which_children().await.is_ok());
    assert!(stage.supervisor.is_alive());
    stage.strike().await;
}
