//! A log of what happened, in order, written by whatever is tested.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::eventually;

/// What happened, in the order in which it did. Clones write into the same log.
///
/// ```
/// let log = testkit::Log::default();
/// log.clone().push("started a");
/// assert_eq!(log.entries(), ["started a"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Log {
    entries: Arc<Mutex<Vec<String>>>,
}

impl Log {
    /// Adds an entry.
    pub fn push(&self, entry: impl Into<String>) {
        self.lock().push(entry.into());
    }

    /// Everything so far.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Everything so far, which the log then forgets.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock())
    }

    /// How often `entry` was written.
    #[must_use]
    pub fn count(&self, entry: &str) -> usize {
        self.lock().iter().filter(|other| *other == entry).count()
    }

    /// Waits until `entry` has been written.
    ///
    /// # Panics
    ///
    /// With the whole log, when it is not written within 20 s.
    pub async fn wait_for(&self, entry: &str) {
        eventually(|| match self.count(entry) {
            0 => Err(format!("no {entry:?} in {:?}", self.entries())),
            _ => Ok(()),
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        // A test that panicked has failed; what it wrote is still worth reading.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
