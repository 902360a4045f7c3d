//! The limits: what ours is built on, or stands around.

use std::hint::black_box;
use std::io::{Error, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::{Operation, Subject, nonzero};

/// Bare governor, a bare call, a bare atomic.
#[derive(Debug)]
pub struct Bare {
    limiter: DefaultDirectRateLimiter,
    keyed: DefaultKeyedRateLimiter<u64>,
    flag: AtomicBool,
}

impl Subject for Bare {
    fn key(operation: Operation) -> &'static str {
        match operation {
            Operation::Check | Operation::CheckKeyed => "limit_governor",
            Operation::Call | Operation::Retry => "limit_bare_call",
            Operation::CreateError => "limit_boxed_io_error",
            Operation::CheckFlag => "limit_atomic_load",
        }
    }

    async fn start() -> Result<Self> {
        let quota = Quota::per_second(nonzero(1_000_000_000)?).allow_burst(nonzero(u32::MAX)?);
        let (limiter, keyed) = (RateLimiter::direct(quota), RateLimiter::keyed(quota));
        Ok(Self { limiter, keyed, flag: AtomicBool::new(true) })
    }

    fn check(&self) -> Option<bool> {
        Some(self.limiter.check().is_ok())
    }

    fn check_keyed(&self, key: u64) -> Option<bool> {
        Some(self.keyed.check_key(&key).is_ok())
    }

    async fn call(&self, value: u64) -> Option<u64> {
        async { anyhow::Ok(value) }.await.ok()
    }

    async fn retry(&self, value: u64) -> Option<u64> {
        async { anyhow::Ok(value) }.await.ok()
    }

    fn create_error(&self) -> Option<()> {
        let error = Error::new(ErrorKind::ConnectionRefused, black_box("bank unreachable"));
        let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
        drop(black_box(boxed));
        Some(())
    }

    fn check_flag(&self) -> Option<bool> {
        Some(self.flag.load(Ordering::Acquire))
    }
}
