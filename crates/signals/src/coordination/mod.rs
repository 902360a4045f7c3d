//! Coordination: agents send each other messages by id, and each sender learns what became of them.
//!
//! - **Nothing is sent twice.** What a receiver has begun is offered to nobody again. A sender
//!   whose time is over learns which it is: kept for the receiver, or in progress there.
//! - **Nothing is lost unseen**: the sender is told, or the message is kept for its receiver, or it
//!   is among the [dead letters](DeadLetters).
//! - **Nothing is kept for ever**: each message only for so long, and only so many of them.
//! - **In order**: a receiver begins what was sent to it in the order in which it was sent, also
//!   what was kept meanwhile.
//! - **It has no loop.** Sending runs in the sender's task; what is kept for a receiver that fails
//!   is cared for by a task for that receiver alone, which is there as long as something is kept.
//!
//! | what happens | the sender learns | the message |
//! |---|---|---|
//! | the receiver acknowledges in time | `Acknowledged` | is handled |
//! | it refuses | its error | is the sender's |
//! | time is over, and it has not begun | `Buffered`: `timeout` | is kept; a failure |
//! | time is over, and it has begun | `InProgress` | is not sent again; a failure |
//! | it has no room | `Buffered`: `mailbox_full` | is kept; a failure |
//! | its circuit is not closed | `Buffered`: `circuit_open` | is kept |
//! | nobody receives, or it ends before it begins | `no_such_receiver` | is the sender's |
//! | it begins, and ends or drops what it has to say | `outcome_unknown` | may be handled |
//!
//! Where no sender waits any more, what it would have learned is the reason of a dead letter.

mod anchor;
mod assignment;
mod broadcast;
mod care;
mod cell;
mod dead_letters;
mod delegate;
mod handle;
mod join;
mod lane;
mod options;
mod receiver;
mod report;
mod retry;
mod send;
mod shared;
mod stats;
mod wait;

pub use assignment::{Acknowledgement, Assignment};
pub use dead_letters::{DeadLetter, DeadLetterId, Purge};
pub use delegate::Delegate;
pub use handle::Coordination;
pub use join::ReceiverInfo;
pub use options::CoordinationBuilder;
pub use report::{Coordinated, Reach, Sent};
pub use retry::DeadLetters;
pub use stats::CoordinationStats;
