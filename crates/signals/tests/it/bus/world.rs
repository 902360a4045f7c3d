//! A world for random schedules: tasks that publish, subscribe, end and hold, and what has to be
//! true of what they see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use foundation::{
    Actor, ActorRef, ChildSpec, Context, Flow, Init, Mailbox, Pid, Restart, Result, System,
};
use serde_json::json;
use signals::{
    Bus, Delivery, Draft, Outcome, Pattern, Published, Receipt, Signal, SubscriptionId, WhenFull,
};
use tokio::sync::Notify;

const TOPICS: [&str; 5] = ["a", "a.b", "a.c", "b", "b.c.d"];
const PATTERNS: [&str; 7] = ["a", "a.*", "a.**", "**", "b", "b.**", "*.b"];
/// How long a publisher waits that does.
const PATIENCE: Duration = Duration::from_millis(5);
/// So few that rooms are often full, and enough that they often are not.
const ROOM: Mailbox = Mailbox::bounded(4);
/// How many listeners there are at a time.
const LISTENERS: usize = 5;

/// One signal of one publisher.
type Number = (u64, u64);

/// What all tasks share.
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) bus: Bus,
    listeners: Mutex<Vec<ActorRef<Hearer>>>,
    killed: Mutex<BTreeSet<Pid>>,
    heard: Heard,
    reports: Mutex<Vec<(Number, Vec<Told>)>>,
    pub(crate) counts: Mutex<Counts>,
}

/// What happened how often: a schedule in which nothing does shows nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) published: u64,
    pub(crate) refused: u64,
    pub(crate) accepted: u64,
    pub(crate) left_out: u64,
    pub(crate) failed: u64,
    pub(crate) killed: u64,
    pub(crate) unsubscribed: u64,
}

/// What was told of one receiver.
#[derive(Debug, Clone, Copy)]
struct Told {
    subscription: SubscriptionId,
    pid: Pid,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is in the inbox, and is handled unless the receiver is killed.
    In,
    /// It was in the inbox of one that has ended.
    Unknown,
    /// It never came in.
    Out,
}

type Heard = Arc<Mutex<Vec<(SubscriptionId, Pid, Number)>>>;

pub(crate) struct Hearer(Heard);

pub(crate) enum Message {
    Signal(Delivery),
    Hold(Arc<Notify>),
}

impl From<Delivery> for Message {
    fn from(delivery: Delivery) -> Self {
        Self::Signal(delivery)
    }
}

impl Actor for Hearer {
    type Args = Heard;
    type Message = Message;

    async fn init(heard: Heard, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(heard)))
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow> {
        match message {
            Message::Signal(delivery) => {
                let number = number(delivery.signal());
                self.0.lock().unwrap().push((delivery.subscription(), cx.pid(), number));
                if !number.1.is_multiple_of(3) {
                    delivery.acknowledge();
                }
            }
            Message::Hold(gate) => gate.notified().await,
        }
        Ok(Flow::Continue)
    }
}

fn number(signal: &Signal) -> Number {
    serde_json::from_value(signal.data().as_json().unwrap().clone()).unwrap()
}

fn draft(random: &mut Rng, number: Number) -> Draft {
    Signal::new(TOPICS[random.usize(..TOPICS.len())], "/world").json(json!(number))
}

async fn pause(random: &mut Rng) {
    for _ in 0..random.u32(..3) {
        tokio::task::yield_now().await;
    }
}

// === impl World: what its tasks do ===

impl World {
    pub(crate) async fn new() -> Arc<Self> {
        let system = System::builder().name("world").start().await.unwrap();
        let bus = Bus::builder().start(&system).await.unwrap();
        let world = Self {
            system,
            bus,
            listeners: Mutex::default(),
            killed: Mutex::default(),
            heard: Heard::default(),
            reports: Mutex::default(),
            counts: Mutex::default(),
        };
        for _ in 0..LISTENERS {
            world.add_listener().await;
        }
        Arc::new(world)
    }

    async fn add_listener(&self) {
        let spec = ChildSpec::<Hearer>::actor("hearer", Arc::clone(&self.heard));
        let spec = spec.mailbox(ROOM).restart(Restart::Temporary);
        let listener = self.system.start(spec).await.unwrap();
        self.listeners.lock().unwrap().push(listener);
    }

    fn any_listener(&self, random: &mut Rng) -> ActorRef<Hearer> {
        let listeners = self.listeners.lock().unwrap();
        listeners[random.usize(..listeners.len())].clone()
    }

    /// Publishes in all ways. `alone` when nobody else runs between two suspensions, and so it is
    /// known whom a signal has to reach.
    pub(crate) async fn publish(self: Arc<Self>, me: u64, rounds: u64, seed: u64, alone: bool) {
        let mut random = Rng::with_seed(seed ^ me);
        let mut next = 0;
        for _ in 0..rounds {
            let many = if random.u8(..4) == 0 { random.u64(2..4) } else { 1 };
            let numbers: Vec<Number> = (next..next + many).map(|it| (me, it)).collect();
            next += many;
            let drafts: Vec<_> = numbers.iter().map(|it| draft(&mut random, *it)).collect();
            let reports = match <[Draft; 1]>::try_from(drafts) {
                Err(drafts) => self.bus.publish_all(drafts).await,
                Ok([draft]) if random.u8(..4) == 0 => {
                    self.bus.publish_and_wait(draft, PATIENCE).await.map(|one| vec![one])
                }
                Ok([draft]) => {
                    let report = self.bus.publish(draft).await;
                    report.inspect(|one| self.compare(one, alone)).map(|one| vec![one])
                }
            };
            self.write_down(numbers, reports);
            pause(&mut random).await;
        }
    }

    /// Nothing has run since it was published, so whoever is subscribed now was.
    fn compare(&self, published: &Published, alone: bool) {
        if !alone {
            return;
        }
        let topic = published.signal().topic();
        let infos = self.bus.subscriptions().into_iter();
        let wants = |patterns: &[Pattern]| patterns.iter().any(|it| it.matches(topic));
        let wanted: BTreeSet<_> =
            infos.filter(|info| wants(&info.patterns)).map(|info| info.id).collect();
        let told: Vec<_> = published.receipts().iter().map(Receipt::subscription).collect();
        assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), wanted, "of {topic}");
        assert_eq!(told.len(), wanted.len(), "each once");
    }

    fn write_down(&self, numbers: Vec<Number>, published: Result<Vec<Published>>) {
        let mut counts = self.counts.lock().unwrap();
        let published = match published {
            Ok(published) => published,
            Err(error) => {
                assert_eq!(error.code(), "receiver_full");
                counts.refused += 1;
                return;
            }
        };
        for (number, one) in numbers.into_iter().zip(published) {
            assert_eq!(self::number(one.signal()), number);
            counts.published += 1;
            let told = one.receipts().iter().map(|receipt| {
                let fate = counts.fate(receipt.outcome());
                Told { subscription: receipt.subscription(), pid: receipt.pid(), fate }
            });
            let told = told.collect();
            self.reports.lock().unwrap().push((number, told));
        }
    }

    /// Subscribes, ends subscriptions, and replaces actors.
    pub(crate) async fn change(self: Arc<Self>, rounds: u64, seed: u64) {
        let mut random = Rng::with_seed(seed);
        for _ in 0..rounds {
            match random.u8(..10) {
                0..=4 => {
                    let patterns: Vec<_> = (0..random.usize(1..4))
                        .map(|_| Pattern::new(PATTERNS[random.usize(..PATTERNS.len())]).unwrap())
                        .collect();
                    let listener = self.any_listener(&mut random);
                    let when_full =
                        if random.bool() { WhenFull::LeaveOut } else { WhenFull::Refuse };
                    let subscribing = self.bus.subscribe(patterns, &listener);
                    let subscribing = subscribing.priority(random.i8(-2..3)).when_full(when_full);
                    if let Err(error) = subscribing.await {
                        assert_eq!(error.code(), "no_process");
                    }
                }
                5..=7 => {
                    let infos = self.bus.subscriptions();
                    if let Some(info) = random.choice(&infos)
                        && self.bus.unsubscribe(info.id).await.is_ok()
                    {
                        self.counts.lock().unwrap().unsubscribed += 1;
                    }
                }
                8 => self.replace(&mut random).await,
                _ => {
                    let gate = Arc::new(Notify::new());
                    let held = self.any_listener(&mut random);
                    // One that has no room is busy anyhow.
                    let _ = held.try_tell(Message::Hold(Arc::clone(&gate)));
                    pause(&mut random).await;
                    pause(&mut random).await;
                    gate.notify_one();
                }
            }
            pause(&mut random).await;
        }
    }

    /// Kills a listener, and starts another one.
    async fn replace(&self, random: &mut Rng) {
        let killed = {
            let mut listeners = self.listeners.lock().unwrap();
            let index = random.usize(..listeners.len());
            if listeners.len() == 1 {
                return;
            }
            listeners.swap_remove(index)
        };
        self.killed.lock().unwrap().insert(killed.pid());
        self.counts.lock().unwrap().killed += 1;
        killed.kill();
        pause(random).await;
        self.add_listener().await;
    }
}

impl Counts {
    /// Counts what became of a signal at one receiver, and tells where it is.
    fn fate(&mut self, outcome: &Outcome) -> Fate {
        match outcome {
            Outcome::Accepted | Outcome::Acknowledged => {
                self.accepted += 1;
                Fate::In
            }
            Outcome::LeftOut => {
                self.left_out += 1;
                Fate::Out
            }
            Outcome::Failed(error) => {
                self.failed += 1;
                match error.code() {
                    "timeout" | "no_reply" => Fate::In,
                    "actor_stopped" => Fate::Unknown,
                    "no_process" | "no_such_subscription" => Fate::Out,
                    other => panic!("{other}: {error:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

// === impl World: what has to be true ===

impl World {
    /// Lets everybody handle what they have, and looks whether it is what they were sent.
    pub(crate) async fn settle(&self) -> Counts {
        let listeners = std::mem::take(&mut *self.listeners.lock().unwrap());
        for listener in listeners {
            listener.drain().await.unwrap();
        }
        let counts = *self.counts.lock().unwrap();
        testkit::eventually(|| match self.bus.stats().subscriptions {
            0 => Ok(()),
            many => Err(format!("{many} subscriptions of actors that have ended")),
        })
        .await;
        let stats = self.bus.stats();
        let seen = (stats.published, stats.refused, stats.accepted, stats.left_out, stats.failed);
        let Counts { published, refused, accepted, left_out, failed, .. } = counts;
        assert_eq!(seen, (published, refused, accepted, left_out, failed));
        self.check();
        counts
    }

    fn check(&self) {
        let (reports, killed) = (self.reports.lock().unwrap(), self.killed.lock().unwrap());
        let mut sent: BTreeMap<(SubscriptionId, u64), Vec<(u64, Fate)>> = BTreeMap::new();
        let mut owners = BTreeMap::new();
        for ((publisher, number), told) in reports.iter() {
            for Told { subscription, pid, fate } in told {
                let owner = *owners.entry(*subscription).or_insert(*pid);
                assert_eq!(owner, *pid, "a subscription belongs to one incarnation");
                if *fate != Fate::Out {
                    sent.entry((*subscription, *publisher)).or_default().push((*number, *fate));
                }
            }
        }
        let mut handled: BTreeMap<(SubscriptionId, u64), Vec<u64>> = BTreeMap::new();
        for (subscription, pid, (publisher, number)) in self.heard.lock().unwrap().iter() {
            assert_eq!(owners.get(subscription), Some(pid), "nobody else hears it");
            handled.entry((*subscription, *publisher)).or_default().push(*number);
        }
        for (by, numbers) in &handled {
            assert!(numbers.is_sorted_by(|one, next| one < next), "{by:?}: {numbers:?}");
            let sent: Vec<_> = sent[by].iter().map(|(number, _)| *number).collect();
            assert!(sent.starts_with(numbers), "{by:?}: handled {numbers:?} of {sent:?}");
        }
        for (by, sent) in &sent {
            let is_killed = killed.contains(&owners[&by.0]);
            let handled = handled.get(by).map_or(0, Vec::len);
            assert!(is_killed || handled == sent.len(), "{by:?}: handled {handled} of {sent:?}");
        }
    }
}
