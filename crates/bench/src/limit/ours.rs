//! Ours: limits, breakers, retries, errors and flags of `foundation`.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use foundation::{
    BreakerOptions, CircuitBreaker, CircuitBreakers, Error, Flag, FlagRule, Flags,
    KeyedRateLimiter, RateLimit, RateLimiter, Retry, RetryPolicy, System,
};

use super::{Operation, Subject};

/// A system with one of each.
#[derive(Debug)]
pub struct Ours {
    system: System,
    limiter: RateLimiter,
    keyed: KeyedRateLimiter<u64>,
    circuit: CircuitBreaker,
    retry: Retry,
    flag: Flag,
    _flags: Flags,
}

/// One for each nanosecond, and as many at once as there can be.
const fn never_reached() -> RateLimit {
    RateLimit::tokens(1_000_000_000, Duration::from_secs(1)).burst(u32::MAX)
}

impl Subject for Ours {
    fn key(_: Operation) -> &'static str {
        "ours"
    }

    async fn start() -> Result<Self> {
        let system = System::builder().name("bench").start().await?;
        let breakers = CircuitBreakers::new(&system, BreakerOptions::default())?;
        let flags = Flags::builder().flag_with("on", FlagRule::on()).start(&system).await?;
        Ok(Self {
            limiter: RateLimiter::new(&system, "limit", never_reached())?,
            keyed: KeyedRateLimiter::new(&system, "keyed", never_reached())?,
            circuit: breakers.circuit("circuit")?,
            retry: Retry::new(&system, RetryPolicy::exponential())?,
            flag: flags.flag("on")?,
            _flags: flags,
            system,
        })
    }

    async fn stop(self) -> Result<()> {
        Ok(self.system.stop().await?)
    }

    fn check(&self) -> Option<bool> {
        Some(self.limiter.check().is_ok())
    }

    fn check_keyed(&self, key: u64) -> Option<bool> {
        Some(self.keyed.check(&key).is_ok())
    }

    async fn call(&self, value: u64) -> Option<u64> {
        self.circuit.call(async { Ok(value) }).await.ok()
    }

    async fn retry(&self, value: u64) -> Option<u64> {
        self.retry.run(async |_| Ok(value)).await.ok()
    }

    fn create_error(&self) -> Option<()> {
        drop(black_box(Error::infrastructure(black_box("bank_unreachable"))));
        Some(())
    }

    fn check_flag(&self) -> Option<bool> {
        Some(self.flag.is_enabled())
    }
}
