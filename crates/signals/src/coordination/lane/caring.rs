//! What is done for messages that are kept.

use super::{Care, Circuit, Lane, Seat};

impl<M> Lane<M> {
    /// Takes out what has been kept for as long as may be, in that order. To be done before
    /// anything else at that time.
    pub(in crate::coordination) fn expire(&mut self, now: u64) -> Vec<M> {
        let mut expired = Vec::new();
        while let Some(&(until, number)) = self.kept.first()
            && until <= now
        {
            self.kept.pop_first();
            let waiting = self.place_of(number).and_then(|at| self.queue.remove(at));
            expired.extend(waiting.map(|waiting| waiting.message));
        }
        expired
    }

    /// What has to be done now for what is kept, and is taken as done. To be asked again then.
    pub(in crate::coordination) fn care(&mut self, now: u64) -> Care {
        let care = match self.seat {
            Seat::Taken { epoch } => self.care_for_receiver(epoch, now),
            Seat::Empty { .. } => Care::Nothing,
        };
        let Some(&(over, _)) = self.kept.first() else { return care };
        match care {
            Care::Nothing => Care::Wait { until: over },
            Care::Wait { until } => Care::Wait { until: until.min(over) },
            Care::Offer { .. } => care,
        }
    }

    fn care_for_receiver(&mut self, epoch: u64, now: u64) -> Care {
        match self.circuit {
            Circuit::HalfOpen { due, .. } if now >= due => self.circuit.trip(&self.rules, now),
            Circuit::Open { until } if now >= until && !self.queue.is_empty() => {
                self.circuit.probe(&self.rules, now);
            }
            _ => {}
        }
        match self.circuit {
            Circuit::Open { .. } if self.queue.is_empty() => Care::Nothing,
            Circuit::Open { until } => Care::Wait { until },
            Circuit::HalfOpen { probe: None, .. } if self.assignments == 0 => {
                if self.queue.is_empty() {
                    // The probe was taken back, or kept for too long.
                    self.circuit = Circuit::NEW;
                    return Care::Nothing;
                }
                self.assignments += 1;
                Care::Offer { epoch }
            }
            Circuit::HalfOpen { due, .. } => Care::Wait { until: due },
            Circuit::Closed { .. } if self.queue.len() <= self.assignments => Care::Nothing,
            Circuit::Closed { .. } if now < self.retry_at => Care::Wait { until: self.retry_at },
            Circuit::Closed { .. } => {
                self.assignments += 1;
                Care::Offer { epoch }
            }
        }
    }

    /// Whether there is anything to be done, now or later.
    pub(in crate::coordination) fn needs_care(&self) -> bool {
        let is_due = match (self.seat, self.circuit) {
            (Seat::Empty { .. }, _) => false,
            (_, Circuit::Open { .. }) => !self.queue.is_empty(),
            (_, Circuit::HalfOpen { .. }) => true,
            (_, Circuit::Closed { .. }) => self.queue.len() > self.assignments,
        };
        is_due || !self.kept.is_empty()
    }

    /// Nothing is kept any longer. Gives what was.
    pub(in crate::coordination) fn abandon(&mut self) -> Vec<M> {
        let queue = std::mem::take(&mut self.queue);
        let (kept, rest): (Vec<_>, Vec<_>) =
            queue.into_iter().partition(|waiting| waiting.until.is_some());
        self.queue = rest.into();
        self.kept.clear();
        kept.into_iter().map(|waiting| waiting.message).collect()
    }
}
