//! A durable log: what was acknowledged survives; what was torn is detected.
//!
//! Layer 1. What binds this crate, and stays so as it grows:
//!
//! - **It is the only place that syncs a file.** Nobody else promises durability.
//! - **It does not know signals, agents or workflows.** It stores opaque bytes under streams and
//!   keys, and folds its log without running user code.
//! - **Refused and unknown are different answers**, and every error says which it is.
//! - **Nothing is seen before it is durable**, by whatever way it is read.
//!
//! A [`Journal`] holds streams of events and parts. [`Journal::acquire`] takes a shard,
//! [`Journal::open`] a stream in it, [`Writer::append`] adds to it, and the [`Ticket`] says when
//! that is durable.

mod append;
mod blob;
mod codec;
pub mod codes;
mod embedded;
mod engine;
mod entry;
mod error;
mod export;
mod format;
mod handle;
mod lease;
mod load;
mod maintenance;
mod memory;
mod options;
mod permit;
mod salvage;
mod server;
mod stats;
mod stream;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod ticket;
mod upcast;

pub use append::{Answer, Append, Change, Limits, Payload, Signal, Wake};
pub use blob::{BlobId, BlobInfo, BlobReader, BlobWriter, Chunk};
pub use codec::{Codec, Identity};
pub use embedded::{Compacted, OfflineStore, RedbOptions, Verified, import};
pub use engine::{Engine, EngineWriter};
pub use entry::{LogEntry, Page, SignalEntry};
pub use error::{gap_end, is_refused, is_unknown};
pub use export::Exported;
pub use handle::{Journal, LogReader, SignalReader, Writer};
pub use lease::Lease;
pub use load::{Due, Event, Events, Load, Loaded, Part, Parts, StreamInfo};
pub use maintenance::{BackedUp, Damaged, Maintenance, Scrubbed, ShardInfo, StoreInfo, TableRead};
pub use memory::MemoryOptions;
pub use options::{Durability, Retention};
pub use permit::{Permit, Pressure, Share};
pub use salvage::{FoundRecord, Lost, Salvage, Salvaged};
pub use server::{JournalMessage, JournalServer, JournalServerArgs};
pub use stats::{Retained, Stats};
pub use stream::{Epoch, MAX_ID, MAX_KIND, Position, Shard, StreamId, Version};
pub use ticket::{Committed, Resolver, Ticket, unknown};
pub use upcast::{Upcasts, UpcastsBuilder};

/// The examples in the documents run as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../docs/journal.md")]
    struct Journal;
    #[doc = include_str!("../../../docs/export.md")]
    struct Export;
}
