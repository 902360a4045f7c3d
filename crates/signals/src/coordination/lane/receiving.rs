//! What a receiver does: it comes and goes, begins what it was offered, and says what came of it.

use super::{Begun, Circuit, Lane, Seat, Verdict, Waiting};

impl<M> Lane<M> {
    /// Somebody receives from now on: the how many-th. None when somebody does already.
    pub(in crate::coordination) fn join(&mut self, now: u64) -> Option<u64> {
        let Seat::Empty { epoch, .. } = self.seat else { return None };
        let epoch = epoch + 1;
        self.seat = Seat::Taken { epoch };
        self.assignments = 0;
        self.retry_at = 0;
        self.circuit = Circuit::NEW;
        if !self.queue.is_empty() {
            self.circuit.probe(&self.rules, now);
        }
        Some(epoch)
    }

    /// The receiver has gone. Gives what was not begun and is waited for; what was kept stays.
    pub(in crate::coordination) fn leave(&mut self, epoch: u64) -> Vec<M> {
        if !self.is_of(epoch) {
            return Vec::new();
        }
        self.seat = Seat::Empty { epoch };
        self.assignments = 0;
        self.circuit = Circuit::NEW;
        let queue = std::mem::take(&mut self.queue);
        let (told, kept): (Vec<_>, Vec<_>) =
            queue.into_iter().partition(|waiting| waiting.until.is_none());
        self.queue = kept.into();
        told.into_iter().map(|waiting| waiting.message).collect()
    }

    /// The receiver begins an assignment: the message that it gets, unless there is none for it.
    pub(in crate::coordination) fn begin(&mut self, epoch: u64, now: u64) -> Option<(u64, &M)> {
        if !self.is_of(epoch) {
            return None;
        }
        self.assignments = self.assignments.saturating_sub(1);
        if !self.circuit.lets_begin(now) {
            return None;
        }
        let waiting = self.queue.pop_front()?;
        let was_kept = self.unkeep(&waiting);
        let Waiting { number, message, .. } = waiting;
        self.circuit.begin(number, &self.rules, now);
        let begun = Begun { message, is_awaited: !was_kept, was_kept, has_failed: false };
        Some((number, &self.begun.entry(number).or_insert(begun).message))
    }

    /// The receiver drops an assignment without beginning it, or did not get it after all.
    pub(in crate::coordination) fn drop_assignment(&mut self, epoch: u64, now: u64) {
        if !self.is_of(epoch) {
            return;
        }
        self.assignments = self.assignments.saturating_sub(1);
        // Otherwise one that drops whatever it gets would be given another one at once, for ever.
        self.retry_at = now.saturating_add(self.rules.deadline);
        if self.assignments == 0 && matches!(self.circuit, Circuit::HalfOpen { probe: None, .. }) {
            self.circuit.trip(&self.rules, now);
        }
    }

    /// The receiver has no room for an assignment that it was to be given.
    pub(in crate::coordination) fn no_room(&mut self, epoch: u64, now: u64) {
        if self.is_of(epoch) {
            self.circuit.fail(&self.rules, now);
        }
        self.drop_assignment(epoch, now);
    }

    /// A message that was begun has come to something. None when it had before.
    pub(in crate::coordination) fn settle(
        &mut self,
        number: u64,
        verdict: Verdict,
        now: u64,
    ) -> Option<M> {
        let begun = self.begun.remove(&number)?;
        match &mut self.circuit {
            Circuit::Closed { failures } => match verdict {
                Verdict::Works => {
                    *failures = 0;
                    self.retry_at = now;
                }
                Verdict::Fails if begun.was_kept => self.circuit.trip(&self.rules, now),
                Verdict::Fails if begun.has_failed => {}
                Verdict::Fails => self.circuit.fail(&self.rules, now),
                Verdict::Nothing => {}
            },
            Circuit::HalfOpen { probe, .. } if *probe == Some(number) => match verdict {
                Verdict::Fails => self.circuit.trip(&self.rules, now),
                Verdict::Works | Verdict::Nothing if self.queue.is_empty() => {
                    self.circuit = Circuit::NEW;
                }
                Verdict::Works | Verdict::Nothing => self.circuit.probe(&self.rules, now),
            },
            Circuit::HalfOpen { .. } | Circuit::Open { .. } => {}
        }
        Some(begun.message)
    }
}
