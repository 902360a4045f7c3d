//! What senders do: they send, and wait, and do not wait any longer.

use super::{Because, Circuit, GaveUp, GiveUp, Lane, Mode, Offered, Room, Seat, Waiting};

impl<M> Lane<M> {
    /// Whether what is sent now is offered at once, if there is room.
    pub(in crate::coordination) fn is_offered(&self, now: u64) -> bool {
        self.why_not(now).is_none()
    }

    /// A message is sent. The place is used if it waits.
    pub(in crate::coordination) fn offer(
        &mut self,
        message: M,
        mode: Mode,
        room: Room,
        now: u64,
    ) -> Offered<M> {
        let Seat::Taken { epoch } = self.seat else { return Offered::Nobody(message) };
        if let Some(because) = self.why_not(now) {
            return self.put_off(message, mode, because);
        }
        let is_probe = matches!(self.circuit, Circuit::Open { .. });
        match room {
            Room::Taken => {
                if is_probe {
                    self.circuit.probe(&self.rules, now);
                }
                self.assignments += 1;
                let number = self.push(message, true);
                Offered::Waits { number, epoch }
            }
            Room::Full => {
                self.retry_at = now.saturating_add(self.rules.deadline);
                if is_probe {
                    self.circuit.trip(&self.rules, now);
                } else {
                    self.circuit.fail(&self.rules, now);
                }
                self.put_off(message, mode, Because::Full)
            }
            // It would have been, a moment later.
            Room::Unasked => self.put_off(message, mode, Because::Probing),
        }
    }

    /// Why nothing is offered now.
    fn why_not(&self, now: u64) -> Option<Because> {
        match self.circuit {
            Circuit::Closed { .. } => None,
            Circuit::Open { until } if now < until => Some(Because::Open { wait: until - now }),
            Circuit::Open { .. } if self.queue.is_empty() => None,
            Circuit::Open { .. } | Circuit::HalfOpen { .. } => Some(Because::Probing),
        }
    }

    /// Nobody waits any longer for a message.
    pub(in crate::coordination) fn give_up(
        &mut self,
        number: u64,
        why: GiveUp,
        mode: Mode,
        now: u64,
    ) -> GaveUp<M> {
        if let Some(begun) = self.begun.get_mut(&number) {
            if why == GiveUp::NotOffered {
                return GaveUp::InProgress;
            }
            begun.is_awaited = false;
            if why == GiveUp::Late && !begun.has_failed {
                begun.has_failed = true;
                if self.circuit.is_probe(number) {
                    self.circuit.trip(&self.rules, now);
                } else {
                    self.circuit.fail(&self.rules, now);
                }
            }
            return GaveUp::InProgress;
        }
        let Ok(at) = self.queue.binary_search_by_key(&number, |waiting| waiting.number) else {
            return GaveUp::Settled;
        };
        if why != GiveUp::Unwanted {
            match self.circuit {
                Circuit::HalfOpen { probe: None, .. } if at == 0 => {
                    self.circuit.trip(&self.rules, now);
                }
                _ => self.circuit.fail(&self.rules, now),
            }
        }
        if mode == Mode::Return
            && let Some(waiting) = self.queue.remove(at)
        {
            self.kept -= usize::from(!waiting.is_awaited);
            return GaveUp::Returned(waiting.message);
        }
        if let Some(waiting) = self.queue.get_mut(at)
            && waiting.is_awaited
        {
            waiting.is_awaited = false;
            self.kept += 1;
        }
        GaveUp::Kept { overflowed: self.overflow() }
    }

    fn put_off(&mut self, message: M, mode: Mode, because: Because) -> Offered<M> {
        match mode {
            Mode::Return => Offered::Returned { because, message },
            Mode::Keep => {
                self.push(message, false);
                Offered::Kept { because, overflowed: self.overflow() }
            }
        }
    }

    fn push(&mut self, message: M, is_awaited: bool) -> u64 {
        self.last += 1;
        self.kept += usize::from(!is_awaited);
        self.queue.push_back(Waiting { number: self.last, message, is_awaited });
        self.last
    }

    /// Takes out the oldest one that is kept, if there are more than may be.
    fn overflow(&mut self) -> Option<M> {
        if self.kept <= self.rules.buffer {
            return None;
        }
        let oldest = self.queue.iter().position(|waiting| !waiting.is_awaited)?;
        let waiting = self.queue.remove(oldest)?;
        self.kept -= 1;
        Some(waiting.message)
    }
}
