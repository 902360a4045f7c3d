//! When one schedule is due, and when next.
//!
//! | | is due | run now | the tick is over |
//! |---|---|---|---|
//! | waiting | a tick | a tick, and the time that was next stays so | – |
//! | a tick is at work | nothing: it is looked at when that is over | another when that is over | what was wanted meanwhile, or waiting |
//!
//! So one schedule never works twice at a time. What has come due meanwhile, and while nobody could
//! look, is *missed*; [`Missed`] says what becomes of it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;
use super::timing::{Missed, Schedule, Timing};

/// How late a tick may be that is still in time: whoever looks at a wall clock does so once a
/// minute at least.
pub(super) const GRACE: Duration = Duration::from_mins(1);
/// How many missed ticks are made up for, at most: more would only be in the way.
pub(super) const MOST_MADE_UP: usize = 1000;
/// A wall clock that is set back by more than this was wrong, and its times of then are void; one
/// that is set back by less is waited for, so that nothing is done twice. As cron has it.
pub(super) const CORRECTION: SignedDuration = SignedDuration::from_hours(3);

/// What time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// On the clock that nobody sets, since the scheduler was made.
    pub(super) run: Duration,
    /// On the wall clock.
    pub(super) wall: Timestamp,
    /// A random number, for jitter.
    pub(super) chance: u64,
}

/// A time on one of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    Run(Duration),
    Wall(Timestamp),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// When it was to be done, jitter included, on the wall clock.
    pub(super) at: Timestamp,
    /// How many ticks before it were not done since the one before.
    pub(super) missed: u64,
    pub(super) is_forced: bool,
}

/// One schedule.
#[derive(Debug)]
pub(super) struct State {
    schedule: Schedule,
    next: Option<Planned>,
    working: Option<Working>,
    /// It is to be done once more when what is at work is over.
    is_wanted: bool,
    /// Since the last tick.
    missed: u64,
    /// Of a pattern all of whose ticks are made up for: those that have come, after the next.
    backlog: VecDeque<Timestamp>,
    /// The next tick of a delay is where it was asked for, whenever what is at work is over.
    is_fixed: bool,
    pub(super) counts: Counts,
}

/// A tick to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Planned {
    /// Where it is on the grid of its schedule.
    grid: At,
    /// With its jitter.
    at: At,
    jitter: Duration,
}

/// Why something is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Working {
    Due,
    Forced,
}

/// What a schedule has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) ticks: u64,
    pub(super) forced: u64,
    pub(super) missed: u64,
}

impl Counts {
    pub(super) const fn add(&mut self, other: Self) {
        self.ticks += other.ticks;
        self.forced += other.forced;
        self.missed = self.missed.saturating_add(other.missed);
    }

    /// Somebody was to be told who is not there.
    pub(super) const fn untell(&mut self, due: Due) {
        let count = if due.is_forced { &mut self.forced } else { &mut self.ticks };
        *count = count.saturating_sub(1);
    }
}

impl State {
    pub(super) fn new(schedule: Schedule, now: Moment) -> Self {
        let mut state = Self {
            schedule,
            next: None,
            working: None,
            is_wanted: false,
            missed: 0,
            backlog: VecDeque::new(),
            is_fixed: false,
            counts: Counts::default(),
        };
        state.begin(now);
        state
    }

    /// Another schedule from now on. What is at work goes on.
    pub(super) fn reschedule(&mut self, schedule: Schedule, now: Moment) {
        // Only of a tick that is at work: that of a later one counts from when it is over.
        self.is_fixed = self.working == Some(Working::Due)
            && matches!(schedule.timing, Timing::Delay { first: Some(_), .. });
        self.schedule = schedule;
        self.begin(now);
    }

    pub(super) const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// When to look at it; never by itself while it is at work.
    pub(super) fn wakes(&self) -> Option<At> {
        if self.working.is_some() { None } else { self.next.map(|next| next.at) }
    }

    /// When it is due next.
    pub(super) fn next(&self, now: Moment) -> Option<Timestamp> {
        self.next.map(|next| now.on_the_wall(next.at))
    }

    pub(super) const fn is_working(&self) -> bool {
        self.working.is_some()
    }

    /// Whether nothing will ever be due again.
    pub(super) const fn is_over(&self) -> bool {
        self.next.is_none() && self.working.is_none()
    }

    /// What is due by now.
    pub(super) fn look(&mut self, now: Moment) -> Option<Due> {
        if self.working.is_some() {
            return None;
        }
        let next = self.next.filter(|next| now.has_come(next.at))?;
        let (done, missed) = match self.schedule.missed {
            Missed::All => self.oldest(next, now),
            Missed::Once | Missed::Skip => self.latest(next, now),
        };
        self.miss(missed);
        if self.schedule.missed == Missed::Skip && now.since(done.at) > GRACE {
            self.miss(1);
            return None;
        }
        self.working = Some(Working::Due);
        self.counts.ticks += 1;
        let missed = std::mem::take(&mut self.missed);
        Some(Due { at: now.on_the_wall(done.at), missed, is_forced: false })
    }

    /// It is to be done now. Nothing is due if it is at work: then it is done once more after that,
    /// however often this is wanted.
    pub(super) fn run_now(&mut self, now: Moment) -> Option<Due> {
        if self.working.is_some() {
            self.is_wanted = true;
            return None;
        }
        self.working = Some(Working::Forced);
        self.counts.forced += 1;
        Some(Due { at: now.wall, missed: 0, is_forced: true })
    }

    /// What was at work is over.
    pub(super) fn over(&mut self, now: Moment) -> Option<Due> {
        let worked = self.working.take()?;
        if let (Working::Due, Timing::Delay { delay, .. }) = (worked, &self.schedule.timing)
            && !std::mem::take(&mut self.is_fixed)
        {
            self.next = Some(self.planned(At::Run(now.run.saturating_add(*delay)), now));
        }
        if std::mem::take(&mut self.is_wanted) {
            return self.run_now(now);
        }
        if self.schedule.missed == Missed::Skip && !matches!(self.schedule.timing, Timing::Once(_))
        {
            // It came due while the one before was at work.
            while let Some(next) = self.next.filter(|next| now.has_come(next.at)) {
                let (_, missed) = self.latest(next, now);
                self.miss(missed + 1);
            }
        }
        self.look(now)
    }

    /// The first tick.
    fn begin(&mut self, now: Moment) {
        self.backlog.clear();
        let first = match &self.schedule.timing {
            Timing::Once(at) => Some(match at {
                At::Run(after) => At::Run(now.run.saturating_add(*after)),
                At::Wall(at) => At::Wall(*at),
            }),
            Timing::Rate { period, first } => {
                Some(At::Run(now.run.saturating_add(first.unwrap_or(*period))))
            }
            Timing::Delay { delay, first } => {
                Some(At::Run(now.run.saturating_add(first.unwrap_or(*delay))))
            }
            Timing::Cron(cron) => cron.after(now.wall).map(At::Wall),
        };
        self.next = first.map(|grid| self.planned(grid, now));
    }

    /// Plans a pattern anew, because the wall clock was wrong when it was planned.
    pub(super) fn replan(&mut self, now: Moment) {
        if matches!(self.schedule.timing, Timing::Cron(_)) {
            self.begin(now);
        }
    }

    /// The tick that is due, the next after it following; and how many before were too many.
    fn oldest(&mut self, due: Planned, now: Moment) -> (Planned, u64) {
        let (due, missed) = match (due.grid, &self.schedule.timing) {
            (At::Run(at), Timing::Rate { period, .. }) => {
                let behind = periods(now.before(due.jitter).run.saturating_sub(at), *period);
                let missed = behind.saturating_sub(MOST_MADE_UP as u64 - 1);
                (due.moved_to(At::Run(at.saturating_add(times(*period, missed)))), missed)
            }
            (At::Wall(at), Timing::Cron(cron)) => {
                let missed = extend(&mut self.backlog, cron, at, now.before(due.jitter).wall);
                let at =
                    missed.checked_sub(1).and_then(|last| self.backlog.drain(..=last).next_back());
                (at.map_or(due, |at| due.moved_to(At::Wall(at))), missed as u64)
            }
            _ => (due, 0),
        };
        self.next = match self.backlog.pop_front() {
            Some(at) => Some(due.moved_to(At::Wall(at))),
            None => self.following(due.grid, now),
        };
        (due, missed)
    }

    /// The latest tick that is due, the next after now following; and how many there are before it.
    fn latest(&mut self, due: Planned, now: Moment) -> (Planned, u64) {
        let by = now.before(due.jitter);
        let (due, missed) = match (due.grid, &self.schedule.timing) {
            (At::Run(at), Timing::Rate { period, .. }) => {
                let missed = periods(by.run.saturating_sub(at), *period);
                (due.moved_to(At::Run(at.saturating_add(times(*period, missed)))), missed)
            }
            (At::Wall(at), Timing::Cron(cron)) => {
                let missed = behind(cron, at, by.wall);
                let latest =
                    if missed > 0 { cron.latest(at, by.wall, 1).pop_front() } else { None };
                (latest.map_or(due, |at| due.moved_to(At::Wall(at))), missed)
            }
            _ => (due, 0),
        };
        self.next = self.following(due.grid, now);
        (due, missed)
    }

    /// The tick after one, if it does not depend on when that is over.
    fn following(&self, grid: At, now: Moment) -> Option<Planned> {
        let grid = match (&self.schedule.timing, grid) {
            (Timing::Rate { period, .. }, At::Run(at)) => At::Run(at.saturating_add(*period)),
            (Timing::Cron(cron), At::Wall(at)) => At::Wall(cron.after(at)?),
            _ => return None,
        };
        Some(self.planned(grid, now))
    }

    /// A tick with its jitter, which does not reach to the tick after it.
    fn planned(&self, grid: At, now: Moment) -> Planned {
        let mut jitter = self.schedule.jitter;
        if let (false, Timing::Cron(cron), At::Wall(at)) =
            (jitter.is_zero(), &self.schedule.timing, grid)
            && let Some(next) = cron.after(at)
        {
            jitter = jitter.min(next.duration_since(at).unsigned_abs());
        }
        let jitter = share(jitter, now.chance);
        Planned { grid, at: grid.plus(jitter), jitter }
    }

    fn miss(&mut self, ticks: u64) {
        self.missed = self.missed.saturating_add(ticks);
        self.counts.missed = self.counts.missed.saturating_add(ticks);
    }
}

impl Planned {
    /// A later tick, late by as much as this one.
    fn moved_to(self, grid: At) -> Self {
        Self { grid, at: grid.plus(self.jitter), ..self }
    }
}

impl At {
    fn plus(self, time: Duration) -> Self {
        match self {
            Self::Run(at) => Self::Run(at.saturating_add(time)),
            Self::Wall(at) => Self::Wall(at.saturating_add(time).unwrap_or(at)),
        }
    }
}

impl Moment {
    /// So long before.
    fn before(self, time: Duration) -> Self {
        let run = self.run.saturating_sub(time);
        Self { run, wall: self.wall.saturating_sub(time).unwrap_or(self.wall), ..self }
    }

    fn has_come(&self, at: At) -> bool {
        match at {
            At::Run(at) => at <= self.run,
            At::Wall(at) => at <= self.wall,
        }
    }

    /// How long ago something was.
    fn since(&self, at: At) -> Duration {
        match at {
            At::Run(at) => self.run.saturating_sub(at),
            At::Wall(at) => {
                Duration::try_from(self.wall.duration_since(at)).unwrap_or(Duration::ZERO)
            }
        }
    }

    /// What the wall clock says then, if nobody sets it.
    fn on_the_wall(&self, at: At) -> Timestamp {
        match at {
            At::Wall(at) => at,
            At::Run(at) if at >= self.run => {
                self.wall.saturating_add(at.saturating_sub(self.run)).unwrap_or(self.wall)
            }
            At::Run(at) => {
                self.wall.saturating_sub(self.run.saturating_sub(at)).unwrap_or(self.wall)
            }
        }
    }
}

/// How many ticks of a pattern there are after one until another time, counted as far as is made up
/// for and as far again: nobody needs to know how many seconds a year has.
fn behind(cron: &Cron, mut at: Timestamp, until: Timestamp) -> u64 {
    let mut behind = 0;
    while behind < 2 * MOST_MADE_UP as u64 {
        match cron.after(at) {
            Some(next) if next <= until => (at, behind) = (next, behind + 1),
            _ => break,
        }
    }
    behind
}

/// Adds to the ticks of a pattern that are to be made up for, all after `due`, those that have come
/// by now. Gives how many there are too many, `due` included, which are the first.
fn extend(
    backlog: &mut VecDeque<Timestamp>,
    cron: &Cron,
    due: Timestamp,
    until: Timestamp,
) -> usize {
    let mut last = backlog.back().copied().unwrap_or(due);
    let mut more = 0;
    while let Some(next) = cron.after(last).filter(|next| *next <= until) {
        if more == 2 * MOST_MADE_UP {
            // So many that those before the latest are not even counted.
            *backlog = cron.latest(due, until, 2 * MOST_MADE_UP);
            break;
        }
        backlog.push_back(next);
        (last, more) = (next, more + 1);
    }
    (backlog.len() + 1).saturating_sub(MOST_MADE_UP)
}

/// How many whole periods there are in some time.
fn periods(time: Duration, period: Duration) -> u64 {
    u64::try_from(time.as_nanos() / period.as_nanos().max(1)).unwrap_or(u64::MAX)
}

fn times(period: Duration, times: u64) -> Duration {
    let nanos = period.as_nanos().saturating_mul(u128::from(times));
    Duration::from_nanos_u128(nanos.min(Duration::MAX.as_nanos()))
}

/// A random part of some time.
fn share(of: Duration, chance: u64) -> Duration {
    // A year of nanoseconds has 55 bits.
    Duration::from_nanos_u128((of.as_nanos() * u128::from(chance)) >> 64)
}

#[cfg(test)]
mod tests;
