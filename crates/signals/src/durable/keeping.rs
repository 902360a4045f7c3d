//! What a runner writes, so that it survives: its state, and dead letters with it.

use foundation::Result;

use super::kept::{DEAD, KeptState, STATE, dead_key};
use super::run::Runner;
use crate::log::{MAX_PART_BYTES, MAX_PART_CHANGES, PartChange, SignalLog};

/// How many dead letters are counted at a time: they come with all that is in them.
const COUNTED_AT_ONCE: usize = 100;

/// Counts the dead letters, where it is not known how many there are.
pub(super) async fn recount(kept: &mut KeptState, log: &dyn SignalLog, owner: &str) -> Result<()> {
    if !kept.is_uncounted {
        return Ok(());
    }
    let (mut after, mut dead) = (DEAD.to_owned(), 0);
    loop {
        let parts = log.list_parts(owner, &after, COUNTED_AT_ONCE).await?;
        let last = parts.into_iter().map(|(key, _)| key).take_while(|key| key.starts_with(DEAD));
        let Some(last) = last.inspect(|_| dead += 1).last() else { break };
        after = last;
    }
    kept.dead = dead;
    kept.is_uncounted = false;
    Ok(())
}

impl Runner {
    /// Counts new dead letters. One may be there already: it was given up behind one that was open,
    /// or somebody has sought back, so that it was delivered again.
    pub(super) async fn count_dead(&mut self) -> Result<()> {
        while let Some(position) = self.uncounted.first().copied() {
            let there = self.log.load_part(&self.shared.owner, &dead_key(position)).await?;
            self.uncounted.remove(&position);
            self.kept.dead += u64::from(there.is_none());
        }
        Ok(())
    }

    /// Writes what has to survive, if it is another than before.
    pub(super) async fn write(&mut self) -> Result<()> {
        self.count_dead().await?;
        self.kept.keep(&self.state.kept());
        self.write_kept().await
    }

    /// Writes it for the last time in this life.
    pub(super) async fn write_last(&mut self) -> Result<()> {
        self.count_dead().await?;
        self.kept.keep(&self.state.kept());
        self.kept.settle();
        self.write_kept().await
    }

    async fn write_kept(&mut self) -> Result<()> {
        let state = self.kept.write()?;
        if state == self.written && self.changes.is_empty() {
            return Ok(());
        }
        // Dead letters first, where there are too many for one time: if it ends in between they
        // come again, and are written again. How many there are it cannot know then.
        let mut changes = self.changes.clone();
        changes.push(state_part(state.clone()));
        let mut lots = at_once(changes);
        if lots.len() > 1 {
            let mut before = KeptState::read(&self.shared.name, &self.written)?;
            before.is_uncounted = true;
            lots.insert(0, vec![state_part(before.write()?)]);
        }
        for changes in lots {
            self.log.store_parts(&self.shared.owner, changes).await?;
        }
        // Not before: what could not be written is written with the next state.
        self.changes.clear();
        self.written = state;
        self.written_cursor = self.state.cursor();
        Ok(())
    }
}

fn state_part(state: Vec<u8>) -> PartChange {
    PartChange { key: STATE.to_owned(), value: Some(state) }
}

/// Changes in order, in as few lots as a log takes at a time.
fn at_once(changes: Vec<PartChange>) -> Vec<Vec<PartChange>> {
    let (mut lots, mut bytes) = (vec![Vec::new()], 0);
    for change in changes {
        let size = change.key.len() + change.value.as_ref().map_or(0, Vec::len);
        let full = lots.last().is_some_and(|lot| {
            lot.len() == MAX_PART_CHANGES || (!lot.is_empty() && bytes + size > MAX_PART_BYTES)
        });
        if full {
            lots.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(lot) = lots.last_mut() {
            lot.push(change);
        }
    }
    lots
}

#[cfg(test)]
mod tests;
