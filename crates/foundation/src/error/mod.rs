//! The one error type: what failed, whose matter it is, where it happened, and what caused it.
//!
//! An error is made from a [code](Code) and a [category](Category) alone, where the fault is found.
//! Id, time and [context](ErrorContext) are stamped on it as it leaves a scope or an actor, so that
//! the place which finds a fault needs no clock and no system.
//!
//! - **It is one word wide**, so a `Result` carries it for free.
//! - **The category decides recovery**: infrastructure errors may be retried, no others.
//! - **The message speaks of this level only**; causes follow through [`source`] and are printed by
//!   one adapter, [`Error::report`].
//! - **The JSON form is stable** and goes both ways.
//!
//! A bug is not an error: it panics, and a supervisor sees it.
//!
//! [`source`]: std::error::Error::source

pub mod boundary;
mod category;
mod code;
mod context;
mod convert;
mod document;
mod normalize;
mod report;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use category::{Category, Severity};
pub use code::{Code, codes};
pub use context::{Breadcrumb, ErrorContext, Origin};
pub use report::Report;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The detail that says when trying again may help.
const RETRY_AFTER: &str = "retry_after_seconds";

/// A cause: any error that can be shared between threads.
type Source = Arc<dyn std::error::Error + Send + Sync + 'static>;

/// What went wrong.
///
/// ```
/// use foundation::{Category, Error};
///
/// let error = Error::business("insufficient_funds")
///     .with_message("the balance is 5")
///     .with_detail("balance", 5);
/// assert_eq!(error.code(), "insufficient_funds");
/// assert_eq!(error.category(), Category::Business);
/// assert!(!error.is_retryable());
/// assert_eq!(error.to_string(), "insufficient_funds: the balance is 5");
/// ```
///
/// Cloning shares: two clones are one error until one of them is changed.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    code: Cow<'static, str>,
    category: Category,
    severity: Severity,
    message: String,
    details: Map<String, Value>,
    id: Option<Uuid>,
    at: Option<Timestamp>,
    origin: Option<Origin>,
    source: Option<Source>,
}

// === impl Error ===

impl Error {
    /// An error whose cause is what the caller gave: wrong now, and wrong again when it is
    /// repeated.
    #[must_use]
    pub fn validation(code: &'static str) -> Self {
        Self::new(code, Category::Validation)
    }

    /// An error of something this code depends on and does not control. The only kind that is
    /// [retryable](Self::is_retryable).
    #[must_use]
    pub fn infrastructure(code: &'static str) -> Self {
        Self::new(code, Category::Infrastructure)
    }

    /// A refusal by a rule of the domain: everything worked, and the answer is no.
    #[must_use]
    pub fn business(code: &'static str) -> Self {
        Self::new(code, Category::Business)
    }

    /// A fault of the system itself, which an operator has to look at. Its severity is
    /// [`Severity::Critical`].
    #[must_use]
    pub fn system(code: &'static str) -> Self {
        Self::new(code, Category::System)
    }

    /// An error of `category`, whose [severity](Category::severity) it takes.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, category: Category) -> Self {
        Self(Arc::new(Inner {
            code: code.into(),
            category,
            severity: category.severity(),
            message: String::new(),
            details: Map::new(),
            id: None,
            at: None,
            origin: None,
            source: None,
        }))
    }

    /// Says what happened, at this level only; the cause belongs into [`Self::with_source`].
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.inner().message = message.into();
        self
    }

    /// Adds a fact that a program may read. A second value under one key replaces the first.
    #[must_use]
    pub fn with_detail(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inner().details.insert(key.into(), value.into());
        self
    }

    /// Says when trying again may help, and not before: what a server answers with `Retry-After`.
    /// It is the detail `retry_after_seconds`.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with_detail(RETRY_AFTER, wait.as_secs_f64())
    }

    /// Names the error that caused this one.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
    ) -> Self {
        self.inner().source = Some(Arc::from(source.into()));
        self
    }

    /// Weighs this occurrence otherwise than its category does.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.inner().severity = severity;
        self
    }

    /// The stable name of the fault, for programs: `snake_case`, never translated.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Whose matter it is, which decides what may be done about it.
    #[must_use]
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// How urgently somebody should look at it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.0.severity
    }

    /// What happened, for people; empty where the code says everything.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The facts given with [`Self::with_detail`].
    #[must_use]
    pub fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    /// How long to wait before trying again may help, if it is [known](Self::with_retry_after).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.details().get(RETRY_AFTER)?.as_f64()?;
        // Longer than can be counted is for ever.
        let forever = (seconds > 0.0).then_some(Duration::MAX);
        Duration::try_from_secs_f64(seconds).ok().or(forever)
    }

    /// The id of this occurrence, once it was stamped.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.0.id
    }

    /// When it was stamped, by the wall clock of its system.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        self.0.at
    }

    /// In which operation it happened, once it was stamped.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// Whether trying again may help: infrastructure errors, and no others.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.category == Category::Infrastructure
    }

    /// Prints the error with everything that caused it, one per line.
    pub fn report(&self) -> Report<'_> {
        Report::new(self)
    }

    /// Gives the error what it lacks of id, time and origin. What was stamped where it happened is
    /// closer to the fault than whatever it passes on its way, so the first stamp stays.
    #[must_use]
    pub(crate) fn stamped(mut self, id: Uuid, at: Timestamp, origin: Origin) -> Self {
        if self.0.id.is_none() {
            let inner = self.inner();
            inner.id = Some(id);
            inner.at = Some(at);
            inner.origin = Some(origin);
        }
        self
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }
}

impl From<Code> for Error {
    /// An error of a known code, with its category and severity.
    fn from(code: Code) -> Self {
        Self::new(code.name, code.category).with_severity(code.severity)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            "" => f.write_str(self.code()),
            message => write!(f, "{}: {message}", self.code()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { code, category, severity, message, details, id, at, origin, source } = &*self.0;
        let mut shown = f.debug_struct("Error");
        shown.field("code", code).field("category", category).field("severity", severity);
        shown.field("message", message).field("details", details);
        shown.field("id", id).field("at", at).field("origin", origin).field("source", source);
        shown.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

impl PartialEq for Error {
    /// Equal in everything that the JSON form holds.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || document::Document::from(self) == document::Document::from(other)
    }
}

#[cfg(test)]
mod tests;
