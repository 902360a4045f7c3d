//! What a supervisor decides: events of its children and requests go in, commands come out.
//!
//! Nothing here waits, and nothing has an effect; the loop in `run.rs` carries the commands out and
//! comes back with what they led to. So the supervisor answers at any time, whatever its children
//! are doing.
//!
//! Under `OneForOne` each child is its own matter. Under the other strategies, and while the first
//! children start, one thing is done at a time, as in OTP: what comes meanwhile
//! [waits](State::must_wait). An end that waits is forgotten when the child was to be stopped
//! anyhow.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::intensity::Restarts;
use super::options::{AutoShutdown, Rules, Strategy};
use super::table::{Child, Key, Status, Table, Traits};
use crate::actor::{Restart, why_not_started};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;

/// A supervisor. `T` is somebody who waits for an answer, `B` what the loop knows of a child.
#[derive(Debug)]
pub(super) struct State<T, B> {
    rules: Rules,
    restarts: Restarts,
    pub(super) table: Table<T, B>,
    phase: Phase,
    walk: Option<Walk>,
    waiting: VecDeque<Waiting<T, B>>,
    commands: VecDeque<Command<T, B>>,
}

/// What the loop has to do, in this order.
#[derive(Debug)]
pub(super) enum Command<T, B> {
    /// Start the next incarnation, and see to it that it does not take for ever.
    Start(Key),
    /// Ask the incarnation to end, and see to it that it does not take for ever.
    Ask(Key),
    /// Kill it, and look whether it goes.
    Kill(Key),
    /// Leave its place to whoever does not go.
    Abandon(Key),
    /// Try once more to start it, when everybody else has had a chance to speak.
    TryAgain(Key, u32),
    Answer(T, Option<Key>, Result<()>),
    Report(Arc<str>, Report),
    /// Let go of a child that is forgotten.
    Forget(B),
    /// All first children run, or were started as far as they wanted.
    Up,
    /// End: too many restarts, or significant children have ended.
    End(Cause),
    /// Everything has ended that can.
    Over,
}

/// Why a supervisor ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    TooManyRestarts,
    AutoShutdown,
}

/// What is worth to be told.
#[derive(Debug)]
pub(super) enum Report {
    Started,
    /// It ended by itself.
    Ended(ExitReason),
    /// It was to end, and did so abnormally.
    EndedBadly(ExitReason),
    NotStarted(Error),
    Unresponsive,
}

/// What is asked of a supervisor about one of its children.
#[derive(Debug)]
pub(super) enum Request<B> {
    /// To add a child and start it.
    Start(Traits, B),
    Terminate(Arc<str>),
    Restart(Arc<str>),
    Delete(Arc<str>),
}

#[derive(Debug)]
enum Phase {
    /// The first children are starting.
    Starting,
    Up,
    /// They did not start.
    Failed(Error),
    /// It is to end, and the loop has yet to begin with that.
    Ending,
    Stopping,
    /// All children were killed.
    Killing,
}

/// Something that is done with one child after the other.
#[derive(Debug)]
enum Walk {
    /// Stops what lies from `from` on, the last one first; what lies from `before` on has ended.
    Stop { from: Key, before: Key },
    /// Starts what lies from `next` on, when `current` has started.
    Start { current: Key, next: Key },
}

#[derive(Debug)]
enum Waiting<T, B> {
    End(Key, u32),
    TryAgain(Key, u32),
    Request(Request<B>, T),
}

impl<T, B> State<T, B> {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            restarts: Restarts::new(rules.intensity, rules.period),
            table: Table::new(),
            phase: Phase::Starting,
            walk: None,
            waiting: VecDeque::new(),
            commands: VecDeque::new(),
        }
    }

    pub(super) const fn rules(&self) -> Rules {
        self.rules
    }

    /// What is to be done next.
    pub(super) fn next_command(&mut self) -> Option<Command<T, B>> {
        self.commands.pop_front()
    }

    /// Why the first children did not start.
    pub(super) fn take_failure(&mut self) -> Option<Error> {
        match std::mem::replace(&mut self.phase, Phase::Stopping) {
            Phase::Failed(error) => Some(error),
            other => {
                self.phase = other;
                None
            }
        }
    }

    // === what comes in ===

    /// Starts the first children, which have been added.
    pub(super) fn begin(&mut self, now: Duration) {
        self.walk = Some(Walk::Start { current: 0, next: 0 });
        self.go_on(now);
    }

    pub(super) fn request(&mut self, request: Request<B>, whom: T, now: Duration) {
        if self.must_wait() {
            self.waiting.push_back(Waiting::Request(request, whom));
        } else {
            self.carry_out(request, whom);
            self.go_on(now);
        }
    }

    /// A child says that it runs.
    pub(super) fn runs(&mut self, key: Key, attempt: u32, now: Duration) {
        let Some(child) = self.table.current(key, attempt) else { return };
        if *child.status() != Status::Starting {
            return;
        }
        child.is_new = false;
        let starter = child.starter.take();
        self.table.set(key, Status::Running);
        self.report(key, Report::Started);
        self.answer(starter, Some(key), Ok(()));
        self.go_on(now);
    }

    /// A child says that it chooses not to run; its end follows.
    pub(super) fn ignores(&mut self, key: Key, attempt: u32) {
        if let Some(child) = self.table.current(key, attempt) {
            child.ignored = true;
        }
    }

    /// A child has ended.
    pub(super) fn ended(&mut self, key: Key, attempt: u32, reason: ExitReason, now: Duration) {
        let must_wait = self.must_wait();
        let Some(child) = self.table.current(key, attempt) else { return };
        match child.status() {
            Status::Starting if child.ignored => self.did_not_want(key),
            Status::Starting => self.did_not_start(key, why_not_started(&reason)),
            Status::Running if !matches!(self.phase, Phase::Starting | Phase::Up) => {
                self.report(key, Report::Ended(reason));
                self.put_down(key);
            }
            Status::Running if must_wait => {
                self.table.set(key, Status::Dead(reason));
                self.waiting.push_back(Waiting::End(key, attempt));
            }
            Status::Running => self.ended_by_itself(key, reason, now),
            Status::Stopping | Status::Killed => match child.failure.take() {
                Some(failure) => self.did_not_start(key, failure),
                None => self.was_stopped(key, reason),
            },
            Status::Unresponsive(_) => self.ended_at_last(key),
            Status::Down | Status::Restarting | Status::Dead(_) => {}
        }
        self.go_on(now);
    }

    /// What a child was to do in time it has not done.
    pub(super) fn is_late(&mut self, key: Key, attempt: u32, late: Error, now: Duration) {
        let Some(child) = self.table.current(key, attempt) else { return };
        match child.status() {
            Status::Starting => {
                child.failure = Some(late);
                self.kill_child(key);
            }
            Status::Stopping => self.kill_child(key),
            Status::Killed => self.does_not_go(key, now),
            _ => {}
        }
        self.go_on(now);
    }

    /// The time has come to try to start a child once more.
    pub(super) fn try_again(&mut self, key: Key, attempt: u32, now: Duration) {
        let Some(child) = self.table.current(key, attempt) else { return };
        if *child.status() != Status::Restarting {
            return;
        }
        if self.must_wait() {
            self.waiting.push_back(Waiting::TryAgain(key, attempt));
            return;
        }
        self.restart(key, now);
        self.go_on(now);
    }

    /// Stops all children, the last one first. Whoever waits for something is not answered.
    pub(super) fn stop(&mut self, now: Duration) {
        if self.table.tally().unresponsive > 0 {
            let lost = |status: &Status| matches!(status, Status::Unresponsive(_));
            for key in self.all(lost) {
                self.report(key, Report::Unresponsive);
            }
        }
        if !matches!(self.phase, Phase::Failed(_) | Phase::Killing) {
            self.phase = Phase::Stopping;
        }
        self.give_up_waiting();
        self.walk = Some(Walk::Stop { from: 0, before: self.table.end() });
        self.go_on(now);
    }

    /// Kills all children at once.
    pub(super) fn kill(&mut self, now: Duration) {
        self.phase = Phase::Killing;
        self.give_up_waiting();
        self.walk = None;
        let doomed = |status: &Status| {
            matches!(status, Status::Starting | Status::Running | Status::Stopping)
        };
        for key in self.all(doomed) {
            self.kill_child(key);
        }
        self.go_on(now);
    }

    // === what follows ===

    /// Whether something else has to be finished first.
    fn must_wait(&self) -> bool {
        let busy = self.walk.is_some() || self.table.tally().in_transit > 0;
        match self.phase {
            Phase::Starting => true,
            Phase::Up => self.rules.strategy != Strategy::OneForOne && busy,
            Phase::Failed(_) | Phase::Ending | Phase::Stopping | Phase::Killing => false,
        }
    }

    /// Takes the next step of the walk, or what has waited for its end.
    fn go_on(&mut self, now: Duration) {
        loop {
            self.walk_on();
            if !matches!(self.phase, Phase::Up) || self.must_wait() {
                break;
            }
            match self.waiting.pop_front() {
                None => break,
                Some(Waiting::Request(request, whom)) => self.carry_out(request, whom),
                Some(Waiting::TryAgain(key, attempt)) => {
                    let child = self.table.current(key, attempt);
                    if child.is_some_and(|child| *child.status() == Status::Restarting) {
                        self.restart(key, now);
                    }
                }
                Some(Waiting::End(key, attempt)) => {
                    let status = self.table.current(key, attempt).map(|it| it.status().clone());
                    if let Some(Status::Dead(reason)) = status {
                        self.ended_by_itself(key, reason, now);
                    }
                }
            }
        }
        let ends = matches!(self.phase, Phase::Failed(_) | Phase::Stopping | Phase::Killing);
        // Those who do not go are not waited for.
        if ends && self.walk.is_none() && self.table.tally().in_transit == 0 {
            self.commands.push_back(Command::Over);
        }
    }

    /// Goes on with the walk as far as it goes without waiting.
    fn walk_on(&mut self) {
        while let Some(walk) = self.walk.take() {
            let waits_for = match walk {
                Walk::Stop { from, before } => self.step_down(from, before),
                Walk::Start { current, .. } if self.is_in_transit(current) => {
                    self.walk = Some(walk);
                    Some(current)
                }
                Walk::Start { next, .. } => self.step_up(next),
            };
            if waits_for.is_some() {
                break;
            }
        }
    }

    /// Stops one more, and gives it if it has to be waited for.
    fn step_down(&mut self, from: Key, before: Key) -> Option<Key> {
        let wanted = |status: &Status| !matches!(status, Status::Down);
        let is_restart = matches!(self.phase, Phase::Up);
        let Some(key) = self.table.last(from..before, wanted) else {
            // All are down that are to be: start them again, unless this is the end.
            self.walk = is_restart.then_some(Walk::Start { current: from, next: from });
            return None;
        };
        match self.table.get(key).map(|child| child.status().clone()) {
            Some(Status::Starting | Status::Running) => self.stop_child(key),
            Some(Status::Dead(reason)) => self.was_stopped(key, reason),
            Some(Status::Restarting) => self.put_down(key),
            Some(Status::Unresponsive(_)) => {
                if let Some(child) = self.table.get_mut(key) {
                    child.owed = is_restart && child.traits.restart != Restart::Temporary;
                }
            }
            // It is being stopped already.
            Some(Status::Stopping | Status::Killed | Status::Down) | None => {}
        }
        let waits = self.is_in_transit(key);
        self.walk = Some(Walk::Stop { from, before: if waits { key + 1 } else { key } });
        waits.then_some(key)
    }

    /// Starts one more, and gives it if there was one.
    fn step_up(&mut self, next: Key) -> Option<Key> {
        let wanted = |status: &Status| matches!(status, Status::Down | Status::Restarting);
        let Some(key) = self.table.first(next, wanted) else {
            if matches!(self.phase, Phase::Starting) {
                self.phase = Phase::Up;
                self.commands.push_back(Command::Up);
            }
            return None;
        };
        self.walk = Some(Walk::Start { current: key, next: key + 1 });
        self.start_child(key);
        Some(key)
    }

    fn is_in_transit(&self, key: Key) -> bool {
        self.table.get(key).is_some_and(|child| child.status().is_in_transit())
    }

    fn all(&self, wanted: impl Fn(&Status) -> bool) -> Vec<Key> {
        self.table.iter().filter(|(_, it)| wanted(it.status())).map(|(key, _)| key).collect()
    }

    fn carry_out(&mut self, request: Request<B>, whom: T) {
        let name = match &request {
            Request::Start(traits, _) => &traits.name,
            Request::Terminate(name) | Request::Restart(name) | Request::Delete(name) => name,
        };
        let key = self.table.named(name);
        let refused = match (&request, key.and_then(|key| self.table.get(key)).map(Child::status)) {
            (Request::Start(..), None) | (Request::Terminate(_), Some(_)) => None,
            (Request::Restart(_) | Request::Delete(_), Some(Status::Down)) => None,
            (Request::Start(..), Some(Status::Down)) => Some(codes::ALREADY_PRESENT),
            (Request::Start(..), Some(_)) => Some(codes::ALREADY_STARTED),
            (_, None) => Some(codes::CHILD_NOT_FOUND),
            (_, Some(Status::Restarting)) => Some(codes::CHILD_RESTARTING),
            (_, Some(_)) => Some(codes::CHILD_RUNNING),
        };
        if let Some(code) = refused {
            let error = Error::from(code).with_detail("child", &**name);
            self.answer(Some(whom), key, Err(error));
            if let Request::Start(_, body) = request {
                self.commands.push_back(Command::Forget(body));
            }
            return;
        }
        match (request, key) {
            (Request::Start(traits, body), _) => {
                let key = self.table.add(traits, body);
                self.start_for(key, whom, true);
            }
            (Request::Restart(_), Some(key)) => self.start_for(key, whom, false),
            (Request::Terminate(_), Some(key)) => self.terminate(key, whom),
            (Request::Delete(_), Some(key)) => {
                self.forget(key);
                self.answer(Some(whom), None, Ok(()));
            }
            (_, None) => {}
        }
    }

    fn start_for(&mut self, key: Key, whom: T, is_new: bool) {
        if let Some(child) = self.table.get_mut(key) {
            child.starter = Some(whom);
            child.is_new = is_new;
        }
        self.start_child(key);
    }

    fn terminate(&mut self, key: Key, whom: T) {
        let Some(child) = self.table.get_mut(key) else { return };
        match child.status() {
            Status::Down => self.answer(Some(whom), Some(key), Ok(())),
            Status::Restarting | Status::Dead(_) => {
                self.answer(Some(whom), Some(key), Ok(()));
                self.put_down(key);
            }
            Status::Unresponsive(_) => {
                child.owed = false;
                self.answer(Some(whom), Some(key), Err(codes::UNRESPONSIVE.into()));
            }
            Status::Starting | Status::Running => {
                child.stoppers.push(whom);
                self.stop_child(key);
            }
            Status::Stopping | Status::Killed => child.stoppers.push(whom),
        }
    }

    fn start_child(&mut self, key: Key) {
        self.table.set(key, Status::Starting);
        if let Some(child) = self.table.get_mut(key) {
            child.attempt += 1;
            child.ignored = false;
            child.failure = None;
            child.owed = false;
        }
        self.commands.push_back(Command::Start(key));
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

    /// A child that was to start chose not to run.
    fn did_not_want(&mut self, key: Key) {
        let starter = self.table.get_mut(key).and_then(|child| {
            child.is_new = false;
            child.starter.take()
        });
        self.answer(starter, Some(key), Err(codes::START_IGNORED.into()));
        self.put_down(key);
    }

    /// A child that was to start has failed to, and nothing of it is left.
    fn did_not_start(&mut self, key: Key, error: Error) {
        self.report(key, Report::NotStarted(error.clone()));
        let Some(child) = self.table.get_mut(key) else { return };
        let (name, attempt) = (Arc::clone(&child.traits.name), child.attempt);
        let (starter, is_new) = (child.starter.take(), std::mem::take(&mut child.is_new));
        let asked = starter.is_some();
        self.answer(starter, Some(key), Err(error.clone()));
        match self.phase {
            Phase::Starting => {
                self.put_down(key);
                self.fail(&name, error);
            }
            Phase::Up if is_new => self.forget(key),
            Phase::Up if asked => self.table.set(key, Status::Down),
            Phase::Up => {
                self.walk = None;
                self.table.set(key, Status::Restarting);
                self.commands.push_back(Command::TryAgain(key, attempt));
            }
            Phase::Failed(_) | Phase::Ending | Phase::Stopping | Phase::Killing => {
                self.put_down(key);
            }
        }
    }

    /// A first child has not started, so none is to run.
    fn fail(&mut self, name: &str, error: Error) {
        let failed = Error::from(codes::FAILED_TO_START_CHILD).with_detail("child", name);
        self.phase = Phase::Failed(failed.with_source(error));
        self.give_up_waiting();
        self.walk = Some(Walk::Stop { from: 0, before: self.table.end() });
    }

    /// A child has ended that was to.
    fn was_stopped(&mut self, key: Key, reason: ExitReason) {
        let Some(child) = self.table.get_mut(key) else { return };
        child.is_new = false;
        let starter = child.starter.take();
        let stoppers = std::mem::take(&mut child.stoppers);
        self.answer(starter, Some(key), Err(reason.to_error()));
        if reason.is_abnormal() {
            self.report(key, Report::EndedBadly(reason));
        }
        for whom in stoppers {
            self.answer(Some(whom), Some(key), Ok(()));
        }
        self.put_down(key);
    }

    /// A child that was killed is still there.
    fn does_not_go(&mut self, key: Key, now: Duration) {
        self.report(key, Report::Unresponsive);
        let Some(child) = self.table.get_mut(key) else { return };
        let failure = child.failure.take();
        if child.traits.abandoned_when_unresponsive {
            // What it says from now on is stale.
            child.attempt += 1;
            self.commands.push_back(Command::Abandon(key));
            return match failure {
                Some(failure) => self.did_not_start(key, failure),
                None => self.was_stopped(key, ExitReason::Unresponsive),
            };
        }
        let (starter, stoppers) = (child.starter.take(), std::mem::take(&mut child.stoppers));
        // A restart that is not over goes on when there is room for it.
        let is_restart = failure.is_some() && starter.is_none();
        child.owed = is_restart && matches!(self.phase, Phase::Up);
        let name = Arc::clone(&child.traits.name);
        let unresponsive = || Error::from(codes::UNRESPONSIVE).with_detail("child", &*name);
        self.table.set(key, Status::Unresponsive(now));
        for whom in starter.into_iter().chain(stoppers) {
            self.answer(Some(whom), Some(key), Err(unresponsive()));
        }
        if matches!(self.phase, Phase::Starting)
            && let Some(failure) = failure
        {
            self.fail(&name, unresponsive().with_source(failure));
        }
    }

    /// A child that did not end has ended.
    fn ended_at_last(&mut self, key: Key) {
        let Some(child) = self.table.get(key) else { return };
        let (owed, is_new) = (child.owed, child.is_new);
        match self.phase {
            Phase::Up if owed => self.start_child(key),
            _ if is_new => self.forget(key),
            _ => self.put_down(key),
        }
    }

    /// A child that was running has ended, and nobody had asked for it.
    fn ended_by_itself(&mut self, key: Key, reason: ExitReason, now: Duration) {
        let Some(child) = self.table.get(key) else { return };
        let again = match child.traits.restart {
            Restart::Permanent => true,
            Restart::Transient => reason.is_abnormal(),
            Restart::Temporary => false,
        };
        let significant = child.traits.significant;
        self.report(key, Report::Ended(reason));
        if again {
            return self.restart(key, now);
        }
        self.put_down(key);
        let ends = match self.rules.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => significant,
            AutoShutdown::AllSignificant => significant && self.table.tally().significant == 0,
        };
        if ends {
            self.end(Cause::AutoShutdown);
        }
    }

    /// Restarts a child that is down, and whoever the strategy says.
    fn restart(&mut self, key: Key, now: Duration) {
        self.table.set(key, Status::Down);
        if self.restarts.add(now).is_err() {
            return self.end(Cause::TooManyRestarts);
        }
        let from = match self.rules.strategy {
            Strategy::OneForOne => return self.start_child(key),
            Strategy::OneForAll => 0,
            Strategy::RestForOne => key,
        };
        self.walk = Some(Walk::Stop { from, before: self.table.end() });
    }

    fn end(&mut self, cause: Cause) {
        self.phase = Phase::Ending;
        self.give_up_waiting();
        self.walk = None;
        self.commands.push_back(Command::End(cause));
    }

    /// Whoever waits for something that has not begun is not answered.
    fn give_up_waiting(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            if let Waiting::Request(Request::Start(_, body), _) = waiting {
                self.commands.push_back(Command::Forget(body));
            }
        }
    }

    /// Makes a child one that does not run: forgotten if it is temporary.
    fn put_down(&mut self, key: Key) {
        match self.table.get(key).map(|child| child.traits.restart) {
            Some(Restart::Temporary) => self.forget(key),
            _ => self.table.set(key, Status::Down),
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(child) = self.table.remove(key) {
            self.commands.push_back(Command::Forget(child.body));
        }
    }

    fn report(&mut self, key: Key, report: Report) {
        if let Some(child) = self.table.get(key) {
            let name = Arc::clone(&child.traits.name);
            self.commands.push_back(Command::Report(name, report));
        }
    }

    fn answer(&mut self, whom: Option<T>, key: Option<Key>, answer: Result<()>) {
        if let Some(whom) = whom {
            self.commands.push_back(Command::Answer(whom, key, answer));
        }
    }
}
