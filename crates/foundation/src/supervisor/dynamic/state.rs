//! What a dynamic supervisor decides: events of its children and requests go in, commands come out.
//!
//! Nothing here waits, and nothing has an effect. It is shared by all who have something to say:
//! whoever starts a child, the children, and the loop in `run.rs`. What one of them can do by
//! itself comes back as an [`Outcome`]; what remains are commands for the loop, which is to be
//! woken then.
//!
//! Each child is its own matter: none waits for another one.

use std::collections::VecDeque;
use std::time::Duration;

use super::backoff;
use super::options::Rules;
use super::table::{Child, Key, Status, Table, Traits};
use crate::actor::{Restart, why_not_started};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::supervisor::intensity::Restarts;
use crate::supervisor::state::Report;

/// A dynamic supervisor. `T` is somebody who waits for an answer, `B` what others know of a child.
#[derive(Debug)]
pub(super) struct State<T, B> {
    pub(super) rules: Rules,
    restarts: Restarts,
    pub(super) table: Table<T, B>,
    phase: Phase,
    commands: VecDeque<Command<T, B>>,
    /// Whether the loop knows that there are commands.
    woken: bool,
    /// Whether a child was ever left in its place and given another one.
    pub(super) moved: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Up,
    /// Too many restarts; the loop has yet to begin with the end.
    Ending,
    Stopping,
    /// All children were killed.
    Killing,
}

/// What the loop has to do, in this order.
#[derive(Debug)]
pub(super) enum Command<T, B> {
    /// Start the next incarnation, if [`State::begin`] says that this is still to be.
    Start(Key),
    /// Try again after this time, or a part of it.
    Wait(Key, u32, Duration),
    /// What the child was to do in time, it has done.
    Settled(Key),
    /// Ask the incarnation to end, and see to it that it does not take for ever.
    Ask(Key),
    /// Kill it, and look whether it goes.
    Kill(Key),
    /// Leave its place to whoever does not go.
    Abandon(Key),
    Answer(T, Option<Key>, Result<()>),
    Report(Key, Report),
    /// Its own budget is spent.
    Quarantined(Key),
    /// Let go of a child that is forgotten.
    Forget(B),
    /// The same, and it is still there.
    Lost(B),
    /// End: too many restarts.
    End,
    /// Everything has ended that can.
    Over,
}

/// Something that a child has to do in time: to leave the status that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) key: Key,
    pub(super) attempt: u32,
    pub(super) status: Status,
}

/// What whoever said something has to do itself.
#[derive(Debug)]
pub(super) struct Outcome<B> {
    /// A child that is forgotten.
    pub(super) forgotten: Option<B>,
    pub(super) report: Option<Report>,
    /// Whether the loop is to be told that there is something to do.
    pub(super) wake: bool,
}

/// Whether a restart counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charge {
    Yes,
    /// The child was told to end.
    No,
}

/// Why a child is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There are as many as there may be.
    Full,
    /// The supervisor ends.
    Closed,
}

impl<T, B> State<T, B> {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            restarts: Restarts::new(rules.intensity, rules.period),
            table: Table::new(),
            phase: Phase::Up,
            commands: VecDeque::new(),
            woken: false,
            moved: false,
        }
    }

    /// What is to be done next.
    pub(super) fn next_command(&mut self) -> Option<Command<T, B>> {
        let next = self.commands.pop_front();
        self.woken = next.is_some();
        next
    }

    /// Takes in a child that is about to start for the first time.
    ///
    /// # Errors
    ///
    /// When it does not; the child is not to be started.
    pub(super) fn adopt(
        &mut self,
        key: Key,
        traits: Traits,
        body: B,
    ) -> std::result::Result<(), Refused> {
        if self.phase != Phase::Up {
            return Err(Refused::Closed);
        }
        if self.table.len() >= self.rules.max_children {
            return Err(Refused::Full);
        }
        self.table.add(key, traits, body);
        Ok(())
    }

    /// A child says that it runs.
    pub(super) fn runs(&mut self, key: Key, attempt: u32) -> Outcome<B> {
        let Some(child) = self.table.current(key, attempt) else { return Outcome::nothing() };
        if child.status() != Status::Starting {
            return Outcome::nothing();
        }
        let starter = child.more.as_mut().and_then(|more| more.starter.take());
        self.table.set(key, Status::Running);
        if attempt > 1 {
            self.commands.push_back(Command::Settled(key));
        }
        self.answer(starter, Some(key), Ok(()));
        self.outcome(None, Some(Report::Started))
    }

    /// A child says that it chooses not to run; its end follows.
    pub(super) fn ignores(&mut self, key: Key, attempt: u32) {
        if let Some(child) = self.table.current(key, attempt) {
            child.ignored = true;
        }
    }

    /// A child has ended.
    pub(super) fn ended(
        &mut self,
        key: Key,
        attempt: u32,
        reason: ExitReason,
        now: Duration,
    ) -> Outcome<B> {
        let Some(child) = self.table.current(key, attempt) else { return Outcome::nothing() };
        match child.status() {
            Status::Starting => self.did_not_start(key, &reason, now),
            Status::Running => self.ended_by_itself(key, reason, now),
            Status::Stopping | Status::Killed => self.was_stopped(key, reason, now),
            Status::Unresponsive => {
                let owed = child.more.as_ref().is_some_and(|more| more.owed && !more.called_off);
                if owed && self.phase == Phase::Up {
                    self.restart(key, Charge::Yes, now);
                    return self.outcome(None, None);
                }
                self.is_gone(key, None)
            }
            Status::Restarting | Status::Quarantined => Outcome::nothing(),
        }
    }

    fn did_not_start(&mut self, key: Key, reason: &ExitReason, now: Duration) -> Outcome<B> {
        let Some(child) = self.table.get_mut(key) else { return Outcome::nothing() };
        let (is_first, ignored) = (child.attempt == 1, child.ignored);
        let starter = child.more.as_mut().and_then(|more| more.starter.take());
        let error = if ignored { codes::START_IGNORED.into() } else { why_not_started(reason) };
        let report = (!ignored).then(|| Report::NotStarted(error.clone()));
        self.answer(starter, Some(key), Err(error));
        if is_first || ignored || self.phase != Phase::Up {
            return self.is_gone(key, report);
        }
        self.restart(key, Charge::Yes, now);
        self.outcome(None, report)
    }

    fn ended_by_itself(&mut self, key: Key, reason: ExitReason, now: Duration) -> Outcome<B> {
        let Some(child) = self.table.get(key) else { return Outcome::nothing() };
        let again = match child.traits.restart {
            Restart::Permanent => true,
            Restart::Transient => reason.is_abnormal(),
            Restart::Temporary => false,
        };
        let charge = match reason {
            ExitReason::Shutdown | ExitReason::ShutdownWith(_) => Charge::No,
            _ => Charge::Yes,
        };
        let report = Some(Report::Ended(reason));
        if !again || self.phase != Phase::Up {
            return self.is_gone(key, report);
        }
        self.restart(key, charge, now);
        self.outcome(None, report)
    }

    /// A child has ended that was to.
    fn was_stopped(&mut self, key: Key, reason: ExitReason, now: Duration) -> Outcome<B> {
        let Some(child) = self.table.get_mut(key) else { return Outcome::nothing() };
        let brutal = child.traits.brutal;
        let Some(more) = &mut child.more else {
            return self.is_gone(key, Report::of_a_stop(brutal, reason));
        };
        let (failure, starter) = (more.failure.take(), more.starter.take());
        let stoppers = std::mem::take(&mut more.stoppers);
        let called_off = more.called_off || !stoppers.is_empty();
        for whom in stoppers {
            self.answer(Some(whom), Some(key), Ok(()));
        }
        let Some(failure) = failure else {
            self.answer(starter, Some(key), Err(reason.to_error()));
            return self.is_gone(key, Report::of_a_stop(brutal, reason));
        };
        // It was its start that took too long.
        self.answer(starter, Some(key), Err(failure.clone()));
        let report = Some(Report::NotStarted(failure));
        if called_off || self.phase != Phase::Up {
            return self.is_gone(key, report);
        }
        self.restart(key, Charge::Yes, now);
        self.outcome(None, report)
    }

    /// Nobody waits for the first start of a child any more. It is not to be there, whatever has
    /// become of it meanwhile.
    pub(super) fn give_up(&mut self, key: Key, why: Error) -> Outcome<B> {
        let Some(child) = self.table.get_mut(key) else { return Outcome::nothing() };
        child.more().called_off = true;
        match child.status() {
            Status::Starting | Status::Running | Status::Stopping => {
                child.more().failure = Some(why);
                self.kill_child(key);
            }
            Status::Restarting | Status::Quarantined => self.forget(key),
            Status::Killed | Status::Unresponsive => {}
        }
        self.outcome(None, None)
    }

    /// What a child was to do in time, when it came to this status, it has not done.
    pub(super) fn is_late(
        &mut self,
        Due { key, attempt, status }: Due,
        late: Error,
        now: Duration,
    ) {
        let Some(child) = self.table.current(key, attempt) else { return };
        if child.status() != status {
            return;
        }
        match status {
            Status::Starting => {
                child.more().failure = Some(late);
                self.kill_child(key);
            }
            Status::Stopping => self.kill_child(key),
            Status::Killed => self.does_not_go(key, now),
            _ => {}
        }
    }

    /// A child that was killed is still there.
    fn does_not_go(&mut self, key: Key, now: Duration) {
        let Some(child) = self.table.get_mut(key) else { return };
        let abandoned = child.traits.abandoned_when_unresponsive;
        let more = child.more();
        let (failure, starter) = (more.failure.take(), more.starter.take());
        let stoppers = std::mem::take(&mut more.stoppers);
        let goes_on = failure.is_some() && !more.called_off && stoppers.is_empty();
        more.owed = goes_on && !abandoned;
        let unresponsive = || Error::from(codes::UNRESPONSIVE);
        if !abandoned {
            self.table.set(key, Status::Unresponsive);
            for whom in starter.into_iter().chain(stoppers) {
                self.answer(Some(whom), Some(key), Err(unresponsive()));
            }
            return self.look_whether_over();
        }
        // What it says from now on is stale.
        child.attempt += 1;
        child.more().moves += 1;
        let starter_hears = failure.clone().unwrap_or_else(unresponsive);
        let again = failure.filter(|_| self.phase == Phase::Up && goes_on);
        // First of all its name is free: whoever is answered may want it.
        if again.is_some() {
            self.commands.push_back(Command::Abandon(key));
        } else if let Some(child) = self.table.remove(key) {
            self.commands.push_back(Command::Lost(child.body));
        }
        self.answer(starter, Some(key), Err(starter_hears));
        for whom in stoppers {
            self.answer(Some(whom), Some(key), Ok(()));
        }
        match again {
            Some(failure) => {
                self.commands.push_back(Command::Report(key, Report::NotStarted(failure)));
                self.moved = true;
                self.restart(key, Charge::Yes, now);
            }
            None => self.look_whether_over(),
        }
    }

    /// The time has come to try to start a child once more.
    pub(super) fn try_again(&mut self, key: Key, attempt: u32) {
        let child = self.table.current(key, attempt);
        if child.is_some_and(|child| child.status() == Status::Restarting) {
            self.commands.push_back(Command::Start(key));
        }
    }

    /// Begins the next attempt to start a child, unless that is not to be any more.
    pub(super) fn begin(&mut self, key: Key) -> Option<&mut Child<T, B>> {
        let status = self.table.get(key)?.status();
        if status != Status::Restarting || self.phase != Phase::Up {
            return None;
        }
        self.table.set(key, Status::Starting);
        let child = self.table.get_mut(key)?;
        child.attempt += 1;
        child.ignored = false;
        Some(child)
    }

    /// Ends a child for somebody, or does not start it again.
    pub(super) fn terminate(&mut self, key: Key, whom: T) {
        let Some(child) = self.table.get_mut(key) else { return };
        match child.status() {
            Status::Starting | Status::Running => {
                child.more().stoppers.push(whom);
                self.stop_child(key);
            }
            Status::Stopping | Status::Killed => child.more().stoppers.push(whom),
            Status::Restarting | Status::Quarantined => {
                self.answer(Some(whom), None, Ok(()));
                self.forget(key);
            }
            Status::Unresponsive => {
                child.more().owed = false;
                self.answer(Some(whom), Some(key), Err(codes::UNRESPONSIVE.into()));
            }
        }
    }

    /// Starts a child for somebody that is quarantined, with a budget that is whole again.
    pub(super) fn release(&mut self, key: Key, whom: T) {
        let Some(child) = self.table.get_mut(key) else { return };
        if child.status() != Status::Quarantined {
            return self.answer(Some(whom), Some(key), Err(codes::NOT_QUARANTINED.into()));
        }
        let more = child.more();
        more.restarts = None;
        more.starter = Some(whom);
        self.table.set(key, Status::Restarting);
        self.commands.push_back(Command::Start(key));
    }

    /// Stops all children, all at a time. Whoever waits for a child to run is not answered.
    pub(super) fn stop(&mut self) {
        if self.phase != Phase::Killing {
            self.phase = Phase::Stopping;
        }
        for key in self.table.keys() {
            match self.table.get(key).map(Child::status) {
                Some(Status::Starting | Status::Running) => self.stop_child(key),
                Some(Status::Restarting | Status::Quarantined) => self.forget(key),
                Some(Status::Stopping | Status::Killed | Status::Unresponsive) | None => {}
            }
        }
        self.look_whether_over();
    }

    /// Kills all children at once.
    pub(super) fn kill(&mut self) {
        self.phase = Phase::Killing;
        for key in self.table.keys() {
            match self.table.get(key).map(Child::status) {
                Some(Status::Starting | Status::Running | Status::Stopping) => self.kill_child(key),
                Some(Status::Restarting | Status::Quarantined) => self.forget(key),
                Some(Status::Killed | Status::Unresponsive) | None => {}
            }
        }
        self.look_whether_over();
    }

    /// Takes in no more children, and starts none again.
    pub(super) fn close(&mut self) {
        self.phase = Phase::Killing;
    }

    fn stop_child(&mut self, key: Key) {
        let Some(child) = self.table.get(key) else { return };
        if child.traits.brutal {
            return self.kill_child(key);
        }
        self.table.set(key, Status::Stopping);
        self.commands.push_back(Command::Ask(key));
    }

    fn kill_child(&mut self, key: Key) {
        self.table.set(key, Status::Killed);
        self.commands.push_back(Command::Kill(key));
    }

    /// Has a child started again that is down, at once or after a wait; or says that it was too
    /// often.
    fn restart(&mut self, key: Key, charge: Charge, now: Duration) {
        self.table.set(key, Status::Restarting);
        let Some(child) = self.table.get_mut(key) else { return };
        let attempt = child.attempt;
        let Some(budget) = self.rules.per_child else {
            if self.restarts.add(now).is_ok() {
                self.commands.push_back(Command::Start(key));
            } else if self.phase == Phase::Up {
                self.phase = Phase::Ending;
                self.commands.push_back(Command::End);
            }
            return;
        };
        let new = || Restarts::new(budget.intensity, budget.period);
        let restarts = child.more().restarts.get_or_insert_with(new);
        let nth = match charge {
            Charge::No => 1,
            Charge::Yes if restarts.add(now).is_ok() => restarts.len(),
            Charge::Yes => {
                self.table.set(key, Status::Quarantined);
                self.commands.push_back(Command::Quarantined(key));
                return;
            }
        };
        let wait = backoff::before(nth, budget.first, budget.most);
        self.commands.push_back(Command::Wait(key, attempt, wait));
    }

    /// A child has ended for good. Whoever said so lets go of it, unless the loop has to do with
    /// it.
    fn is_gone(&mut self, key: Key, report: Option<Report>) -> Outcome<B> {
        let Some(child) = self.table.remove(key) else { return Outcome::nothing() };
        let forgotten = if child.attempt == 1 && child.more.is_none() {
            Some(child.body)
        } else {
            self.commands.push_back(Command::Forget(child.body));
            None
        };
        self.look_whether_over();
        self.outcome(forgotten, report)
    }

    fn forget(&mut self, key: Key) {
        if let Some(child) = self.table.remove(key) {
            self.commands.push_back(Command::Forget(child.body));
        }
        self.look_whether_over();
    }

    fn look_whether_over(&mut self) {
        let tally = self.table.tally();
        let ends = matches!(self.phase, Phase::Stopping | Phase::Killing);
        // Those who do not go are not waited for.
        if ends && tally.alive == tally.unresponsive {
            self.commands.push_back(Command::Over);
        }
    }

    fn answer(&mut self, whom: Option<T>, key: Option<Key>, answer: Result<()>) {
        if let Some(whom) = whom {
            self.commands.push_back(Command::Answer(whom, key, answer));
        }
    }

    fn outcome(&mut self, forgotten: Option<B>, report: Option<Report>) -> Outcome<B> {
        let wake = !self.commands.is_empty() && !self.woken;
        self.woken |= wake;
        Outcome { forgotten, report, wake }
    }
}

impl<B> Outcome<B> {
    const fn nothing() -> Self {
        Self { forgotten: None, report: None, wake: false }
    }
}
