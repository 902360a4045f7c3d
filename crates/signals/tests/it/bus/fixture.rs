//! A system with a bus, and actors that do with a signal what a test tells them to.

use std::sync::Arc;
use std::time::Duration;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Error, Flow, Init, Mailbox, Pid, Reply, Restart, Result,
    System,
};
use serde_json::json;
use signals::{Bus, BusBuilder, Delivery, Draft, Outcome, Published, Receipt, Signal};
use testkit::Log;
use tokio::sync::Notify;

/// As long as a publisher waits who is not to wait in vain.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A system, a bus in it, and what its listeners write down.
pub(crate) struct Scene {
    pub(crate) system: System,
    pub(crate) bus: Bus,
    pub(crate) log: Log,
}

/// An actor that writes down each signal as `name type`, with `#` and the number if it has one.
pub(crate) struct Listener {
    part: Part,
    kept: Vec<Delivery>,
}

/// What a listener is started from.
#[derive(Clone)]
pub(crate) struct Part {
    name: Arc<str>,
    log: Log,
    then: Then,
    /// What it subscribes to whenever it starts.
    subscribes: Option<(Bus, &'static str)>,
}

/// What a listener does with a signal, once it has written it down.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Then {
    #[default]
    Acknowledge,
    Refuse(&'static str),
    Drop,
    Panic,
    /// Acknowledges it when so much time has passed.
    After(Duration),
    /// Keeps it, and handles other messages.
    Keep,
}

pub(crate) enum Message {
    Signal(Delivery),
    /// A signal that came by a subscription with a message of its own.
    By(&'static str, Delivery),
    /// Waits inside of the handler until it is notified.
    Hold(Arc<Notify>),
    /// Answers when everything before it is handled.
    Done(Reply<()>),
    /// Publishes from inside of the actor, and waits.
    Publish(Bus, &'static str, Reply<Result<Vec<String>>>),
    /// Acknowledges what it keeps.
    Settle,
    Panic,
}

impl From<Delivery> for Message {
    fn from(delivery: Delivery) -> Self {
        Self::Signal(delivery)
    }
}

// === impl Scene ===

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Bus::builder()).await
    }

    pub(crate) async fn with(builder: BusBuilder) -> Self {
        let system = System::builder().name("shop").start().await.unwrap();
        let bus = builder.start(&system).await.unwrap();
        Self { system, bus, log: Log::default() }
    }

    /// What a listener is to be started from.
    pub(crate) fn part(&self, name: impl Into<Arc<str>>, then: Then) -> Part {
        Part { name: name.into(), log: self.log.clone(), then, subscribes: None }
    }

    /// A listener that acknowledges everything.
    pub(crate) async fn listener(&self, name: impl Into<Arc<str>>) -> ActorRef<Listener> {
        self.listener_that(name, Then::Acknowledge).await
    }

    pub(crate) async fn listener_that(
        &self,
        name: impl Into<Arc<str>>,
        then: Then,
    ) -> ActorRef<Listener> {
        self.system.start(self.part(name, then).spec()).await.unwrap()
    }

    pub(crate) async fn listener_in(
        &self,
        name: impl Into<Arc<str>>,
        mailbox: Mailbox,
    ) -> ActorRef<Listener> {
        let spec = self.part(name, Then::Acknowledge).spec();
        self.system.start(spec.mailbox(mailbox)).await.unwrap()
    }

    /// Holds a listener between two messages until that is notified.
    pub(crate) async fn hold(&self, listener: &ActorRef<Listener>) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        let held = format!("{} is held", listener.name());
        let before = self.log.count(&held);
        listener.tell(Message::Hold(Arc::clone(&gate))).await.unwrap();
        testkit::eventually(|| match self.log.count(&held) {
            count if count > before => Ok(()),
            _ => Err(format!("{} is not held", listener.name())),
        })
        .await;
        gate
    }

    pub(crate) async fn publish(&self, topic: &'static str) -> Result<Published> {
        self.bus.publish(signal(topic)).await
    }

    /// Publishes, and waits for a second or not at all.
    pub(crate) async fn publish_or_ask(
        &self,
        topic: &'static str,
        waits: bool,
    ) -> Result<Published> {
        if waits {
            self.bus.publish_and_wait(signal(topic), SECOND).await
        } else {
            self.publish(topic).await
        }
    }

    /// What the report of a signal says.
    pub(crate) async fn told(&self, topic: &'static str) -> Vec<String> {
        outcomes(&self.publish(topic).await.unwrap())
    }

    /// What the report says to a publisher that waits for a second.
    pub(crate) async fn asked(&self, topic: &'static str) -> Vec<String> {
        outcomes(&self.bus.publish_and_wait(signal(topic), SECOND).await.unwrap())
    }

    pub(crate) async fn end(self) {
        self.system.stop().await.unwrap();
    }
}

impl Part {
    pub(crate) fn subscribes(mut self, bus: &Bus, pattern: &'static str) -> Self {
        self.subscribes = Some((bus.clone(), pattern));
        self
    }

    /// One that is not started again when it fails: most tests look at its end.
    pub(crate) fn spec(self) -> ChildSpec<Listener> {
        self.restarted().restart(Restart::Temporary)
    }

    pub(crate) fn restarted(self) -> ChildSpec<Listener> {
        ChildSpec::actor(Arc::clone(&self.name), self)
    }
}

// === impl Listener ===

impl Actor for Listener {
    type Args = Part;
    type Message = Message;

    async fn init(part: Part, cx: &mut Context<Self>) -> Result<Init<Self>> {
        if let Some((bus, pattern)) = &part.subscribes {
            bus.subscribe(*pattern, &cx.me()).name(format!("{}'s", part.name)).await?;
        }
        Ok(Init::Ready(Self { part, kept: Vec::new() }))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
        match message {
            Message::Signal(delivery) => self.hear("", delivery).await,
            Message::By(name, delivery) => self.hear(name, delivery).await,
            Message::Hold(gate) => {
                self.part.log.push(format!("{} is held", self.part.name));
                gate.notified().await;
            }
            Message::Done(reply) => reply.send(()),
            Message::Publish(bus, topic, reply) => {
                let published = bus.publish_and_wait(signal(topic), SECOND).await;
                reply.send(published.map(|published| outcomes(&published)));
            }
            Message::Settle => self.kept.drain(..).for_each(Delivery::acknowledge),
            Message::Panic => panic!("it was told to"),
        }
        Ok(Flow::Continue)
    }
}

impl Listener {
    async fn hear(&mut self, by: &str, delivery: Delivery) {
        let (name, signal) = (&self.part.name, delivery.signal());
        self.part.log.push(format!("{name}{by} {}", shown(signal)));
        match self.part.then {
            Then::Acknowledge => delivery.acknowledge(),
            Then::Refuse(code) => delivery.refuse(Error::business(code)),
            Then::Drop => drop(delivery),
            Then::Panic => panic!("{} at {}", self.part.name, delivery.signal().topic()),
            Then::After(time) => {
                testkit::pass(time).await;
                delivery.acknowledge();
            }
            Then::Keep => self.kept.push(delivery),
        }
    }
}

/// Waits until a listener has handled everything that is in its inbox.
pub(crate) async fn done(listener: &ActorRef<Listener>) {
    listener.ask(Message::Done).await.unwrap();
}

/// Waits until another incarnation of a listener runs than the one that was there before.
pub(crate) async fn runs_again(listener: &ActorRef<Listener>, before: Pid) {
    let look = || {
        let runs = listener.is_alive() && listener.pid() != before;
        runs.then_some(()).ok_or("it does not run again")
    };
    testkit::eventually(look).await;
}

/// Lets those go on that were held.
pub(crate) fn release(gates: &[Arc<Notify>]) {
    for gate in gates {
        gate.notify_one();
    }
}

/// Kills a listener, and waits until it has ended.
pub(crate) async fn kill(listener: &ActorRef<Listener>) {
    let exited = listener.exited();
    listener.kill();
    exited.await;
}

pub(crate) fn signal(topic: &'static str) -> Draft {
    Signal::new(topic, "/tests")
}

pub(crate) fn numbered(topic: &'static str, number: u64) -> Draft {
    signal(topic).json(json!(number))
}

/// The type of a signal, and its number if it has one.
pub(crate) fn shown(signal: &Signal) -> String {
    match number(signal) {
        Some(number) => format!("{}#{number}", signal.topic()),
        None => signal.topic().to_string(),
    }
}

pub(crate) fn number(signal: &Signal) -> Option<u64> {
    signal.data().as_json().and_then(serde_json::Value::as_u64)
}

/// What a report says of each receiver, in order.
pub(crate) fn outcomes(published: &Published) -> Vec<String> {
    published.receipts().iter().map(said).collect()
}

/// What a receipt says.
pub(crate) fn said(receipt: &Receipt) -> String {
    let outcome = match receipt.outcome() {
        Outcome::Accepted => "accepted",
        Outcome::Acknowledged => "acknowledged",
        Outcome::LeftOut => "left out",
        Outcome::Skipped => "skipped",
        Outcome::Failed(error) => error.code(),
        _ => "something else",
    };
    format!("{}: {outcome}", receipt.receiver())
}
