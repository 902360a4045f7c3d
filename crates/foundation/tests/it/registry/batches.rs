//! Many registrations at a time: all or nothing, or as far as they go.

use foundation::{ActorRef, Changes, Error, OnError, Query, Registration, TaskSupervisor};
use futures_util::TryStreamExt;
use serde_json::json;

use super::{end, idle};
use crate::fixture::{Idle, Message, Script, strike, system};

fn batch(actors: &[ActorRef<Idle>]) -> Vec<Registration> {
    let numbered = actors.iter().enumerate();
    numbered.map(|(n, actor)| Registration::new(format!("{n}"), actor)).collect()
}

fn code(error: &Error) -> (&str, Option<&serde_json::Value>) {
    (error.code(), error.details().get("change"))
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_registered_whole_or_not_at_all() {
    // REG-4, LEAK-9
    let system = system().await;
    let (actors, registry) = (idle(&system, 25).await, system.registry());
    registry.register_all(batch(&actors)).unwrap();
    assert_eq!(registry.len(), 25);
    let error = registry.register_all(batch(&actors)).unwrap_err();
    assert_eq!(code(&error), ("already_registered", Some(&json!(0))));
    for n in 0..25 {
        registry.unregister(&n.to_string()).unwrap();
    }
    registry.register("6", &actors[20]).unwrap();
    let error = registry.register_all(batch(&actors[..10])).unwrap_err();
    assert_eq!(code(&error), ("already_registered", Some(&json!(6))));
    assert_eq!(registry.keys(), ["6".into()]);
    // Those before it hold nothing, so nothing of them is left when they have ended.
    for actor in &actors[..6] {
        assert_eq!(actor.status().registrations, 0);
        end(actor).await;
    }
    end(&actors[20]).await;
    assert!(registry.is_empty());
    let error = registry.register_all(batch(&actors)).unwrap_err();
    assert_eq!(code(&error), ("no_process", Some(&json!(0))));
    assert!(registry.is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_as_far_as_it_can() {
    // REG-4, LEAK-9
    let system = system().await;
    let (actors, registry) = (idle(&system, 10).await, system.registry());
    registry.register("5", &actors[9]).unwrap();
    let report = registry.register_each(batch(&actors), OnError::Stop);
    let texts = |keys: &[std::sync::Arc<str>]| keys.join(" ");
    assert_eq!(
        (texts(&report.done), texts(&report.untried)),
        ("0 1 2 3 4".into(), "6 7 8 9".into())
    );
    assert_eq!((&*report.failed[0].0, report.failed[0].1.code()), ("5", "already_registered"));
    let report = registry.unregister_each((0..7).map(|n| n.to_string()), OnError::Continue);
    assert_eq!(texts(&report.done), "0 1 2 3 4 5");
    assert_eq!((&*report.failed[0].0, report.failed[0].1.code()), ("6", "not_registered"));
    registry.register("5", &actors[9]).unwrap();
    let report = registry.register_each(batch(&actors), OnError::Continue);
    assert_eq!((texts(&report.done), report.failed.len()), ("0 1 2 3 4 6 7 8 9".into(), 1));
    for actor in &actors {
        end(actor).await;
    }
    assert!(registry.is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn changes_are_made_in_their_order_or_not_at_all() {
    // REG-5
    let system = system().await;
    let (actors, registry) = (idle(&system, 3).await, system.registry());
    let [a, b, c] = [0, 1, 2].map(|n| &actors[n]);
    registry.commit(Changes::new()).unwrap();
    registry.register_with("a", a, json!({ "n": 1 })).unwrap();
    let more = json!({ "m": 2 }).as_object().unwrap().clone();
    let changes = || {
        Changes::new()
            .merge_metadata("a", more.clone())
            .register(Registration::new("b", b).metadata(json!({ "n": 2 })))
            .set_metadata("b", json!({ "n": 3 }))
            .unregister("a")
            .register(Registration::new("a", c))
    };
    let before = registry.select(&Query::new()).unwrap();
    let impossible = [
        (changes().unregister("c"), "not_registered"),
        (changes().register(Registration::new("b", c)), "already_registered"),
        (changes().set_metadata("c", 1), "not_registered"),
        (changes().unregister("b").unregister("b"), "not_registered"),
    ];
    for (changes, expected) in impossible {
        let error = registry.commit(changes).unwrap_err();
        assert_eq!(error.code(), expected);
        assert_eq!(registry.select(&Query::new()).unwrap(), before);
        assert_eq!([a, b, c].map(|it| it.status().registrations), [1, 0, 0]);
    }
    let many = (0..10_001).fold(Changes::new(), |changes, n| changes.unregister(n.to_string()));
    let error = registry.commit(many).unwrap_err();
    assert_eq!(
        (error.code(), error.details().get("field")),
        ("invalid_options", Some(&json!("changes")))
    );
    // A key that cannot be is found before anything is done.
    let error = registry.commit(changes().register(Registration::new("", c))).unwrap_err();
    assert_eq!(code(&error), ("invalid_options", Some(&json!(5))));

    registry.commit(changes()).unwrap();
    assert_eq!(registry.lookup("a").as_ref(), Ok(c));
    assert_eq!(registry.entry("b").unwrap().metadata, json!({ "n": 3 }));
    assert_eq!([a, b, c].map(|it| it.status().registrations), [0, 1, 1]);
    end(c).await;
    end(b).await;
    assert!(registry.is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_dead_is_registered_and_the_others_are_not_either() {
    // REG-5
    let system = system().await;
    let (actors, registry) = (idle(&system, 2).await, system.registry());
    let listener = system.start(crate::fixture::spec(&Script::default())).await.unwrap();
    registry.listen(&listener, |_| Message::Panic("nothing has happened")).unwrap();
    end(&actors[1]).await;
    let error = registry.register_all(batch(&actors)).unwrap_err();
    assert_eq!(code(&error), ("no_process", Some(&json!(1))));
    assert!(registry.is_empty());
    assert_eq!(actors[0].status().registrations, 0);
    assert_eq!(listener.ask(|reply| Message::Number(1, reply)).await, Ok(1));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn something_is_done_for_each_that_a_query_finds() {
    // REG-4: what the original had a function of its own for is a stream of tasks.
    let system = system().await;
    let (actors, registry) = (idle(&system, 7).await, system.registry());
    registry.register_all(batch(&actors)).unwrap();
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let found = registry.select(&Query::new()).unwrap();
    let names =
        tasks.async_stream(found, foundation::StreamOptions::default(), |entry| async move {
            Ok(format!("{}={}", entry.key, entry.pid.generation))
        });
    let names: Vec<_> = names.unwrap().try_collect().await.unwrap();
    assert_eq!(names.join(" "), "0=1 1=1 2=1 3=1 4=1 5=1 6=1");
    strike(system).await;
}
