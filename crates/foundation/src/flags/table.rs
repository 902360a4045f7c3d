//! The flags, as all read them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use super::FlagChange;
use super::hash::flag_bucket;
use super::rule::{Edit, FlagRule, Percentage};
use super::server::{FlagMessage, FlagServer};
use crate::actor::{Actor, ActorRef, refused};
use crate::error::{Error, Result, codes};
use crate::listen::Listeners;
use crate::sync::{AtomicBool, AtomicU32, Mutex, Ordering};
use crate::system::Home;

/// How long an id may be, in bytes.
const LONGEST_ID: usize = 255;
/// The bit of [`Cell::word`] that says that somebody is named.
const NAMES: u32 = 1 << 31;

/// The flags of a program. A clone is the same flags.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{Flags, System};
///
/// let system = System::builder().name("shop").start().await?;
/// let flags = Flags::builder().flag("use_v2").start(&system).await?;
/// assert!(!flags.is_enabled("use_v2")?);
///
/// flags.set_percentage("use_v2", 50.0).await?;
/// assert!(!flags.is_enabled("use_v2")?); // that is for everybody
/// assert!(flags.is_enabled_for("use_v2", "agent-7")?);
///
/// let use_v2 = flags.flag("use_v2")?; // for code that asks often
/// flags.enable("use_v2").await?;
/// assert!(use_v2.is_enabled());
/// assert_eq!(flags.is_enabled("use_v3").unwrap_err().code(), "unknown_flag");
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Flags {
    pub(super) table: Arc<Table>,
    pub(super) server: Arc<Link>,
}

/// One flag, to be asked often. A clone is the same flag.
#[derive(Clone)]
pub struct Flag {
    cell: Arc<Cell>,
}

/// All flags.
pub(super) struct Table {
    pub(super) home: Home,
    pub(super) cells: BTreeMap<Arc<str>, Arc<Cell>>,
    pub(super) listeners: Arc<Listeners<FlagChange>>,
    /// Whether the server has ever read what is stored.
    pub(super) loaded: AtomicBool,
}

/// Who changes the flags, once there is somebody.
#[derive(Default)]
pub(super) struct Link(Mutex<Option<ActorRef<FlagServer>>>);

/// One flag.
pub(super) struct Cell {
    pub(super) name: Arc<str>,
    pub(super) default: FlagRule,
    /// The percentage in hundredths, and whether somebody is named: all that most readers need.
    word: AtomicU32,
    /// Listeners are told under this lock, so that all hear in one order.
    rule: Mutex<Arc<FlagRule>>,
}

// === impl Flags ===

impl Flags {
    /// A flag, for code that asks often: reading it is one atomic operation, unless ids are named.
    ///
    /// # Errors
    ///
    /// `unknown_flag`.
    pub fn flag(&self, flag: &str) -> Result<Flag> {
        Ok(Flag { cell: Arc::clone(self.table.cell(flag)?) })
    }

    /// Whether a flag is on for everybody: its percentage is 100.
    ///
    /// # Errors
    ///
    /// `unknown_flag`.
    pub fn is_enabled(&self, flag: &str) -> Result<bool> {
        Ok(self.table.cell(flag)?.is_enabled())
    }

    /// Whether a flag is on for `id`: by name, or because the percentage has come to it.
    ///
    /// # Errors
    ///
    /// `unknown_flag`.
    pub fn is_enabled_for(&self, flag: &str, id: &str) -> Result<bool> {
        Ok(self.table.cell(flag)?.is_enabled_for(id))
    }

    /// For whom a flag is on.
    ///
    /// # Errors
    ///
    /// `unknown_flag`.
    pub fn rule(&self, flag: &str) -> Result<FlagRule> {
        Ok(FlagRule::clone(&self.table.cell(flag)?.rule()))
    }

    /// All flags, by name, with for whom they are on.
    #[must_use]
    pub fn rules(&self) -> BTreeMap<Arc<str>, FlagRule> {
        let cells = self.table.cells.values();
        cells.map(|cell| (Arc::clone(&cell.name), FlagRule::clone(&cell.rule()))).collect()
    }

    /// Switches a flag on for everybody. Like every change it is stored first; when this returns,
    /// all see it.
    ///
    /// # Errors
    ///
    /// `unknown_flag`; what the store returns; `no_process` when the flag server does not run;
    /// `timeout` when the store does not answer within 4 s, and `actor_stopped` when the server
    /// ends meanwhile. With any error but `unknown_flag` and `no_process` the change may be stored
    /// all the same: the server reads what is, a second after each failure until that works, and
    /// gives the same error for every change before that.
    pub async fn enable(&self, flag: &str) -> Result<()> {
        self.change(flag, Edit::Percentage(Percentage::ALL)).await
    }

    /// Switches a flag off for everybody who is not named.
    ///
    /// # Errors
    ///
    /// As [`Self::enable`].
    pub async fn disable(&self, flag: &str) -> Result<()> {
        self.change(flag, Edit::Percentage(Percentage::NONE)).await
    }

    /// Switches a flag on or off, as [`Self::enable`] and [`Self::disable`].
    ///
    /// # Errors
    ///
    /// As [`Self::enable`].
    pub async fn set(&self, flag: &str, on: bool) -> Result<()> {
        let percentage = if on { Percentage::ALL } else { Percentage::NONE };
        self.change(flag, Edit::Percentage(percentage)).await
    }

    /// Switches a flag on for so many percent of all ids; 0 to 100, in steps of 0.01. Whoever was
    /// in a smaller percentage is in a greater one.
    ///
    /// # Errors
    ///
    /// As [`Self::enable`]; `invalid_options` for a percentage that cannot be.
    pub async fn set_percentage(&self, flag: &str, percent: f64) -> Result<()> {
        self.change(flag, Edit::Percentage(Percentage::new(percent)?)).await
    }

    /// Switches a flag on for `id`, whatever the percentage. An id has 1 to 255 bytes, and 10,000
    /// are named at most.
    ///
    /// # Errors
    ///
    /// As [`Self::enable`]; `invalid_options` for an id that cannot be, or one too many.
    pub async fn enable_for(&self, flag: &str, id: &str) -> Result<()> {
        self.change(flag, Edit::OnFor(valid(id)?)).await
    }

    /// Switches a flag off for `id`, whatever the percentage.
    ///
    /// # Errors
    ///
    /// As [`Self::enable_for`].
    pub async fn disable_for(&self, flag: &str, id: &str) -> Result<()> {
        self.change(flag, Edit::OffFor(valid(id)?)).await
    }

    /// Names `id` no longer: the percentage decides.
    ///
    /// # Errors
    ///
    /// As [`Self::enable_for`].
    pub async fn untarget(&self, flag: &str, id: &str) -> Result<()> {
        self.change(flag, Edit::Untarget(valid(id)?)).await
    }

    /// Gives a flag the rule again that it was defined with.
    ///
    /// # Errors
    ///
    /// As [`Self::enable`].
    pub async fn reset(&self, flag: &str) -> Result<()> {
        self.change(flag, Edit::Reset).await
    }

    /// Gives every flag the rule again that it was defined with, one after the other by name.
    ///
    /// # Errors
    ///
    /// As [`Self::enable`]; those before the one that failed were reset.
    pub async fn reset_all(&self) -> Result<()> {
        for flag in self.table.cells.keys() {
            self.change(flag, Edit::Reset).await?;
        }
        Ok(())
    }

    /// Tells an actor of every change from now on, as long as its incarnation of now runs, or until
    /// it [listens no more](Self::unlisten). `make` makes a message of a change, in the task of the
    /// listener; a panic in it is the listener's. Changes come before the messages in its mailbox,
    /// those of one flag in order. One that listens twice is told twice.
    ///
    /// # Errors
    ///
    /// `no_process` when `listener` has ended; `invalid_options` for one of another system.
    pub fn listen<A: Actor>(
        &self,
        listener: &ActorRef<A>,
        make: impl Fn(FlagChange) -> A::Message + Send + Sync + 'static,
    ) -> Result<()> {
        self.table.listeners.add(listener, make)
    }

    /// Tells an actor nothing more. What is on its way still comes.
    ///
    /// # Errors
    ///
    /// `not_registered` when it does not listen.
    pub fn unlisten<A: Actor>(&self, listener: &ActorRef<A>) -> Result<()> {
        self.table.listeners.remove(&listener.peer())
    }

    async fn change(&self, flag: &str, edit: Edit) -> Result<()> {
        let flag = Arc::clone(&self.table.cell(flag)?.name);
        let server = self.server.0.lock().clone();
        let server = server.ok_or_else(|| {
            Error::from(codes::NO_PROCESS).with_message("the flag server was never started")
        })?;
        server.ask(|reply| FlagMessage::change(flag, edit, reply)).await?
    }
}

fn valid(id: &str) -> Result<String> {
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(refused("id", "an id has 1 to 255 bytes"));
    }
    Ok(id.to_owned())
}

// === impl Flag ===

impl Flag {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// Whether it is on for everybody: its percentage is 100.
    #[inline]
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.cell.is_enabled()
    }

    /// Whether it is on for `id`: by name, or because the percentage has come to it.
    #[must_use]
    pub fn is_enabled_for(&self, id: &str) -> bool {
        self.cell.is_enabled_for(id)
    }
}

// === impl Table ===

impl Table {
    pub(super) fn cell(&self, flag: &str) -> Result<&Arc<Cell>> {
        let cell = self.cells.get(flag);
        cell.ok_or_else(|| Error::from(codes::UNKNOWN_FLAG).with_detail("flag", flag))
    }

    /// Lets all see a rule, and tells of it.
    pub(super) fn publish(&self, cell: &Cell, to: FlagRule) {
        let (flag, at, to) = (Arc::clone(&cell.name), self.home.ports.now(), Arc::new(to));
        let mut rule = cell.rule.lock();
        if *rule == to {
            return;
        }
        let from = std::mem::replace(&mut *rule, Arc::clone(&to));
        cell.word.store(word_of(&rule), Ordering::Release);
        let change = FlagChange { flag, from, to, at, missed: 0 };
        self.listeners.tell(&change);
        drop(rule);
        let FlagChange { flag, from, to, .. } = change;
        let (on_for, off_for) = (to.on_for.len(), to.off_for.len());
        let (from, to) = (from.percentage, to.percentage);
        tracing::info!(%flag, %from, %to, on_for, off_for, "flag.changed");
    }
}

// === impl Link ===

impl Link {
    /// Whoever changes the flags from now on.
    pub(super) fn connect(link: &Weak<Self>, server: ActorRef<FlagServer>) {
        if let Some(link) = link.upgrade() {
            let before = link.0.lock().replace(server);
            drop(before);
        }
    }
}

// === impl Cell ===

impl Cell {
    pub(super) fn new(name: Arc<str>, default: FlagRule) -> Self {
        let (word, rule) = (AtomicU32::new(word_of(&default)), Arc::new(default.clone()));
        Self { name, default, word, rule: Mutex::new(rule) }
    }

    pub(super) fn rule(&self) -> Arc<FlagRule> {
        Arc::clone(&self.rule.lock())
    }

    #[inline]
    fn is_enabled(&self) -> bool {
        let hundredths = self.word.load(Ordering::Acquire) & !NAMES;
        hundredths == u32::from(Percentage::ALL.hundredths())
    }

    fn is_enabled_for(&self, id: &str) -> bool {
        let word = self.word.load(Ordering::Acquire);
        if word & NAMES != 0 {
            return self.rule().is_on_for(&self.name, id);
        }
        u32::from(flag_bucket(&self.name, id)) < word
    }
}

fn word_of(rule: &FlagRule) -> u32 {
    let names = if rule.names_anybody() { NAMES } else { 0 };
    u32::from(rule.percentage.hundredths()) | names
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flags").field(&self.rules()).finish()
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Flag");
        shown.field("name", &self.name()).field("rule", &self.cell.rule()).finish()
    }
}
