//! Patterns against the times that the operating system gives for changes of clocks. They are, as
//! `zdump -v` prints them:
//!
//! ```text
//! Europe/Berlin       Sun Mar 29 01:00:00 2026 UT = Sun Mar 29 03:00:00 2026 CEST gmtoff=7200
//! Europe/Berlin       Sun Oct 25 01:00:00 2026 UT = Sun Oct 25 02:00:00 2026 CET  gmtoff=3600
//! America/Sao_Paulo   Sun Nov  4 03:00:00 2018 UT = Sun Nov  4 01:00:00 2018 -02  gmtoff=-7200
//! Pacific/Apia        Fri Dec 30 10:00:00 2011 UT = Sat Dec 31 00:00:00 2011 +14  gmtoff=50400
//! Australia/Lord_Howe Sat Oct  2 15:30:00 2027 UT = Sun Oct  3 02:30:00 2027 +11  gmtoff=39600
//! Australia/Lord_Howe Sat Apr  3 15:00:00 2027 UT = Sun Apr  4 01:30:00 2027 +1030 gmtoff=37800
//! ```

use jiff::{SignedDuration, Timestamp};

use super::Cron;

const BERLIN: &str = "Europe/Berlin";
const LORD_HOWE: &str = "Australia/Lord_Howe";
const APIA: &str = "Pacific/Apia";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cron(pattern: &str, zone: &str) -> Cron {
    Cron::parse(pattern).unwrap().in_zone(zone).unwrap()
}

/// The next so many times after one.
fn after(pattern: &str, zone: &str, from: &str, many: usize) -> Vec<String> {
    let cron = cron(pattern, zone);
    let times = std::iter::successors(cron.after(at(from)), |last| cron.after(*last));
    times.take(many).map(|time| time.to_string()).collect()
}

// SCHED-1
#[test]
fn half_past_two_in_berlin_on_both_days_on_which_clocks_change() {
    let daily = "30 2 * * *";
    // It does not come: at three, which is when it would have been half past two.
    let forward = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(after(daily, BERLIN, "2026-03-28T00:00:00Z", 3), forward);
    // It comes twice: the first time.
    let back = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(after(daily, BERLIN, "2026-10-24T00:00:00Z", 3), back);
    // Also for who looks between the two, and right at the first.
    for from in ["2026-10-25T00:30:00Z", "2026-10-25T01:05:00Z", "2026-10-25T01:30:00Z"] {
        assert_eq!(after(daily, BERLIN, from, 1), ["2026-10-26T01:30:00Z"]);
    }
    assert_eq!(after(daily, BERLIN, "2026-03-29T01:00:00Z", 1), ["2026-03-30T00:30:00Z"]);
}

#[test]
fn several_times_of_the_day_that_do_not_come_are_one() {
    let next = ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(after("0,30 2 * * *", BERLIN, "2026-03-28T12:00:00Z", 3), next);
    let next = ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(after("30 2,3 * * *", BERLIN, "2026-03-28T12:00:00Z", 3), next);
    let back = ["2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(after("30 2,3 * * *", BERLIN, "2026-10-24T12:00:00Z", 3), back);
    // The whole of the hour that comes twice is done the first time.
    let back = ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:00:00Z"];
    assert_eq!(after("*/30 2 * * *", BERLIN, "2026-10-24T12:00:00Z", 3), back);
}

#[test]
fn what_is_done_every_hour_is_done_every_hour() {
    let forward = ["2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"];
    assert_eq!(after("0 * * * *", BERLIN, "2026-03-28T23:30:00Z", 3), forward);
    let back = ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"];
    assert_eq!(after("0 * * * *", BERLIN, "2026-10-24T23:30:00Z", 3), back);
    let back = [
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:00:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T02:00:00Z",
    ];
    assert_eq!(after("*/30 * * * *", BERLIN, "2026-10-25T00:00:00Z", 4), back);
    let back = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"];
    assert_eq!(after("30 * * * *", BERLIN, "2026-10-25T00:00:00Z", 3), back);
}

// SCHED-1
#[test]
fn the_29th_of_february_and_the_31st() {
    let next = ["2028-02-28T23:00:00Z", "2032-02-28T23:00:00Z", "2036-02-28T23:00:00Z"];
    assert_eq!(after("0 0 29 2 *", BERLIN, "2026-01-01T00:00:00Z", 3), next);
    // 2100 has none.
    assert_eq!(after("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), ["2104-02-29T00:00:00Z"]);
    let next = [
        "2027-01-30T23:00:00Z",
        "2027-03-30T22:00:00Z",
        "2027-05-30T22:00:00Z",
        "2027-07-30T22:00:00Z",
        "2027-08-30T22:00:00Z",
        "2027-10-30T22:00:00Z",
        "2027-12-30T23:00:00Z",
    ];
    assert_eq!(after("0 0 31 * *", BERLIN, "2027-01-01T00:00:00Z", 7), next);
    let last = ["2027-02-28T00:00:00Z", "2027-03-31T00:00:00Z", "2027-04-30T00:00:00Z"];
    assert_eq!(after("0 0 L * *", "UTC", "2027-02-01T00:00:00Z", 3), last);
}

#[test]
fn midnights_and_days_that_do_not_come() {
    let next = ["2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"];
    assert_eq!(after("0 0 * * *", "America/Sao_Paulo", "2018-11-02T12:00:00Z", 3), next);
    // A day is missing: what was to be done on it is done when it would have begun.
    let next = ["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"];
    assert_eq!(after("0 12 * * *", APIA, "2011-12-29T12:00:00Z", 3), next);
    assert_eq!(after("0 12 30 12 *", APIA, "2011-12-01T00:00:00Z", 1), ["2011-12-30T10:00:00Z"]);
    let next = ["2027-10-02T15:30:00Z", "2027-10-03T15:15:00Z"];
    assert_eq!(after("15 2 * * *", LORD_HOWE, "2027-10-02T12:00:00Z", 2), next);
    let next = ["2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"];
    assert_eq!(after("45 1 * * *", LORD_HOWE, "2027-04-03T12:00:00Z", 2), next);
    let next = [
        "2027-04-03T14:30:00Z",
        "2027-04-03T14:45:00Z",
        "2027-04-03T15:00:00Z",
        "2027-04-03T15:15:00Z",
    ];
    assert_eq!(after("*/15 * * * *", LORD_HOWE, "2027-04-03T14:15:00Z", 4), next);
}

/// A pattern of minutes and hours, as one would write it who has no other worry: each minute is
/// looked at.
struct Naive {
    minutes: Vec<i8>,
    /// None for every hour.
    hours: Option<Vec<i8>>,
    zone: jiff::tz::TimeZone,
}

impl Naive {
    fn shows(&self, local: jiff::civil::DateTime) -> bool {
        let hours = self.hours.as_ref();
        self.minutes.contains(&local.minute()) && hours.is_none_or(|it| it.contains(&local.hour()))
    }

    fn is_due(&self, at: Timestamp) -> bool {
        let minute = SignedDuration::from_mins(1);
        let (local, before) = (self.zone.to_datetime(at), self.zone.to_datetime(at - minute));
        if self.hours.is_none() {
            return self.shows(local);
        }
        // Local times that are shown for the first time now, or were left out right before.
        let mut shown = before.checked_add(minute).unwrap().min(local);
        while shown <= local {
            let is_first = (1..=240).all(|minutes| {
                self.zone.to_datetime(at - SignedDuration::from_mins(minutes)) != shown
            });
            if self.shows(shown) && is_first {
                return true;
            }
            shown = shown.checked_add(minute).unwrap();
        }
        false
    }
}

fn listed(numbers: &[i8]) -> String {
    numbers.iter().map(i8::to_string).collect::<Vec<_>>().join(",")
}

#[test]
fn random_patterns_are_due_when_the_clock_says_so() {
    let changes = [
        (BERLIN, "2026-03-29T01:00:00Z"),
        (BERLIN, "2026-10-25T01:00:00Z"),
        (LORD_HOWE, "2027-10-02T15:30:00Z"),
        (LORD_HOWE, "2027-04-03T15:00:00Z"),
        ("America/New_York", "2026-11-01T06:00:00Z"),
        (APIA, "2011-12-30T10:00:00Z"),
    ];
    for seed in 0x5eed..0x5eed + 60 {
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let (zone, change) = changes[random.usize(..changes.len())];
        let (some, few) = (random.usize(1..4), random.usize(1..4));
        let minutes = random.choose_multiple(0..60_i8, some);
        let hours = random.choose_multiple(0..4_i8, few);
        let hours = random.bool().then_some(hours);
        let hour = hours.as_ref().map_or("*".to_owned(), |hours| listed(hours));
        let pattern = format!("{} {hour} * * *", listed(&minutes));
        let naive = Naive { minutes, hours, zone: jiff::tz::TimeZone::get(zone).unwrap() };

        let minute = SignedDuration::from_mins(1);
        let from = at(change) - SignedDuration::from_hours(6);
        let all: Vec<_> = (0..12 * 60).map(|n| from + minute * n).collect();
        let expected: Vec<_> = all.iter().copied().filter(|at| naive.is_due(*at)).collect();
        let cron = cron(&pattern, zone);
        let found = std::iter::successors(cron.after(from - minute), |last| cron.after(*last));
        let last = *all.last().unwrap();
        let found: Vec<_> = found.take_while(|at| *at <= last).collect();
        assert_eq!(found, expected, "{pattern} in {zone}");
        // From wherever one looks.
        let look = all[random.usize(..all.len())];
        let next = expected.iter().copied().find(|at| *at > look);
        assert!(next.is_none() || cron.after(look) == next, "{pattern} in {zone} after {look}");
    }
}

#[test]
fn the_latest_times_are_found_however_many_there_are() {
    let cron = |pattern: &str| Cron::parse(pattern).unwrap();
    let (from, until) = (at("2026-01-01T00:00:00Z"), at("2026-03-01T12:00:30.5Z"));
    let every = cron("* * * * * *").latest(from, until, 3);
    assert_eq!(
        every,
        ["2026-03-01T12:00:28Z", "2026-03-01T12:00:29Z", "2026-03-01T12:00:30Z"].map(at)
    );
    let daily = cron("0 6 * * *").latest(from, until, 2);
    assert_eq!(daily, ["2026-02-28T06:00:00Z", "2026-03-01T06:00:00Z"].map(at));
    // Many, long ago, and nothing since.
    let january = cron("* * * 1 1 *").latest(at("1990-01-01T00:00:00Z"), until, 1000);
    assert_eq!((january.len(), january.back()), (1000, Some(&at("2026-01-01T23:59:59Z"))));
    // Fewer than are wanted, with the one that it begins with.
    let monthly = cron("0 0 1 * *").latest(from, until, 10);
    assert_eq!(
        monthly,
        ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"].map(at)
    );
    assert_eq!(cron("0 0 31 12 *").latest(from, until, 10), [] as [Timestamp; 0]);
}

#[test]
fn patterns_that_cannot_be_are_refused() {
    let long = format!("{} * * * *", "0,".repeat(200));
    let wrong = [
        "",
        "   ",
        "* * * *",
        "* * * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "*/61 * * * *",
        "* */24 * * *",
        "5-1 * * * *",
        "a b c d e",
        "MON * * * *",
        "1,,2 * * * *",
        ", * * * *",
        "* * * * ,",
        "-1 * * * *",
        "1.5 * * * *",
        "0/10 * * * *",
        "99999999999 * * * *",
        "0 0 * * MON#6",
        "0 0 * * MONDAY",
        "@reboot",
        "@",
        "0 0 30 2 *",
        "0 0 31 2,4,6,9,11 *",
        "0 0 * * L",
        "TZ=UTC 0 0 * * *",
        "ä * * * *",
        &long,
    ];
    for pattern in wrong {
        let error = Cron::parse(pattern).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &"cron".into()));
    }
    let error = Cron::parse("* * * * *").unwrap().in_zone("Mars/Olympus").unwrap_err();
    assert_eq!(error.details()["field"], "time_zone");
}

#[test]
fn patterns_with_names_and_seconds() {
    let table = [
        ("@yearly", "2027-01-01T00:00:00Z"),
        ("@monthly", "2026-07-01T00:00:00Z"),
        ("@weekly", "2026-06-07T00:00:00Z"),
        ("@Daily", "2026-06-04T00:00:00Z"),
        ("@hourly", "2026-06-03T11:00:00Z"),
        ("*/20 * * * * *", "2026-06-03T10:20:40Z"),
        ("0 0 1 JAN *", "2027-01-01T00:00:00Z"),
        ("0 9 * * mon-fri", "2026-06-04T09:00:00Z"),
        ("0 9 * * FRI#2", "2026-06-12T09:00:00Z"),
        ("0 9 15W * *", "2026-06-15T09:00:00Z"),
        // As in crontab: the day of the month or that of the week.
        ("0 0 13 * FRI", "2026-06-05T00:00:00Z"),
        ("0 0 13 * +FRI", "2026-11-13T00:00:00Z"),
        ("0 0 ? * 7", "2026-06-07T00:00:00Z"),
    ];
    for (pattern, expected) in table {
        let next = Cron::parse(pattern).unwrap().after(at("2026-06-03T10:20:30.25Z")).unwrap();
        assert_eq!(next, at(expected), "{pattern}");
    }
    let shown = cron("@daily", "europe/berlin").to_string();
    assert_eq!(shown, "@daily Europe/Berlin");
    assert_eq!(Cron::parse(" @daily ").unwrap().to_string(), "@daily UTC");
}

#[test]
fn a_calendar_has_an_end() {
    let cron = Cron::parse("* * * * * *").unwrap();
    assert_eq!(cron.after(Timestamp::MAX), None);
    assert!(cron.after(Timestamp::MIN).is_some());
}
