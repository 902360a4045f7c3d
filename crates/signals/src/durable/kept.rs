//! What of a durable subscription survives, as it is written beside the log: JSON, with a version.

use std::collections::BTreeMap;

use foundation::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::handle::Gap;
use super::state::Kept;
use crate::codes;
use crate::log::LogPosition;

/// The version that is written. Everything up to it is read.
const VERSION: u16 = 1;
/// The part that has the state.
pub(super) const STATE: &str = "state";
/// What the keys of dead letters begin with; then their position, so that they are in order.
pub(super) const DEAD: &str = "dead/";

/// What is written of a durable subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptState {
    version: u16,
    pub(super) patterns: Vec<String>,
    pub(super) created: Timestamp,
    cursor: u64,
    delivered_to: u64,
    #[serde(default)]
    attempts: BTreeMap<u64, u32>,
    /// The dead letters behind the cursor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    buried: Vec<u64>,
    /// How many dead letters there are.
    #[serde(default)]
    pub(super) dead: u64,
    /// Whether there may be more or fewer than that: some were to be written with a later state,
    /// and it is not known whether they were.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_uncounted: bool,
    #[serde(default)]
    pub(super) is_paused: bool,
    /// What was lost to it, the newest at the end.
    #[serde(default)]
    pub(super) gaps: Vec<Gap>,
}

impl KeptState {
    pub(super) fn new(patterns: Vec<String>, created: Timestamp, start: LogPosition) -> Self {
        Self {
            version: VERSION,
            patterns,
            created,
            cursor: start.get(),
            delivered_to: start.get(),
            attempts: BTreeMap::new(),
            buried: Vec::new(),
            dead: 0,
            is_uncounted: false,
            is_paused: false,
            gaps: Vec::new(),
        }
    }

    pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let unreadable = |why: String| {
            Error::from(codes::SUBSCRIPTION_UNREADABLE)
                .with_message(why)
                .with_detail("subscription", name)
        };
        let state: Self = serde_json::from_slice(bytes)
            .map_err(|error| unreadable("it is not what is written".into()).with_source(error))?;
        if state.version > VERSION {
            return Err(unreadable(format!("it is of version {}", state.version)));
        }
        Ok(state)
    }

    pub(super) fn write(&self) -> Result<Vec<u8>> {
        foundation::boundary::json(serde_json::to_vec(self))
    }

    pub(super) fn kept(&self) -> Kept {
        let attempts = self.attempts.iter();
        Kept {
            cursor: LogPosition::new(self.cursor),
            delivered_to: LogPosition::new(self.delivered_to),
            attempts: attempts.map(|(at, attempt)| (LogPosition::new(*at), *attempt)).collect(),
            buried: self.buried.iter().copied().map(LogPosition::new).collect(),
        }
    }

    pub(super) fn keep(&mut self, kept: &Kept) {
        self.cursor = kept.cursor.get();
        self.delivered_to = kept.delivered_to.get();
        self.attempts = kept.attempts.iter().map(|(at, attempt)| (at.get(), *attempt)).collect();
        self.buried = kept.buried.iter().map(|position| position.get()).collect();
    }

    /// It goes on behind a position.
    pub(super) fn go_to(&mut self, position: LogPosition) {
        self.cursor = position.get();
        self.delivered_to = position.get();
        self.attempts.clear();
        self.buried.clear();
    }

    /// Nothing is under way: it was ended in order.
    pub(super) const fn settle(&mut self) {
        self.delivered_to = self.cursor;
    }
}

/// The key of the dead letter of a position.
pub(super) fn dead_key(position: LogPosition) -> String {
    format!("{DEAD}{:020}", position.get())
}

#[cfg(test)]
mod tests;
