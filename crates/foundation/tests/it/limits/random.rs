//! Rate limiters under random use, against naive models, and the bounds that they promise.

use std::num::NonZeroU32;
use std::time::Duration;

use foundation::{KeyedRateLimiter, RateLimit, RateLimiter, System};
use testkit::for_each_seed;

/// What was admitted: when, in nanoseconds, and how much.
type Admitted = Vec<(u64, u64)>;

/// Uses a limiter at random, and says what was admitted. `model` says of each time and cost whether
/// it is to be.
async fn use_at_random(
    seed: u64,
    limit: RateLimit,
    longest_pause: u64,
    mut model: impl FnMut(u64, u64) -> bool,
) -> Admitted {
    let system = System::builder().start().await.unwrap();
    let limiter = RateLimiter::new(&system, "calls", limit).unwrap();
    let mut random = fastrand::Rng::with_seed(seed);
    let most = limiter.status().limit;
    let (mut now, mut admitted) = (0, Vec::new());
    for _ in 0..400 {
        let pause = random.u64(0..longest_pause);
        now += pause;
        tokio::time::advance(Duration::from_nanos(pause)).await;
        let cost = random.u32(1..=most);
        let expected = model(now, cost.into());
        let remaining = limiter.status().remaining;
        let passes = limiter.check_cost(cost).is_ok();
        assert_eq!(passes, expected, "{cost} at {now}, after {admitted:?}");
        assert_eq!(passes, cost <= remaining, "{cost} of {remaining} at {now}");
        if passes {
            admitted.push((now, cost.into()));
        } else if random.bool() {
            // It is admitted then, and not a nanosecond before.
            let wait = limiter.check_cost(cost).unwrap_err().retry_after().unwrap();
            let just_before = wait.checked_sub(Duration::from_nanos(1)).unwrap();
            tokio::time::advance(just_before).await;
            limiter.check_cost(cost).unwrap_err();
            tokio::time::advance(Duration::from_nanos(1)).await;
            now += u64::try_from(wait.as_nanos()).unwrap();
            assert!(model(now, cost.into()));
            limiter.check_cost(cost).unwrap();
            admitted.push((now, cost.into()));
        }
    }
    system.stop().await.unwrap();
    admitted
}

#[test]
fn keys_are_limited_as_if_each_had_a_limit_of_its_own_whoever_is_forgotten() {
    // RACE-4, RACE-5
    for_each_seed(NonZeroU32::new(20).unwrap(), |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let period = Duration::from_millis(random.u64(1..400));
        let most = random.u32(1..20);
        let limits = [RateLimit::tokens(most, period), RateLimit::window(most, period)];
        let limit = limits[random.usize(..2)];
        paused(async {
            let system = System::builder().start().await.unwrap();
            let keyed = KeyedRateLimiter::<usize>::new(&system, "keys", limit).unwrap();
            let new = |_| RateLimiter::new(&system, "one", limit).unwrap();
            let each: Vec<_> = (0..5).map(new).collect();
            for _ in 0..500 {
                let (key, cost) = (random.usize(..5), random.u32(1..=most));
                match random.u32(..10) {
                    0 => keyed.evict(),
                    1..4 => tokio::time::advance(period.mul_f64(random.f64())).await,
                    _ => {}
                }
                assert_eq!(keyed.status(&key), each[key].status());
                let (ours, model) = (keyed.check_cost(&key, cost), each[key].check_cost(cost));
                let wait = |result: foundation::Result<()>| result.map_err(|it| it.retry_after());
                assert_eq!(wait(ours), wait(model), "{cost} of {key}");
            }
            tokio::time::advance(period + Duration::from_secs(1)).await;
            keyed.evict();
            assert_eq!(keyed.keys(), 0);
            system.stop().await.unwrap();
        });
    });
}

fn paused(run: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(run);
}

#[test]
fn tokens_are_those_of_a_naive_bucket_and_never_more_than_the_quota() {
    // RACE-5
    for_each_seed(NonZeroU32::new(40).unwrap(), |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let (quota, burst) = (random.u32(1..50), random.u32(1..30));
        let period = random.u64(1000..1_000_000);
        let limit = RateLimit::tokens(quota, Duration::from_nanos(period)).burst(burst);
        let interval = period.div_ceil(quota.into());
        paused(async {
            // Filled by nanoseconds, emptied by tokens.
            let full = u64::from(burst) * interval;
            let (mut level, mut last) = (full, 0);
            let bucket = |now: u64, cost: u64| {
                level = (level + (now - last)).min(full);
                last = now;
                let passes = cost * interval <= level;
                if passes {
                    level -= cost * interval;
                }
                passes
            };
            let admitted = use_at_random(seed, limit, 4 * interval, bucket).await;
            assert!(!admitted.is_empty());
            for (first, (from, _)) in admitted.iter().enumerate() {
                let mut sum = 0;
                for (to, cost) in &admitted[first..] {
                    sum += cost;
                    let time = u128::from(to - from);
                    let most = time * u128::from(quota) / u128::from(period);
                    let most = u128::from(burst) + most;
                    assert!(u128::from(sum) <= most, "{sum} from {from} to {to}");
                }
            }
        });
    });
}

#[test]
fn a_sliding_window_is_exact_wherever_it_begins() {
    // RACE-5
    for_each_seed(NonZeroU32::new(40).unwrap(), |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let (most, window) = (random.u32(1..30), random.u64(1000..1_000_000));
        let limit = RateLimit::window(most, Duration::from_nanos(window));
        paused(async {
            let mut list: Admitted = Vec::new();
            let model = |now: u64, cost: u64| {
                let within = list.iter().filter(|(at, _)| now - at < window);
                let passes = within.map(|(_, cost)| cost).sum::<u64>() + cost <= most.into();
                if passes {
                    list.push((now, cost));
                }
                passes
            };
            let admitted = use_at_random(seed, limit, window / 3, model).await;
            for (from, _) in &admitted {
                let within = admitted.iter().filter(|(at, _)| (*from..from + window).contains(at));
                assert!(within.map(|(_, cost)| cost).sum::<u64>() <= most.into());
            }
        });
    });
}
