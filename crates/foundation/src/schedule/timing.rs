//! When something is to be done, as it is asked for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::cron::Cron;
use super::state::At;
use crate::actor::refused;
use crate::error::Result;

/// The shortest time between two ticks. A shorter one would leave time for nothing else.
const SHORTEST: Duration = Duration::from_millis(1);
/// The longest time that is waited for. What is rarer has a date.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// When something is to be done.
///
/// | | ticks | by |
/// |---|---|---|
/// | [`once_after`](Self::once_after) | once | the runtime's clock |
/// | [`once_at`](Self::once_at) | once, at a time | the wall clock |
/// | [`fixed_rate`](Self::fixed_rate) | every so often, on a grid without drift, however long each takes | the runtime's clock |
/// | [`fixed_delay`](Self::fixed_delay) | so long after the one before is over | the runtime's clock |
/// | [`cron`](Self::cron) | when a pattern says, in a time zone | the wall clock |
///
/// | option | default |
/// |---|---|
/// | [`time_zone`](Self::time_zone) | `UTC` |
/// | [`first_after`](Self::first_after) | a period, or a delay |
/// | [`jitter`](Self::jitter) | none |
/// | [`missed`](Self::missed) | [`Missed::Once`] |
///
/// The wall clock is the system's, which may be set. It is read whenever something is due, and once
/// a minute at least, so what is due because it was set forward is done within a minute. Set back,
/// it is waited for, so that nothing is done twice; unless it is set back by more than three hours:
/// then it was wrong, and patterns begin anew. The runtime's clock stands while the machine sleeps.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Schedule {
    pub(super) timing: Timing,
    pub(super) jitter: Duration,
    pub(super) missed: Missed,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Timing {
    /// So long after it is scheduled, or at a time.
    Once(At),
    Rate {
        period: Duration,
        first: Option<Duration>,
    },
    Delay {
        delay: Duration,
        first: Option<Duration>,
    },
    Cron(Arc<Cron>),
}

/// What becomes of ticks that came due when nothing could be done: while the one before was at
/// work, while the machine slept or its clock was set forward, while the scheduler did not run. The
/// grid stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Missed {
    /// The latest of them is done, as soon as that can be. The default.
    #[default]
    Once,
    /// None is done. A tick is missed that came due while the one before was at work, or more than
    /// a minute ago.
    Skip,
    /// All are done, one after the other, each as soon as that can be; the latest 1,000 at most.
    All,
}

impl Schedule {
    const fn of(timing: Timing) -> Self {
        Self { timing, jitter: Duration::ZERO, missed: Missed::Once }
    }

    /// Once, so long after it is scheduled; 366 days at most.
    pub const fn once_after(delay: Duration) -> Self {
        Self::of(Timing::Once(At::Run(delay)))
    }

    /// Once, at a time. One that is over is missed.
    pub const fn once_at(at: Timestamp) -> Self {
        Self::of(Timing::Once(At::Wall(at)))
    }

    /// Every `period`, of 1 ms to 366 days, from when it is scheduled.
    pub const fn fixed_rate(period: Duration) -> Self {
        Self::of(Timing::Rate { period, first: None })
    }

    /// `delay` after the [tick](super::Tick) before was dropped; 1 ms to 366 days.
    pub const fn fixed_delay(delay: Duration) -> Self {
        Self::of(Timing::Delay { delay, first: None })
    }

    /// When `pattern` says so: minute, hour, day of the month, month and day of the week, as in
    /// crontab, with seconds before them if there are six. `*`, lists, ranges, steps, names of
    /// months and days, `L`, `W`, `#`, and `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`.
    ///
    /// ```
    /// use foundation::Schedule;
    ///
    /// let backup = Schedule::cron("30 2 * * *")?.time_zone("Europe/Berlin")?;
    /// assert_eq!(backup.to_string(), "cron 30 2 * * * Europe/Berlin");
    /// assert_eq!(Schedule::cron("0 0 31 2 *").unwrap_err().code(), "invalid_options");
    /// # Ok::<_, foundation::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `invalid_options` when it is no pattern, or one of a day that never comes.
    pub fn cron(pattern: &str) -> Result<Self> {
        Ok(Self::of(Timing::Cron(Arc::new(Cron::parse(pattern)?))))
    }

    /// The time zone of a pattern, by its name in the database of time zones.
    ///
    /// # Errors
    ///
    /// `invalid_options` when there is no such zone, or the schedule has no pattern.
    pub fn time_zone(mut self, name: &str) -> Result<Self> {
        let Timing::Cron(cron) = &self.timing else {
            return Err(refused("time_zone", "only a cron pattern has a time zone"));
        };
        self.timing = Timing::Cron(Arc::new(cron.in_zone(name)?));
        Ok(self)
    }

    /// How long after it is scheduled the first tick comes, for a fixed rate or delay; nothing for
    /// at once, 366 days at most. The grid of a rate begins with it. Of no account for others.
    pub const fn first_after(mut self, delay: Duration) -> Self {
        if let Timing::Rate { first, .. } | Timing::Delay { first, .. } = &mut self.timing {
            *first = Some(delay);
        }
        self
    }

    /// A random delay of each tick, less than this, so that those who have the same times do not
    /// all come at once. The grid stays. Less than the period of a rate, 366 days at most; that of
    /// a pattern ends before its next time.
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// What becomes of ticks that were missed. Of no account for a delay, nor for one tick
    /// [after](Self::once_after) some time: they are done late.
    pub const fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }

    /// Refuses what cannot be. What has no times to miss misses none.
    pub(super) fn validated(mut self) -> Result<Self> {
        let between = |field, time: Duration| {
            if (SHORTEST..=LONGEST).contains(&time) {
                return Ok(());
            }
            Err(refused(field, "1 ms to 366 days"))
        };
        let first = match &self.timing {
            Timing::Once(At::Run(delay)) if *delay > LONGEST => {
                return Err(refused("delay", "366 days at most"));
            }
            Timing::Once(_) | Timing::Cron(_) => None,
            Timing::Rate { period, first } => {
                between("period", *period)?;
                if self.jitter >= *period {
                    return Err(refused("jitter", "less than the period"));
                }
                *first
            }
            Timing::Delay { delay, first } => {
                between("delay", *delay)?;
                *first
            }
        };
        if first.is_some_and(|first| first > LONGEST) {
            return Err(refused("first_after", "366 days at most"));
        }
        if self.jitter > LONGEST {
            return Err(refused("jitter", "366 days at most"));
        }
        if matches!(self.timing, Timing::Once(At::Run(_)) | Timing::Delay { .. }) {
            self.missed = Missed::Once;
        }
        Ok(self)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.timing {
            Timing::Once(At::Run(delay)) => write!(f, "once after {delay:?}"),
            Timing::Once(At::Wall(at)) => write!(f, "once at {at}"),
            Timing::Rate { period, .. } => write!(f, "every {period:?}"),
            Timing::Delay { delay, .. } => write!(f, "{delay:?} after each"),
            Timing::Cron(cron) => write!(f, "cron {cron}"),
        }
    }
}
