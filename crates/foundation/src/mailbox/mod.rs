//! A mailbox: a bounded queue of messages, and beside it the control word that is read first.
//!
//! - **The bound is exact**: messages that were taken out in a batch and are not yet begun count.
//! - **Control never queues behind messages.** It is a bit in a word that the receiver looks at
//!   between two of them, and a lane beside the queue for what does not fit into a bit.
//! - **A sender that waits holds its place**: whoever comes later goes behind it.
//! - **No code of a user runs under the lock**, not even a message's destructor.
//!
//! The receiver swaps the whole queue for its empty one and works through it without the lock,
//! which is what makes it faster than a channel that hands over one message at a time.

mod options;
mod promise;
mod queue;

pub(crate) use options::MOST_CAPACITY;
pub use options::{Mailbox, Overflow};
pub(crate) use promise::Promise;
pub(crate) use queue::{CONTROL, Closed, Inbox, Queue, Received, SPACE, Sent, Waiting};

#[cfg(test)]
mod tests;
