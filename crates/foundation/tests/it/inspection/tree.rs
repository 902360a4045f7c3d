//! The whole tree as data.

use std::sync::Arc;
use std::time::Duration;

use foundation::{
    Actor, ChildSpec, ChildState, Context, DynamicSupervisor, Flow, Init, PartitionSupervisor,
    Restart, Result, Supervisor, System, TaskSupervisor, Tree, TreeNode,
};
use serde_json::json;
use testkit::{End, Gate, Log, Puppet, Start, Strings, eventually};
use tokio::sync::Notify;

use super::{Say, glass, hold};
use crate::fixture::{Idle, after, strike, system};

fn names(nodes: &[TreeNode]) -> Vec<&str> {
    nodes.iter().map(|node| &*node.name).collect()
}

#[tokio::test(start_paused = true)]
async fn a_tree_has_everything_in_the_system() {
    let (system, log) = (system().await, Log::default());
    let idle = |name: &str| ChildSpec::<Idle>::actor(name, ());
    let shop = Supervisor::rest_for_one()
        .name("shop")
        .child(glass(&log))
        .child(DynamicSupervisor::builder().name("sessions").child_spec())
        .child(
            PartitionSupervisor::of(2, |_| ChildSpec::<Idle>::actor("visits", ()))
                .name("visits")
                .child_spec(),
        )
        .start(&system)
        .await
        .unwrap();
    let sessions = shop.child::<DynamicSupervisor>("sessions").await.unwrap();
    for session in ["alice", "bob"] {
        sessions.start_child(idle(session)).await.unwrap();
    }
    let tasks = TaskSupervisor::builder().name("tasks").start(&system).await.unwrap();
    let task = tasks.async_nolink(std::future::pending::<Result<()>>()).unwrap();
    system.start(idle("last")).await.unwrap();
    let glass = shop.child::<super::Glass>("glass").await.unwrap();
    hold(&glass, &log).await;
    glass.tell(Say::Add(1)).await.unwrap();
    let alice = sessions.which_children().unwrap()[0].pid.unwrap();
    sessions.child::<Idle>(alice).unwrap().kill();
    after(Duration::from_secs(3)).await;

    let tree = system.tree().await;
    let shown = "\
test
├─ shop <1.1> supervisor running, up 3 s
│  ├─ glass <2.1> running, 1 waiting, up 3 s
│  ├─ sessions <3.1> supervisor running, up 3 s
│  │  ├─ alice <7.2> running, 1 restart, up 3 s
│  │  └─ bob <8.1> running, up 3 s
│  └─ visits <4.1> supervisor running, up 3 s
│     ├─ 0 <5.1> running, up 3 s
│     └─ 1 <6.1> running, up 3 s
├─ tasks <9.1> supervisor running, up 3 s
│  └─ task <10.1> running, up 3 s
└─ last <11.1> running, up 3 s";
    assert_eq!(tree.to_string(), shown);
    assert_eq!((tree.len(), system.census().actors), (11, 11));
    let mut json = tree.to_json();
    assert_eq!(json["system"], "test");
    let glass = json!({
        "name": "glass", "pid": "<2.1>", "kind": "worker", "state": "running", "suspended": false,
        "restarts": 0, "mailbox_len": 1, "uptime_seconds": null,
    });
    let uptime = json["children"][0]["children"][0]["uptime_seconds"].take();
    assert!((3.0..3.1).contains(&uptime.as_f64().unwrap()), "{uptime}");
    assert_eq!(json["children"][0]["children"][0], glass);
    assert_eq!(json["children"][2].get("children"), None);
    assert_eq!(
        tree.find(&["shop", "sessions", "bob"]).map(|it| it.state),
        Some(ChildState::Running)
    );
    assert_eq!((tree.find(&["shop", "bob"]), tree.find(&[])), (None, None));
    drop(task);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_system_without_actors_is_an_empty_tree() {
    let system = system().await;
    let tree = system.tree().await;
    assert_eq!((tree.to_string(), tree.is_empty(), tree.len()), ("test".to_owned(), true, 0));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn supervisors_name_their_children_while_they_start_and_stop() {
    let (system, log) = (system().await, Log::default());
    let gate = Arc::new(Notify::new());
    let slow = Strings::new("slow", &log)
        .starting([Start::WaitFor(Arc::clone(&gate))])
        .ending(End::Take(Duration::from_secs(2)));
    let supervisor = Supervisor::one_for_one()
        .name("shop")
        .child(Puppet::spec("quick", &log))
        .child(slow.spec())
        .child(Puppet::spec("later", &log));
    let states = |tree: &Tree| {
        let shop = tree.find(&["shop"]).unwrap();
        let children =
            shop.children.iter().map(|child| format!("{} {}", child.name, child.state.as_str()));
        (shop.state, children.collect::<Vec<_>>().join(", "))
    };
    let looking = async {
        log.wait_for("+slow").await;
        let tree = system.tree().await;
        gate.notify_one();
        tree
    };
    let (started, tree) = tokio::join!(supervisor.start(&system), looking);
    let expected = "quick running, slow starting, later stopped";
    assert_eq!(states(&tree), (ChildState::Starting, expected.to_owned()));
    let shop = started.unwrap();
    let looking = async {
        log.wait_for("slow?").await;
        system.tree().await
    };
    let (_, tree) = tokio::join!(shop.stop(foundation::ExitReason::Shutdown), looking);
    let expected = "quick running, slow stopping, later stopped";
    assert_eq!(states(&tree), (ChildState::Stopping, expected.to_owned()));
    assert_eq!(tree.find(&["shop", "later"]).map(|it| (it.pid, it.uptime)), Some((None, None)));
    assert!(system.tree().await.is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn children_that_do_not_run_are_in_the_tree() {
    let (system, log) = (system().await, Log::default());
    let fails = Strings::new("fails", &log).then(Start::Fail("nope")).starting([Start::Run]);
    let budget = foundation::ChildBudget::default().intensity(1, Duration::from_mins(1));
    let dynamic = DynamicSupervisor::builder().name("dynamic").budget_per_child(budget);
    let dynamic = dynamic.start(&system).await.unwrap();
    let child = dynamic.start_child(fails.spec()).await.unwrap();
    Puppet::kill(&child).await;
    let fixed = Supervisor::one_for_one()
        .name("fixed")
        .child(Puppet::spec("stopped", &log).restart(Restart::Transient))
        .start(&system)
        .await
        .unwrap();
    fixed.terminate_child("stopped").await.unwrap();
    after(Duration::from_mins(2)).await;
    let tree = system.tree().await;
    let shown = "\
test
├─ dynamic <1.1> supervisor running, up 120 s
│  └─ fails quarantined, 1 restart
└─ fixed <3.1> supervisor running, up 120 s
   └─ stopped stopped";
    assert_eq!(tree.to_string(), shown);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_suspended_is_marked() {
    let (system, log) = (system().await, Log::default());
    let supervisor = Supervisor::one_for_one().name("shop").child(glass(&log));
    let supervisor = supervisor.start(&system).await.unwrap();
    let glass = supervisor.child::<super::Glass>("glass").await.unwrap();
    glass.suspend().await.unwrap();
    let shown = "test\n└─ shop <1.1> supervisor running, up 0 s\n   └─ glass <2.1> running, suspended, up 0 s";
    assert_eq!(system.tree().await.to_string(), shown);
    supervisor.suspend().await.unwrap();
    let tree = system.tree().await;
    let shown = "test\n└─ shop <1.1> supervisor running, suspended, up 0 s, children unknown";
    assert_eq!(tree.to_string(), shown);
    assert_eq!(tree.find(&["shop"]).map(|it| it.complete), Some(false));
    assert_eq!(tree.to_json()["children"][0]["complete"], false);
    strike(system).await;
}

/// Holds the thread of whoever drops it.
struct Heavy(Arc<Gate>);

impl Drop for Heavy {
    fn drop(&mut self) {
        self.0.hold_thread();
    }
}

struct Carrier;

impl Actor for Carrier {
    type Args = Arc<Heavy>;
    type Message = ();

    async fn init(_: Arc<Heavy>, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow> {
        Ok(Flow::Continue)
    }
}

/// What a specification holds is dropped in the loop of its supervisor, and may be anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_that_does_not_answer_holds_up_nobody() {
    let system = System::builder().name("test").start().await.unwrap();
    let gate = Arc::new(Gate::default());
    let heavy = Arc::new(Heavy(Arc::clone(&gate)));
    let spec = ChildSpec::<Carrier>::actor("carrier", heavy);
    let stuck = Supervisor::one_for_one().name("stuck").child(spec).start(&system).await.unwrap();
    let fine = Supervisor::one_for_one().name("fine").child(ChildSpec::<Idle>::actor("idle", ()));
    fine.start(&system).await.unwrap();
    stuck.terminate_child("carrier").await.unwrap();
    let deleted = stuck.delete_child("carrier");
    let looking = async {
        gate.is_held().await;
        let tree = system.tree().await;
        gate.open();
        tree
    };
    let (deleted, tree) = tokio::join!(deleted, looking);
    deleted.unwrap();
    assert_eq!(tree.find(&["stuck"]).map(|it| it.complete), Some(false));
    assert_eq!(tree.find(&["fine"]).map(|it| names(&it.children)), Some(vec!["idle"]));
    eventually(|| if stuck.is_alive() { Ok(()) } else { Err("gone") }).await;
    assert_eq!(system.tree().await.find(&["stuck"]).map(|it| it.complete), Some(true));
    system.stop().await.unwrap();
}
