//! The loop of a supervisor: carries out what its state decides, and comes back with what happened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::child::Child;
use super::handle::{ChildInfo, Counts};
use super::listing::Line;
use super::options::{Blueprint, Strategy, SupervisorBuilder};
use super::report;
use super::state::{Command, Request, State};
use super::table::{self, Key, Status, Traits};
use crate::actor::{
    Actor, ChildDid, ChildEvent, Context, Flow, Init, KILL, Options, Peer, Rare, Reply, STOP,
    Shutdown, Slot, Step, Supervised, Supervises, TimerKey, Unresponsive, after_kill, catch,
    took_too_long, unresponsive,
};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;

/// How long a start takes to fail that finds its place held. Not at once: with a large budget the
/// attempts would leave time for nothing else, and nothing can have changed in less.
pub(super) const HELD: Duration = Duration::from_millis(1);

/// A supervisor: begin one with a strategy, such as [`Supervisor::one_for_one`].
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
/// use foundation::{ChildSpec, Restart, Supervisor, System};
///
/// let system = System::builder().name("shop").start().await?;
/// let shop = Supervisor::rest_for_one()
///     .name("shop")
///     .child(ChildSpec::<Counter>::actor("stock", 40))
///     .child(Supervisor::one_for_one().name("orders"))
///     .child(ChildSpec::<Counter>::actor("visitors", 0).restart(Restart::Transient))
///     .start(&system)
///     .await?;
///
/// let stock = shop.child::<Counter>("stock").await?;
/// stock.tell(Message::Add(2)).await?;
/// assert_eq!(stock.ask(Message::Total).await?, 42);
/// assert_eq!(shop.count_children().await?.active, 3);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Supervisor {
    state: State<Whom, Body>,
    /// Children that did not end and have been replaced.
    abandoned: Vec<Peer>,
    started: Instant,
}

/// What is said to a supervisor, by its reference and its children.
pub struct Message(pub(super) Said);

pub(super) enum Said {
    Request(Request<Body>, Whom),
    Children(Reply<Vec<ChildInfo>>),
    Count(Reply<Counts>),
    /// For whoever lists a whole tree.
    List(oneshot::Sender<Vec<Line>>),
    Find(Arc<str>, Reply<Result<Peer>>),
    Event(ChildEvent),
    /// What a child was to do in time.
    Late(Key, u32),
    TryAgain(Key, u32),
    /// It is to end, and was found to be while it started.
    End,
}

/// Who waits for an answer.
pub(super) enum Whom {
    /// For the child, in the incarnation that was started.
    Child(Reply<Result<Peer>>),
    Done(Reply<Result<()>>),
}

/// What the loop knows of a child.
pub(super) struct Body {
    child: Arc<dyn Child>,
    /// The incarnation that was started last.
    peer: Option<Peer>,
    timer: Option<TimerKey>,
}

/// What carrying out the commands has come to.
#[derive(Default)]
struct Done {
    up: bool,
    end: bool,
    over: bool,
}

impl Supervisor {
    /// Begins a supervisor that restarts the child that has failed, and no other.
    pub fn one_for_one() -> SupervisorBuilder {
        SupervisorBuilder::new(Strategy::OneForOne)
    }

    /// Begins a supervisor that restarts all children when one has failed.
    pub fn one_for_all() -> SupervisorBuilder {
        SupervisorBuilder::new(Strategy::OneForAll)
    }

    /// Begins a supervisor that restarts the child that has failed, and those started after it.
    pub fn rest_for_one() -> SupervisorBuilder {
        SupervisorBuilder::new(Strategy::RestForOne)
    }

    /// Begins a supervisor with a strategy that is known at run time only.
    pub fn with_strategy(strategy: Strategy) -> SupervisorBuilder {
        SupervisorBuilder::new(strategy)
    }
}

impl Actor for Supervisor {
    type Args = Blueprint;
    type Message = Message;

    async fn init(blueprint: Blueprint, cx: &mut Context<Self>) -> Result<Init<Self>> {
        Self::begin(blueprint, cx).await.map(Init::Ready)
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow> {
        Ok(self.go_on(message, cx))
    }

    async fn terminate(&mut self, _: &ExitReason, cx: &mut Context<Self>) {
        self.finish(cx).await;
    }
}

/// Any actor whose loop is that of a supervisor.
pub(super) trait Supervising: Actor<Message = Message> {}
impl<S: Actor<Message = Message>> Supervising for S {}

/// The loop.
impl Supervisor {
    /// Starts the first children.
    pub(super) async fn begin<S: Supervising>(
        blueprint: Blueprint,
        cx: &mut Context<S>,
    ) -> Result<Self> {
        blueprint.validate()?;
        let state = State::new(blueprint.rules);
        let mut supervisor = Self { state, abandoned: Vec::new(), started: Instant::now() };
        for child in blueprint.children {
            let body = Body::new(child);
            supervisor.state.table.add(body.traits(), body);
        }
        // Links do not end a supervisor: only its parent does, and its children's failures.
        cx.trap_exits(true);
        supervisor.state.begin(supervisor.now());
        let mut heeded = KILL | STOP;
        loop {
            let done = supervisor.carry_out(cx);
            if done.over {
                let stopped = || codes::ACTOR_STOPPED.into();
                return Err(supervisor.state.take_failure().unwrap_or_else(stopped));
            }
            if done.end {
                // It has started, and a child has failed too often while the others did.
                cx.say(Message(Said::End));
            }
            if done.up {
                return Ok(supervisor);
            }
            heeded = supervisor.hear(cx, heeded).await;
            if heeded & STOP == 0 {
                cx.decide(&ExitReason::Shutdown);
            }
        }
    }

    pub(super) fn go_on<S: Supervising>(
        &mut self,
        Message(said): Message,
        cx: &mut Context<S>,
    ) -> Flow {
        let ends = matches!(said, Said::End);
        self.take(said, cx);
        if self.carry_out(cx).end || ends {
            return Flow::Stop(ExitReason::Shutdown);
        }
        Flow::Continue
    }

    /// Ends all children.
    pub(super) async fn finish<S: Supervising>(&mut self, cx: &mut Context<S>) {
        let mut heeded = KILL;
        self.abandoned.iter().for_each(|lost| is_lost(lost, cx));
        for (_, child) in self.state.table.iter() {
            if matches!(child.status(), Status::Unresponsive(_)) {
                child.body.peer.iter().for_each(|lost| is_lost(lost, cx));
            }
        }
        if cx.is_killed() {
            heeded = 0;
            self.state.kill(self.now());
        } else {
            self.state.stop(self.now());
        }
        while !self.carry_out(cx).over {
            heeded = self.hear(cx, heeded).await;
        }
    }

    /// Waits for the next thing to happen, and gives what is heeded from then on.
    async fn hear<S: Supervising>(&mut self, cx: &mut Context<S>, heeded: u32) -> u32 {
        match cx.next_of_own(heeded).await {
            Step::Handle(Message(said)) => self.take(said, cx),
            Step::Rare(rare) => match *rare {
                Rare::Stop(ExitReason::Killed) if cx.is_killed() => {
                    self.state.kill(self.now());
                    return 0;
                }
                Rare::Stop(_) => {
                    self.state.stop(self.now());
                    return heeded & KILL;
                }
                Rare::Down(_) | Rare::Exit(_) => {}
                Rare::Inspect(reply) => reply.send(Ok(None)),
            },
        }
        heeded
    }

    /// Time, as a supervisor counts it.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn take<S: Supervising>(&mut self, said: Said, cx: &mut Context<S>) {
        let now = self.now();
        match said {
            Said::Request(Request::Start(traits, body), whom) => {
                match self.state.rules.validate(body.options()) {
                    Ok(()) => self.state.request(Request::Start(traits, body), whom, now),
                    Err(error) => {
                        let_go(body, cx);
                        whom.refuse(cx.stamp(error));
                    }
                }
            }
            Said::Request(request, whom) => self.state.request(request, whom, now),
            Said::Children(reply) => reply.send(self.children()),
            Said::List(reply) => {
                cx.place().core().inquiries.end();
                if !reply.is_closed() {
                    // Whoever has given up wants nothing.
                    drop(reply.send(self.lines()));
                }
            }
            Said::Count(reply) => reply.send(self.count()),
            Said::Find(name, reply) => {
                let found = self.state.table.named(&name).and_then(|key| self.child(key, cx));
                let missing = || Error::from(codes::CHILD_NOT_FOUND).with_detail("child", &*name);
                reply.send(found.ok_or_else(|| cx.stamp(missing())));
            }
            Said::Event(ChildEvent { child, attempt, what }) => match what {
                ChildDid::Ignore => self.state.ignores(child, attempt),
                ChildDid::Run => {
                    self.disarm(child, attempt, |status| *status == Status::Starting, cx);
                    self.state.runs(child, attempt, now);
                }
                ChildDid::End(reason) => {
                    self.disarm(child, attempt, |_| true, cx);
                    self.state.ended(child, attempt, reason, now);
                }
            },
            Said::Late(key, attempt) => {
                if let Some(child) = self.state.table.current(key, attempt) {
                    child.body.timer = None;
                    if *child.status() == Status::Killed {
                        child.body.peer.iter().for_each(|lost| is_lost(lost, cx));
                    }
                    let late = took_too_long(child.body.options().start_within);
                    self.state.is_late(key, attempt, late, now);
                }
            }
            Said::TryAgain(key, attempt) => self.state.try_again(key, attempt, now),
            Said::End => {}
        }
    }

    fn carry_out<S: Supervising>(&mut self, cx: &mut Context<S>) -> Done {
        let mut done = Done::default();
        while let Some(command) = self.state.next_command() {
            match command {
                Command::Start(key) => self.start(key, cx),
                Command::Ask(key) => self.ask(key, cx),
                Command::Kill(key) => self.kill(key, cx),
                Command::Abandon(key) => {
                    if let Some(child) = self.state.table.get_mut(key) {
                        child.body.child.abandon();
                        self.abandoned.retain(Peer::is_there);
                        self.abandoned.extend(child.body.peer.take());
                    }
                }
                Command::TryAgain(key, attempt) => cx.say(Message(Said::TryAgain(key, attempt))),
                Command::Answer(Whom::Done(reply), _, answer) => {
                    reply.send(answer.map_err(|error| cx.stamp(error)));
                }
                Command::Answer(Whom::Child(reply), key, answer) => {
                    let child = key.and_then(|key| self.child(key, cx));
                    let child = child.ok_or_else(|| codes::CHILD_NOT_FOUND.into());
                    reply.send(answer.and(child).map_err(|error| cx.stamp(error)));
                }
                Command::Report(child, report) => report::child(cx.name(), &child, &report),
                Command::Forget(body) => let_go(body, cx),
                Command::Up => done.up = true,
                Command::End(cause) => {
                    report::ending(cx.name(), cause);
                    done.end = true;
                }
                Command::Over => done.over = true,
            }
        }
        done
    }

    fn start<S: Supervising>(&mut self, key: Key, cx: &mut Context<S>) {
        let Some(child) = self.state.table.get_mut(key) else { return };
        let attempt = child.attempt;
        let (supervisor, generation) = (Arc::clone(cx.place()) as _, cx.pid().generation);
        let parent = Supervised { supervisor, generation, child: key, attempt };
        let body = &mut child.body;
        match body.child.start(cx.system(), parent) {
            Ok(peer) => {
                body.peer = Some(peer);
                let within = body.options().start_within;
                if within < Duration::MAX {
                    body.arm(cx, within, (key, attempt));
                }
            }
            Err(error) => {
                let what = ChildDid::End(ExitReason::Error(error));
                let event = ChildEvent { child: key, attempt, what };
                body.peer = None;
                cx.send_after(HELD, Message(Said::Event(event)));
            }
        }
    }

    fn ask<S: Supervising>(&mut self, key: Key, cx: &mut Context<S>) {
        let now = self.now();
        let Some(child) = self.state.table.get_mut(key) else { return };
        let (attempt, body) = (child.attempt, &mut child.body);
        body.peer.iter().for_each(|peer| peer.request_stop(ExitReason::Shutdown));
        match body.options().shutdown {
            Shutdown::Within(Duration::ZERO) | Shutdown::BrutalKill => {
                let late = took_too_long(Duration::ZERO);
                self.state.is_late(key, attempt, late, now);
            }
            Shutdown::Within(patience) => body.arm(cx, patience, (key, attempt)),
            Shutdown::Infinity => body.disarm(cx),
        }
    }

    fn kill<S: Supervising>(&mut self, key: Key, cx: &mut Context<S>) {
        let Some(child) = self.state.table.get_mut(key) else { return };
        let (attempt, body) = (child.attempt, &mut child.body);
        body.peer.iter().for_each(Peer::kill);
        match after_kill(body.options().kind) {
            Some(patience) => body.arm(cx, patience, (key, attempt)),
            None => body.disarm(cx),
        }
    }

    /// What the child was to do in time, being where it is, it has done.
    fn disarm<S: Supervising>(
        &mut self,
        key: Key,
        attempt: u32,
        done: fn(&Status) -> bool,
        cx: &mut Context<S>,
    ) {
        if let Some(child) = self.state.table.current(key, attempt)
            && done(child.status())
        {
            child.body.disarm(cx);
        }
    }

    /// The child, in the incarnation that was started last or is to be the first.
    fn child<S: Supervising>(&self, key: Key, cx: &Context<S>) -> Option<Peer> {
        let body = &self.state.table.get(key)?.body;
        Some(body.peer.clone().unwrap_or_else(|| Peer::of(body.child.process(cx.system()))))
    }

    fn children(&self) -> Vec<ChildInfo> {
        self.state.table.iter().rev().map(|(_, child)| info(child)).collect()
    }

    fn lines(&self) -> Vec<Line> {
        let line = |child| Line { info: info(child), peer: child.body.peer.clone() };
        self.state.table.iter().map(|(_, child)| line(child)).collect()
    }

    fn count(&self) -> Counts {
        let (specs, tally) = (self.state.table.len(), self.state.table.tally());
        Counts {
            specs,
            active: tally.alive,
            supervisors: tally.supervisors,
            workers: specs - tally.supervisors,
        }
    }
}

impl Drop for Supervisor {
    /// Whoever is left when a supervisor is dropped, because it panicked or its runtime goes, is
    /// killed.
    fn drop(&mut self) {
        for (_, child) in self.state.table.iter().filter(|(_, child)| child.status().is_alive()) {
            child.body.peer.iter().for_each(Peer::kill);
        }
    }
}

impl Supervises for Slot<Message> {
    fn child(&self, generation: u32, event: ChildEvent) {
        self.say(generation, Message(Said::Event(event)));
    }
}

// === impl Body ===

impl Body {
    pub(super) fn new(child: Arc<dyn Child>) -> Self {
        Self { child, peer: None, timer: None }
    }

    fn options(&self) -> &Options {
        self.child.options()
    }

    pub(super) fn traits(&self) -> Traits {
        let options = self.options();
        Traits {
            name: Arc::clone(&options.name),
            restart: options.restart.unwrap_or_default(),
            kind: options.kind,
            significant: options.significant,
            abandoned_when_unresponsive: options.unresponsive == Unresponsive::Abandon,
            brutal: options.shutdown == Shutdown::BrutalKill,
        }
    }

    fn arm<S: Supervising>(
        &mut self,
        cx: &mut Context<S>,
        patience: Duration,
        (key, attempt): (Key, u32),
    ) {
        self.disarm(cx);
        self.timer = Some(cx.send_after(patience, Message(Said::Late(key, attempt))));
    }

    fn disarm<S: Supervising>(&mut self, cx: &mut Context<S>) {
        if let Some(timer) = self.timer.take() {
            cx.cancel_timer(timer);
        }
    }
}

impl Whom {
    fn refuse(self, error: Error) {
        match self {
            Self::Done(reply) => reply.send(Err(error)),
            Self::Child(reply) => reply.send(Err(error)),
        }
    }
}

fn info(child: &table::Child<Whom, Body>) -> ChildInfo {
    let status = child.status();
    let last_pid = child.body.peer.as_ref().map(Peer::pid);
    ChildInfo {
        name: Arc::clone(&child.traits.name),
        pid: last_pid.filter(|_| status.is_alive()),
        last_pid,
        state: status.into(),
        kind: child.traits.kind,
        starts: child.starts,
    }
}

/// Reports a child that was killed and does not end.
fn is_lost<S: Supervising>(child: &Peer, cx: &Context<S>) {
    if child.is_there() {
        cx.system().root.report(&unresponsive(child));
    }
}

/// Lets go of a child that is forgotten. What its specification holds belongs to the user.
fn let_go<S: Supervising>(body: Body, cx: &Context<S>) {
    if let Err(panic) = catch(|| drop(body)) {
        report::panicked_in_drop(cx.name(), &panic);
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Supervisor");
        shown.field("rules", &self.state.rules).field("children", &self.children());
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}
