//! Names that belong to the specification of a child: every incarnation takes them.

use std::sync::Arc;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, DynamicSupervisor, ExitReason, Flow, Init,
    PartitionSupervisor, Pid, Query, Registry, Reply, Restart, Result, Shutdown, Supervisor,
    SupervisorBuilder, System, Unresponsive,
};
use serde_json::json;
use testkit::{Gate, Log, Pull, Puppet, Start, Strings, eventually};

use super::puppet;
use crate::fixture::{Idle, strike, system};
use crate::real_threads::Blocking;

fn registered(name: &'static str) -> ChildSpec<Puppet> {
    Puppet::spec(name, &Log::default()).registered()
}

/// Waits until the name has another holder than `before`, and gives that.
async fn another(system: &System, name: &str, before: Pid) -> ActorRef<Puppet> {
    eventually(|| match system.registry().entry(name) {
        Ok(entry) if entry.pid != before => Ok(entry.actor_ref().unwrap()),
        Ok(entry) => Err(format!("{name} is {}", entry.pid)),
        Err(error) => Err(error.to_string()),
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_name_survives_restarts_and_is_free_when_nobody_restarts_its_holder() {
    // OTP C22
    let system = system().await;
    let top = SupervisorBuilder::name(Supervisor::one_for_one(), "top");
    let middle = Supervisor::one_for_one().name("middle").child(registered("child"));
    let middle = middle.child_spec().registered().metadata(json!({ "level": 2 }));
    let top = top.child(middle).start(&system).await.unwrap();
    let child = system.lookup::<Puppet>("child").unwrap();

    let before = child.pid();
    Puppet::kill(&child).await;
    assert_eq!(another(&system, "child", before).await, child);
    let before = child.pid();
    Puppet::exit(&child, ExitReason::Normal).await;
    another(&system, "child", before).await;

    let before = child.pid();
    let middle = system.lookup::<Supervisor>("middle").unwrap();
    middle.terminate_child("child").await.unwrap();
    assert_eq!(system.lookup::<Puppet>("child").unwrap_err().code(), "not_registered");
    middle.restart_child("child").await.unwrap();
    another(&system, "child", before).await;

    let (before, exited) = (child.pid(), middle.exited());
    middle.kill();
    exited.await;
    another(&system, "child", before).await;
    let found = system.registry().select(&Query::new().eq("level", 2)).unwrap();
    assert_eq!(found.iter().map(|it| it.pid).collect::<Vec<_>>(), [middle.pid()]);

    let exited = top.exited();
    top.kill();
    exited.await;
    assert!(system.registry().is_empty());
    strike(system).await;
}

/// Says in `init` who has its name.
struct Looks(Option<Pid>);

impl Actor for Looks {
    type Args = ();
    type Message = Reply<Option<Pid>>;

    async fn init((): (), cx: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(cx.registry().entry("looks").ok().map(|entry| entry.pid))))
    }

    async fn handle(&mut self, reply: Reply<Option<Pid>>, _: &mut Context<Self>) -> Result<Flow> {
        reply.send(self.0);
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_there_before_init() {
    let system = system().await;
    let actor = system.start(ChildSpec::<Looks>::actor("looks", ()).registered()).await.unwrap();
    assert_eq!(actor.ask(|reply| reply).await, Ok(Some(actor.pid())));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_under_a_name_that_is_taken_fails() {
    // OTP I32, H09
    let system = system().await;
    let rooms = Registry::new(&system, "rooms");
    let supervisor = DynamicSupervisor::builder().name("dynamic");
    let spec = || supervisor.clone().child_spec().via(&rooms, "lobby");
    let first = system.start(spec()).await.unwrap();
    let error = system.start(spec()).await.unwrap_err();
    assert_eq!(error.code(), "already_started");
    assert_eq!(error.details().get("pid"), Some(&json!(first.pid().to_string())));
    assert_eq!(rooms.lookup::<DynamicSupervisor>("lobby"), Ok(first.clone()));
    assert_eq!(first.count_children().unwrap().specs, 0);

    let child = || Puppet::spec("child", &Log::default()).via(&rooms, "lobby");
    assert_eq!(first.start_child(child()).await.unwrap_err().code(), "already_started");
    assert_eq!(first.count_children().unwrap().specs, 0);
    let error = Supervisor::one_for_one().child(child()).start(&system).await.unwrap_err();
    assert_eq!(error.code(), "failed_to_start_child");
    assert!(format!("{}", error.report()).contains("already_started"), "{}", error.report());
    let fixed = Supervisor::one_for_one().start(&system).await.unwrap();
    assert_eq!(fixed.start_child(child()).await.unwrap_err().code(), "already_started");
    assert_eq!(fixed.count_children().await.unwrap().specs, 0);
    assert_eq!((rooms.len(), system.census().actors), (1, 2));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_under_a_name_that_somebody_has_taken_is_a_failed_attempt() {
    let system = system().await;
    let thief = puppet(&system, "thief").await;
    let strings = Strings::new("child", &Log::default());
    let supervisor =
        Supervisor::one_for_one().child(strings.spec().registered()).start(&system).await.unwrap();
    system.registry().unregister("child").unwrap();
    system.registry().register("child", &thief).unwrap();
    let exited = supervisor.exited();
    Puppet::kill(&supervisor.child("child").await.unwrap()).await;
    assert_eq!(exited.await, ExitReason::Shutdown);
    assert_eq!((strings.starts(), system.lookup::<Puppet>("child")), (1, Ok(thief)));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_leaves_no_name() {
    let system = system().await;
    let failing =
        |start| Strings::new("child", &Log::default()).starting([start]).spec().registered();
    for start in [Start::Fail("nope"), Start::Panic, Start::Ignore, Start::Hang] {
        system.start(failing(start)).await.unwrap_err();
        assert!(system.registry().is_empty());
    }
    let full = DynamicSupervisor::builder().max_children(0).start(&system).await.unwrap();
    let error = full.start_child(registered("child")).await.unwrap_err();
    assert_eq!((error.code(), system.registry().len()), ("max_children", 0));
    let panics = ChildSpec::<Idle>::with("child", || panic!("no arguments")).registered();
    assert_eq!(system.start(panics).await.unwrap_err().code(), "actor_panicked");
    assert!(system.registry().is_empty());
    {
        // Given up half-way.
        let starting = std::pin::pin!(system.start(failing(Start::Hang)));
        let given_up = tokio::time::timeout(std::time::Duration::from_secs(1), starting).await;
        assert!(given_up.is_err());
    }
    eventually(|| match system.registry().len() {
        0 => Ok(()),
        names => Err(format!("{names} names")),
    })
    .await;
    let names = system.registry().clone();
    system.start(registered("child")).await.unwrap();
    let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
    strike(system).await;
    assert_eq!(supervisor.start_child(registered("child")).await.unwrap_err().code(), "no_process");
    assert!(names.is_empty());
}

#[tokio::test(start_paused = true)]
async fn partitions_are_registered_under_keys_of_their_own() {
    let system = system().await;
    let rooms = Registry::new(&system, "rooms");
    let partitions = |spec: fn(ChildSpec<Idle>, &Registry, usize) -> ChildSpec<Idle>| {
        let rooms = rooms.clone();
        PartitionSupervisor::of(2, move |n| spec(ChildSpec::actor("visits", ()), &rooms, n))
    };
    let error = partitions(|spec, _, _| spec.registered()).start(&system).await.unwrap_err();
    assert_eq!(
        (error.code(), error.details().get("field")),
        ("invalid_options", Some(&json!("registered")))
    );
    let keyed = partitions(|spec, rooms, n| spec.via(rooms, format!("visits {n}")));
    let visits = keyed.start(&system).await.unwrap();
    assert_eq!(rooms.lookup::<Idle>("visits 1"), visits.route(1));
    assert_eq!(rooms.len(), 2);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn children_of_dynamic_supervisors_have_their_names_again_after_a_restart() {
    let system = system().await;
    let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
    let child = supervisor.start_child(registered("child")).await.unwrap();
    let before = child.pid();
    Puppet::kill(&child).await;
    assert_eq!(another(&system, "child", before).await, child);
    let temporary = registered("temporary").restart(Restart::Temporary);
    let temporary = supervisor.start_child(temporary).await.unwrap();
    Puppet::kill(&temporary).await;
    assert_eq!(system.lookup::<Puppet>("temporary").unwrap_err().code(), "not_registered");
    supervisor.terminate_child(child.pid()).await.unwrap();
    assert!(system.registry().is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn specifications_that_cannot_be_are_refused() {
    let system = system().await;
    let spec = || Puppet::spec("child", &Log::default());
    let rooms = Registry::new(&system, "rooms");
    let refused = [
        (spec().metadata(1), "metadata"),
        (spec().via(&rooms, ""), "key"),
        (spec().via(&rooms, "k".repeat(256)), "key"),
    ];
    for (spec, field) in refused {
        let error = system.start(spec).await.unwrap_err();
        assert_eq!(
            (error.code(), error.details().get("field")),
            ("invalid_options", Some(&json!(field)))
        );
    }
    let other = foundation::System::builder().start().await.unwrap();
    let error = other.start(spec().via(&rooms, "child")).await.unwrap_err();
    assert_eq!(
        (error.code(), error.details().get("field")),
        ("invalid_options", Some(&json!("via")))
    );
    assert_eq!(other.census().actors, 0);
    // In whatever order they are said.
    let child = system.start(spec().metadata(1).registered()).await.unwrap();
    assert_eq!(system.registry().entry("child").unwrap().metadata, 1);
    assert_eq!(child.ask(Pull::Starts).await, Ok(1));
    other.stop().await.unwrap();
    strike(system).await;
}

/// The name goes to the incarnation that is there to answer to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_abandoned_loses_its_name_to_the_next_one() {
    let system = system().await;
    let (gate, log) = (Arc::new(Gate::default()), Log::default());
    let args = (Arc::clone(&gate), log.clone());
    let child = ChildSpec::<Blocking>::actor("child", args)
        .shutdown(Shutdown::BrutalKill)
        .when_unresponsive(Unresponsive::Abandon)
        .registered();
    let supervisor = Supervisor::one_for_all()
        .child(child)
        .child(ChildSpec::<Idle>::actor("other", ()))
        .start(&system)
        .await
        .unwrap();
    let before = system.lookup::<Blocking>("child").unwrap();
    before.tell(()).await.unwrap();
    gate.is_held().await;
    supervisor.child::<Idle>("other").await.unwrap().kill();
    let after = eventually(|| match system.lookup::<Blocking>("child") {
        Ok(after) if after != before => Ok(after),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert!(before.is_alive() && after.is_alive());
    assert_eq!((before.status().registrations, after.status().registrations), (0, 1));
    let exited = before.exited();
    gate.open();
    exited.await;
    assert_eq!(system.lookup::<Blocking>("child"), Ok(after));
    strike(system).await;
}

/// Symptom: a dynamic child that was terminated and did not end kept its name, so that nobody could
/// be started under it any more, although nobody supervised the one who had it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dynamic_child_that_is_abandoned_leaves_its_name_to_the_next_one() {
    let system = system().await;
    let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
    for restart in [Restart::Permanent, Restart::Temporary] {
        let (gate, log) = (Arc::new(Gate::default()), Log::default());
        let child = || {
            ChildSpec::<Blocking>::actor("child", (Arc::clone(&gate), log.clone()))
                .shutdown(Shutdown::BrutalKill)
                .when_unresponsive(Unresponsive::Abandon)
                .restart(restart)
                .registered()
        };
        let before = supervisor.start_child(child()).await.unwrap();
        before.tell(()).await.unwrap();
        gate.is_held().await;
        let _ = supervisor.terminate_child(before.pid()).await;
        let next = supervisor.start_child(child()).await.unwrap();
        assert_eq!(system.lookup::<Blocking>("child"), Ok(next.clone()));
        let exited = before.exited();
        gate.open();
        exited.await;
        assert_eq!(system.lookup::<Blocking>("child"), Ok(next.clone()));
        supervisor.terminate_child(next.pid()).await.unwrap();
        assert!(system.registry().is_empty());
    }
    strike(system).await;
}

/// Takes a name of its own when it starts, and holds its thread over every message.
struct Holds(Arc<Gate>);

impl Actor for Holds {
    type Args = Arc<Gate>;
    type Message = ();

    async fn init(gate: Arc<Gate>, cx: &mut Context<Self>) -> Result<Init<Self>> {
        let me = cx.me();
        cx.registry().register("own", &me)?;
        cx.groups().join("group", &me)?;
        Ok(Init::Ready(Self(gate)))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow> {
        self.0.hold_thread();
        Ok(Flow::Continue)
    }
}

/// Symptom: the child that took the place of an abandoned one failed to start until the budget was
/// spent, because the abandoned one kept what it had registered in its `init`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_abandoned_loses_all_that_it_has_registered() {
    let system = system().await;
    let gate = Arc::new(Gate::default());
    let child = ChildSpec::<Holds>::actor("child", Arc::clone(&gate))
        .shutdown(Shutdown::BrutalKill)
        .when_unresponsive(Unresponsive::Abandon);
    let supervisor = Supervisor::one_for_one().child(child).start(&system).await.unwrap();
    let before = system.lookup::<Holds>("own").unwrap();
    before.tell(()).await.unwrap();
    gate.is_held().await;
    supervisor.terminate_child("child").await.unwrap();
    supervisor.restart_child("child").await.unwrap();
    let after = system.lookup::<Holds>("own").unwrap();
    assert_ne!(before, after);
    assert_eq!(system.groups().members::<Holds>("group"), Ok(vec![after.clone()]));
    let exited = before.exited();
    gate.open();
    exited.await;
    assert_eq!(system.lookup::<Holds>("own"), Ok(after));
    strike(system).await;
}
