//! The runner of one durable subscription: the actor that reads, keeps and delivers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation::{
    Actor, Backoff, Category, Context, Error, ExitReason, Flow, Init, Reply, Result, TimerKey, Told,
};
use tokio::time::Instant;

use super::consumer::{Consumer, Ticket};
use super::dead::DeadLetter;
use super::keeping::recount;
use super::kept::{KeptState, STATE, dead_key};
use super::reading::start_position;
use super::shared::{Event, Outcome, Shared};
use super::state::{Because, Settlement, State, Step};
use crate::bus::{Delivery, Dispatch};
use crate::log::{LogPosition, PartChange, SignalLog};
use crate::signal::Signal;

/// How often it looks where it is in a log of which nothing matches, so that it has to read little
/// when it begins again.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How soon it looks again for room in the mailbox of its consumer, where nothing tells: others
/// write there too.
const ROOM_AGAIN: Duration = Duration::from_millis(100);
/// How soon it tries again when the log has failed: a log that is away does not take the bus along.
const LOG_AGAIN: Backoff =
    Backoff::Exponential { base: Duration::from_millis(100), cap: Duration::from_secs(5) };
/// The actor that reads, keeps and delivers.
pub(super) struct Runner {
    pub(super) shared: Arc<Shared>,
    pub(super) log: Arc<dyn SignalLog>,
    pub(super) state: State<Signal>,
    /// Who consumes.
    consumer: Option<Arc<Consumer>>,
    /// As it is written.
    pub(super) kept: KeptState,
    /// The last that was written.
    pub(super) written: Vec<u8>,
    /// Where the cursor was then.
    pub(super) written_cursor: LogPosition,
    /// What the consumers said of those that are open.
    pub(super) errors: BTreeMap<LogPosition, Error>,
    /// What is to be written with the next state.
    pub(super) changes: Vec<PartChange>,
    started: Instant,
    timer: Option<TimerKey>,
    /// Whether those before this process were charged with its end.
    is_recovered: bool,
    /// Dead letters that are not counted yet.
    pub(super) uncounted: BTreeSet<LogPosition>,
    /// Who ends or seeks begins another one.
    pub(super) epoch: u64,
    /// Whether the mailbox of the consumer had no room.
    is_held_up: bool,
    /// How often in a row the log has failed.
    failures: u32,
}

/// What a runner is told.
pub(super) enum RunnerMessage {
    /// It is to look.
    Wake,
    /// It is time.
    Tick,
    Redrive(Vec<LogPosition>, Reply<Result<u64>>),
    RedriveAll(Reply<Result<u64>>),
    Purge(Vec<LogPosition>, Reply<Result<u64>>),
    PurgeAll(Reply<Result<u64>>),
    Pause(bool, Reply<Result<()>>),
    Seek(LogPosition, Reply<Result<()>>),
}

impl Actor for Runner {
    type Args = Arc<Shared>;
    type Message = RunnerMessage;

    async fn init(shared: Arc<Shared>, cx: &mut Context<Self>) -> Result<Init<Self>> {
        shared.set_child(cx.me().pid());
        let log = Arc::clone(&shared.core.log);
        let _known = shared.new_terms();
        let terms = shared.terms();
        let (rules, start, patterns) = (terms.options.rules, terms.options.start, terms.written());
        let mut kept = if let Some(bytes) = log.load_part(&shared.owner, STATE).await? {
            KeptState::read(&shared.name, &bytes)?
        } else {
            let start = start_position(&*log, start).await?;
            KeptState::new(patterns.clone(), cx.now(), start)
        };
        recount(&mut kept, &*log, &shared.owner).await?;
        kept.patterns = patterns;
        shared.feed.stop();
        // What was told to the one before is of its deliveries.
        drop(shared.take_events());
        let state = State::new(rules, &kept.kept());
        let consumer = shared.consumer.lock().clone();
        let epoch = shared.next_epoch();
        let mut runner = Self {
            shared,
            log,
            state,
            consumer,
            kept,
            written: Vec::new(),
            written_cursor: LogPosition::START,
            errors: BTreeMap::new(),
            changes: Vec::new(),
            started: Instant::now(),
            timer: None,
            is_recovered: false,
            uncounted: BTreeSet::new(),
            epoch,
            is_held_up: false,
            failures: 0,
        };
        // So that it is there from here on, whatever happens next.
        runner.write().await?;
        runner.shared.run_by(Some(cx.me()));
        cx.continue_with(RunnerMessage::Wake);
        Ok(Init::Ready(runner))
    }

    async fn handle(&mut self, message: RunnerMessage, cx: &mut Context<Self>) -> Result<Flow> {
        match message {
            RunnerMessage::Wake => {}
            RunnerMessage::Tick => self.timer = None,
            RunnerMessage::Redrive(positions, reply) => reply.send(self.redrive(positions).await),
            RunnerMessage::RedriveAll(reply) => reply.send(self.redrive_all().await),
            RunnerMessage::Purge(positions, reply) => reply.send(self.purge(positions).await),
            RunnerMessage::PurgeAll(reply) => reply.send(self.purge_all().await),
            RunnerMessage::Pause(paused, reply) => {
                self.kept.is_paused = paused;
                reply.send(self.write().await);
            }
            RunnerMessage::Seek(position, reply) => reply.send(self.seek(position).await),
        }
        match self.turn().await {
            Ok(more) => {
                self.failures = 0;
                // Behind what it is told meanwhile: reading on may take long.
                if more {
                    self.shared.wake();
                }
            }
            Err(error) => self.fail(error)?,
        }
        self.show();
        self.wake_later(cx);
        Ok(Flow::Continue)
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        self.shared.feed.stop();
        self.shared.run_by(None);
        self.hear();
        // It ends in order: nobody is charged with that. If it cannot be written, the next one
        // charges.
        let _ = self.write_last().await;
    }
}

impl Runner {
    /// Hears what has happened, reads on, writes what has to survive, and delivers. Whether there
    /// is more to read right now.
    async fn turn(&mut self) -> Result<bool> {
        if let Some(terms) = self.shared.new_terms() {
            self.state.set_rules(terms.options.rules);
            self.kept.patterns = terms.written();
        }
        self.hear();
        let steps = self.state.tick(self.now());
        self.follow(steps, None);
        let more = self.read().await?;
        // Before anything is delivered: of what is read later none was delivered before the first
        // one.
        if !self.is_recovered && (!more || self.state.has_open()) {
            self.is_recovered = true;
            let step = self.state.recovered(self.now());
            self.follow(step, None);
        }
        self.count_dead().await?;
        let consumer = self.consumer.clone();
        let deliveries = match &consumer {
            Some(_) if !self.kept.is_paused => {
                let with_new = !self.is_full();
                self.state.deliver(self.now(), with_new)
            }
            _ => Vec::new(),
        };
        // A page of which nothing matches need not be written: it is read again.
        let is_needless = more && deliveries.is_empty() && self.changes.is_empty();
        let written = if is_needless { Ok(()) } else { self.write().await };
        // What could not be written is not delivered, and comes next.
        let consumer = consumer.filter(|_| written.is_ok());
        self.is_held_up = false;
        let deliveries = match &consumer {
            Some(consumer) => self.between(deliveries, consumer).await,
            None => deliveries,
        };
        self.follow(deliveries, consumer.as_deref());
        written?;
        Ok(more && self.state.room() > 0)
    }

    /// The log has failed. What was told and read before is known; it is tried again.
    fn fail(&mut self, error: Error) -> Result<()> {
        if !error.is_retryable() {
            return Err(error);
        }
        self.failures = self.failures.saturating_add(1);
        let subscription = &*self.shared.name;
        tracing::error!(subscription, failures = self.failures, %error, "signals.log_failed");
        Ok(())
    }

    /// Says when it has to look again.
    fn wake_later(&mut self, cx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            cx.cancel_timer(timer);
        }
        let now = self.now();
        let mut wakes = self.state.wakes().map_or(LOOK_EVERY, |at| at.saturating_sub(now));
        if self.is_held_up {
            wakes = wakes.min(ROOM_AGAIN);
        }
        if self.failures > 0 {
            wakes = LOG_AGAIN.wait(self.failures);
        }
        let wakes = wakes.min(LOOK_EVERY).max(Duration::from_millis(1));
        self.timer = Some(cx.send_after(wakes, RunnerMessage::Tick));
    }

    /// What was delivered before is not in flight any more.
    pub(super) fn begin_epoch(&mut self) {
        self.epoch = self.shared.next_epoch();
    }

    /// Whether there are as many dead letters as may be.
    fn is_full(&self) -> bool {
        self.kept.dead >= self.shared.max_dead_letters()
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// What has become of deliveries and consumers.
    fn hear(&mut self) {
        for event in self.shared.take_events() {
            let now = self.now();
            let step = match event {
                Event::Settled { epoch, position, attempt, outcome } => self
                    .settlement(epoch, position, outcome)
                    .and_then(|settlement| self.state.settled(position, attempt, settlement, now)),
                // One that was there already when this began.
                Event::Attached(consumer) if self.is_consumer(consumer.number) => None,
                Event::Attached(consumer) => {
                    let before = self.consumer.replace(consumer);
                    before.and_then(|_| self.consumer_ended())
                }
                Event::Ended(number) if self.is_consumer(number) => {
                    self.consumer = None;
                    self.consumer_ended()
                }
                Event::Released(number) if self.is_consumer(number) => {
                    self.consumer = None;
                    self.begin_epoch();
                    self.state.released(now);
                    None
                }
                Event::Ended(_) | Event::Released(_) => None,
            };
            self.follow(step, None);
        }
    }

    fn is_consumer(&self, number: u64) -> bool {
        self.consumer.as_ref().is_some_and(|consumer| consumer.number == number)
    }

    fn consumer_ended(&mut self) -> Option<Step<Signal>> {
        self.begin_epoch();
        self.state.consumer_ended(self.now())
    }

    /// What became of a delivery, if that matters. Of what was delivered before its consumer ended
    /// only an acknowledgement does: another one may have it by now.
    fn settlement(
        &mut self,
        epoch: u64,
        position: LogPosition,
        outcome: Outcome,
    ) -> Option<Settlement> {
        let counts = match outcome {
            Outcome::Acknowledged => self.shared.counts(epoch),
            Outcome::Refused(_) | Outcome::Dropped { .. } => epoch == self.epoch,
        };
        if !counts || !self.state.is_open(position) {
            return None;
        }
        Some(match outcome {
            Outcome::Acknowledged => {
                self.errors.remove(&position);
                self.shared.status.lock().acknowledged += 1;
                Settlement::Acknowledged
            }
            Outcome::Refused(error) => {
                // What is refused for good is no better the next time; a panic or a bug may be.
                let for_good =
                    matches!(error.category(), Category::Validation | Category::Business);
                let again = !for_good;
                self.errors.insert(position, error);
                Settlement::Refused { again }
            }
            Outcome::Dropped { in_panic } => Settlement::Dropped { in_panic },
        })
    }

    /// Does what the state says.
    fn follow(
        &mut self,
        steps: impl IntoIterator<Item = Step<Signal>>,
        consumer: Option<&Consumer>,
    ) {
        let mut has_room = true;
        for step in steps {
            match step {
                Step::Deliver { position, what, attempt } => {
                    let delivered = has_room
                        && consumer.is_some_and(|one| self.deliver(one, position, what, attempt));
                    if !delivered {
                        // Those behind it would overtake it.
                        has_room = false;
                        self.is_held_up = consumer.is_some();
                        self.state.undelivered(position);
                    }
                }
                Step::Bury { position, what, attempts, because, was_redriven } => {
                    let is_pending = self.changes.iter().any(|one| one.key == dead_key(position));
                    if !was_redriven && !is_pending {
                        self.uncounted.insert(position);
                    }
                    self.bury(position, what, attempts, because);
                }
                Step::Unbury { position } => {
                    self.kept.dead = self.kept.dead.saturating_sub(1);
                    self.changes.push(PartChange { key: dead_key(position), value: None });
                }
            }
        }
    }

    /// What is to be delivered, as those in between leave it. What they skip is as if it were
    /// acknowledged, and what they refuse as if the consumer did.
    async fn between(
        &self,
        deliveries: Vec<Step<Signal>>,
        consumer: &Consumer,
    ) -> Vec<Step<Signal>> {
        let chain = &self.shared.core.chain;
        if chain.is_empty() {
            return deliveries;
        }
        let info = self.shared.info(consumer);
        let mut left = Vec::with_capacity(deliveries.len());
        for step in deliveries {
            let Step::Deliver { position, what, attempt } = step else {
                left.push(step);
                continue;
            };
            let outcome = match chain.dispatch(what, &info).await {
                Ok(Dispatch::Deliver(what)) => {
                    left.push(Step::Deliver { position, what, attempt });
                    continue;
                }
                Ok(Dispatch::Skip) => Outcome::Acknowledged,
                Err(error) => Outcome::Refused(error),
            };
            self.shared.tell(Event::Settled { epoch: self.epoch, position, attempt, outcome });
        }
        left
    }

    /// Delivers one. False when there is no room for it now, or nobody.
    fn deliver(
        &self,
        consumer: &Consumer,
        position: LogPosition,
        signal: Signal,
        attempt: u32,
    ) -> bool {
        let Ok(place) = consumer.receiver.reserve() else { return false };
        let ticket = Ticket::new(&self.shared, self.epoch, position, attempt);
        let delivery = Delivery::durable(signal, consumer.id, ticket);
        // What becomes of one that did not come in it says itself when it is dropped. One for which
        // the mailbox had no room is none of the consumer's doing, and is not charged.
        if let Ok(Told::Dropped) = consumer.receiver.deliver(place, delivery) {
            return false;
        }
        if attempt > 1 {
            self.shared.status.lock().redelivered += 1;
        }
        true
    }

    fn bury(&mut self, position: LogPosition, signal: Signal, attempts: u32, because: Because) {
        let (subscription, id) = (&*self.shared.name, signal.id().clone());
        let because = because.as_str();
        tracing::warn!(subscription, signal = %id, attempts, because, "signals.dead_letter");
        let error = self.errors.remove(&position);
        let error = error.and_then(|error| serde_json::to_value(&error).ok());
        let at = self.shared.core.home.now();
        let because = because.to_owned();
        let signal = Some(signal);
        let mut letter = DeadLetter { position, signal, attempts, because, error, at };
        let written = letter.write().or_else(|error| {
            // One that cannot be written as JSON, or not be read again, is in the log alone.
            tracing::warn!(subscription, signal = %id, %error, "signals.dead_letter_without_signal");
            letter.signal = None;
            letter.write()
        });
        match written {
            Ok(value) => {
                self.changes.push(PartChange { key: dead_key(position), value: Some(value) });
            }
            Err(error) => {
                tracing::error!(subscription, signal = %id, %error, "signals.dead_letter_lost");
            }
        }
    }

    /// Shows how it stands.
    fn show(&self) {
        let patterns = self.shared.terms().patterns;
        let is_full = self.is_full();
        let is_live = self.shared.feed.is_live();
        let mut status = self.shared.status.lock();
        status.patterns = patterns;
        // Whoever drops what is behind it must not drop what comes again after a crash.
        status.cursor = self.written_cursor;
        status.in_flight = self.state.in_flight();
        status.waiting = self.state.waiting();
        status.dead_letters = self.kept.dead;
        status.is_paused = self.kept.is_paused;
        status.is_full = is_full;
        status.is_live = is_live;
        status.gaps.clone_from(&self.kept.gaps);
        status.created = Some(self.kept.created);
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
