//! What a gate has to say: a place, the rule that was broken there, and what to do instead.

use std::fmt;

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path from the root of the workspace, with `/` between its parts.
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// The rule's name, as `cargo xtask tidy --rules` lists it.
    pub(crate) rule: &'static str,
    /// What is wrong and what to do instead, in one line.
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(
        file: &str,
        line: usize,
        rule: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { file: file.to_owned(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.rule, self.message)
    }
}

/// What a gate answers when it could do its work at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Verdict {
    /// Nothing was found.
    Clean,
    /// Something was found and has been printed; the process ends with exit code 1.
    Failed,
}

impl Verdict {
    /// Clean if both are.
    pub(crate) fn and(self, other: Self) -> Self {
        if self == Self::Clean { other } else { Self::Failed }
    }
}

/// Prints `findings` in the order of their places.
pub(crate) fn report(mut findings: Vec<Finding>) -> Verdict {
    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() { Verdict::Clean } else { Verdict::Failed }
}
