//! Where a panic of the store below is caught: a corrupt file may make it panic in place of failing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::failure::{Failure, Outcome};

/// Runs what touches the store. A panic becomes a corrupt store; whatever `work` changed is not
/// used again, because the journal stops.
#[expect(clippy::disallowed_methods, reason = "ban: catch_unwind, a corrupt store may panic")]
pub(super) fn guarded<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it said nothing");
        Err(Failure::Panic(said.to_owned()))
    })
}

/// Lets something of the store go, which closes the store if it is the last that holds it. A store
/// that is corrupt may panic then too; there is nothing left of it to be saved.
pub(super) fn let_go<T>(held: T) {
    if let Err(failure) = guarded(|| {
        drop(held);
        Ok(())
    }) {
        tracing::error!(error = %failure, "journal.close_failed");
    }
}
