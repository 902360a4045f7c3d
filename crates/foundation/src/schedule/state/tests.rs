//! Schedules with time given by hand, against a list of times that is looked through.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{At, Due, MOST_MADE_UP, Moment, State};
use crate::schedule::timing::{Missed, Schedule};

const SECOND: Duration = Duration::from_secs(1);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A moment of a machine whose clocks go alike.
fn after(seconds: u64) -> Moment {
    let wall = at("2026-06-01T00:00:00Z") + SignedDuration::from_secs(seconds.cast_signed());
    Moment { run: Duration::from_secs(seconds), wall, chance: 0 }
}

/// One that says so, with the other clock as it may be.
fn on_the_wall(text: &str) -> Moment {
    Moment { run: Duration::ZERO, wall: at(text), chance: 0 }
}

fn state(schedule: Schedule) -> State {
    State::new(schedule.validated().unwrap(), after(0))
}

/// Looks, and says how many seconds after the beginning what is due was due, and what was missed.
fn look(state: &mut State, seconds: u64) -> Option<(i64, u64)> {
    state.look(after(seconds)).map(shown)
}

fn over(state: &mut State, seconds: u64) -> Option<(i64, u64)> {
    state.over(after(seconds)).map(shown)
}

fn shown(due: Due) -> (i64, u64) {
    (due.at.duration_since(after(0).wall).as_secs(), due.missed)
}

#[test]
fn a_fixed_rate_keeps_its_grid_however_long_each_takes() {
    let mut state = state(Schedule::fixed_rate(SECOND * 10));
    assert_eq!(look(&mut state, 9), None);
    assert_eq!(look(&mut state, 11), Some((10, 0)));
    assert_eq!(look(&mut state, 20), None, "it is at work");
    assert_eq!((state.wakes(), over(&mut state, 14)), (None, None));
    assert_eq!(look(&mut state, 20), Some((20, 0)));
    assert_eq!(over(&mut state, 29), None);
    // It began late, and the next is where it would have been.
    assert_eq!(look(&mut state, 39), Some((30, 0)));
    assert_eq!(over(&mut state, 39), None);
    assert_eq!(state.wakes(), Some(At::Run(SECOND * 40)));
}

#[test]
fn the_first_tick_comes_when_it_is_wanted() {
    let at_once = Schedule::fixed_rate(SECOND * 10).first_after(Duration::ZERO);
    let mut state = state(at_once);
    assert_eq!(look(&mut state, 0), Some((0, 0)));
    assert_eq!(over(&mut state, 1), None);
    assert_eq!(look(&mut state, 10), Some((10, 0)));
}

#[test]
fn a_fixed_delay_counts_from_the_end_of_the_tick_before() {
    for missed in [Missed::Once, Missed::Skip, Missed::All] {
        let mut state = state(Schedule::fixed_delay(SECOND * 10).missed(missed));
        assert_eq!(look(&mut state, 10), Some((10, 0)));
        assert_eq!((state.next(after(10)), over(&mut state, 500)), (None, None));
        assert_eq!(look(&mut state, 509), None);
        // However late: there is no grid, so nothing is missed.
        assert_eq!(look(&mut state, 900), Some((510, 0)));
        assert_eq!(over(&mut state, 901), None);
        assert_eq!(state.wakes(), Some(At::Run(SECOND * 911)));
    }
}

#[test]
fn what_is_done_once_is_over_then() {
    let mut state = state(Schedule::once_after(SECOND * 10).missed(Missed::Skip));
    assert!(!state.is_over());
    assert_eq!(look(&mut state, 5000), Some((10, 0)));
    assert!(!state.is_over(), "it is at work");
    assert_eq!(over(&mut state, 5001), None);
    assert!(state.is_over());

    let until = at("2026-06-01T00:05:00Z");
    let mut state = self::state(Schedule::once_at(until));
    assert_eq!((look(&mut state, 299), look(&mut state, 300)), (None, Some((300, 0))));
    // One that is over already is late, or missed.
    let mut late = State::new(Schedule::once_at(until), after(10_000));
    assert_eq!(look(&mut late, 10_000), Some((300, 0)));
    let mut missed = State::new(Schedule::once_at(until).missed(Missed::Skip), after(10_000));
    assert_eq!(look(&mut missed, 10_000), None);
    assert!(missed.is_over());
    assert_eq!(missed.counts.missed, 1);
}

#[test]
fn run_now_changes_no_time_of_the_schedule() {
    let mut state = state(Schedule::fixed_rate(SECOND * 10));
    let forced = state.run_now(after(3)).unwrap();
    assert!(forced.is_forced);
    assert_eq!(shown(forced), (3, 0));
    assert_eq!(over(&mut state, 4), None);
    assert_eq!(look(&mut state, 9), None);
    assert_eq!(look(&mut state, 10), Some((10, 0)));
    // While one is at work: once more right after it, however often it is wanted.
    assert_eq!((state.run_now(after(11)), state.run_now(after(12))), (None, None));
    let again = state.over(after(13)).unwrap();
    assert!(again.is_forced);
    assert_eq!(over(&mut state, 14), None);
    assert_eq!(look(&mut state, 20), Some((20, 0)));
    assert_eq!((state.counts.ticks, state.counts.forced), (2, 2));

    // What came due meanwhile comes after it.
    assert_eq!(state.run_now(after(21)), None);
    assert!(state.over(after(35)).unwrap().is_forced);
    assert_eq!(over(&mut state, 36), Some((30, 0)));
}

#[test]
fn run_now_does_not_move_a_delay() {
    let mut state = state(Schedule::fixed_delay(SECOND * 10));
    assert!(state.run_now(after(5)).is_some());
    assert_eq!(over(&mut state, 7), None);
    assert_eq!(state.wakes(), Some(At::Run(SECOND * 10)));
    assert!(state.run_now(after(8)).is_some());
    // It came due while the other was at work.
    assert_eq!(over(&mut state, 30), Some((10, 0)));
    assert_eq!(over(&mut state, 31), None);
    assert_eq!(state.wakes(), Some(At::Run(SECOND * 41)));
}

#[test]
fn another_schedule_holds_from_when_it_is_given() {
    let mut state = state(Schedule::fixed_rate(SECOND * 10));
    assert_eq!(look(&mut state, 10), Some((10, 0)));
    state.reschedule(Schedule::fixed_rate(SECOND * 3), after(12));
    assert_eq!(over(&mut state, 13), None);
    assert_eq!(look(&mut state, 15), Some((15, 0)));
    state.reschedule(Schedule::fixed_delay(SECOND * 5), after(16));
    assert_eq!(over(&mut state, 17), None);
    assert_eq!(state.wakes(), Some(At::Run(SECOND * 22)));
    assert_eq!(state.counts.ticks, 2);
}

#[test]
fn jitter_delays_each_tick_and_leaves_the_grid() {
    let schedule = Schedule::fixed_rate(SECOND * 10).jitter(SECOND * 4);
    let half = |seconds| Moment { chance: 1 << 63, ..after(seconds) };
    let mut state = State::new(schedule, half(0));
    assert_eq!(state.wakes(), Some(At::Run(SECOND * 12)));
    assert_eq!(state.look(half(11)), None);
    assert_eq!(state.look(half(12)).map(shown), Some((12, 0)));
    assert_eq!(state.over(Moment { chance: u64::MAX, ..after(13) }), None);
    assert_eq!(state.wakes(), Some(At::Run(SECOND * 22)));
    assert_eq!(state.look(half(22)).map(shown), Some((22, 0)));

    // That of a pattern ends before its next time.
    let hourly = Schedule::cron("@hourly").unwrap().jitter(Duration::from_hours(24 * 365));
    let most = |text| Moment { chance: u64::MAX, ..on_the_wall(text) };
    let state = State::new(hourly, most("2026-06-01T10:30:00Z"));
    let Some(At::Wall(wakes)) = state.wakes() else { panic!("it has a wall clock") };
    assert!(wakes > at("2026-06-01T11:59:59Z") && wakes < at("2026-06-01T12:00:00Z"), "{wakes}");
}

#[test]
fn jitter_as_long_as_the_period_loses_no_tick() {
    let schedules = [
        Schedule::fixed_rate(SECOND * 10).jitter(Duration::from_millis(9999)),
        Schedule::cron("*/10 * * * * *").unwrap().jitter(SECOND * 60),
    ];
    for schedule in schedules {
        let late = |seconds, milliseconds| {
            let now = after(seconds);
            let more = Duration::from_millis(milliseconds);
            let wall = now.wall.checked_add(more).unwrap();
            Moment { run: now.run + more, wall, chance: u64::MAX }
        };
        let mut state = State::new(schedule, late(0, 0));
        for tick in 1..=10 {
            // A moment late, when the next is due by the grid.
            let now = late(tick * 10 + 10, 1);
            assert_eq!(state.look(now).map(|due| due.missed), Some(0));
            assert_eq!(state.over(now), None);
        }
        assert_eq!(state.counts.missed, 0);
    }
}

#[test]
fn a_delay_that_is_given_while_one_is_at_work_begins_when_it_is_wanted() {
    let mut state = state(Schedule::fixed_rate(SECOND * 10));
    assert_eq!(look(&mut state, 10), Some((10, 0)));
    state.reschedule(calm(), after(11));
    assert_eq!(over(&mut state, 12), None);
    assert_eq!(look(&mut state, 14), Some((14, 0)));
    assert_eq!(over(&mut state, 15), None);
    assert_eq!(state.wakes(), Some(At::Run(SECOND * 1015)));

    // And one that is given while nothing is at work, or what somebody asked for, goes on.
    state.reschedule(calm(), after(20));
    assert!(state.run_now(after(21)).is_some());
    state.reschedule(calm(), after(22));
    assert_eq!(over(&mut state, 23), None);
    assert_eq!(look(&mut state, 25), Some((25, 0)));
    assert_eq!(over(&mut state, 26), None);
    assert!(!state.is_over());
    assert_eq!(state.wakes(), Some(At::Run(SECOND * 1026)));
}

fn calm() -> Schedule {
    Schedule::fixed_delay(SECOND * 1000).first_after(SECOND * 3)
}

// SCHED-1
#[test]
fn a_machine_that_sleeps_while_clocks_change_does_what_it_missed_as_it_is_told() {
    let daily = |missed| {
        let daily = Schedule::cron("30 2 * * *").unwrap().time_zone("Europe/Berlin").unwrap();
        State::new(daily.missed(missed), on_the_wall("2026-03-27T12:00:00Z"))
    };
    // It sleeps from Friday to Monday: half past two came on Saturday, not on Sunday, when it was
    // three then, and on Monday.
    let monday = on_the_wall("2026-03-30T06:00:00Z");
    let mut once = daily(Missed::Once);
    let due = once.look(monday).unwrap();
    assert_eq!((due.at, due.missed), (at("2026-03-30T00:30:00Z"), 2));
    assert_eq!((once.over(monday), once.next(monday)), (None, Some(at("2026-03-31T00:30:00Z"))));

    let mut all = daily(Missed::All);
    let mut done = vec![all.look(monday).unwrap().at];
    done.extend(std::iter::from_fn(|| all.over(monday)).map(|due| due.at));
    let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(done, expected.map(at));

    let mut skip = daily(Missed::Skip);
    assert_eq!((skip.look(monday), skip.counts.missed), (None, 3));
    assert_eq!(skip.next(monday), Some(at("2026-03-31T00:30:00Z")));
    // Less than a minute late is in time.
    assert!(skip.look(on_the_wall("2026-03-31T00:30:59Z")).is_some());
}

#[test]
fn a_wall_clock_that_is_set_back_a_little_does_nothing_twice() {
    let hourly = Schedule::cron("@hourly").unwrap();
    let mut state = State::new(hourly, on_the_wall("2026-06-01T09:30:00Z"));
    let ten = on_the_wall("2026-06-01T10:00:10Z");
    assert!(state.look(ten).is_some());
    assert_eq!(state.over(ten), None);
    for text in ["2026-06-01T08:30:00Z", "2026-06-01T09:00:00Z", "2026-06-01T10:00:00Z"] {
        assert_eq!(state.look(on_the_wall(text)), None, "{text}");
    }
    assert!(state.look(on_the_wall("2026-06-01T11:00:00Z")).is_some());
}

#[test]
fn a_wall_clock_that_was_wrong_is_forgotten() {
    let daily = Schedule::cron("@daily").unwrap();
    let mut state = State::new(daily, on_the_wall("2036-06-01T09:30:00Z"));
    let now = on_the_wall("2026-06-01T09:30:00Z");
    state.replan(now);
    assert_eq!(state.next(now), Some(at("2026-06-02T00:00:00Z")));
}

/// What a schedule does whose times are known one by one.
struct Naive {
    /// Seconds.
    times: Vec<u64>,
    missed: Missed,
    is_working: bool,
    is_wanted: bool,
    skipped: u64,
}

impl Naive {
    fn due(&mut self, now: u64) -> Option<(i64, u64, bool)> {
        let mut due = self.times.iter().take_while(|at| **at <= now).count();
        if self.is_working || due == 0 {
            return None;
        }
        if self.missed == Missed::All {
            let too_many = due.saturating_sub(MOST_MADE_UP);
            self.skipped += too_many as u64;
            self.times.drain(..too_many);
            due = 1;
        }
        self.skipped += due as u64 - 1;
        let done = self.times.drain(..due).next_back().unwrap();
        if self.missed == Missed::Skip && now - done > 60 {
            self.skipped += 1;
            return None;
        }
        self.is_working = true;
        Some((done.cast_signed(), std::mem::take(&mut self.skipped), false))
    }

    fn run_now(&mut self, now: u64) -> Option<(i64, u64, bool)> {
        if self.is_working {
            self.is_wanted = true;
            return None;
        }
        self.is_working = true;
        Some((now.cast_signed(), 0, true))
    }

    fn over(&mut self, now: u64) -> Option<(i64, u64, bool)> {
        if !std::mem::take(&mut self.is_working) {
            return None;
        }
        if std::mem::take(&mut self.is_wanted) {
            return self.run_now(now);
        }
        if self.missed == Missed::Skip {
            let due = self.times.iter().take_while(|at| **at <= now).count();
            self.skipped += due as u64;
            self.times.drain(..due);
        }
        self.due(now)
    }
}

#[test]
fn random_lives_are_those_of_a_list_of_times() {
    for seed in 0x5eed..0x5eed + 30 {
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let missed = random.choice([Missed::Once, Missed::Skip, Missed::All]).unwrap();
        // A rate of ten seconds and a pattern that says the same.
        let schedules =
            [Schedule::fixed_rate(SECOND * 10), Schedule::cron("*/10 * * * * *").unwrap()];
        for schedule in schedules {
            let mut state = state(schedule.missed(missed));
            let times = (1..100_000).map(|n| n * 10).collect();
            let mut naive =
                Naive { times, missed, is_working: false, is_wanted: false, skipped: 0 };
            let mut now = 0;
            for _ in 0..100 {
                now += match random.u8(..20) {
                    0 if random.u8(..4) == 0 => random.u64(..25_000),
                    1..5 => random.u64(..200),
                    _ => random.u64(..12),
                };
                let shown = |due: Due| {
                    let (at, missed) = shown(due);
                    (at, missed, due.is_forced)
                };
                let (done, expected) = match random.u8(..8) {
                    0 => (state.run_now(after(now)), naive.run_now(now)),
                    1..4 => (state.over(after(now)), naive.over(now)),
                    _ => (state.look(after(now)), naive.due(now)),
                };
                assert_eq!(capped(done.map(shown)), capped(expected), "{missed:?} after {now} s");
                assert_eq!(state.is_working(), naive.is_working);
            }
        }
    }
}

/// Of a pattern so many are counted and no more.
fn capped(due: Option<(i64, u64, bool)>) -> Option<(i64, bool, u64)> {
    due.map(|(at, missed, is_forced)| (at, is_forced, missed.min(MOST_MADE_UP as u64)))
}
