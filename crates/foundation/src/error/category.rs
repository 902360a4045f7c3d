//! Whose matter an error is, and how urgent.

use serde::{Deserialize, Serialize};

/// Whose matter an error is. It decides recovery, so there is no "other".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "four kinds of recovery; a fifth would be a redesign")]
pub enum Category {
    /// The caller asked for something that cannot be: mend the request.
    Validation,
    /// Something this code depends on did not work: try again, later or elsewhere.
    Infrastructure,
    /// A rule of the domain says no: tell the user.
    Business,
    /// The system itself is at fault: an operator has to look.
    System,
}

/// How urgently somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Expected now and then; counts matter, single ones do not.
    Warning,
    /// Something was not done that should have been.
    Error,
    /// Work or data is at risk now.
    Critical,
}

impl Category {
    /// The severity of an error of this category that does not say otherwise.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Validation | Self::Business => Severity::Warning,
            Self::Infrastructure => Severity::Error,
            Self::System => Severity::Critical,
        }
    }
}
