//! The one adapter that prints an error with its causes.

use std::error::Error as _;
use std::fmt;

use super::Error;

/// An error and what caused it, one per line, outermost first. Made by [`Error::report`].
///
/// ```
/// use foundation::Error;
///
/// let cause = std::io::Error::other("connection reset");
/// let error = Error::infrastructure("payment_unreachable").with_source(cause);
/// let report = error.report().to_string();
/// assert_eq!(report, "payment_unreachable\n  caused by: connection reset");
/// ```
#[derive(Debug)]
#[must_use]
pub struct Report<'a>(&'a Error);

impl<'a> Report<'a> {
    pub(super) const fn new(error: &'a Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
