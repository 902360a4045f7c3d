//! Deadlines that are arguments, as long as can be and none at all: each wait ends as it should.

use std::time::Duration;

use foundation::{
    BreakerOptions, Bulkhead, BulkheadOptions, CircuitBreakers, KeyedRateLimiter, RateLimit,
    RateLimiter, Result, System, TaskPool, TaskPoolOptions, TaskSupervisor,
};

use crate::fixture::{strike, system};

const SECOND: Duration = Duration::from_secs(1);

fn code<T>(result: Result<T>) -> String {
    result.map_or_else(|error| error.code().to_owned(), |_| "ok".to_owned())
}

async fn never() -> Result<()> {
    std::future::pending().await
}

async fn limits(system: &System, deadline: Duration) -> [String; 3] {
    let (limiter, keyed) = (
        RateLimiter::new(system, "calls", RateLimit::tokens(1, SECOND)).unwrap(),
        KeyedRateLimiter::new(system, "users", RateLimit::window(1, SECOND)).unwrap(),
    );
    limiter.check().unwrap();
    keyed.check(&7).unwrap();
    let bulkhead = Bulkhead::new(system, "room", BulkheadOptions::new(1)).unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let (waited, ()) = tokio::join!(bulkhead.acquire(deadline), async {
        tokio::task::yield_now().await;
        drop(held);
    });
    [code(limiter.wait(deadline).await), code(keyed.wait(&7, deadline).await), code(waited)]
}

#[tokio::test(start_paused = true)]
async fn a_deadline_as_long_as_can_be_is_as_good_as_none() {
    let system = system().await;
    assert_eq!(limits(&system, Duration::MAX).await, ["ok"; 3]);
    let circuit =
        CircuitBreakers::new(&system, BreakerOptions::default()).unwrap().circuit("bank").unwrap();
    assert_eq!(circuit.call_within(Duration::MAX, async { Ok(1) }).await.unwrap(), 1);
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    assert_eq!(tasks.isolate(Duration::MAX, async { Ok(2) }).await.unwrap(), 2);
    let pool = TaskPool::new(&tasks, "pool", TaskPoolOptions::new(1)).unwrap();
    let slow = pool.async_nolink(async {
        tokio::task::yield_now().await;
        Ok(())
    });
    pool.idle(Duration::MAX).await.unwrap();
    slow.unwrap().await.unwrap();
    pool.close(Duration::MAX).await.unwrap();
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_is_over_at_once() {
    let system = system().await;
    let expected = ["rate_limited", "rate_limited", "bulkhead_full"].map(str::to_owned);
    assert_eq!(limits(&system, Duration::ZERO).await, expected);
    let circuit =
        CircuitBreakers::new(&system, BreakerOptions::default()).unwrap().circuit("bank").unwrap();
    assert_eq!(code(circuit.call_within(Duration::ZERO, never()).await), "timeout");
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    assert_eq!(code(tasks.isolate(Duration::ZERO, never()).await), "timeout");
    let pool = TaskPool::new(&tasks, "pool", TaskPoolOptions::new(1)).unwrap();
    let endless = pool.async_nolink(never()).unwrap();
    assert_eq!(code(pool.idle(Duration::ZERO).await), "timeout");
    assert_eq!(code(pool.close(Duration::ZERO).await), "timeout");
    assert_eq!(code(endless.await), "pool_closed");
    strike(system).await;
}
