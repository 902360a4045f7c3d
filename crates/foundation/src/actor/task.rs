//! The task around an actor: it catches panics, obeys a kill, and announces the end.
//!
//! Whichever way the actor ends, the order is the same: its future is dropped, and with it state,
//! timers and replies; the tasks that belong to it are gone; its mailbox is closed; its undelivered
//! messages are handed over; its end is announced. Nobody hears of the end of an actor of which
//! anything is left.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Actor;
use super::ending::end_owned;
use super::slot::{Control, Core, KILL, Slot};
use super::spec::ChildKind;
use super::start::{ChildDid, Parent};
use crate::exit::{ExitReason, Panic};
use crate::mailbox::Closed;
use crate::panic_hook;

pin_project! {
    /// One incarnation of an actor, as the runtime polls it.
    pub(super) struct Incarnation<A: Actor, F> {
        #[pin]
        run: Option<F>,
        // After `run`: dropped when everything of the actor is gone.
        end: End<A>,
    }
}

/// Announces the end of an actor once, at the latest when the runtime drops its task.
struct End<A: Actor> {
    slot: Arc<Slot<A::Message>>,
    parent: Parent,
    registered: bool,
    announced: bool,
    /// There when the actor has ended, and those that belong to it have not.
    bereft: Option<Box<Bereft>>,
}

/// Where an actor panicked when it was ending anyhow.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Drop,
    Terminate,
    Undelivered,
}

/// The reason of an end that waits for others.
struct Bereft {
    reason: ExitReason,
    others: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<A: Actor, F: Future<Output = ExitReason>> Incarnation<A, F> {
    pub(super) const fn new(slot: Arc<Slot<A::Message>>, parent: Parent, run: F) -> Self {
        let end = End { slot, parent, registered: false, announced: false, bereft: None };
        Self { run: Some(run), end }
    }
}

impl<A: Actor, F: Future<Output = ExitReason>> Future for Incarnation<A, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if !this.end.registered {
            // A task has one waker for all its life.
            this.end.slot.queue.register(cx.waker());
            this.end.slot.core().task.remember();
            this.end.registered = true;
        }
        this.end.slot.queue.polled();
        if this.end.bereft.is_some() {
            return this.end.poll_others(cx);
        }
        let killed = this.end.slot.queue.word() & KILL != 0;
        // A supervisor ends its children first, and hands the kill on to them.
        let polled = if !killed || this.end.slot.core().kind == ChildKind::Supervisor {
            catch(|| this.run.as_mut().as_pin_mut().map(|run| run.poll(cx)))
        } else {
            Ok(Some(Poll::Ready(ExitReason::Killed)))
        };
        let reason = match polled {
            Ok(Some(Poll::Pending)) => return Poll::Pending,
            Ok(Some(Poll::Ready(_))) if killed => ExitReason::Killed,
            Ok(Some(Poll::Ready(reason))) => reason,
            Ok(None) => return Poll::Ready(()),
            Err(panic) => this.end.after(panic),
        };
        // Before its replies are dropped: whoever waits for one asks why.
        this.end.slot.core().life.set_ending(&reason);
        if let Err(panic) = catch(|| this.run.set(None)) {
            Fault::Drop.log(this.end.slot.core(), &panic);
        }
        this.end.finish(reason, cx)
    }
}

// === impl End ===

impl<A: Actor> End<A> {
    /// Announces the end when all that belongs to the actor is gone.
    fn finish(&mut self, reason: ExitReason, cx: &mut Context<'_>) -> Poll<()> {
        let owned = self.slot.core().life.last_owned();
        if owned.is_empty() {
            self.announce(&reason);
            return Poll::Ready(());
        }
        let queue = &self.slot.queue;
        let refused = queue.drain(self.slot.core().life.generation());
        drop_all(self.slot.core(), refused);
        let others = Box::pin(end_owned(owned));
        self.bereft = Some(Box::new(Bereft { reason, others }));
        self.poll_others(cx)
    }

    fn poll_others(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(mut bereft) = self.bereft.take() {
            if bereft.others.as_mut().poll(cx).is_pending() {
                self.bereft = Some(bereft);
                return Poll::Pending;
            }
            self.announce(&bereft.reason);
        }
        Poll::Ready(())
    }

    /// The reason after a panic: if the actor was ending anyhow, what it was ending for.
    fn after(&self, panic: Panic) -> ExitReason {
        match self.slot.core().life.ending() {
            Some(reason) => {
                Fault::Terminate.log(self.slot.core(), &panic);
                reason
            }
            None => ExitReason::Panic(panic),
        }
    }

    fn announce(&mut self, reason: &ExitReason) {
        self.announced = true;
        let (queue, core) = (&self.slot.queue, self.slot.core());
        hand_over::<A>(core, queue.close());
        let (actor, pid) = (&*core.name, core.pid());
        if reason.is_clean() {
            tracing::debug!(actor, %pid, %reason, "actor.exited");
        } else {
            tracing::error!(actor, %pid, %reason, "actor.exited");
        }
        core.system.spawner.actor_ended();
        if self.parent.is_none() {
            core.system.root.remove(pid);
        }
        // Its supervisor first: whoever hears of the end finds that one knowing of it.
        core.announce(reason, || {
            if let Some(parent) = &self.parent {
                parent.tell(ChildDid::End(reason.clone()));
            }
        });
    }
}

impl<A: Actor> Drop for End<A> {
    fn drop(&mut self) {
        if !self.announced {
            let bereft = self.bereft.take();
            let reason = bereft.map_or(ExitReason::Killed, |bereft| bereft.reason);
            self.slot.core().life.set_ending(&reason);
            self.announce(&reason);
        }
    }
}

/// Hands over what was left when the mailbox of an actor was closed. A destructor is code of the
/// user, too.
pub(super) fn hand_over<A: Actor>(core: &Core, closed: Closed<A::Message, Control<A::Message>>) {
    drop_all(core, closed.refused);
    // In the lane may be what makes messages of events, which is the user's.
    drop_all(core, closed.lane);
    for message in closed.messages {
        if let Err(panic) = catch(|| A::undelivered(message)) {
            Fault::Undelivered.log(core, &panic);
        }
    }
}

/// Drops what nobody waits for any longer.
fn drop_all<T>(core: &Core, all: impl IntoIterator<Item = T>) {
    for one in all {
        if let Err(panic) = catch(|| drop(one)) {
            Fault::Drop.log(core, &panic);
        }
    }
}

impl Fault {
    fn log(self, core: &Core, panic: &Panic) {
        let (actor, pid) = (&*core.name, core.pid());
        match self {
            Self::Drop => tracing::error!(actor, %pid, %panic, "actor.panicked_in_drop"),
            Self::Terminate => {
                tracing::error!(actor, %pid, %panic, "actor.panicked_in_terminate");
            }
            Self::Undelivered => {
                tracing::error!(actor, %pid, %panic, "actor.panicked_in_undelivered");
            }
        }
    }
}

/// Runs code of the actor, and turns a panic in it into what is known about it.
#[expect(
    clippy::disallowed_methods,
    reason = "ban: catch_unwind, the panic ends the actor and reaches its supervisor"
)]
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    // Whatever a panic leaves half done is dropped right after, and never looked at again.
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        let panic = panic_hook::describe(&*payload);
        // A payload may panic when it is dropped, and there is nobody above to catch that.
        std::mem::forget(payload);
        panic
    })
}
