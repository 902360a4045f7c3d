//! Actors as destinations: one, whoever has a name, and all members of a group.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use foundation::{Actor, ActorRef, Groups, Result, Told, Via, codes as system_codes};
use futures_util::future::join_all;

use super::report::Sent;
use crate::bus::{Delivery, Outcome, Receive, Receiver, SubscriptionId, Waits};
use crate::signal::Signal;

/// What the receivers of a destination make of a signal.
pub(super) type Sending<'a> = Pin<Box<dyn Future<Output = Vec<Sent>> + Send + 'a>>;

/// Receivers in this program, of whatever type.
pub(super) trait Local: Send + Sync {
    /// Sends to whoever they are now; with a deadline it waits for their acknowledgements.
    fn send<'a>(&'a self, signal: &'a Signal, deadline: Option<Duration>) -> Sending<'a>;
}

/// Actors whose messages are made of deliveries, found anew for each signal.
pub(super) struct Actors<A: Actor> {
    find: Box<Find<A>>,
}

type Find<A> = dyn Fn() -> Vec<Result<ActorRef<A>>> + Send + Sync;

impl<A> Actors<A>
where
    A: Actor,
    A::Message: From<Delivery>,
{
    pub(super) fn one(actor: ActorRef<A>) -> Arc<dyn Local> {
        Self::found(move || vec![Ok(actor.clone())])
    }

    pub(super) fn named(via: Via<A>) -> Arc<dyn Local> {
        Self::found(move || vec![via.resolve()])
    }

    pub(super) fn members(groups: Groups, group: Arc<str>) -> Arc<dyn Local> {
        Self::found(move || {
            let mut seen = BTreeSet::new();
            let entries = groups.entries(&group).into_iter();
            // Whoever has joined twice is one receiver.
            let once = entries.filter(|entry| seen.insert(entry.pid));
            once.map(|entry| entry.actor_ref()).collect()
        })
    }

    fn found(
        find: impl Fn() -> Vec<Result<ActorRef<A>>> + Send + Sync + 'static,
    ) -> Arc<dyn Local> {
        Arc::new(Self { find: Box::new(find) })
    }
}

impl<A> Local for Actors<A>
where
    A: Actor,
    A::Message: From<Delivery>,
{
    fn send<'a>(&'a self, signal: &'a Signal, deadline: Option<Duration>) -> Sending<'a> {
        let found = (self.find)().into_iter();
        // All of them have it, or are asked, before the first answer is waited for.
        Box::pin(join_all(found.map(move |actor| send_to(actor, signal, deadline))))
    }
}

async fn send_to<A>(actor: Result<ActorRef<A>>, signal: &Signal, deadline: Option<Duration>) -> Sent
where
    A: Actor,
    A::Message: From<Delivery>,
{
    let incarnation = match actor {
        Ok(actor) => actor.incarnation(),
        Err(error) => return Sent::at_once(None, Outcome::Failed(error)),
    };
    let receiver = Receiver::new(incarnation, A::Message::from);
    let outcome = match deadline {
        None => tell(&receiver, signal),
        Some(deadline) => ask(&receiver, signal, deadline).await,
    };
    Sent::at_once(Some(receiver.pid()), outcome.unwrap_or_else(Outcome::Failed))
}

/// Sends without waiting: a receiver that has no room does not hold up the others.
fn tell(receiver: &impl Receive, signal: &Signal) -> Result<Outcome> {
    let place = receiver.reserve()?;
    let delivery = Delivery::new(signal.clone(), SubscriptionId::NONE);
    match receiver.deliver(place, delivery)? {
        Told::Accepted => Ok(Outcome::Accepted),
        _ => Ok(Outcome::LeftOut),
    }
}

/// Sends, and waits for the acknowledgement.
async fn ask(receiver: &impl Receive, signal: &Signal, deadline: Duration) -> Result<Outcome> {
    let place = receiver.reserve()?;
    match receiver.ask(place, signal.clone(), SubscriptionId::NONE, Waits::here(deadline)) {
        Ok(answer) => answer.await.map(|()| Outcome::Acknowledged),
        // A place was given only to be dropped, as the policy of the mailbox says.
        Err(error) if error.code() == system_codes::MAILBOX_FULL.name => Ok(Outcome::LeftOut),
        Err(error) => Err(error),
    }
}
