//! Where flags are kept: the port, and a store in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::rule::FlagRule;
use crate::error::Result;
use crate::sync::Mutex;

/// Where flags are kept, so that a rollout survives a restart.
///
/// The flag server alone calls it, one call after the other, each with a deadline of 4 s. A call
/// that takes longer is dropped, and so is one that the server is killed in. When a call to change
/// something was dropped, or has returned an error, the server does not know whether it was done:
/// it calls [`Self::load`] a second after each failure until that succeeds, and changes nothing
/// before. So what `load` returns is what stays: a change that was given up must not be done after
/// it. Rules are taken as they are read, however many ids they name.
pub trait FlagStore: Send + Sync + 'static {
    /// All rules that were saved, by the names of their flags. What is read here is what was saved
    /// last.
    ///
    /// # Errors
    ///
    /// Whatever went wrong. The server does not start then, the first time; later on it tries
    /// again.
    fn load(&self) -> impl Future<Output = Result<BTreeMap<String, FlagRule>>> + Send;

    /// Keeps the rule of a flag, in place of the one before. When it returns `Ok` the rule is kept
    /// for good.
    ///
    /// # Errors
    ///
    /// Whatever went wrong; the rule may be kept or not.
    fn save(&self, flag: &str, rule: &FlagRule) -> impl Future<Output = Result<()>> + Send;

    /// Forgets the rule of a flag, so that it has the one that it is defined with, in this release
    /// and in others. `Ok` also when there is none.
    ///
    /// # Errors
    ///
    /// Whatever went wrong; the rule may be forgotten or not.
    fn remove(&self, flag: &str) -> impl Future<Output = Result<()>> + Send;
}

/// Keeps flags in memory, as long as somebody has a clone of it: over crashes of the server, not of
/// the program.
#[derive(Debug, Clone, Default)]
pub struct MemoryFlagStore {
    rules: Arc<Mutex<BTreeMap<String, FlagRule>>>,
}

impl FlagStore for MemoryFlagStore {
    async fn load(&self) -> Result<BTreeMap<String, FlagRule>> {
        Ok(self.rules.lock().clone())
    }

    async fn save(&self, flag: &str, rule: &FlagRule) -> Result<()> {
        let replaced = self.rules.lock().insert(flag.to_owned(), rule.clone());
        drop(replaced);
        Ok(())
    }

    async fn remove(&self, flag: &str) -> Result<()> {
        let removed = self.rules.lock().remove(flag);
        drop(removed);
        Ok(())
    }
}

/// A store of whatever type.
pub(super) trait AnyStore: Send + Sync {
    fn load_boxed(&self) -> Boxed<'_, BTreeMap<String, FlagRule>>;
    fn save_boxed<'a>(&'a self, flag: &'a str, rule: &'a FlagRule) -> Boxed<'a, ()>;
    fn remove_boxed<'a>(&'a self, flag: &'a str) -> Boxed<'a, ()>;
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

impl<S: FlagStore> AnyStore for S {
    fn load_boxed(&self) -> Boxed<'_, BTreeMap<String, FlagRule>> {
        Box::pin(self.load())
    }

    fn save_boxed<'a>(&'a self, flag: &'a str, rule: &'a FlagRule) -> Boxed<'a, ()> {
        Box::pin(self.save(flag, rule))
    }

    fn remove_boxed<'a>(&'a self, flag: &'a str) -> Boxed<'a, ()> {
        Box::pin(self.remove(flag))
    }
}

impl fmt::Debug for dyn AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagStore").finish_non_exhaustive()
    }
}
