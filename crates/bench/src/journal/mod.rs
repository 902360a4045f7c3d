//! Group `journal`: what it costs that an append is durable before it is acknowledged.
//!
//! An append is 256 bytes of state and 200 bytes of an event of one stream; every caller waits for
//! its own acknowledgement before it makes the next one. Whoever is measured implements
//! [`Subject`]; the limit is a raw file, which is written and synced and gives nothing else: no
//! checksums, no folding, no reading.

mod appends;
mod group;
mod memory;
mod mixed;
mod ours;
mod raw;
mod reopen;
mod workload;

use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

pub use group::{Grouped, Store};
pub use ours::Ours;
pub use raw::{RawFile, RawFileAhead};
pub use reopen::fill;

use crate::figure::Sample;
use crate::size::Size;

/// Bytes of a state.
pub const STATE: usize = 256;
/// Bytes of an event.
pub const EVENT: usize = 200;

/// What an append has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// A state, which takes the place of the one before.
    State,
    /// A state, and an event that is kept with those before.
    Events,
}

/// Whether the log becomes rows while it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// As it does by default.
    On,
    /// Not at all: everything stays in the log, and in memory.
    Off,
}

/// One append, and what is loaded of it. Its bytes follow from the other two, so that whatever is
/// read can be compared with what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The number of the stream.
    pub stream: u32,
    /// The version of the stream that it makes.
    pub version: u64,
    /// The state.
    pub state: Vec<u8>,
    /// The event, if there is one.
    pub event: Option<Vec<u8>>,
}

/// A durable log of streams.
pub trait Subject: Sized + Send + Sync + 'static {
    /// Under which key it is printed.
    const KEY: &'static str;
    /// Whether it can be read.
    const READS: bool = true;
    /// What appends to one stream.
    type Stream: Send + 'static;

    /// Opens what is in that folder, or makes it.
    fn open(folder: &Path, folding: Folding) -> impl Future<Output = Result<Self>> + Send;
    /// Opens a stream for appending.
    fn stream(&self, number: u32) -> impl Future<Output = Result<Self::Stream>> + Send;
    /// Appends, and waits until that is durable.
    fn append(
        &self,
        stream: &mut Self::Stream,
        record: Record,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Does now what would be done later.
    fn settle(&self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
    /// How many appends were folded, for those that fold.
    fn folded(&self) -> Option<u64> {
        None
    }
    /// How many bytes of memory its options allow to be held, for those that have such options.
    fn memory_bound(&self) -> Option<f64> {
        None
    }
    /// How many appends there are in the streams below `streams`.
    fn appends(&self, streams: u32) -> impl Future<Output = Result<u64>> + Send;
    /// The last append of a stream: its state and its event.
    fn load(&self, stream: u32) -> impl Future<Output = Result<Option<Record>>> + Send;
    /// Ends what it has started.
    fn close(self) -> impl Future<Output = Result<()>> + Send;
}

/// What is measured in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A number of appends, by so many callers.
    Appends,
    /// Appends to many streams for a time, with folding.
    Mixed,
    /// How much memory is held while many appends pass.
    Memory,
    /// Opening what a process has left that was killed, and loading from it.
    Reopen,
}

/// Where it is measured.
#[derive(Debug, Clone)]
pub struct Place {
    /// A folder on a real disk; everything in it is removed afterwards.
    pub folder: PathBuf,
    /// The program that fills a folder, which is its last argument, and waits to be killed.
    pub filler: (PathBuf, Vec<OsString>),
}

/// How much is done.
#[derive(Debug, Clone)]
struct Amounts {
    /// Callers, and the appends that all of them together make.
    appends: [(u32, u32); 4],
    /// Appends of one caller that are timed.
    timed: u32,
    /// Streams, and for how long 256 callers append to them.
    mixed: (u32, Duration),
    /// The same without folding, where everything stays in memory: so not for as long.
    without_folding: Duration,
    /// Appends while it is watched how much memory is held, and over how many streams.
    memory: (u32, u32),
    /// Streams that are filled with one append each.
    filled: u32,
    /// How many times one of them is loaded.
    loads: u32,
}

/// Measures `S`.
///
/// # Errors
///
/// When an append fails, or something was acknowledged and is not there.
pub async fn samples<S: Subject>(size: Size, part: Part, place: &Place) -> Result<Vec<Sample>> {
    let amounts = Amounts::of(size);
    match part {
        Part::Appends => appends::samples::<S>(&amounts, &place.folder).await,
        Part::Mixed => mixed::samples::<S>(&amounts, &place.folder).await,
        Part::Memory => memory::samples::<S>(&amounts, &place.folder).await,
        Part::Reopen => reopen::samples::<S>(&amounts, place).await,
    }
}

impl Place {
    /// The folder that `program` is in, which cargo made for what is built; `program` fills when it
    /// is called with `arguments` and the option for it.
    ///
    /// # Errors
    ///
    /// When the program is nowhere.
    pub fn beside(program: PathBuf, mut arguments: Vec<OsString>, size: Size) -> Result<Self> {
        let folder = program.parent().context("a program in no folder")?.to_owned();
        arguments.extend((size == Size::Quick).then(|| "--quick".into()));
        arguments.push("--fill".into());
        Ok(Self { folder, filler: (program, arguments) })
    }
}

impl Amounts {
    /// The fastest needs about a second for each figure, the slowest ten.
    fn of(size: Size) -> Self {
        let seconds = |full, quick| match size {
            Size::Full => Duration::from_secs(full),
            Size::Quick => Duration::from_secs(quick),
        };
        let appends = [(1, 5_000), (64, 102_400), (256, 204_800), (1000, 300_000)];
        Self {
            appends: appends.map(|(callers, appends)| (callers, size.of(appends))),
            timed: size.of(5_000),
            mixed: (20_000, seconds(30, 3)),
            without_folding: seconds(5, 1),
            memory: match size {
                Size::Full => (10_000_000, 20_000),
                // Enough for the tail to be full twice.
                Size::Quick => (1_000_000, 20_000),
            },
            filled: size.of(1_000_000),
            loads: size.of(50_000),
        }
    }
}

impl Record {
    /// The append that makes `version` of `stream`.
    #[must_use]
    pub fn new(stream: u32, version: u64, keep: Keep) -> Self {
        let state = bytes_of(stream, version, STATE);
        let event = (keep == Keep::Events).then(|| bytes_of(stream, version, EVENT));
        Self { stream, version, state, event }
    }

    /// The same, from what was read of it.
    #[must_use]
    pub fn read(stream: u32, state: &[u8], event: Option<&[u8]>) -> Self {
        let version = state.get(4..12).and_then(|bytes| bytes.try_into().ok());
        let version = version.map_or(0, u64::from_be_bytes);
        Self { stream, version, state: state.to_vec(), event: event.map(<[u8]>::to_vec) }
    }
}

/// Stream and version, and then something that does not compress to nothing.
fn bytes_of(stream: u32, version: u64, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(version.to_be_bytes());
    let mut word = scatter(u64::from(stream) << 32 | (version & 0xFFFF_FFFF));
    while bytes.len() < size {
        word = scatter(word);
        bytes.extend(word.to_be_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Another number for each number, without a pattern that a disk or a tree would like.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
const fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// One of `count`, another one for each `number`.
fn one_of(number: u64, count: u32) -> u32 {
    u32::try_from(scatter(number) % u64::from(count)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
