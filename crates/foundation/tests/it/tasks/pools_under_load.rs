//! Pools that much is asked of: what they do meanwhile, and that nothing is left.

use foundation::{Result, StreamOptions, Task, TaskPool, TaskPoolOptions, TaskPools};
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use testkit::eventually;
use tokio::time::Instant;

use super::pools::{Meter, SECOND, shown, supervised};
use crate::fixture::{after, strike};

// LEAK-5
#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_batches_crashes_and_pools() {
    let (system, tasks) = supervised().await;
    let pools = TaskPools::new(&tasks);
    let before = (system.census(), tokio::runtime::Handle::current().metrics().num_alive_tasks());
    for round in 0..20 {
        let pool = pools.create(format!("pool {round}"), TaskPoolOptions::new(3)).unwrap();
        for _ in 0..10 {
            let work = |_| Meter::default().work();
            let batch = pool.async_stream(0..20, StreamOptions::default(), work).unwrap();
            assert_eq!(batch.try_collect::<Vec<_>>().await.unwrap().len(), 20);
        }
        for _ in 0..5 {
            let task: Task<()> = pool.async_nolink(async { panic!("one of many") }).unwrap();
            assert_eq!(task.await.unwrap_err().code(), "actor_panicked");
        }
        pools.remove(pool.name()).unwrap().close(SECOND).await.unwrap();
    }
    let now = || (system.census(), tokio::runtime::Handle::current().metrics().num_alive_tasks());
    eventually(|| if now() == before { Ok(()) } else { Err(shown(&now())) }).await;
    assert_eq!(tasks.count_children().unwrap().specs, 0);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_operations_succeed_while_three_pools_are_under_load() {
    // POOL-1
    let (system, tasks) = supervised().await;
    let pools = [2, 5, 3].map(|places| {
        TaskPool::new(&tasks, format!("of {places}"), TaskPoolOptions::new(places)).unwrap()
    });
    let load: Vec<_> =
        (0..60).map(|n| pools[n % 3].async_nolink(Meter::default().work())).collect();
    let operations = (0..100_usize).map(|n| {
        let pool = pools[n % 3].clone();
        async move {
            let squared = move |m: usize| async move { Ok(m * m) };
            match n % 4 {
                0 => pool.async_nolink(async move { Ok(n) })?.await,
                1 => Ok(pool
                    .async_stream([n], StreamOptions::default(), squared)?
                    .try_next()
                    .await?
                    .unwrap()),
                2 => {
                    pool.update(pool.stats().options)?;
                    Ok(pool.stats().running)
                }
                _ => {
                    let failed: Task<()> = pool.async_nolink(async { panic!("one of many") })?;
                    assert_eq!(failed.await.unwrap_err().code(), "actor_panicked");
                    Ok(n)
                }
            }
        }
    });
    let begun = Instant::now();
    for (n, done) in join_all(operations).await.into_iter().enumerate() {
        let done = done.unwrap();
        assert!(if n % 4 == 1 { done == n * n } else { done <= 99 });
    }
    for done in join_all(load.into_iter().map(Result::unwrap)).await {
        done.unwrap();
    }
    // The smallest needs longest: twenty that take a second, two at a time.
    assert_eq!(begun.elapsed(), SECOND * 10);
    for pool in &pools {
        let stats = pool.stats();
        assert_eq!((stats.running, stats.queued, stats.refused), (0, 0, 0));
        assert_eq!(stats.submitted, stats.completed + stats.panicked);
    }
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_pools_whose_supervisor_crashes_again_and_again() {
    // LEAK-5
    let (system, tasks) = supervised().await;
    let pool = TaskPool::new(&tasks, "crashes", TaskPoolOptions::new(2)).unwrap();
    let now = || (system.census(), tokio::runtime::Handle::current().metrics().num_alive_tasks());
    let before = now();
    for _ in 0..5 {
        let pid = tasks.pid();
        let five: Vec<_> =
            (0..5).map(|_| pool.async_nolink(std::future::pending::<Result<()>>())).collect();
        tokio::task::yield_now().await;
        tasks.kill();
        for task in five {
            assert_eq!(task.unwrap().await.unwrap_err().code(), "actor_stopped");
        }
        eventually(|| if tasks.pid() == pid { Err("not restarted") } else { Ok(()) }).await;
        // Once in a while: more often is given up.
        after(SECOND * 10).await;
        eventually(|| if now() == before { Ok(()) } else { Err(shown(&now())) }).await;
        let stats = pool.stats();
        assert_eq!((stats.running, stats.queued), (0, 0));
    }
    strike(system).await;
}
