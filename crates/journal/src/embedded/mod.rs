//! The journal on redb: one file, log first, folded behind.
//!
//! Appends of everybody who waits become a few rows of the log, in one transaction with one sync: so
//! one caller costs about as much as a bare file, and a thousand hardly more. What the log says is
//! folded into rows later, in slices that go along with those transactions: the last value of each
//! part, runs of events, the rest. Until then it is in memory too, where readers meet it first.
//!
//! - **One loop writes**; it runs no code of users, and the store is its own.
//! - **After a failure of the disk or the store nothing more is written.** Everybody is told, and
//!   whoever opens the store again has a later epoch.
//! - **Reading takes the memory first and the rows second**, so that what is folded meanwhile is
//!   seen once at least, and its version says whether it counts.
//!
//! In reading order: [`options`] · [`open`] · [`queue`], [`group`] and [`commit`], the loop ·
//! [`tail`], what is in memory · [`plan`] and [`fold`], how it becomes rows · [`view`], [`load`],
//! [`lists`] and [`log`], how it is read, by [`readers`] · [`blobs`] · [`retain`] · [`start`],
//! [`engine`] and [`writer`], which join them · [`facts`], [`catalog`] and [`check`], what a store
//! says of itself, all tables and their rows · [`maintenance`], which looks after an open store:
//! [`info`], [`scrub`], [`backup`], [`export`] in [`lines`] · [`offline`], after one that is not:
//! [`verify`] · [`import`] and [`salvage`], which [`build`] a new one.

mod backup;
mod blobs;
mod build;
mod catalog;
mod check;
mod commit;
mod core;
mod engine;
mod export;
mod facts;
mod failure;
mod findings;
mod fold;
mod group;
mod guard;
mod import;
mod info;
mod lines;
mod lists;
mod load;
mod log;
mod maintenance;
mod medium;
mod offline;
mod open;
mod options;
mod overlay;
mod path;
mod plan;
mod queue;
mod readers;
mod retain;
mod rows;
mod salvage;
mod scrub;
mod start;
mod tables;
mod tail;
mod verify;
mod view;
mod writer;

pub use import::import;
pub use offline::{Compacted, OfflineStore, Verified};
pub use options::RedbOptions;
pub(crate) use salvage::salvage;
