//! How a store on a file is opened.

use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;

use foundation::{Error, InSystem, Result, codes};

use crate::append::Limits;
use crate::codec::{Codec, Identity};
use crate::format::FORMAT;
use crate::handle::Journal;
use crate::options::{Durability, Retention};
use crate::permit::Pressure;

/// A journal in one file of this machine.
///
/// | option | default |
/// |---|---|
/// | [`durability`](Self::durability) | [`Durability::Sync`] |
/// | [`shards`](Self::shards) | 1 |
/// | [`cache`](Self::cache) | 64 MiB |
/// | [`tail`](Self::tail) | 128 MiB |
/// | [`reserve`](Self::reserve) | 256 MiB |
/// | [`slice`](Self::slice) | 64 rows |
/// | [`check_on_open`](Self::check_on_open) | the whole file |
/// | [`create_format`](Self::create_format) | the newest |
/// | [`readers`](Self::readers) | 2 threads |
/// | [`limits`](Self::limits) | [`Limits::default`] |
/// | [`pressure`](Self::pressure) | [`Pressure::default`] |
/// | [`retention`](Self::retention) | [`Retention::default`] |
/// | [`codec`](Self::codec) | payloads are written as they are |
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("jido.redb");
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::System;
/// use journal::RedbOptions;
///
/// let system = System::builder().start().await?;
/// let journal = RedbOptions::new(&path).open(&system).await?;
/// assert_eq!(journal.durability().name(), "sync");
/// journal.close().await?;
/// # system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedbOptions {
    pub(super) place: Place,
    pub(super) durability: Durability,
    pub(super) shards: NonZeroU16,
    pub(super) cache: usize,
    pub(super) tail: u64,
    pub(super) reserve: u64,
    pub(super) slice: usize,
    pub(super) check_on_open: bool,
    pub(super) format: u8,
    pub(super) readers: usize,
    pub(super) limits: Limits,
    pub(super) pressure: Pressure,
    pub(super) retention: Retention,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) driver: Driver,
}

/// Where the bytes are.
#[derive(Clone)]
pub(super) enum Place {
    File(PathBuf),
    /// A disk that a test gives.
    #[cfg(feature = "testing")]
    Disk(crate::testing::Disk),
}

/// What runs the loop that commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    /// Threads of its own.
    Threads,
    /// A task of the runtime, for stores on a simulated disk and a clock that stands.
    #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only tests ask for it"))]
    Runtime,
}

/// Fewer than these cannot hold a group and what is folded meanwhile.
const LEAST_TAIL: u64 = 64 << 10;
const LEAST_CACHE: usize = 1 << 20;
/// More readers than this wait for the same disk.
const MOST_READERS: usize = 64;

impl RedbOptions {
    /// A journal in that file, which is created when there is none. Its folder has to be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::at(Place::File(path.into()))
    }

    /// A journal on a simulated disk: for tests. Everything runs on the runtime, so that a clock may
    /// stand.
    #[cfg(feature = "testing")]
    pub fn on_disk(disk: &crate::testing::Disk) -> Self {
        Self { driver: Driver::Runtime, ..Self::at(Place::Disk(disk.clone())) }
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            durability: Durability::Sync,
            shards: NonZeroU16::MIN,
            cache: 64 << 20,
            tail: 128 << 20,
            reserve: 256 << 20,
            slice: 64,
            check_on_open: true,
            format: FORMAT,
            readers: 2,
            limits: Limits::default(),
            pressure: Pressure::default(),
            retention: Retention::default(),
            codec: Arc::new(Identity),
            driver: Driver::Threads,
        }
    }

    /// What survives: [`Durability::Sync`] or [`Durability::Process`]. It has to be what the store
    /// was created with.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How many shards a store that is created gets. One that is there keeps its own.
    pub const fn shards(mut self, shards: NonZeroU16) -> Self {
        self.shards = shards;
        self
    }

    /// In which format a store is written that is created: 1, or 2, which has blobs. An earlier one
    /// is for as long as an earlier release may have to open the store; then
    /// [`raise_format`](Journal::raise_format) makes it the newest. A store that is there keeps its
    /// own.
    pub const fn create_format(mut self, format: u8) -> Self {
        self.format = format;
        self
    }

    /// How many bytes of the file are held in memory; 1 MiB at least.
    pub const fn cache(mut self, bytes: usize) -> Self {
        self.cache = bytes;
        self
    }

    /// How many bytes of the log may be unfolded, and so in memory; 64 KiB at least. The more, the
    /// cheaper is folding; when it is reached, appends wait for it.
    pub const fn tail(mut self, bytes: u64) -> Self {
        self.tail = bytes;
        self
    }

    /// How much room the disk has to have left. With less, appends are refused with
    /// `store_read_only` until there is more: a disk that is full to the last byte stops the
    /// journal. It has to hold what is folded meanwhile, so twice the tail at least; 0 turns it off.
    pub const fn reserve(mut self, bytes: u64) -> Self {
        self.reserve = bytes;
        self
    }

    /// About how many rows a commit folds at least beside its appends, while it folds; 1 or more.
    /// More take longer, and whoever appends waits for them. It folds eight times as many when
    /// nobody waits, and more when it has to, so that it is done before the tail is full. That a
    /// stream of very many rows is deleted may still take longer than that; then appends wait.
    pub const fn slice(mut self, rows: usize) -> Self {
        self.slice = rows;
        self
    }

    /// Whether the checksums of the whole file are looked at when it is opened, which takes about as
    /// long as reading it: half a second for 500 MB in the memory of the system. Without it, a file
    /// that was changed behind the journal's back is found out only where its records are read, and
    /// what is missing of a list is not. After a crash the file is read in any case.
    pub const fn check_on_open(mut self, check: bool) -> Self {
        self.check_on_open = check;
        self
    }

    /// How many threads read; 1 to 64.
    pub const fn readers(mut self, threads: usize) -> Self {
        self.readers = threads;
        self
    }

    /// How large things may be.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How much may be on its way at a time.
    pub const fn pressure(mut self, pressure: Pressure) -> Self {
        self.pressure = pressure;
        self
    }

    /// For how long things are kept that no state needs any more.
    pub const fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// How payloads are written.
    pub fn codec(mut self, codec: Arc<dyn Codec>) -> Self {
        self.codec = codec;
        self
    }

    /// Opens the store. After a crash the file is repaired first, which takes about as long as
    /// reading it. The journal belongs to the system: when that stops, it is closed, and has about a
    /// second for that.
    ///
    /// # Errors
    ///
    /// `invalid_options`, `durability_mismatch`; `store_locked`, `store_foreign`, `store_newer`,
    /// `store_corrupt`; `store_refused` when the path is none or not allowed, `store_error` when
    /// the disk fails; `process_error` when there is no thread; `system_stopping`; `store_closed` when
    /// it ended again at once. In each case nothing of the store was lost.
    pub async fn open(&self, system: &impl InSystem) -> Result<Journal> {
        self.check()?;
        super::start::open(self.clone(), system.home()).await
    }

    fn check(&self) -> Result<()> {
        self.limits.check()?;
        self.pressure.check(self.limits.append)?;
        self.retention.check()?;
        let refused = |field: &'static str, message: String| {
            Err(Error::from(codes::INVALID_OPTIONS)
                .with_message(format!("{field} {message}"))
                .with_detail("field", field))
        };
        if self.durability == Durability::Memory {
            let message = "memory is no durability of a file; use MemoryOptions".to_owned();
            return refused("durability", message);
        }
        if self.cache < LEAST_CACHE {
            return refused("cache", format!("is {}, and the least is {LEAST_CACHE}", self.cache));
        }
        if self.tail < LEAST_TAIL {
            return refused("tail", format!("is {}, and the least is {LEAST_TAIL}", self.tail));
        }
        if self.slice == 0 {
            return refused("slice", "is 0, and the least is 1".to_owned());
        }
        if self.readers == 0 || self.readers > MOST_READERS {
            let message = format!("is {}, and not from 1 to {MOST_READERS}", self.readers);
            return refused("readers", message);
        }
        if self.format == 0 || self.format > FORMAT {
            let message = format!("is {}, and not from 1 to {FORMAT}", self.format);
            return refused("create_format", message);
        }
        Ok(())
    }
}

impl Place {
    /// What errors and events name.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            #[cfg(feature = "testing")]
            Self::Disk(_) => PathBuf::from("a simulated disk"),
        }
    }
}

impl fmt::Debug for RedbOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbOptions")
            .field("place", &self.place)
            .field("durability", &self.durability)
            .field("shards", &self.shards)
            .field("cache", &self.cache)
            .field("tail", &self.tail)
            .field("reserve", &self.reserve)
            .field("slice", &self.slice)
            .field("check_on_open", &self.check_on_open)
            .field("create_format", &self.format)
            .field("readers", &self.readers)
            .field("limits", &self.limits)
            .field("pressure", &self.pressure)
            .field("retention", &self.retention)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            #[cfg(feature = "testing")]
            Self::Disk(_) => f.write_str("a simulated disk"),
        }
    }
}
