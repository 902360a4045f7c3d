//! A bus on several threads: orders that one thread never has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foundation::Mailbox;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use super::fixture::{Listener, Scene, done, kill, numbered};

/// Runs `works` on several threads, and waits for all of them.
async fn together<W: Future<Output = ()> + Send + 'static>(scene: &Scene, works: Vec<W>) {
    let (sender, mut ended) = mpsc::channel::<()>(1);
    let many = works.len();
    for work in works {
        let sender = sender.clone();
        scene.system.executor("tasks").execute(async move {
            work.await;
            sender.send(()).await.unwrap();
        });
    }
    drop(sender);
    for _ in 0..many {
        let ended = tokio::time::timeout(Duration::from_mins(1), ended.recv()).await;
        ended.expect("it hangs").expect("a task has failed");
    }
}

fn on_threads(test: impl Future<Output = ()>) {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build();
    runtime.unwrap().block_on(test);
}

// B2
#[test]
fn what_each_of_many_publishers_publishes_comes_in_its_order() {
    const PUBLISHERS: [&str; 4] = ["p.0", "p.1", "p.2", "p.3"];
    const SIGNALS: u64 = 300;
    on_threads(async {
        let scene = Scene::new().await;
        let mut listeners = Vec::new();
        for name in ["one", "two", "three"] {
            let listener = scene.listener_in(name, Mailbox::bounded(16)).await;
            scene.bus.subscribe(["p.*", "**"], &listener).await.unwrap();
            listeners.push(listener);
        }
        let publish = |topic: &'static str| {
            let bus = scene.bus.clone();
            async move {
                for number in 0..SIGNALS {
                    // Refused is nobody's, so it may be tried again.
                    loop {
                        match bus.publish(numbered(topic, number)).await {
                            Ok(report) => break assert_eq!(report.accepted(), 3),
                            Err(error) => assert_eq!(error.code(), "receiver_full"),
                        }
                        tokio::task::yield_now().await;
                    }
                }
            }
        };
        together(&scene, PUBLISHERS.map(publish).into()).await;
        for listener in &listeners {
            done(listener).await;
        }
        let heard = scene.log.take();
        for listener in ["one", "two", "three"] {
            for topic in PUBLISHERS {
                let begin = format!("{listener} {topic}#");
                let numbers = heard.iter().filter_map(|it| it.strip_prefix(&begin));
                let numbers: Vec<u64> = numbers.map(|it| it.parse().unwrap()).collect();
                assert_eq!(numbers, (0..SIGNALS).collect::<Vec<_>>(), "{begin}");
            }
        }
        let stats = scene.bus.stats();
        assert_eq!((stats.published, stats.accepted), (4 * SIGNALS, 12 * SIGNALS));
        scene.end().await;
    });
}

#[test]
fn a_subscription_that_is_ended_while_it_is_made_leaves_nothing() {
    on_threads(async {
        let scene = Scene::new().await;
        let listener = scene.listener("one").await;
        let (bus, actor) = (scene.bus.clone(), listener.clone());
        let is_over = Arc::new(AtomicBool::new(false));
        let is_done = Arc::clone(&is_over);
        let subscribes: Work = Box::pin(async move {
            // So often because what is looked for is some nanoseconds long.
            for _ in 0..20_000 {
                match bus.subscribe("a", &actor).name("name").await {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.code(), "subscription_exists"),
                }
            }
            is_done.store(true, Ordering::Release);
        });
        let bus = scene.bus.clone();
        let ends: Work = Box::pin(async move {
            while !is_over.load(Ordering::Acquire) {
                if let Some(id) = bus.find("name") {
                    let _ = bus.unsubscribe(id).await;
                }
            }
        });
        together(&scene, vec![subscribes, ends]).await;
        if let Some(id) = scene.bus.find("name") {
            scene.bus.unsubscribe(id).await.unwrap();
        }
        assert_eq!(scene.told("a").await, [""; 0]);
        assert_eq!((scene.bus.stats().subscriptions, listener.status().registrations), (0, 0));
        scene.end().await;
    });
}

type Work = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[test]
fn an_actor_that_ends_while_it_is_subscribed_leaves_nothing() {
    on_threads(async {
        let scene = Arc::new(Scene::new().await);
        for round in 0..200 {
            let listener = scene.listener(format!("listener {round}")).await;
            let (killed, bus) = (listener.clone(), scene.bus.clone());
            let kills: Work = Box::pin(async move { kill(&killed).await });
            let subscribes: Work = Box::pin(async move { subscribe(&bus, &listener).await });
            together(&scene, vec![subscribes, kills]).await;
        }
        assert_eq!(scene.bus.subscriptions(), []);
        assert_eq!(scene.told("a").await, [""; 0]);
    });
}

async fn subscribe(bus: &signals::Bus, listener: &foundation::ActorRef<Listener>) {
    loop {
        if let Err(error) = bus.subscribe(["a", "a.*", "**"], listener).await {
            return assert_eq!(error.code(), "no_process");
        }
    }
}
