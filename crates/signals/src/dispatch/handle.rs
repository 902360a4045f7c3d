//! What dispatches, as those who use it see it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use foundation::{Home, Result};
use futures_util::future::join_all;

use super::destination::{Destination, Kind};
#[cfg(feature = "http")]
use super::http::Client;
use super::options::DispatcherBuilder;
use super::report::{DispatchReceipt, Dispatched, Sent};
use crate::bus::{IntoSignal, Outcome};
use crate::error::invalid_options;
use crate::signal::Signal;

/// How many destinations one signal may be dispatched to: whoever has more has a bus.
const MOST_DESTINATIONS: usize = 1000;

/// Dispatches signals. A clone is the same one, with the same circuits and limits.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::System;
/// use signals::{Bus, Destination, Dispatcher, LogLevel, Signal};
///
/// let system = System::builder().name("shop").start().await?;
/// let dispatcher = Dispatcher::builder().build(&system)?;
///
/// let paid = Signal::new("order.paid", "/shop");
/// let report = dispatcher.dispatch(paid, &[Destination::log(LogLevel::Info)]).await?;
/// assert_eq!(report.delivered(), 1);
///
/// let bus = Bus::builder().start(&system).await?;
/// bus.handle("order.**", dispatcher.to(vec![Destination::log(LogLevel::Debug)])).await?;
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Dispatcher {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) home: Home,
    #[cfg(feature = "http")]
    pub(super) client: Client,
}

impl Dispatcher {
    /// The options of a dispatcher.
    pub fn builder() -> DispatcherBuilder {
        DispatcherBuilder::new()
    }

    pub(super) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// Sends a signal to all destinations at the same time, and waits until it is known what
    /// becomes of it at each of them. To none is fine.
    ///
    /// Given up while it waits, it has reached some and not others.
    ///
    /// # Errors
    ///
    /// `invalid_signal`; `invalid_options` for more than 1,000 destinations. Nobody has the signal
    /// then. What goes wrong at a destination is in the report.
    pub async fn dispatch(
        &self,
        signal: impl IntoSignal,
        destinations: &[Destination],
    ) -> Result<Dispatched> {
        // Whoever never has to wait would never let others run.
        tokio::task::coop::consume_budget().await;
        if destinations.len() > MOST_DESTINATIONS {
            return Err(invalid_options("destinations", "there are 1,000 at most"));
        }
        let signal = signal.into_signal(&self.shared.home)?;
        let sent = destinations.iter().map(|destination| self.send(&signal, destination));
        let sent = join_all(sent).await.into_iter().zip(destinations).enumerate();
        let receipts = sent.flat_map(|(index, (sent, destination))| {
            sent.into_iter().map(move |sent| receipt(index, destination, sent))
        });
        let receipts: Vec<_> = receipts.collect();
        for receipt in &receipts {
            tell(&signal, receipt);
        }
        Ok(Dispatched { signal, receipts })
    }

    /// A handler that dispatches whatever it is called with: for
    /// [`Bus::handle`](crate::Bus::handle). It fails as [`Dispatched::into_result`] does. A bus
    /// gives a handler 30 s unless it is told otherwise, and calls it with one signal after the
    /// other.
    pub fn to(
        &self,
        destinations: Vec<Destination>,
    ) -> impl Fn(Signal) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Clone + Send + Sync + use<>
    {
        let (dispatcher, destinations) = (self.clone(), Arc::<[_]>::from(destinations));
        move |signal| {
            let (dispatcher, destinations) = (dispatcher.clone(), Arc::clone(&destinations));
            Box::pin(async move { dispatcher.dispatch(signal, &destinations).await?.into_result() })
        }
    }

    /// The circuits of HTTP endpoints, by [`Destination::circuit`].
    #[cfg(feature = "http")]
    #[must_use]
    pub fn circuits(&self) -> &foundation::CircuitBreakers {
        self.shared.client.circuits()
    }

    async fn send(&self, signal: &Signal, destination: &Destination) -> Vec<Sent> {
        match destination.kind() {
            Kind::Local(local, deadline) => local.send(signal, *deadline).await,
            Kind::Log(options) => vec![Sent::at_once(None, options.write(signal))],
            // It is large, and most destinations are none of these.
            #[cfg(feature = "http")]
            Kind::Http(endpoint) => vec![Box::pin(self.shared.client.send(endpoint, signal)).await],
        }
    }
}

fn receipt(index: usize, destination: &Destination, sent: Sent) -> DispatchReceipt {
    let Sent { pid, attempts, outcome } = sent;
    let name = Arc::clone(destination.shared_name());
    DispatchReceipt { destination: index, name, pid, attempts, outcome }
}

fn tell(signal: &Signal, receipt: &DispatchReceipt) {
    let (id, destination, attempts) = (signal.id(), &*receipt.name, receipt.attempts);
    match &receipt.outcome {
        Outcome::Failed(error) => {
            tracing::warn!(signal = %id, destination, attempts, %error, "signals.dispatch_failed");
        }
        outcome => {
            tracing::debug!(signal = %id, destination, attempts, ?outcome, "signals.dispatched");
        }
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}
