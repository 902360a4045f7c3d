//! A subscriber that writes down what it is given.

mod actor;
mod records;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation::{ActorRef, ChildSpec, Error, Result, System};

pub use actor::Recording;
pub use records::{Answer, Recorded};

use self::records::Shared;
use crate::bus::Delivery;
use crate::signal::Signal;

/// Long enough for any test; what does not come in this time will not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A subscriber for tests: an actor that writes down everything that it is given, in order, and
/// acknowledges it, unless it is told otherwise. A clone is the same one.
///
/// What was written down outlives the actor; its subscriptions do not. When it has ended, as it
/// does after a [panic](Self::panic_next), it can be [started again](Self::start_again).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::System;
/// use signals::testing::Recorder;
/// use signals::{Bus, Signal};
///
/// let system = System::builder().name("shop").start().await?;
/// let bus = Bus::builder().start(&system).await?;
/// let recorder = Recorder::start(&system).await?;
/// bus.subscribe("order.**", recorder.actor()).await?;
///
/// bus.publish(Signal::new("order.7.paid", "/shop")).await?;
/// bus.publish(Signal::new("user.3.created", "/shop")).await?;
/// bus.publish(Signal::new("order.7.shipped", "/shop")).await?;
/// let signals = recorder.wait_for(2).await;
/// assert_eq!(signals[1].topic().as_str(), "order.7.shipped");
/// assert_eq!(recorder.topics(), ["order.7.paid", "order.7.shipped"]);
///
/// // A receiver that refuses.
/// let deadline = std::time::Duration::from_secs(1);
/// recorder.refuse_next(foundation::Error::business("out_of_stock"));
/// let report = bus.publish_and_wait(Signal::new("order.8.paid", "/shop"), deadline).await?;
/// assert_eq!(report.acknowledged(), 0);
/// system.stop().await
/// # })?;
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Clone)]
pub struct Recorder {
    actor: ActorRef<Recording>,
    shared: Arc<Shared>,
}

impl Recorder {
    /// A recorder that is called `recorder`.
    ///
    /// # Errors
    ///
    /// `system_stopping`.
    pub async fn start(system: &System) -> Result<Self> {
        Self::start_with(system, "recorder", |spec| spec).await
    }

    /// As [`Self::start`], with another name and what `options` makes of its specification, such as
    /// a mailbox that is full soon.
    ///
    /// # Errors
    ///
    /// As [`Self::start`]; `invalid_options` when the name or an option cannot be.
    pub async fn start_with(
        system: &System,
        name: &str,
        options: impl FnOnce(ChildSpec<Recording>) -> ChildSpec<Recording>,
    ) -> Result<Self> {
        let shared = Arc::<Shared>::default();
        let recording = Recording { shared: Arc::clone(&shared) };
        let spec = options(ChildSpec::actor(name, recording));
        Ok(Self { actor: system.start(spec).await?, shared })
    }

    /// Another actor of that name that goes on where this one ended: what either of them is given
    /// is written down in one place, and what was said to one is said to both.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_again(&self, system: &System) -> Result<Self> {
        let recording = Recording { shared: Arc::clone(&self.shared) };
        let actor = system.start(ChildSpec::actor(self.actor.name(), recording)).await?;
        Ok(Self { actor, shared: Arc::clone(&self.shared) })
    }

    /// The actor, to subscribe it.
    #[must_use]
    pub const fn actor(&self) -> &ActorRef<Recording> {
        &self.actor
    }

    /// The signals that were written down, in order.
    #[must_use]
    pub fn signals(&self) -> Vec<Signal> {
        self.shared.read(|recorded| recorded.iter().map(|one| one.signal.clone()).collect())
    }

    /// What was written down of each delivery, in order.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Recorded> {
        self.shared.read(<[Recorded]>::to_vec)
    }

    /// The types of the signals, in order.
    #[must_use]
    pub fn topics(&self) -> Vec<String> {
        let topic = |one: &Recorded| one.signal.topic().as_str().to_owned();
        self.shared.read(|recorded| recorded.iter().map(topic).collect())
    }

    /// Forgets what was written down.
    pub fn clear(&self) {
        self.shared.clear();
    }

    /// Waits until so many signals are written down, and gives all that are.
    ///
    /// # Panics
    ///
    /// With what there is, when they do not come within 10 s.
    pub async fn wait_for(&self, count: usize) -> Vec<Signal> {
        self.wait_for_within(count, PATIENCE).await
    }

    /// As [`Self::wait_for`], with another deadline.
    ///
    /// # Panics
    ///
    /// With what there is, when they do not come within `deadline`.
    pub async fn wait_for_within(&self, count: usize, deadline: Duration) -> Vec<Signal> {
        let mut seen = self.shared.count();
        // It cannot be gone: what counts is kept by this.
        let there = seen.wait_for(|seen| *seen >= count);
        if tokio::time::timeout(deadline, there).await.is_err() {
            let topics = self.topics();
            let there = topics.len();
            panic!("{there} of {count} signals came within {deadline:?}: {topics:?}");
        }
        self.signals()
    }

    /// Makes it slow: it takes up no other signal, and writes none down, until it is
    /// [released](Self::release). What comes meanwhile fills its mailbox.
    pub fn hold(&self) {
        self.shared.hold(true);
    }

    /// Lets it go on.
    pub fn release(&self) {
        self.shared.hold(false);
    }

    /// How it answers from now on. It acknowledges unless this was said.
    pub fn answer(&self, answer: Answer) {
        self.shared.answer(answer);
    }

    /// Refuses the next signal with that error, in place of what it would answer. It is written
    /// down all the same. Said twice, the next two are refused.
    pub fn refuse_next(&self, error: Error) {
        self.shared.surprise(records::Surprise::Refuse(error));
    }

    /// Panics at the next signal, after it was written down: the actor ends.
    pub fn panic_next(&self) {
        self.shared.surprise(records::Surprise::Panic);
    }

    /// The deliveries that it has [kept](Answer::Keep), to answer them here, now, and in whatever
    /// order.
    #[must_use]
    pub fn take_kept(&self) -> Vec<Delivery> {
        self.shared.take_kept()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Recorder");
        shown.field("name", &self.actor.name()).field("topics", &self.topics());
        shown.finish_non_exhaustive()
    }
}
