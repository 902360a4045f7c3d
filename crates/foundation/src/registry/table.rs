//! Who is registered under which key, as all share it who look.
//!
//! - **There is no one lock.** Keys are spread over shards; whoever changes several keys at once
//!   locks their shards in one order. Beneath a shard's lock the life of an owner and the mailbox
//!   of a listener may be locked, never the other way round. No code of a user runs there, and
//!   nothing of a user's is dropped.
//! - **Nobody dead is found.** An owner that ends lets go of what it holds before its end is
//!   announced; until it has, it is seen to be dead. So a name is free as soon as its owner has
//!   ended, and what an owner lets go of is never what somebody else holds by then.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use serde_json::Value;

use super::holders::{Holder, Holders};
use super::lock::Locks;
use super::query::Query;
use super::{RegistryChange, RegistryEntry, RegistryEvent};
use crate::actor::{Actor, ActorRef, HeldAs, Holding, Peer, Pid, refused};
use crate::deadline::Deadlines;
use crate::error::{Error, Result, codes};
use crate::listen::Listeners;
use crate::ports::Ports;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

/// How many locks there are. Several times as many as most machines have cores, so that two rarely
/// want the same one; few enough that to look through all of them costs nothing.
const SHARDS: usize = 64;
/// How long a key may be, in bytes. As a name of an actor.
const LONGEST_KEY: usize = 255;

/// Whether a key may have several holders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    Unique,
    Duplicate,
}

/// All that is registered.
pub(crate) struct Table {
    name: Arc<str>,
    keys: Keys,
    /// What only the same system has.
    ports: Arc<Ports>,
    pub(super) deadlines: Arc<Deadlines>,
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// Changed under the locks of the shards, all changes of a commit at a time.
    len: AtomicUsize,
    pub(super) listeners: Arc<Listeners<RegistryEvent>>,
    pub(super) locks: Arc<Locks>,
}

#[derive(Default)]
pub(super) struct Shard {
    holders: HashMap<Arc<str>, Holders>,
}

/// What is to be registered: under which key, by whom, with what.
#[derive(Debug, Clone)]
pub(super) struct Registering {
    pub(super) key: Arc<str>,
    pub(super) owner: Peer,
    pub(super) metadata: Value,
}

/// How metadata is changed.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// In place of what there is.
    Set(Value),
    /// Key by key into what there is.
    Merge(serde_json::Map<String, Value>),
}

impl Table {
    pub(super) fn new(
        name: Arc<str>,
        keys: Keys,
        ports: &Arc<Ports>,
        deadlines: &Arc<Deadlines>,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            keys,
            ports: Arc::clone(ports),
            deadlines: Arc::clone(deadlines),
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            len: AtomicUsize::new(0),
            listeners: Arc::new(Listeners::new(ports)),
            locks: Arc::default(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many registrations there are.
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Registers an owner. `begin` is called when the key is found to be free, and before anybody
    /// can know of it: for an owner that begins with this.
    ///
    /// # Errors
    ///
    /// `invalid_options`; `already_registered`; `no_process` when the owner has ended.
    pub(super) fn register(
        self: &Arc<Self>,
        registering: Registering,
        begin: impl FnOnce(),
    ) -> Result<()> {
        self.check(&registering)?;
        let key = Arc::clone(&registering.key);
        let mut done = Done::default();
        let mut shard = self.lock(&key);
        let registered = self.insert(&mut shard, registering, begin, &mut done);
        self.settle(&mut done);
        drop(shard);
        registered.map(drop)
    }

    /// Removes all registrations under a key that `wanted` says yes to, and gives how many.
    pub(super) fn unregister(&self, key: &str, wanted: impl Fn(&Holder) -> bool) -> usize {
        let mut done = Done::default();
        let mut shard = self.lock(key);
        let wanted: Vec<_> =
            shard.live(key).filter(|holder| wanted(holder)).map(|it| it.number).collect();
        for number in &wanted {
            done.take(&mut shard, key, *number);
        }
        self.settle(&mut done);
        drop(shard);
        wanted.len()
    }

    /// Changes the metadata of all registrations under a key that `wanted` says yes to, and gives
    /// how many.
    pub(super) fn edit(&self, key: &str, edit: &Edit, wanted: impl Fn(&Holder) -> bool) -> usize {
        let mut shard = self.lock(key);
        let Some(holders) = shard.holders.get_mut(key) else { return 0 };
        let mut edited = 0;
        holders.for_each(|holder| {
            if holder.owner.is_there() && wanted(holder) {
                edit.apply(&mut holder.metadata);
                edited += 1;
            }
        });
        edited
    }

    /// Who holds a key, in the order of their registration.
    pub(super) fn holders(&self, key: &str) -> Vec<RegistryEntry> {
        let shard = self.lock(key);
        let found: Vec<_> = shard.live(key).cloned().collect();
        drop(shard);
        let key: Arc<str> = key.into();
        found.into_iter().map(|holder| RegistryEntry::new(Arc::clone(&key), holder)).collect()
    }

    /// The first who holds a key.
    pub(super) fn first(&self, key: &str) -> Option<Peer> {
        self.lock(key).live(key).next().map(|holder| holder.owner.clone())
    }

    /// All registrations that a query finds, in their order. Each shard is looked at by itself.
    ///
    /// # Errors
    ///
    /// `invalid_query`.
    pub(super) fn select(&self, query: &Query) -> Result<Vec<RegistryEntry>> {
        query.validate()?;
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let all = shard.holders.iter();
            let all = all.flat_map(|(key, holders)| holders.iter().map(move |it| (key, it)));
            let live = all.filter(|(_, holder)| holder.owner.is_there());
            let wanted = live.filter(|(_, holder)| query.matches(&holder.metadata));
            found.extend(wanted.map(|(key, holder)| (Arc::clone(key), holder.clone())));
        }
        found.sort_unstable_by_key(|(_, holder)| holder.number);
        let found = query.cut(found);
        Ok(found.into_iter().map(|(key, holder)| RegistryEntry::new(key, holder)).collect())
    }

    /// The keys that have a holder, sorted.
    pub(super) fn keys(&self) -> Vec<Arc<str>> {
        let mut keys = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let live = shard.holders.keys().filter(|key| shard.live(key).next().is_some());
            keys.extend(live.cloned());
        }
        keys.sort_unstable();
        keys
    }

    /// Has an incarnation hear of everything from now on.
    ///
    /// # Errors
    ///
    /// `no_process`; `invalid_options`.
    pub(super) fn listen<A: Actor>(
        &self,
        listener: &ActorRef<A>,
        make: impl Fn(RegistryEvent) -> A::Message + Send + Sync + 'static,
    ) -> Result<()> {
        self.listeners.add(listener, make)
    }

    /// Has an incarnation hear of nothing more.
    ///
    /// # Errors
    ///
    /// `not_registered` when it does not listen.
    pub(super) fn unlisten(&self, listener: &Peer) -> Result<()> {
        let not_here = |error: Error| error.with_detail("registry", self.name());
        self.listeners.remove(listener).map_err(not_here)
    }

    /// Refuses a key that cannot be, and an owner of another system.
    pub(super) fn check(&self, registering: &Registering) -> Result<()> {
        check_key(&registering.key)?;
        self.check_owner(&registering.owner)
    }

    /// Refuses an actor of another system.
    pub(super) fn check_owner(&self, owner: &Peer) -> Result<()> {
        if Arc::ptr_eq(&owner.process.core().system.ports, &self.ports) {
            return Ok(());
        }
        Err(refused("owner", "it belongs to another system than the registry"))
    }
}

/// What was done under the lock of a shard, or of several.
#[derive(Default)]
pub(super) struct Done {
    /// What listeners hear of it.
    pub(super) events: Vec<RegistryEvent>,
    /// What was taken out, and is held until this is settled.
    pub(super) taken: Vec<(Arc<str>, Holder)>,
    /// Who was not registered after all. Dropped after the lock: with the last reference to an
    /// actor that has ended goes an error of the user's.
    pub(super) refused: Vec<Peer>,
}

impl Done {
    /// Takes a registration out. Its owner holds it until that is settled.
    pub(super) fn take(&mut self, shard: &mut Shard, key: &str, number: u64) -> bool {
        let Some((key, taken)) = shard.take(key, number) else { return false };
        let change = RegistryChange::Unregistered;
        self.events.push(RegistryEvent::new(change, &key, &taken.owner));
        self.taken.push((key, taken));
        true
    }
}

// === impl Table: under the lock of a shard ===

impl Table {
    /// The shards of these keys, locked in one order that is the same for all.
    pub(super) fn lock_all<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Locked<'_> {
        let mut wanted: Vec<_> = keys.map(|key| self.shard_of(key)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let shards = wanted.into_iter();
        let shards = shards.filter_map(|at| Some((at, self.shards.get(at)?.lock())));
        Locked { table: self, shards: shards.collect() }
    }

    #[expect(clippy::indexing_slicing, reason = "the index is taken modulo the length")]
    fn lock(&self, key: &str) -> MutexGuard<'_, Shard> {
        self.shards[self.shard_of(key)].lock()
    }

    fn shard_of(&self, key: &str) -> usize {
        usize::try_from(self.hasher.hash_one(key) % (SHARDS as u64)).unwrap_or(0)
    }

    /// Registers, and gives the number of the registration.
    pub(super) fn insert(
        self: &Arc<Self>,
        shard: &mut Shard,
        Registering { key, owner, metadata }: Registering,
        begin: impl FnOnce(),
        done: &mut Done,
    ) -> Result<u64> {
        if self.keys == Keys::Unique {
            let holder = shard.live(&key).next();
            if let Some(holder) = holder {
                let error = already_registered(&self.name, &key, &holder.owner);
                done.refused.push(owner);
                return Err(error);
            }
            // Whoever has ended and not yet let go finds nothing when it does.
            for number in shard.numbers(&key) {
                done.take(shard, &key, number);
            }
        }
        begin();
        let number = owner.process.core().system.next_number();
        let held = HeldAs { number, key: Arc::clone(&key) };
        if let Err(ended) = owner.hold(held, Arc::clone(self) as _) {
            done.refused.push(owner);
            return Err(ended);
        }
        done.events.push(RegistryEvent::new(RegistryChange::Registered, &key, &owner));
        shard.put(key, Holder { number, owner, metadata });
        Ok(number)
    }

    /// Has the owners hold no longer what was taken out, counts, and tells listeners: under the
    /// locks under which it was done.
    pub(super) fn settle(&self, done: &mut Done) {
        for (key, taken) in &done.taken {
            let held = HeldAs { number: taken.number, key: Arc::clone(key) };
            taken.owner.process.core().life.unhold(&held);
        }
        let is_more = |event: &&RegistryEvent| event.change == RegistryChange::Registered;
        let more = done.events.iter().filter(is_more).count();
        let fewer = done.events.len() - more;
        // In one step, for those who count meanwhile.
        self.len.fetch_add(more.wrapping_sub(fewer), Ordering::AcqRel);
        for event in done.events.drain(..) {
            self.listeners.tell(&event);
        }
    }
}

/// Several shards, locked.
pub(super) struct Locked<'a> {
    table: &'a Table,
    shards: Vec<(usize, MutexGuard<'a, Shard>)>,
}

impl Locked<'_> {
    /// The shard of a key that was locked.
    pub(super) fn shard(&mut self, key: &str) -> Option<&mut Shard> {
        let wanted = self.table.shard_of(key);
        let at = self.shards.binary_search_by_key(&wanted, |(at, _)| *at).ok()?;
        self.shards.get_mut(at).map(|(_, shard)| &mut **shard)
    }
}

impl Shard {
    /// Those who hold a key and have not ended.
    pub(super) fn live(&self, key: &str) -> impl Iterator<Item = &Holder> {
        let holders = self.holders.get(key).into_iter().flat_map(Holders::iter);
        holders.filter(|holder| holder.owner.is_there())
    }

    fn numbers(&self, key: &str) -> Vec<u64> {
        self.holders
            .get(key)
            .into_iter()
            .flat_map(Holders::iter)
            .map(|holder| holder.number)
            .collect()
    }

    /// Puts a holder there that holds the key, or is about to.
    pub(super) fn put(&mut self, key: Arc<str>, holder: Holder) {
        match self.holders.get_mut(&key) {
            Some(holders) => holders.insert(holder),
            None => drop(self.holders.insert(key, Holders::one(holder))),
        }
    }

    /// Takes a registration out.
    pub(super) fn take(&mut self, key: &str, number: u64) -> Option<(Arc<str>, Holder)> {
        let key = Arc::clone(self.holders.get_key_value(key)?.0);
        let holders = self.holders.get_mut(&key)?;
        let taken = holders.remove(number)?;
        if holders.is_empty() {
            self.holders.remove(&key);
        }
        Some((key, taken))
    }

    pub(super) fn get_mut(&mut self, key: &str, number: u64) -> Option<&mut Holder> {
        self.holders.get_mut(key)?.get_mut(number)
    }
}

impl Holding for Table {
    /// An owner has ended.
    fn let_go(&self, held: &HeldAs) {
        let mut done = Done::default();
        let mut shard = self.lock(&held.key);
        done.take(&mut shard, &held.key, held.number);
        self.settle(&mut done);
        drop(shard);
    }
}

impl Edit {
    pub(super) fn apply(&self, metadata: &mut Value) {
        match (self, metadata) {
            (Self::Set(value), metadata) => *metadata = value.clone(),
            (Self::Merge(more), Value::Object(all)) => {
                all.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            (Self::Merge(more), metadata) => *metadata = Value::Object(more.clone()),
        }
    }
}

/// Refuses a key that cannot be.
pub(super) fn check_key(key: &str) -> Result<()> {
    match key.len() {
        1..=LONGEST_KEY => Ok(()),
        _ => Err(refused("key", "a key has 1 to 255 bytes")),
    }
}

fn already_registered(registry: &str, key: &str, holder: &Peer) -> Error {
    let (actor, pid) = (holder.name(), holder.pid());
    Error::from(codes::ALREADY_REGISTERED)
        .with_message(format!("{key:?} is the name of {actor:?} {pid}"))
        .with_detail("registry", registry)
        .with_detail("key", key)
        .with_detail("actor", &*actor)
        .with_detail("pid", pid.to_string())
}

/// Nobody has this key.
pub(super) fn not_registered(registry: &str, key: &str) -> Error {
    Error::from(codes::NOT_REGISTERED)
        .with_message(format!("nobody has {key:?} in {registry:?}"))
        .with_detail("registry", registry)
        .with_detail("key", key)
}

/// Whether a holder is this incarnation.
pub(super) fn is(pid: Pid) -> impl Fn(&Holder) -> bool {
    move |holder| holder.owner.pid() == pid
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Table");
        shown.field("name", &self.name).field("keys", &self.keys).finish_non_exhaustive()
    }
}
