//! Which calls fail, and how.

use std::collections::BTreeMap;

use foundation::Error;

/// What a log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// [`append`](crate::SignalLog::append).
    Append,
    /// [`read`](crate::SignalLog::read).
    Read,
    /// [`bounds`](crate::SignalLog::bounds).
    Bounds,
    /// [`position_at`](crate::SignalLog::position_at).
    PositionAt,
    /// [`retain`](crate::SignalLog::retain).
    Retain,
    /// [`load_part`](crate::SignalLog::load_part).
    LoadPart,
    /// [`list_parts`](crate::SignalLog::list_parts).
    ListParts,
    /// [`store_parts`](crate::SignalLog::store_parts).
    StoreParts,
    /// [`owners`](crate::SignalLog::owners).
    Owners,
}

/// When a call fails or is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else beside before and after")]
pub enum Moment {
    /// Before anything of it is done.
    Before,
    /// After it is done, and before whoever called learns of it.
    After,
}

/// A fault of a [`FaultyLog`](super::FaultyLog): which call fails, and how.
///
/// Unless it says otherwise, it is the next call, that one alone, and the error is `log_fault`, of
/// the category infrastructure.
#[derive(Debug, Clone)]
#[must_use = "nothing fails until it is injected"]
pub struct Fault {
    operations: Vec<Operation>,
    moment: Moment,
    /// How many calls there are up to the one that fails.
    left: u64,
    is_lasting: bool,
    error: Error,
}

/// The faults of a log, and its calls.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: Vec<Fault>,
    calls: BTreeMap<Operation, u64>,
}

impl Operation {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Append,
        Self::Read,
        Self::Bounds,
        Self::PositionAt,
        Self::Retain,
        Self::LoadPart,
        Self::ListParts,
        Self::StoreParts,
        Self::Owners,
    ];

    /// Those that change the log.
    pub const WRITES: &'static [Self] = &[Self::Append, Self::Retain, Self::StoreParts];
}

impl Fault {
    /// A call fails, and nothing of it is done.
    pub fn before(operation: Operation) -> Self {
        Self::of_any(&[operation], Moment::Before)
    }

    /// A call is done, and fails all the same: whoever called cannot know.
    pub fn after(operation: Operation) -> Self {
        Self::of_any(&[operation], Moment::After)
    }

    /// A call of any of the operations fails, which are counted together.
    pub fn of_any(operations: &[Operation], moment: Moment) -> Self {
        let error = Error::infrastructure("log_fault").with_message("a test wants it so");
        Self { operations: operations.to_vec(), moment, left: 1, is_lasting: false, error }
    }

    /// Which of the calls from now on fails: 1 is the next one, as 0 is.
    pub const fn nth(mut self, nth: u64) -> Self {
        self.left = if nth == 0 { 1 } else { nth };
        self
    }

    /// That call fails and all that follow, until the log is [healed](super::FaultyLog::heal): as
    /// when a disk is gone.
    pub const fn lasting(mut self) -> Self {
        self.is_lasting = true;
        self
    }

    /// With that error.
    pub fn error(mut self, error: Error) -> Self {
        self.error = error;
        self
    }
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(super) fn heal(&mut self) {
        self.faults.clear();
    }

    pub(super) fn calls(&self, operation: Operation) -> u64 {
        self.calls.get(&operation).copied().unwrap_or(0)
    }

    /// A call begins: when and how it fails, if it does.
    pub(super) fn begin(&mut self, operation: Operation) -> Option<(Moment, Error)> {
        *self.calls.entry(operation).or_default() += 1;
        let mut failure = None;
        self.faults.retain_mut(|fault| {
            if !fault.operations.contains(&operation) {
                return true;
            }
            fault.left = fault.left.saturating_sub(1);
            if fault.left > 0 {
                return true;
            }
            if failure.is_none() {
                failure = Some((fault.moment, fault.error.clone()));
            }
            fault.is_lasting
        });
        failure
    }
}
