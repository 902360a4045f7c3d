//! What a user has given to be called, and which others come to drop.

use foundation::contain;

/// Something of a user. Whoever drops it last, be it a publisher or whoever ends a subscription, is
/// not taken down by a panic in there: that is an event, and nothing else.
pub(super) struct Guarded<T>(Option<T>);

impl<T> Guarded<T> {
    pub(super) const fn new(guarded: T) -> Self {
        Self(Some(guarded))
    }

    /// It is there until it is dropped.
    pub(super) const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        let guarded = self.0.take();
        if let Err(error) = contain(|| drop(guarded)) {
            tracing::error!(%error, "signals.panicked_in_drop");
        }
    }
}
