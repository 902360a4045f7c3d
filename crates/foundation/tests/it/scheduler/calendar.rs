//! Patterns, by a wall clock that is set, and by one of a machine that sleeps. What changes of
//! clocks mean is tested beside the code.

use std::time::Duration;

use foundation::{Missed, Schedule};
use jiff::SignedDuration;

use super::{MINUTE, Message, SECOND, Stage};
use crate::fixture::{after, strike};

const HOUR: Duration = Duration::from_hours(1);

fn half_past_two(missed: Missed) -> Schedule {
    Schedule::cron("30 2 * * *").unwrap().time_zone("Europe/Berlin").unwrap().missed(missed)
}

async fn due(stage: &Stage) -> Vec<String> {
    stage.done().await.into_iter().map(|done| done.due.to_string()).collect()
}

// SCHED-1
#[tokio::test(start_paused = true)]
async fn half_past_two_in_berlin_is_done_once_a_day_when_clocks_change() {
    let table = [
        (
            "2026-03-28T00:00:00Z",
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "2026-10-24T00:00:00Z",
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
    ];
    for (begin, expected) in table {
        let stage = Stage::at(begin).await;
        let daily = half_past_two(Missed::Once);
        stage.scheduler.schedule(&stage.worker, "backup", daily, Message::Tick).unwrap();
        after(HOUR * 72).await;
        let done = stage.done().await;
        assert_eq!(done.iter().map(|it| it.due.to_string()).collect::<Vec<_>>(), expected);
        // At the time, and not a moment later.
        let first = stage.clock.shows.lock().unwrap().to_owned();
        let at = |milliseconds: u128| {
            first + SignedDuration::from_millis(i64::try_from(milliseconds).unwrap())
        };
        assert_eq!(done.iter().map(|it| at(it.at).to_string()).collect::<Vec<_>>(), expected);
        strike(stage.system).await;
    }
}

// SCHED-1
#[tokio::test(start_paused = true)]
async fn a_machine_that_sleeps_over_a_change_of_clocks_does_what_it_missed() {
    let table = [
        (Missed::Once, vec!["2026-03-30T00:30:00Z"]),
        (Missed::Skip, vec![]),
        (Missed::All, vec!["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
    ];
    for (missed, expected) in table {
        let stage = Stage::at("2026-03-27T18:00:00Z").await;
        let daily = half_past_two(missed);
        stage.scheduler.schedule(&stage.worker, "backup", daily, Message::Tick).unwrap();
        after(HOUR).await;
        // While it sleeps the runtime's clock stands.
        stage.clock.set(SignedDuration::from_hours(60));
        after(MINUTE).await;
        assert_eq!(due(&stage).await, expected, "{missed:?}");
        // And on as before.
        after(HOUR * 24).await;
        assert_eq!(due(&stage).await, ["2026-03-31T00:30:00Z"], "{missed:?}");
        strike(stage.system).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_forward_is_seen_within_a_minute() {
    let stage = Stage::at("2026-06-01T00:00:00Z").await;
    let noon = Schedule::cron("0 12 * * *").unwrap();
    let once = Schedule::once_at("2026-06-01T12:00:00Z".parse().unwrap());
    stage.scheduler.schedule(&stage.worker, "noon", noon, Message::Tick).unwrap();
    stage.scheduler.schedule(&stage.worker, "once", once, Message::Tick).unwrap();
    after(SECOND).await;
    stage.clock.set(SignedDuration::from_hours(12));
    after(MINUTE).await;
    let done = stage.done().await;
    assert_eq!(done.len(), 2);
    assert!(done.iter().all(|done| done.at <= 61_000), "{done:?}");
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_does_nothing_twice() {
    let stage = Stage::at("2026-06-01T11:59:00Z").await;
    let noon = Schedule::cron("0 12 * * *").unwrap();
    stage.scheduler.schedule(&stage.worker, "noon", noon, Message::Tick).unwrap();
    after(MINUTE * 2).await;
    assert_eq!(due(&stage).await, ["2026-06-01T12:00:00Z"]);
    stage.clock.set(SignedDuration::from_hours(-1));
    after(HOUR * 10).await;
    assert_eq!(due(&stage).await, [] as [&str; 0]);
    after(HOUR * 20).await;
    assert_eq!(due(&stage).await, ["2026-06-02T12:00:00Z"]);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_by_more_than_three_hours_begins_anew() {
    let stage = Stage::at("2026-06-01T09:30:00Z").await;
    let hourly = Schedule::cron("@hourly").unwrap();
    stage.scheduler.schedule(&stage.worker, "hourly", hourly, Message::Tick).unwrap();
    after(HOUR).await;
    assert_eq!(due(&stage).await, ["2026-06-01T10:00:00Z"]);
    stage.clock.set(SignedDuration::from_mins(-190));
    after(HOUR).await;
    assert_eq!(due(&stage).await, ["2026-06-01T08:00:00Z"]);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_was_wrong_by_years_stops_no_pattern() {
    let stage = Stage::at("2046-06-01T00:00:00Z").await;
    let pid = stage.worker.pid();
    let noon = Schedule::cron("0 12 * * *").unwrap();
    stage.scheduler.schedule(&stage.worker, "noon", noon, Message::Tick).unwrap();
    after(MINUTE * 2).await;
    stage.clock.set(SignedDuration::from_hours(-24 * 365 * 20));
    after(MINUTE * 2).await;
    let next = stage.scheduler.of(pid)[0].next.unwrap();
    assert_eq!(next.to_string(), "2026-06-06T12:00:00Z");
    after(HOUR * 24).await;
    assert_eq!(due(&stage).await, ["2026-06-06T12:00:00Z"]);
    strike(stage.system).await;
}

// SCHED-1
#[tokio::test(start_paused = true)]
async fn the_29th_of_february_and_the_31st_come_when_there_are_any() {
    let stage = Stage::at("2027-02-27T00:00:00Z").await;
    for (name, pattern) in [("leap", "0 0 29 2 *"), ("last", "0 0 31 * *")] {
        let schedule = Schedule::cron(pattern).unwrap();
        stage.scheduler.schedule(&stage.worker, name, schedule, Message::Tick).unwrap();
    }
    // Three days in each month, the last of one and the first of the next.
    let mut first = "2027-03-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let mut months = 0;
    while months < 14 {
        after(HOUR * 72).await;
        let month = first.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let next = month.checked_add(jiff::Span::new().months(1)).unwrap().timestamp();
        let wakes = next - SignedDuration::from_hours(48);
        let now = first + SignedDuration::from_hours(24);
        stage.clock.set(wakes.duration_since(now));
        (first, months) = (next, months + 1);
    }
    let done = stage.done().await;
    let of = |name: &str| {
        let done = done.iter().filter(|done| done.name == name);
        done.map(|done| done.due.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of("leap"), ["2028-02-29T00:00:00Z"]);
    let months =
        ["2027-03", "2027-05", "2027-07", "2027-08", "2027-10", "2027-12", "2028-01", "2028-03"];
    assert_eq!(of("last"), months.map(|month| format!("{month}-31T00:00:00Z")));
    strike(stage.system).await;
}
