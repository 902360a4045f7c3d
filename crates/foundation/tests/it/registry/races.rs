//! Many at a time, from several threads: names are exact, and nobody dead keeps one.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation::{
    ActorRef, Changes, ChildSpec, Error, Pid, Query, Registration, RegistryChange, Result,
    Supervisor, SupervisorBuilder, System, TaskSupervisor,
};
use futures_util::future::join_all;
use serde_json::json;
use testkit::eventually;
use tokio::time::Instant;

use super::listeners::Listener;
use super::{end, idle};
use crate::fixture::{Idle, Said};

/// A system, and tasks in it.
async fn many() -> (Arc<System>, ActorRef<TaskSupervisor>) {
    let system = System::builder().name("many").start().await.unwrap();
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    (Arc::new(system), tasks)
}

async fn stop(system: Arc<System>) {
    let names = system.registry().clone();
    Arc::into_inner(system).unwrap().stop().await.unwrap();
    assert!(names.is_empty());
}

/// Runs so many tasks at a time, and gives what each came to.
async fn together<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
    tasks: &ActorRef<TaskSupervisor>,
    many: usize,
    mut work: impl FnMut(usize) -> F,
) -> Vec<Result<T>> {
    let started: Vec<_> = (0..many).map(|n| tasks.async_nolink(work(n)).unwrap()).collect();
    join_all(started).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_want_a_name_one_gets_it() {
    // RACE-8
    let (system, tasks) = many().await;
    let actors = Arc::new(idle(&system, 20).await);
    for round in 0..50 {
        let key: Arc<str> = format!("name {round}").into();
        let results = together(&tasks, 20, |n| {
            let (system, actors, key) =
                (Arc::clone(&system), Arc::clone(&actors), Arc::clone(&key));
            async move { system.registry().register(key, &actors[n]) }
        })
        .await;
        let refused = results.iter().filter_map(|result| result.as_ref().err());
        let refused: Vec<_> = refused.map(Error::code).collect();
        assert_eq!(refused, ["already_registered"; 19]);
    }
    assert_eq!(system.registry().len(), 50);
    stop(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_count_is_exact_however_many_come_and_go() {
    // RACE-7
    let (system, tasks) = many().await;
    let actors = Arc::new(idle(&system, 100).await);
    let results = together(&tasks, 100, |n| {
        let (system, actors) = (Arc::clone(&system), Arc::clone(&actors));
        async move {
            let registry = system.registry();
            registry.register(format!("{n}"), &actors[n])?;
            system.groups().join("all", &actors[n])?;
            if n % 2 == 0 {
                registry.unregister(&n.to_string())?;
                system.groups().leave("all", &actors[n])?;
            }
            Ok(())
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!((system.registry().len(), system.groups().len()), (50, 50));
    assert_eq!(system.registry().keys().len(), 50);
    stop(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_has_ended_is_ever_found() {
    // RACE-6
    let (system, tasks) = many().await;
    let results = together(&tasks, 20, |n| {
        let system = Arc::clone(&system);
        async move {
            let registry = system.registry();
            for round in 0..50 {
                let key = format!("agent {n}");
                let spec = ChildSpec::<Idle>::actor(&*key, ());
                let actor = if round % 2 == 0 {
                    system.start(spec.registered()).await?
                } else {
                    let actor = system.start(spec).await?;
                    registry.register(&*key, &actor)?;
                    actor
                };
                assert_eq!(registry.lookup::<Idle>(&key)?, actor);
                end(&actor).await;
                assert_eq!(registry.lookup::<Idle>(&key).unwrap_err().code(), "not_registered");
            }
            Ok(())
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(system.registry().is_empty());
    stop(system).await;
}

/// Those who look do so at any moment of an end: whoever is found had not ended when the look
/// began, and can be spoken to, unless it has ended since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_found_was_there_whenever_one_looks() {
    // RACE-6, I30
    let (system, tasks) = many().await;
    let supervisor = Supervisor::one_for_one().intensity(u32::MAX, Duration::from_secs(1));
    let names = ["a", "b", "c", "d"];
    let children = names.map(|name| ChildSpec::<Idle>::actor(name, ()).registered());
    let supervisor = children.into_iter().fold(supervisor, SupervisorBuilder::child);
    let supervisor = supervisor.start(&system).await.unwrap();
    // What is known to have ended: one of these pids must not be found by a look that begins later.
    let ended: Arc<Mutex<HashSet<Pid>>> = Arc::default();
    let results = together(&tasks, 8, |n| {
        let (system, ended, supervisor) =
            (Arc::clone(&system), Arc::clone(&ended), supervisor.clone());
        async move {
            let name = names[n % 4];
            let child = supervisor.child::<Idle>(name).await?;
            for _ in 0..200 {
                if n < 4 {
                    let (pid, exited) = (child.pid(), child.exited());
                    child.kill();
                    exited.await;
                    ended.lock().unwrap().insert(pid);
                    continue;
                }
                let before = ended.lock().unwrap().clone();
                if let Ok(entry) = system.registry().entry(name) {
                    assert!(!before.contains(&entry.pid), "{} had ended", entry.pid);
                    let found = entry.actor_ref::<Idle>()?;
                    assert!(found.pid() >= entry.pid, "found before it has begun");
                }
                tokio::task::yield_now().await;
            }
            Ok(())
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    stop(system).await;
}

/// An owner may end at any moment of a registration, and nothing of it is ever left.
#[test]
fn an_owner_that_ends_while_it_is_registered_leaves_nothing() {
    // RACE-9, LEAK-9
    testkit::for_each_seed(NonZeroU32::new(4).unwrap(), |seed| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_time().build().unwrap();
        runtime.block_on(async {
            let (system, tasks) = many().await;
            let mut random = fastrand::Rng::with_seed(seed);
            for round in 0..100 {
                let actors = Arc::new(idle(&system, 4).await);
                let doomed = actors[random.usize(..4)].clone();
                let yields = random.usize(..4);
                let victim = doomed.clone();
                let killer = tasks.async_nolink(async move {
                    for _ in 0..yields {
                        tokio::task::yield_now().await;
                    }
                    end(&victim).await;
                    Ok(())
                });
                let batch = actors.iter().enumerate();
                let batch =
                    batch.map(|(n, actor)| Registration::new(format!("{round} {n}"), actor));
                let registered = system.registry().register_all(batch.collect::<Vec<_>>());
                killer.unwrap().await.unwrap();
                let expected = match registered {
                    Ok(()) => 3,
                    Err(error) => {
                        assert_eq!(error.code(), "no_process");
                        0
                    }
                };
                assert_eq!(system.registry().len(), expected);
                assert_eq!(doomed.status().registrations, 0);
                for actor in actors.iter().filter(|actor| **actor != doomed) {
                    end(actor).await;
                }
                assert!(system.registry().is_empty());
            }
            stop(system).await;
        });
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_are_made_together_are_seen_together() {
    // RACE-12: two names are renamed together, again and again, and there are never more or fewer.
    let (system, tasks) = many().await;
    let actors = Arc::new(idle(&system, 2).await);
    let registry = system.registry();
    registry.register_with("a 0", &actors[0], json!(0)).unwrap();
    registry.register_with("b 0", &actors[1], json!(0)).unwrap();
    let results = together(&tasks, 10, |_| {
        let (system, actors) = (Arc::clone(&system), Arc::clone(&actors));
        async move {
            let (registry, mut moved) = (system.registry(), 0);
            while moved < 50 {
                let keys = registry.keys();
                // A list of all is not of one moment.
                let Some(at) = keys.iter().find_map(|key| key.strip_prefix("a ")) else { continue };
                let at: u32 = at.parse().unwrap();
                let changes = Changes::new()
                    .unregister(format!("a {at}"))
                    .unregister(format!("b {at}"))
                    .register(Registration::new(format!("a {}", at + 1), &actors[0]))
                    .register(Registration::new(format!("b {}", at + 1), &actors[1]));
                match registry.commit(changes) {
                    Ok(()) => moved += 1,
                    // Somebody else was first.
                    Err(error) => {
                        assert!(["not_registered", "already_registered"].contains(&error.code()));
                    }
                }
                assert_eq!(registry.len(), 2);
            }
            Ok(())
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(registry.keys(), ["a 500".into(), "b 500".into()]);
    stop(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_hears_of_each_key_in_order_and_of_nothing_twice() {
    let (system, tasks) = many().await;
    let actors = Arc::new(idle(&system, 4).await);
    let spec = ChildSpec::<Listener>::actor("listener", ());
    let listener = system.start(spec).await.unwrap();
    system.registry().listen(&listener, Said::Event).unwrap();
    let results = together(&tasks, 8, |n| {
        let (system, actors) = (Arc::clone(&system), Arc::clone(&actors));
        async move {
            let mut made = 0;
            for _ in 0..100 {
                // Two tasks and two owners want each key.
                match system.registry().register(format!("{}", n % 4), &actors[n % 4]) {
                    Ok(()) => {
                        made += 1;
                        system.registry().unregister(&format!("{}", n % 4))?;
                    }
                    Err(error) => assert_eq!(error.code(), "already_registered"),
                }
                tokio::task::yield_now().await;
            }
            Ok(made)
        }
    })
    .await;
    let made: usize = results.into_iter().map(Result::unwrap).sum();
    let heard = listener.ask(Said::Heard).await.unwrap();
    assert_eq!((heard.len(), heard.iter().map(|it| it.missed).sum::<u64>()), (2 * made, 0));
    for key in ["0", "1", "2", "3"] {
        let changes = heard.iter().filter(|it| &*it.key == key).map(|it| it.change);
        for (at, change) in changes.enumerate() {
            let expected = [RegistryChange::Registered, RegistryChange::Unregistered][at % 2];
            assert_eq!(change, expected, "{key}, the {at}-th");
        }
    }
    stop(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_one_after_the_other_never_sees_half_of_a_commit() {
    // RACE-12
    let (system, tasks) = many().await;
    let actor = idle(&system, 1).await.remove(0);
    for key in ["first", "second"] {
        system.registry().register_with(key, &actor, json!(0)).unwrap();
    }
    let number = |system: &System, key| system.registry().entry(key).unwrap().metadata.as_u64();
    let results = together(&tasks, 4, |n| {
        let system = Arc::clone(&system);
        async move {
            for round in 1..=500 {
                if n == 0 {
                    let changes = ["first", "second"].into_iter();
                    let changes =
                        changes.fold(Changes::new(), |it, key| it.set_metadata(key, round));
                    system.registry().commit(changes)?;
                } else {
                    // What is read later is not older.
                    let (first, second) = (number(&system, "first"), number(&system, "second"));
                    assert!(first <= second, "{first:?} and then {second:?}");
                }
                if round % 10 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Ok(())
        }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    stop(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_with_two_criteria_takes_no_longer_than_two_queries() {
    // REG-3
    let (system, _) = many().await;
    let actor = idle(&system, 1).await.remove(0);
    for n in 0..2000 {
        let said = json!({ "even": n % 2 == 0, "n": n });
        system.registry().register_with(n.to_string(), &actor, said).unwrap();
    }
    let fastest = |queries: &[Query]| {
        let times = (0..20).map(|_| {
            let started = Instant::now();
            for query in queries {
                assert!(!system.registry().select(query).unwrap().is_empty());
            }
            started.elapsed()
        });
        times.min().unwrap()
    };
    let (even, few) = (Query::new().eq("even", true), Query::new().lt("n", 1000));
    let both = Query::new().eq("even", true).lt("n", 1000);
    let (combined, separate) = (fastest(&[both]), fastest(&[even, few]));
    assert!(combined <= separate, "{combined:?} and {separate:?}");
    stop(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_readers_see_the_same() {
    // REG-3
    let (system, tasks) = many().await;
    let actors = idle(&system, 100).await;
    for (n, actor) in actors.iter().enumerate() {
        let said = json!({ "even": n % 2 == 0, "n": n });
        system.registry().register_with(format!("{n}"), actor, said).unwrap();
    }
    let results = together(&tasks, 100, |n| {
        let system = Arc::clone(&system);
        async move {
            let registry = system.registry();
            let even = registry.select(&Query::new().eq("even", true))?.len();
            let few = registry.select(&Query::new().lt("n", 10))?.len();
            let both = registry.select(&Query::new().eq("even", true).lt("n", 10))?.len();
            registry.lookup::<Idle>(&n.to_string())?;
            Ok((even, few, both))
        }
    })
    .await;
    assert!(results.iter().all(|result| *result == Ok((50, 10, 5))), "{results:?}");
    stop(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_those_vanish_who_end_and_if_all_end_all_do() {
    // STRESS-3. There is no process of the registry that could be killed: its users go on as it
    // does.
    let (system, tasks) = many().await;
    let actors = Arc::new(idle(&system, 20).await);
    for (n, actor) in actors.iter().enumerate() {
        system.registry().register(format!("agent {n}"), actor).unwrap();
    }
    let doomed = Arc::clone(&actors);
    let killer = tasks.async_nolink(async move {
        for actor in doomed.iter().take(10) {
            end(actor).await;
        }
        Ok(())
    });
    let results = together(&tasks, 10, |n| {
        let (system, actors) = (Arc::clone(&system), Arc::clone(&actors));
        async move {
            for round in 0..100 {
                let key = format!("{n} {round}");
                system.registry().register(&*key, &actors[10 + n])?;
                system.registry().lookup::<Idle>(&key)?;
                system.registry().unregister(&key)?;
            }
            Ok(())
        }
    })
    .await;
    killer.unwrap().await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let mut expected: Vec<Arc<str>> = (10..20).map(|n| format!("agent {n}").into()).collect();
    expected.sort();
    assert_eq!(system.registry().keys(), expected);

    let more = idle(&system, 100).await;
    for (n, actor) in more.iter().enumerate() {
        system.registry().register(format!("more {n}"), actor).unwrap();
    }
    assert_eq!(system.registry().len(), 110);
    more.iter().for_each(ActorRef::kill);
    eventually(|| match system.registry().len() {
        10 => Ok(()),
        len => Err(format!("{len} names")),
    })
    .await;
    stop(system).await;
}
