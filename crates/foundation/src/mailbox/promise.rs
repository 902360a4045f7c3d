//! Places that are promised before the message is there, so that several receivers get one or none.
//!
//! A promise is to one receiver, and void for the next one in the same place.

use super::Overflow;
use super::queue::{Gate, Queue};

/// What a sender is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// A place. It is kept until it is [used](Queue::fulfil) or [given back](Queue::give_back).
    Place,
    /// Whatever is sent is accepted, and pushes the oldest out if there is no room then.
    Push,
    /// As that, where there is no room already.
    PushOut,
    /// Whatever is sent is dropped, as the policy says where there is no room.
    Drop,
    /// No room, and the sender waits for none.
    Full,
    /// No room, and the policy is to stop.
    Overflow,
    /// Nothing comes in, or it is another receiver than meant.
    Closed,
}

impl<M, C, T> Queue<M, C, T> {
    /// Promises a place to a sender that does not wait.
    pub(crate) fn promise(&self, generation: u32) -> Promise {
        let mut state = self.state.lock();
        if state.generation != generation || state.gate != Gate::Open {
            return Promise::Closed;
        }
        if state.options.get_overflow() == Overflow::DropOldest {
            let has_room = state.has_room(&self.remaining);
            return if has_room { Promise::Push } else { Promise::PushOut };
        }
        if state.has_room(&self.remaining) {
            state.promised += 1;
            return Promise::Place;
        }
        match state.options.get_overflow() {
            Overflow::DropNewest => Promise::Drop,
            Overflow::Stop => Promise::Overflow,
            _ => Promise::Full,
        }
    }

    /// Puts a message into the place that was promised for it. Gives the message back when the
    /// receiver is gone, or takes no more.
    pub(crate) fn fulfil(&self, generation: u32, message: M) -> Option<M> {
        let mut state = self.state.lock();
        if state.generation != generation {
            return Some(message);
        }
        state.promised = state.promised.saturating_sub(1);
        if state.gate != Gate::Open {
            return Some(message);
        }
        state.messages.push_back(message);
        Self::wake(state);
        None
    }

    /// Gives up a place that was promised.
    pub(crate) fn give_back(&self, generation: u32) {
        let mut state = self.state.lock();
        if state.generation == generation {
            state.promised = state.promised.saturating_sub(1);
            self.move_up_one(state);
        }
    }

    /// Sends to one receiver only, and does not wait. Gives the message back with what was promised
    /// in place of accepting it; [`Promise::Push`] with the message that was pushed out.
    pub(crate) fn send_to(&self, generation: u32, message: M) -> Result<(), (Promise, M)> {
        let mut state = self.state.lock();
        if state.generation != generation || state.gate != Gate::Open {
            return Err((Promise::Closed, message));
        }
        if state.has_room(&self.remaining) {
            state.messages.push_back(message);
            Self::wake(state);
            return Ok(());
        }
        match state.options.get_overflow() {
            Overflow::DropOldest => {
                state.dropped += 1;
                let oldest = state.messages.pop_front();
                state.messages.push_back(message);
                Self::wake(state);
                oldest.map_or(Ok(()), |oldest| Err((Promise::Push, oldest)))
            }
            Overflow::DropNewest => {
                state.dropped += 1;
                Err((Promise::Drop, message))
            }
            Overflow::Stop => Err((Promise::Overflow, message)),
            Overflow::Wait | Overflow::Reject => Err((Promise::Full, message)),
        }
    }
}
