//! Actors: a state, a mailbox, and the one task that owns both.
//!
//! - **One enum of messages per actor**, moved from sender to handler without a box.
//! - **A start is acknowledged after `init`**, never before.
//! - **Lifecycle comes first**: a stop, a kill or a question about the actor is seen between two
//!   messages, however many wait.
//! - **Whatever an actor owns dies with it**: its timers, its mailbox, its replies, its tasks. Its
//!   end is announced when all of that is gone, and not before.
//! - **A panic is an exit reason.** It reaches whoever supervises the actor; the state is gone, and
//!   `terminate` is not called on half of one.
//!
//! ```
//! use foundation::{Actor, ChildSpec, Context, Flow, Init, Reply, Result, System};
//!
//! enum Message { Add(u64), Total(Reply<u64>) }
//!
//! struct Counter { total: u64 }
//!
//! impl Actor for Counter {
//!     type Args = u64;
//!     type Message = Message;
//!
//!     async fn init(start: u64, _: &mut Context<Self>) -> Result<Init<Self>> {
//!         Ok(Init::Ready(Self { total: start }))
//!     }
//!
//!     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
//!         match message {
//!             Message::Add(n) => self.total += n,
//!             Message::Total(reply) => reply.send(self.total),
//!         }
//!         Ok(Flow::Continue)
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let system = System::builder().name("shop").start().await?;
//! let counter = system.start(ChildSpec::<Counter>::actor("counter", 40)).await?;
//! counter.tell(Message::Add(2)).await?;
//! assert_eq!(counter.ask(Message::Total).await?, 42);
//! system.stop().await
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod ask;
mod context;
mod ending;
mod handle;
mod incarnation;
mod inspect;
mod life;
mod observed;
mod reply;
mod run;
mod slot;
mod spec;
mod start;
mod task;
mod tell;
mod timers;
mod watch;

use std::borrow::Cow;
use std::future::Future;

use serde_json::Value;

pub use ask::Ask;
pub use context::Context;
pub(crate) use context::{Rare, Step};
pub(crate) use ending::{Ended, after_kill, end, kill, limit, unresponsive};
pub use handle::{ActorRef, Exited};
pub use incarnation::{Asked, AtEnd, Caller, Incarnation, KeptPlace, Place, Told};
pub use inspect::{ActorState, ActorStatus, Trace, TraceEntry, TraceStep};
pub(crate) use life::{HeldAs, Holding, Watch};
pub use reply::Reply;
pub use slot::Pid;
pub(crate) use slot::{
    Control, DRAINS, KILL, Peer, Process, STOP, SUSPENDED, Slot, TRAPS, UNWANTED,
};
pub use spec::{ChildKind, ChildSpec, Restart, Shutdown, Unresponsive};
pub(crate) use spec::{Options, Source, refused};
pub(crate) use start::{
    ChildDid, ChildEvent, Nursery, Parent, Supervised, Supervises, place, start, start_in,
    start_next, start_running, took_too_long, why_not_started,
};
pub(crate) use task::catch;
pub use tell::{Tell, Unsent};
pub use timers::TimerKey;
pub use watch::{Down, Exit, MonitorRef};
pub(crate) use watch::{own, unlink};

use crate::error::Result;
use crate::exit::ExitReason;

/// An actor: what it starts from, what it understands, and what it does.
///
/// Every callback runs in the actor's own task, one at a time. An error that a callback returns
/// ends the actor with [`ExitReason::Error`]; refusing a request is an answer, not an error of the
/// actor.
pub trait Actor: Sized + Send + 'static {
    /// What an incarnation starts from.
    type Args: Send + 'static;
    /// Everything that can be said to it.
    type Message: Send + 'static;

    /// Makes the state. Whoever starts the actor waits until this is done; messages that come
    /// meanwhile are kept.
    ///
    /// # Errors
    ///
    /// Whatever keeps the actor from starting; whoever started it gets the same error.
    fn init(
        args: Self::Args,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Result<Init<Self>>> + Send;

    /// Handles one message.
    ///
    /// # Errors
    ///
    /// What the actor cannot go on after. It ends with [`ExitReason::Error`].
    fn handle(
        &mut self,
        message: Self::Message,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Result<Flow>> + Send;

    /// Hears that an actor which this one [monitors](Context::monitor) has ended.
    ///
    /// # Errors
    ///
    /// As [`Self::handle`].
    fn on_down(
        &mut self,
        down: Down,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Result<Flow>> + Send {
        let _ = (down, cx);
        async { Ok(Flow::Continue) }
    }

    /// Hears that a linked actor has ended, when this one [traps exits](Context::trap_exits).
    ///
    /// # Errors
    ///
    /// As [`Self::handle`].
    fn on_exit(
        &mut self,
        exit: Exit,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Result<Flow>> + Send {
        let _ = (exit, cx);
        async { Ok(Flow::Continue) }
    }

    /// Says farewell: called before an actor ends for `reason`, within its shutdown deadline. Not
    /// called after a panic or a kill, because there is no whole state to call it on.
    fn terminate(
        &mut self,
        reason: &ExitReason,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (reason, cx);
        async {}
    }

    /// What it says of its state to whoever [inspects](ActorRef::inspect) it: nothing, unless it
    /// does say something. For operators; so what is secret stays out of it. A panic in it is an
    /// answer, and does not end the actor.
    fn inspect(&self) -> Option<Value> {
        None
    }

    /// A few words on a message, for whoever [traces](ActorRef::trace) the actor; nothing, unless
    /// it says something. Called only while it is traced. A panic in it is logged, and changes
    /// nothing.
    fn describe(message: &Self::Message) -> Option<Cow<'static, str>> {
        let _ = message;
        None
    }

    /// Gets each message that was accepted and never begun, after the actor has ended. By default
    /// it is dropped, and a request in it fails. Runs in the task of the actor that was; a panic in
    /// it is logged and changes nothing.
    fn undelivered(message: Self::Message) {
        drop(message);
    }
}

/// What `init` decided.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "OTP has these two and no others")]
pub enum Init<A> {
    /// Run, from this state. To do something before the first message, and after the start was
    /// acknowledged, call [`Context::continue_with`] in `init`.
    Ready(A),
    /// Do not run, which is not a fault.
    Ignore,
}

/// What comes after a message.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new one would change the loop of every actor")]
pub enum Flow {
    /// The next message.
    Continue,
    /// The next message; when there is none, the memory of the mailbox is freed first. For actors
    /// that expect to be idle for long.
    Hibernate,
    /// The end.
    Stop(ExitReason),
}

#[cfg(test)]
mod tests;
