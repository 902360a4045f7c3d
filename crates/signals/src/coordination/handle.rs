//! Coordination, as those who use it see it.

use std::fmt;
use std::sync::Arc;

use foundation::{Result, System};

use super::anchor::{Anchor, AnchorMessage, anchor_name};
use super::options::CoordinationBuilder;
use super::retry::DeadLetters;
use super::shared::Shared;

/// Messages between agents. A clone is the same one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::*;
/// use serde_json::json;
/// use signals::Signal;
/// use signals::coordination::{Assignment, Coordinated, Coordination};
///
/// struct Worker;
///
/// impl Actor for Worker {
///     type Args = Coordination;
///     type Message = Assignment;
///
///     async fn init(coordination: Coordination, cx: &mut Context<Self>) -> Result<Init<Self>> {
///         // Every incarnation joins, and finds what was kept for the one before.
///         coordination.join("worker", &cx.me())?;
///         Ok(Init::Ready(Self))
///     }
///
///     async fn handle(&mut self, assignment: Assignment, _: &mut Context<Self>) -> Result<Flow> {
///         if let Some((signal, acknowledgement)) = assignment.begin() {
///             match signal.data().as_json() {
///                 Some(_) => acknowledgement.acknowledge(),
///                 None => acknowledgement.refuse(Error::business("nothing_to_do")),
///             }
///         }
///         Ok(Flow::Continue)
///     }
/// }
///
/// let system = System::builder().name("shop").start().await?;
/// let coordination = Coordination::builder().start(&system).await?;
/// system.start(ChildSpec::<Worker>::actor("worker", coordination.clone())).await?;
///
/// let pack = Signal::new("order.7.pack", "/shop").json(json!({ "parcels": 2 }));
/// let outcome = coordination.delegate("shop", "worker", pack).await?;
/// assert!(matches!(outcome, Coordinated::Acknowledged));
///
/// let nothing = Signal::new("order.8.pack", "/shop");
/// let refused = coordination.delegate("shop", "worker", nothing).await.unwrap_err();
/// assert_eq!(refused.code(), "nothing_to_do");
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Coordination {
    pub(super) shared: Arc<Shared>,
}

// === impl Coordination ===

impl Coordination {
    /// The options of coordination.
    pub fn builder() -> CoordinationBuilder {
        CoordinationBuilder::new()
    }

    /// The coordination of that name, which runs in the system.
    ///
    /// # Errors
    ///
    /// `not_registered` when there is none; `actor_stopped` when it ends at this moment.
    pub async fn lookup(system: &System, name: &str) -> Result<Self> {
        system.lookup::<Anchor>(&anchor_name(name))?.ask(AnchorMessage::Coordination).await
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The messages that nobody handled.
    #[must_use]
    pub const fn dead_letters(&self) -> DeadLetters<'_> {
        DeadLetters::new(&self.shared)
    }
}

impl fmt::Debug for Coordination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Coordination");
        shown.field("name", &self.name()).field("stats", &self.stats()).finish_non_exhaustive()
    }
}
