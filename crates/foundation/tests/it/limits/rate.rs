//! Rate limits: what is admitted, when, and what is said to those who are not.

use std::time::Duration;

use foundation::{RateLimit, RateLimiter, RateLimiters, System};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::fixture::{after, system};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn limiter(system: &System, limit: RateLimit) -> RateLimiter {
    RateLimiter::new(system, "calls", limit).unwrap()
}

/// How many of `calls` are admitted now.
fn admitted(limiter: &RateLimiter, calls: u32) -> usize {
    (0..calls).filter(|_| limiter.check().is_ok()).count()
}

#[tokio::test(start_paused = true)]
async fn of_two_hundred_calls_in_a_second_a_hundred_pass() {
    // RACE-1
    let system = system().await;
    for limit in [RateLimit::tokens(100, SECOND), RateLimit::window(100, SECOND)] {
        let limiter = limiter(&system, limit);
        for _ in 0..3 {
            let calls = join_all((0..200).map(async |_| {
                tokio::task::yield_now().await;
                limiter.check()
            }));
            let denied: Vec<_> = calls.await.into_iter().filter_map(Result::err).collect();
            assert_eq!(denied.len(), 100);
            assert!(denied.iter().all(|denied| denied.code() == "rate_limited"));
            after(SECOND).await;
        }
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_twenty_rapid_calls_ten_pass() {
    // RACE-2
    let system = system().await;
    for limit in [RateLimit::tokens(10, 100 * MS), RateLimit::window(10, 100 * MS)] {
        assert_eq!(admitted(&limiter(&system, limit), 20), 10);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_window_as_many_pass_again() {
    // RACE-3
    let system = system().await;
    for limit in [RateLimit::tokens(5, 50 * MS), RateLimit::window(5, 50 * MS)] {
        let limiter = limiter(&system, limit);
        assert_eq!(admitted(&limiter, 7), 5);
        after(50 * MS).await;
        assert_eq!(admitted(&limiter, 7), 5);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tokens_come_evenly_and_a_window_gives_all_at_once() {
    let system = system().await;
    let tokens = limiter(&system, RateLimit::tokens(5, 50 * MS));
    let window = limiter(&system, RateLimit::window(5, 50 * MS));
    assert_eq!((admitted(&tokens, 9), admitted(&window, 9)), (5, 5));
    for passed in [1, 1, 1, 1] {
        after(10 * MS).await;
        assert_eq!((admitted(&tokens, 9), admitted(&window, 9)), (passed, 0));
    }
    after(10 * MS).await;
    assert_eq!((admitted(&tokens, 9), admitted(&window, 9)), (1, 5));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_denial_says_when_to_come_back_and_that_is_true() {
    let system = system().await;
    for limit in [RateLimit::tokens(2, SECOND), RateLimit::window(2, SECOND)] {
        let limiter = limiter(&system, limit);
        limiter.check_cost(2).unwrap();
        let denied = limiter.check().unwrap_err();
        assert_eq!((denied.code(), denied.is_retryable()), ("rate_limited", true));
        assert_eq!(denied.details()["limiter"], "calls");
        let wait = denied.retry_after().unwrap();
        assert_eq!(limiter.status().retry_after, Some(wait));
        after(wait.checked_sub(MS).unwrap()).await;
        assert_eq!(admitted(&limiter, 1), 0);
        after(MS).await;
        assert_eq!(limiter.status().retry_after, Some(Duration::ZERO));
        assert_eq!(admitted(&limiter, 1), 1);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_limits_do_not_share_and_say_what_is_left() {
    // RL-1
    let system = system().await;
    for limit in [RateLimit::tokens(2, SECOND), RateLimit::window(2, SECOND)] {
        let (first, second) = (limiter(&system, limit), limiter(&system, limit));
        for left in [2, 1] {
            let status = first.status();
            let seen = (status.limit, status.remaining, status.retry_after);
            assert_eq!(seen, (2, left, Some(Duration::ZERO)));
            first.check().unwrap();
        }
        first.check().unwrap_err();
        assert_eq!((first.status().remaining, second.status().remaining), (0, 2));
        assert_eq!(first.clone().status().remaining, 0);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cost_passes_whole_or_not_at_all() {
    let system = system().await;
    for limit in [RateLimit::tokens(10, SECOND), RateLimit::window(10, SECOND)] {
        let limiter = limiter(&system, limit);
        limiter.check_cost(7).unwrap();
        assert_eq!(limiter.check_cost(4).unwrap_err().code(), "rate_limited");
        assert_eq!(limiter.status().remaining, 3);
        limiter.check_cost(3).unwrap();
        let too_high = limiter.check_cost(11).unwrap_err();
        assert_eq!((too_high.code(), too_high.is_retryable()), ("cost_too_high", false));
        assert_eq!(limiter.check_cost(0).unwrap_err().code(), "invalid_options");
        assert_eq!(limiter.check_cost(u32::MAX).unwrap_err().code(), "cost_too_high");
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_nothing_denies_everything_for_ever() {
    let system = system().await;
    for limit in [RateLimit::tokens(0, SECOND), RateLimit::window(0, SECOND)] {
        let limiter = limiter(&system, limit);
        let denied = limiter.check().unwrap_err();
        assert_eq!((denied.code(), denied.retry_after()), ("rate_limited", None));
        assert_eq!(limiter.wait(3600 * SECOND).await.unwrap_err().code(), "rate_limited");
        let status = limiter.status();
        assert_eq!((status.limit, status.remaining, status.retry_after), (0, 0, None));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_pass_in_order_and_at_their_time() {
    let system = system().await;
    for (limit, times) in [
        (RateLimit::tokens(10, SECOND).burst(1), [0, 100, 200, 300]),
        (RateLimit::window(1, 100 * MS), [0, 100, 200, 300]),
        (RateLimit::window(2, 100 * MS), [0, 0, 100, 100]),
    ] {
        let (limiter, begun) = (limiter(&system, limit), Instant::now());
        let passed = std::sync::Mutex::new(Vec::new());
        let wait = async |n: usize| {
            limiter.wait(10 * SECOND).await.unwrap();
            passed.lock().unwrap().push((n, begun.elapsed().as_millis()));
        };
        join_all((0..4).map(wait)).await;
        let expected: Vec<_> = times.into_iter().enumerate().collect();
        assert_eq!(passed.into_inner().unwrap(), expected);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_cannot_pass_in_time_is_told_so_at_once() {
    let system = system().await;
    let (limiter, begun) = (limiter(&system, RateLimit::tokens(1, SECOND)), Instant::now());
    limiter.check().unwrap();
    let denied = limiter.wait(999 * MS).await.unwrap_err();
    assert_eq!((denied.code(), denied.retry_after()), ("rate_limited", Some(SECOND)));
    limiter.wait(Duration::ZERO).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    limiter.wait(SECOND).await.unwrap();
    // Behind one who waits it takes as long as it may.
    let (first, second) = tokio::join!(limiter.wait(SECOND), limiter.wait(500 * MS));
    first.unwrap();
    let denied = second.unwrap_err();
    assert_eq!((denied.code(), denied.retry_after()), ("rate_limited", None));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn giving_up_waiting_lets_the_next_one_pass() {
    let system = system().await;
    let limiter = limiter(&system, RateLimit::tokens(1, SECOND));
    limiter.check().unwrap();
    let begun = Instant::now();
    let waiting = limiter.wait(10 * SECOND);
    let given_up = async {
        tokio::select! { biased; _ = waiting => panic!("it passed"), () = after(500 * MS) => {} }
    };
    let ((), next) = tokio::join!(given_up, limiter.wait(10 * SECOND));
    next.unwrap();
    assert_eq!(begun.elapsed().as_millis(), 1000);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_system_that_goes_ends_every_wait() {
    let system = system().await;
    let limiter = limiter(&system, RateLimit::tokens(1, 3600 * SECOND));
    limiter.check().unwrap();
    let waits = || limiter.wait(7200 * SECOND);
    let (stopped, first, second) = tokio::join!(system.stop(), waits(), waits());
    stopped.unwrap();
    assert_eq!(first.unwrap_err().code(), "system_stopping");
    assert_eq!(second.unwrap_err().code(), "system_stopping");
}

#[tokio::test(start_paused = true)]
async fn limits_are_found_by_their_names() {
    // RL-1
    let system = system().await;
    let limiters = RateLimiters::new(&system);
    assert_eq!(limiters.get("api").unwrap_err().code(), "limiter_not_found");
    let limit = RateLimit::tokens(2, SECOND);
    let api = limiters.configure("api", limit).unwrap();
    limiters.configure("mail", limit).unwrap();
    assert_eq!((admitted(&api, 3), limiters.get("api").unwrap().status().remaining), (2, 0));
    let names = limiters.names();
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["api", "mail"]);
    // Configured again, nothing of it is used.
    limiters.configure("api", limit).unwrap();
    assert_eq!(limiters.get("api").unwrap().status().remaining, 2);
    limiters.remove("api").unwrap();
    for error in [limiters.get("api").unwrap_err(), limiters.remove("api").unwrap_err()] {
        assert_eq!((error.code(), &error.details()["name"]), ("limiter_not_found", &"api".into()));
    }
    let refused = limiters.configure("", limit).unwrap_err();
    assert_eq!(refused.details()["field"], "name");
    let refused = limiters.configure("none", RateLimit::tokens(1, Duration::ZERO)).unwrap_err();
    assert_eq!(refused.details()["field"], "period");
    assert_eq!(limiters.get("none").unwrap_err().code(), "limiter_not_found");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn limits_that_cannot_be_are_refused() {
    // RL-1
    let system = system().await;
    let year = 366 * 24 * 3600 * SECOND;
    let nanosecond = Duration::from_nanos(1);
    let table = [
        (RateLimit::tokens(1, Duration::ZERO), "period"),
        (RateLimit::tokens(0, Duration::ZERO), "period"),
        (RateLimit::tokens(1, Duration::MAX), "period"),
        (RateLimit::window(1, Duration::ZERO), "period"),
        (RateLimit::window(1, year + SECOND), "period"),
        (RateLimit::tokens(2, nanosecond), "limit"),
        (RateLimit::window(100_001, SECOND), "limit"),
        (RateLimit::window(1, SECOND).burst(5), "burst"),
        (RateLimit::tokens(1, SECOND).burst(0), "burst"),
        (RateLimit::tokens(0, SECOND).burst(0), "burst"),
        (RateLimit::tokens(1, year).burst(2), "burst"),
        (RateLimit::tokens(1, SECOND).burst(u32::MAX), "burst"),
    ];
    for (limit, field) in table {
        let error = RateLimiter::new(&system, "calls", limit).unwrap_err();
        let seen = (error.code(), &error.details()["field"]);
        assert_eq!(seen, ("invalid_options", &field.into()), "{limit:?}");
    }
    for limit in [
        RateLimit::tokens(1, nanosecond),
        RateLimit::tokens(u32::MAX, SECOND * 10),
        RateLimit::tokens(1, year),
        RateLimit::window(100_000, year),
    ] {
        let limiter = limiter(&system, limit);
        limiter.check().unwrap();
        let most = limiter.status().limit;
        let _ = limiter.check_cost(most);
        assert!(limiter.status().remaining < most);
    }
    system.stop().await.unwrap();
}
