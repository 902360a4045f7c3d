//! Dispatch: to actors, names, groups and the log, and over HTTP.

#[cfg(feature = "http")]
mod http;
mod local;
mod log;
mod reports;

use std::sync::{Arc, Mutex};

use foundation::{Actor, ActorRef, ChildSpec, Context, Error, Flow, Init, Mailbox, Result, System};
use signals::{Delivery, Dispatched, Dispatcher, Draft, Outcome, Signal};

/// What a receiver does with whatever it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Acknowledge,
    Refuse,
    Drop,
    Keep,
}

/// What receivers got, by who got it.
pub(crate) type Got = Arc<Mutex<Vec<(String, Signal)>>>;

/// An actor that writes down what it gets.
pub(crate) struct Receiver {
    got: Got,
    then: Then,
    kept: Vec<Delivery>,
}

pub(crate) struct Get(Delivery);

impl From<Delivery> for Get {
    fn from(delivery: Delivery) -> Self {
        assert_ne!(delivery.signal().topic().as_str(), "of.panic", "that cannot be a message");
        Self(delivery)
    }
}

impl Actor for Receiver {
    type Args = (Got, Then);
    type Message = Get;

    async fn init((got, then): Self::Args, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self { got, then, kept: Vec::new() }))
    }

    async fn handle(&mut self, Get(delivery): Get, cx: &mut Context<Self>) -> Result<Flow> {
        self.got.lock().unwrap().push((cx.name().to_owned(), delivery.signal().clone()));
        match self.then {
            Then::Acknowledge => delivery.acknowledge(),
            Then::Refuse => delivery.refuse(Error::business("not_wanted")),
            Then::Drop => drop(delivery),
            Then::Keep => self.kept.push(delivery),
        }
        Ok(Flow::Continue)
    }
}

/// A system with a dispatcher, and what its receivers get.
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) got: Got,
}

impl World {
    pub(crate) async fn new() -> Self {
        let system = System::builder().name("test").start().await.unwrap();
        let dispatcher = Dispatcher::builder().build(&system).unwrap();
        Self { system, dispatcher, got: Got::default() }
    }

    pub(crate) async fn receiver(&self, name: &'static str, then: Then) -> ActorRef<Receiver> {
        let spec = ChildSpec::<Receiver>::actor(name, (Arc::clone(&self.got), then));
        self.system.start(spec.mailbox(Mailbox::bounded(2)).registered()).await.unwrap()
    }

    /// Who got something, in order, when all have handled what they have.
    pub(crate) async fn names(&self, many: usize) -> Vec<String> {
        testkit::eventually(|| match self.got.lock().unwrap().len() {
            got if got >= many => Ok(()),
            got => Err(format!("{got} of {many} were got")),
        })
        .await;
        self.got.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }

    pub(crate) async fn stop(self) {
        self.system.stop().await.unwrap();
    }
}

pub(crate) fn paid() -> Draft {
    Signal::new("order.paid", "/shop")
}

/// What became of a signal at each receiver, in short.
pub(crate) fn outcomes(report: &Dispatched) -> Vec<(usize, String, String)> {
    let one = |receipt: &signals::DispatchReceipt| {
        let outcome = match &receipt.outcome {
            Outcome::Failed(error) => error.code().to_owned(),
            outcome => format!("{outcome:?}"),
        };
        (receipt.destination, receipt.name.to_string(), outcome)
    };
    report.receipts().iter().map(one).collect()
}

pub(crate) fn is(destination: usize, name: &str, outcome: &str) -> (usize, String, String) {
    (destination, name.to_owned(), outcome.to_owned())
}
