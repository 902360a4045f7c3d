//! What follows from what a supervisor hears: the other half of [`State`], as pure as the first.

use std::sync::Arc;
use std::time::Duration;

use super::options::{AutoShutdown, Strategy};
use super::state::{Cause, Command, Phase, Report, Request, State, Waiting, Walk};
use super::table::{Child, Key, Owed, Status};
use crate::actor::Restart;
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;

impl<T, B> State<T, B> {
    /// Whether something else has to be finished first.
    pub(super) fn must_wait(&self) -> bool {
        let busy = self.walk.is_some() || self.table.tally().in_transit > 0;
        match self.phase {
            Phase::Starting => true,
            Phase::Up => self.rules.strategy != Strategy::OneForOne && busy,
            Phase::Failed(_) | Phase::Ending | Phase::Stopping | Phase::Killing => false,
        }
    }

    /// Takes the next step of the walk, or what has waited for its end.
    pub(super) fn go_on(&mut self, now: Duration) {
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
                Some(Waiting::Owed(key, attempt)) => {
                    let child = self.table.current(key, attempt);
                    if child
                        .is_some_and(|it| it.owed == Owed::Start && *it.status() == Status::Down)
                    {
                        self.start_child(key);
                    }
                }
                Some(Waiting::End(key, attempt)) => {
                    let status = self.table.current(key, attempt).map(|it| it.status().clone());
                    if let Some(Status::Dead(reason)) = status {
                        self.ended_by_itself(key, *reason, now);
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
            Some(Status::Dead(reason)) => self.was_stopped(key, *reason),
            Some(Status::Restarting) => self.put_down(key),
            Some(Status::Unresponsive(_)) => {
                if let Some(child) = self.table.get_mut(key) {
                    let kept = child.traits.restart != Restart::Temporary && !child.is_new;
                    child.owed = if is_restart && kept { Owed::Start } else { Owed::Nothing };
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

    pub(super) fn all(&self, wanted: impl Fn(&Status) -> bool) -> Vec<Key> {
        self.table.iter().filter(|(_, it)| wanted(it.status())).map(|(key, _)| key).collect()
    }

    pub(super) fn carry_out(&mut self, request: Request<B>, whom: T) {
        let name = match &request {
            Request::Start(traits, _) => &traits.name,
            Request::Terminate(name) | Request::Restart(name) | Request::Delete(name) => name,
        };
        let key = self.table.named(name);
        let refused = match (&request, key.and_then(|key| self.table.get(key)).map(Child::status)) {
            (Request::Start(..), None)
            | (Request::Terminate(_), Some(_))
            | (Request::Restart(_) | Request::Delete(_), Some(Status::Down)) => None,
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
                child.owed = Owed::Nothing;
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
            child.starts += 1;
            child.ignored = false;
            child.failure = None;
            child.owed = Owed::Nothing;
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

    pub(super) fn kill_child(&mut self, key: Key) {
        self.table.set(key, Status::Killed);
        self.commands.push_back(Command::Kill(key));
    }

    /// A child that was to start chose not to run.
    pub(super) fn did_not_want(&mut self, key: Key) {
        let starter = self.table.get_mut(key).and_then(|child| {
            child.is_new = false;
            child.starter.take()
        });
        self.answer(starter, Some(key), Err(codes::START_IGNORED.into()));
        self.put_down(key);
    }

    /// A child that was to start has failed to, and nothing of it is left.
    pub(super) fn did_not_start(&mut self, key: Key, error: Error) {
        self.report(key, Report::NotStarted(error.clone()));
        let Some(child) = self.table.get_mut(key) else { return };
        let (name, attempt) = (Arc::clone(&child.traits.name), child.attempt);
        let (starter, is_new) = (child.starter.take(), std::mem::take(&mut child.is_new));
        let stoppers = std::mem::take(&mut child.stoppers);
        // Whoever asked for it was told, and whoever asked for its end does not want it.
        let settled = starter.is_some() || !stoppers.is_empty();
        self.answer(starter, Some(key), Err(error.clone()));
        for whom in stoppers {
            self.answer(Some(whom), Some(key), Ok(()));
        }
        match self.phase {
            Phase::Starting => {
                self.put_down(key);
                self.fail(&name, error);
            }
            Phase::Up if is_new => self.forget(key),
            Phase::Up if settled => self.put_down(key),
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
        let failed = Error::from(codes::FAILED_TO_START_CHILD)
            .with_message(format!("{name:?} did not start"))
            .with_detail("child", name);
        self.phase = Phase::Failed(failed.with_source(error));
        self.give_up_waiting();
        self.walk = Some(Walk::Stop { from: 0, before: self.table.end() });
    }

    /// A child has ended that was to.
    pub(super) fn was_stopped(&mut self, key: Key, reason: ExitReason) {
        let Some(child) = self.table.get_mut(key) else { return };
        child.is_new = false;
        let brutal = child.traits.brutal;
        let starter = child.starter.take();
        let stoppers = std::mem::take(&mut child.stoppers);
        self.answer(starter, Some(key), Err(reason.to_error()));
        if let Some(report) = Report::of_a_stop(brutal, reason) {
            self.report(key, report);
        }
        for whom in stoppers {
            self.answer(Some(whom), Some(key), Ok(()));
        }
        self.put_down(key);
    }

    /// A child that was killed is still there.
    pub(super) fn does_not_go(&mut self, key: Key, now: Duration) {
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
        // A restart that is not over, and that nobody has called off, goes on when there is room.
        let goes_on = failure.is_some() && starter.is_none() && stoppers.is_empty();
        child.owed = match self.phase {
            Phase::Up if goes_on => Owed::Attempt,
            _ => Owed::Nothing,
        };
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
    pub(super) fn ended_at_last(&mut self, key: Key) {
        let Some(child) = self.table.get(key) else { return };
        let (owed, is_new, attempt) = (child.owed, child.is_new, child.attempt);
        match (&self.phase, owed) {
            (Phase::Up, Owed::Attempt) => {
                self.table.set(key, Status::Restarting);
                self.commands.push_back(Command::TryAgain(key, attempt));
            }
            // Its turn may come in the walk, or else when that is over.
            (Phase::Up, Owed::Start) => {
                self.table.set(key, Status::Down);
                self.waiting.push_back(Waiting::Owed(key, attempt));
            }
            _ if is_new => self.forget(key),
            _ => self.put_down(key),
        }
    }

    /// A child that was running has ended, and nobody had asked for it.
    pub(super) fn ended_by_itself(&mut self, key: Key, reason: ExitReason, now: Duration) {
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
    pub(super) fn restart(&mut self, key: Key, now: Duration) {
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
        self.walk = None;
        self.commands.push_back(Command::End(cause));
    }

    /// Whoever waits for something that has not begun is not answered.
    pub(super) fn give_up_waiting(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            if let Waiting::Request(Request::Start(_, body), _) = waiting {
                self.commands.push_back(Command::Forget(body));
            }
        }
    }

    /// Makes a child one that does not run: forgotten if it is temporary.
    pub(super) fn put_down(&mut self, key: Key) {
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

    pub(super) fn report(&mut self, key: Key, report: Report) {
        if let Some(child) = self.table.get(key) {
            let name = Arc::clone(&child.traits.name);
            self.commands.push_back(Command::Report(name, report));
        }
    }

    pub(super) fn answer(&mut self, whom: Option<T>, key: Option<Key>, answer: Result<()>) {
        if let Some(whom) = whom {
            self.commands.push_back(Command::Answer(whom, key, answer));
        }
    }
}
