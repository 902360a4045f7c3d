//! An actor that does what a test tells it to, also where it should not, and writes it down.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Error, ExitReason, Flow, Init, Reply, Result,
};
use tokio::sync::Notify;

use crate::{Gate, Log};

/// An actor that does what its [`Strings`] say. It writes into its log: `+name` when it begins to
/// start, `name?` when it is asked to end, `-name` when nothing of it is left.
#[derive(Debug)]
pub struct Puppet {
    strings: Strings,
    /// What a panic in the destructor of the state is for.
    panics_in_drop: bool,
}

/// What a puppet is told.
#[derive(Debug)]
pub enum Pull {
    /// End with this reason.
    Exit(ExitReason),
    /// Fail with this code.
    Fail(&'static str),
    /// Panic.
    Panic,
    /// End with this reason when asked to end, and not before.
    ExitWhenAsked(ExitReason),
    /// End with this reason after this time, and hear of nothing meanwhile.
    ExitAfter(Duration, ExitReason),
    /// Hold the thread until the gate is opened.
    HoldThread(Arc<Gate>),
    /// Panic when the state is dropped.
    PanicInDrop,
    /// Answer with the number of starts so far, which tells incarnations apart.
    Starts(Reply<u32>),
}

/// What a puppet does by itself. Clones belong to one puppet: every incarnation of it holds them.
#[derive(Debug, Clone)]
pub struct Strings {
    name: &'static str,
    log: Log,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    starts: u32,
    next: VecDeque<Start>,
    then: Start,
    end: End,
}

/// How an incarnation starts.
#[derive(Debug, Clone, Default)]
pub enum Start {
    /// It runs.
    #[default]
    Run,
    /// It chooses not to run.
    Ignore,
    /// It fails with this code.
    Fail(&'static str),
    /// It fails with this code after this time.
    FailAfter(Duration, &'static str),
    /// It panics.
    Panic,
    /// It runs when this is notified.
    WaitFor(Arc<Notify>),
    /// It never comes back.
    Hang,
    /// It holds the thread until the gate is opened, and runs then.
    HoldThread(Arc<Gate>),
    /// It runs, and ends at once with this reason.
    RunAndExit(ExitReason),
}

/// How an incarnation ends when it is asked to.
#[derive(Debug, Clone, Copy, Default)]
pub enum End {
    /// At once.
    #[default]
    AtOnce,
    /// After this time.
    Take(Duration),
    /// Never.
    Hang,
    /// With a panic.
    Panic,
}

// === impl Strings ===

impl Strings {
    /// A puppet called `name` that does nothing unusual.
    #[must_use]
    pub fn new(name: &'static str, log: &Log) -> Self {
        Self { name, log: log.clone(), held: Arc::default() }
    }

    /// How the next incarnations start, one after the other. Those after them run.
    #[must_use]
    pub fn starting(self, next: impl IntoIterator<Item = Start>) -> Self {
        self.hold(|held| held.next.extend(next));
        self
    }

    /// How all incarnations after those start, from now on.
    #[must_use]
    pub fn then(self, start: Start) -> Self {
        self.set_start(start);
        self
    }

    /// How it ends when it is asked to.
    #[must_use]
    pub fn ending(self, end: End) -> Self {
        self.hold(|held| held.end = end);
        self
    }

    /// Changes how it starts from now on.
    pub fn set_start(&self, start: Start) {
        self.hold(|held| held.then = start);
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How often it has begun to start.
    #[must_use]
    pub fn starts(&self) -> u32 {
        self.hold(|held| held.starts)
    }

    /// The specification of the puppet.
    pub fn spec(&self) -> ChildSpec<Puppet> {
        ChildSpec::actor(self.name, self.clone())
    }

    fn hold<T>(&self, with: impl FnOnce(&mut Held) -> T) -> T {
        with(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Puppet {
    /// The specification of a puppet that does nothing unusual.
    pub fn spec(name: &'static str, log: &Log) -> ChildSpec<Self> {
        Strings::new(name, log).spec()
    }

    /// Tells `puppet` to end with `reason`, and waits until that incarnation has.
    ///
    /// # Panics
    ///
    /// When it does not run, or ends otherwise.
    pub async fn exit(puppet: &ActorRef<Self>, reason: ExitReason) {
        let exited = puppet.exited();
        puppet.tell(Pull::Exit(reason.clone())).await.expect("the puppet runs");
        assert_eq!(exited.await, reason);
    }

    /// Kills `puppet`, and waits until that incarnation has ended.
    pub async fn kill(puppet: &ActorRef<Self>) {
        let exited = puppet.exited();
        puppet.kill();
        exited.await;
    }
}

impl Actor for Puppet {
    type Args = Strings;
    type Message = Pull;

    async fn init(strings: Strings, cx: &mut Context<Self>) -> Result<Init<Self>> {
        strings.log.push(format!("+{}", strings.name));
        let start = strings.hold(|held| {
            held.starts += 1;
            held.next.pop_front().unwrap_or_else(|| held.then.clone())
        });
        match start {
            Start::Run => {}
            Start::Ignore => return Ok(Init::Ignore),
            Start::Fail(code) => return Err(Error::business(code)),
            Start::FailAfter(time, code) => {
                pass(time).await;
                return Err(Error::business(code));
            }
            Start::Panic => panic!("{} in init", strings.name),
            Start::WaitFor(gate) => gate.notified().await,
            Start::Hang => std::future::pending().await,
            Start::HoldThread(gate) => gate.hold_thread(),
            Start::RunAndExit(reason) => cx.continue_with(Pull::Exit(reason)),
        }
        Ok(Init::Ready(Self { strings, panics_in_drop: false }))
    }

    async fn handle(&mut self, pull: Pull, cx: &mut Context<Self>) -> Result<Flow> {
        match pull {
            Pull::Exit(reason) => return Ok(Flow::Stop(reason)),
            Pull::Fail(code) => return Err(Error::business(code)),
            Pull::Panic => panic!("{} in handle", self.strings.name),
            Pull::ExitWhenAsked(reason) => {
                cx.stopping().await;
                return Ok(Flow::Stop(reason));
            }
            Pull::ExitAfter(time, reason) => {
                pass(time).await;
                return Ok(Flow::Stop(reason));
            }
            Pull::HoldThread(gate) => gate.hold_thread(),
            Pull::PanicInDrop => self.panics_in_drop = true,
            Pull::Starts(reply) => reply.send(self.strings.starts()),
        }
        Ok(Flow::Continue)
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        self.strings.log.push(format!("{}?", self.strings.name));
        match self.strings.hold(|held| held.end) {
            End::AtOnce => {}
            End::Take(time) => pass(time).await,
            End::Hang => std::future::pending().await,
            End::Panic => panic!("{} in terminate", self.strings.name),
        }
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.strings.log.push(format!("-{}", self.strings.name));
        assert!(!self.panics_in_drop || std::thread::panicking(), "{} in drop", self.strings.name);
    }
}

/// Lets time pass, which in tests with paused time takes none.
pub async fn pass(time: Duration) {
    let never = std::future::pending::<()>();
    let _ = tokio::time::timeout(time, never).await;
}
