//! What operators ask of a runner.

use std::collections::BTreeSet;

use foundation::Result;

use super::dead::DeadLetter;
use super::kept::{DEAD, dead_key};
use super::run::Runner;
use super::state::State;
use crate::log::{LogPosition, PartChange, entry_at};

/// How many dead letters are redriven or purged at a time.
const MOST_AT_ONCE: usize = 1000;

impl Runner {
    pub(super) async fn redrive(&mut self, positions: Vec<LogPosition>) -> Result<u64> {
        let mut redriven = 0;
        let positions: BTreeSet<_> = positions.into_iter().collect();
        for position in positions.into_iter().take(MOST_AT_ONCE) {
            let part = self.log.load_part(&self.shared.owner, &dead_key(position)).await?;
            if let Some(bytes) = part {
                redriven += self.redrive_one(&bytes).await?;
            }
        }
        Ok(redriven)
    }

    pub(super) async fn redrive_all(&mut self) -> Result<u64> {
        let parts = self.log.list_parts(&self.shared.owner, DEAD, MOST_AT_ONCE).await?;
        let mut redriven = 0;
        for (_, bytes) in parts.iter().filter(|(key, _)| key.starts_with(DEAD)) {
            redriven += self.redrive_one(bytes).await?;
        }
        Ok(redriven)
    }

    /// One if it can be delivered: it is with the dead letter, or in the log.
    async fn redrive_one(&mut self, bytes: &[u8]) -> Result<u64> {
        let letter = DeadLetter::read(&self.shared.name, bytes)?;
        let signal = match letter.signal {
            Some(signal) => Some(signal),
            None => entry_at(&*self.log, letter.position).await?.map(|entry| entry.signal),
        };
        let Some(signal) = signal else { return Ok(0) };
        self.state.redrive(letter.position, signal);
        Ok(1)
    }

    pub(super) async fn purge(&mut self, positions: Vec<LogPosition>) -> Result<u64> {
        // What could not be written before is there, or not there, from here on.
        self.write().await?;
        let mut purged = 0;
        let positions: BTreeSet<_> = positions.into_iter().collect();
        for position in positions.into_iter().take(MOST_AT_ONCE) {
            let key = dead_key(position);
            if self.log.load_part(&self.shared.owner, &key).await?.is_some() {
                self.drop_dead(position, key);
                purged += 1;
            }
        }
        self.write().await?;
        Ok(purged)
    }

    pub(super) async fn purge_all(&mut self) -> Result<u64> {
        self.write().await?;
        let mut purged = 0;
        loop {
            let parts = self.log.list_parts(&self.shared.owner, DEAD, MOST_AT_ONCE).await?;
            let keys: Vec<_> =
                parts.into_iter().map(|(key, _)| key).filter(|key| key.starts_with(DEAD)).collect();
            if keys.is_empty() {
                // There is none, whatever was counted.
                self.kept.dead = 0;
                self.write().await?;
                return Ok(purged);
            }
            for key in keys {
                let number = key.strip_prefix(DEAD).and_then(|number| number.parse().ok());
                self.drop_dead(LogPosition::new(number.unwrap_or(0)), key);
                purged += 1;
            }
            self.write().await?;
        }
    }

    pub(super) async fn seek(&mut self, position: LogPosition) -> Result<()> {
        self.shared.feed.stop();
        self.begin_epoch();
        self.shared.seek(self.epoch);
        let rules = self.shared.terms().options.rules;
        self.kept.go_to(position);
        self.state = State::new(rules, &self.kept.kept());
        self.errors.clear();
        self.write().await
    }

    fn drop_dead(&mut self, position: LogPosition, key: String) {
        self.state.forget_redriven(position);
        self.kept.dead = self.kept.dead.saturating_sub(1);
        self.changes.push(PartChange { key, value: None });
    }
}
