//! Routing on several threads while another changes the routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foundation::{System, TaskSupervisor};
use signals::{RouteId, Router};

use super::signal;

/// Changes that the writer makes, in sets.
const CHANGES: u32 = 400;
/// Routes in a set, of three patterns, all of which match one type.
const SET: usize = 30;

/// The number of the set, and the place in it.
type Target = (u32, usize);

fn set(number: u32) -> Vec<(&'static str, Target, i32)> {
    let patterns = ["a.b", "a.*", "**.b"];
    (0..SET)
        .map(|place| (patterns[place % 3], (number, place), i32::from(number.is_multiple_of(2))))
        .collect()
}

/// What is read is one set as a whole, in order.
fn check(router: &Router<Target>) -> u32 {
    let found = router.matching(&signal("a.b"));
    let targets: Vec<_> = found.targets().copied().collect();
    assert_eq!(targets.len(), SET, "{found:?}");
    let number = targets[0].0;
    assert!(targets.iter().all(|target| target.0 == number), "{found:?}");
    let ids: Vec<RouteId> = found.iter().map(signals::Registered::id).collect();
    let in_three = ids.chunk_by(|one, other| one < other).count();
    assert_eq!(in_three, 3, "{found:?}");
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn whoever_routes_sees_a_set_wholly_or_not_at_all() {
    let system = System::builder().name("routing").start().await.unwrap();
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let router = Router::from_routes(set(0)).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (router, done) = (router.clone(), Arc::clone(&done));
            let read = async move {
                let (mut newest, mut seen) = (0, 0_u32);
                while !done.load(Ordering::Acquire) {
                    let number = check(&router);
                    assert!(number >= newest, "{number} after {newest}");
                    (newest, seen) = (number, seen + 1);
                    tokio::task::yield_now().await;
                }
                Ok(seen)
            };
            tasks.async_nolink(read).unwrap()
        })
        .collect();
    for number in 1..=CHANGES {
        router.replace(set(number)).unwrap();
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert_eq!(check(&router), CHANGES);
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_was_added_and_not_removed_is_always_found_and_sets_are_seen_whole() {
    let system = System::builder().name("routing").start().await.unwrap();
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    // This one stays; so many others of the same patterns come and go that lists are split.
    let router = Router::from_routes([("a.*", 0_usize)]).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (reading, ended) = (router.clone(), Arc::clone(&done));
    let read = async move {
        while !ended.load(Ordering::Acquire) {
            let found = reading.matching(&signal("a.b"));
            let stays = found.targets().filter(|target| **target == 0).count();
            assert_eq!((stays, (found.len() - 1) % SET), (1, 0), "{found:?}");
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    let reader = tasks.async_nolink(read).unwrap();
    let mut sets = std::collections::VecDeque::new();
    for number in 1..=300 {
        let set = (0..SET).map(|n| (if n % 2 == 0 { "a.*" } else { "a.b" }, number));
        sets.push_back(router.add(set).unwrap());
        if sets.len() > 40 {
            // Routes are removed one by one, so this is done where nobody counts them.
            let found = router.list();
            let kept = found.iter().filter(|r| !sets[0].contains(&r.id()));
            let kept: Vec<_> = kept.map(|r| (r.pattern().clone(), *r.target())).collect();
            sets.clear();
            router.replace(kept).unwrap();
        }
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Release);
    reader.await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn several_that_add_and_remove_leave_what_they_should() {
    let system = System::builder().name("routing").start().await.unwrap();
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let router = Router::new();
    let writers: Vec<_> = (0..4_u32)
        .map(|writer| {
            let router = router.clone();
            let write = async move {
                let mut held = Vec::new();
                for n in 0..500_u32 {
                    held.push(router.add_one(("a.*", writer)).unwrap());
                    held.push(router.add_one((format!("a.{writer}.{n}.**"), writer)).unwrap());
                    assert!(router.matching(&signal("a.b")).targets().any(|w| *w == writer));
                    if n % 3 > 0 {
                        let id = held.swap_remove(n as usize % held.len());
                        assert_eq!(router.remove(id).unwrap().target(), &writer);
                    }
                    tokio::task::yield_now().await;
                }
                Ok(held)
            };
            tasks.async_nolink(write).unwrap()
        })
        .collect();
    let mut held = Vec::new();
    for writer in writers {
        held.extend(writer.await.unwrap());
    }
    held.sort_unstable();
    assert_eq!(router.list().iter().map(signals::Registered::id).collect::<Vec<_>>(), held);
    for id in held {
        router.remove(id).unwrap();
    }
    assert!(router.is_empty() && router.matching(&signal("a.b")).is_empty());
    system.stop().await.unwrap();
}
