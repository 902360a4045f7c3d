//! Deadlines in paused time: never early, hardly late, and nothing left.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::{Deadlines, Future, LONG, Limit, NEVER, TICK, Within};

/// Runs `test` beside a keeper.
async fn with_keeper<T>(test: impl AsyncFnOnce(&Deadlines) -> T) -> T {
    let deadlines = Arc::new(Deadlines::new());
    let keeper = pin!(Arc::clone(&deadlines).keep(tokio::sync::oneshot::channel().0));
    let test = pin!(test(&deadlines));
    tokio::select! {
        biased;
        done = test => done,
        () = keeper => unreachable!("the keeper never ends"),
    }
}

async fn passes_after(deadlines: &Deadlines, shard: usize, after: Duration) -> Duration {
    let started = Instant::now();
    let waiting = Within::new(Limit::new(deadlines, shard, Some(after)), pending::<()>());
    waiting.await.unwrap_err();
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_short_deadline_passes_when_it_is_due_and_a_long_one_within_a_tick() {
    with_keeper(async |deadlines| {
        for milliseconds in [1, 9, 10, 999, 1000, 1001, 5000, 60_000] {
            let after = Duration::from_millis(milliseconds);
            let late = passes_after(deadlines, 0, after).await.checked_sub(after);
            let most = if after < LONG { Duration::from_millis(1) } else { 2 * TICK };
            let late = late.unwrap_or_else(|| panic!("{after:?}: too early"));
            assert!(late <= most, "{after:?}: {late:?} late");
        }
        assert_eq!(deadlines.armed(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn many_deadlines_at_once_each_pass_in_their_own_time() {
    let mut random = fastrand::Rng::with_seed(0x5eed);
    let waits: Vec<_> = (0..300).map(|_| Duration::from_millis(random.u64(1..20_000))).collect();
    with_keeper(async |deadlines| {
        let mut waiting: Vec<_> = (waits.iter().enumerate())
            .map(|(n, after)| Box::pin(passes_after(deadlines, n, *after)))
            .collect();
        let mut left = waiting.len();
        let mut took = vec![None; left];
        std::future::poll_fn(|cx| {
            for (waiting, took) in waiting.iter_mut().zip(&mut took) {
                if took.is_none()
                    && let std::task::Poll::Ready(after) = waiting.as_mut().poll(cx)
                {
                    *took = Some(after);
                    left -= 1;
                }
            }
            if left == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        for (after, took) in waits.iter().zip(took) {
            let late = took.unwrap().checked_sub(*after);
            assert!(late.is_some_and(|late| late <= 2 * TICK), "{after:?} took {took:?}");
        }
        assert_eq!(deadlines.armed(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_sooner_deadline_wakes_the_keeper_from_a_later_one() {
    with_keeper(async |deadlines| {
        let mut later = Limit::new(deadlines, 0, Some(Duration::from_millis(900)));
        assert!(later.poll(Waker::noop()).is_pending());
        tokio::task::yield_now().await;
        let sooner = Duration::from_millis(3);
        assert!(passes_after(deadlines, 0, sooner).await <= Duration::from_millis(4));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_leaves_nothing() {
    let deadlines = Deadlines::new();
    let ready = Within::new(Limit::new(&deadlines, 0, Some(LONG)), std::future::ready(7));
    assert_eq!((ready.await, deadlines.armed()), (Ok(7), 0));
    {
        let mut cx = Context::from_waker(Waker::noop());
        let mut waits = Vec::new();
        for shard in 0..20 {
            let limit = Limit::new(&deadlines, shard, Some(LONG));
            let mut waiting = Box::pin(Within::new(limit, pending::<()>()));
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
            waits.push(waiting);
        }
        assert_eq!(deadlines.armed(), 20);
    }
    assert_eq!(deadlines.armed(), 0);
}

#[test]
fn no_time_at_all_passes_at_once_and_without_a_limit_nothing_does() {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let deadlines = Deadlines::new();
        assert!(Limit::new(&deadlines, 0, Some(Duration::ZERO)).poll(Waker::noop()).is_ready());
        assert!(Limit::new(&deadlines, 0, None).poll(Waker::noop()).is_pending());
        assert!(Limit::new(&deadlines, 0, Some(Duration::MAX)).poll(Waker::noop()).is_pending());
        assert_eq!((deadlines.armed(), deadlines.look(NEVER - 1).earliest), (0, None));
    });
}
