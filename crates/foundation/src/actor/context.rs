//! What an actor's callbacks are given: themselves, their timers, time and ids.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::Actor;
use super::handle::ActorRef;
use super::observed::Observed;
use super::reply::Reply;
use super::slot::{Control, KILL, Peer, Pid, STOP, SUSPENDED, Signal, Slot, TRACED};
use super::spec::ChildKind;
use super::timers::{TimerKey, Timers};
use super::watch::{Down, Exit, MonitorRef, Watching, link, unlink};
use crate::error::{Error, ErrorContext, Result};
use crate::exit::ExitReason;
use crate::mailbox::{CONTROL, Inbox, Received, SPACE};
use crate::registry::{Groups, Registry};
use crate::system::Shared;
use crate::tracker::ErrorTracker;

/// Messages that an actor handles before it lets others run: as many as keep the cost of that
/// unseen, few enough that they take microseconds.
const TURN: u32 = 256;

/// What belongs to one incarnation of an actor, and is given to its callbacks.
pub struct Context<A: Actor> {
    pub(super) slot: Arc<Slot<A::Message>>,
    /// Messages taken out of the mailbox and not begun.
    inbox: Inbox<A::Message>,
    continuation: Option<A::Message>,
    timers: Option<Box<Timers<A::Message>>>,
    watching: Option<Box<Watching>>,
    errors: Option<Box<ErrorContext>>,
    pub(super) observed: Option<Box<Observed<A::Message>>>,
    left_in_turn: u32,
    hibernates: bool,
}

/// What an actor does next. What is rare is boxed, so that messages travel light.
pub(crate) enum Step<M> {
    Handle(M),
    Rare(Box<Rare>),
}

pub(crate) enum Rare {
    Down(Down),
    Exit(Exit),
    Inspect(Reply<Result<Option<Value>>>),
    Stop(ExitReason),
}

// === impl Step ===

impl<M> Step<M> {
    #[cold]
    fn stop(reason: ExitReason) -> Self {
        Self::Rare(Box::new(Rare::Stop(reason)))
    }
}

// === impl Context ===

impl<A: Actor> Context<A> {
    pub(crate) const fn new(slot: Arc<Slot<A::Message>>) -> Self {
        Self {
            slot,
            inbox: Inbox::new(),
            continuation: None,
            timers: None,
            watching: None,
            errors: None,
            observed: None,
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
        self.slot.core().pid()
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

    /// Watches `other`: when its incarnation of now has ended, [`Actor::on_down`] is told once, and
    /// at once when it is dead already. The monitor goes with this actor.
    pub fn monitor<B: Actor>(&mut self, other: &ActorRef<B>) -> MonitorRef {
        let owner = self.peer();
        self.watching().monitor(&owner, other.process())
    }

    /// Stops watching. False when the other one has ended before: what the monitor tells of that
    /// may be on its way, and still comes.
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        self.watching.as_mut().is_some_and(|watching| watching.demonitor(monitor, false))
    }

    /// As [`Self::demonitor`], and nothing of that monitor comes after this.
    pub fn demonitor_and_flush(&mut self, monitor: MonitorRef) -> bool {
        self.watching.as_mut().is_some_and(|watching| watching.demonitor(monitor, true))
    }

    /// How many monitors this actor has, those included that have something to tell.
    #[must_use]
    pub fn monitors(&self) -> usize {
        self.watching.as_ref().map_or(0, |watching| watching.len())
    }

    /// Links the incarnations that both are now. When one of them ends, the other one ends for the
    /// same reason, unless that is `Normal`; one that [traps exits](Self::trap_exits) is told
    /// instead, whatever the reason. To link somebody dead is to learn of an end with `NoProc`. A
    /// second link to the same incarnation is none.
    pub fn link<B: Actor>(&mut self, other: &ActorRef<B>) {
        link(&self.peer(), &other.peer());
    }

    /// Removes the link to an incarnation. False when there is none. Nothing of it comes after
    /// this.
    pub fn unlink(&mut self, other: Pid) -> bool {
        unlink(&self.peer(), other)
    }

    /// How many incarnations this one is linked to.
    #[must_use]
    pub fn links(&self) -> usize {
        self.slot.core().life.links()
    }

    /// Whether the end of a linked actor is told to [`Actor::on_exit`], in place of ending this
    /// one. It is not, unless this is called.
    pub fn trap_exits(&mut self, traps: bool) {
        self.slot.core().life.set_traps_exits(traps);
    }

    /// Whether the actor was asked to end, for a callback that takes long and can be cut short.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.slot.queue.word() & STOP != 0
    }

    /// Ready when the actor is asked to end, for a callback that waits for something else beside
    /// it. Whoever asks wakes the actor, so this belongs into its own callback or a `select!`
    /// there; a set of futures that wakes each by itself, such as `FuturesUnordered`, does not look
    /// at it again.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<A> {
        self.slot.stopping()
    }

    /// What counts the errors of the system, as [`System::errors`](crate::System::errors).
    #[must_use]
    pub fn errors(&self) -> &ErrorTracker {
        &self.slot.core().system.errors
    }

    /// The names of the system's actors, as [`System::registry`](crate::System::registry).
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.slot.core().system.names
    }

    /// The groups of the system's actors, as [`System::groups`](crate::System::groups).
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.slot.core().system.groups
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
            let context = ErrorContext::new(&core.system, &*core.name);
            Box::new(context.with("pid", core.pid().to_string()))
        })
    }

    /// Stamps an error before it leaves the actor in an answer. What a callback returns is stamped
    /// by itself.
    #[must_use]
    pub fn stamp(&mut self, error: Error) -> Error {
        self.error_context().stamp(error)
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::of(Arc::clone(&self.slot) as _)
    }

    fn watching(&mut self) -> &mut Watching {
        self.watching.get_or_insert_with(|| Box::new(Watching::new()))
    }

    fn timers(&mut self) -> &mut Timers<A::Message> {
        self.timers.get_or_insert_with(|| Box::new(Timers::new()))
    }
}

// === impl Context: the loop's side ===

impl<A: Actor> Context<A> {
    /// The actor's place.
    pub(crate) const fn place(&self) -> &Arc<Slot<A::Message>> {
        &self.slot
    }

    pub(crate) fn system(&self) -> &Arc<Shared> {
        &self.slot.core().system
    }

    /// Gives it another context for its errors.
    pub(crate) fn set_error_context(&mut self, context: ErrorContext) {
        self.errors = Some(Box::new(context));
    }

    /// Shares something with whoever has a reference, as long as this incarnation lives.
    pub(crate) fn share(&self, shared: Arc<dyn Any + Send + Sync>) {
        self.slot.core().life.share(shared);
    }

    /// Says something to this incarnation, before its messages.
    pub(crate) fn say(&self, message: A::Message) {
        self.slot.say(self.pid().generation, message);
    }

    /// Whether the actor was killed, which only one that ends its children first sees.
    pub(crate) fn is_killed(&self) -> bool {
        self.slot.queue.word() & KILL != 0
    }

    /// Decides why the actor ends: from here on nothing changes that, and nothing more comes in.
    pub(crate) fn decide(&self, reason: &ExitReason) {
        let life = &self.slot.core().life;
        life.set_ending(reason);
        drop(self.slot.queue.drain(life.generation()));
    }

    /// Why the actor ends, if that is decided.
    pub(super) fn decided(&self) -> Option<ExitReason> {
        self.slot.core().life.ending()
    }

    /// Frees the mailbox when the actor is next idle.
    pub(super) const fn hibernate(&mut self) {
        self.hibernates = true;
    }

    /// What to do next: control first, then what the actor itself asked for, then timers and
    /// messages.
    pub(crate) async fn next(&mut self) -> Step<A::Message> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Self::next`], with nothing from the mailbox, and of the control bits only those that
    /// are heeded: for an actor that has something to do before it begins and after it has decided
    /// to end.
    pub(crate) async fn next_of_own(&mut self, heeded: u32) -> Step<A::Message> {
        std::future::poll_fn(|cx| self.poll_own(cx, heeded)).await
    }

    fn poll_next(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Step<A::Message>> {
        self.poll_step(cx, self.slot.queue.word())
    }

    #[inline]
    pub(super) fn poll_step(
        &mut self,
        cx: &mut std::task::Context<'_>,
        word: u32,
    ) -> Poll<Step<A::Message>> {
        let queue = &self.slot.queue;
        if word != 0 {
            if word & (SUSPENDED | TRACED) != 0 {
                return self.poll_observed(cx, word);
            }
            if word & (KILL | STOP) != 0 {
                return self.poll_ending(word);
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
        if word & CONTROL != 0 {
            let before = self.slot.queue.word();
            let step = self.take_control(true);
            let raised = self.slot.queue.word() & !before;
            match step {
                Some(step) => {
                    if raised & TRACED != 0 {
                        self.begin_traced(&step);
                    }
                    return Poll::Ready(step);
                }
                None if raised & (SUSPENDED | TRACED) != 0 => {
                    // Somebody has begun to look at it: begin anew.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => {}
            }
        }
        let queue = &self.slot.queue;
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
            Received::Drained => return Poll::Ready(Step::stop(ExitReason::Normal)),
            Received::Idle => {}
        }
        if std::mem::take(&mut self.hibernates) {
            queue.hibernate(&mut self.inbox);
        }
        self.left_in_turn = TURN;
        Poll::Pending
    }

    pub(crate) fn poll_own(
        &mut self,
        cx: &mut std::task::Context<'_>,
        heeded: u32,
    ) -> Poll<Step<A::Message>> {
        let word = self.slot.queue.word();
        if word & heeded & (KILL | STOP) != 0 {
            return self.poll_ending(word & heeded);
        }
        if word & CONTROL != 0
            && let Some(step) = self.take_control(false)
        {
            return Poll::Ready(step);
        }
        match &mut self.timers {
            Some(timers) => timers.poll(cx).map(Step::Handle),
            None => Poll::Pending,
        }
    }

    #[cold]
    fn poll_ending(&self, word: u32) -> Poll<Step<A::Message>> {
        let core = self.slot.core();
        if word & KILL == 0 {
            return Poll::Ready(Step::stop(
                core.life.take_request().unwrap_or(ExitReason::Shutdown),
            ));
        }
        match core.kind {
            // Whoever raised it wakes this task, and the next poll of it is the last.
            ChildKind::Worker => Poll::Pending,
            // Its children have to end first.
            ChildKind::Supervisor => Poll::Ready(Step::stop(ExitReason::Killed)),
        }
    }

    /// What comes out of the control lane, without what nobody waits for any more. While it is
    /// suspended, what the actor would have to do something about is put aside; not where it cannot
    /// wait.
    #[cold]
    pub(super) fn take_control(&mut self, can_wait: bool) -> Option<Step<A::Message>> {
        loop {
            let suspended = can_wait && self.slot.queue.word() & SUSPENDED != 0;
            let control = self.slot.queue.take_control()?;
            if let Control::Signal(Signal::Inquiry(inquiry)) = control {
                let step = self.answer(inquiry, can_wait);
                if step.is_some() {
                    return step;
                }
                continue;
            }
            let exits = matches!(control, Control::Signal(Signal::Exit(_)));
            // The end of somebody linked ends it also then.
            let ends = exits && !self.slot.core().life.traps_exits();
            if suspended && !ends {
                self.observed().put_aside.push_back(control);
                continue;
            }
            match control {
                Control::Own(message) => return Some(Step::Handle(message)),
                Control::News(news) => return Some(Step::Handle(news.message())),
                Control::Signal(Signal::Inquiry(_)) => {}
                Control::Signal(Signal::Down(down)) => {
                    if self.watching.as_mut().is_some_and(|own| own.is_down(down.monitor)) {
                        tracing::debug!(
                            actor = self.name(), pid = %self.pid(), ended = %down.pid,
                            reason = %down.reason, "actor.down"
                        );
                        return Some(Step::Rare(Box::new(Rare::Down(down))));
                    }
                }
                Control::Signal(Signal::Exit(exit)) => {
                    if self.slot.core().life.has_ended(exit.pid) != Some(true) {
                        continue;
                    }
                    tracing::debug!(
                        actor = self.name(), pid = %self.pid(), ended = %exit.pid,
                        reason = %exit.reason, "actor.exit"
                    );
                    if self.slot.core().life.traps_exits() {
                        return Some(Step::Rare(Box::new(Rare::Exit(exit))));
                    }
                    if exit.reason != ExitReason::Normal {
                        return Some(Step::stop(exit.reason));
                    }
                }
            }
        }
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
