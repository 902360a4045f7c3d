//! The shipped files of the mailbox, compiled against the locks of `crate::sync` in this program.

#[path = "../../src/mailbox/options.rs"]
mod options;
#[path = "../../src/mailbox/promise.rs"]
mod promise;
#[path = "../../src/mailbox/queue.rs"]
mod queue;

pub(crate) use options::{Mailbox, Overflow};
pub(crate) use promise::Promise;
pub(crate) use queue::{CONTROL, Inbox, Queue, Received, SPACE, Sent};
