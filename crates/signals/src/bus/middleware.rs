//! What stands between publishers and receivers: it may change a signal, stop it, or look on.
//!
//! It runs in the task of whoever publishes; with a log, what is asked before something is
//! delivered runs in the task that delivers. Each call is contained and has a deadline: a panic or
//! a call that takes too long is an error of that call, and takes nobody down.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use foundation::{Error, Result, codes as system_codes, contain};

use super::handle::Shared;
use super::places::Places;
use super::report::{Published, Receipt};
use super::subscription::SubscriptionInfo;
use crate::codes;
use crate::signal::Signal;

/// What stands between publishers and receivers. What comes first is asked first before something
/// happens, and last afterwards.
///
/// ```
/// use async_trait::async_trait;
/// use foundation::{Error, Result};
/// use signals::{Middleware, Signal};
///
/// /// Nothing of the old shop goes out any more.
/// struct Closed;
///
/// #[async_trait]
/// impl Middleware for Closed {
///     fn name(&self) -> &str {
///         "closed"
///     }
///
///     async fn before_publish(&self, signal: Signal) -> Result<Signal> {
///         match signal.source().as_str() {
///             "/old-shop" => Err(Error::business("shop_closed")),
///             _ => Ok(signal),
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait Middleware: Send + Sync + 'static {
    /// What it is called, in errors and events.
    fn name(&self) -> &str;

    /// Before a signal is published: gives the one to publish, this one or another.
    ///
    /// # Errors
    ///
    /// Whatever the publisher is to get in place of having published it.
    async fn before_publish(&self, signal: Signal) -> Result<Signal> {
        Ok(signal)
    }

    /// After a signal was published.
    ///
    /// # Errors
    ///
    /// What is told in the report; nothing else comes of it.
    async fn after_publish(&self, published: &Published) -> Result<()> {
        let _ = published;
        Ok(())
    }

    /// Before a signal is delivered to one of its receivers; of a durable subscription each time.
    /// It must not publish to the same bus and wait for that, if the bus has a log: it would wait
    /// for itself.
    ///
    /// # Errors
    ///
    /// Whatever becomes of it at this receiver, which does not get it; the others do. A durable
    /// subscription treats it as refused by its consumer, and what is skipped as acknowledged.
    async fn before_dispatch(&self, signal: Signal, to: &SubscriptionInfo) -> Result<Dispatch> {
        let _ = to;
        Ok(Dispatch::Deliver(signal))
    }

    /// After a signal was delivered to one of its receivers, or was not.
    ///
    /// # Errors
    ///
    /// What is told in the report; nothing else comes of it.
    async fn after_dispatch(&self, signal: &Signal, receipt: &Receipt) -> Result<()> {
        let _ = (signal, receipt);
        Ok(())
    }
}

/// What is to become of a signal at one receiver.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Dispatch {
    /// The receiver gets this.
    Deliver(Signal),
    /// The receiver gets nothing.
    Skip,
}

/// All middleware of a bus.
pub(crate) struct Chain {
    pub(super) all: Vec<Arc<dyn Middleware>>,
    pub(super) deadline: Duration,
}

impl Chain {
    pub(super) const fn none() -> Self {
        Self { all: Vec::new(), deadline: Duration::ZERO }
    }

    /// Whether nobody is in between.
    pub(crate) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What becomes of a signal at one receiver.
    pub(crate) async fn dispatch(&self, signal: Signal, to: &SubscriptionInfo) -> Result<Dispatch> {
        let mut dispatch = Ok(Dispatch::Deliver(signal));
        for one in &self.all {
            let Ok(Dispatch::Deliver(signal)) = dispatch else { break };
            let call = || one.before_dispatch(signal, to);
            dispatch = self.run(&**one, "before_dispatch", call).await;
        }
        dispatch
    }

    /// What is to be published in place of a signal.
    pub(super) async fn before_publish(&self, mut signal: Signal) -> Result<Signal> {
        for one in &self.all {
            signal = self.run(&**one, "before_publish", || one.before_publish(signal)).await?;
        }
        Ok(signal)
    }

    /// What becomes of a signal at each of its receivers.
    pub(super) async fn before_dispatch(&self, signal: &Signal, places: &mut Places) {
        let mut next = 0;
        while let Some((number, subscriber)) = places.wanted_from(next) {
            let info = subscriber.info();
            let dispatch = self.dispatch(signal.clone(), &info).await;
            places.dispatched(number, dispatch);
            next = number + 1;
        }
    }

    /// What went wrong in those who look on.
    pub(super) async fn after(&self, published: &Published) -> Vec<Error> {
        let mut failures = Vec::new();
        for receipt in published.receipts() {
            for one in self.all.iter().rev() {
                let call = || one.after_dispatch(published.signal(), receipt);
                failures.extend(self.run(&**one, "after_dispatch", call).await.err());
            }
        }
        for one in self.all.iter().rev() {
            let call = || one.after_publish(published);
            failures.extend(self.run(&**one, "after_publish", call).await.err());
        }
        failures
    }

    /// Calls one, contained and with a deadline. What it returns it returns; a panic or a deadline
    /// that passed is `middleware_failed`.
    async fn run<T, F: Future<Output = Result<T>> + Unpin>(
        &self,
        one: &dyn Middleware,
        stage: &'static str,
        call: impl FnOnce() -> F,
    ) -> Result<T> {
        let failed = |cause: Error| {
            let name = contain(|| one.name().to_owned()).unwrap_or_default();
            tracing::error!(middleware = name, stage, error = %cause, "signals.middleware_failed");
            Error::from(codes::MIDDLEWARE_FAILED)
                .with_detail("middleware", name)
                .with_detail("stage", stage)
                .with_source(cause)
        };
        let mut future = contain(call).map_err(failed)?;
        let polled = poll_fn(|cx| match contain(|| Pin::new(&mut future).poll(cx)) {
            Ok(poll) => poll.map(Ok),
            Err(panicked) => Poll::Ready(Err(panicked)),
        });
        let polled = tokio::time::timeout(self.deadline, polled).await;
        // What it holds is the middleware's too, also where it is dropped half-way.
        let dropped = contain(|| drop(future));
        match polled {
            Ok(Ok(result)) => dropped.map_err(failed).and(result),
            Ok(Err(panicked)) => Err(failed(panicked)),
            Err(_elapsed) => {
                let after = u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX);
                Err(failed(Error::from(system_codes::TIMEOUT).with_detail("after_ms", after)))
            }
        }
    }
}

impl Shared {
    /// The receivers of a signal, as those in between leave them.
    pub(super) async fn receivers_between(&self, signal: &Signal) -> Places {
        let mut receivers = self.receivers(signal);
        if !self.chain.is_empty() {
            self.chain.before_dispatch(signal, &mut receivers).await;
        }
        receivers
    }
}
