//! What a reference to a supervisor can do beside what every reference can.

use std::sync::Arc;

use super::options::IntoChildSpec;
use super::run::{Body, Message, Said, Supervisor, Whom};
use super::state::Request;
use super::table::Status;
use crate::actor::{Actor, ActorRef, ChildKind, Peer, Pid, Reply};
use crate::error::Result;

/// What a supervisor knows of one child.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildInfo {
    /// The name in its specification.
    pub name: Arc<str>,
    /// Its incarnation, if there is one.
    pub pid: Option<Pid>,
    /// Its incarnation, or the last there was; none before the first. By this a dynamic supervisor
    /// knows a child that does not run.
    pub last_pid: Option<Pid>,
    /// Where it is.
    pub state: ChildState,
    /// Whether it is a supervisor itself.
    pub kind: ChildKind,
    /// How often this supervisor has tried to start it, the first time included.
    pub starts: u32,
}

/// Where a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChildState {
    /// It has not said yet that it runs.
    Starting,
    /// It runs.
    Running,
    /// It was asked to end or killed, and is still there.
    Stopping,
    /// It has ended and its specification is kept.
    Stopped,
    /// It has ended and is to be started again.
    Restarting,
    /// It has failed more often than its own budget allows, and runs when it is released.
    Quarantined,
    /// It was killed and does not end: it holds its thread.
    Unresponsive,
}

/// How many children a supervisor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Specifications, whether or not an incarnation runs.
    pub specs: usize,
    /// Live incarnations.
    pub active: usize,
    /// Specifications of supervisors.
    pub supervisors: usize,
    /// All other specifications.
    pub workers: usize,
}

impl ChildState {
    /// What it is called where it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Restarting => "restarting",
            Self::Quarantined => "quarantined",
            Self::Unresponsive => "unresponsive",
        }
    }
}

impl From<&Status> for ChildState {
    fn from(status: &Status) -> Self {
        match status {
            Status::Down | Status::Dead(_) => Self::Stopped,
            Status::Restarting => Self::Restarting,
            Status::Starting => Self::Starting,
            Status::Running => Self::Running,
            Status::Stopping | Status::Killed => Self::Stopping,
            Status::Unresponsive(_) => Self::Unresponsive,
        }
    }
}

/// What only a supervisor can do. These wait as long as it takes: a child has deadlines of its own.
/// A child that calls one of them on its own supervisor while it starts or stops waits for itself.
impl ActorRef<Supervisor> {
    /// Adds a child after all others, and waits until it runs.
    ///
    /// # Errors
    ///
    /// `invalid_options`; `already_started` when there is a child of that name that runs or is to,
    /// `already_present` when there is one that does not; `already_started` also when somebody has
    /// the name it is to be registered under; what its `init` returns, `actor_panicked`
    /// or `timeout`, and then it was not added; `start_ignored` when it chooses not to run, and
    /// then it is kept, unless it is temporary; as [`ActorRef::ask`] when the supervisor ends.
    pub async fn start_child<C: IntoChildSpec>(&self, child: C) -> Result<ActorRef<C::Actor>> {
        let spec = child.into_child_spec();
        spec.options().validate()?;
        let body = Body::new(spec.placed());
        let child = self.peer_of(|reply| {
            Said::Request(Request::Start(body.traits(), body), Whom::Child(reply))
        });
        child.await?.reference()
    }

    /// Ends a child, as its specification says, and waits until it has ended. Its specification is
    /// kept, unless it is temporary. One that does not run is left as it is; one that is to be
    /// restarted is not.
    ///
    /// # Errors
    ///
    /// `child_not_found`; `unresponsive` when it was killed and does not end; as [`ActorRef::ask`]
    /// when the supervisor ends.
    pub async fn terminate_child(&self, name: &str) -> Result<()> {
        self.request(Request::Terminate(name.into())).await
    }

    /// Starts a child that does not run, and waits until it does.
    ///
    /// # Errors
    ///
    /// `child_not_found`; `child_running`; `child_restarting` while the supervisor tries that
    /// itself; when the start fails, as [`Self::start_child`], and its specification is kept; as
    /// [`ActorRef::ask`] when the supervisor ends.
    pub async fn restart_child(&self, name: &str) -> Result<Pid> {
        let request = Request::Restart(name.into());
        let child = self.peer_of(|reply| Said::Request(request, Whom::Child(reply))).await?;
        Ok(child.pid())
    }

    /// Forgets a child that does not run.
    ///
    /// # Errors
    ///
    /// `child_not_found`; `child_running`; `child_restarting`; as [`ActorRef::ask`] when the
    /// supervisor ends.
    pub async fn delete_child(&self, name: &str) -> Result<()> {
        self.request(Request::Delete(name.into())).await
    }

    /// A reference to the child called `name`, whether or not it runs.
    ///
    /// # Errors
    ///
    /// `child_not_found`; `wrong_type` when its messages are not those of `A`; as [`ActorRef::ask`]
    /// when the supervisor ends.
    pub async fn child<A: Actor>(&self, name: &str) -> Result<ActorRef<A>> {
        self.peer_of(|reply| Said::Find(name.into(), reply)).await?.reference()
    }

    /// The children, the one started last first.
    ///
    /// # Errors
    ///
    /// As [`ActorRef::ask`].
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>> {
        self.ask(|reply| Message(Said::Children(reply))).without_deadline().await
    }

    /// How many children there are.
    ///
    /// # Errors
    ///
    /// As [`ActorRef::ask`].
    pub async fn count_children(&self) -> Result<Counts> {
        self.ask(|reply| Message(Said::Count(reply))).without_deadline().await
    }

    async fn request(&self, request: Request<Body>) -> Result<()> {
        let say = |reply| Message(Said::Request(request, Whom::Done(reply)));
        self.ask(say).without_deadline().await?
    }

    async fn peer_of(&self, say: impl FnOnce(Reply<Result<Peer>>) -> Said) -> Result<Peer> {
        self.ask(|reply| Message(say(reply))).without_deadline().await?
    }
}
