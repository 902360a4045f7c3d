//! What an actor does for those who look at it: the other side of [`inspect`](super::inspect).

use std::collections::VecDeque;
use std::sync::Weak;
use std::task::Poll;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::Actor;
use super::context::{Context, Rare, Step};
use super::inspect::{Ring, TraceStep};
use super::reply::Reply;
use super::slot::{Control, KILL, STOP, SUSPENDED, TRACED};
use super::task::catch;
use crate::error::{Error, Result, codes};
use crate::sync::{AtomicU32, Ordering};

/// What is asked of an actor by whoever looks at it.
#[derive(Debug)]
pub(crate) enum Inquiry {
    State(Reply<Result<Option<Value>>>),
    Suspend(Reply<Result<()>>),
    Resume(Reply<()>),
    Trace(Weak<Ring>, Reply<Result<()>>),
}

/// What an actor keeps while somebody looks at it.
pub(super) struct Observed<M> {
    /// What came through the control lane while it is suspended.
    pub(super) put_aside: VecDeque<Control<M>>,
    rings: Vec<Weak<Ring>>,
    /// When the step began that is going on.
    began: Option<Instant>,
}

/// How many inquiries may wait for one actor. More than people and programs that look at it; each
/// is small, and those who have given up count until the actor comes to it.
const MOST_INQUIRIES: u32 = 64;

/// How many inquiries wait for an actor.
#[derive(Debug, Default)]
pub(crate) struct Inquiries(AtomicU32);

impl Inquiries {
    /// One more. False when there are as many as may be.
    pub(crate) fn begin(&self) -> bool {
        let more = |waiting| (waiting < MOST_INQUIRIES).then_some(waiting + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// One less.
    pub(crate) fn end(&self) {
        let less = |waiting: u32| Some(waiting.saturating_sub(1));
        // It always gives something.
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    /// None: the incarnation that they were for has gone, and they with it.
    pub(super) fn reset(&self) {
        self.0.store(0, Ordering::Release);
    }
}

impl Inquiry {
    /// Whether whoever asked still waits.
    fn is_wanted(&self) -> bool {
        match self {
            Self::State(reply) => reply.is_wanted(),
            Self::Suspend(reply) | Self::Trace(_, reply) => reply.is_wanted(),
            Self::Resume(reply) => reply.is_wanted(),
        }
    }
}

impl<A: Actor> Context<A> {
    /// What comes next while somebody looks at the actor.
    #[cold]
    pub(super) fn poll_observed(
        &mut self,
        cx: &mut std::task::Context<'_>,
        word: u32,
    ) -> Poll<Step<A::Message>> {
        if let Some(observed) = &mut self.observed {
            observed.finish();
        }
        if word & SUSPENDED != 0 && word & (KILL | STOP) != 0 {
            self.resume();
        }
        if self.slot.queue.word() & SUSPENDED != 0 {
            if let Some(step) = self.take_control(true) {
                self.begin_traced(&step);
                return Poll::Ready(step);
            }
            if self.slot.queue.word() & SUSPENDED != 0 {
                return Poll::Pending;
            }
        }
        let word = self.slot.queue.word();
        let step = self.poll_step(cx, word & !(SUSPENDED | TRACED));
        // A trace that begins in this step has written it down already.
        if let Poll::Ready(step) = &step
            && word & TRACED != 0
        {
            self.begin_traced(step);
        }
        step
    }

    /// Writes down the step that begins.
    pub(super) fn begin_traced(&mut self, step: &Step<A::Message>) {
        let Some(observed) = &mut self.observed else { return };
        let core = self.slot.core();
        let step = match step {
            Step::Handle(message) => {
                let described = catch(|| A::describe(message)).unwrap_or_else(|panic| {
                    let (actor, pid) = (&*core.name, core.pid());
                    tracing::error!(actor, %pid, %panic, "actor.panicked_in_describe");
                    None
                });
                TraceStep::Message(described)
            }
            Step::Rare(rare) => match &**rare {
                Rare::Down(down) => TraceStep::Down(down.pid, down.reason.clone()),
                Rare::Exit(exit) => TraceStep::Exit(exit.pid, exit.reason.clone()),
                Rare::Inspect(_) => TraceStep::Inspected,
                Rare::Stop(reason) => TraceStep::Stop(reason.clone()),
            },
        };
        if !observed.begin(core.system.ports.now(), &step) {
            self.slot.queue.lower(TRACED);
            self.look_no_more();
        }
    }

    /// Goes on where it was suspended.
    fn resume(&mut self) {
        self.slot.queue.lower(SUSPENDED);
        if let Some(observed) = &mut self.observed {
            self.slot.queue.put_back_control(&mut observed.put_aside);
        }
        self.look_no_more();
    }

    /// Forgets what it keeps for those who look, when nobody does.
    fn look_no_more(&mut self) {
        if self.slot.queue.word() & (SUSPENDED | TRACED) == 0 {
            self.observed = None;
        }
    }

    /// Does what is asked by somebody who looks, unless it is up to the actor.
    pub(super) fn answer(&mut self, inquiry: Inquiry, can_wait: bool) -> Option<Step<A::Message>> {
        let core = self.slot.core();
        core.inquiries.end();
        if !inquiry.is_wanted() {
            return None;
        }
        let refused = || Error::from(codes::HANDLES_NO_MESSAGES).with_detail("actor", &*core.name);
        match inquiry {
            Inquiry::State(reply) => return Some(Step::Rare(Box::new(Rare::Inspect(reply)))),
            Inquiry::Suspend(reply) if core.is_task || !can_wait => reply.send(Err(refused())),
            Inquiry::Suspend(reply) => {
                let suspended = self.slot.queue.word() & SUSPENDED != 0;
                self.slot.queue.mark(SUSPENDED);
                if !reply.was_wanted(Ok(())) && !suspended {
                    // Nobody would know that it has to be resumed.
                    self.slot.queue.lower(SUSPENDED);
                }
            }
            Inquiry::Resume(reply) => {
                self.resume();
                reply.send(());
            }
            Inquiry::Trace(_, reply) if core.is_task || !can_wait => reply.send(Err(refused())),
            Inquiry::Trace(ring, reply) => {
                self.observed().trace(ring);
                self.slot.queue.mark(TRACED);
                reply.send(Ok(()));
            }
        }
        None
    }

    pub(super) fn observed(&mut self) -> &mut Observed<A::Message> {
        self.observed.get_or_insert_with(|| Box::new(Observed::new()))
    }
}

// === impl Observed ===

impl<M> Observed<M> {
    pub(super) const fn new() -> Self {
        Self { put_aside: VecDeque::new(), rings: Vec::new(), began: None }
    }

    pub(super) fn trace(&mut self, ring: Weak<Ring>) {
        self.rings.retain(|ring| ring.strong_count() > 0);
        self.rings.push(ring);
    }

    /// A step begins. False when nobody wants to know.
    pub(super) fn begin(&mut self, at: Timestamp, step: &TraceStep) -> bool {
        self.rings.retain(|ring| match ring.upgrade() {
            Some(ring) => {
                let begin = move || {
                    ring.begin(at, step);
                    drop(ring);
                };
                // With it, or with what it pushes out, may go an error of the user's.
                let _ = catch(begin);
                true
            }
            None => false,
        });
        self.began = (!self.rings.is_empty()).then(Instant::now);
        self.began.is_some()
    }

    /// The step that was going on is over.
    pub(super) fn finish(&mut self) {
        if let Some(began) = self.began.take() {
            let took = began.elapsed();
            for ring in self.rings.iter().filter_map(Weak::upgrade) {
                // It may be the last reference by now.
                let _ = catch(move || ring.finish(took));
            }
        }
    }
}
