//! Why an actor ended, and whether that is a fault.

use std::fmt;
use std::sync::Arc;

use serde_json::json;

use crate::error::{Error, codes};

/// Why an actor ended.
///
/// `Normal`, `Shutdown` and `ShutdownWith` are [clean](Self::is_clean); everything else is
/// abnormal, `Killed` included, as in OTP.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ExitReason {
    /// It was done.
    Normal,
    /// It was asked to end.
    Shutdown,
    /// It was asked to end, or chose to, for a reason that somebody may want to know.
    /// OTP: `{shutdown, Term}`.
    ShutdownWith(Arc<str>),
    /// It was ended without being asked.
    Killed,
    /// A callback returned an error.
    Error(Error),
    /// A callback panicked.
    Panic(Panic),
    /// It was not running in the first place.
    NoProc,
    /// It was killed and does not end: it holds its thread. OTP has no such state.
    Unresponsive,
}

/// What is known about a panic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Panic {
    /// What it said; of a payload that is no text, that it is none.
    pub message: Arc<str>,
    /// Where, as `file:line:column`. Unknown for a panic that was resumed elsewhere.
    pub location: Option<Arc<str>>,
}

impl ExitReason {
    /// [`Self::ShutdownWith`] the given reason.
    #[must_use]
    pub fn shutdown_with(reason: impl Into<Arc<str>>) -> Self {
        Self::ShutdownWith(reason.into())
    }

    /// Whether this is an ordinary end, which restarts no transient child.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownWith(_))
    }

    /// Whether this is a fault.
    #[must_use]
    pub const fn is_abnormal(&self) -> bool {
        !self.is_clean()
    }

    /// The error for somebody who waited for an actor that ended this way.
    pub(crate) fn to_error(&self) -> Error {
        let stopped = Error::from(codes::ACTOR_STOPPED).with_detail("reason", self.to_string());
        match self {
            Self::Error(error) => stopped.with_source(error.clone()),
            Self::Panic(panic) => stopped.with_source(panic.to_error()),
            _ => stopped,
        }
    }
}

impl Panic {
    /// The panic as an error with the code `actor_panicked`.
    pub(crate) fn to_error(&self) -> Error {
        Error::from(codes::ACTOR_PANICKED)
            .with_message(&*self.message)
            .with_detail("message", &*self.message)
            .with_detail("location", json!(self.location.as_deref()))
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(reason) => write!(f, "shutdown: {reason}"),
            Self::Killed => f.write_str("killed"),
            Self::Error(error) => write!(f, "error: {error}"),
            Self::Panic(panic) => write!(f, "panic: {panic}"),
            Self::NoProc => f.write_str("no process"),
            Self::Unresponsive => f.write_str("unresponsive"),
        }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{}, at {location}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    //! What is clean and what is not, as in OTP.

    use super::{Error, ExitReason, Panic};

    #[test]
    fn only_three_reasons_are_clean() {
        let panic = Panic { message: "oops".into(), location: Some("a.rs:1:2".into()) };
        let table = [
            (ExitReason::Normal, true, "normal"),
            (ExitReason::Shutdown, true, "shutdown"),
            (ExitReason::shutdown_with("upgrade"), true, "shutdown: upgrade"),
            (ExitReason::Killed, false, "killed"),
            (ExitReason::Error(Error::business("broke")), false, "error: broke"),
            (ExitReason::Panic(panic), false, "panic: oops, at a.rs:1:2"),
            (ExitReason::NoProc, false, "no process"),
            (ExitReason::Unresponsive, false, "unresponsive"),
        ];
        for (reason, clean, shown) in table {
            assert_eq!((reason.is_clean(), reason.is_abnormal()), (clean, !clean), "{reason}");
            assert_eq!(reason.to_string(), shown);
        }
    }

    #[test]
    fn whoever_waited_learns_what_ended_the_actor() {
        let panic = Panic { message: "oops".into(), location: Some("a.rs:1:2".into()) };
        let error = ExitReason::Panic(panic).to_error();
        assert_eq!(error.code(), "actor_stopped");
        assert_eq!(error.details()["reason"], "panic: oops, at a.rs:1:2");
        assert_eq!(error.report().to_string(), "actor_stopped\n  caused by: actor_panicked: oops");
    }
}
