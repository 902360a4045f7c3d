//! What is left when receivers end: nothing.

use foundation::ExitReason;

use super::fixture::{Scene, Then, done, kill};

const MANY: usize = 1_000;

// LEAK-1
#[tokio::test(start_paused = true)]
async fn a_thousand_actors_die_and_no_subscription_is_left() {
    let scene = Scene::new().await;
    let survivor = scene.listener("survivor").await;
    scene.bus.subscribe("a.**", &survivor).name("stays").await.unwrap();
    let before = scene.system.census();
    let mut listeners = Vec::new();
    for index in 0..MANY {
        let listener = scene.listener(format!("listener {index}")).await;
        scene.bus.subscribe("a.**", &listener).name(format!("first {index}")).await.unwrap();
        scene.bus.subscribe(["a.*", "b"], &listener).await.unwrap();
        assert_eq!(listener.watchers(), 0, "nobody waits for its end");
        listeners.push(listener);
    }
    assert_eq!(scene.bus.stats().subscriptions, 2 * MANY + 1);
    assert_eq!(scene.told("a.b").await.len(), 2 * MANY + 1);
    for (index, listener) in listeners.iter().enumerate() {
        // They end in all ways.
        match index % 3 {
            0 => kill(listener).await,
            1 => assert_eq!(listener.drain().await.unwrap(), ExitReason::Normal),
            _ => drop(listener.stop(ExitReason::Shutdown).await.unwrap()),
        }
    }
    assert_eq!(scene.bus.stats().subscriptions, 1);
    assert_eq!(scene.bus.subscriptions().len(), 1);
    assert_eq!(scene.bus.find("first 7"), None);
    // One receipt for each route: there is none to anybody else.
    assert_eq!(scene.told("a.b").await, ["survivor: accepted"]);
    assert_eq!(scene.told("b").await, [""; 0]);
    assert!(listeners.iter().all(|listener| listener.status().registrations == 0));
    assert_eq!((survivor.watchers(), survivor.status().registrations), (0, 1));
    drop(listeners);
    assert_eq!(scene.system.census(), before);
    scene.end().await;
}

// LEAK-1
#[tokio::test(start_paused = true)]
async fn a_thousand_handlers_end_with_their_owner_and_nothing_is_left() {
    let scene = Scene::new().await;
    let owner = scene.listener_that("owner", Then::Drop).await;
    let keeper = scene.listener("keeper").await;
    scene.bus.subscribe("a", &keeper).await.unwrap();
    let handlers = scene.system.lookup::<foundation::DynamicSupervisor>("signals.handlers");
    let handlers = handlers.unwrap();
    let before = scene.system.census();
    for index in 0..MANY {
        let handling = scene.bus.handle("a", |_| async { Ok(()) }).name(format!("h {index}"));
        handling.owner(&owner).await.unwrap();
    }
    assert_eq!((scene.bus.stats().subscriptions, owner.watchers()), (MANY + 1, MANY));
    assert_eq!(scene.told("a").await.len(), MANY + 1);
    kill(&owner).await;
    testkit::eventually(|| match handlers.which_children().unwrap().len() {
        0 => Ok(()),
        many => Err(format!("{many} handlers")),
    })
    .await;
    assert_eq!(scene.bus.stats().subscriptions, 1);
    assert_eq!(scene.told("a").await, ["keeper: accepted"]);
    assert_eq!((owner.watchers(), owner.status().registrations), (0, 0));
    let mut after = scene.system.census();
    after.actors += 1;
    assert_eq!(after, before, "all but the owner");
    scene.end().await;
}

// LEAK-1
#[tokio::test(start_paused = true)]
async fn an_actor_holds_nothing_of_subscriptions_that_were_ended() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let mut ids = Vec::new();
    for _ in 0..MANY {
        ids.push(scene.bus.subscribe(["a", "b.**"], &listener).await.unwrap());
    }
    assert_eq!(listener.status().registrations, MANY);
    for id in ids {
        scene.bus.unsubscribe(id).await.unwrap();
    }
    assert_eq!((listener.status().registrations, listener.watchers()), (0, 0));
    assert_eq!((scene.bus.stats().subscriptions, listener.links()), (0, 0));
    for index in 0..100 {
        let id = scene.bus.handle("a", |_| async { Ok(()) }).owner(&listener).await.unwrap();
        assert_eq!(listener.watchers(), 1, "round {index}");
        scene.bus.unsubscribe(id).await.unwrap();
    }
    assert_eq!((listener.status().registrations, listener.watchers()), (0, 0));
    assert!(listener.is_alive());
    scene.end().await;
}

// SIG-1
#[tokio::test(start_paused = true)]
async fn handlers_come_and_go_and_each_signal_reaches_those_that_are_there() {
    let scene = Scene::new().await;
    let (one, two) = (scene.listener("one").await, scene.listener("two").await);
    scene.bus.subscribe("task.completed", &one).await.unwrap();
    let second = scene.bus.subscribe("task.completed", &two).await.unwrap();
    scene.bus.subscribe("task.failed", &one).await.unwrap();
    let count = async |topic| scene.told(topic).await.len();
    assert_eq!(count("task.completed").await, 2);
    assert_eq!(count("task.failed").await, 1);
    assert_eq!(count("task.unknown").await, 0);
    scene.bus.unsubscribe(second).await.unwrap();
    assert_eq!(count("task.completed").await, 1);
    scene.bus.subscribe("error.*", &two).await.unwrap();
    assert_eq!(scene.told("error.validation").await, ["two: accepted"]);
    assert_eq!(scene.told("error.timeout").await, ["two: accepted"]);
    assert_eq!(scene.told("error").await, [""; 0]);
    assert_eq!(scene.told("error.timeout.late").await, [""; 0]);
    // A handler that dies is none of the others' business.
    scene.bus.subscribe("error.*", &one).await.unwrap();
    kill(&one).await;
    assert_eq!(scene.told("error.timeout").await, ["two: accepted"]);
    assert_eq!(scene.told("task.completed").await, [""; 0]);
    done(&two).await;
    assert_eq!(scene.log.count("two error.timeout"), 2);
    scene.end().await;
}
