//! Waiting for a condition that nothing announces: looked at again and again, never guessed.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a condition may take. Far longer than anything here takes on a loaded machine; in
/// paused time it passes at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked at.
const PERIOD: Duration = Duration::from_millis(1);

/// Waits until `look` is `Ok`, and gives what it holds.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut looked = 0;
/// testkit::eventually(|| {
///     looked += 1;
///     if looked == 3 { Ok(()) } else { Err(format!("looked {looked} times")) }
/// })
/// .await;
/// # });
/// ```
///
/// # Panics
///
/// With the last status that `look` gave, when it takes longer than 20 s.
pub async fn eventually<T, E: Display>(mut look: impl FnMut() -> Result<T, E>) -> T {
    let started = Instant::now();
    loop {
        match look() {
            Ok(value) => return value,
            Err(status) if started.elapsed() > PATIENCE => {
                panic!("not in {PATIENCE:?}; the last status: {status}")
            }
            Err(_) => pause().await,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "ban: timer, between two looks")]
async fn pause() {
    sleep(PERIOD).await;
}
