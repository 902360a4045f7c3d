//! How large a mailbox is, and what happens when it is full.

/// The capacity of a mailbox that does not say otherwise: large enough that a burst does not make
/// its senders wait, small enough that a stuck actor holds kilobytes.
const CAPACITY: usize = 1024;
/// Greatest capacity. A mailbox with a million messages in it is a leak with a delay: whoever
/// needs more should write it down durably.
pub(crate) const MOST_CAPACITY: usize = 1 << 20;

/// What a mailbox does with a message that it has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// The sender waits until there is room, in the order of arrival. The default: pressure reaches
    /// whoever causes it.
    #[default]
    Wait,
    /// The sender gets the error `mailbox_full` at once.
    Reject,
    /// The new message is dropped and counted. The sender is told that all is well, because it
    /// asked not to be bothered; a request whose message is dropped fails with `mailbox_full`.
    DropNewest,
    /// The oldest message that is not yet begun is dropped and counted; a request among them fails
    /// with `no_reply`. For values of which only the latest matters. Messages are handed over one
    /// by one, which is slower.
    DropOldest,
    /// The actor stops with the error `mailbox_overflow`, for actors that are worthless when late.
    Stop,
}

/// The options of a mailbox: 1,024 messages, and a sender that finds it full waits.
///
/// ```
/// use foundation::{Mailbox, Overflow};
///
/// let latest_only = Mailbox::bounded(1).overflow(Overflow::DropOldest);
/// # assert_ne!(latest_only, Mailbox::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Mailbox {
    capacity: usize,
    overflow: Overflow,
}

impl Mailbox {
    /// A mailbox for `capacity` messages, not counting the one being handled. From 1 to 1,048,576;
    /// anything else is refused with `invalid_options` when the actor is started.
    pub const fn bounded(capacity: usize) -> Self {
        Self { capacity, overflow: Overflow::Wait }
    }

    /// What happens to a message for which there is no room.
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    pub(crate) const fn get_capacity(self) -> usize {
        self.capacity
    }

    pub(crate) const fn get_overflow(self) -> Overflow {
        self.overflow
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::bounded(CAPACITY)
    }
}
