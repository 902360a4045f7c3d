//! Who owns a shard.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foundation::Error;
use tokio::sync::watch;

use crate::codes;
use crate::stream::{Epoch, Shard};

/// The ownership of a shard, until somebody else takes it over or the journal ends.
///
/// Every append names the lease it is made under, and is refused when that is lost: an owner that
/// is thought to be dead may still be running, and its writes do not count. Clones are the same
/// lease, and dropping them gives nothing back: a shard is owned until somebody else takes it over,
/// or the journal ends.
#[derive(Clone)]
pub struct Lease {
    state: Arc<State>,
}

struct State {
    shard: Shard,
    epoch: Epoch,
    lost: AtomicBool,
    told: watch::Sender<bool>,
}

impl Lease {
    /// For engines: the ownership of `shard` under `epoch`, which the engine has made durable.
    #[must_use]
    pub fn granted(shard: Shard, epoch: Epoch) -> Self {
        let told = watch::Sender::new(false);
        Self { state: Arc::new(State { shard, epoch, lost: AtomicBool::new(false), told }) }
    }

    /// For engines: the lease is lost. Everybody who waits for that is told.
    pub fn end(&self) {
        self.state.lost.store(true, Ordering::Release);
        self.state.told.send_replace(true);
    }

    /// Whose ownership it is.
    #[must_use]
    pub fn shard(&self) -> Shard {
        self.state.shard
    }

    /// Which ownership it is: later ones have greater epochs, over restarts too.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.state.epoch
    }

    /// Whether both are the same lease of the same journal.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// Whether it is known to be lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.state.lost.load(Ordering::Acquire)
    }

    /// Waits until it is lost. Given up, nothing changes.
    pub async fn lost(&self) {
        // The sender lives in the same lease, so waiting for it cannot fail.
        let _ = self.state.told.subscribe().wait_for(|lost| *lost).await;
    }

    /// What whoever writes under a lost lease gets.
    #[must_use]
    pub fn refusal(&self) -> Error {
        Error::from(codes::LEASE_LOST)
            .with_message(format!("the lease of shard {} is lost", self.shard()))
            .with_detail("shard", self.shard().get())
            .with_detail("epoch", self.epoch().get())
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("shard", &self.shard().get())
            .field("epoch", &self.epoch().get())
            .field("is_lost", &self.is_lost())
            .finish()
    }
}
