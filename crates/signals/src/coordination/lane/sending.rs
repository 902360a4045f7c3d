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
            return self.put_off(message, mode, because, now);
        }
        let is_probe = matches!(self.circuit, Circuit::Open { .. });
        match room {
            Room::Taken => {
                if is_probe {
                    self.circuit.probe(&self.rules, now);
                }
                self.assignments += 1;
                let number = self.push(message, None);
                Offered::Waits { number, epoch }
            }
            Room::Full => {
                self.retry_at = now.saturating_add(self.rules.deadline);
                if is_probe {
                    self.circuit.trip(&self.rules, now);
                } else {
                    self.circuit.fail(&self.rules, now);
                }
                self.put_off(message, mode, Because::Full, now)
            }
            // It would have been, a moment later.
            Room::Unasked => self.put_off(message, mode, Because::Probing, now),
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
        let Some(at) = self.place_of(number) else { return GaveUp::Settled };
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
            self.unkeep(&waiting);
            return GaveUp::Returned(waiting.message);
        }
        let until = self.until(now);
        if let Some(waiting) = self.queue.get_mut(at)
            && waiting.until.is_none()
        {
            waiting.until = Some(until);
            self.kept.insert((until, number));
        }
        GaveUp::Kept { overflowed: self.overflow() }
    }

    fn put_off(&mut self, message: M, mode: Mode, because: Because, now: u64) -> Offered<M> {
        match mode {
            Mode::Return => Offered::Returned { because, message },
            Mode::Keep => {
                self.push(message, Some(self.until(now)));
                Offered::Kept { because, overflowed: self.overflow() }
            }
        }
    }

    /// Until when something is kept from now on.
    const fn until(&self, now: u64) -> u64 {
        now.saturating_add(self.rules.patience)
    }

    fn push(&mut self, message: M, until: Option<u64>) -> u64 {
        self.last += 1;
        let number = self.last;
        if let Some(until) = until {
            self.kept.insert((until, number));
        }
        self.queue.push_back(Waiting { number, message, until });
        number
    }

    /// Takes out the oldest one that is kept, if there are more than may be.
    fn overflow(&mut self) -> Option<M> {
        if self.kept.len() <= self.rules.buffer {
            return None;
        }
        let oldest = self.queue.iter().position(|waiting| waiting.until.is_some())?;
        let waiting = self.queue.remove(oldest)?;
        self.unkeep(&waiting);
        Some(waiting.message)
    }
}
