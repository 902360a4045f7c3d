//! Locks and atomics for state that two tasks share.
//!
//! Files that hand something from one task to another use these names only, so that a test can
//! compile the same files against a scheduler which tries every order of events.
//!
//! A lock here is held for a few lines, without running anybody else's code and without waiting.
//! Nothing can panic inside, so a poisoned lock is opened like any other.

use std::sync::PoisonError;

pub(crate) use std::sync::MutexGuard;
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

/// A mutex that is never poisoned.
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
