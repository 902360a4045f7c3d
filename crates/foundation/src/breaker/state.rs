//! The state machine of one circuit. Pure: it is told the time, in nanoseconds since some moment,
//! never going back.

/// What a circuit does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CircuitState {
    /// Lets them through.
    Closed,
    /// Refuses them.
    Open,
    /// Lets a few through, to see whether they succeed.
    HalfOpen,
}

/// When a circuit opens and closes. Nothing is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thresholds {
    /// Failures in a row that open it.
    pub(crate) failures: u32,
    /// Successes that close it when it is half-open.
    pub(crate) successes: u32,
    /// Probes that may be under way at a time.
    pub(crate) probes: u32,
    /// How long it is open, in nanoseconds.
    pub(crate) reset_after: u64,
}

/// One circuit.
#[derive(Debug)]
pub(crate) struct Circuit {
    thresholds: Thresholds,
    phase: Phase,
    /// How many phases there were before. What was let through in one counts in no other.
    epoch: u64,
    /// When anybody used it last, of those who left a trace.
    touched: u64,
    /// Whether it has thresholds of its own, which must not be forgotten.
    configured: bool,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { until: u64 },
    HalfOpen { probes: u32, successes: u32, last_probe: u64 },
}

/// What came of a call that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    Failure,
    /// Nothing that says anything about what is behind the circuit.
    Neutral,
}

/// A call is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// After how many nanoseconds one would be; none when that depends on how long others take.
    pub(crate) retry_after: Option<u64>,
}

/// A circuit has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) from: CircuitState,
    pub(crate) to: CircuitState,
}

/// What a circuit says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) state: CircuitState,
    pub(crate) failures: u32,
    pub(crate) successes: u32,
    pub(crate) probes: u32,
    pub(crate) retry_after: Option<u64>,
}

// === impl Circuit ===

impl Circuit {
    /// A closed one.
    pub(crate) const fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            phase: Phase::Closed { failures: 0 },
            epoch: 0,
            touched: 0,
            configured: false,
        }
    }

    /// A call is to be made: the epoch that it belongs to, and the change that it brings about.
    pub(crate) fn acquire(&mut self, now: u64) -> Result<(u64, Option<Change>), Refused> {
        self.touched = now;
        let Thresholds { probes: most, reset_after, .. } = self.thresholds;
        let first = Phase::HalfOpen { probes: 1, successes: 0, last_probe: now };
        let change = match &mut self.phase {
            Phase::Closed { .. } => None,
            Phase::Open { until } if now < *until => {
                return Err(Refused { retry_after: Some(*until - now) });
            }
            Phase::Open { .. } => self.enter(first),
            Phase::HalfOpen { probes, last_probe, .. } if *probes < most => {
                *probes += 1;
                *last_probe = now;
                None
            }
            Phase::HalfOpen { last_probe, .. } => {
                if now - *last_probe < reset_after {
                    return Err(Refused { retry_after: None });
                }
                // The probes hang: nobody waits for them any more.
                self.enter(first)
            }
        };
        Ok((self.epoch, change))
    }

    /// A call of that epoch has come to something.
    pub(crate) fn settle(&mut self, epoch: u64, verdict: Verdict, now: u64) -> Option<Change> {
        if epoch != self.epoch {
            return None;
        }
        self.touched = now;
        match (&mut self.phase, verdict) {
            (Phase::Closed { failures }, Verdict::Success) => {
                *failures = 0;
                None
            }
            (Phase::Closed { failures }, Verdict::Failure) => {
                *failures = failures.saturating_add(1);
                if *failures < self.thresholds.failures { None } else { self.trip(now) }
            }
            (Phase::HalfOpen { probes, successes, .. }, Verdict::Success) => {
                (*probes, *successes) = (*probes - 1, *successes + 1);
                if *successes < self.thresholds.successes { None } else { self.reset() }
            }
            (Phase::HalfOpen { .. }, Verdict::Failure) => self.trip(now),
            (Phase::HalfOpen { probes, .. }, Verdict::Neutral) => {
                *probes -= 1;
                None
            }
            (Phase::Closed { .. }, Verdict::Neutral) | (Phase::Open { .. }, _) => None,
        }
    }

    /// Opens it, from now.
    pub(crate) fn trip(&mut self, now: u64) -> Option<Change> {
        self.touched = now;
        self.enter(Phase::Open { until: now.saturating_add(self.thresholds.reset_after) })
    }

    /// Closes it.
    pub(crate) fn reset(&mut self) -> Option<Change> {
        self.enter(Phase::Closed { failures: 0 })
    }

    /// Thresholds of its own, for what comes.
    pub(crate) const fn configure(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
        self.configured = true;
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether a call is let through without a trace, and its success leaves none.
    pub(crate) const fn is_clean(&self) -> bool {
        matches!(self.phase, Phase::Closed { failures: 0 })
    }

    /// Whether nothing is lost when it is forgotten and made again: it is clean, or nobody has used
    /// it for so long that what it knows is out of date; and it has no thresholds of its own.
    pub(crate) const fn is_idle(&self, now: u64) -> bool {
        let out_of_date = self.thresholds.reset_after.saturating_mul(2);
        let says_nothing = self.is_clean() || now.saturating_sub(self.touched) > out_of_date;
        says_nothing && !self.configured
    }

    pub(crate) const fn looks(&self, now: u64) -> Looks {
        let state = self.phase.state();
        let none = Looks { state, failures: 0, successes: 0, probes: 0, retry_after: None };
        match self.phase {
            Phase::Closed { failures } => Looks { failures, ..none },
            Phase::Open { until } => Looks { retry_after: Some(until.saturating_sub(now)), ..none },
            Phase::HalfOpen { probes, successes, .. } => Looks { successes, probes, ..none },
        }
    }

    /// Begins a new epoch.
    fn enter(&mut self, phase: Phase) -> Option<Change> {
        let from = self.phase.state();
        self.phase = phase;
        self.epoch += 1;
        let to = phase.state();
        (from != to).then_some(Change { from, to })
    }
}

impl Phase {
    const fn state(&self) -> CircuitState {
        match self {
            Self::Closed { .. } => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }
}
