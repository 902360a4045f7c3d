//! What a supervisor tells whoever listens.

use super::state::{Cause, Report};
use crate::actor::Pid;
use crate::exit::Panic;

/// Tells what became of a child.
pub(super) fn child(supervisor: &str, child: &str, report: &Report) {
    match report {
        Report::Started => tracing::debug!(supervisor, child, "supervisor.child_started"),
        Report::Ended(reason) if reason.is_clean() => {
            tracing::debug!(supervisor, child, %reason, "supervisor.child_ended");
        }
        Report::Ended(reason) => {
            tracing::error!(supervisor, child, %reason, "supervisor.child_ended");
        }
        Report::EndedBadly(reason) => {
            tracing::error!(supervisor, child, %reason, "supervisor.shutdown_error");
        }
        Report::NotStarted(error) => {
            tracing::error!(supervisor, child, %error, "supervisor.start_error");
        }
    }
}

/// Tells why a supervisor ends by itself.
pub(super) fn ending(supervisor: &str, cause: Cause) {
    match cause {
        Cause::TooManyRestarts => tracing::error!(supervisor, "supervisor.too_many_restarts"),
        Cause::AutoShutdown => tracing::debug!(supervisor, "supervisor.auto_shutdown"),
    }
}

/// Tells that a child has spent its own budget, and waits for somebody.
pub(super) fn quarantined(supervisor: &str, child: &str, pid: Pid) {
    tracing::error!(supervisor, child, %pid, "supervisor.child_quarantined");
}

/// Tells that a specification panicked when it was dropped.
pub(super) fn panicked_in_drop(supervisor: &str, panic: &Panic) {
    tracing::error!(supervisor, %panic, "supervisor.panicked_in_drop");
}
