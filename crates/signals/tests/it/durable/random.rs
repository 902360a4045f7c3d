//! Random schedules against a model: nothing is lost, nothing comes twice within one attempt, the
//! cursor passes nothing that is open, and order is kept.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use fastrand::Rng;
use foundation::{ActorRef, Error};
use signals::testing::{Fault, Operation};
use signals::{Delivery, Durable, LogPosition, Retention, Signal, SignalLog};

use super::audit;
use crate::clerk::{Answer, Book, Clerk};
use crate::shop::Shop;

/// What is known of a schedule from outside.
struct Model {
    random: Rng,
    shop: Shop,
    max_in_flight: usize,
    durable: Option<Durable>,
    consumer: Option<(Book, ActorRef<Clerk>)>,
    /// How much of what the consumer has seen was looked at.
    looked: usize,
    kept: Vec<Delivery>,
    /// The matching signals that are in the log.
    published: BTreeSet<u64>,
    acknowledged: BTreeSet<u64>,
    rejected: BTreeSet<u64>,
    /// What this consumer was given by this run of the bus.
    given: BTreeSet<(u64, u32)>,
    /// What was ever delivered.
    ever: BTreeSet<u64>,
    story: Vec<String>,
}

impl Model {
    async fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let max_in_flight = [1, 2, 5, 20][random.usize(..4)];
        Self {
            random,
            shop: Shop::new().await,
            max_in_flight,
            durable: None,
            consumer: None,
            looked: 0,
            kept: Vec::new(),
            published: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            rejected: BTreeSet::new(),
            given: BTreeSet::new(),
            ever: BTreeSet::new(),
            story: Vec::new(),
        }
    }

    async fn step(&mut self) {
        let choice = self.random.u32(..100);
        self.story.push(format!("{choice}"));
        match choice {
            0..25 => self.publish().await,
            25..35 => self.attach().await,
            35..38 => self.end_consumer().await,
            38..75 => self.settle(),
            75..88 => {
                let time = self.random.u64(1..3000);
                testkit::pass(std::time::Duration::from_millis(time)).await;
            }
            88..90 => self.begin_again(true).await,
            90..91 => self.begin_again(false).await,
            91..93 => {
                self.shop.kill_tail().await;
                // Its supervisor allows three restarts in five seconds.
                testkit::pass(std::time::Duration::from_secs(2)).await;
            }
            93..94 => {
                self.shop.kill_handlers().await;
                self.given.clear();
                testkit::pass(std::time::Duration::from_secs(6)).await;
            }
            94..97 => self.fail(),
            _ => self.drop_what_is_settled().await,
        }
        testkit::pass(std::time::Duration::from_millis(1)).await;
        self.look();
    }

    async fn publish(&mut self) {
        for _ in 0..self.random.usize(1..5) {
            let matches = self.random.bool();
            let topic = if matches { "s.x" } else { "other.x" };
            let before = self.shop.end().await;
            let _ = self.shop.bus.publish(Signal::new(topic, "/shop")).await;
            let end = self.shop.end().await;
            if matches && end > before {
                self.published.insert(end.get());
            }
        }
    }

    async fn attach(&mut self) {
        if self.consumer.is_some() {
            return;
        }
        let book = Book::new(|_| Answer::Keep);
        let clerk = book.open(&self.shop.system).await;
        let options = audit().max_in_flight(self.max_in_flight).max_attempts(1_000_000);
        match self.shop.bus.subscribe("s.*", &clerk).durable(options).await {
            Ok(durable) => {
                self.durable = Some(durable);
                self.consumer = Some((book, clerk));
                self.given.clear();
                self.looked = 0;
            }
            Err(_) => clerk.kill(),
        }
    }

    async fn end_consumer(&mut self) {
        self.look();
        if let Some((_, clerk)) = self.consumer.take() {
            clerk.kill();
            clerk.exited().await;
        }
    }

    async fn begin_again(&mut self, abruptly: bool) {
        self.shop.log.heal();
        if abruptly {
            self.shop.crash().await;
        } else {
            self.shop.restart().await;
        }
        // One that outlives the bus would have to subscribe again.
        self.end_consumer().await;
        self.durable = None;
    }

    fn fail(&mut self) {
        let all = [Operation::Read, Operation::StoreParts, Operation::Append];
        let operation = all[self.random.usize(..all.len())];
        let fault =
            if self.random.bool() { Fault::before(operation) } else { Fault::after(operation) };
        self.shop.log.inject(fault);
    }

    /// Retention that takes nothing from anybody.
    async fn drop_what_is_settled(&mut self) {
        let Some(durable) = &self.durable else { return };
        let cursor = durable.status().cursor.get();
        let end = self.shop.end().await.get();
        let retention = Retention::forever().count(end - cursor.min(end));
        self.shop.memory.retain(retention).await.unwrap();
    }

    fn settle(&mut self) {
        if self.kept.is_empty() {
            return;
        }
        let delivery = self.kept.swap_remove(self.random.usize(..self.kept.len()));
        let position = delivery.position().unwrap().get();
        match self.random.u32(..10) {
            0 => delivery.refuse(Error::infrastructure("busy")),
            1 => {
                self.rejected.insert(position);
                delivery.refuse(Error::business("unwanted"));
            }
            2 => drop(delivery),
            _ => {
                self.acknowledged.insert(position);
                delivery.acknowledge();
            }
        }
    }

    /// Looks at what has come, and where the cursor is.
    fn look(&mut self) {
        if let Some((book, _)) = &self.consumer {
            let seen = book.seen();
            for one in &seen[self.looked..] {
                let (position, attempt) = (one.position.get(), one.attempt);
                let story = &self.story;
                assert!(self.given.insert((position, attempt)), "{one:?} came twice: {story:?}");
                if self.ever.insert(position) {
                    let mut before = self.published.range(..position);
                    let skipped = before.find(|one| !self.ever.contains(one));
                    assert_eq!(skipped, None, "{position} came before it: {story:?}");
                }
            }
            self.looked = seen.len();
            self.kept.extend(book.take_kept());
        }
        if let Some(durable) = &self.durable {
            let status = durable.status();
            let is_open =
                |one: &&u64| !self.acknowledged.contains(one) && !self.rejected.contains(one);
            if let Some(open) = self.published.iter().find(is_open) {
                let cursor = status.cursor.get();
                assert!(cursor < *open, "{cursor} has passed {open}: {:?}", self.story);
            }
            assert!(status.in_flight <= self.max_in_flight, "{status:?}");
        }
    }

    /// Somebody who acknowledges everything consumes the rest.
    async fn finish(mut self) {
        self.shop.log.heal();
        self.begin_again(false).await;
        let willing = Book::willing();
        let clerk = willing.open(&self.shop.system).await;
        let options = audit().max_in_flight(self.max_in_flight);
        let durable = self.shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
        self.shop.settles(&durable).await;
        testkit::pass(std::time::Duration::from_mins(1)).await;
        let mut known = self.acknowledged.clone();
        known.extend(willing.seen().iter().map(|seen| seen.position.get()));
        let (mut after, mut dead) = (LogPosition::START, 0);
        loop {
            let page = durable.dead_letters(after).await.unwrap();
            dead += page.letters.len() as u64;
            known.extend(page.letters.iter().map(|letter| letter.position.get()));
            let Some(next) = page.next else { break };
            after = next;
        }
        assert_eq!(known, self.published, "{:?}", self.story);
        assert_eq!(durable.status().dead_letters, dead);
        assert!(durable.status().gaps.is_empty(), "{:?}", durable.status());
        self.shop.stop().await;
    }
}

#[test]
fn random_schedules_lose_nothing_double_nothing_and_keep_order() {
    testkit::for_each_seed(NonZeroU32::new(12).unwrap(), |seed| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let mut model = Model::new(seed).await;
            for _ in 0..400 {
                model.step().await;
            }
            model.finish().await;
        });
    });
}
