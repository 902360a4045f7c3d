//! What a signal follows from: the one that caused it, and what both are part of.
//!
//! The names are those of the extension *Correlation* of `CloudEvents`.

use super::{Attribute, Draft, Signal};

/// What a whole flow has in common.
pub(super) const CORRELATION: &str = "correlationid";
/// The id of the signal that this one follows from.
pub(super) const CAUSATION: &str = "causationid";

impl Draft {
    /// That it follows from another signal: it gets that one's id as its [cause], has in common
    /// with it what that one has in common with others (or else its id), and goes on with its
    /// trace, as a span of its own that is begun when it is stamped.
    ///
    /// [cause]: Signal::causation_id
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use foundation::System;
    /// use signals::Signal;
    ///
    /// let system = System::builder().name("shop").start().await?;
    /// let paid = Signal::new("order.7.paid", "/shop").stamp(&system)?;
    /// let shipped = Signal::new("order.7.shipped", "/shop").caused_by(&paid).stamp(&system)?;
    /// assert_eq!(shipped.causation_id(), Some(&*paid.id().to_string()));
    /// assert_eq!(shipped.correlation_id(), shipped.causation_id());
    /// system.stop().await
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn caused_by(self, cause: &Signal) -> Self {
        let id = Attribute::from(cause.id().to_string());
        let flow = match cause.extension(CORRELATION) {
            Some(flow) => flow.clone(),
            None => id.clone(),
        };
        self.extension(CAUSATION, id).extension(CORRELATION, flow).follow(cause.trace())
    }

    /// What it has in common with everything of one flow, such as the number of an order. Give it
    /// to the first signal; those that are [caused](Self::caused_by) by it have it too.
    pub fn correlation(self, id: impl Into<String>) -> Self {
        self.extension(CORRELATION, id.into())
    }
}

impl Signal {
    /// What it has in common with everything of one flow.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.extension(CORRELATION)?.as_text()
    }

    /// The id of the signal that it follows from.
    #[must_use]
    pub fn causation_id(&self) -> Option<&str> {
        self.extension(CAUSATION)?.as_text()
    }
}
