//! The circuit of one receiver. Pure: it is told the time, in nanoseconds since some moment.
//!
//! It is not the circuit that guards calls elsewhere: this one also says whether the receiver may
//! begin what is offered to it, and stays half-open until all that was kept has been handled.

use foundation::CircuitState;

/// When a circuit opens and for how long, and what else is the same for all receivers. Times are in
/// nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::coordination) struct Rules {
    /// Failures in a row that open it; 1 or more.
    pub(in crate::coordination) failures: u32,
    /// How long it is open.
    pub(in crate::coordination) reset_after: u64,
    /// How long a probe may take, and the pause before a receiver without room is tried again.
    pub(in crate::coordination) deadline: u64,
    /// How many messages are kept; 1 or more.
    pub(in crate::coordination) buffer: usize,
    /// How long each message is kept.
    pub(in crate::coordination) patience: u64,
}

/// What the circuit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::coordination) enum Circuit {
    /// Everything is offered.
    Closed { failures: u32 },
    /// Nothing is, until then.
    Open { until: u64 },
    /// One message at a time is, and has to be settled until then; `probe` is the one that was
    /// begun.
    HalfOpen { due: u64, probe: Option<u64> },
}

/// What an answer says about the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::coordination) enum Verdict {
    /// It works, whatever the answer is.
    Works,
    /// It does not.
    Fails,
    /// Neither.
    Nothing,
}

impl Circuit {
    /// One that nothing is known of.
    pub(super) const NEW: Self = Self::Closed { failures: 0 };

    /// Something has failed that is no probe.
    pub(super) const fn fail(&mut self, rules: &Rules, now: u64) {
        if let Self::Closed { failures } = self {
            *failures = failures.saturating_add(1);
            if *failures >= rules.failures {
                self.trip(rules, now);
            }
        }
    }

    /// Opens it, from now.
    pub(super) const fn trip(&mut self, rules: &Rules, now: u64) {
        *self = Self::Open { until: now.saturating_add(rules.reset_after) };
    }

    /// The next message is a probe, and has its time from now.
    pub(super) const fn probe(&mut self, rules: &Rules, now: u64) {
        *self = Self::HalfOpen { due: now.saturating_add(rules.deadline), probe: None };
    }

    /// Whether the receiver may begin something.
    pub(super) const fn lets_begin(&self, now: u64) -> bool {
        match self {
            Self::Closed { .. } | Self::HalfOpen { probe: None, .. } => true,
            Self::Open { until } => now >= *until,
            Self::HalfOpen { probe: Some(_), .. } => false,
        }
    }

    /// The receiver has begun a message.
    pub(super) const fn begin(&mut self, number: u64, rules: &Rules, now: u64) {
        if !matches!(self, Self::Closed { .. }) {
            // Whoever begins is there: it has all of its time from now.
            let due = now.saturating_add(rules.deadline);
            *self = Self::HalfOpen { due, probe: Some(number) };
        }
    }

    /// Whether that message is the probe that was begun.
    pub(super) fn is_probe(&self, number: u64) -> bool {
        matches!(self, Self::HalfOpen { probe, .. } if *probe == Some(number))
    }

    pub(in crate::coordination) const fn state(&self) -> CircuitState {
        match self {
            Self::Closed { .. } => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }
}
