//! For whom a flag is on. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::hash::{BUCKETS, flag_bucket};
use crate::actor::refused;
use crate::error::{Error, Result};

/// How many ids can be named on and off for one flag, together: a list that is read by people.
pub(super) const MOST_TARGETS: usize = 10_000;

/// A part of all ids: 0 to 100 %, in steps of 0.01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Percentage {
    /// In hundredths of a percent.
    hundredths: u16,
}

/// For whom a flag is on: for some ids by name, for others not, for the rest by percentage.
///
/// As JSON: `{ "percentage": 1250, "on_for": ["agent-1"], "off_for": [] }`, the percentage in
/// hundredths, lists left out where they are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FlagRule {
    /// For how many it is on that are not named.
    pub percentage: Percentage,
    /// For whom it is on, whatever the percentage.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub on_for: BTreeSet<String>,
    /// For whom it is off, whatever the percentage.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub off_for: BTreeSet<String>,
}

/// A change of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Edit {
    Percentage(Percentage),
    OnFor(String),
    OffFor(String),
    Untarget(String),
    Reset,
}

// === impl Percentage ===

impl Percentage {
    /// Nobody.
    pub const NONE: Self = Self { hundredths: 0 };
    /// Everybody.
    pub const ALL: Self = Self { hundredths: 10_000 };

    /// So many percent; 0 to 100, in steps of 0.01.
    ///
    /// # Errors
    ///
    /// `invalid_options` for anything else, above all for what is no number.
    pub fn new(percent: f64) -> Result<Self> {
        let hundredths = percent * 100.0;
        let whole = hundredths.round();
        // Nothing of what is no number is true.
        if !(0.0..=10_000.0).contains(&hundredths) || (hundredths - whole).abs() > 1e-6 {
            return Err(refused("percentage", "0 to 100, in steps of 0.01"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number of 0 to 10,000"
        )]
        let hundredths = whole as u16;
        Ok(Self { hundredths })
    }

    /// In percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }

    /// In hundredths of a percent.
    #[must_use]
    pub const fn hundredths(self) -> u16 {
        self.hundredths
    }

    /// Whether an id in this [place](flag_bucket) is in it.
    pub(super) const fn holds(self, place: u16) -> bool {
        place < self.hundredths
    }
}

impl TryFrom<u16> for Percentage {
    type Error = Error;

    /// From hundredths of a percent.
    fn try_from(hundredths: u16) -> Result<Self> {
        if u64::from(hundredths) > BUCKETS {
            return Err(refused("percentage", "0 to 10,000 hundredths"));
        }
        Ok(Self { hundredths })
    }
}

impl From<Percentage> for u16 {
    fn from(percentage: Percentage) -> Self {
        percentage.hundredths
    }
}

impl fmt::Debug for Percentage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Percentage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}

// === impl FlagRule ===

impl FlagRule {
    /// On for so many, and for nobody by name.
    #[must_use]
    pub const fn percentage(percentage: Percentage) -> Self {
        Self { percentage, on_for: BTreeSet::new(), off_for: BTreeSet::new() }
    }

    /// On for everybody.
    #[must_use]
    pub const fn on() -> Self {
        Self::percentage(Percentage::ALL)
    }

    /// Off for everybody.
    #[must_use]
    pub const fn off() -> Self {
        Self::percentage(Percentage::NONE)
    }

    /// Whether `flag` is on for `id` by this rule. Who is named both on and off, which no change
    /// through [`Flags`](super::Flags) brings about, is off.
    #[must_use]
    pub fn is_on_for(&self, flag: &str, id: &str) -> bool {
        if self.off_for.contains(id) {
            return false;
        }
        self.on_for.contains(id) || self.percentage.holds(flag_bucket(flag, id))
    }

    /// Whether anybody is named.
    pub(super) fn names_anybody(&self) -> bool {
        !self.on_for.is_empty() || !self.off_for.is_empty()
    }

    /// The rule after a change. `default` is the one that the flag was defined with.
    ///
    /// # Errors
    ///
    /// `invalid_options` when too many would be named.
    pub(super) fn edited(&self, edit: Edit, default: &Self) -> Result<Self> {
        let mut rule = self.clone();
        match edit {
            Edit::Percentage(percentage) => rule.percentage = percentage,
            Edit::OnFor(id) => {
                rule.off_for.remove(&id);
                rule.on_for.insert(id);
            }
            Edit::OffFor(id) => {
                rule.on_for.remove(&id);
                rule.off_for.insert(id);
            }
            Edit::Untarget(id) => {
                rule.on_for.remove(&id);
                rule.off_for.remove(&id);
            }
            Edit::Reset => rule = default.clone(),
        }
        if rule.on_for.len() + rule.off_for.len() > MOST_TARGETS {
            return Err(refused("id", "a flag names 10,000 ids at most"));
        }
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    //! Percentages that can be, rules, and their changes.

    use super::{Edit, FlagRule, MOST_TARGETS, Percentage};

    fn percent(percent: f64) -> Percentage {
        Percentage::new(percent).unwrap()
    }

    #[test]
    fn a_percentage_is_a_number_of_0_to_100_in_hundredths() {
        for (given, hundredths) in
            [(0.0, 0), (0.01, 1), (12.5, 1250), (33.33, 3333), (100.0, 10_000)]
        {
            assert_eq!(percent(given).hundredths(), hundredths);
            assert!((percent(given).percent() - given).abs() < 1e-9);
        }
        let cannot_be =
            [-1.0, 101.0, -0.01, 100.01, 0.001, 99.999, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        for given in cannot_be {
            assert_eq!(Percentage::new(given).unwrap_err().code(), "invalid_options", "{given}");
        }
    }

    #[test]
    fn who_is_named_is_on_or_off_whatever_the_percentage() {
        let mut rule = FlagRule::off();
        assert!(!rule.is_on_for("canary", "agent-1"));
        rule.on_for.insert("agent-1".into());
        assert!(rule.is_on_for("canary", "agent-1") && !rule.is_on_for("canary", "agent-2"));
        let mut rule = FlagRule::on();
        rule.off_for.insert("agent-1".into());
        assert!(!rule.is_on_for("canary", "agent-1") && rule.is_on_for("canary", "agent-2"));
        rule.on_for.insert("agent-1".into());
        assert!(!rule.is_on_for("canary", "agent-1"));
    }

    #[test]
    fn naming_an_id_takes_it_from_the_other_list() {
        let default = FlagRule::percentage(percent(7.0));
        let edit = |rule: &FlagRule, edit| rule.edited(edit, &default).unwrap();
        let on = edit(&default, Edit::OnFor("a".into()));
        assert_eq!((on.on_for.len(), on.off_for.len()), (1, 0));
        let off = edit(&on, Edit::OffFor("a".into()));
        assert_eq!((off.on_for.len(), off.off_for.len()), (0, 1));
        assert_eq!(edit(&off, Edit::Untarget("a".into())), default);
        let half = edit(&off, Edit::Percentage(percent(50.0)));
        assert_eq!((half.percentage, half.off_for.len()), (percent(50.0), 1));
        assert_eq!(edit(&half, Edit::Reset), default);
    }

    #[test]
    fn no_more_are_named_than_may_be() {
        let mut rule = FlagRule::off();
        rule.on_for = (0..MOST_TARGETS).map(|n| n.to_string()).collect();
        let more = |id: &str| rule.edited(Edit::OffFor(id.into()), &FlagRule::off());
        assert_eq!(more("another").unwrap_err().code(), "invalid_options");
        assert_eq!(more("7").unwrap().off_for.len(), 1);
    }

    #[test]
    fn a_rule_is_written_and_read_as_the_documents_say() {
        let mut rule = FlagRule::percentage(percent(12.5));
        rule.on_for.insert("agent-1".into());
        let json = r#"{"percentage":1250,"on_for":["agent-1"]}"#;
        assert_eq!(serde_json::to_string(&rule).unwrap(), json);
        assert_eq!(serde_json::from_str::<FlagRule>(json).unwrap(), rule);
        for wrong in
            [r#"{"percentage":10001}"#, r#"{"percentage":-1}"#, "{}", r#"{"percentage":1,"of":2}"#]
        {
            serde_json::from_str::<FlagRule>(wrong).unwrap_err();
        }
    }
}
