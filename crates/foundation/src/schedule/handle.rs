//! A scheduler, as those who make schedules see it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::keep::keep;
use super::state::{Counts, Moment, State};
use super::table::{Entry, Fired, Table};
use super::tick::{Target, Tick, held_as, let_go, target};
use super::timing::Schedule;
use crate::actor::{Actor, ActorRef, ChildSpec, HeldAs, Holding, Pid, Restart, refused};
use crate::error::{Error, Result, codes};
use crate::supervisor::Supervisor;
use crate::sync::Mutex;
use crate::system::{Home, InSystem, System};
use crate::task::TaskActor;

/// How long the name of a schedule may be, in bytes.
const LONGEST_NAME: usize = 255;
/// How many schedules there may be: several for each of more actors than fit into most memories.
const MOST_SCHEDULES: usize = 1_000_000;

/// Tells actors something once, every so often, or when a calendar says. A clone is the same
/// scheduler.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::*;
/// use std::time::Duration;
///
/// struct Prices;
///
/// enum Message {
///     Refresh(Tick),
///     Count(Reply<u32>),
/// }
///
/// impl Actor for Prices {
///     type Args = Scheduler;
///     type Message = Message;
///
///     async fn init(scheduler: Scheduler, cx: &mut Context<Self>) -> Result<Init<Self>> {
///         let often = Schedule::fixed_rate(Duration::from_secs(300));
///         scheduler.schedule(&cx.me(), "refresh", often, Message::Refresh)?;
///         Ok(Init::Ready(Self))
///     }
///
///     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
///         match message {
///             Message::Refresh(_tick) => println!("refreshing"),
///             Message::Count(reply) => reply.send(3),
///         }
///         Ok(Flow::Continue)
///     }
/// }
///
/// let system = System::builder().name("shop").start().await?;
/// let scheduler = Scheduler::start(&system).await?;
/// let prices = system.start(ChildSpec::<Prices>::actor("prices", scheduler.clone())).await?;
///
/// scheduler.run_now(prices.pid(), "refresh")?; // the next one comes when it would have come
/// assert_eq!(prices.ask(Message::Count).await?, 3); // after the tick
/// assert_eq!(scheduler.stats().forced, 1);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Scheduler {
    shared: Arc<Shared>,
}

/// What a scheduler, its keeper and its ticks share.
pub(super) struct Shared {
    home: Home,
    started: Instant,
    table: Mutex<Table<Arc<dyn Target>>>,
    /// When there may be something to do earlier than before.
    pub(super) changed: Notify,
    /// How many schedules there may be.
    most: usize,
    /// Of schedules that are there no more.
    before: Mutex<Counts>,
    random: Mutex<fastrand::Rng>,
}

/// What an owner holds of its schedules: no more than it needs to have none.
#[derive(Debug)]
struct Held(Weak<Shared>);

/// One schedule, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ScheduleInfo {
    /// Whose it is.
    pub owner: Pid,
    /// What it is called, among those of its owner.
    pub name: Arc<str>,
    /// When it ticks.
    pub schedule: Schedule,
    /// When it is due next, as far as that is known: not of a delay while a tick is at work.
    pub next: Option<Timestamp>,
    /// Whether a tick is at work.
    pub is_working: bool,
    /// How often it has ticked by itself.
    pub ticks: u64,
    /// How often it has ticked because somebody asked for it.
    pub forced: u64,
    /// How many ticks were missed.
    pub missed: u64,
}

/// What a scheduler does and has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchedulerStats {
    /// How many schedules there are.
    pub schedules: usize,
    /// How many actors they belong to.
    pub owners: usize,
    /// How many ticks have come by themselves.
    pub ticks: u64,
    /// How many ticks have come because somebody asked for them.
    pub forced: u64,
    /// How many ticks were missed.
    pub missed: u64,
}

// === impl Scheduler ===

impl Scheduler {
    /// A scheduler, and its keeper, for a supervisor of the program to start. Until that runs, and
    /// whenever it does not, nothing ticks but what somebody asks for; then what was missed is
    /// treated as each schedule says.
    #[must_use = "nothing ticks until a supervisor starts the keeper"]
    pub fn build(system: &impl InSystem) -> (Self, ChildSpec<TaskActor>) {
        Self::with_room_for(MOST_SCHEDULES, system)
    }

    fn with_room_for(most: usize, system: &impl InSystem) -> (Self, ChildSpec<TaskActor>) {
        let home = system.home();
        let random = fastrand::Rng::with_seed(home.ports.new_seed());
        let shared = Arc::new(Shared {
            home,
            started: Instant::now(),
            table: Mutex::new(Table::new()),
            changed: Notify::new(),
            most,
            before: Mutex::new(Counts::default()),
            random: Mutex::new(random),
        });
        let kept = Arc::clone(&shared);
        let keeper = ChildSpec::task("scheduler", move |_| keep(Arc::clone(&kept)));
        (Self { shared }, keeper.restart(Restart::Permanent))
    }

    /// Starts a scheduler in the system, with its keeper under a supervisor of its own that starts
    /// it again when it is killed.
    ///
    /// # Errors
    ///
    /// `system_stopping`.
    pub async fn start(system: &System) -> Result<Self> {
        let (scheduler, keeper) = Self::build(system);
        Supervisor::one_for_one().name("schedules").child(keeper).start(system).await?;
        Ok(scheduler)
    }

    /// Tells `owner` of ticks from now on, as long as its incarnation of now runs. `make` makes a
    /// message of a [`Tick`], in the task of the owner; a panic in it is the owner's. A tick comes
    /// before the messages in its mailbox. The next one does not come before this one is dropped: a
    /// message that does not hold it is done when it is made.
    ///
    /// A schedule of the same owner and name is replaced by this other one, which does not wait for
    /// a tick of that; [`Self::reschedule`] changes one that stays the same. Names have 1 to 255
    /// bytes. A `make` that holds this scheduler keeps it until the owner has ended.
    ///
    /// # Errors
    ///
    /// `no_process` when the owner has ended; `invalid_options` for a schedule that cannot be, or
    /// that never ticks, and for an owner of another system; `too_many_schedules` beyond 1,000,000.
    pub fn schedule<A: Actor>(
        &self,
        owner: &ActorRef<A>,
        name: impl Into<Arc<str>>,
        schedule: Schedule,
        make: impl Fn(Tick) -> A::Message + Send + Sync + 'static,
    ) -> Result<()> {
        let (name, schedule) = (name.into(), schedule.validated()?);
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(refused("name", "a schedule has a name of 1 to 255 bytes"));
        }
        let target = target(owner, make);
        if !Arc::ptr_eq(&target.owner().process.core().system.ports, &self.shared.home.ports) {
            return Err(refused("owner", "it belongs to another system"));
        }
        self.shared.insert(name, schedule, target)
    }

    /// Takes a schedule away. A tick that is on its way still comes.
    ///
    /// # Errors
    ///
    /// `schedule_not_found`.
    pub fn cancel(&self, owner: Pid, name: &str) -> Result<()> {
        let shared = &self.shared;
        let mut table = shared.table.lock();
        let number = find(&table, owner, name)?;
        let target = shared.take(&mut table, number);
        drop(table);
        gone(number, target);
        Ok(())
    }

    /// Takes all schedules of an actor away, and says how many that were.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cancel_all(&self, owner: Pid) -> usize {
        let names: Vec<_> = self.of(owner).into_iter().map(|schedule| schedule.name).collect();
        names.iter().filter(|name| self.cancel(owner, name).is_ok()).count()
    }

    /// Has a schedule tick otherwise from now on. Whoever is told stays.
    ///
    /// # Errors
    ///
    /// `schedule_not_found`; `invalid_options` for a schedule that cannot be, and then nothing has
    /// changed.
    pub fn reschedule(&self, owner: Pid, name: &str, schedule: Schedule) -> Result<()> {
        let schedule = schedule.validated()?;
        self.shared.begun(schedule.clone())?;
        let now = self.shared.now();
        let mut table = self.shared.table.lock();
        let number = find(&table, owner, name)?;
        table.change(number, |state| {
            state.reschedule(schedule, now);
            None
        });
        drop(table);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Has a schedule tick now, beside its times, which stay as they are. When this returns the
    /// tick comes before whatever the owner is told later. While one is at work, another comes
    /// right after it, however often it is asked for meanwhile.
    ///
    /// # Errors
    ///
    /// `schedule_not_found`.
    pub fn run_now(&self, owner: Pid, name: &str) -> Result<()> {
        let now = self.shared.now();
        let mut table = self.shared.table.lock();
        let number = find(&table, owner, name)?;
        let fired = table.change(number, |state| state.run_now(now));
        // What is due already and was not told goes first.
        let fired = fired.or_else(|| table.take_ready(number));
        drop(table);
        if let Some(fired) = fired {
            self.shared.tell(fired);
        }
        Ok(())
    }

    /// The schedules of an actor, by name.
    #[must_use]
    pub fn of(&self, owner: Pid) -> Vec<ScheduleInfo> {
        let now = self.shared.now();
        let table = self.shared.table.lock();
        let numbers = table.names_of(owner).into_iter();
        numbers.filter_map(|number| table.get(number)).map(|entry| info(entry, now)).collect()
    }

    /// All schedules, by owner and name.
    #[must_use]
    pub fn all(&self) -> Vec<ScheduleInfo> {
        let now = self.shared.now();
        let table = self.shared.table.lock();
        table.iter().map(|entry| info(entry, now)).collect()
    }

    /// What it does and has done.
    #[must_use]
    pub fn stats(&self) -> SchedulerStats {
        let table = self.shared.table.lock();
        let mut counts = *self.shared.before.lock();
        table.iter().for_each(|entry| counts.add(entry.state.counts));
        let owners: BTreeSet<_> = table.iter().map(|entry| entry.owner).collect();
        let Counts { ticks, forced, missed } = counts;
        SchedulerStats { schedules: table.len(), owners: owners.len(), ticks, forced, missed }
    }
}

fn info(entry: &Entry<Arc<dyn Target>>, now: Moment) -> ScheduleInfo {
    let Counts { ticks, forced, missed } = entry.state.counts;
    ScheduleInfo {
        owner: entry.owner,
        name: Arc::clone(&entry.name),
        schedule: entry.state.schedule().clone(),
        next: entry.state.next(now),
        is_working: entry.state.is_working(),
        ticks,
        forced,
        missed,
    }
}

fn find(table: &Table<Arc<dyn Target>>, owner: Pid, name: &str) -> Result<u64> {
    table.find(owner, &name.into()).ok_or_else(|| {
        Error::from(codes::SCHEDULE_NOT_FOUND)
            .with_detail("schedule", name)
            .with_detail("owner", owner.to_string())
    })
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Scheduler");
        shown.field("stats", &self.stats()).finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    /// What time it is. The clock is the user's, so outside of the lock.
    pub(super) fn now(&self) -> Moment {
        let wall = self.home.ports.now();
        let chance = self.random.lock().u64(..);
        Moment { run: self.started.elapsed(), wall, chance }
    }

    /// When the runtime's clock says `run`.
    pub(super) fn instant(&self, run: Duration) -> Instant {
        self.started + run
    }

    fn insert(
        self: &Arc<Self>,
        name: Arc<str>,
        schedule: Schedule,
        target: Arc<dyn Target>,
    ) -> Result<()> {
        let owner = target.owner().clone();
        let number = owner.process.core().system.next_number();
        let state = self.begun(schedule)?;
        let entry = Entry::new(owner.pid(), name, state, target);
        let mut table = self.table.lock();
        // One that is replaced makes room for the other.
        if table.len() >= self.most && table.find(entry.owner, &entry.name).is_none() {
            drop(table);
            let_go(entry.target);
            let error = Error::from(codes::TOO_MANY_SCHEDULES);
            return Err(error.with_detail("max_schedules", self.most));
        }
        let before = table.insert(number, entry);
        let before = before.map(|before| (before, self.take(&mut table, before)));
        drop(table);
        if let Some((number, target)) = before {
            gone(number, target);
        }
        // From here on its end takes the schedule away; if it has come before, that is done here.
        let held = owner.hold(held_as(number), Arc::new(Held(Arc::downgrade(self))));
        if held.is_err() {
            self.remove(number);
        } else if !self.table.lock().contains(number) {
            // It was over, or taken away, before the owner held it.
            owner.process.core().life.unhold(&held_as(number));
        }
        self.changed.notify_one();
        held
    }

    /// A schedule that begins now.
    fn begun(&self, schedule: Schedule) -> Result<State> {
        let state = State::new(schedule, self.now());
        if state.is_over() {
            return Err(refused("schedule", "its first time is after the end of the calendar"));
        }
        Ok(state)
    }

    /// Takes a schedule out, which belongs to nobody any more.
    fn remove(&self, number: u64) {
        let target = self.take(&mut self.table.lock(), number);
        let_go(target);
    }

    /// Takes a schedule out, and keeps what it has done.
    fn take(&self, table: &mut Table<Arc<dyn Target>>, number: u64) -> Option<Arc<dyn Target>> {
        let (target, counts) = table.remove(number)?;
        self.before.lock().add(counts);
        Some(target)
    }

    /// A tick was dropped. What is due then is told by the keeper: whoever drops it may be gone.
    pub(super) fn over(&self, number: u64) {
        let now = self.now();
        let mut table = self.table.lock();
        table.change_later(number, |state| state.over(now));
        let target = if table.is_over(number) { self.take(&mut table, number) } else { None };
        drop(table);
        gone(number, target);
        self.changed.notify_one();
    }

    /// Tells whoever is due, and gives when to look again.
    pub(super) fn look(self: &Arc<Self>, now: Moment) -> (Option<Duration>, Option<Timestamp>) {
        let mut table = self.table.lock();
        let look = table.look(now);
        let over: Vec<_> =
            look.over.iter().map(|number| (*number, self.take(&mut table, *number))).collect();
        drop(table);
        look.fired.into_iter().for_each(|fired| self.tell(fired));
        for (number, target) in over {
            gone(number, target);
        }
        (look.run, look.wall)
    }

    fn tell(self: &Arc<Self>, fired: Fired<Arc<dyn Target>>) {
        let Fired { number, name, due, target } = fired;
        if due.missed > 0 {
            let (schedule, missed) = (&*name, due.missed);
            tracing::warn!(schedule, missed, "schedule.missed");
        }
        if !target.tell(Tick::new(name, due, number, Arc::clone(self))) {
            // It has ended, and its schedules go with it; it was not told.
            self.remove(number);
            self.before.lock().untell(due);
        }
        let_go(target);
    }
}

/// Lets an owner know that it has no longer what it had.
fn gone(number: u64, target: Option<Arc<dyn Target>>) {
    if let Some(target) = target {
        target.owner().process.core().life.unhold(&held_as(number));
        let_go(target);
    }
}

impl Holding for Held {
    /// An owner has ended.
    fn let_go(&self, held: &HeldAs) {
        if let Some(shared) = self.0.upgrade() {
            shared.remove(held.number);
        }
    }
}

impl Drop for Shared {
    /// There is nothing that ticks any more.
    fn drop(&mut self) {
        let all = self.table.lock().take_all();
        for (number, target) in all {
            gone(number, Some(target));
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    //! As many schedules as there may be.

    use std::time::Duration;

    use super::{Schedule, Scheduler};
    use crate::actor::ActorRef;
    use crate::exit::ExitReason;
    use crate::system::System;
    use crate::testing::{Idle, idle};

    #[tokio::test(start_paused = true)]
    async fn no_more_schedules_are_kept_than_may_be() {
        let system = System::builder().start().await.unwrap();
        let (scheduler, _keeper) = Scheduler::with_room_for(2, &system);
        let owner = idle(&system).await;
        let schedule = |owner: &ActorRef<Idle>, name: &'static str| {
            let often = Schedule::fixed_rate(Duration::from_secs(1));
            scheduler.schedule(owner, name, often, |_| ())
        };
        schedule(&owner, "a").unwrap();
        schedule(&owner, "b").unwrap();
        let refused = schedule(&owner, "c").unwrap_err();
        assert_eq!((refused.code(), refused.is_retryable()), ("too_many_schedules", true));
        assert_eq!(refused.details()["max_schedules"], 2);
        assert_eq!((scheduler.stats().schedules, scheduler.of(owner.pid()).len()), (2, 2));
        schedule(&owner, "b").unwrap();
        // There is room again when one is gone, whatever has taken it.
        scheduler.cancel(owner.pid(), "a").unwrap();
        schedule(&owner, "c").unwrap();
        owner.stop(ExitReason::Normal).await.unwrap();
        schedule(&idle(&system).await, "d").unwrap();
        system.stop().await.unwrap();
    }
}
