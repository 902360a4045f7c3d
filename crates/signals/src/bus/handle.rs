//! A bus, as those who use it see it.

use std::fmt;
use std::sync::Arc;

use foundation::{
    Actor, ActorRef, DynamicSupervisor, Error, Home, Pid, RateLimiter, Result, System,
};

use super::anchor::{Anchor, AnchorMessage, anchor_name};
use super::delivery::Delivery;
use super::handler::{HandlerFuture, SubscribeHandler};
use super::log::LogPart;
use super::middleware::Chain;
use super::options::BusBuilder;
use super::subscribe::{Detached, IntoPatterns, Subscribe};
use super::subscription::{SubscriptionId, SubscriptionInfo};
use super::table::Table;
use crate::codes;
use crate::router::Router;
use crate::signal::Signal;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

/// A bus. A clone is the same one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::*;
/// use serde_json::json;
/// use signals::{Bus, Delivery, Signal};
///
/// struct Counter(u64);
///
/// enum Message {
///     Shipped(Delivery),
///     Count(Reply<u64>),
/// }
///
/// impl From<Delivery> for Message {
///     fn from(delivery: Delivery) -> Self {
///         Self::Shipped(delivery)
///     }
/// }
///
/// impl Actor for Counter {
///     type Args = ();
///     type Message = Message;
///
///     async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
///         Ok(Init::Ready(Self(0)))
///     }
///
///     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
///         match message {
///             Message::Shipped(delivery) => {
///                 self.0 += 1;
///                 delivery.acknowledge();
///             }
///             Message::Count(reply) => reply.send(self.0),
///         }
///         Ok(Flow::Continue)
///     }
/// }
///
/// let system = System::builder().name("shop").start().await?;
/// let bus = Bus::builder().start(&system).await?;
/// let counter = system.start(ChildSpec::<Counter>::actor("counter", ())).await?;
/// bus.subscribe("order.*.shipped", &counter).await?;
///
/// let shipped = Signal::new("order.7.shipped", "/shop").json(json!({ "id": 7 }));
/// let report = bus.publish(shipped.clone()).await?;
/// assert_eq!(report.accepted(), 1);
/// let report = bus.publish_and_wait(shipped, std::time::Duration::from_secs(1)).await?;
/// assert_eq!(report.acknowledged(), 1);
/// assert_eq!(counter.ask(Message::Count).await?, 2);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Bus {
    pub(super) shared: Arc<Shared>,
}

/// What a bus, its subscriptions and its part of the tree share.
pub(super) struct Shared {
    pub(super) home: Home,
    pub(super) name: Arc<str>,
    pub(super) router: Router<Arc<super::subscription::Subscriber>>,
    pub(super) table: Mutex<Table>,
    pub(super) rate: Option<RateLimiter>,
    pub(super) max_subscriptions: usize,
    pub(super) chain: Arc<Chain>,
    pub(super) log: Option<LogPart>,
    /// Where handlers run; nowhere while the part of the tree does not.
    handlers: Mutex<Option<ActorRef<DynamicSupervisor>>>,
    runs: AtomicBool,
    pub(super) counts: Counts,
}

/// What a bus has done.
#[derive(Debug, Default)]
pub(super) struct Counts {
    published: AtomicU64,
    refused: AtomicU64,
    accepted: AtomicU64,
    left_out: AtomicU64,
    failed: AtomicU64,
}

/// What a bus does and has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BusStats {
    /// How many subscriptions there are.
    pub subscriptions: usize,
    /// How many signals were published.
    pub published: u64,
    /// How many were refused: a receiver had no room, or there were too many in a time.
    pub refused: u64,
    /// How often a signal came into an inbox.
    pub accepted: u64,
    /// How often a receiver was left out because it had no room.
    pub left_out: u64,
    /// How often a receiver did not get a signal, or did not acknowledge it to one who waited.
    pub failed: u64,
}

// === impl Bus ===

impl Bus {
    /// The options of a bus.
    pub fn builder() -> BusBuilder {
        BusBuilder::new()
    }

    /// The bus of that name, which runs in the system.
    ///
    /// # Errors
    ///
    /// `not_registered` when there is none; `actor_stopped` when it ends at this moment.
    pub async fn lookup(system: &System, name: &str) -> Result<Self> {
        system.lookup::<Anchor>(&anchor_name(name))?.ask(AnchorMessage::Bus).await
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Subscribes an actor: it gets whatever matches, as long as the incarnation lives that it is
    /// now. Await it, or say more of it before.
    pub fn subscribe<A>(
        &self,
        patterns: impl IntoPatterns,
        actor: &ActorRef<A>,
    ) -> Subscribe<'_, A, fn(Delivery) -> A::Message>
    where
        A: Actor,
        A::Message: From<Delivery>,
    {
        self.subscribe_as(patterns, actor, A::Message::from)
    }

    /// As [`Self::subscribe`], with a message that `make` makes of a delivery. It runs in the
    /// publisher's task, and so does nothing else.
    pub fn subscribe_as<A, F>(
        &self,
        patterns: impl IntoPatterns,
        actor: &ActorRef<A>,
        make: F,
    ) -> Subscribe<'_, A, F>
    where
        A: Actor,
        F: Fn(Delivery) -> A::Message + Send + Sync + 'static,
    {
        Subscribe::new(&self.shared, patterns.into_patterns(), actor.incarnation(), make)
    }

    /// Runs `handler` with whatever matches, one signal after the other, in an actor of its own
    /// under the bus. What it returns is what a publisher that waits learns. Await it, or say more
    /// of it before.
    pub fn handle<F, R>(&self, patterns: impl IntoPatterns, handler: F) -> SubscribeHandler<'_>
    where
        F: Fn(Signal) -> R + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        let handler = move |signal| -> HandlerFuture { Box::pin(handler(signal)) };
        SubscribeHandler::new(&self.shared, patterns.into_patterns(), Box::new(handler))
    }

    /// Ends a subscription; a handler ends with it. A handler that ends its own waits for itself,
    /// and is ended where it waits. What is in the inbox by then is still handled by an actor, and
    /// not by a handler.
    ///
    /// # Errors
    ///
    /// `no_such_subscription`.
    pub async fn unsubscribe(&self, id: SubscriptionId) -> Result<()> {
        match self.shared.detach(id) {
            None => {
                let error = Error::from(codes::NO_SUCH_SUBSCRIPTION);
                Err(error.with_detail("subscription", id.0))
            }
            Some(Detached::Actor) => Ok(()),
            Some(Detached::Handler(pid)) => {
                self.shared.end_handler(pid).await;
                Ok(())
            }
        }
    }

    /// All subscriptions, in the order in which they were made.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<SubscriptionInfo> {
        self.shared.table.lock().iter().map(|subscriber| subscriber.info()).collect()
    }

    /// A subscription.
    #[must_use]
    pub fn subscription(&self, id: SubscriptionId) -> Option<SubscriptionInfo> {
        self.shared.table.lock().get(id).map(|subscriber| subscriber.info())
    }

    /// The subscription that is called so.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<SubscriptionId> {
        self.shared.table.lock().find(name)
    }

    /// What it does and has done.
    #[must_use]
    pub fn stats(&self) -> BusStats {
        let Counts { published, refused, accepted, left_out, failed } = &self.shared.counts;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BusStats {
            subscriptions: self.shared.table.lock().len(),
            published: count(published),
            refused: count(refused),
            accepted: count(accepted),
            left_out: count(left_out),
            failed: count(failed),
        }
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Bus");
        shown.field("name", &self.name()).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(home: Home, name: Arc<str>) -> Self {
        Self {
            home,
            name,
            router: Router::new(),
            table: Mutex::default(),
            rate: None,
            max_subscriptions: 0,
            chain: Arc::new(Chain::none()),
            log: None,
            handlers: Mutex::new(None),
            runs: AtomicBool::new(false),
            counts: Counts::default(),
        }
    }

    /// Refuses while the part of the tree does not run.
    pub(super) fn check_runs(&self) -> Result<()> {
        if self.runs.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(self.not_running())
    }

    pub(super) fn not_running(&self) -> Error {
        Error::from(codes::BUS_NOT_RUNNING).with_detail("bus", &*self.name)
    }

    /// Ends a handler, or a runner.
    pub(super) async fn end_handler(&self, pid: Pid) {
        if let Some(handlers) = self.handlers() {
            // It may have ended by itself at this moment.
            let _ = handlers.terminate_child(pid).await;
        }
    }

    /// Where handlers run, if they do.
    pub(super) fn handlers(&self) -> Option<ActorRef<DynamicSupervisor>> {
        self.handlers.lock().clone()
    }

    pub(super) fn run_in(&self, handlers: Option<ActorRef<DynamicSupervisor>>) {
        self.runs.store(handlers.is_some(), Ordering::Release);
        let before = std::mem::replace(&mut *self.handlers.lock(), handlers);
        drop(before);
    }
}

impl Counts {
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// One was published, and came to so many receivers.
    pub(super) fn publish(&self, accepted: u64, left_out: u64, failed: u64) {
        self.published.fetch_add(1, Ordering::Relaxed);
        self.accepted.fetch_add(accepted, Ordering::Relaxed);
        if left_out > 0 {
            self.left_out.fetch_add(left_out, Ordering::Relaxed);
        }
        if failed > 0 {
            self.failed.fetch_add(failed, Ordering::Relaxed);
        }
    }
}
