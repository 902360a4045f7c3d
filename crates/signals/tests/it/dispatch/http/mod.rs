//! Endpoints and webhooks, reached over real connections to servers on this machine.

mod addresses;
mod answers;
mod broken;
mod circuits;
mod limits;
mod options;
mod random;
mod redirects;
mod resolving;
mod secrets;
mod server;
mod slow;
mod tls;
mod webhooks;

use std::time::Duration;

use foundation::{Error, System};
use signals::{Destination, DispatchReceipt, Dispatcher, DispatcherBuilder, HttpOptions, Outcome};

use super::paid;

/// So long that nothing that works takes as long, on a machine that has much to do.
pub(super) const AMPLE: Duration = Duration::from_secs(20);
pub(super) const MS: Duration = Duration::from_millis(1);

/// A system with a dispatcher.
pub(super) struct Sender {
    pub(super) system: System,
    pub(super) dispatcher: Dispatcher,
}

impl Sender {
    pub(super) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(super) async fn with(options: impl FnOnce(DispatcherBuilder) -> DispatcherBuilder) -> Self {
        let system = System::builder().name("test").start().await.unwrap();
        let dispatcher = options(Dispatcher::builder()).build(&system).unwrap();
        Self { system, dispatcher }
    }

    /// Sends one signal to one endpoint.
    pub(super) async fn send(&self, options: HttpOptions) -> DispatchReceipt {
        self.send_to(&Destination::http(options).unwrap()).await
    }

    pub(super) async fn send_to(&self, destination: &Destination) -> DispatchReceipt {
        let destinations = std::slice::from_ref(destination);
        let report = self.dispatcher.dispatch(paid().id("7"), destinations).await.unwrap();
        report.receipts()[0].clone()
    }

    /// Sends one signal to one endpoint that does not take it.
    pub(super) async fn fail(&self, options: HttpOptions) -> (Error, u32) {
        failed(&self.send(options).await)
    }

    /// Ends the system, of which nothing is left then.
    pub(super) async fn stop(self) {
        self.system.stop().await.unwrap();
    }
}

/// An endpoint on this machine, for which no test waits long between attempts.
pub(super) fn post(url: &str) -> HttpOptions {
    HttpOptions::post(url).allow_loopback().attempt_deadline(AMPLE).backoff(MS, MS)
}

pub(super) fn failed(receipt: &DispatchReceipt) -> (Error, u32) {
    match &receipt.outcome {
        Outcome::Failed(error) => (error.clone(), receipt.attempts),
        outcome => panic!("{outcome:?} after {} attempts", receipt.attempts),
    }
}

pub(super) fn is_taken(receipt: &DispatchReceipt) -> bool {
    matches!(receipt.outcome, Outcome::Acknowledged)
}
