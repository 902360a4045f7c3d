//! Names that somebody registers: one holder each, gone with it, and never somebody dead.

use foundation::{
    Actor, ActorRef, ChildSpec, Context, ExitReason, Flow, Init, Registry, Reply, Result,
    TaskContext, TaskSupervisor, Via,
};
use serde_json::{Value, json};
use testkit::{Log, Pull, Puppet};

use super::{end, idle, puppet};
use crate::fixture::{Idle, Message, Script, Scripted, running, strike, system};

#[tokio::test(start_paused = true)]
async fn a_name_has_one_holder() {
    // OTP I29
    let system = system().await;
    let (first, second) = (puppet(&system, "first").await, puppet(&system, "second").await);
    let registry = system.registry();
    registry.register("name", &first).unwrap();
    for other in [&second, &first] {
        let error = registry.register("name", other).unwrap_err();
        assert_eq!(error.code(), "already_registered");
        assert_eq!(error.details().get("pid"), Some(&json!(first.pid().to_string())));
    }
    assert_eq!((registry.len(), registry.keys()), (1, vec!["name".into()]));
    assert_eq!(system.lookup::<Puppet>("name"), Ok(first.clone()));
    registry.register("another", &first).unwrap();
    registry.unregister("name").unwrap();
    assert_eq!(registry.unregister("name").unwrap_err().code(), "not_registered");
    registry.register("name", &second).unwrap();
    assert_eq!(first.status().registrations + second.status().registrations, 2);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_free_when_its_holder_has_ended() {
    // OTP I30
    let system = system().await;
    let (first, second) = (puppet(&system, "first").await, puppet(&system, "second").await);
    let registry = Registry::new(&system, "rooms");
    for key in ["a", "b", "c"] {
        registry.register_with(key, &first, json!({ "floor": 1 })).unwrap();
    }
    registry.register("d", &second).unwrap();
    Puppet::exit(&first, ExitReason::Normal).await;
    assert_eq!(registry.keys(), ["d".into()]);
    let error = registry.lookup::<Puppet>("a").unwrap_err();
    assert_eq!(
        (error.code(), error.details().get("registry")),
        ("not_registered", Some(&json!("rooms")))
    );
    assert_eq!(registry.register("a", &first).unwrap_err().code(), "no_process");
    registry.register("a", &second).unwrap();
    assert_eq!(registry.len(), 2);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_its_own_name_does_not_take_that_of_another() {
    let system = system().await;
    let (first, second) = (puppet(&system, "first").await, puppet(&system, "second").await);
    let registry = system.registry();
    registry.register("name", &first).unwrap();
    assert_eq!(registry.unregister_from("name", &second).unwrap_err().code(), "not_registered");
    registry.unregister_from("name", &first).unwrap();
    registry.register("name", &second).unwrap();
    assert_eq!(registry.unregister_from("name", &first).unwrap_err().code(), "not_registered");
    assert_eq!(system.lookup::<Puppet>("name"), Ok(second));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_those_who_have_ended() {
    // LEAK-2, LEAK-8
    let system = system().await;
    let actors = idle(&system, 50).await;
    let registry = system.registry();
    for (n, actor) in actors.iter().enumerate() {
        registry.register(format!("agent {n}"), actor).unwrap();
        system.groups().join("agents", actor).unwrap();
        assert_eq!(actor.status().registrations, 2);
    }
    for (n, actor) in actors.iter().enumerate() {
        end(actor).await;
        assert_eq!(
            system.lookup::<Idle>(&format!("agent {n}")).unwrap_err().code(),
            "not_registered"
        );
        assert_eq!(actor.status().registrations, 0);
        assert_eq!((registry.len(), system.groups().len()), (49 - n, 49 - n));
    }
    // Nobody unknown is removed by mistake, and nobody twice.
    assert_eq!(registry.unregister("agent 1").unwrap_err().code(), "not_registered");
    assert!(registry.is_empty() && system.groups().groups().is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_name_is_reached_by_it() {
    // OTP I28
    let (system, actor) = running(&Script::default()).await;
    let via = system.registry().via("name");
    assert_eq!(via.tell(Message::Note("a")).await.unwrap_err().code(), "not_registered");
    assert_eq!(
        via.ask(|reply| Message::Number(1, reply)).await.unwrap_err().code(),
        "not_registered"
    );
    system.registry().register("name", &actor).unwrap();
    via.tell(Message::Note("b")).await.unwrap();
    assert_eq!(via.clone().ask(|reply| Message::Number(7, reply)).await, Ok(7));
    assert_eq!((via.key(), via.resolve()), ("name", Ok(actor.clone())));
    actor.stop(ExitReason::Normal).await.unwrap();
    assert_eq!(via.tell(Message::Note("c")).await.unwrap_err().code(), "not_registered");
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_finds_others_by_their_names() {
    let (system, actor) = running(&Script::default()).await;
    system.registry().register("name", &actor).unwrap();
    system.groups().join("group", &actor).unwrap();
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let task = tasks.async_nolink(foundation::Job::with(async |cx: TaskContext| {
        let members = cx.groups().members::<Scripted>("group")?.len();
        let found = cx.registry().lookup::<Scripted>("name")?;
        Ok((members, found.ask(|reply| Message::Number(7, reply)).await?))
    }));
    assert_eq!(task.unwrap().await, Ok((1, 7)));
    strike(system).await;
}

/// Asks itself by its name.
struct Mirror;

enum Look {
    Around(Via<Mirror>, Reply<Result<u32>>),
    Back(Reply<u32>),
}

impl Actor for Mirror {
    type Args = ();
    type Message = Look;

    async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, look: Look, _: &mut Context<Self>) -> Result<Flow> {
        match look {
            Look::Around(me, reply) => reply.send(me.ask(Look::Back).await),
            Look::Back(reply) => reply.send(1),
        }
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_asks_itself_by_its_name_is_told_so() {
    // OTP I25
    let system = system().await;
    let spec = ChildSpec::<Mirror>::actor("mirror", ()).registered();
    let mirror = system.start(spec).await.unwrap();
    let via: Via<Mirror> = system.registry().via("mirror");
    assert_eq!(via.ask(Look::Back).await, Ok(1));
    let asked = mirror.ask(|reply| Look::Around(via, reply)).await.unwrap();
    assert_eq!(asked.unwrap_err().code(), "calling_self");
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_of_another_type_is_not_given_out() {
    let system = system().await;
    let actor = puppet(&system, "puppet").await;
    system.registry().register("name", &actor).unwrap();
    assert_eq!(system.lookup::<Idle>("name").unwrap_err().code(), "wrong_type");
    let entry = system.registry().entry("name").unwrap();
    assert_eq!(entry.actor_ref::<Idle>().unwrap_err().code(), "wrong_type");
    assert_eq!((&*entry.actor, entry.pid, &entry.metadata), ("puppet", actor.pid(), &Value::Null));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_registered_is_refused() {
    let (system, other) = (system().await, system().await);
    let (actor, stranger) = (puppet(&system, "puppet").await, puppet(&other, "stranger").await);
    let registry = system.registry();
    for key in [String::new(), "k".repeat(256)] {
        let error = registry.register(key, &actor).unwrap_err();
        assert_eq!(
            (error.code(), error.details().get("field")),
            ("invalid_options", Some(&json!("key")))
        );
    }
    registry.register("k".repeat(255), &actor).unwrap();
    let error = registry.register("stranger", &stranger).unwrap_err();
    assert_eq!(
        (error.code(), error.details().get("field")),
        ("invalid_options", Some(&json!("owner")))
    );
    let error = system.groups().join("strangers", &stranger).unwrap_err();
    assert_eq!(error.code(), "invalid_options");
    // Two systems do not see each other.
    other.registry().register("name", &stranger).unwrap();
    assert_eq!(system.lookup::<Puppet>("name").unwrap_err().code(), "not_registered");
    strike_both(system, other).await;
}

async fn strike_both(system: foundation::System, other: foundation::System) {
    system.stop().await.unwrap();
    strike(other).await;
}

#[tokio::test(start_paused = true)]
async fn metadata_is_replaced_or_added_to() {
    let system = system().await;
    let actor = puppet(&system, "puppet").await;
    let registry = system.registry();
    let more = |json: Value| json.as_object().unwrap().clone();
    assert_eq!(registry.set_metadata("name", 1).unwrap_err().code(), "not_registered");
    registry.register_with("name", &actor, json!({ "a": 1, "b": { "c": 2 } })).unwrap();
    registry.merge_metadata("name", more(json!({ "b": 3, "d": 4 }))).unwrap();
    assert_eq!(registry.entry("name").unwrap().metadata, json!({ "a": 1, "b": 3, "d": 4 }));
    registry.set_metadata("name", "text").unwrap();
    assert_eq!(registry.entry("name").unwrap().metadata, json!("text"));
    registry.merge_metadata("name", more(json!({ "e": 5 }))).unwrap();
    assert_eq!(registry.entry("name").unwrap().metadata, json!({ "e": 5 }));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_was_found_survives_what_the_name_does_not() {
    let system = system().await;
    let supervisor = foundation::Supervisor::one_for_one()
        .child(Puppet::spec("child", &Log::default()))
        .start(&system)
        .await
        .unwrap();
    let child: ActorRef<Puppet> = supervisor.child("child").await.unwrap();
    system.registry().register("name", &child).unwrap();
    let found = system.lookup::<Puppet>("name").unwrap();
    Puppet::kill(&child).await;
    testkit::eventually(|| if found.is_alive() { Ok(()) } else { Err("restarting") }).await;
    // The name was the incarnation's, the reference is that of its place.
    assert_eq!(system.lookup::<Puppet>("name").unwrap_err().code(), "not_registered");
    assert_eq!(found.ask(Pull::Starts).await, Ok(2));
    strike(system).await;
}
