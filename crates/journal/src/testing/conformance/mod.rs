//! What every engine has to pass: the guarantees of [`Engine`](crate::Engine), each as a case.
//!
//! An engine is given to the kit by a [`Harness`], and
//! [`conformance!`](crate::conformance) makes one test of each case.
//!
//! Cases that read do so several times: at once, when the store has done its housekeeping, and
//! where the store survives also after a close and after a crash. What is said of a stream must not
//! depend on where the engine keeps it.
//!
//! The cases move a clock of their own and wait for nothing but answers, each for ten seconds at
//! most. They work in paused time when the engine works on the runtime, and in real time otherwise.

mod answers;
mod ask;
mod backups;
mod blobs;
mod concurrency;
mod deletion;
mod exports;
mod fencing;
mod filled;
mod leases;
mod lifecycle;
mod limits;
mod log;
mod maintenance;
mod paging;
mod permits;
mod reading;
mod retention;
mod signals;
mod snapshots;
mod store;
mod streams;
mod table;
mod turns;
mod versions;
mod wakes;

use std::fmt;
use std::future::Future;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use foundation::{Error, Result, System};

use crate::append::Limits;
use crate::codes;
use crate::handle::Journal;
use crate::options::Retention;
use crate::permit::Pressure;

/// One store that the kit may open again and again. Each case is given a new one.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens the store, which is created by the first call. Later calls have the same `setup`, and
    /// come when the journal before was closed or has crashed; only if the store
    /// [survives](Self::survives).
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being opened: the case fails.
    async fn open(&self, system: &System, setup: &Setup) -> Result<Journal>;

    /// Ends the journal as kill -9 would: what it had queued it commits no more, or nobody knows.
    /// On return the store can be opened again. Writers and readers of the journal may be about.
    async fn crash(&self, journal: Journal);

    /// Makes the store do its housekeeping now, such as folding its log. Does nothing where there
    /// is none.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from that: the case fails.
    async fn settle(&self, journal: &Journal) -> Result<()>;

    /// Whether what is durable outlives [`Self::crash`] and a close. Without that the store is
    /// opened once.
    fn survives(&self) -> bool;

    /// A path of that name for a backup, at which nothing is until it is made. None if the engine
    /// has no [`Maintenance`](crate::Maintenance): one that has needs this.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let _ = name;
        None
    }

    /// Opens what a backup has made at a [`path`](Self::path), beside the store itself.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being opened: the case fails.
    async fn open_backup(&self, system: &System, setup: &Setup, path: &Path) -> Result<Journal> {
        let _ = (system, setup);
        let what = format!("the harness opens no backup, and {} is one", path.display());
        Err(Error::from(codes::NOT_SUPPORTED).with_message(what))
    }
}

/// How a case wants its store.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Setup {
    /// How many shards. 2.
    pub shards: NonZeroU16,
    /// How large things may be.
    pub limits: Limits,
    /// How much may be on its way.
    pub pressure: Pressure,
    /// For how long things are kept.
    pub retention: Retention,
}

/// Something that the port promises, as a test.
#[derive(Clone, Copy)]
pub struct Case {
    /// What is promised. No two have the same.
    pub name: &'static str,
    run: for<'a> fn(&'a dyn Harness) -> Running<'a>,
}

type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// No case needs this long; one that does hangs in a place where nothing else bounds the wait.
const LONGEST: Duration = Duration::from_mins(2);

/// Every case, for engines that cannot use [`conformance!`](crate::conformance).
pub const CASES: &[Case] = crate::conformance!(@list table []);

/// Runs the case of that name.
///
/// # Panics
///
/// When the engine does not keep the promise, and when there is no such case.
pub async fn run(name: &str, harness: &dyn Harness) {
    match CASES.iter().find(|case| case.name == name) {
        Some(case) => case.run(harness).await,
        None => panic!("there is no case {name:?}"),
    }
}

impl Case {
    /// Runs it on a store that nobody has used.
    ///
    /// # Panics
    ///
    /// When the engine does not keep the promise.
    pub async fn run(&self, harness: &dyn Harness) {
        let run = tokio::time::timeout(LONGEST, (self.run)(harness));
        assert!(run.await.is_ok(), "{}: it does not end", self.name);
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            shards: NonZeroU16::MIN.saturating_add(1),
            limits: Limits::default(),
            pressure: Pressure::default(),
            retention: Retention::default(),
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}
