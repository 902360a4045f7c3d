//! What an actor's callbacks are given: themselves, their timers, time and ids.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::Actor;
use super::handle::ActorRef;
use super::slot::{KILL, Pid, STOP, Slot};
use super::timers::{TimerKey, Timers};
use crate::error::{Error, ErrorContext};
use crate::exit::ExitReason;
use crate::mailbox::{Inbox, Received, SPACE};

/// Messages that an actor handles before it lets others run: as many as keep the cost of that
/// unseen, few enough that they take microseconds.
const TURN: u32 = 256;

/// What belongs to one incarnation of an actor, and is given to its callbacks.
pub struct Context<A: Actor> {
    slot: Arc<Slot<A::Message>>,
    /// Messages taken out of the mailbox and not begun.
    inbox: Inbox<A::Message>,
    continuation: Option<A::Message>,
    timers: Option<Box<Timers<A::Message>>>,
    errors: Option<Box<ErrorContext>>,
    left_in_turn: u32,
    hibernates: bool,
}

/// What an actor does next.
pub(super) enum Step<M> {
    Handle(M),
    Stop(ExitReason),
}

// === impl Context ===

impl<A: Actor> Context<A> {
    pub(super) const fn new(slot: Arc<Slot<A::Message>>) -> Self {
        Self {
            slot,
            inbox: Inbox::new(),
            continuation: None,
            timers: None,
            errors: None,
            left_in_turn: TURN,
            hibernates: false,
        }
    }

    /// A reference to this actor, for others. To speak to itself an actor uses
    /// [`try_tell`](ActorRef::try_tell); to wait for itself is an error.
    pub fn me(&self) -> ActorRef<A> {
        ActorRef::new(Arc::clone(&self.slot))
    }

    /// This incarnation.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.slot.core().pid
    }

    /// The name that it was started under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.slot.core().name
    }

    /// Handles `message` next, before whatever waits in the mailbox. Called in `init` it is handled
    /// after the start was acknowledged. A second call in one callback replaces the first.
    pub fn continue_with(&mut self, message: A::Message) {
        self.continuation = Some(message);
    }

    /// Handles `message` after `delay`, unless it is cancelled or the actor ends before. Delays are
    /// measured by the runtime's clock, in milliseconds; those over a century never end.
    pub fn send_after(&mut self, delay: Duration, message: A::Message) -> TimerKey {
        self.timers().once(delay, message)
    }

    /// Handles a message every `period`, first after one period, at least a millisecond. Periods
    /// do not drift; what was missed while the actor was busy is left out, not made up for.
    pub fn send_every(
        &mut self,
        period: Duration,
        message: impl FnMut() -> A::Message + Send + 'static,
    ) -> TimerKey {
        self.timers().every(period, message)
    }

    /// Stops a timer. False when it has gone off, or was cancelled before.
    pub fn cancel_timer(&mut self, timer: TimerKey) -> bool {
        self.timers.as_mut().is_some_and(|timers| timers.cancel(timer))
    }

    /// How many timers are running.
    #[must_use]
    pub fn timers_running(&self) -> usize {
        self.timers.as_ref().map_or(0, |timers| timers.len())
    }

    /// Whether the actor was asked to end, for a callback that takes long and can be cut short.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.slot.queue.word() & STOP != 0
    }

    /// The wall-clock time of the system.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.slot.core().system.ports.now()
    }

    /// A new id of the system.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.slot.core().system.ports.new_id()
    }

    /// The context that errors of this actor are stamped with. Its operation is the actor's name.
    pub fn error_context(&mut self) -> &mut ErrorContext {
        self.errors.get_or_insert_with(|| {
            let core = self.slot.core();
            let context = ErrorContext::new(Arc::clone(&core.system.ports), &*core.name);
            Box::new(context.with("pid", core.pid.to_string()))
        })
    }

    /// Stamps an error before it leaves the actor in an answer. What a callback returns is stamped
    /// by itself.
    #[must_use]
    pub fn stamp(&mut self, error: Error) -> Error {
        self.error_context().stamp(error)
    }

    fn timers(&mut self) -> &mut Timers<A::Message> {
        self.timers.get_or_insert_with(|| Box::new(Timers::new()))
    }
}

// === impl Context: the loop's side ===

impl<A: Actor> Context<A> {
    /// Decides why the actor ends: from here on nothing changes that, and nothing more comes in.
    pub(super) fn decide(&self, reason: &ExitReason) {
        self.slot.core().set_ending(reason);
        drop(self.slot.queue.drain());
    }

    /// Frees the mailbox when the actor is next idle.
    pub(super) const fn hibernate(&mut self) {
        self.hibernates = true;
    }

    /// What to do next: control first, then what the actor itself asked for, then timers and
    /// messages.
    pub(super) async fn next(&mut self) -> Step<A::Message> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Step<A::Message>> {
        let queue = &self.slot.queue;
        let word = queue.word();
        if word != 0 {
            // Whoever raised it wakes this task, and the next poll of it is the last.
            if word & KILL != 0 {
                return Poll::Pending;
            }
            if word & STOP != 0 {
                return Poll::Ready(Step::Stop(self.slot.core().take_request()));
            }
            if word & SPACE != 0 {
                queue.make_room(&self.inbox);
            }
        }
        if self.left_in_turn == 0 {
            self.left_in_turn = TURN;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.left_in_turn -= 1;
        if let Some(message) = self.continuation.take() {
            return Poll::Ready(Step::Handle(message));
        }
        if let Some(message) = queue.next(&mut self.inbox) {
            return Poll::Ready(Step::Handle(message));
        }
        if let Some(timers) = &mut self.timers
            && let Poll::Ready(message) = timers.poll(cx)
        {
            return Poll::Ready(Step::Handle(message));
        }
        match queue.receive(&mut self.inbox) {
            Received::Message(message) => return Poll::Ready(Step::Handle(message)),
            Received::Drained => return Poll::Ready(Step::Stop(ExitReason::Normal)),
            Received::Idle => {}
        }
        if std::mem::take(&mut self.hibernates) {
            queue.hibernate(&mut self.inbox);
        }
        self.left_in_turn = TURN;
        Poll::Pending
    }
}

impl<A: Actor> Drop for Context<A> {
    /// What was taken out of the mailbox goes back, however the actor ends: whoever closes the
    /// mailbox finds all of it in order.
    fn drop(&mut self) {
        self.slot.queue.put_back(&mut self.inbox);
    }
}

impl<A: Actor> fmt::Debug for Context<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Context");
        shown.field("pid", &self.pid()).field("name", &self.name());
        shown.field("timers", &self.timers_running()).finish_non_exhaustive()
    }
}
