//! The queue between senders and the one receiver, and the word that the receiver reads first.
//!
//! What keeps a wake-up from getting lost: the receiver says that it is idle under the lock under
//! which it has found nothing, and whoever puts something there afterwards sees it. A bit of the
//! control word is raised before the receiver is woken, and the receiver is woken whatever it does.
//!
//! This file is compiled a second time by the tests, against a scheduler that tries every order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{Mailbox, Overflow};
use crate::sync::{AtomicU8, AtomicU32, AtomicUsize, Mutex, MutexGuard, Ordering};

/// The bit of the control word that says: a sender waits for room.
pub(crate) const SPACE: u32 = 1;
/// The bit of the control word that says: there is something in the control lane. All other bits
/// belong to the actor.
pub(crate) const CONTROL: u32 = 1 << 1;

/// A mailbox as its senders and its receiver share it.
///
/// What the receiver touches for every message lies in another cache line than the lock, which
/// senders touch for every message: in one line they would wait for each other all the time. What
/// lies between is the owner's, 48 bytes or more that are rarely touched.
///
/// A queue outlives its receivers: it is [opened](Self::open) for one of them after the other. What
/// is meant for an earlier one does not reach a later one.
#[repr(C)]
pub(crate) struct Queue<M, C, T> {
    word: AtomicU32,
    /// How many of the messages taken in the last batch are not yet begun. Written by the receiver
    /// for every message, read by a sender only when there seems to be no room.
    pub(super) remaining: AtomicUsize,
    /// Which time the receiver is polled. A wake-up ends up in the next one.
    polls: AtomicU32,
    pub(crate) between: T,
    /// How many messages were sent, by and large: nobody waits for the count to be exact.
    sent: AtomicU32,
    pub(super) state: Mutex<State<M, C>>,
}

/// Whether messages come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    /// What was accepted is still handled; nothing more is.
    Draining,
    Closed,
}

/// What became of a message that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent<M> {
    Accepted,
    /// Accepted in place of this one, the oldest.
    InsteadOf(M),
    /// Dropped, as the policy says.
    Dropped(M),
    /// No room; the sender stands in line.
    InLine(Waiting),
    /// No room, and nobody waits.
    Full(M),
    /// No room, and the policy is to stop.
    Overflow(M),
    /// Nothing comes in any more.
    Closed(M),
}

/// What the receiver finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<M> {
    Message(M),
    /// Nothing; the next sender wakes the receiver.
    Idle,
    /// Nothing, and nothing will come.
    Drained,
}

/// What the receiver has taken out and not begun.
#[derive(Debug)]
pub(crate) struct Inbox<M> {
    batch: VecDeque<M>,
    /// The poll of the receiver in which the queue was found to hold nothing more. Then the next
    /// sender wakes the receiver, which therefore need not look again in that poll.
    quiet_in: Option<u32>,
}

/// The place of a sender in the line before a full mailbox.
#[derive(Debug)]
pub(crate) struct Waiting(Arc<AtomicU8>);

/// What was left when a mailbox was closed.
#[derive(Debug)]
pub(crate) struct Closed<M, C> {
    /// What was accepted and never begun.
    pub(crate) messages: VecDeque<M>,
    /// The messages of senders that waited.
    pub(crate) refused: Vec<M>,
    pub(crate) lane: VecDeque<C>,
}

/// The mailbox was closed before the message could be accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

pub(super) struct State<M, C> {
    pub(super) messages: VecDeque<M>,
    /// Senders that wait for room, in the order in which they came. There only while somebody is.
    #[expect(clippy::box_collection, reason = "a word for every idle actor, in place of four")]
    line: Option<Box<VecDeque<InLine<M>>>>,
    /// What comes before every message. Bounded by what the receiver has asked for, never by room.
    #[expect(clippy::box_collection, reason = "a word for every idle actor, in place of four")]
    lane: Option<Box<VecDeque<C>>>,
    /// The how many-th receiver it is open for; 0 before the first.
    pub(super) generation: u32,
    /// How many places are promised to senders that have not yet sent.
    pub(super) promised: u32,
    /// At least as many as `remaining`.
    taken: usize,
    pub(super) options: Mailbox,
    pub(super) gate: Gate,
    /// Whether the receiver has found nothing and waits to be woken.
    idle: bool,
    waker: Option<Waker>,
    /// How many messages the policy has dropped.
    pub(super) dropped: u64,
}

struct InLine<M> {
    message: M,
    waker: Waker,
    outcome: Arc<AtomicU8>,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Waiting {}

const WAITING: u8 = 0;
const ACCEPTED: u8 = 1;
const REFUSED: u8 = 2;

// === impl Queue: senders ===

impl<M, C, T> Queue<M, C, T> {
    /// A queue that is closed, and waits for its first receiver.
    pub(crate) fn new(options: Mailbox, between: T) -> Self {
        let state = State {
            messages: VecDeque::new(),
            line: None,
            lane: None,
            generation: 0,
            promised: 0,
            taken: 0,
            options,
            gate: Gate::Closed,
            idle: false,
            waker: None,
            dropped: 0,
        };
        Self {
            word: AtomicU32::new(0),
            remaining: AtomicUsize::new(0),
            polls: AtomicU32::new(0),
            between,
            sent: AtomicU32::new(0),
            state: Mutex::new(state),
        }
    }

    /// Sends if there is room: what nearly every message meets, and therefore short. Gives the
    /// message back if there is none; [`Self::send`] tells why.
    #[inline]
    pub(crate) fn try_accept(&self, message: M) -> Option<M> {
        let mut state = self.state.lock();
        if state.gate == Gate::Open && state.has_room(&self.remaining) {
            state.messages.push_back(message);
            self.sent.store(self.sent() + 1, Ordering::Relaxed);
            Self::wake(state);
            return None;
        }
        Some(message)
    }

    /// Sends, and does what the policy says where there is no room. A sender with a `waker` may
    /// have to stand in line, one without does not wait.
    pub(crate) fn send(&self, message: M, waker: Option<&Waker>) -> Sent<M> {
        let mut state = self.state.lock();
        if state.gate != Gate::Open {
            return Sent::Closed(message);
        }
        if state.has_room(&self.remaining) {
            state.messages.push_back(message);
            Self::wake(state);
            return Sent::Accepted;
        }
        match (state.options.get_overflow(), waker) {
            (Overflow::Wait, Some(waker)) => self.stand_in_line(&mut state, message, waker),
            (Overflow::Wait, None) | (Overflow::Reject, _) => Sent::Full(message),
            (Overflow::Stop, _) => Sent::Overflow(message),
            (Overflow::DropNewest, _) => {
                state.dropped += 1;
                Sent::Dropped(message)
            }
            (Overflow::DropOldest, _) => {
                state.dropped += 1;
                let oldest = state.messages.pop_front();
                state.messages.push_back(message);
                Self::wake(state);
                oldest.map_or(Sent::Accepted, Sent::InsteadOf)
            }
        }
    }

    fn stand_in_line(&self, state: &mut State<M, C>, message: M, waker: &Waker) -> Sent<M> {
        let outcome = Arc::new(AtomicU8::new(WAITING));
        let place = InLine { message, waker: waker.clone(), outcome: Arc::clone(&outcome) };
        state.line.get_or_insert_default().push_back(place);
        self.word.fetch_or(SPACE, Ordering::AcqRel);
        Sent::InLine(Waiting(outcome))
    }

    /// How many messages were sent, by and large; begins again at 0 before it is too large.
    #[inline]
    pub(crate) fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed) & (u32::MAX >> 1)
    }

    /// Whether the message of a sender in the line was accepted by now.
    pub(crate) fn poll_line(&self, place: &Waiting, waker: &Waker) -> Poll<Result<(), Refused>> {
        let mut state = self.state.lock();
        match place.0.load(Ordering::Acquire) {
            ACCEPTED => Poll::Ready(Ok(())),
            REFUSED => Poll::Ready(Err(Refused)),
            _ => {
                if let Some(place) = state.find(place) {
                    place.waker.clone_from(waker);
                }
                Poll::Pending
            }
        }
    }

    /// Leaves the line. Gives the message back unless it was accepted or refused before.
    pub(crate) fn leave_line(&self, place: &Waiting) -> Option<M> {
        let mut state = self.state.lock();
        let line = state.line.as_mut()?;
        let at = line.iter().position(|other| Arc::ptr_eq(&other.outcome, &place.0))?;
        let left = line.remove(at)?;
        if line.is_empty() {
            state.line = None;
            self.word.fetch_and(!SPACE, Ordering::AcqRel);
        }
        Some(left.message)
    }

    /// Raises bits of the control word and wakes the receiver, unless it is another one than meant.
    pub(crate) fn raise(&self, generation: u32, bits: u32) {
        let mut state = self.state.lock();
        if state.generation != generation {
            return;
        }
        self.word.fetch_or(bits, Ordering::AcqRel);
        state.idle = true;
        Self::wake(state);
    }

    /// Puts something into the control lane and wakes the receiver. Gives it back when the receiver
    /// has gone, or is another one than meant.
    pub(crate) fn signal(&self, generation: u32, control: C) -> Option<C> {
        let mut state = self.state.lock();
        if state.generation != generation || state.gate == Gate::Closed {
            return Some(control);
        }
        state.lane.get_or_insert_default().push_back(control);
        self.word.fetch_or(CONTROL, Ordering::AcqRel);
        // Woken in any case: it may have looked at the word, and not yet said that it is idle.
        state.idle = true;
        Self::wake(state);
        None
    }

    /// Messages that are accepted and not yet begun.
    pub(crate) fn len(&self) -> usize {
        let state = self.state.lock();
        state.messages.len() + state.taken.min(self.remaining.load(Ordering::Acquire))
    }

    /// How many messages the policy has dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }

    /// Lets go of the lock and wakes the receiver if it is idle.
    #[inline]
    pub(super) fn wake(mut state: MutexGuard<'_, State<M, C>>) {
        if !state.idle {
            return;
        }
        state.idle = false;
        let waker = state.waker.clone();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

// === impl Queue: the receiver ===

impl<M, C, T> Queue<M, C, T> {
    /// Opens it for the next receiver, after [`Self::close`] has ended the one before.
    pub(crate) fn open(&self, generation: u32) {
        let mut state = self.state.lock();
        state.gate = Gate::Open;
        state.generation = generation;
        state.promised = 0;
        state.idle = false;
        self.word.store(0, Ordering::Release);
    }

    /// The first thing in the control lane.
    pub(crate) fn take_control(&self) -> Option<C> {
        let mut state = self.state.lock();
        let lane = state.lane.as_mut()?;
        let control = lane.pop_front();
        if lane.is_empty() {
            self.word.fetch_and(!CONTROL, Ordering::AcqRel);
        }
        control
    }

    /// Puts back what was taken out of the control lane, before everything else in it.
    pub(crate) fn put_back_control(&self, taken: &mut VecDeque<C>) {
        if taken.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        let lane = state.lane.get_or_insert_default();
        taken.append(lane);
        std::mem::swap(&mut **lane, taken);
        self.word.fetch_or(CONTROL, Ordering::AcqRel);
    }

    /// Raises bits of the control word, by the receiver.
    pub(crate) fn mark(&self, bits: u32) {
        self.word.fetch_or(bits, Ordering::AcqRel);
    }

    /// Lowers bits of the control word, by the receiver.
    pub(crate) fn lower(&self, bits: u32) {
        self.word.fetch_and(!bits, Ordering::AcqRel);
    }

    /// Makes `waker` the one that wakes the receiver.
    pub(crate) fn register(&self, waker: &Waker) {
        self.state.lock().waker = Some(waker.clone());
    }

    /// Counts a poll of the receiver.
    pub(crate) fn polled(&self) {
        let polls = self.polls.load(Ordering::Relaxed);
        self.polls.store(polls.wrapping_add(1), Ordering::Relaxed);
    }

    /// The control word.
    pub(crate) fn word(&self) -> u32 {
        self.word.load(Ordering::Acquire)
    }

    /// The next message that was taken out.
    #[inline]
    pub(crate) fn next(&self, inbox: &mut Inbox<M>) -> Option<M> {
        let message = inbox.batch.pop_front()?;
        self.remaining.store(inbox.batch.len(), Ordering::Release);
        Some(message)
    }

    /// Takes out what there is, and gives the first of it. For a receiver that has begun everything
    /// it took out before, and which is woken through the waker it has registered.
    pub(crate) fn receive(&self, inbox: &mut Inbox<M>) -> Received<M> {
        let poll = self.polls.load(Ordering::Relaxed);
        if inbox.quiet_in.take() == Some(poll) {
            return Received::Idle;
        }
        let mut state = self.state.lock();
        state.taken = 0;
        let mut moved = Vec::new();
        if state.messages.is_empty() {
            state.move_up(0, &mut moved);
        }
        let one_by_one = state.options.get_overflow() == Overflow::DropOldest;
        let message = if one_by_one || state.messages.len() <= 1 {
            state.messages.pop_front()
        } else {
            std::mem::swap(&mut state.messages, &mut inbox.batch);
            inbox.batch.pop_front()
        };
        let taken = inbox.batch.len();
        state.taken = taken;
        self.remaining.store(taken, Ordering::Release);
        if state.line.is_some() || !moved.is_empty() {
            self.make_room_in(state, taken, moved);
            return message.map_or(Received::Idle, Received::Message);
        }
        match message {
            Some(message) => {
                if taken == 0 && state.is_quiet() {
                    state.idle = true;
                    inbox.quiet_in = Some(poll);
                }
                Received::Message(message)
            }
            None if state.gate == Gate::Open => {
                state.idle = true;
                Received::Idle
            }
            // Whoever put something there has woken the receiver, which looks there first.
            None if state.lane.as_ref().is_some_and(|lane| !lane.is_empty()) => Received::Idle,
            None => Received::Drained,
        }
    }

    /// Lets in senders that wait, once half of the mailbox is free: letting them in one by one
    /// would wake one for every message.
    pub(crate) fn make_room(&self, inbox: &Inbox<M>) {
        self.make_room_in(self.state.lock(), inbox.batch.len(), Vec::new());
    }

    /// Puts back what was taken and not begun, before everything else.
    pub(crate) fn put_back(&self, inbox: &mut Inbox<M>) {
        let batch = &mut inbox.batch;
        let mut state = self.state.lock();
        batch.append(&mut state.messages);
        std::mem::swap(&mut state.messages, batch);
        state.taken = 0;
        self.remaining.store(0, Ordering::Release);
    }

    /// Lets nothing more in to this receiver; what was accepted stays. Gives back the messages of
    /// senders that wait.
    pub(crate) fn drain(&self, generation: u32) -> Vec<M> {
        let mut state = self.state.lock();
        if state.generation != generation {
            return Vec::new();
        }
        if state.gate == Gate::Open {
            state.gate = Gate::Draining;
        }
        self.refuse_line(state)
    }

    /// Closes for good. Gives back what was accepted and never begun, the messages of senders that
    /// wait, and what is left in the control lane: all for the caller to drop, outside of the lock.
    pub(crate) fn close(&self) -> Closed<M, C> {
        let mut state = self.state.lock();
        state.gate = Gate::Closed;
        let lane = state.lane.take();
        state.taken = 0;
        self.remaining.store(0, Ordering::Release);
        let waker = state.waker.take();
        let messages = std::mem::take(&mut state.messages);
        let refused = self.refuse_line(state);
        // The waker keeps the memory of the task; here the last thing that does may go.
        drop(waker);
        Closed { messages, refused, lane: lane.map(|lane| *lane).unwrap_or_default() }
    }

    /// Frees what an empty queue keeps for its next messages.
    pub(crate) fn hibernate(&self, inbox: &mut Inbox<M>) {
        inbox.batch = VecDeque::new();
        let mut state = self.state.lock();
        if state.messages.is_empty() {
            state.messages = VecDeque::new();
        }
        if state.lane.as_ref().is_some_and(|lane| lane.is_empty()) {
            state.lane = None;
        }
    }

    /// For how many messages it keeps memory.
    #[cfg(test)]
    pub(super) fn memory(&self, inbox: &Inbox<M>) -> usize {
        inbox.batch.capacity() + self.state.lock().messages.capacity()
    }

    fn make_room_in(
        &self,
        mut state: MutexGuard<'_, State<M, C>>,
        taken: usize,
        mut moved: Vec<Waker>,
    ) {
        state.taken = taken;
        if state.occupied() + taken <= state.options.get_capacity() / 2 {
            state.move_up(taken, &mut moved);
        }
        if state.line.is_none() {
            self.word.fetch_and(!SPACE, Ordering::AcqRel);
        }
        drop(state);
        moved.into_iter().for_each(Waker::wake);
    }

    /// Lets in who waits, and wakes the receiver for it: a promised place is free.
    pub(super) fn move_up_one(&self, mut state: MutexGuard<'_, State<M, C>>) {
        if state.line.is_none() || state.gate != Gate::Open {
            return;
        }
        let taken = state.taken.min(self.remaining.load(Ordering::Acquire));
        let mut moved = Vec::new();
        state.move_up(taken, &mut moved);
        if state.line.is_none() {
            self.word.fetch_and(!SPACE, Ordering::AcqRel);
        }
        if moved.is_empty() {
            return;
        }
        Self::wake(state);
        moved.into_iter().for_each(Waker::wake);
    }

    fn refuse_line(&self, mut state: MutexGuard<'_, State<M, C>>) -> Vec<M> {
        let line = state.line.take();
        self.word.fetch_and(!SPACE, Ordering::AcqRel);
        let mut refused = Vec::new();
        let mut wakers = Vec::new();
        for place in line.into_iter().flat_map(|line| *line) {
            place.outcome.store(REFUSED, Ordering::Release);
            refused.push(place.message);
            wakers.push(place.waker);
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        refused
    }
}

// === impl Inbox ===

impl<M> Inbox<M> {
    pub(crate) const fn new() -> Self {
        Self { batch: VecDeque::new(), quiet_in: None }
    }
}

// === impl State ===

impl<M, C> State<M, C> {
    /// Whether a message may come in now. Nobody overtakes the line.
    pub(super) fn has_room(&mut self, remaining: &AtomicUsize) -> bool {
        if self.line.is_some() {
            return false;
        }
        let capacity = self.options.get_capacity();
        if self.occupied() + self.taken < capacity {
            return true;
        }
        self.taken = self.taken.min(remaining.load(Ordering::Acquire));
        self.occupied() + self.taken < capacity
    }

    /// How many places are taken by messages, and promised to some.
    fn occupied(&self) -> usize {
        self.messages.len() + self.promised as usize
    }

    /// Accepts the messages of the first in line, as many as there is room for.
    fn move_up(&mut self, taken: usize, moved: &mut Vec<Waker>) {
        let Some(line) = &mut self.line else { return };
        let promised = self.promised as usize;
        while self.messages.len() + promised + taken < self.options.get_capacity() {
            let Some(place) = line.pop_front() else { break };
            place.outcome.store(ACCEPTED, Ordering::Release);
            self.messages.push_back(place.message);
            moved.push(place.waker);
        }
        if line.is_empty() {
            self.line = None;
        }
    }

    /// Whether nothing waits and more may come.
    fn is_quiet(&self) -> bool {
        self.messages.is_empty() && self.gate == Gate::Open
    }

    fn find(&mut self, place: &Waiting) -> Option<&mut InLine<M>> {
        let line = self.line.as_mut()?;
        line.iter_mut().find(|other| Arc::ptr_eq(&other.outcome, &place.0))
    }
}
