//! What tests of engines and of durability share.
//!
//! Only under the feature `testing`, which no normal edge turns on.
//!
//! Every engine has to pass the conformance kit: give it a [`Harness`], and
//! [`conformance!`](crate::conformance) makes one test of each of its cases.
//!
//! A [`Disk`] is what redb writes to in place of a file. It fails as it is told to, and when its
//! power is cut it keeps what was synced and a random part of what was not.
//!
//! [`check_golden`] compares what a user's payloads of earlier schemas become with golden files.

mod conformance;
mod disk;
mod golden;

pub use conformance::{CASES, Case, Harness, Setup, run};
pub use disk::{Disk, DiskBackend, Faults};
pub use golden::check_golden;
