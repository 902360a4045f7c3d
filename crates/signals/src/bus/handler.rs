//! Handlers: plain functions that are called with each signal, in an actor of their own.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Down, Error, ExitReason, Flow, Init, Mailbox, Result,
    codes as system_codes, contain,
};

use super::delivery::Delivery;
use super::handle::{Bus, Shared};
use super::receiver::Receiver;
use super::subscribe::{Terms, guarded};
use super::subscription::{SubscriptionId, WhenFull};
use crate::durable::{Durable, DurableOptions};
use crate::error::invalid_options;
use crate::signal::Signal;
use crate::topic::Pattern;

/// How long a handler may take for one signal, unless it says otherwise: longer than a request to
/// another service takes, short enough that one which hangs is seen before the next morning.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a call of a handler comes to.
pub(super) type HandlerFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;
type Handler = Box<dyn Fn(Signal) -> HandlerFuture + Send + Sync>;
/// Has a handler end with its owner. False when that has ended already.
type Follow = Box<dyn Fn(&mut Context<HandlerActor>) -> bool + Send + Sync>;

/// A handler that is being subscribed. Made by [`Bus::handle`](super::Bus::handle); await it.
#[must_use = "nothing is subscribed to until it is awaited"]
pub struct SubscribeHandler<'a> {
    shared: &'a Arc<Shared>,
    handler: Handler,
    terms: Terms,
    mailbox: Mailbox,
    deadline: Duration,
    follow: Option<Follow>,
}

/// The actor around a handler.
///
/// A panic in the handler, an error and a call that takes too long end that call and nothing else:
/// a handler has no state that starting it again would mend.
pub(super) struct HandlerActor {
    handler: Handler,
    deadline: Duration,
    name: Arc<str>,
}

/// What a handler's actor is started from.
pub(super) struct Plan {
    handler: Handler,
    deadline: Duration,
    follow: Option<Follow>,
}

impl<'a> SubscribeHandler<'a> {
    pub(super) fn new(
        shared: &'a Arc<Shared>,
        patterns: Result<Vec<Pattern>>,
        handler: Handler,
    ) -> Self {
        let (terms, mailbox) = (Terms::new(patterns), Mailbox::default());
        Self { shared, handler, terms, mailbox, deadline: DEADLINE, follow: None }
    }

    /// What it is called: no two subscriptions of a bus are called the same.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.terms.name = Some(name.into());
        self
    }

    /// Its priority among those whose patterns are as specific, from -100 to 100; the greater one
    /// is delivered to first. 0 unless this is said.
    pub const fn priority(mut self, priority: i8) -> Self {
        self.terms.priority = priority;
        self
    }

    /// What happens when there is no room in its inbox.
    pub const fn when_full(mut self, then: WhenFull) -> Self {
        self.terms.when_full = then;
        self
    }

    /// A condition beside the pattern. It runs in the publisher's task; of a bus with a log in the
    /// task that delivers. One that fails or panics does not match, and the publisher is told.
    pub fn when(
        mut self,
        condition: impl Fn(&Signal) -> Result<bool> + Send + Sync + 'static,
    ) -> Self {
        self.terms.condition = Some(guarded(condition));
        self
    }

    /// Its inbox: 1,024 signals unless this is said.
    pub const fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.mailbox = mailbox;
        self
    }

    /// How long it may take for one signal: 30 s unless this is said. A call that takes longer is
    /// dropped where it waits.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whose it is: it ends when the incarnation ends that the owner is now.
    pub fn owner<A: Actor>(mut self, owner: &ActorRef<A>) -> Self {
        let (owner, pid) = (owner.clone(), owner.pid());
        self.follow = Some(Box::new(move |cx| {
            let _lasts = cx.monitor(&owner);
            owner.pid() == pid
        }));
        self
    }

    /// Consumes a durable subscription: it is there for good, under its name, and goes on where it
    /// was when somebody consumes it again. Takes a name, or [`DurableOptions`].
    ///
    /// # Errors
    ///
    /// As [`Subscribe::durable`](super::Subscribe::durable), and `no_process` when its owner has
    /// ended.
    pub async fn durable(self, options: impl Into<DurableOptions>) -> Result<Durable> {
        let options = options.into();
        let name = Arc::clone(options.name());
        let (terms, start) = self.split(name);
        let patterns = terms.durable(&options)?;
        let (bus, handler) = (start.bus(), start.start().await?);
        // Given up or refused, the handler ends.
        let unused = Unused(Some(handler.clone()));
        let incarnation = handler.incarnation();
        let receiver = Box::new(Receiver::new(incarnation.clone(), whole));
        let consumed = bus.consume(patterns, options, &incarnation, receiver).await?;
        unused.keep();
        Ok(consumed)
    }

    async fn subscribe(self) -> Result<SubscriptionId> {
        let name = self.terms.name.clone().unwrap_or_else(|| "handler".into());
        let (terms, start) = self.split(name);
        terms.validate()?;
        let (bus, handler) = (start.bus(), start.start().await?);
        let subscribed = bus.shared.attach(terms.of_handler(), &handler.incarnation(), whole);
        if subscribed.is_err() {
            bus.shared.end_handler(handler.pid()).await;
        }
        subscribed
    }

    /// What it is about, and what has to run.
    fn split(self, name: Arc<str>) -> (Terms, Start<'a>) {
        let Self { shared, handler, terms, mailbox, deadline, follow } = self;
        (terms, Start { shared, name, mailbox, plan: Plan { handler, deadline, follow } })
    }
}

/// A handler that nothing comes to. Dropping it ends the handler.
struct Unused(Option<ActorRef<HandlerActor>>);

impl Unused {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Unused {
    fn drop(&mut self) {
        if let Some(handler) = &self.0 {
            handler.kill();
        }
    }
}

/// A handler gets deliveries as they are.
fn whole(delivery: Delivery) -> Delivery {
    delivery
}

/// A handler that is to be started.
struct Start<'a> {
    shared: &'a Arc<Shared>,
    name: Arc<str>,
    mailbox: Mailbox,
    plan: Plan,
}

impl Start<'_> {
    fn bus(&self) -> Bus {
        Bus { shared: Arc::clone(self.shared) }
    }

    async fn start(self) -> Result<ActorRef<HandlerActor>> {
        let Self { shared, name, mailbox, plan } = self;
        shared.check_runs()?;
        if plan.deadline.is_zero() {
            return Err(invalid_options("deadline", "a handler needs some time"));
        }
        let handlers = shared.handlers().ok_or_else(|| shared.not_running())?;
        let spec = ChildSpec::<HandlerActor>::once(name, plan);
        handlers.start_child(spec.mailbox(mailbox)).await
    }
}

impl<'a> IntoFuture for SubscribeHandler<'a> {
    type Output = Result<SubscriptionId>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<SubscriptionId>> + Send + 'a>>;

    /// # Errors
    ///
    /// As [`Subscribe`](super::Subscribe), and `no_process` when its owner has ended.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.subscribe())
    }
}

impl fmt::Debug for SubscribeHandler<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SubscribeHandler");
        shown.field("patterns", &self.terms.patterns).finish_non_exhaustive()
    }
}

impl Actor for HandlerActor {
    type Args = Plan;
    type Message = Delivery;

    async fn init(plan: Plan, cx: &mut Context<Self>) -> Result<Init<Self>> {
        let Plan { handler, deadline, follow } = plan;
        if follow.is_some_and(|follow| !follow(cx)) {
            return Err(system_codes::NO_PROCESS.into());
        }
        Ok(Init::Ready(Self { handler, deadline, name: cx.name().into() }))
    }

    async fn handle(&mut self, delivery: Delivery, _: &mut Context<Self>) -> Result<Flow> {
        let signal = delivery.signal().clone();
        let outcome = contained(&self.handler, signal, self.deadline).await;
        if let Err(error) = &outcome {
            let (handler, id) = (&*self.name, delivery.signal().id());
            tracing::warn!(handler, signal = %id, %error, "signals.handler_failed");
        }
        delivery.settle(outcome);
        Ok(Flow::Continue)
    }

    async fn on_down(&mut self, _: Down, _: &mut Context<Self>) -> Result<Flow> {
        Ok(Flow::Stop(ExitReason::Shutdown))
    }
}

/// Calls a handler, and makes an error of a panic in it and of a call that takes too long.
async fn contained(handler: &Handler, signal: Signal, deadline: Duration) -> Result<()> {
    let mut call = contain(|| handler(signal))?;
    let polled = poll_fn(|cx| match contain(|| call.as_mut().poll(cx)) {
        Ok(poll) => poll,
        Err(panicked) => Poll::Ready(Err(panicked)),
    });
    let outcome = tokio::time::timeout(deadline, polled).await.unwrap_or_else(|_elapsed| {
        let after = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        Err(Error::from(system_codes::TIMEOUT).with_detail("after_ms", after))
    });
    // What it holds is the handler's too, also where it is dropped half-way.
    let dropped = contain(|| drop(call));
    outcome.and(dropped)
}

impl fmt::Debug for HandlerActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HandlerActor");
        shown.field("name", &self.name).field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
