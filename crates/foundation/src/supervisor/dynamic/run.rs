//! The loop of a dynamic supervisor: starts children again, ends them, and ends with all of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backoff;
use super::members::{Body, Members, Whom};
use super::options::{DynamicBlueprint, DynamicSupervisorBuilder};
use super::state::{Command, Due};
use super::table::{Key, Status};
use crate::actor::{
    Actor, ChildDid, ChildEvent, Context, Flow, Init, KILL, Peer, Pid, Rare, Reply, Shutdown, Step,
    Supervised, Supervises, after_kill, took_too_long, unresponsive,
};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::supervisor::report;
use crate::supervisor::run::HELD;
use crate::supervisor::state::{Cause, Report};

/// A supervisor of children that are started while it runs, of whatever type, and that have no
/// order among each other: sessions, connections, jobs. Begin one with
/// [`DynamicSupervisor::builder`].
///
/// Children are known by their pids; their names need not differ. They are started by whoever asks,
/// restarted each for itself, and stopped all at a time. A child that has ended and is not
/// restarted is forgotten.
///
/// ```
/// # use foundation::{Actor, Context, Flow, Init, Reply, Result};
/// # enum Message { Add(u64), Total(Reply<u64>) }
/// # struct Counter(u64);
/// # impl Actor for Counter {
/// #     type Args = u64;
/// #     type Message = Message;
/// #     async fn init(start: u64, _: &mut Context<Self>) -> Result<Init<Self>> {
/// #         Ok(Init::Ready(Self(start)))
/// #     }
/// #     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
/// #         match message {
/// #             Message::Add(n) => self.0 += n,
/// #             Message::Total(reply) => reply.send(self.0),
/// #         }
/// #         Ok(Flow::Continue)
/// #     }
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{ChildSpec, DynamicSupervisor, Restart, System};
///
/// let system = System::builder().name("shop").start().await?;
/// let carts = DynamicSupervisor::builder().name("carts").max_children(1000).start(&system).await?;
///
/// let cart = carts
///     .start_child(ChildSpec::<Counter>::actor("cart", 0).restart(Restart::Transient))
///     .await?;
/// cart.tell(Message::Add(2)).await?;
/// assert_eq!(cart.ask(Message::Total).await?, 2);
///
/// carts.terminate_child(cart.pid()).await?;
/// assert_eq!(carts.count_children()?.specs, 0);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// There is no asking for a child by name, and none is kept to be deleted or restarted by request:
///
/// ```compile_fail,E0599
/// # async fn ask(carts: foundation::ActorRef<foundation::DynamicSupervisor>) {
/// carts.delete_child("cart").await;
/// # }
/// ```
pub struct DynamicSupervisor {
    members: Arc<Members>,
    /// Children that did not end and are not waited for.
    abandoned: Vec<Peer>,
    chance: fastrand::Rng,
}

/// What is said to a dynamic supervisor, by its reference and its children.
pub struct Message(pub(super) Said);

pub(super) enum Said {
    /// There are commands.
    Wake,
    Terminate(Pid, Reply<Result<()>>),
    Release(Pid, Reply<Result<Peer>>),
    /// A start that failed because the place is held.
    Held(ChildEvent),
    /// What a child was to do in time.
    Late(Due),
    /// The same of many.
    AllLate(Vec<Due>),
    TryAgain(Key, u32),
}

/// What carrying out the commands has come to.
#[derive(Default)]
struct Done {
    end: bool,
    over: bool,
    /// Children that have so long for what they were told.
    patience: BTreeMap<Duration, Vec<Due>>,
}

impl DynamicSupervisor {
    /// Begins a dynamic supervisor.
    pub fn builder() -> DynamicSupervisorBuilder {
        DynamicSupervisorBuilder::new()
    }
}

impl Actor for DynamicSupervisor {
    type Args = DynamicBlueprint;
    type Message = Message;

    async fn init(blueprint: DynamicBlueprint, cx: &mut Context<Self>) -> Result<Init<Self>> {
        blueprint.validate()?;
        // Links do not end a supervisor: only its parent does, and its children's failures.
        cx.trap_exits(true);
        let members = Members::new(blueprint.rules, cx.place(), cx.pid().generation);
        let members = Arc::new(members);
        cx.share(Arc::clone(&members) as _);
        let chance = fastrand::Rng::with_seed(cx.system().ports.new_seed());
        Ok(Init::Ready(Self { members, abandoned: Vec::new(), chance }))
    }

    async fn handle(&mut self, Message(said): Message, cx: &mut Context<Self>) -> Result<Flow> {
        self.take(said, cx);
        if self.carry_out(cx).end {
            return Ok(Flow::Stop(ExitReason::Shutdown));
        }
        Ok(Flow::Continue)
    }

    async fn terminate(&mut self, _: &ExitReason, cx: &mut Context<Self>) {
        self.report_all_lost(cx);
        let mut heeded = KILL;
        if cx.is_killed() {
            heeded = 0;
            self.members.lock().kill();
        } else {
            self.members.lock().stop();
        }
        while !self.carry_out(cx).over {
            match cx.next_of_own(heeded).await {
                Step::Handle(Message(said)) => self.take(said, cx),
                Step::Rare(rare) => match *rare {
                    Rare::Stop(_) if cx.is_killed() => {
                        self.members.lock().kill();
                        heeded = 0;
                    }
                    Rare::Inspect(reply) => reply.send(Ok(None)),
                    Rare::Stop(_) | Rare::Down(_) | Rare::Exit(_) => {}
                },
            }
        }
    }
}

impl DynamicSupervisor {
    fn take(&mut self, said: Said, cx: &mut Context<Self>) {
        let members = Arc::clone(&self.members);
        match said {
            Said::Wake => {}
            Said::Terminate(pid, reply) => {
                // Found and told under one lock: it may be forgotten at any time.
                let mut state = members.lock();
                let Some(key) = state.find(pid) else {
                    drop(state);
                    return reply.send(Err(cx.stamp(not_found(pid))));
                };
                state.terminate(key, Whom::Done(reply));
            }
            Said::Release(pid, reply) => {
                let mut state = members.lock();
                let Some(key) = state.find(pid) else {
                    drop(state);
                    return reply.send(Err(cx.stamp(not_found(pid))));
                };
                state.release(key, Whom::Child(reply));
            }
            Said::Held(event) => members.child(0, event),
            Said::Late(due) => self.is_late(due, cx),
            Said::AllLate(all) => {
                for due in all {
                    self.is_late(due, cx);
                }
            }
            Said::TryAgain(key, attempt) => members.lock().try_again(key, attempt),
        }
    }

    fn is_late(&self, due: Due, cx: &Context<Self>) {
        let now = self.members.now();
        let mut state = self.members.lock();
        let Some(child) = state.table.current(due.key, due.attempt) else { return };
        let is_lost = due.status == Status::Killed && child.status() == Status::Killed;
        let lost = is_lost.then(|| child.body.peer.clone());
        let specified = child.body.more.as_ref().and_then(|more| more.child.as_ref());
        let start_within = specified.map(|child| child.options().start_within);
        state.is_late(due, took_too_long(start_within.unwrap_or_default()), now);
        drop(state);
        if let Some(lost) = lost {
            report_lost(&lost, cx);
        }
    }

    fn carry_out(&mut self, cx: &mut Context<Self>) -> Done {
        let (members, mut done) = (Arc::clone(&self.members), Done::default());
        loop {
            // Let go of at once: what follows may end in code that needs the lock.
            let command = members.lock().next_command();
            let Some(command) = command else { break };
            match command {
                Command::Start(key) => self.start(key, cx),
                Command::Wait(key, attempt, wait) => {
                    let wait = backoff::spread(wait, self.chance.f64());
                    let due = Due { key, attempt, status: Status::Restarting };
                    self.arm(due, wait, Message(Said::TryAgain(key, attempt)), cx);
                }
                Command::Settled(key) => self.disarm(key, cx),
                Command::Ask(key) => self.ask(key, &mut done),
                Command::Kill(key) => self.kill(key, &mut done),
                Command::Abandon(key) => {
                    self.abandoned.retain(Peer::is_there);
                    self.abandoned.extend(self.peer(key));
                    let child = members.lock().specified(key);
                    if let Some(child) = child {
                        child.abandon();
                    }
                }
                Command::Answer(whom, key, answer) => {
                    let peer = key.and_then(|key| self.peer(key));
                    let answer = answer.map_err(|error| cx.stamp(about(peer.as_ref(), error)));
                    match whom {
                        Whom::Done(reply) => reply.send(answer),
                        Whom::Child(reply) => {
                            let peer = peer.ok_or_else(|| codes::CHILD_NOT_FOUND.into());
                            reply.send(answer.and(peer));
                        }
                    }
                }
                Command::Report(key, report) => {
                    if let Some(child) = self.peer(key) {
                        report::child(cx.name(), &child.name(), &report);
                    }
                }
                Command::Quarantined(key) => {
                    if let Some(child) = self.peer(key) {
                        report::quarantined(cx.name(), &child.name(), child.pid());
                    }
                }
                Command::Forget(body) => self.forget(body, cx),
                Command::Lost(body) => {
                    body.peer.give_up();
                    let lost = Report::EndedBadly(ExitReason::Unresponsive);
                    report::child(cx.name(), &body.peer.name(), &lost);
                    self.abandoned.retain(Peer::is_there);
                    self.abandoned.push(body.peer.clone());
                    self.forget(body, cx);
                }
                Command::End => {
                    report::ending(cx.name(), Cause::TooManyRestarts);
                    done.end = true;
                }
                Command::Over => done.over = true,
            }
        }
        self.be_patient(std::mem::take(&mut done.patience), cx);
        done
    }

    fn start(&self, key: Key, cx: &mut Context<Self>) {
        let mut state = self.members.lock();
        let Some(child) = state.begin(key) else { return };
        let attempt = child.attempt;
        let more = child.body.more();
        if let Some(timer) = more.timer.take() {
            cx.cancel_timer(timer);
        }
        let Some(specified) = more.child.clone() else { return };
        drop(state);
        let (supervisor, generation) = (Arc::clone(&self.members) as _, cx.pid().generation);
        let parent = Supervised { supervisor, generation, child: key, attempt };
        match specified.start(cx.system(), parent) {
            Ok(peer) => {
                if let Some(child) = self.members.lock().table.current(key, attempt) {
                    child.body.peer = peer;
                }
                let within = specified.options().start_within;
                if within < Duration::MAX {
                    let due = Due { key, attempt, status: Status::Starting };
                    self.arm(due, within, Message(Said::Late(due)), cx);
                }
            }
            Err(error) => {
                let what = ChildDid::End(ExitReason::Error(error));
                let held = Said::Held(ChildEvent { child: key, attempt, what });
                cx.send_after(HELD, Message(held));
            }
        }
    }

    fn ask(&self, key: Key, done: &mut Done) {
        let now = self.members.now();
        let mut state = self.members.lock();
        let Some(child) = state.table.get_mut(key) else { return };
        let peer = child.body.peer.clone();
        let due = Due { key, attempt: child.attempt, status: Status::Stopping };
        match peer.shutdown() {
            Shutdown::Within(Duration::ZERO) | Shutdown::BrutalKill => {
                state.is_late(due, took_too_long(Duration::ZERO), now);
            }
            Shutdown::Within(patience) => done.patience.entry(patience).or_default().push(due),
            Shutdown::Infinity => {}
        }
        drop(state);
        peer.request_stop(ExitReason::Shutdown);
    }

    fn kill(&self, key: Key, done: &mut Done) {
        let mut state = self.members.lock();
        let Some(child) = state.table.get_mut(key) else { return };
        let (kind, peer) = (child.traits.kind, child.body.peer.clone());
        let due = Due { key, attempt: child.attempt, status: Status::Killed };
        drop(state);
        if let Some(patience) = after_kill(kind) {
            done.patience.entry(patience).or_default().push(due);
        }
        peer.kill();
    }

    /// Sees to it that nobody takes for ever for what they were told. One timer for all that have
    /// equally long.
    fn be_patient(&self, patience: BTreeMap<Duration, Vec<Due>>, cx: &mut Context<Self>) {
        for (patience, all) in patience {
            if let [due] = *all {
                self.arm(due, patience, Message(Said::Late(due)), cx);
            } else {
                cx.send_after(patience, Message(Said::AllLate(all)));
            }
        }
    }

    /// Gives a child a timer in place of the one it has, if it has. What it says is of no account
    /// when the child has another status by then.
    fn arm(&self, due: Due, after: Duration, message: Message, cx: &mut Context<Self>) {
        let mut state = self.members.lock();
        let Some(child) = state.table.current(due.key, due.attempt) else { return };
        let more = child.body.more();
        if let Some(timer) = more.timer.take() {
            cx.cancel_timer(timer);
        }
        more.timer = Some(cx.send_after(after, message));
    }

    fn disarm(&self, key: Key, cx: &mut Context<Self>) {
        let mut state = self.members.lock();
        let more = state.table.get_mut(key).and_then(|child| child.body.more.as_mut());
        if let Some(timer) = more.and_then(|more| more.timer.take()) {
            cx.cancel_timer(timer);
        }
    }

    fn forget(&self, mut body: Body, cx: &mut Context<Self>) {
        if let Some(timer) = body.more.as_mut().and_then(|more| more.timer.take()) {
            cx.cancel_timer(timer);
        }
        self.members.let_go(body);
    }

    fn peer(&self, key: Key) -> Option<Peer> {
        self.members.lock().table.get(key).map(|child| child.body.peer.clone())
    }

    /// Reports those that are not waited for when the supervisor ends.
    fn report_all_lost(&self, cx: &Context<Self>) {
        self.abandoned.iter().for_each(|lost| report_lost(lost, cx));
        let unresponsive = {
            let state = self.members.lock();
            if state.table.tally().unresponsive == 0 {
                return;
            }
            state.all(Status::Unresponsive)
        };
        for lost in &unresponsive {
            report_lost(lost, cx);
        }
    }
}

impl Drop for DynamicSupervisor {
    /// Whoever is left when a supervisor is dropped, because it panicked or its runtime goes, is
    /// killed.
    fn drop(&mut self) {
        let left = {
            let mut state = self.members.lock();
            state.close();
            state.peers()
        };
        left.iter().for_each(Peer::kill);
    }
}

/// An error about a child, with which one that is.
fn about(child: Option<&Peer>, error: Error) -> Error {
    match child {
        Some(child) if error.code() == codes::UNRESPONSIVE.name => {
            let (name, pid) = (child.name(), child.pid().to_string());
            error.with_detail("actor", &*name).with_detail("pid", pid)
        }
        _ => error,
    }
}

/// Reports a child that was killed and does not end.
fn report_lost(child: &Peer, cx: &Context<DynamicSupervisor>) {
    if child.is_there() {
        cx.system().root.report(&unresponsive(child));
    }
}

/// No child has this pid, or none any more.
pub(super) fn not_found(pid: Pid) -> Error {
    Error::from(codes::CHILD_NOT_FOUND).with_detail("pid", pid.to_string())
}

impl fmt::Debug for DynamicSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.members.lock();
        let mut shown = f.debug_struct("DynamicSupervisor");
        shown.field("rules", &state.rules).field("children", &state.table.len());
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}
