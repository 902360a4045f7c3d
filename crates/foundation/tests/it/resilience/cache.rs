//! Caches: what is kept, what is loaded, by whom, and what is given when it cannot be.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use foundation::{Cache, CacheOptions, Error, Result, System, TaskSupervisor};
use futures_util::future::join_all;
use testkit::eventually;
use tokio::sync::Notify;

use crate::fixture::{after, system};

const MS: Duration = Duration::from_millis(1);

fn cache(system: &System, options: CacheOptions) -> Cache<&'static str, u32> {
    Cache::new(system, "prices", options).unwrap()
}

fn options() -> CacheOptions {
    CacheOptions::default()
}

fn down() -> Error {
    Error::infrastructure("shop_unreachable")
}

#[tokio::test(start_paused = true)]
async fn an_entry_expires_at_its_time() {
    // CACHE-1
    let system = system().await;
    let cache = cache(&system, options().ttl(100 * MS));
    cache.insert("tea", 3);
    after(99 * MS).await;
    assert_eq!(cache.get(&"tea"), Some(3));
    after(MS).await;
    assert_eq!(cache.get(&"tea"), None);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_more_is_kept_than_may_be_and_what_is_used_stays() {
    // CACHE-1
    let system = system().await;
    let cache = Cache::<u32, u32>::new(&system, "numbers", options().max_entries(10)).unwrap();
    for n in 0..20 {
        cache.insert(n, n);
        assert_eq!(cache.get(&0), Some(0));
    }
    let kept: Vec<_> = (0..20).filter(|n| cache.get(n).is_some()).collect();
    assert_eq!(kept, [0, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.evicted), (10, 10));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn hits_misses_and_what_was_swept_are_counted() {
    // CACHE-1
    let system = system().await;
    let cache = cache(&system, options());
    cache.insert("tea", 3);
    cache.insert_with_ttl("milk", 1, 10 * MS).unwrap();
    cache.insert_with_ttl("bread", 2, 10 * MS).unwrap();
    for _ in 0..5 {
        assert_eq!(cache.get(&"tea"), Some(3));
    }
    for _ in 0..3 {
        assert_eq!(cache.get(&"salt"), None);
    }
    after(10 * MS).await;
    assert_eq!((cache.stats().entries, cache.sweep()), (3, 2));
    let stats = cache.stats();
    let seen = (stats.hits, stats.misses, stats.expired, stats.entries);
    assert_eq!(seen, (5, 3, 2, 1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_inserted_removed_and_cleared_is_given_back() {
    let system = system().await;
    let cache = cache(&system, options());
    assert_eq!((cache.insert("tea", 3), cache.insert("tea", 4)), (None, Some(3)));
    assert_eq!((cache.remove(&"tea"), cache.remove(&"tea")), (Some(4), None));
    cache.insert("tea", 3);
    cache.insert("milk", 1);
    assert_eq!((cache.clear(), cache.clear(), cache.get(&"tea")), (2, 0, None));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn is_loaded_once_and_kept() {
    // DEG-1
    let system = system().await;
    let cache = cache(&system, options().ttl(100 * MS));
    let loads = AtomicU32::new(0);
    let load = || cache.get_or_load(&"tea", async || Ok(loads.fetch_add(1, Ordering::Relaxed)));
    assert_eq!((load().await.unwrap(), load().await.unwrap()), (0, 0));
    after(100 * MS).await;
    assert_eq!(load().await.unwrap(), 1);
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.loads), (1, 2, 2));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_those_who_want_it_at_a_time_one_loads_it() {
    let system = system().await;
    let cache = cache(&system, options());
    let loads = AtomicU32::new(0);
    let load = || {
        cache.get_or_load(&"tea", async || {
            after(1000 * MS).await;
            Ok(loads.fetch_add(1, Ordering::Relaxed))
        })
    };
    let all: HashSet<_> =
        join_all((0..50).map(|_| load())).await.into_iter().map(Result::unwrap).collect();
    assert_eq!((all, loads.load(Ordering::Relaxed)), (HashSet::from([0]), 1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shared_by_those_who_wait_and_not_kept() {
    let system = system().await;
    let cache = cache(&system, options());
    let loads = AtomicU32::new(0);
    let load = || {
        cache.get_or_load(&"tea", async || {
            after(10 * MS).await;
            match loads.fetch_add(1, Ordering::Relaxed) {
                0 => Err(down()),
                n => Ok(n),
            }
        })
    };
    for result in join_all((0..5).map(|_| load())).await {
        assert_eq!(result.unwrap_err(), down());
    }
    assert_eq!(load().await.unwrap(), 1);
    assert_eq!((cache.stats().loads, cache.stats().load_failures), (1, 1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_given_when_it_cannot_be_loaded_again() {
    // DEG-1
    let system = system().await;
    let cache = cache(&system, options().ttl(100 * MS).stale_for(1000 * MS));
    let failing = |error: Error| cache.get_or_load(&"tea", async || Err(error));
    assert_eq!(failing(down()).await.unwrap_err(), down());
    cache.insert("tea", 3);
    after(100 * MS).await;
    assert_eq!(cache.get(&"tea"), None);
    assert_eq!(failing(down()).await.unwrap(), 3);
    // A refusal is an answer.
    let refusal = Error::business("not_for_sale");
    assert_eq!(failing(refusal.clone()).await.unwrap_err(), refusal);
    after(1000 * MS).await;
    assert_eq!(failing(down()).await.unwrap_err(), down());
    assert_eq!(cache.stats().stale, 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_load_that_hangs_is_given_up_for_all() {
    let system = system().await;
    let cache = cache(&system, options().ttl(MS).stale_for(100_000 * MS).load_deadline(2000 * MS));
    let load = || cache.get_or_load(&"tea", async || std::future::pending().await);
    for result in join_all((0..3).map(|_| load())).await {
        assert_eq!(result.unwrap_err().code(), "timeout");
    }
    assert_eq!(cache.get_or_load(&"tea", async || Ok(4)).await.unwrap(), 4);
    after(MS).await;
    // What has expired is given to all of them.
    for result in join_all((0..3).map(|_| load())).await {
        assert_eq!(result.unwrap(), 4);
    }
    assert_eq!((cache.stats().stale, cache.stats().load_failures), (3, 2));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn when_the_one_who_loads_gives_up_or_panics_another_begins() {
    let system = system().await;
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let cache = cache(&system, options());
    let (panics, begun) = (cache.clone(), std::sync::Arc::new(Notify::new()));
    let begins = begun.clone();
    let panicking = tasks
        .async_nolink(async move {
            let load = async || {
                begins.notify_one();
                after(10 * MS).await;
                panic!("while it loads")
            };
            panics.get_or_load(&"tea", load).await
        })
        .unwrap();
    begun.notified().await;
    assert_eq!(cache.get_or_load(&"tea", async || Ok(3)).await.unwrap(), 3);
    assert_eq!(panicking.await.unwrap_err().code(), "actor_panicked");

    let hangs = cache.get_or_load(&"milk", async || std::future::pending().await);
    let waits = cache.get_or_load(&"milk", async || Ok(1));
    let mut hangs = Box::pin(hangs);
    let given_up = async {
        tokio::select! { biased; _ = &mut hangs => panic!("it ended"), () = after(10 * MS) => {} }
        drop(hangs);
    };
    let ((), waited) = tokio::join!(given_up, waits);
    assert_eq!(waited.unwrap(), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_who_loads_and_is_not_run_any_more_holds_nobody_for_long() {
    let system = system().await;
    let cache = cache(&system, options().load_deadline(2000 * MS));
    let mut frozen = Box::pin(cache.get_or_load(&"tea", async || std::future::pending().await));
    // Run once, and then only kept.
    tokio::select! { biased; _ = &mut frozen => panic!("it ended"), () = after(MS) => {} }
    let begun = tokio::time::Instant::now();
    let load = || cache.get_or_load(&"tea", async || Ok(3));
    for result in join_all((0..3).map(|_| load())).await {
        assert_eq!(result.unwrap(), 3);
    }
    assert!(begun.elapsed() <= 2120 * MS, "{:?}", begun.elapsed());
    // It comes back late, and changes nothing.
    assert_eq!(frozen.await.unwrap(), 3);
    assert_eq!(cache.get(&"tea"), Some(3));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_however_many_give_up_who_load() {
    let system = system().await;
    let cache = cache(&system, options().load_deadline(1000 * MS));
    let load = || cache.get_or_load(&"tea", async || std::future::pending().await);
    let mut first = Box::pin(load());
    tokio::select! { biased; _ = &mut first => panic!("it ended"), () = after(MS) => {} }
    let begun = tokio::time::Instant::now();
    let waits = async {
        let waited = cache.get_or_load(&"tea", async || Ok(3)).await;
        (waited, begun.elapsed())
    };
    // One after the other begins before it, and gives up before it is through.
    let others = async {
        for _ in 0..5 {
            drop(std::mem::replace(&mut first, Box::pin(load())));
            tokio::select! { biased; _ = &mut first => {}, () = after(900 * MS) => {} }
        }
    };
    let ((), (waited, took)) = tokio::join!(others, waits);
    assert_eq!(waited.unwrap_err().code(), "timeout");
    assert!((2000 * MS..2030 * MS).contains(&took), "{took:?}");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_written_while_a_load_fails_is_what_is_given() {
    let system = system().await;
    let cache = cache(&system, options().ttl(MS).stale_for(1000 * MS));
    let gate = Notify::new();
    let load = || {
        cache.get_or_load(&"tea", async || {
            gate.notified().await;
            Err(down())
        })
    };
    let writes = [
        (Box::new(|| _ = cache.insert("tea", 4)) as Box<dyn Fn()>, Some(4)),
        (Box::new(|| _ = cache.remove(&"tea")), None),
        (Box::new(|| _ = cache.clear()), None),
    ];
    for (write, given) in writes {
        cache.insert("tea", 1);
        after(MS).await;
        let written = async {
            write();
            gate.notify_one();
        };
        let (loaded, ()) = tokio::join!(load(), written);
        assert_eq!(loaded.ok(), given);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_written_while_it_is_loaded_stays_so() {
    let system = system().await;
    let cache = cache(&system, options());
    let gate = Notify::new();
    let load = || {
        cache.get_or_load(&"tea", async || {
            gate.notified().await;
            Ok(3)
        })
    };
    let writes = [
        (Box::new(|| _ = cache.insert("tea", 4)) as Box<dyn Fn()>, Some(4)),
        (Box::new(|| _ = cache.remove(&"tea")), None),
        (Box::new(|| _ = cache.clear()), None),
    ];
    for (write, kept) in writes {
        cache.clear();
        let written = async {
            write();
            gate.notify_one();
        };
        let (loaded, ()) = tokio::join!(load(), written);
        assert_eq!((loaded.unwrap(), cache.get(&"tea")), (3, kept));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn values_are_dropped_when_they_go_and_not_under_the_lock() {
    /// Uses the cache when it is dropped, which would block for ever under its lock.
    #[derive(Clone)]
    struct Value(Option<Cache<u32, Value>>, std::sync::Arc<Mutex<u32>>);
    impl Drop for Value {
        fn drop(&mut self) {
            if let Some(cache) = self.0.take() {
                assert!(cache.get(&99).is_none());
                *self.1.lock().unwrap() += 1;
            }
        }
    }
    let system = system().await;
    let cache = Cache::new(&system, "values", options().max_entries(2)).unwrap();
    let dropped = std::sync::Arc::new(Mutex::new(0));
    let value = || Value(Some(cache.clone()), dropped.clone());
    for n in 0..5 {
        cache.insert(n, value());
    }
    assert_eq!(*dropped.lock().unwrap(), 3);
    cache.insert(4, value());
    cache.remove(&4);
    cache.clear();
    let gone = || match *dropped.lock().unwrap() {
        // What is given back is a clone, and dropped as well.
        8 => Ok(()),
        other => Err(format!("{other} dropped")),
    };
    eventually(gone).await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_are_refused() {
    let system = system().await;
    let table = [
        (options().max_entries(0), "max_entries"),
        (options().max_entries(usize::MAX), "max_entries"),
        (options().ttl(Duration::ZERO), "ttl"),
        (options().ttl(Duration::MAX), "ttl"),
        (options().stale_for(Duration::MAX), "stale_for"),
        (options().load_deadline(Duration::ZERO), "load_deadline"),
        (options().load_deadline(Duration::MAX), "load_deadline"),
    ];
    for (options, field) in table {
        let error = Cache::<u32, u32>::new(&system, "cache", options).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    let cache = cache(&system, options());
    for ttl in [Duration::ZERO, Duration::MAX] {
        assert_eq!(cache.insert_with_ttl("tea", 3, ttl).unwrap_err().details()["field"], "ttl");
    }
    assert_eq!(cache.get(&"tea"), None);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ten_rounds_of_five_caches_leave_nothing_behind() {
    // LEAK-5
    let system = system().await;
    let before = system.census().total();
    let value = std::sync::Arc::new(());
    for _ in 0..10 {
        let caches = [(); 5].map(|()| Cache::new(&system, "cache", options()).unwrap());
        for cache in &caches {
            cache.get_or_load(&1, async || Ok(value.clone())).await.unwrap();
        }
    }
    assert_eq!((system.census().total(), std::sync::Arc::strong_count(&value)), (before, 1));
    system.stop().await.unwrap();
}
