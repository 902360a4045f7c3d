//! The crate `governor` with its default features: its clock is then another one, which reads the
//! processor's counter.

use std::num::NonZeroU32;

use anyhow::{Context, Result};
use bench::limit::{Operation, Subject};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

/// One limiter of each kind.
pub struct Peer {
    limiter: DefaultDirectRateLimiter,
    keyed: DefaultKeyedRateLimiter<u64>,
}

impl Subject for Peer {
    fn key(_: Operation) -> &'static str {
        "governor_quanta"
    }

    async fn start() -> Result<Self> {
        let most = NonZeroU32::new(1_000_000_000).context("a number above zero")?;
        let quota = Quota::per_second(most).allow_burst(NonZeroU32::MAX);
        Ok(Self { limiter: RateLimiter::direct(quota), keyed: RateLimiter::keyed(quota) })
    }

    fn check(&self) -> Option<bool> {
        Some(self.limiter.check().is_ok())
    }

    fn check_keyed(&self, key: u64) -> Option<bool> {
        Some(self.keyed.check_key(&key).is_ok())
    }
}
