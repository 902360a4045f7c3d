//! Several changes of a registry: all or nothing, or as far as they go.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::table::{Done, Edit, Locked, Registering, Table, not_registered};
use crate::actor::{Actor, ActorRef, HeldAs, refused};
use crate::error::{Error, Result};

/// One actor to be registered, for those who register many.
#[derive(Debug, Clone)]
#[must_use]
pub struct Registration {
    registering: Registering,
}

/// Changes that are made together: [`Registry::commit`](super::Registry::commit) makes all of them
/// or none, and nobody sees some of them without the others.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is changed until it is committed"]
pub struct Changes(Vec<Change>);

#[derive(Debug, Clone)]
enum Change {
    Register(Registering),
    Unregister(Arc<str>),
    Edit(Arc<str>, Edit),
}

/// What happens to the rest of a batch when one of it cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "one goes on, or one does not")]
pub enum OnError {
    /// The rest is not tried.
    #[default]
    Stop,
    /// The rest is tried all the same.
    Continue,
}

/// What has become of a batch.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct BatchReport {
    /// The keys it was done for, in the order of the batch.
    pub done: Vec<Arc<str>>,
    /// The keys it could not be done for, and why.
    pub failed: Vec<(Arc<str>, Error)>,
    /// The keys that were not tried, because an earlier one had failed.
    pub untried: Vec<Arc<str>>,
}

/// How many changes one commit may have: the shards that it needs are locked meanwhile, for some
/// milliseconds with so many.
const MOST_CHANGES: usize = 10_000;

/// What takes back a change that was made.
enum Undo {
    /// Takes out what was put in, and its owner holds it no longer.
    Take(Arc<str>, u64),
    /// Puts in again the last `usize` of what was taken out. Their owners have held it all the
    /// time.
    PutBack(usize),
    /// Gives back the metadata of before.
    Restore(Arc<str>, u64, Value),
}

// === impl Registration ===

impl Registration {
    /// `owner` under `key`, without metadata.
    pub fn new<A: Actor>(key: impl Into<Arc<str>>, owner: &ActorRef<A>) -> Self {
        let owner = owner.peer();
        Self { registering: Registering { key: key.into(), owner, metadata: Value::Null } }
    }

    /// What is said of it, for queries.
    pub fn metadata(mut self, metadata: impl Into<Value>) -> Self {
        self.registering.metadata = metadata.into();
        self
    }

    pub(super) fn into_registering(self) -> Registering {
        self.registering
    }
}

// === impl Changes ===

impl Changes {
    /// No changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers an actor.
    pub fn register(mut self, registration: Registration) -> Self {
        self.0.push(Change::Register(registration.registering));
        self
    }

    /// Removes a registration.
    pub fn unregister(mut self, key: impl Into<Arc<str>>) -> Self {
        self.0.push(Change::Unregister(key.into()));
        self
    }

    /// Replaces the metadata of a registration.
    pub fn set_metadata(mut self, key: impl Into<Arc<str>>, metadata: impl Into<Value>) -> Self {
        self.0.push(Change::Edit(key.into(), Edit::Set(metadata.into())));
        self
    }

    /// Adds to the metadata of a registration, key by key.
    pub fn merge_metadata(mut self, key: impl Into<Arc<str>>, more: Map<String, Value>) -> Self {
        self.0.push(Change::Edit(key.into(), Edit::Merge(more)));
        self
    }
}

impl Change {
    fn key(&self) -> &Arc<str> {
        match self {
            Self::Register(registering) => &registering.key,
            Self::Unregister(key) | Self::Edit(key, _) => key,
        }
    }
}

// === impl BatchReport ===

impl BatchReport {
    /// Does `each` with every one of a batch.
    pub(super) fn of<T>(
        batch: impl Iterator<Item = T>,
        on_error: OnError,
        key: impl Fn(&T) -> &Arc<str>,
        mut each: impl FnMut(T) -> Result<()>,
    ) -> Self {
        let mut report = Self { done: Vec::new(), failed: Vec::new(), untried: Vec::new() };
        for one in batch {
            let key = Arc::clone(key(&one));
            if on_error == OnError::Stop && !report.failed.is_empty() {
                report.untried.push(key);
                continue;
            }
            match each(one) {
                Ok(()) => report.done.push(key),
                Err(error) => report.failed.push((key, error)),
            }
        }
        report
    }
}

// === impl Table ===

impl Table {
    /// Makes all changes, in their order, or none.
    ///
    /// # Errors
    ///
    /// What the first change that is impossible fails with, and the detail `change`;
    /// `invalid_options` for too many.
    pub(super) fn commit(self: &Arc<Self>, Changes(changes): Changes) -> Result<()> {
        if changes.len() > MOST_CHANGES {
            return Err(refused("changes", "a commit has at most 10,000 changes"));
        }
        for (index, change) in changes.iter().enumerate() {
            if let Change::Register(registering) = change {
                self.check(registering).map_err(|error| error.with_detail("change", index))?;
            }
        }
        let mut locked = self.lock_all(changes.iter().map(|change| &**change.key()));
        let (mut done, mut undo, mut committed) = (Done::default(), Vec::new(), Ok(()));
        let mut changes = changes.into_iter().enumerate();
        for (index, change) in changes.by_ref() {
            if let Err(error) = self.change(&mut locked, change, &mut done, &mut undo) {
                committed = Err(error.with_detail("change", index));
                break;
            }
        }
        if committed.is_err() {
            for undo in undo.drain(..).rev() {
                undo.carry_out(&mut locked, &mut done);
            }
            // Nothing has happened.
            done.events.clear();
        }
        self.settle(&mut done);
        drop(locked);
        // What is left of the changes belongs to others, and may be the last of them.
        drop((changes, done));
        committed
    }

    /// Makes one change, and says how it is taken back, also when it fails half-way.
    fn change(
        self: &Arc<Self>,
        locked: &mut Locked<'_>,
        change: Change,
        done: &mut Done,
        undo: &mut Vec<Undo>,
    ) -> Result<()> {
        let key = Arc::clone(change.key());
        let missing = || not_registered(self.name(), &key);
        let shard = locked.shard(&key).ok_or_else(missing)?;
        let taken_before = done.taken.len();
        let edit = match change {
            Change::Register(registering) => {
                let inserted = self.insert(shard, registering, || (), done);
                undo.push(Undo::PutBack(done.taken.len() - taken_before));
                undo.push(Undo::Take(key, inserted?));
                return Ok(());
            }
            Change::Unregister(_) => None,
            Change::Edit(_, edit) => Some(edit),
        };
        let number = shard.live(&key).next().ok_or_else(missing)?.number;
        if let Some(edit) = edit {
            let holder = shard.get_mut(&key, number).ok_or_else(missing)?;
            let before = holder.metadata.clone();
            edit.apply(&mut holder.metadata);
            undo.push(Undo::Restore(key, number, before));
        } else {
            done.take(shard, &key, number);
            undo.push(Undo::PutBack(1));
        }
        Ok(())
    }
}

impl Undo {
    /// Takes it back.
    fn carry_out(self, locked: &mut Locked<'_>, done: &mut Done) {
        match self {
            Self::Take(key, number) => {
                let taken = locked.shard(&key).and_then(|shard| shard.take(&key, number));
                if let Some((key, holder)) = taken {
                    let held = HeldAs { number, key };
                    holder.owner.process.core().life.unhold(&held);
                    done.refused.push(holder.owner);
                }
            }
            Self::PutBack(many) => {
                for _ in 0..many {
                    let Some((key, holder)) = done.taken.pop() else { return };
                    if let Some(shard) = locked.shard(&key) {
                        shard.put(key, holder);
                    }
                }
            }
            Self::Restore(key, number, before) => {
                let shard = locked.shard(&key);
                if let Some(holder) = shard.and_then(|shard| shard.get_mut(&key, number)) {
                    holder.metadata = before;
                }
            }
        }
    }
}
