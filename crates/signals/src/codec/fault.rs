//! What is wrong with what is read or written.

use std::cell::Cell;

use foundation::Error;
use serde::de;
use serde_json::error::Category;

use super::limits::Limits;
use crate::codes;

/// What was found wrong first, by a visitor: it cannot tell through the errors of the parser.
#[derive(Default)]
pub(super) struct Faults {
    first: Cell<Option<Error>>,
}

impl Faults {
    /// Notes what is wrong, and gives what ends the parser.
    pub(super) fn note<E: de::Error>(&self, error: Error) -> E {
        self.first.set(Some(error));
        E::custom("it is refused")
    }

    /// What is wrong, with its place: what was noted, or else what the parser says.
    pub(super) fn error(&self, wrong: &serde_json::Error) -> Error {
        let error = self.first.take().unwrap_or_else(|| of_parser(wrong));
        if wrong.line() == 0 {
            return error;
        }
        error.with_detail("line", wrong.line()).with_detail("column", wrong.column())
    }
}

/// What the parser says, without what it quotes of a text that may be large.
fn of_parser(wrong: &serde_json::Error) -> Error {
    match wrong.classify() {
        Category::Eof => unreadable("truncated", "the JSON ends too early"),
        Category::Data => unreadable("shape", "the JSON is not that of a signal"),
        Category::Syntax | Category::Io => {
            let said = wrong.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            unreadable("syntax", &format!("it is not JSON: {said}"))
        }
    }
}

/// That something is not the JSON of a signal.
pub(super) fn unreadable(reason: &str, message: &str) -> Error {
    Error::from(codes::UNREADABLE_SIGNAL).with_message(message).with_detail("reason", reason)
}

/// That there are too many bytes.
pub(super) fn too_many_bytes(limits: Limits) -> Error {
    too_large("bytes", limits.bytes, "there are too many bytes")
}

/// That there are too many signals.
pub(super) fn too_many_signals(limits: Limits) -> Error {
    too_large("batch", limits.batch, "there are too many signals in the batch")
}

fn too_large(field: &str, limit: usize, message: &str) -> Error {
    Error::from(codes::SIGNAL_TOO_LARGE)
        .with_message(message)
        .with_detail("field", field)
        .with_detail("limit", limit)
}

/// That arrays and objects are too deep within each other.
pub(super) fn too_deep(limits: Limits) -> Error {
    Error::from(codes::SIGNAL_TOO_DEEP)
        .with_message("there are too many arrays and objects within each other")
        .with_detail("limit", limits.deepest())
}
