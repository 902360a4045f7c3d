//! Rate limits by key: each for itself, and no more keys than there may be.

use std::time::Duration;

use foundation::{KeyedRateLimiter, RateLimit, System};
use tokio::time::Instant;

use crate::fixture::{after, system};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn limiter(system: &System, limit: RateLimit) -> KeyedRateLimiter<u32> {
    KeyedRateLimiter::new(system, "users", limit).unwrap()
}

const BOTH: [RateLimit; 2] = [RateLimit::tokens(10, SECOND), RateLimit::window(10, SECOND)];

#[tokio::test(start_paused = true)]
async fn each_of_five_users_has_ten_calls() {
    // RACE-4
    let system = system().await;
    for limit in BOTH {
        let limiter = limiter(&system, limit);
        let mut passed = [0; 5];
        for call in 0..5 * 15 {
            let user = call % 5;
            passed[user as usize] += u32::from(limiter.check(&user).is_ok());
        }
        assert_eq!((passed, limiter.keys()), ([10; 5], 5));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn looking_makes_no_key_known() {
    let system = system().await;
    for limit in BOTH {
        let limiter = limiter(&system, limit);
        let status = limiter.status(&7);
        assert_eq!((status.limit, status.remaining, limiter.keys()), (10, 10, 0));
        limiter.check_cost(&7, 10).unwrap();
        let status = limiter.status(&7);
        assert_eq!((status.remaining, limiter.status(&8).remaining), (0, 10));
        let denied = limiter.check(&7).unwrap_err();
        assert_eq!(denied.retry_after(), status.retry_after);
        assert_eq!(limiter.check_cost(&7, 11).unwrap_err().code(), "cost_too_high");
        assert_eq!(limiter.check_cost(&7, 0).unwrap_err().code(), "invalid_options");
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_nothing_denies_every_key() {
    let system = system().await;
    for limit in [RateLimit::tokens(0, SECOND), RateLimit::window(0, SECOND)] {
        let limiter = limiter(&system, limit);
        let denied = limiter.check(&7).unwrap_err();
        assert_eq!((denied.code(), denied.retry_after()), ("rate_limited", None));
        assert_eq!(limiter.wait(&7, SECOND).await.unwrap_err().code(), "rate_limited");
        assert_eq!((limiter.status(&7).limit, limiter.keys()), (0, 0));
        limiter.evict();
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_key_waits_for_no_other() {
    let system = system().await;
    for limit in [RateLimit::tokens(1, SECOND), RateLimit::window(1, SECOND)] {
        let (limiter, begun) = (limiter(&system, limit), Instant::now());
        limiter.check(&1).unwrap();
        let waits = async {
            limiter.wait(&1, SECOND).await.unwrap();
            begun.elapsed().as_millis()
        };
        let other = async {
            limiter.wait(&2, SECOND).await.unwrap();
            begun.elapsed().as_millis()
        };
        assert_eq!(tokio::join!(waits, other), (1000, 0));
        assert_eq!(limiter.wait(&1, 999 * MS).await.unwrap_err().code(), "rate_limited");
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_as_new_give_way() {
    let system = system().await;
    for limit in BOTH {
        let limiter = limiter(&system, limit);
        for round in 0..50 {
            for key in 0..1000 {
                limiter.check(&(round * 1000 + key)).unwrap();
            }
            after(2 * SECOND).await;
        }
        assert!(limiter.keys() <= 2048, "{}", limiter.keys());
        limiter.evict();
        assert_eq!(limiter.keys(), 0);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn new_keys_are_refused_while_all_that_may_be_are_in_use() {
    let system = system().await;
    for limit in BOTH {
        let limiter = limiter(&system, limit.max_keys(3));
        for key in 0..3 {
            limiter.check(&key).unwrap();
        }
        let refused = limiter.check(&3).unwrap_err();
        assert_eq!((refused.code(), refused.is_retryable()), ("too_many_keys", true));
        assert_eq!(refused.details()["max_keys"], 3);
        assert!(refused.retry_after().unwrap() <= 100 * MS);
        // Those that are known go on.
        limiter.check(&0).unwrap();
        assert_eq!(limiter.keys(), 3);
        // Others are as new after a second, and somebody looks soon after that.
        after(1200 * MS).await;
        limiter.check(&3).unwrap();
        assert_eq!(limiter.keys(), 1);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_keys_is_refused_cheaply_and_stays_bounded() {
    let system = system().await;
    for limit in BOTH {
        let limiter = limiter(&system, limit.max_keys(1000));
        let passed = (0..100_000).filter(|key| limiter.check(key).is_ok()).count();
        assert_eq!((passed, limiter.keys()), (1000, 1000));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn numbers_of_keys_that_cannot_be_are_refused() {
    let system = system().await;
    let great = RateLimit::window(1001, SECOND);
    let too_many = great.max_keys(100_000);
    for limit in [BOTH[0].max_keys(0), BOTH[0].max_keys(usize::MAX), too_many] {
        let error = KeyedRateLimiter::<u32>::new(&system, "users", limit).unwrap_err();
        assert_eq!(error.details()["field"], "max_keys");
    }
    // Without a number there are as many as may be.
    limiter(&system, great).check(&7).unwrap();
    system.stop().await.unwrap();
}
