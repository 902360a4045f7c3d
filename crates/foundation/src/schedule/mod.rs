//! Schedules: actors that are told something once, every so often, or when a calendar says.
//!
//! - **A tick is a message.** It comes before those in the mailbox, and whoever handles it holds a
//!   [`Tick`] as long as it is at work: no schedule ticks twice at a time.
//! - **A schedule is its owner's**, of the incarnation that it was made for, and ends with it.
//! - **The schedules are no process.** One that is killed looks after them; when it runs again it
//!   finds them as they were.

mod cron;
mod handle;
mod keep;
mod state;
mod table;
mod tick;
mod timing;

pub use handle::{ScheduleInfo, Scheduler, SchedulerStats};
pub use tick::Tick;
pub use timing::{Missed, Schedule};
