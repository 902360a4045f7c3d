//! An actor that keeps whatever it is told, for tests of those who speak to it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foundation::{Actor, ChildSpec, Context, Flow, Init, Result};

use crate::eventually;

/// What one actor, whose messages are `M`, is told. Clones are the same probe; every incarnation of
/// the actor writes into it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let system = foundation::System::builder().start().await.unwrap();
/// let probe = testkit::Probe::default();
/// let actor = system.start(probe.spec("probe")).await.unwrap();
/// for word in ["a", "b", "c"] {
///     actor.tell(word).await.unwrap();
/// }
/// assert_eq!(probe.next().await, "a");
/// assert_eq!(probe.next_of(2).await, ["b", "c"]);
/// assert!(probe.take().is_empty());
/// # system.stop().await.unwrap();
/// # });
/// ```
pub struct Probe<M> {
    told: Arc<Mutex<VecDeque<M>>>,
}

/// The actor of a [`Probe`].
#[derive(Debug)]
pub struct Probing<M>(Probe<M>);

impl<M: Send + 'static> Probe<M> {
    /// The specification of the actor.
    pub fn spec(&self, name: &'static str) -> ChildSpec<Probing<M>> {
        ChildSpec::actor(name, self.clone())
    }

    /// Waits for the next message.
    ///
    /// # Panics
    ///
    /// When none comes within 20 s.
    pub async fn next(&self) -> M {
        eventually(|| self.lock().pop_front().ok_or("nothing was told")).await
    }

    /// Waits for so many messages.
    ///
    /// # Panics
    ///
    /// With how many there were, when they do not come within 20 s.
    pub async fn next_of(&self, many: usize) -> Vec<M> {
        eventually(|| {
            let mut told = self.lock();
            match told.len() {
                enough if enough >= many => Ok(told.drain(..many).collect()),
                few => Err(format!("{few} of {many} messages were told")),
            }
        })
        .await
    }

    /// What was told by now and not taken.
    #[must_use]
    pub fn take(&self) -> Vec<M> {
        self.lock().drain(..).collect()
    }
}

impl<M> Probe<M> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<M>> {
        // A test that panicked has failed; what was told is still worth reading.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Default for Probe<M> {
    fn default() -> Self {
        Self { told: Arc::default() }
    }
}

impl<M> Clone for Probe<M> {
    fn clone(&self) -> Self {
        Self { told: Arc::clone(&self.told) }
    }
}

impl<M> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("told", &self.lock().len()).finish()
    }
}

impl<M: Send + 'static> Actor for Probing<M> {
    type Args = Probe<M>;
    type Message = M;

    async fn init(probe: Probe<M>, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(probe)))
    }

    async fn handle(&mut self, message: M, _: &mut Context<Self>) -> Result<Flow> {
        self.0.lock().push_back(message);
        Ok(Flow::Continue)
    }
}
