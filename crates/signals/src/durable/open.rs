//! Opening a durable subscription: by who consumes it, or by who only looks after it.

use std::sync::Arc;

use foundation::{
    Actor, ActorRef, ChildSpec, ChildState, DynamicSupervisor, Error, Incarnation, Pid, Restart,
    Result,
};

use super::consumer::Consumer;
use super::handle::Durable;
use super::kept::{KeptState, STATE};
use super::options::DurableOptions;
use super::run::Runner;
use super::shared::{Event, Shared, Terms};
use crate::bus::{Bus, LogPart, Receive};
use crate::codes;
use crate::log::{MAX_PART_CHANGES, PartChange};
use crate::router::Route;
use crate::topic::Pattern;

impl Bus {
    /// The durable subscription of that name, to look after it: one that is there, whether anybody
    /// consumes it or not. One that has failed so often that nobody starts it again is started
    /// anew, as it is when somebody consumes it.
    ///
    /// # Errors
    ///
    /// `no_such_subscription`; `no_log` when the bus has none; `bus_not_running`; whatever the log
    /// fails with.
    pub async fn durable(&self, name: &str) -> Result<Durable> {
        let part = self.log_part()?;
        let runs = |shared: &Arc<Shared>| shared.runner().is_some_and(|runner| runner.is_alive());
        if let Some(shared) = part.durable(name).filter(runs) {
            return Ok(Durable::new(shared));
        }
        self.check_runs()?;
        let _turn = part.opening.lock().await;
        if let Some(shared) = part.durable(name) {
            // Whoever opened it may have given up before it ran.
            self.run(&shared).await?;
            return Ok(Durable::new(shared));
        }
        let owner = part.core.owner(name);
        let Some(bytes) = part.core.log.load_part(&owner, STATE).await? else {
            return Err(no_such_subscription(name));
        };
        let kept = KeptState::read(name, &bytes)?;
        let patterns = kept.patterns.into_iter().map(Pattern::new).collect::<Result<Vec<_>>>()?;
        let options = DurableOptions::new(name);
        let shared = self.run_durable(part, Terms { patterns, options }).await?;
        Ok(Durable::new(shared))
    }

    /// The names of all durable subscriptions that are there, whether they run or not.
    ///
    /// # Errors
    ///
    /// `no_log` when the bus has none; whatever the log fails with.
    pub async fn durables(&self) -> Result<Vec<String>> {
        let core = &self.log_part()?.core;
        let owners = core.log.owners().await?;
        let ours = owners.iter().filter_map(|owner| core.subscription_of(owner));
        Ok(ours.map(ToOwned::to_owned).collect())
    }

    /// Ends a durable subscription for good: its cursor and its dead letters are gone. A handler
    /// that consumed it ends too, so it is not for that handler to call this. Given up, it may be
    /// there in part; called again, it goes on.
    ///
    /// # Errors
    ///
    /// As [`Self::durable`].
    pub async fn forget(&self, name: &str) -> Result<()> {
        let part = self.log_part()?;
        self.check_runs()?;
        // Nobody opens it meanwhile, or else there would be two of it.
        let _turn = part.opening.lock().await;
        if let Some(shared) = part.forget(name) {
            if let Some(runner) = self.runner(&shared) {
                self.end_runner(runner.pid()).await;
            }
            let consumer = shared.consumer.lock().take();
            if let Some(consumer) = consumer {
                // An actor that is no handler of this bus is not ended by that.
                self.end_runner(consumer.receiver.pid()).await;
            }
        }
        let (owner, mut there) = (part.core.owner(name), false);
        // If it ends half-way and the name is used again, what is left has to be counted.
        if let Some(bytes) = part.core.log.load_part(&owner, STATE).await?
            && let Ok(mut kept) = KeptState::read(name, &bytes)
            && !kept.is_uncounted
        {
            kept.is_uncounted = true;
            let change = PartChange { key: STATE.to_owned(), value: Some(kept.write()?) };
            part.core.log.store_parts(&owner, vec![change]).await?;
        }
        loop {
            let parts = part.core.log.list_parts(&owner, "", MAX_PART_CHANGES).await?;
            if parts.is_empty() {
                break;
            }
            there = true;
            let gone = parts.into_iter().map(|(key, _)| PartChange { key, value: None });
            part.core.log.store_parts(&owner, gone.collect()).await?;
        }
        if let Some(names) = &mut *part.names.lock() {
            names.remove(name);
        }
        if there { Ok(()) } else { Err(no_such_subscription(name)) }
    }

    /// Opens a durable subscription, or makes it, and has an incarnation consume it.
    pub(crate) async fn consume<A: Actor>(
        &self,
        patterns: Vec<Pattern>,
        options: DurableOptions,
        incarnation: &Incarnation<A>,
        receiver: Box<dyn Receive>,
    ) -> Result<Durable> {
        let part = self.log_part()?;
        self.check_runs()?;
        // Held until it is consumed, so that one who is refused changes nothing.
        let _turn = part.opening.lock().await;
        match part.durable(&options.name) {
            Some(shared) => shared.check_unconsumed()?,
            None => self.check_durables(part, &options.name).await?,
        }
        let shared = self.run_durable(part, Terms { patterns, options }).await;
        // Whether one is there that could not be made is not known.
        let shared = shared.inspect_err(|_| *part.names.lock() = None)?;
        let (number, id) = (part.next_number(), self.next_id());
        let consumer = Arc::new(Consumer { number, id, receiver });
        *shared.consumer.lock() = Some(Arc::clone(&consumer));
        shared.tell(Event::Attached(consumer));
        let weak = Arc::downgrade(&shared);
        let at_end = incarnation.at_end(move || {
            if let Some(shared) = weak.upgrade() {
                shared.consumer.lock().take_if(|consumer| consumer.number == number);
                shared.tell(Event::Ended(number));
            }
        });
        if let Err(error) = at_end {
            shared.consumer.lock().take_if(|consumer| consumer.number == number);
            shared.tell(Event::Ended(number));
            return Err(error);
        }
        Ok(Durable::new(shared))
    }

    /// Whether there may be a durable subscription of that name, which is not open.
    async fn check_durables(&self, part: &LogPart, name: &str) -> Result<()> {
        if part.core.log.load_part(&part.core.owner(name), STATE).await?.is_some() {
            return Ok(());
        }
        if part.names.lock().is_none() {
            let listed = self.durables().await?;
            *part.names.lock() = Some(listed.into_iter().collect());
        }
        let mut names = part.names.lock();
        let names = names.get_or_insert_default();
        if names.len() >= part.max_durables && !names.contains(name) {
            let error = Error::from(codes::TOO_MANY_SUBSCRIPTIONS);
            return Err(error.with_detail("max_durables", part.max_durables));
        }
        names.insert(name.to_owned());
        Ok(())
    }

    /// Runs every durable subscription that is open, and is not run by anybody: whoever ran them
    /// has ended with the supervisor of the runners.
    pub(crate) async fn run_durables(&self) -> Result<()> {
        let part = self.log_part()?;
        let _turn = part.opening.lock().await;
        let mut failed = Ok(());
        for shared in part.all_durables() {
            let Err(error) = self.run(&shared).await else { continue };
            let subscription = shared.name();
            tracing::error!(subscription, %error, "signals.subscription_failed");
            // One that cannot be read stays where it is, and takes no other along.
            if error.is_retryable() {
                failed = Err(error);
            }
        }
        failed
    }

    /// The durable subscription, which runs from now on. Whoever calls has the turn to open.
    async fn run_durable(&self, part: &LogPart, terms: Terms) -> Result<Arc<Shared>> {
        let name = Arc::clone(&terms.options.name);
        let shared = match part.durable(&name) {
            Some(shared) => {
                shared.set_terms(terms.clone());
                shared
            }
            None => Arc::new(Shared::new(Arc::clone(&part.core), terms.clone())),
        };
        let route = |pattern: &Pattern| Route::of(pattern.clone(), Arc::clone(&shared));
        let routes = part.routes.add(terms.patterns.iter().map(route).collect::<Vec<_>>())?;
        part.insert(&shared, routes);
        if let Err(error) = self.run(&shared).await {
            part.forget(&name);
            return Err(error);
        }
        Ok(shared)
    }

    /// Has it run, if nobody runs it, or is about to run it again.
    async fn run(&self, shared: &Arc<Shared>) -> Result<()> {
        let runners = self.runners()?;
        if let Some(runner) = self.runner(shared) {
            if runner.is_alive() || !is_quarantined(&runners, runner.pid())? {
                shared.wake();
                return Ok(());
            }
            // Nobody starts it again but whoever wants it.
            self.end_runner(runner.pid()).await;
        }
        let spec = ChildSpec::<Runner>::actor(Arc::clone(&shared.name), Arc::clone(shared));
        let spec = spec.start_within(self.log_part()?.start_within);
        runners.start_child(spec.restart(Restart::Permanent)).await?;
        Ok(())
    }

    /// Its runner, whether it runs at this moment or not, unless it has ended for good.
    fn runner(&self, shared: &Shared) -> Option<ActorRef<Runner>> {
        let runner = self.runners().ok()?.child::<Runner>(shared.child()?).ok()?;
        // Somebody else may have its place by now.
        (*runner.name() == *shared.name).then_some(runner)
    }
}

/// Whether a child does not run, and nobody will start it again.
fn is_quarantined(runners: &ActorRef<DynamicSupervisor>, child: Pid) -> Result<bool> {
    let children = runners.which_children()?;
    let child = children.iter().find(|one| one.last_pid == Some(child));
    Ok(child.is_some_and(|child| child.state == ChildState::Quarantined))
}

fn no_such_subscription(name: &str) -> Error {
    Error::from(codes::NO_SUCH_SUBSCRIPTION).with_detail("subscription", name)
}
