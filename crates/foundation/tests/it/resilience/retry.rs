//! Retries: how often, how long between, and what comes of it in the end.

use std::sync::Mutex;
use std::time::Duration;

use foundation::{
    Backoff, Error, Jitter, Result, Retry, RetryBudget, RetryPolicies, RetryPolicy, System,
};
use tokio::time::Instant;

use crate::fixture::{after, system};

const MS: Duration = Duration::from_millis(1);

fn down() -> Error {
    Error::infrastructure("bank_unreachable").with_detail("bank", "north")
}

fn retry(system: &System, policy: RetryPolicy) -> Retry {
    Retry::new(system, policy).unwrap()
}

/// Runs an operation that fails with these errors, one after the other, and then succeeds. Gives
/// what came of it, and when each attempt began, in milliseconds.
async fn failing(retry: &Retry, errors: Vec<Error>) -> (Result<u32>, Vec<u128>) {
    let (begun, mut times) = (Instant::now(), Vec::new());
    let mut errors = errors.into_iter();
    let result = retry.run(|attempt| {
        times.push(begun.elapsed().as_millis());
        assert_eq!(usize::try_from(attempt.number).unwrap(), times.len());
        std::future::ready(errors.next().map_or(Ok(17), Err))
    });
    (result.await, times)
}

fn exact() -> RetryPolicy {
    RetryPolicy::exponential().jitter(Jitter::None)
}

#[tokio::test(start_paused = true)]
async fn fails_twice_and_then_succeeds_in_three_attempts() {
    // RET-1
    let system = system().await;
    let (result, times) = failing(&retry(&system, exact()), vec![down(), down()]).await;
    assert_eq!((result.unwrap(), times.len()), (17, 3));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_other_error_than_one_of_infrastructure_is_tried_again() {
    // RET-1
    let system = system().await;
    let retry = retry(&system, exact());
    for error in [Error::business("no"), Error::validation("no"), Error::system("no")] {
        let (result, times) = failing(&retry, vec![error.clone()]).await;
        assert_eq!((result.unwrap_err(), times.len()), (error, 1));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_given_unchanged() {
    // RET-2: three attempts are one and two retries.
    let system = system().await;
    let errors: Vec<_> = (1..=5).map(|n| down().with_detail("attempt", n)).collect();
    let (result, times) = failing(&retry(&system, exact()), errors.clone()).await;
    assert_eq!((result.unwrap_err(), times.len()), (errors[2].clone(), 3));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn waits_double_up_to_the_cap() {
    // RET-3
    let system = system().await;
    let retry = retry(&system, exact().max_attempts(9).without_deadline());
    let (result, times) = failing(&retry, vec![down(); 8]).await;
    assert_eq!(result.unwrap(), 17);
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn full_jitter_spreads_waits_from_nothing_to_the_whole() {
    let system = System::builder().seed(7).start().await.unwrap();
    let backoff = Backoff::Fixed(1000 * MS);
    let policy = RetryPolicy::fixed().backoff(backoff).jitter(Jitter::Full).max_attempts(101);
    let retry = retry(&system, policy.without_deadline());
    let (_, times) = failing(&retry, vec![down(); 100]).await;
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.iter().all(|wait| *wait <= 1001), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait < 100) && waits.iter().any(|wait| *wait > 900));
    let mean = waits.iter().sum::<u128>() / 100;
    assert!((400..=600).contains(&mean), "{mean}");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_seed_gives_the_same_waits_again() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let system = System::builder().seed(7).start().await.unwrap();
        let retry = retry(&system, RetryPolicy::exponential().max_attempts(6));
        runs.push(failing(&retry, vec![down(); 6]).await.1);
        system.stop().await.unwrap();
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_says_when_to_come_back_is_obeyed_or_the_last() {
    let system = system().await;
    let retry = retry(&system, exact().longest_retry_after(10_000 * MS));
    let (result, times) = failing(&retry, vec![down().with_retry_after(7000 * MS)]).await;
    assert_eq!((result.unwrap(), times), (17, vec![0, 7000]));
    for too_long in [10_001 * MS, Duration::MAX] {
        let error = down().with_retry_after(too_long);
        let (result, times) = failing(&retry, vec![error.clone()]).await;
        assert_eq!((result.unwrap_err(), times.len()), (error, 1));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_deadline_does_not_allow_is_not_begun() {
    let system = system().await;
    let retry = retry(&system, exact().max_attempts(10).deadline(650 * MS));
    let begun = Instant::now();
    let (result, times) = failing(&retry, vec![down(); 10]).await;
    // 100, 200, and then 400 would be 700.
    assert_eq!((result.unwrap_err(), times), (down(), vec![0, 100, 300]));
    assert_eq!(begun.elapsed().as_millis(), 300);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_under_way_at_the_deadline_is_dropped_and_names_the_error_before() {
    let system = system().await;
    let retry = retry(&system, exact().deadline(5000 * MS));
    let begun = Instant::now();
    let result: Result<u32> = retry
        .run(async |attempt| match attempt.number {
            1 => Err(down()),
            _ => std::future::pending().await,
        })
        .await;
    let error = result.unwrap_err();
    assert_eq!(error.code(), "timeout");
    assert!(error.report().to_string().contains("caused by: bank_unreachable"), "{error:?}");
    assert!((5000..=5020).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_dropped_and_tried_again() {
    let system = system().await;
    let retry = retry(&system, exact().attempt_deadline(2000 * MS).max_attempts(2));
    let result = retry
        .run(async |attempt| match attempt.number {
            1 => std::future::pending().await,
            number => Ok(number),
        })
        .await;
    assert_eq!(result.unwrap(), 2);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retries_share_a_budget_and_first_attempts_do_not_need_it() {
    let system = system().await;
    let budget = RetryBudget::new(50, 3).unwrap();
    let retry = retry(&system, exact().max_attempts(3).budget(&budget));
    let mut attempts = 0;
    for _ in 0..10 {
        let (result, times) = failing(&retry, vec![down(); 3]).await;
        assert_eq!(result.unwrap_err(), down());
        attempts += times.len();
    }
    // The reserve of three, and one for every two calls but for the first, while it was full.
    assert_eq!(attempts, 10 + 3 + 4);
    assert_eq!(budget.left(), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_found_by_its_name_and_is_the_one_that_is_used() {
    // RET-5
    let system = system().await;
    let policies = RetryPolicies::new().with("payments", exact().max_attempts(5)).unwrap();
    let names: Vec<_> = policies.names().collect();
    assert_eq!(names, ["exponential", "fixed", "immediate", "linear", "payments"]);
    for (name, attempts) in [("payments", 5), ("exponential", 3), ("immediate", 3)] {
        let retry = retry(&system, policies.get(name).unwrap());
        let (_, times) = failing(&retry, vec![down(); 9]).await;
        assert_eq!(times.len(), attempts, "{name}");
    }
    let unknown = policies.get("paymets").unwrap_err();
    assert_eq!((unknown.code(), &unknown.details()["name"]), ("invalid_policy", &"paymets".into()));
    let refused = RetryPolicies::new().with("none", exact().max_attempts(0)).unwrap_err();
    assert_eq!(refused.code(), "invalid_options");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_cannot_be_is_refused() {
    let system = system().await;
    let day = Duration::from_hours(24);
    let table = [
        (exact().max_attempts(0), "max_attempts"),
        (exact().max_attempts(1001), "max_attempts"),
        (exact().deadline(Duration::ZERO), "deadline"),
        (exact().deadline(Duration::MAX), "deadline"),
        (exact().attempt_deadline(Duration::ZERO), "attempt_deadline"),
        (exact().attempt_deadline(2 * day), "attempt_deadline"),
        (exact().longest_retry_after(2 * day), "longest_retry_after"),
        (exact().backoff(Backoff::Fixed(Duration::MAX)), "backoff"),
        (exact().backoff(Backoff::Exponential { base: 2 * MS, cap: MS }), "backoff"),
        (exact().backoff(Backoff::Linear { step: MS, cap: 2 * day }), "backoff"),
    ];
    for (policy, field) in table {
        let error = Retry::new(&system, policy).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn giving_it_up_ends_it_where_it_is() {
    let system = system().await;
    let retry = retry(&system, exact().max_attempts(100).without_deadline());
    let attempts = Mutex::new(0);
    let operation = retry.run(async |_| {
        *attempts.lock().unwrap() += 1;
        Err::<(), _>(down())
    });
    tokio::select! { biased; _ = operation => panic!("it ended"), () = after(250 * MS) => {} }
    after(10_000 * MS).await;
    assert_eq!(*attempts.lock().unwrap(), 2);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_when_the_system_has_gone() {
    let system = system().await;
    let retry = retry(&system, RetryPolicy::immediate().max_attempts(1000));
    let attempts = Mutex::new(0);
    let operation = retry.run(async |_| {
        *attempts.lock().unwrap() += 1;
        std::future::pending::<Result<()>>().await
    });
    let (stopped, result) = tokio::join!(system.stop(), operation);
    stopped.unwrap();
    assert_eq!(result.unwrap_err().code(), "system_stopping");
    assert_eq!(attempts.into_inner().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_system_that_goes_ends_waits_and_attempts() {
    let system = system().await;
    let retry =
        retry(&system, exact().backoff(Backoff::Fixed(3600 * 1000 * MS)).without_deadline());
    let waiting = retry.run(async |_| Err::<(), _>(down()));
    let (stopped, result) = tokio::join!(system.stop(), waiting);
    stopped.unwrap();
    assert_eq!(result.unwrap_err(), down());
}
