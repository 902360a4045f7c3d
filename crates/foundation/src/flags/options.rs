//! Which flags there are, and where they are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::rule::{FlagRule, MOST_TARGETS};
use super::server::{FlagServer, FlagServerArgs};
use super::store::{AnyStore, FlagStore, MemoryFlagStore};
use super::table::{Cell, Flags, Link, Table};
use crate::actor::{ChildSpec, refused};
use crate::error::Result;
use crate::listen::Listeners;
use crate::supervisor::Supervisor;
use crate::sync::AtomicBool;
use crate::system::{InSystem, System};

/// How many flags there may be: far more than anybody oversees.
const MOST_FLAGS: usize = 10_000;
/// How long the name of a flag may be, in bytes.
const LONGEST_NAME: usize = 255;

/// The flags of a program, as they are defined. Made by [`Flags::builder`].
///
/// | option | default |
/// |---|---|
/// | [`flag`](Self::flag), [`flag_with`](Self::flag_with) | no flags |
/// | [`store`](Self::store) | in memory: over crashes of the server, not of the program |
#[must_use = "nothing is started until `start` is called and awaited"]
pub struct FlagsBuilder {
    flags: Vec<(Arc<str>, FlagRule)>,
    store: Arc<dyn AnyStore>,
}

impl Flags {
    /// Begins with no flags.
    pub fn builder() -> FlagsBuilder {
        FlagsBuilder { flags: Vec::new(), store: Arc::new(MemoryFlagStore::default()) }
    }
}

impl FlagsBuilder {
    /// Defines a flag that is off until it is changed. Names have 1 to 255 bytes.
    pub fn flag(self, name: impl Into<Arc<str>>) -> Self {
        self.flag_with(name, FlagRule::off())
    }

    /// Defines a flag that is on for some until it is changed.
    pub fn flag_with(mut self, name: impl Into<Arc<str>>, rule: FlagRule) -> Self {
        self.flags.push((name.into(), rule));
        self
    }

    /// Where changes are kept.
    pub fn store(mut self, store: impl FlagStore) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// The flags, and their server, for a supervisor of the program to start. Until that runs, and
    /// whenever it does not, flags are read as they were defined or last known, and changes give
    /// `no_process`.
    ///
    /// # Errors
    ///
    /// `invalid_options` for a name or a rule that cannot be, a name that is there twice, or too
    /// many flags.
    pub fn build(self, system: &impl InSystem) -> Result<(Flags, ChildSpec<FlagServer>)> {
        if self.flags.len() > MOST_FLAGS {
            return Err(refused("flag", "10,000 flags at most"));
        }
        let mut cells = BTreeMap::new();
        for (name, rule) in self.flags {
            if name.is_empty() || name.len() > LONGEST_NAME {
                return Err(refused("flag", "a name has 1 to 255 bytes"));
            }
            if rule.on_for.len() + rule.off_for.len() > MOST_TARGETS {
                return Err(refused("flag", "a flag names 10,000 ids at most"));
            }
            let cell = Arc::new(Cell::new(Arc::clone(&name), rule));
            if cells.insert(Arc::clone(&name), cell).is_some() {
                return Err(refused("flag", "a flag is defined once").with_detail("flag", &*name));
            }
        }
        let home = system.home();
        let listeners = Arc::new(Listeners::new(&home.ports));
        let table = Arc::new(Table { home, cells, listeners, loaded: AtomicBool::new(false) });
        let link = Arc::new(Link::default());
        let args = FlagServerArgs {
            table: Arc::clone(&table),
            link: Arc::downgrade(&link),
            store: self.store,
        };
        let server = ChildSpec::<FlagServer>::actor("flag_server", args);
        Ok((Flags { table, server: link }, server))
    }

    /// Starts the flag server in the system, under a supervisor of its own that starts it again
    /// when it crashes.
    ///
    /// # Errors
    ///
    /// As [`Self::build`]; `failed_to_start_child` when the stored flags cannot be read, with the
    /// cause; `system_stopping`.
    pub async fn start(self, system: &System) -> Result<Flags> {
        let (flags, server) = self.build(system)?;
        Supervisor::one_for_one().name("flags").child(server).start(system).await?;
        Ok(flags)
    }
}

impl fmt::Debug for FlagsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagsBuilder").field("flags", &self.flags).finish_non_exhaustive()
    }
}
