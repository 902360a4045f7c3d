//! The life of an actor as others see it: what was asked of it, why it ends, and who is to hear.
//!
//! One table for all incarnations of a place. Whoever watches is told of the incarnation that was
//! alive then; whoever comes too late learns at once that it is dead. Nothing is told under the
//! lock: what has to be told is taken out, and told by whoever announces the end.
//!
//! This file is compiled a second time by the tests, against a scheduler that tries every order.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Pid;
use super::watch::MonitorRef;
use crate::exit::ExitReason;
use crate::sync::{AtomicU32, Mutex, Ordering};

/// The life of one place. `P` is a reference to one incarnation of another one.
#[derive(Debug)]
pub(crate) struct Life<P> {
    /// The incarnation that lives, or the last that did; 0 before the first.
    generation: AtomicU32,
    /// There only when somebody asks or waits for the end, or when it comes.
    told: Mutex<Option<Box<Told<P>>>>,
}

#[derive(Debug)]
struct Told<P> {
    /// Why it should end, if it was asked to.
    request: Option<ExitReason>,
    /// Why it is ending, once that is decided.
    ending: Option<ExitReason>,
    /// Why the last incarnation that has ended did, and which one that was.
    exit: Option<(u32, ExitReason)>,
    watchers: Watchers<P>,
    links: BTreeMap<Pid, Link<P>>,
    /// Whether ends of linked ones are told, in place of ending this one.
    traps_exits: bool,
    /// Whether it ends and only waits for those that belong to it: no more do.
    closing: bool,
    /// What the incarnation that lives shares with those who have a reference to it.
    shared: Option<Arc<dyn Any + Send + Sync>>,
    /// What it holds elsewhere. Boxed, because few hold anything.
    held: Option<Box<Held>>,
}

/// What an incarnation holds elsewhere, such as a name, and what has to learn of its end before
/// anybody else does.
pub(crate) trait Holding: std::fmt::Debug + Send + Sync {
    /// Takes back what was held.
    fn let_go(&self, held: &HeldAs);
}

/// Under which key something is held, and the how many-th holding that was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HeldAs {
    /// Which holding. Two never have the same in one system.
    pub(crate) number: u64,
    pub(crate) key: Arc<str>,
}

type Held = BTreeMap<HeldAs, Arc<dyn Holding>>;

#[derive(Debug)]
struct Link<P> {
    peer: P,
    /// Whether the other one belongs to this one, and has to be gone before it is.
    owned: bool,
    /// Whether the end of the other one is of no account to this one.
    hushed: bool,
    /// Whether the other one was found dead, which is being told.
    told: bool,
}

/// Watchers in the order in which they came, and so of their keys. One that leaves lets its place
/// stand until half of the places are empty: no step is longer the more of them there are.
#[derive(Debug)]
struct Watchers<P> {
    places: Vec<(u64, Option<Watcher<P>>)>,
    present: usize,
    next: u64,
}

/// Somebody who is told of the end.
#[derive(Debug)]
pub(crate) enum Watcher<P> {
    /// Code that waits, in whatever task.
    Waiting(oneshot::Sender<ExitReason>),
    /// An actor.
    Monitor(P, MonitorRef),
}

/// What a watcher gets: the reason now, or later with the key to leave.
pub(crate) enum Watch {
    Ended(ExitReason),
    Later(u64, oneshot::Receiver<ExitReason>),
}

/// Everybody who is to hear of an end.
pub(crate) struct Bereaved<P> {
    pub(crate) watchers: Vec<Watcher<P>>,
    pub(crate) links: Vec<P>,
    held: Option<Box<Held>>,
    /// Dropped with this, outside of the lock.
    _shared: Option<Arc<dyn Any + Send + Sync>>,
}

/// The actor is dead, and which of its incarnations was the last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dead(pub(crate) u32);

impl<P> Life<P> {
    pub(crate) fn new() -> Self {
        Self { generation: AtomicU32::new(0), told: Mutex::new(None) }
    }

    /// The incarnation that lives, or the last that did.
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// Begins the next incarnation, when the one before is dead, and gives its number.
    pub(crate) fn begin(&self) -> u32 {
        let mut told = self.told.lock();
        if let Some(told) = told.as_mut() {
            told.request = None;
            told.ending = None;
            told.traps_exits = false;
            told.closing = false;
        }
        self.generation.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Whether an incarnation lives.
    pub(crate) fn is_alive(&self) -> bool {
        let told = self.told.lock();
        let generation = self.generation();
        generation > 0 && told.as_ref().is_none_or(|told| !told.has_ended(generation))
    }

    /// Why the given incarnation ended, when it has; of an earlier one than the last that did, why
    /// the last did, because no more is kept.
    pub(crate) fn exit_of(&self, generation: u32) -> Option<ExitReason> {
        let told = self.told.lock();
        let (ended, reason) = told.as_ref()?.exit.as_ref()?;
        (*ended >= generation).then(|| reason.clone())
    }

    /// Asks it to end. The first reason given counts.
    pub(crate) fn request(&self, generation: u32, reason: ExitReason) {
        self.with(|told| {
            if self.generation() == generation && !told.has_ended(generation) {
                told.request.get_or_insert(reason);
            }
        });
    }

    /// The reason that was given with a request to end.
    pub(crate) fn take_request(&self) -> Option<ExitReason> {
        self.told.lock().as_mut()?.request.take()
    }

    /// Decides why it ends, unless that was decided before.
    pub(crate) fn set_ending(&self, reason: &ExitReason) {
        self.with(|told| {
            told.ending.get_or_insert_with(|| reason.clone());
        });
    }

    /// Why the last incarnation is ending or has ended.
    pub(crate) fn ending(&self) -> Option<ExitReason> {
        self.told.lock().as_ref()?.ending.clone()
    }

    /// Ends the incarnation, and gives whoever is to hear of it. From here on it is dead.
    pub(crate) fn end(&self, reason: &ExitReason) -> Bereaved<P> {
        let generation = self.generation();
        self.with(|told| {
            told.exit = Some((generation, reason.clone()));
            told.request = None;
            let links = std::mem::take(&mut told.links).into_values();
            Bereaved {
                watchers: told.watchers.take(),
                links: links.map(|link| link.peer).collect(),
                held: told.held.take(),
                _shared: told.shared.take(),
            }
        })
    }

    /// Holds something until this incarnation ends.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub(crate) fn hold(
        &self,
        generation: u32,
        held: HeldAs,
        by: Arc<dyn Holding>,
    ) -> Result<(), Dead> {
        self.while_alive(|told| {
            if self.generation() != generation {
                return Err(Dead(generation));
            }
            told.held.get_or_insert_default().insert(held, by);
            Ok(())
        })?
    }

    /// Holds something no longer.
    pub(crate) fn unhold(&self, held: &HeldAs) {
        let mut told = self.told.lock();
        let Some(all) = told.as_mut().and_then(|told| told.held.as_mut()) else { return };
        let by = all.remove(held);
        let none = all.is_empty().then(|| told.as_mut().and_then(|told| told.held.take()));
        drop(told);
        drop((by, none));
    }

    /// What is held, which it holds no longer and goes on.
    pub(crate) fn give_up(&self) -> Bereaved<P> {
        let held = self.told.lock().as_mut().and_then(|told| told.held.take());
        Bereaved { watchers: Vec::new(), links: Vec::new(), held, _shared: None }
    }

    /// How much is held.
    pub(crate) fn holdings(&self) -> usize {
        let told = self.told.lock();
        told.as_ref().and_then(|told| told.held.as_ref()).map_or(0, |held| held.len())
    }

    /// Shares something with whoever has a reference, as long as this incarnation lives.
    pub(crate) fn share(&self, shared: Arc<dyn Any + Send + Sync>) {
        let before = self.with(|told| told.shared.replace(shared));
        drop(before);
    }

    /// What the incarnation that lives shares.
    pub(crate) fn shared(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.told.lock().as_ref()?.shared.clone()
    }

    /// Waits for the end of the given incarnation.
    pub(crate) fn wait(&self, generation: u32) -> Watch {
        self.with(|told| match &told.exit {
            Some((ended, reason)) if *ended >= generation => Watch::Ended(reason.clone()),
            _ if generation == 0 => Watch::Ended(ExitReason::NoProc),
            _ => {
                let (watcher, exit) = oneshot::channel();
                Watch::Later(told.watchers.add(Watcher::Waiting(watcher)), exit)
            }
        })
    }

    /// Watches for an actor, and gives the key to leave.
    ///
    /// # Errors
    ///
    /// When nobody lives there.
    pub(crate) fn monitor(&self, owner: P, monitor: MonitorRef) -> Result<u64, Dead> {
        self.while_alive(|told| told.watchers.add(Watcher::Monitor(owner, monitor)))
    }

    /// Stops watching. False when what was watched has ended before.
    pub(crate) fn unwatch(&self, key: u64) -> bool {
        let mut told = self.told.lock();
        let removed = told.as_mut().and_then(|told| told.watchers.remove(key));
        drop(told);
        removed.is_some()
    }

    /// Links `peer`, who is told of the end of the incarnation `own`.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub(crate) fn link(&self, own: Pid, pid: Pid, peer: P) -> Result<(), Dead> {
        self.insert(own, pid, Link { peer, owned: false, hushed: false, told: false })
    }

    fn insert(&self, own: Pid, pid: Pid, link: Link<P>) -> Result<(), Dead> {
        self.while_alive(|told| {
            if self.generation() != own.generation || link.owned && told.closing {
                return Err(Dead(own.generation));
            }
            told.links.insert(pid, link);
            Ok(())
        })?
    }

    /// Whether there is a link.
    pub(crate) fn is_linked(&self, pid: Pid) -> bool {
        self.told.lock().as_ref().is_some_and(|told| told.links.contains_key(&pid))
    }

    /// Removes a link, and gives who was linked.
    pub(crate) fn unlink(&self, pid: Pid) -> Option<P> {
        self.told.lock().as_mut()?.links.remove(&pid).map(|link| link.peer)
    }

    /// Removes a link whose other side has ended. Whether that is of account; none when there was
    /// no link.
    pub(crate) fn has_ended(&self, pid: Pid) -> Option<bool> {
        self.told.lock().as_mut()?.links.remove(&pid).map(|link| !link.hushed)
    }

    /// Has the end of a linked one, which was found dead, told by whoever found that.
    fn is_told(&self, pid: Pid) {
        if let Some(link) = self.told.lock().as_mut().and_then(|told| told.links.get_mut(&pid)) {
            link.told = true;
        }
    }

    /// Lets the end of a linked one be of no account to this one.
    pub(crate) fn hush(&self, pid: Pid) {
        if let Some(link) = self.told.lock().as_mut().and_then(|told| told.links.get_mut(&pid)) {
            link.hushed = true;
        }
    }

    /// Hears that one has ended that was linked to the incarnation `own`, for a reason that is
    /// `normal` or not. Whether that is of no account, so that it need not be told; the link is
    /// removed then.
    pub(crate) fn ends_unheard(&self, own: u32, pid: Pid, normal: bool) -> bool {
        let mut told = self.told.lock();
        let Some(told) = told.as_mut().filter(|_| self.generation() == own) else { return false };
        if told.links.get(&pid).is_some_and(|link| link.told) {
            return true;
        }
        let quietly = normal && !told.traps_exits;
        let unheard = told.links.get(&pid).is_some_and(|link| link.hushed || quietly);
        let link = unheard.then(|| told.links.remove(&pid));
        drop(link);
        unheard
    }

    /// Whether ends of linked ones are told, in place of ending this one.
    pub(crate) fn traps_exits(&self) -> bool {
        self.told.lock().as_ref().is_some_and(|told| told.traps_exits)
    }

    /// Has ends of linked ones told, or not.
    pub(crate) fn set_traps_exits(&self, traps: bool) {
        self.with(|told| told.traps_exits = traps);
    }

    /// Links one that has not begun, and that belongs to this one from here on.
    ///
    /// # Errors
    ///
    /// When this one has ended, or is about to and has told those that belong to it.
    pub(crate) fn own(&self, own: Pid, pid: Pid, peer: P) -> Result<(), Dead> {
        self.insert(own, pid, Link { peer, owned: true, hushed: false, told: false })
    }

    /// How many wait for the end or watch for it.
    pub(crate) fn watchers(&self) -> usize {
        self.told.lock().as_ref().map_or(0, |told| told.watchers.present)
    }

    /// How many are linked.
    pub(crate) fn links(&self) -> usize {
        self.told.lock().as_ref().map_or(0, |told| told.links.len())
    }

    fn with<T>(&self, with: impl FnOnce(&mut Told<P>) -> T) -> T {
        with(self.told.lock().get_or_insert_with(|| Box::new(Told::new())))
    }

    fn while_alive<T>(&self, with: impl FnOnce(&mut Told<P>) -> T) -> Result<T, Dead> {
        self.with(|told| match self.generation() {
            generation if generation > 0 && !told.has_ended(generation) => Ok(with(told)),
            generation => Err(Dead(generation)),
        })
    }
}

impl<P: Clone> Life<P> {
    /// Whether it has come to its end, and waits for those that belong to it.
    pub(crate) fn is_closing(&self) -> bool {
        self.told.lock().as_ref().is_some_and(|told| told.closing)
    }

    /// Those that belong to this one, which has come to its end. From here on no more do.
    pub(crate) fn last_owned(&self) -> Vec<P> {
        self.with(|told| {
            told.closing = true;
            let owned = told.links.values().filter(|link| link.owned);
            owned.map(|link| link.peer.clone()).collect()
        })
    }
}

impl<P> Bereaved<P> {
    /// Lets go of whatever was held.
    pub(crate) fn let_go(&mut self) {
        for (held, by) in self.held.take().into_iter().flat_map(|held| *held) {
            by.let_go(&held);
        }
    }
}

/// One side of a link: a life, the incarnation in it, and a reference to that.
pub(crate) struct Side<'a, P> {
    pub(crate) life: &'a Life<P>,
    pub(crate) pid: Pid,
    pub(crate) peer: P,
}

/// Links two incarnations, which are not the same. In the life of `own` first, so that an end of
/// the other one between the two steps is told to a link that is there.
///
/// # Errors
///
/// When the other one has ended. The link is there on the side of `own` all the same, for what it
/// is told of that.
pub(crate) fn link<P>(own: Side<'_, P>, other: Side<'_, P>) -> Result<(), Dead> {
    let pid = other.pid;
    own.life.link(own.pid, pid, other.peer)?;
    let linked = other.life.link(pid, own.pid, own.peer);
    if linked.is_err() {
        own.life.is_told(pid);
    }
    linked
}

impl<P> Told<P> {
    const fn new() -> Self {
        Self {
            request: None,
            ending: None,
            exit: None,
            watchers: Watchers::new(),
            links: BTreeMap::new(),
            traps_exits: false,
            closing: false,
            shared: None,
            held: None,
        }
    }

    fn has_ended(&self, generation: u32) -> bool {
        self.exit.as_ref().is_some_and(|(ended, _)| *ended >= generation)
    }
}

impl<P> Watchers<P> {
    const fn new() -> Self {
        Self { places: Vec::new(), present: 0, next: 0 }
    }

    /// Adds one, and gives the key to leave.
    fn add(&mut self, watcher: Watcher<P>) -> u64 {
        let key = self.next;
        self.next += 1;
        self.places.push((key, Some(watcher)));
        self.present += 1;
        key
    }

    fn remove(&mut self, key: u64) -> Option<Watcher<P>> {
        let at = self.places.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        let removed = self.places.get_mut(at)?.1.take()?;
        self.present -= 1;
        if self.present < self.places.len() / 2 || self.present == 0 {
            self.places.retain(|(_, watcher)| watcher.is_some());
        }
        Some(removed)
    }

    fn take(&mut self) -> Vec<Watcher<P>> {
        self.present = 0;
        std::mem::take(&mut self.places).into_iter().filter_map(|(_, watcher)| watcher).collect()
    }
}
