//! External commands: programs that are allowed by name, so many at a time, in time, with a bound
//! on what they write, and with nothing of them left when they are over.
//!
//! Each runs in a task of its own under a supervisor, and in a process group of its own. The group
//! is killed when the program has ended, when it takes too long or writes too much, when nobody
//! waits for it any more, and when its task is killed.

mod collector;
mod endings;
mod group;
mod handle;
mod options;
mod output;
mod request;
mod run;

pub use handle::{CommandStats, Commands};
pub use options::CommandOptions;
pub use output::CommandOutput;
pub use request::Command;
