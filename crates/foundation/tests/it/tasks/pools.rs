//! Pools: how many run, who waits, what becomes of each, and how they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foundation::{
    ActorRef, ExitReason, Job, Result, Shutdown, StreamOptions, Supervisor, System, Task, TaskPool,
    TaskPoolOptions, TaskPools, TaskSupervisor,
};
use futures_util::TryStreamExt;
use testkit::{Log, eventually, panics};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::fixture::{after, strike, system};

const MINUTE: Duration = Duration::from_mins(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn supervised() -> (System, ActorRef<TaskSupervisor>) {
    let system = system().await;
    let top = Supervisor::one_for_one().child(TaskSupervisor::builder().name("pools"));
    let top = top.start(&system).await.unwrap();
    let tasks = top.child::<TaskSupervisor>("pools").await.unwrap();
    (system, tasks)
}

async fn pool(options: TaskPoolOptions) -> (System, TaskPool) {
    let (system, tasks) = supervised().await;
    let pool = TaskPool::new(&tasks, "work", options).unwrap();
    (system, pool)
}

/// Work that takes a second, and knows how many do it at the same time.
#[derive(Clone, Default)]
pub(super) struct Meter {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Meter {
    pub(super) async fn work(self) -> Result<()> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        after(SECOND).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

async fn all<T: Send + 'static>(tasks: Vec<Task<T>>) -> Vec<T> {
    Task::await_many(tasks).await.unwrap()
}

pub(super) fn shown(status: &impl std::fmt::Debug) -> String {
    format!("{status:?}")
}

/// Counts of everything that becomes of a task.
fn ends(pool: &TaskPool) -> [u64; 6] {
    let stats = pool.stats();
    let done = [stats.completed, stats.failed, stats.timed_out];
    let not_done = [stats.panicked, stats.stopped, stats.withdrawn];
    [done[0], done[1], done[2], not_done[0], not_done[1], not_done[2]]
}

// POOL-1
#[tokio::test(start_paused = true)]
async fn the_limit_is_the_pools_whoever_starts_tasks_and_in_whatever_way() {
    let (system, pool) = pool(TaskPoolOptions::new(5)).await;
    let meter = Meter::default();
    let begun = Instant::now();
    let batch = |meter: &Meter| {
        let meter = meter.clone();
        let work = move |_| meter.clone().work();
        pool.async_stream(0..20, StreamOptions::default(), work).unwrap()
    };
    let (first, second) = (batch(&meter), batch(&meter));
    let single: Vec<_> =
        (0..10).map(|_| pool.async_nolink(meter.clone().work()).unwrap()).collect();
    let (first, second, single) =
        tokio::join!(first.try_collect::<Vec<_>>(), second.try_collect::<Vec<_>>(), all(single));
    assert_eq!((first.unwrap().len(), second.unwrap().len(), single.len()), (20, 20, 10));
    assert_eq!((meter.most(), pool.stats().most_running), (5, 5));
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(ends(&pool), [50, 0, 0, 0, 0, 0]);
    assert_eq!(pool.stats().run_time.as_secs(), 50);
    strike(system).await;
}

// POOL-1
#[tokio::test(start_paused = true)]
async fn three_pools_beside_each_other_all_finish() {
    let (system, tasks) = supervised().await;
    let pools = TaskPools::new(&tasks);
    let begun = Instant::now();
    let mut batches = Vec::new();
    for (name, places) in [("small", 2), ("large", 5), ("middle", 3)] {
        let pool = pools.create(name, TaskPoolOptions::new(places)).unwrap();
        let batch: Vec<_> =
            (0..20).map(|_| pool.async_nolink(Meter::default().work()).unwrap()).collect();
        batches.push(batch);
    }
    for batch in batches {
        assert_eq!(all(batch).await.len(), 20);
    }
    assert_eq!(begun.elapsed().as_secs(), 10);
    let stats = pools.stats();
    assert_eq!(stats.keys().map(|name| &**name).collect::<Vec<_>>(), ["large", "middle", "small"]);
    assert!(stats.values().all(|stats| stats.completed == 20 && stats.running == 0));
    assert_eq!(stats["small"].most_running, 2);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_begin_in_the_order_in_which_they_came() {
    let (system, pool) = pool(TaskPoolOptions::new(1)).await;
    let log = Log::default();
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let log = log.clone();
            let work = async move {
                log.push(number.to_string());
                after(SECOND).await;
                Ok(())
            };
            pool.async_nolink(work).unwrap()
        })
        .collect();
    all(tasks).await;
    assert_eq!(log.take(), (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_refuses_at_once() {
    let (system, pool) = pool(TaskPoolOptions::new(2).max_queue(1)).await;
    let kept: Vec<_> =
        (0..3).map(|_| pool.async_nolink(Meter::default().work()).unwrap()).collect();
    let error = pool.async_nolink(Meter::default().work()).unwrap_err();
    assert_eq!(error.code(), "pool_full");
    assert_eq!((error.details()["pool"].as_str(), error.is_retryable()), (Some("work"), true));
    // A batch brings a bound of its own, and is not refused.
    let meter = Meter::default();
    let work = move |_| meter.clone().work();
    let batch = pool.async_stream(0..5, StreamOptions::default(), work).unwrap();
    assert_eq!(batch.try_collect::<Vec<_>>().await.unwrap().len(), 5);
    all(kept).await;
    let stats = pool.stats();
    assert_eq!((stats.submitted, stats.refused, stats.completed), (8, 1, 8));
    strike(system).await;
}

// POOL-1
#[tokio::test(start_paused = true)]
async fn whatever_a_task_comes_to_is_a_result_and_is_counted() {
    let (system, pool) = pool(TaskPoolOptions::new(1).deadline(SECOND)).await;
    let failed = pool.async_nolink(async {
        let failed: Result<()> = Err(foundation::Error::business("sold_out"));
        failed
    });
    assert_eq!(failed.unwrap().await.unwrap_err().code(), "sold_out");
    let panicked: Result<Task<()>> = pool.async_nolink(async { panic!("broken") });
    assert_eq!(panicked.unwrap().await.unwrap_err().code(), "actor_panicked");

    let dropped = Arc::new(());
    let held = Arc::clone(&dropped);
    let slow = pool.async_nolink(async move {
        after(MINUTE).await;
        drop(held);
        Ok(())
    });
    let (begun, error) = (Instant::now(), slow.unwrap().await.unwrap_err());
    assert_eq!((error.code(), &error.details()["pool"]), ("timeout", &"work".into()));
    assert_eq!((begun.elapsed().as_secs(), Arc::strong_count(&dropped)), (1, 1));

    let waits = Arc::new(Notify::new());
    let opened = Arc::clone(&waits);
    let running = pool.async_nolink(async move {
        opened.notify_one();
        after(MINUTE).await;
        Ok(())
    });
    let running = running.unwrap();
    let queued = pool.async_nolink(async { Ok(()) }).unwrap();
    waits.notified().await;
    assert_eq!((pool.stats().running, pool.stats().queued), (1, 1));
    // Whoever lets go of a task that waits withdraws it.
    drop(queued);
    eventually(|| if pool.stats().queued == 0 { Ok(()) } else { Err(shown(&pool.stats())) }).await;
    drop(running);
    pool.idle(SECOND).await.unwrap();
    assert_eq!(pool.async_nolink(async { Ok(17) }).unwrap().await.unwrap(), 17);
    assert_eq!(ends(&pool), [1, 1, 1, 1, 1, 1]);
    let stats = pool.stats();
    assert_eq!((stats.submitted, stats.started), (6, 5));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_counts_from_when_the_task_begins() {
    let (system, pool) = pool(TaskPoolOptions::new(1).deadline(Duration::from_millis(1500))).await;
    let tasks: Vec<_> =
        (0..5).map(|_| pool.async_nolink(Meter::default().work()).unwrap()).collect();
    all(tasks).await;
    assert_eq!(pool.stats().timed_out, 0);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn work_that_panics_when_it_is_dropped_is_a_panic_and_gives_its_place_back() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "a bomb");
        }
    }
    let (system, pool) = pool(TaskPoolOptions::new(1).deadline(SECOND)).await;
    let task = pool.async_nolink(async {
        let _bomb = Bomb;
        std::future::pending::<Result<()>>().await
    });
    assert_eq!(task.unwrap().await.unwrap_err().code(), "actor_panicked");
    assert_eq!(pool.async_nolink(async { Ok(17) }).unwrap().await.unwrap(), 17);
    assert_eq!(ends(&pool), [1, 0, 0, 1, 0, 0]);
    assert!(panics(|| drop(Bomb)).contains("a bomb"));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn another_limit_holds_at_once() {
    let (system, pool) = pool(TaskPoolOptions::new(1)).await;
    let meter = Meter::default();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..8).map(|_| pool.async_nolink(meter.clone().work()).unwrap()).collect();
    after(Duration::from_millis(1500)).await;
    pool.update(TaskPoolOptions::new(3)).unwrap();
    all(tasks).await;
    // 1, then 1 and two more half-way, then the other four.
    assert_eq!((meter.most(), begun.elapsed().as_millis()), (3, 4000));
    let error = pool.update(TaskPoolOptions::new(0)).unwrap_err();
    assert_eq!(error.details()["field"], "max_concurrent");
    assert_eq!(pool.stats().options, TaskPoolOptions::new(3));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_closed_finishes_what_it_has() {
    let (system, pool) = pool(TaskPoolOptions::new(1)).await;
    let tasks: Vec<_> =
        (0..3).map(|_| pool.async_nolink(Meter::default().work()).unwrap()).collect();
    let (closed, ()) = tokio::join!(pool.close(MINUTE), async {
        let error = pool.async_nolink(async { Ok(()) }).unwrap_err();
        assert_eq!(error.code(), "pool_closed");
    });
    closed.unwrap();
    assert_eq!(all(tasks).await.len(), 3);
    assert!(pool.stats().is_closed);
    let mut batch =
        pool.async_stream(0..3, StreamOptions::default(), |_| async { Ok(()) }).unwrap();
    assert_eq!(batch.next().await.unwrap().unwrap_err().code(), "pool_closed");
    assert!(batch.next().await.is_none());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_can_be_closed_at_once_and_again() {
    let (system, pool) = pool(TaskPoolOptions::new(1)).await;
    pool.close(Duration::ZERO).await.unwrap();
    pool.close(MINUTE).await.unwrap();
    strike(system).await;
    let (system, pool) = self::pool(TaskPoolOptions::new(1)).await;
    let endless = pool.async_nolink(std::future::pending::<Result<()>>()).unwrap();
    assert_eq!(pool.close(Duration::ZERO).await.unwrap_err().details()["ended"], 1);
    assert_eq!(endless.await.unwrap_err().code(), "pool_closed");
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_task_holds_is_gone_before_its_place_is() {
    let (system, pool) = pool(TaskPoolOptions::new(1)).await;
    let held = Arc::new(());
    let task = |held: &Arc<()>| {
        let held = Arc::clone(held);
        pool.async_nolink(async move {
            std::future::pending::<()>().await;
            drop(held);
            Ok(())
        })
    };
    let (running, queued) = (task(&held).unwrap(), task(&held).unwrap());
    eventually(|| if pool.stats().running == 1 { Ok(()) } else { Err(shown(&pool.stats())) }).await;
    let idle = async {
        pool.idle(MINUTE).await.unwrap();
        Arc::strong_count(&held)
    };
    let (count, ()) = tokio::join!(idle, async {
        drop(queued);
        drop(running);
    });
    assert_eq!(count, 1);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_with_one_that_it_is_linked_to() {
    let (system, pool) = pool(TaskPoolOptions::new(2)).await;
    let tasks = TaskSupervisor::builder().name("parts").start(&system).await.unwrap();
    let whole = Job::with(move |mut cx| async move {
        let part = async {
            let failed: Result<()> = Err(foundation::Error::business("boom"));
            failed
        };
        let _part = tasks.async_linked(&mut cx, part)?;
        std::future::pending::<Result<()>>().await
    });
    let (task, begun) = (pool.async_nolink(whole).unwrap(), Instant::now());
    assert_eq!(task.await.unwrap_err().code(), "boom");
    assert!(begun.elapsed() < SECOND);
    assert_eq!(ends(&pool), [0, 0, 0, 0, 1, 0]);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_sets_its_tasks_a_time_from_when_they_begin() {
    let (system, pool) = pool(TaskPoolOptions::new(1).max_queue(1)).await;
    let busy = pool.async_nolink(Meter::default().work()).unwrap();
    let times = [0, 600, 400];
    let work = |time| async move {
        after(Duration::from_millis(time)).await;
        Ok(time)
    };
    let options = StreamOptions::default().within(Duration::from_millis(500)).max_concurrency(3);
    let mut batch = pool.async_stream(times, options, work).unwrap();
    let (came_to, ()) = tokio::join!(
        async {
            let mut came_to = Vec::new();
            while let Some(result) = batch.next().await {
                came_to.push(result.map_err(|error| error.code().to_owned()));
            }
            came_to
        },
        async {
            // What waits of the batch takes nothing of the queue.
            after(Duration::from_millis(1)).await;
            pool.async_nolink(async { Ok(()) }).unwrap().await.unwrap();
        }
    );
    assert_eq!(came_to, [Ok(0), Err("timeout".to_owned()), Ok(400)]);
    busy.await.unwrap();
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_is_closed_ends_what_takes_too_long() {
    let (system, pool) = pool(TaskPoolOptions::new(1)).await;
    let running = pool.async_nolink(std::future::pending::<Result<()>>()).unwrap();
    let queued = pool.async_nolink(async { Ok(()) }).unwrap();
    let begun = Instant::now();
    let error = pool.close(SECOND).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["ended"]), ("timeout", &2.into()));
    assert_eq!(begun.elapsed().as_secs(), 1);
    for task in [running, queued] {
        assert_eq!(task.await.unwrap_err().code(), "pool_closed");
    }
    assert_eq!(ends(&pool), [0, 0, 0, 0, 1, 1]);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_go_on_when_their_supervisor_stops_and_those_that_wait_too() {
    let (system, pool) = pool(TaskPoolOptions::new(1).drain(MINUTE)).await;
    let tasks: Vec<_> =
        (0..5).map(|_| pool.async_nolink(Meter::default().work()).unwrap()).collect();
    after(Duration::from_millis(500)).await;
    let (stopped, done) = tokio::join!(system.stop(), all(tasks));
    stopped.unwrap();
    assert_eq!(done.len(), 5);
    assert_eq!(pool.async_nolink(async { Ok(()) }).unwrap_err().code(), "no_process");
    assert_eq!(ends(&pool), [5, 0, 0, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn tasks_are_killed_that_do_not_finish_while_their_supervisor_stops() {
    let (system, pool) = pool(TaskPoolOptions::new(1).drain(SECOND)).await;
    let running = pool.async_nolink(std::future::pending::<Result<()>>()).unwrap();
    let queued = pool.async_nolink(async { Ok(()) }).unwrap();
    let begun = Instant::now();
    system.stop().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 1);
    for task in [running, queued] {
        assert_eq!(task.await.unwrap_err().code(), "actor_stopped");
    }
    assert_eq!(ends(&pool), [0, 0, 0, 0, 1, 1]);
}

// SUP-7
#[tokio::test(start_paused = true)]
async fn a_pool_goes_on_when_its_supervisor_was_killed() {
    let (system, tasks) = supervised().await;
    let pools = TaskPools::new(&tasks);
    let options = TaskPoolOptions::new(7).deadline(Duration::from_secs(3));
    let pool = pools.create("work", options).unwrap();
    let lost = pool.async_nolink(std::future::pending::<Result<()>>()).unwrap();
    let before = tasks.pid();
    tasks.kill();
    assert_eq!(lost.await.unwrap_err().code(), "actor_stopped");
    eventually(|| if tasks.pid() == before { Err("not restarted") } else { Ok(()) }).await;
    // SUP-6: what was configured is in force again.
    let pool = pools.get("work").unwrap();
    assert_eq!(pool.stats().options, options);
    let batch = (0..3).map(|number| pool.async_nolink(async move { Ok(number) }).unwrap());
    assert_eq!(all(batch.collect()).await, [0, 1, 2]);
    assert_eq!(ends(&pool), [3, 0, 0, 0, 1, 0]);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_ends_takes_its_tasks_along_also_those_that_wait() {
    let (system, pool) = pool(TaskPoolOptions::new(1)).await;
    let given = pool.clone();
    let owner = Job::with(move |mut cx| async move {
        let pending = || Job::new(std::future::pending::<Result<()>>());
        let first = given.async_linked(&mut cx, pending())?;
        let second = given.async_linked(&mut cx, pending())?;
        let _kept = (first, second);
        std::future::pending::<Result<()>>().await
    });
    let tasks = TaskSupervisor::builder().name("owners").start(&system).await.unwrap();
    let owner = tasks.async_nolink(owner).unwrap();
    eventually(|| if pool.stats().running == 1 { Ok(()) } else { Err(shown(&pool.stats())) }).await;
    assert_eq!(pool.stats().queued, 1);
    owner.shutdown(Shutdown::BrutalKill).await.unwrap();
    pool.idle(SECOND).await.unwrap();
    assert_eq!(ends(&pool), [0, 0, 0, 0, 1, 1]);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_are_found_in_the_tree_under_the_name_of_their_pool() {
    let (system, tasks) = supervised().await;
    let pool = TaskPool::new(&tasks, "mail", TaskPoolOptions::new(1)).unwrap();
    let other = Job::new(std::future::pending::<Result<()>>()).name("newsletter");
    let kept = (
        pool.async_nolink(std::future::pending::<Result<()>>()).unwrap(),
        pool.async_nolink(other).unwrap(),
    );
    let children = tasks.which_children().unwrap();
    let names: Vec<_> = children.iter().map(|child| &*child.name).collect();
    assert_eq!(names, ["mail", "newsletter"]);
    drop(kept);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn pools_are_found_by_their_names() {
    let (system, tasks) = supervised().await;
    let pools = TaskPools::new(&tasks);
    pools.create("a", TaskPoolOptions::new(1)).unwrap();
    let error = pools.create("a", TaskPoolOptions::new(2)).unwrap_err();
    assert_eq!((error.code(), &error.details()["pool"]), ("pool_exists", &"a".into()));
    assert_eq!(pools.get("a").unwrap().stats().options.clone(), TaskPoolOptions::new(1));
    assert_eq!(pools.get("b").unwrap_err().code(), "pool_not_found");
    for name in ["", &"x".repeat(256)] {
        let error = pools.create(name, TaskPoolOptions::new(1)).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &"name".into()));
    }
    let removed = pools.remove("a").unwrap();
    assert_eq!(pools.remove("a").unwrap_err().code(), "pool_not_found");
    assert!(pools.names().is_empty());
    removed.close(SECOND).await.unwrap();
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_are_refused_with_their_field() {
    let (system, tasks) = supervised().await;
    let one = || TaskPoolOptions::new(1);
    let table = [
        (TaskPoolOptions::new(0), "max_concurrent"),
        (TaskPoolOptions::new(usize::MAX), "max_concurrent"),
        (one().max_queue(1_000_001), "max_queue"),
        (one().deadline(Duration::ZERO), "deadline"),
        (one().deadline(Duration::MAX), "deadline"),
        (one().drain(Duration::MAX), "drain"),
    ];
    for (options, field) in table {
        let error = TaskPool::new(&tasks, "work", options).unwrap_err();
        assert_eq!(error.code(), "invalid_options");
        assert_eq!(error.details()["field"], field);
    }
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_of_a_pool_ends_as_its_holder_says() {
    let (system, pool) = pool(TaskPoolOptions::new(2)).await;
    let slow = pool.async_nolink(Meter::default().work()).unwrap();
    // It has time to finish.
    assert_eq!(slow.shutdown(Shutdown::Within(MINUTE)).await.unwrap(), Some(()));
    let endless = pool.async_nolink(std::future::pending::<Result<()>>()).unwrap();
    let error = endless.shutdown(Shutdown::Within(SECOND)).await.unwrap_err();
    assert_eq!(error.code(), "actor_stopped");
    assert_eq!(error.details()["reason"], ExitReason::Killed.to_string());
    strike(system).await;
}
