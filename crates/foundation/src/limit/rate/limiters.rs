//! Rate limits by name, for configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::handle::RateLimiter;
use super::options::RateLimit;
use crate::actor::refused;
use crate::error::{Error, Result, codes};
use crate::sync::Mutex;
use crate::system::{Home, InSystem};

/// Rate limits that are found by their names: those that a configuration names, and code looks up.
/// A clone is the same limits.
#[derive(Clone)]
pub struct RateLimiters {
    home: Home,
    limiters: Arc<Mutex<BTreeMap<Arc<str>, RateLimiter>>>,
}

impl RateLimiters {
    /// None yet.
    #[must_use]
    pub fn new(system: &impl InSystem) -> Self {
        Self { home: system.home(), limiters: Arc::default() }
    }

    /// Adds a limit, or replaces the one of that name by one of which nothing is used. Whoever
    /// holds the one before goes on with it.
    ///
    /// # Errors
    ///
    /// `invalid_options` when the limit cannot be, or the name is empty.
    pub fn configure(&self, name: impl Into<Arc<str>>, limit: RateLimit) -> Result<RateLimiter> {
        let name = name.into();
        if name.is_empty() {
            return Err(refused("name", "a limiter has a name"));
        }
        let limiter = RateLimiter::new(&self.home, Arc::clone(&name), limit)?;
        let replaced = self.limiters.lock().insert(name, limiter.clone());
        drop(replaced);
        Ok(limiter)
    }

    /// The limit of that name.
    ///
    /// # Errors
    ///
    /// `limiter_not_found`.
    pub fn get(&self, name: &str) -> Result<RateLimiter> {
        self.limiters.lock().get(name).cloned().ok_or_else(|| not_found(name))
    }

    /// Takes the limit of that name away.
    ///
    /// # Errors
    ///
    /// `limiter_not_found`.
    pub fn remove(&self, name: &str) -> Result<()> {
        let removed = self.limiters.lock().remove(name);
        removed.map(drop).ok_or_else(|| not_found(name))
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.limiters.lock().keys().cloned().collect()
    }
}

fn not_found(name: &str) -> Error {
    Error::from(codes::LIMITER_NOT_FOUND).with_detail("name", name)
}

impl fmt::Debug for RateLimiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiters").field("names", &self.names()).finish_non_exhaustive()
    }
}
