//! Starting, what `init` may say, and specifications that cannot be.

use std::sync::Arc;
use std::time::Duration;

use foundation::{
    AutoShutdown, ChildKind, ChildSpec, ChildState, ExitReason, Mailbox, Restart, Shutdown,
    Strategy, Supervisor, SupervisorBuilder,
};
use testkit::{End, Log, Pull, Puppet, Start, Strings};
use tokio::sync::Notify;

use super::{HOUR, Stage, counts, listed};
use crate::fixture::system;

#[tokio::test(start_paused = true)]
async fn an_empty_supervisor_starts_and_ends_with_the_reason_it_is_given() {
    // OTP A01
    let system = system().await;
    let supervisor = Supervisor::one_for_one().intensity(2, HOUR).start(&system).await.unwrap();
    assert_eq!(counts(&supervisor).await, [0, 0, 0, 0]);
    assert!(supervisor.which_children().await.unwrap().is_empty());
    assert_eq!(supervisor.stop(ExitReason::Shutdown).await.unwrap(), ExitReason::Shutdown);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_ignores_its_start_tells_those_linked_to_it_nothing() {
    // OTP A02: ours is told to the caller as `start_ignored`; a supervisor itself never ignores.
    let (system, log) = (system().await, Log::default());
    let strings = Strings::new("a", &log).starting([Start::Ignore]);
    assert_eq!(system.start(strings.spec()).await.unwrap_err().code(), "start_ignored");
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_init_panics_fails_the_start_of_the_supervisor() {
    // OTP A04, K05
    let (system, log) = (system().await, Log::default());
    let child = Strings::new("a", &log).starting([Start::Panic]);
    let error = Supervisor::one_for_one().child(child.spec()).start(&system).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["child"]), ("failed_to_start_child", &"a".into()));
    let report = error.report().to_string();
    assert!(report.contains("actor_panicked: a in init"), "{report}");
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ignores_its_start_is_kept() {
    // OTP A05: `start_child` gives the error `start_ignored` where OTP gives no pid.
    let stage = Stage::of(Strategy::OneForOne, &[]).await;
    let ignoring = Strings::new("a", &stage.log).starting([Start::Ignore]);
    let error = stage.supervisor.start_child(ignoring.spec()).await.unwrap_err();
    assert_eq!(error.code(), "start_ignored");
    stage.supervisor.start_child(Puppet::spec("b", &stage.log)).await.unwrap();
    assert_eq!(stage.which().await, listed(&[("b", true), ("a", false)]));
    assert_eq!(stage.counts().await, [2, 1, 0, 2]);
    stage.supervisor.restart_child("a").await.unwrap();
    assert_eq!(stage.counts().await, [2, 2, 0, 2]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_that_ignores_its_start_is_forgotten() {
    // OTP A06
    let log = Log::default();
    let ignoring = Strings::new("a", &log).starting([Start::Ignore]);
    let supervisor = Supervisor::one_for_one()
        .child(ignoring.spec().restart(Restart::Temporary))
        .child(Puppet::spec("b", &log).restart(Restart::Temporary));
    let stage = Stage::set(supervisor, &log).await;
    assert_eq!(stage.which().await, listed(&[("b", true)]));
    assert_eq!(stage.counts().await, [1, 1, 0, 1]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_start_again_by_request_is_kept() {
    // OTP A10
    let log = Log::default();
    let child = Strings::new("a", &log).starting([Start::Run, Start::Fail("broken")]);
    let stage = Stage::set(Supervisor::one_for_one().child(child.spec()), &log).await;
    stage.supervisor.terminate_child("a").await.unwrap();
    let error = stage.supervisor.restart_child("a").await.unwrap_err();
    assert_eq!(error.code(), "broken");
    assert_eq!(stage.which().await, listed(&[("a", false)]));
    assert_eq!(stage.state("a").await, ChildState::Stopped);
    stage.supervisor.restart_child("a").await.unwrap();
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_start_by_request_is_not_added() {
    let stage = Stage::of(Strategy::OneForAll, &["a"]).await;
    let before = stage.pid("a").await;
    for (start, code) in [(Start::Fail("broken"), "broken"), (Start::Panic, "actor_panicked")] {
        let child = Strings::new("b", &stage.log).starting([start]);
        let error = stage.supervisor.start_child(child.spec()).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(error.details().get("child"), None);
    }
    let slow = Strings::new("b", &stage.log).starting([Start::Hang]);
    let error = stage
        .supervisor
        .start_child(slow.spec().start_within(Duration::from_secs(2)))
        .await
        .unwrap_err();
    assert_eq!((error.code(), error.message()), ("timeout", "init took too long"));
    assert_eq!((stage.counts().await, stage.pid("a").await), ([1, 1, 0, 1], before));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_specification_does_not_say_has_a_default() {
    // OTP A13: permanent, a worker, and asked for 5 s; a supervisor is waited for without end.
    let log = Log::default();
    let supervisor = Supervisor::one_for_one()
        .child(Strings::new("default", &log).ending(End::Hang).spec())
        .child(Strings::new("brutal", &log).ending(End::Hang).spec().shutdown(Shutdown::BrutalKill))
        .child(Supervisor::one_for_one().name("inner").child(
            Strings::new("slow", &log).ending(End::Take(HOUR)).spec().shutdown(Shutdown::Infinity),
        ));
    let stage = Stage::set(supervisor, &log).await;
    let kinds = stage.supervisor.which_children().await.unwrap();
    let kinds: Vec<_> = kinds.iter().map(|child| child.kind).collect();
    assert_eq!(kinds, [ChildKind::Supervisor, ChildKind::Worker, ChildKind::Worker]);
    let timed = async |name: &str| {
        let started = tokio::time::Instant::now();
        stage.supervisor.terminate_child(name).await.unwrap();
        started.elapsed()
    };
    assert_eq!(timed("inner").await, HOUR);
    assert_eq!(timed("brutal").await, Duration::ZERO);
    assert_eq!(timed("default").await, Duration::from_secs(5));
    let missing = stage.supervisor.child::<Puppet>("nobody").await.unwrap_err();
    assert_eq!(missing.code(), "child_not_found");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_start_has_to_tell_is_asked_of_the_child() {
    // OTP A16: there is no further value beside the reference; the first message is one.
    let stage = Stage::of(Strategy::OneForOne, &[]).await;
    let child = stage.supervisor.start_child(Puppet::spec("a", &stage.log)).await.unwrap();
    assert_eq!(child.ask(Pull::Starts).await.unwrap(), 1);
    stage.crash("a").await;
    // The reference survives the restart.
    assert_eq!(child.ask(Pull::Starts).await.unwrap(), 2);
    assert_eq!((child.pid().generation, child.is_alive()), (2, true));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_with_its_field_before_anything_runs() {
    // OTP A17, A20, A21, A24. What the types exclude (an unknown restart, a kind that is none)
    // cannot be written down.
    let log = Log::default();
    let spec = || Puppet::spec("a", &log);
    let specs = [
        ("name", ChildSpec::actor("", Strings::new("a", &log))),
        ("mailbox.capacity", spec().mailbox(Mailbox::bounded(0))),
        ("start_within", spec().start_within(Duration::ZERO)),
        ("significant", spec().restart(Restart::Transient).significant(true)),
        ("significant", spec().restart(Restart::Permanent).significant(true)),
        ("significant", spec().significant(true)),
        ("restart", ChildSpec::once("a", Strings::new("a", &log)).restart(Restart::Permanent)),
    ];
    let stage = Stage::of(Strategy::OneForOne, &[]).await;
    for (field, spec) in specs {
        let added = stage.supervisor.start_child(spec.clone()).await.unwrap_err();
        let builder = Supervisor::one_for_one().name("other").child(spec);
        let first = builder.start(&stage.system).await.unwrap_err();
        for error in [added, first] {
            assert_eq!(error.code(), "invalid_options");
            assert_eq!(error.details()["field"], field, "{error}");
        }
    }
    let builders = [
        ("name", Supervisor::one_for_one().name("")),
        ("intensity.period", Supervisor::one_for_one().intensity(1, Duration::ZERO)),
    ];
    for (field, builder) in builders {
        let error = builder.start(&stage.system).await.unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    let twins = Supervisor::one_for_one().child(spec()).child(spec());
    let error = twins.start(&stage.system).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["child"]), ("duplicate_child", &"a".into()));
    assert!(log.entries().is_empty());
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn every_restart_and_every_shutdown_goes_with_every_kind() {
    // OTP A18, F20
    let log = Log::default();
    let stage = Stage::of(Strategy::OneForOne, &[]).await;
    let second = Duration::from_secs(1);
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        for shutdown in [
            Shutdown::Within(Duration::ZERO),
            Shutdown::Within(second),
            Shutdown::Infinity,
            Shutdown::BrutalKill,
        ] {
            let worker = Puppet::spec("worker", &log).restart(restart).shutdown(shutdown);
            let inner = Supervisor::one_for_one().name("inner").child_spec();
            stage.supervisor.start_child(worker).await.unwrap();
            stage.supervisor.start_child(inner.restart(restart).shutdown(shutdown)).await.unwrap();
            assert_eq!(stage.counts().await, [2, 2, 1, 1], "{restart:?} {shutdown:?}");
            for name in ["worker", "inner"] {
                stage.supervisor.terminate_child(name).await.unwrap();
                if restart != Restart::Temporary {
                    stage.supervisor.delete_child(name).await.unwrap();
                }
            }
            assert_eq!(stage.counts().await, [0, 0, 0, 0]);
        }
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn significant_children_are_welcome_where_there_is_auto_shutdown() {
    // OTP A22
    for auto_shutdown in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
        let log = Log::default();
        let builder = Supervisor::one_for_one().auto_shutdown(auto_shutdown);
        let stage = Stage::set(builder, &log).await;
        for (name, restart) in [("a", Restart::Transient), ("b", Restart::Temporary)] {
            let spec = Puppet::spec(name, &log).restart(restart).significant(true);
            stage.supervisor.start_child(spec).await.unwrap();
        }
        assert_eq!(stage.counts().await, [2, 2, 0, 2]);
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_start_finds_taken_is_its_error_and_leaves_the_holder_alone() {
    // OTP A26: a child that cannot have what it needs says so, and is not added.
    let stage = Stage::of(Strategy::OneForOne, &["holder"]).await;
    let before = stage.pid("holder").await;
    let child = Strings::new("other", &stage.log).starting([Start::Fail("already_taken")]);
    let error = stage.supervisor.start_child(child.spec()).await.unwrap_err();
    assert_eq!(error.code(), "already_taken");
    assert_eq!((stage.pid("holder").await, stage.counts().await), (before, [1, 1, 0, 1]));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn when_a_first_child_does_not_start_those_before_it_are_stopped_in_reverse() {
    // OTP A28
    let (system, log) = (system().await, Log::default());
    let failing = Strings::new("c", &log).starting([Start::Fail("broken")]);
    let error = Supervisor::one_for_one()
        .child(Puppet::spec("a", &log))
        .child(Puppet::spec("b", &log))
        .child(failing.spec())
        .child(Puppet::spec("d", &log))
        .start(&system)
        .await
        .unwrap_err();
    assert_eq!((error.code(), &error.details()["child"]), ("failed_to_start_child", &"c".into()));
    assert!(error.report().to_string().contains("broken"));
    assert_eq!(log.entries(), ["+a", "+b", "+c", "b?", "-b", "a?", "-a"]);
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn three_restarts_in_five_seconds_are_allowed_unless_the_options_say_otherwise() {
    // OTP A29: the defaults of Elixir; OTP's is one restart in 5 s. SUP-8: the fourth crash in 5 s.
    for (pause, survives) in [(Duration::from_secs(1), false), (Duration::from_secs(2), true)] {
        let log = Log::default();
        let builder = Supervisor::one_for_one().child(Puppet::spec("a", &log));
        let stage = Stage::set(builder, &log).await;
        for _ in 0..3 {
            stage.crash("a").await;
            testkit::pass(pause).await;
        }
        assert!(stage.supervisor.is_alive());
        Puppet::kill(&stage.child("a").await).await;
        if survives {
            stage.settle().await;
            assert_eq!(stage.counts().await, [1, 1, 0, 1]);
        } else {
            assert_eq!(stage.supervisor.exited().await, ExitReason::Shutdown);
        }
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn options_of_a_clone_change_the_clone_alone() {
    // OTP A30
    let (system, log) = (system().await, Log::default());
    let base = Supervisor::one_for_one().name("base").child(Puppet::spec("a", &log));
    let other = base.clone().name("other").child(Puppet::spec("b", &log));
    let base = base.start(&system).await.unwrap();
    let other = other.start(&system).await.unwrap();
    assert_eq!((counts(&base).await, counts(&other).await), ([1, 1, 0, 1], [2, 2, 0, 2]));
    // Both have a child called `a`, each its own.
    let one = base.child::<Puppet>("a").await.unwrap();
    let two = other.child::<Puppet>("a").await.unwrap();
    assert_ne!((one.pid(), one.clone()), (two.pid(), two.clone()));
    assert_eq!((base.name(), other.name()), ("base", "other"));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reference_is_given_only_to_who_speaks_the_language() {
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    let error = stage.supervisor.child::<Supervisor>("a").await.unwrap_err();
    assert_eq!(error.code(), "wrong_type");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn one_time_arguments_start_once() {
    let stage = Stage::of(Strategy::OneForOne, &[]).await;
    let spec = ChildSpec::<Puppet>::once("a", Strings::new("a", &stage.log));
    let child = stage.supervisor.start_child(spec.clone()).await.unwrap();
    Puppet::kill(&child).await;
    assert_eq!(stage.counts().await, [0, 0, 0, 0]);
    let error = stage.supervisor.start_child(spec).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &"args".into()));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_answers_while_a_child_starts() {
    let stage = Stage::of(Strategy::OneForAll, &["a"]).await;
    let gate = Arc::new(Notify::new());
    let slow = Strings::new("b", &stage.log).starting([Start::WaitFor(Arc::clone(&gate))]);
    let starting = stage.supervisor.start_child(slow.spec());
    let looking = async {
        stage.log.wait_for("+b").await;
        assert_eq!(stage.state("b").await, ChildState::Starting);
        assert_eq!(stage.counts().await, [2, 2, 0, 2]);
        gate.notify_one();
    };
    let (started, ()) = tokio::join!(starting, looking);
    started.unwrap();
    assert_eq!(stage.state("b").await, ChildState::Running);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_can_be_stopped_and_killed_while_its_first_children_start() {
    for killed in [false, true] {
        let (system, log) = (system().await, Log::default());
        let outer = Supervisor::one_for_one().name("outer").start(&system).await.unwrap();
        let hanging = Strings::new("b", &log).starting([Start::Hang]);
        let inner: SupervisorBuilder = Supervisor::rest_for_one()
            .name("inner")
            .child(Puppet::spec("a", &log))
            .child(hanging.spec());
        let ending = async {
            log.wait_for("+b").await;
            if killed { outer.kill() } else { drop(outer.terminate_child("inner").await) }
        };
        let (started, ()) = tokio::join!(outer.start_child(inner), ending);
        assert_eq!(started.unwrap_err().code(), "actor_stopped");
        if killed {
            assert_eq!(outer.exited().await, ExitReason::Killed);
        } else {
            // The child in `init` does not see that it is asked, and has 5 s like any other.
            assert_eq!(log.entries(), ["+a", "+b", "a?", "-a"]);
            assert_eq!(counts(&outer).await, [1, 0, 1, 0]);
        }
        assert_eq!(system.census().actors, usize::from(!killed));
        system.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn first_children_that_fail_too_often_while_the_others_start_end_the_supervisor() {
    // The start is a success, and the end follows: the failure was waiting for the start to be
    // over.
    let (system, log) = (system().await, Log::default());
    let gate = Arc::new(Notify::new());
    let brief = Strings::new("a", &log).starting([Start::RunAndExit(ExitReason::Killed)]);
    let slow = Strings::new("b", &log).starting([Start::WaitFor(Arc::clone(&gate))]);
    let builder =
        Supervisor::one_for_one().intensity(0, HOUR).child(brief.spec()).child(slow.spec());
    let opening = async {
        log.wait_for("-a").await;
        gate.notify_one();
    };
    let (supervisor, ()) = tokio::join!(builder.start(&system), opening);
    let supervisor = supervisor.unwrap();
    assert_eq!(supervisor.exited().await, ExitReason::Shutdown);
    assert_eq!(log.entries(), ["+a", "a?", "-a", "+b", "b?", "-b"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn clones_of_a_tree_have_places_of_their_own_at_every_depth() {
    let (one, two, log) = (system().await, system().await, Log::default());
    let inner = || Supervisor::one_for_one().name("inner").child(Puppet::spec("a", &log));
    let builder = Supervisor::one_for_one().name("top").child(inner());
    let spec = Supervisor::one_for_one().name("other").child(inner()).child_spec();
    let mut pids = Vec::new();
    for system in [&one, &two] {
        let tops = [
            builder.clone().start(system).await.unwrap(),
            system.start(spec.clone()).await.unwrap(),
            system.start(spec.clone()).await.unwrap(),
        ];
        for top in tops {
            let inner = top.child::<Supervisor>("inner").await.unwrap();
            let child = inner.child::<Puppet>("a").await.unwrap();
            assert!(child.is_alive());
            pids.push(child.pid());
        }
    }
    // Each system counts for itself, and in each there are three.
    assert_eq!(pids[..3], pids[3..]);
    pids.truncate(3);
    pids.dedup();
    assert_eq!(pids.len(), 3);
    one.stop().await.unwrap();
    assert_eq!(two.census().actors, 9);
    two.stop().await.unwrap();
}
