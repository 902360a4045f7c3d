//! What tests of logs, and of whoever uses a bus, share.
//!
//! Only under the feature `testing`, which no normal edge turns on.
//!
//! Every log that a bus uses has to pass the conformance kit: give it a [`LogHarness`], and
//! [`log_conformance!`](crate::log_conformance) makes one test of each of its cases.
//!
//! A [`FaultyLog`] is a log that fails or hesitates as it is told to.
//!
//! A [`Recorder`] is a subscriber that writes down what it is given.

mod conformance;
mod faulty;
mod recorder;

pub use conformance::{LOG_CASES, LogCase, LogHarness, run_log_case};
pub use faulty::{Fault, FaultyLog, Hold, Moment, Operation};
pub use recorder::{Answer, Recorded, Recorder, Recording};
