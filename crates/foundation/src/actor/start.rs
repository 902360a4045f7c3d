//! Starting an actor: a place, an incarnation in it, and word of it to whoever is the parent.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::context::Context;
use super::ending::{Ended, kill, limit};
use super::handle::ActorRef;
use super::life::Life;
use super::observed::Inquiries;
use super::run::{Begin, Started, run};
use super::slot::{Core, Peer, Since, Slot};
use super::spec::{Args, Options};
use super::task::{Incarnation, hand_over};
use super::{Actor, ChildSpec};
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::spawn::TaskNumber;
use crate::system::Shared;

/// Whom an incarnation tells of its start and its end: one incarnation of a supervisor. Nobody, if
/// its parent is the system.
pub(crate) type Parent = Option<Supervised>;

/// A child of a supervisor, as the child knows it.
#[derive(Debug, Clone)]
pub(crate) struct Supervised {
    pub(crate) supervisor: Arc<dyn Supervises>,
    pub(crate) generation: u32,
    pub(crate) child: u64,
    pub(crate) attempt: u32,
}

/// A supervisor, as its children know it.
pub(crate) trait Supervises: std::fmt::Debug + Send + Sync {
    /// Says something of a child to one incarnation of it.
    fn child(&self, generation: u32, event: ChildEvent);
}

/// What a supervisor hears of a child: of which one, of which attempt to start it, and what.
#[derive(Debug)]
pub(crate) struct ChildEvent {
    pub(crate) child: u64,
    pub(crate) attempt: u32,
    pub(crate) what: ChildDid,
}

/// What a child did.
#[derive(Debug)]
pub(crate) enum ChildDid {
    /// It runs.
    Run,
    /// It chose not to run; its end follows.
    Ignore,
    /// It has ended, and nothing of it is left.
    End(ExitReason),
}

impl Supervised {
    pub(super) fn tell(&self, what: ChildDid) {
        let event = ChildEvent { child: self.child, attempt: self.attempt, what };
        self.supervisor.child(self.generation, event);
    }
}

/// Where an actor is started by somebody who waits for it: in a system, or under a supervisor.
pub(crate) trait Nursery: Sync {
    /// Takes in a child that is about to start, and gives whom it is to tell.
    ///
    /// # Errors
    ///
    /// When it takes in no more. The child is not started then.
    fn adopt(&self, child: &Peer) -> Result<Parent>;
    /// Hears why nobody wants a child that has not started, and that it is killed.
    fn give_up(&self, child: &Peer, why: Error) {
        let _ = (child, why);
    }
}

/// An actor whose start has not been acknowledged. Given up, it is killed: nobody else knows it.
struct Starting<'a>(Option<(&'a Peer, &'a dyn Nursery)>);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        if let Some((peer, nursery)) = self.0 {
            let unwanted = "nobody waits for its start any more";
            nursery.give_up(peer, Error::from(codes::ACTOR_STOPPED).with_message(unwanted));
            peer.kill();
        }
    }
}

/// Starts `spec` as a child of the system, and waits for its `init`.
pub(crate) async fn start<A: Actor>(
    system: &Arc<Shared>,
    spec: ChildSpec<A>,
) -> Result<ActorRef<A>> {
    spec.options.validate_for_system()?;
    let start_within = spec.options.start_within;
    start_in(&system.root, place(system, &spec.options), spec.args, start_within).await
}

/// Starts the first incarnation of a place, and waits for its `init`.
pub(crate) async fn start_in<A: Actor>(
    nursery: &dyn Nursery,
    slot: Arc<Slot<A::Message>>,
    args: Args<A>,
    start_within: Duration,
) -> Result<ActorRef<A>> {
    let (caller, acknowledged) = oneshot::channel();
    let peer = open(&slot)?;
    let parent = nursery.adopt(&peer).inspect_err(|_| never_begins::<A>(&slot))?;
    let mut starting = Starting(Some((&peer, nursery)));
    incarnate::<A>(&slot, args, parent, Some(caller));

    let outcome = Within::new(limit(&peer, Some(start_within)), acknowledged).await;
    if let Ok(Ok(Started::Running)) = outcome {
        starting.0 = None;
        return Ok(ActorRef::new(slot));
    }
    if outcome.is_err() {
        nursery.give_up(&peer, took_too_long(start_within));
    }
    // Whoever has failed ends by itself, and has nobody to be given up by.
    starting.0 = None;
    drop(starting);
    // The name, and whatever else it held, is free when its end is announced.
    let ended = kill(&peer).await;
    let error = match (outcome, &ended) {
        (Ok(Ok(Started::Failed(error))), _) => error,
        (Ok(Ok(Started::Ignored | Started::Running)), _) => codes::START_IGNORED.into(),
        (Ok(Err(_)), Ended::With(reason)) => why_not_started(reason),
        (Ok(Err(_)), Ended::Unresponsive(_)) => codes::ACTOR_PANICKED.into(),
        (Err(_), _) => took_too_long(start_within),
    };
    let error = error.with_detail("actor", &*slot.core().name);
    Err(match ended {
        Ended::With(_) => error,
        Ended::Unresponsive(unresponsive) => {
            // Also of one that had failed by itself, and does not come to its end.
            nursery.give_up(&peer, error.clone());
            unresponsive.with_source(error)
        }
    })
}

/// Starts the next incarnation of a supervisor's child. What comes of it is told to the parent.
///
/// # Errors
///
/// `already_started` when it is to have a name that somebody else has; `invalid_options` when that
/// is in the registry of another system.
pub(crate) fn start_next<A: Actor>(
    slot: &Arc<Slot<A::Message>>,
    spec: &ChildSpec<A>,
    parent: Supervised,
) -> Result<Peer> {
    let peer = open(slot)?;
    incarnate::<A>(slot, Arc::clone(&spec.args), Some(parent), None);
    Ok(peer)
}

/// Starts the first incarnation of a place that does nothing but `run`, and that runs with that.
/// Gives what `before` does, which is called when it can be watched and has not begun.
pub(crate) fn start_running<A: Actor, F, R>(
    nursery: &dyn Nursery,
    slot: &Arc<Slot<A::Message>>,
    before: impl FnOnce(&Peer) -> Result<R>,
    run: impl FnOnce(Context<A>) -> F,
) -> Result<R>
where
    F: Future<Output = ExitReason> + Send + 'static,
{
    let peer = open(slot)?;
    slot.core().since.is_up();
    let given = before(&peer)?;
    let parent = nursery.adopt(&peer)?;
    let run = run(Context::new(Arc::clone(slot)));
    let incarnation = Incarnation::<A, _>::new(Arc::clone(slot), parent, run);
    slot.core().system.spawner.actor(incarnation);
    Ok(given)
}

/// A new place for an actor, in which none runs.
pub(crate) fn place<M>(system: &Arc<Shared>, options: &Options) -> Arc<Slot<M>> {
    let core = Core {
        slot: system.next_number(),
        name: Arc::clone(&options.name),
        shutdown: options.shutdown,
        kind: options.kind,
        system: Arc::clone(system),
        task: TaskNumber::default(),
        naming: options.naming.clone(),
        is_task: options.is_task,
        inquiries: Inquiries::default(),
        since: Since::default(),
        life: Life::new(),
    };
    Arc::new(Slot::new(core, options.mailbox))
}

/// Begins the next incarnation of a place in which none lives, with its name if it is to have one.
/// The mailbox is open before anybody can know of the incarnation: what is said to somebody alive
/// always arrives.
///
/// # Errors
///
/// `already_started` when somebody else has the name; `invalid_options` for a registry of another
/// system.
fn open<M: Send + 'static>(slot: &Arc<Slot<M>>) -> Result<Peer> {
    let core = slot.core();
    let generation = core.life.generation() + 1;
    let peer = Peer { process: Arc::clone(slot) as _, generation };
    let begin = || {
        core.since.begin(core.system.milliseconds());
        core.inquiries.reset();
        slot.queue.open(generation);
        core.life.begin();
    };
    match &core.naming {
        Some(naming) => naming.begin(&peer, begin)?,
        None => begin(),
    }
    Ok(peer)
}

/// Ends an incarnation that nobody took in, before it has begun.
fn never_begins<A: Actor>(slot: &Slot<A::Message>) {
    let closed = slot.queue.close();
    slot.call_off();
    hand_over::<A>(slot.core(), closed);
}

fn incarnate<A: Actor>(
    slot: &Arc<Slot<A::Message>>,
    args: Args<A>,
    parent: Parent,
    caller: Option<oneshot::Sender<Started>>,
) {
    let begin = Box::new(Begin { args, parent: parent.clone(), caller });
    let run = run::<A>(begin, Context::new(Arc::clone(slot)));
    let incarnation = Incarnation::<A, _>::new(Arc::clone(slot), parent, run);
    slot.core().system.spawner.actor(incarnation);
}

/// Why an actor that ended inside `init` did not start.
pub(crate) fn why_not_started(reason: &ExitReason) -> Error {
    match reason {
        ExitReason::Panic(panic) => panic.to_error(),
        ExitReason::Error(error) => error.clone(),
        reason => reason.to_error(),
    }
}

pub(crate) fn took_too_long(start_within: Duration) -> Error {
    Error::from(codes::TIMEOUT)
        .with_message("init took too long")
        .with_detail("after_seconds", start_within.as_secs_f64())
}
