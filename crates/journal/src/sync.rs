//! Locks for state that threads share.
//!
//! A lock here is held for a few lines, without running anybody else's code and without waiting.

use std::sync::PoisonError;

pub(crate) use std::sync::MutexGuard;

/// A mutex that is never poisoned: nothing can panic while it is held.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
