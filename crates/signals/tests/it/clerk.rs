//! A consumer that writes down what it is given, with attempt and position, and answers as a test
//! says.

use std::sync::{Arc, Mutex};

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Error, Flow, Init, Mailbox, Restart, Result, System,
};
use signals::{Delivery, LogPosition};
use testkit::eventually;

/// What a clerk does with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Acknowledge,
    /// With an error that may be retried.
    Refuse,
    /// With an error of the business.
    Reject,
    Drop,
    /// It is kept until the test takes it.
    Keep,
    Panic,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) attempt: u32,
    pub(crate) position: LogPosition,
}

type Rule = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

/// What every incarnation of a clerk writes to.
#[derive(Clone)]
pub(crate) struct Book {
    seen: Arc<Mutex<Vec<Seen>>>,
    kept: Arc<Mutex<Vec<Delivery>>>,
    rule: Arc<Mutex<Rule>>,
}

/// The actor.
pub(crate) struct Clerk(Book);

impl Book {
    pub(crate) fn new(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let rule: Rule = Arc::new(rule);
        Self { seen: Arc::default(), kept: Arc::default(), rule: Arc::new(Mutex::new(rule)) }
    }

    /// One that acknowledges everything.
    pub(crate) fn willing() -> Self {
        Self::new(|_| Answer::Acknowledge)
    }

    pub(crate) fn rule(&self, rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// A new incarnation's actor, under the top of the system, which is not restarted.
    pub(crate) async fn open(&self, system: &System) -> ActorRef<Clerk> {
        self.open_with(system, Mailbox::default()).await
    }

    pub(crate) async fn open_with(&self, system: &System, mailbox: Mailbox) -> ActorRef<Clerk> {
        let spec = ChildSpec::<Clerk>::actor("clerk", self.clone());
        system.start(spec.restart(Restart::Temporary).mailbox(mailbox)).await.unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What another actor has seen.
    pub(crate) fn note(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
    }

    pub(crate) fn clear(&self) {
        self.seen.lock().unwrap().clear();
    }

    pub(crate) fn topics(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.topic).collect()
    }

    /// Topic and attempt.
    pub(crate) fn tries(&self) -> Vec<(String, u32)> {
        self.seen().into_iter().map(|seen| (seen.topic, seen.attempt)).collect()
    }

    pub(crate) fn take_kept(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.kept.lock().unwrap())
    }

    pub(crate) async fn wait_for(&self, count: usize) -> Vec<String> {
        eventually(|| {
            let topics = self.topics();
            if topics.len() >= count { Ok(topics) } else { Err(format!("{count}: {topics:?}")) }
        })
        .await
    }
}

impl Actor for Clerk {
    type Args = Book;
    type Message = Delivery;

    async fn init(book: Book, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(book)))
    }

    async fn handle(&mut self, delivery: Delivery, _: &mut Context<Self>) -> Result<Flow> {
        let seen = Seen {
            topic: delivery.signal().topic().as_str().to_owned(),
            attempt: delivery.attempt().unwrap_or(0),
            position: delivery.position().unwrap_or_default(),
        };
        let rule = Arc::clone(&self.0.rule.lock().unwrap());
        let answer = rule(&seen);
        self.0.seen.lock().unwrap().push(seen);
        match answer {
            Answer::Acknowledge => delivery.acknowledge(),
            Answer::Refuse => delivery.refuse(Error::infrastructure("busy")),
            Answer::Reject => delivery.refuse(Error::business("unwanted")),
            Answer::Drop => drop(delivery),
            Answer::Keep => self.0.kept.lock().unwrap().push(delivery),
            Answer::Panic => panic!("the test told the clerk to panic"),
        }
        Ok(Flow::Continue)
    }
}
