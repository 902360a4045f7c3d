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
//!
//! This file has what comes in; `plan.rs` has what follows from it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::intensity::Restarts;
use super::options::Rules;
use super::table::{Key, Status, Table, Traits};
use crate::actor::why_not_started;
use crate::error::{Error, Result};
use crate::exit::ExitReason;

/// A supervisor. `T` is somebody who waits for an answer, `B` what the loop knows of a child.
#[derive(Debug)]
pub(super) struct State<T, B> {
    pub(super) rules: Rules,
    pub(super) restarts: Restarts,
    pub(super) table: Table<T, B>,
    pub(super) phase: Phase,
    pub(super) walk: Option<Walk>,
    pub(super) waiting: VecDeque<Waiting<T, B>>,
    pub(super) commands: VecDeque<Command<T, B>>,
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
}

impl Report {
    /// What is to be told of a child that was to end, and did for `reason`. One that is to be
    /// killed and was has done what it should.
    pub(super) fn of_a_stop(brutal: bool, reason: ExitReason) -> Option<Self> {
        let as_told = reason.is_clean() || brutal && reason == ExitReason::Killed;
        (!as_told).then_some(Self::EndedBadly(reason))
    }
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
pub(super) enum Phase {
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
pub(super) enum Walk {
    /// Stops what lies from `from` on, the last one first; what lies from `before` on has ended.
    Stop { from: Key, before: Key },
    /// Starts what lies from `next` on, when `current` has started.
    Start { current: Key, next: Key },
}

#[derive(Debug)]
pub(super) enum Waiting<T, B> {
    End(Key, u32),
    TryAgain(Key, u32),
    Owed(Key, u32),
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
                self.table.set(key, Status::Dead(Box::new(reason)));
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
        // When the supervisor ends, nothing is tried any more.
        if *child.status() != Status::Restarting || !matches!(self.phase, Phase::Up) {
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
}
