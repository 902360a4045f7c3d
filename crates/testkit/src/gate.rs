//! A gate at which a thread waits: for tests of code that holds its thread, as nothing should.

use std::sync::{Condvar, Mutex, PoisonError};

use tokio::sync::Notify;

/// Holds threads until it is opened. One thread has to be free for whoever opens it.
///
/// ```
/// let gate = std::sync::Arc::new(testkit::Gate::default());
/// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// let held = std::sync::Arc::clone(&gate);
/// let library = runtime.spawn_blocking(move || held.hold_thread());
/// runtime.block_on(async {
///     gate.is_held().await;
///     gate.open();
///     library.await.unwrap();
/// });
/// ```
#[derive(Debug, Default)]
pub struct Gate {
    held: Notify,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Holds this thread until the gate is opened; not at all if it has been.
    pub fn hold_thread(&self) {
        self.held.notify_one();
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = self.opened.wait_while(open, |open| !*open);
        drop(opened.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until a thread has come to it. While the only thread is held no time passes in the
    /// runtime, so nobody can look for this again and again.
    pub async fn is_held(&self) {
        self.held.notified().await;
    }

    /// Lets all threads go, also those that come later.
    pub fn open(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }
}
