//! Cron patterns, and what they mean where clocks change.
//!
//! A library finds the next *local* time that a pattern names, on a calendar without changes of
//! clocks; which instant that is, is decided here. There are two kinds of patterns:
//!
//! | hour of the pattern | means | a local time that is skipped | a local time that comes twice |
//! |---|---|---|---|
//! | named: `30 2 * * *` | these times of the day | is done when clocks have been set forward; several of one gap once | is done the first time |
//! | `*` or `*/n`: `0 * * * *` | whenever the clock shows this | is not done | is done both times |
//!
//! So a daily job is done once on every day, and an hourly one, where clocks change by whole hours,
//! every hour.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt;

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::actor::refused;
use crate::error::{Error, Result};

/// How long a pattern may be, in bytes: all sixty minutes as a list, and some more.
const LONGEST: usize = 255;
/// What a field may hold beside digits and `,` `-` `*` `/`, and the greatest step that means
/// anything, by field: seconds, minutes, hours, days, months, days of the week.
const FIELDS: [(&str, u32); 6] =
    [("", 59), ("", 59), ("", 23), ("LW?", 31), (LETTERS, 12), (DAYS, 7)];
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DAYS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#?+";
/// How long a span is that is looked through one by one.
const LEAF: SignedDuration = SignedDuration::from_secs(60);
/// The patterns that have names.
const NAMED: [(&str, &str); 6] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// A pattern in a time zone.
#[derive(Clone)]
pub(super) struct Cron {
    text: Box<str>,
    pattern: croner::Cron,
    zone: TimeZone,
    /// Whether it means each time that the clock shows this.
    is_every_hour: bool,
}

/// A local time, on a calendar on which each comes once.
#[derive(Debug, Clone, Copy)]
struct Local(DateTime);

impl Cron {
    /// # Errors
    ///
    /// `invalid_options`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(refused("cron", "a pattern has 255 bytes at most"));
        }
        let named = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        let fields = named.map_or(text, |(_, fields)| fields);
        let is_every_hour = check(fields)?;
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed);
        let pattern =
            parser.build().parse(fields).map_err(|error| no_pattern(&error.to_string()))?;
        let cron = Self { text: text.into(), pattern, zone: TimeZone::UTC, is_every_hour };
        if cron.local_after(Local(DateTime::constant(2000, 1, 1, 0, 0, 0, 0)), true).is_none() {
            return Err(refused("cron", "the day that the pattern names never comes"));
        }
        Ok(cron)
    }

    /// The same pattern in a time zone.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub(super) fn in_zone(&self, name: &str) -> Result<Self> {
        let zone = TimeZone::get(name).map_err(|error| {
            refused("time_zone", "there is no time zone of that name")
                .with_detail("time_zone", name)
                .with_source(error)
        })?;
        Ok(Self { zone, ..self.clone() })
    }

    /// The first time after `after`; none after the end of the calendar.
    pub(super) fn after(&self, after: Timestamp) -> Option<Timestamp> {
        if self.is_every_hour { self.shown_after(after) } else { self.named_after(after) }
    }

    /// The times from `from` to `until`, both included, the latest `most` of them. It looks at few
    /// of the others, however many there are.
    pub(super) fn latest(
        &self,
        from: Timestamp,
        until: Timestamp,
        most: usize,
    ) -> VecDeque<Timestamp> {
        let mut latest = VecDeque::new();
        // What is still to be looked through: after the one until the other, the latest last.
        let mut spans = vec![(just_before(from), until)];
        while let Some((after, until)) = spans.pop() {
            let Some(first) = self.after(after).filter(|first| *first <= until) else { continue };
            let length = until.duration_since(after);
            if length > LEAF {
                let middle = until.saturating_sub(length / 2).unwrap_or(after);
                spans.extend([(after, middle), (middle, until)]);
                continue;
            }
            let times = std::iter::successors(Some(first), |last| self.after(*last));
            let times: Vec<_> = times.take_while(|at| *at <= until).collect();
            for at in times.into_iter().rev() {
                latest.push_front(at);
                if latest.len() == most {
                    return latest;
                }
            }
        }
        latest
    }

    /// Where the pattern names times of the day: each local time once.
    fn named_after(&self, after: Timestamp) -> Option<Timestamp> {
        let mut local = self.local(after);
        loop {
            local = self.local_after(local, false)?;
            let at = self.first_instant(local)?;
            // What comes twice was done the first time.
            if at > after {
                return Some(at);
            }
        }
    }

    /// Where the pattern means whatever the clock shows: between two changes of the clock, its time
    /// is that of the calendar.
    fn shown_after(&self, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = self.zone.to_offset(from);
            let local = self.local_after(Local(offset.to_datetime(from)), inclusive)?;
            let at = offset.to_timestamp(local.0).ok()?;
            match self.zone.following(from).next().map(|change| change.timestamp()) {
                Some(change) if change <= at => (from, inclusive) = (change, true),
                _ => return Some(at),
            }
        }
    }

    /// What the clock shows.
    fn local(&self, at: Timestamp) -> Local {
        Local(self.zone.to_datetime(at))
    }

    /// When a local time comes first; when clocks have been set forward, if it does not come.
    fn first_instant(&self, Local(local): Local) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                let before = after.to_timestamp(local).ok()?;
                self.zone.following(before).next().map(|change| change.timestamp())
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
                ambiguous.earlier().ok()
            }
        }
    }

    fn local_after(&self, after: Local, inclusive: bool) -> Option<Local> {
        self.pattern.find_next_occurrence(&after, inclusive).ok()
    }
}

/// The latest time of which the next can be `at`.
fn just_before(at: Timestamp) -> Timestamp {
    at.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(at)
}

/// Refuses what the library takes for something else, and says whether every hour is meant.
fn check(fields: &str) -> Result<bool> {
    let fields: Vec<_> = fields.split_ascii_whitespace().collect();
    if !(5..=6).contains(&fields.len()) {
        return Err(no_pattern("it has five fields, or six with seconds"));
    }
    let kinds = FIELDS.iter().skip(FIELDS.len() - fields.len());
    for (field, (more, most)) in fields.iter().zip(kinds) {
        let is_known = |c: char| c.is_ascii_digit() || ",-*/".contains(c) || more.contains(c);
        if let Some(unknown) = field.chars().find(|c| !is_known(*c)) {
            return Err(no_pattern(&format!("{unknown:?} has no meaning in {field:?}")));
        }
        if field.split(',').any(str::is_empty) {
            return Err(no_pattern(&format!("an item is empty in {field:?}")));
        }
        let steps = field.split(',').filter_map(|item| item.split_once('/'));
        for (_, step) in steps {
            if step.parse::<u32>().is_ok_and(|step| step > *most) {
                return Err(no_pattern(&format!("the step is too large in {field:?}")));
            }
        }
    }
    Ok(fields.iter().nth_back(3).is_some_and(|hour| hour.starts_with('*')))
}

fn no_pattern(why: &str) -> Error {
    refused("cron", "this is no pattern").with_detail("why", why)
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text, self.zone.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({self})")
    }
}

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        let (date, time) = (self.0.date(), self.0.time());
        let month_and_day = (date.month().unsigned_abs(), date.day().unsigned_abs());
        let (month, day) = (u32::from(month_and_day.0), u32::from(month_and_day.1));
        let hour = u32::from(time.hour().unsigned_abs());
        let minute = u32::from(time.minute().unsigned_abs());
        let second = u32::from(time.second().unsigned_abs());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(i32::from(date.year()), month, day),
            CivilTime::from_parts_unchecked(hour, minute, second),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let day = self.0.weekday().to_sunday_zero_offset().unsigned_abs();
        Weekday::from_days_from_sunday(u32::from(day))
    }

    fn resolve_civil(
        &self,
        civil: CivilDateTime,
    ) -> std::result::Result<Resolution<Self>, CronError> {
        let part = |number: u32| i8::try_from(number).ok();
        let local = || {
            let year = i16::try_from(civil.year()).ok()?;
            let (month, day) = (part(civil.month())?, part(civil.day())?);
            let (hour, minute) = (part(civil.hour())?, part(civil.minute())?);
            DateTime::new(year, month, day, hour, minute, part(civil.second())?, 0).ok()
        };
        local().map(|local| Resolution::Single(Self(local))).ok_or(CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests;
