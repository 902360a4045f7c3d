//! What is done for messages that are kept.

use super::{Care, Circuit, Lane, Seat};

impl<M> Lane<M> {
    /// What has to be done now for what is kept, and is taken as done. To be asked again then.
    pub(in crate::coordination) fn care(&mut self, now: u64) -> Care<M> {
        let epoch = match self.seat {
            Seat::Taken { epoch } => epoch,
            Seat::Empty { .. } if self.queue.is_empty() => return Care::Nothing,
            Seat::Empty { since, .. } => {
                let until = since.saturating_add(self.rules.patience);
                let is_over = now >= until;
                return if is_over { Care::Abandon(self.abandon()) } else { Care::Wait { until } };
            }
        };
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
                    // The probe was taken back.
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
        match (self.seat, self.circuit) {
            (Seat::Empty { .. }, _) | (_, Circuit::Open { .. }) => !self.queue.is_empty(),
            (_, Circuit::HalfOpen { .. }) => true,
            (_, Circuit::Closed { .. }) => self.queue.len() > self.assignments,
        }
    }

    /// Nothing is kept any longer. Gives what was.
    pub(in crate::coordination) fn abandon(&mut self) -> Vec<M> {
        let queue = std::mem::take(&mut self.queue);
        let (kept, rest): (Vec<_>, Vec<_>) =
            queue.into_iter().partition(|waiting| !waiting.is_awaited);
        self.queue = rest.into();
        self.kept = 0;
        kept.into_iter().map(|waiting| waiting.message).collect()
    }
}
