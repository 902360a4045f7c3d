//! Where an error happened: the operation, what it belongs to, and what went before.
//!
//! A context is a value that its owner hands on; there is no ambient one. An operation is entered
//! with [`ErrorContext::scope`] or [`ErrorContext::scope_async`] and left by every way out of it: a
//! result, an error, a panic, a dropped future. An error that leaves is stamped.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, Result};
use crate::ports::Ports;
use crate::system::Shared;
use crate::tracker::ErrorTracker;

/// Breadcrumbs that a context keeps. Enough to see what led to an error, few enough that a loop
/// which leaves one per round does not grow; the oldest give way.
pub(crate) const MOST_BREADCRUMBS: usize = 32;

/// The operation that is going on, and what an error in it should carry.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{Error, Result, System};
///
/// let system = System::builder().name("shop").start().await?;
/// let mut context = system.error_context("checkout").with("order", 7);
/// let result: Result<()> = context.scope("charge", |context| {
///     context.breadcrumb("asking the bank");
///     Err(Error::infrastructure("bank_unreachable"))
/// });
/// let error = result.unwrap_err();
/// let origin = error.origin().unwrap();
/// assert_eq!(origin.operation, "checkout/charge");
/// assert_eq!(origin.metadata["order"], 7);
/// assert_eq!(origin.breadcrumbs[0].message, "asking the bank");
/// assert_eq!(context.operation(), "checkout");
/// # system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ErrorContext {
    ports: Arc<Ports>,
    errors: ErrorTracker,
    operation: String,
    correlation_id: Option<String>,
    metadata: Map<String, Value>,
    breadcrumbs: VecDeque<Breadcrumb>,
}

/// The context of an error, as it was where the error happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Origin {
    /// The operation, outermost first, joined by `/`: `checkout/charge`.
    pub operation: String,
    /// What ties together everything done for one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Facts about the operation; an inner one replaces an outer one of the same key.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// What went before, oldest first; the last 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breadcrumbs: Vec<Breadcrumb>,
}

/// Something that was done on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Breadcrumb {
    /// In which operation.
    pub operation: String,
    /// What.
    pub message: String,
    /// When, by the wall clock of the system.
    pub at: Timestamp,
}

/// An operation in progress: gives the context back as it was, whichever way it is left.
struct Scope<'a> {
    context: &'a mut ErrorContext,
    outer: ErrorContext,
}

// === impl ErrorContext ===

impl ErrorContext {
    pub(crate) fn new(system: &Shared, operation: impl Into<String>) -> Self {
        Self {
            ports: Arc::clone(&system.ports),
            errors: system.errors.clone(),
            operation: operation.into(),
            correlation_id: None,
            metadata: Map::new(),
            breadcrumbs: VecDeque::new(),
        }
    }

    /// Ties the operation to the request it serves.
    #[must_use]
    pub fn with_correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Adds a fact about the operation.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(key, value);
        self
    }

    /// Adds a fact about the operation. Inside a scope it is gone when the scope is left.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.metadata.insert(key.into(), value.into());
    }

    /// Notes something that was done. The last 32 are kept.
    pub fn breadcrumb(&mut self, message: impl Into<String>) {
        if self.breadcrumbs.len() == MOST_BREADCRUMBS {
            self.breadcrumbs.pop_front();
        }
        self.breadcrumbs.push_back(Breadcrumb {
            operation: self.operation.clone(),
            message: message.into(),
            at: self.ports.now(),
        });
    }

    /// The operation, outermost first, joined by `/`.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// What ties together everything done for one request, if it was given.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// The facts about the operation.
    #[must_use]
    pub fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    /// Runs an operation inside this one. What it adds to the context is gone afterwards, and an
    /// error that leaves it is stamped.
    ///
    /// # Errors
    ///
    /// What `run` returns.
    pub fn scope<T>(
        &mut self,
        operation: &str,
        run: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let scope = Scope::enter(self, operation);
        let result = run(scope.context);
        result.map_err(|error| scope.context.stamp(error))
    }

    /// [`Self::scope`] for an operation that waits. Dropping the future leaves the operation too.
    ///
    /// # Errors
    ///
    /// What `run` returns.
    pub async fn scope_async<T>(
        &mut self,
        operation: &str,
        run: impl AsyncFnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let scope = Scope::enter(self, operation);
        let result = run(scope.context).await;
        result.map_err(|error| scope.context.stamp(error))
    }

    /// The context for a task that works for this operation: it knows what led to it, and from
    /// there on the two go their own ways.
    #[must_use]
    pub fn inherit(&self, operation: &str) -> Self {
        let mut inherited = self.clone();
        inherited.enter(operation);
        inherited
    }

    /// Gives `error` an id, a time and this context, unless it has them from where it happened, and
    /// has the system [count](crate::System::errors) it.
    #[must_use]
    pub fn stamp(&self, error: Error) -> Error {
        if error.id().is_some() {
            return error;
        }
        self.errors.track(&error);
        error.stamped(self.ports.new_id(), self.ports.now(), self.origin())
    }

    fn enter(&mut self, operation: &str) {
        self.operation.push('/');
        self.operation.push_str(operation);
    }

    fn origin(&self) -> Origin {
        Origin {
            operation: self.operation.clone(),
            correlation_id: self.correlation_id.clone(),
            metadata: self.metadata.clone(),
            breadcrumbs: self.breadcrumbs.iter().cloned().collect(),
        }
    }
}

// === impl Scope ===

impl<'a> Scope<'a> {
    fn enter(context: &'a mut ErrorContext, operation: &str) -> Self {
        let outer = context.clone();
        context.enter(operation);
        Self { context, outer }
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        std::mem::swap(self.context, &mut self.outer);
    }
}

/// A future that runs an operation must be as sendable as the operation itself.
#[expect(dead_code, reason = "checked by compiling it")]
fn scopes_can_cross_threads(context: &mut ErrorContext) -> impl Future<Output = Result<()>> + Send {
    context.scope_async("a", async |_| Ok(()))
}
