//! A task as whoever holds it sees it: something that can be awaited, ended, or let go.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::actor::{Ended, Peer, Pid, Shutdown, Watch, kill, limit, unlink};
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::sync::Mutex;

/// A task that was started with [`async_nolink`](crate::ActorRef::async_nolink) or
/// [`async_linked`](crate::ActorRef::async_linked).
///
/// Awaiting it gives what its work came to: the value; the error that the work returned;
/// `actor_panicked`; `actor_stopped` when it was ended. Then the task is gone. Awaiting it once
/// more gives `no_process`. It has one holder, who may hand it on:
///
/// ```compile_fail,E0382
/// # async fn twice(task: foundation::Task<u32>) -> foundation::Result<()> {
/// let both = (task, task);
/// # Ok(())
/// # }
/// ```
///
/// Dropping it ends the task where that waits next, with `ShutdownWith("unwanted")`, whatever it
/// traps. [`Self::ignore`] lets it go on. An owner does not hear of an end that the holder brought
/// about.
#[must_use = "a task that is dropped is ended"]
pub struct Task<T>(Held<T>);

enum Held<T> {
    Running(Running<T>),
    Ended(ExitReason, Option<T>),
    /// Somebody has taken what it came to.
    Taken,
}

struct Running<T> {
    peer: Peer,
    /// Whom it is linked to.
    owner: Option<Peer>,
    /// Its place among those who wait for the end.
    key: u64,
    exit: oneshot::Receiver<ExitReason>,
    value: Value<T>,
}

/// Where a task leaves what it came to.
pub(super) type Value<T> = Arc<Mutex<Option<T>>>;

/// Nothing in it is pinned.
impl<T> Unpin for Task<T> {}

impl<T> Task<T> {
    /// The holder's side of a task that has not begun.
    pub(super) fn of(peer: &Peer, owner: Option<&Peer>, value: &Value<T>) -> Self {
        let (peer, owner, value) = (peer.clone(), owner.cloned(), Arc::clone(value));
        Self(match peer.wait() {
            Watch::Later(key, exit) => Held::Running(Running { peer, owner, key, exit, value }),
            Watch::Ended(reason) => Held::Ended(reason, None),
        })
    }

    /// A task that has come to `value` already: there is none. For a caller that expects one.
    pub const fn completed(value: T) -> Self {
        Self(Held::Ended(ExitReason::Normal, Some(value)))
    }

    /// Its incarnation; none when it is known to have ended, because it was awaited or looked at.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.peer().map(Peer::pid)
    }

    /// Waits for what it comes to, and drops it when that takes longer than `deadline`.
    ///
    /// # Errors
    ///
    /// `timeout`, and as awaiting it.
    pub async fn within(mut self, deadline: Duration) -> Result<T> {
        self.yield_for(deadline).await.unwrap_or_else(|| Err(took_too_long(deadline)))
    }

    /// Waits for what it comes to, for `time` at most. If that is not enough the task goes on, and
    /// can be awaited again.
    pub async fn yield_for(&mut self, time: Duration) -> Option<Result<T>> {
        match self.peer().cloned() {
            Some(peer) => Within::new(limit(&peer, Some(time)), self).await.ok(),
            None => Some(self.await),
        }
    }

    /// Ends it as `how` says, and waits until it has ended. Gives the value if there is one after
    /// all: it was there before, or the task traps exits and has finished; none when it ended as it
    /// was told.
    ///
    /// # Errors
    ///
    /// What it came to instead: its error, `actor_panicked`, `actor_stopped`, also when it was
    /// killed because it took longer than `how` allows; `unresponsive` when it holds its thread;
    /// `no_process` when what it came to was taken before.
    pub async fn shutdown(mut self, how: Shutdown) -> Result<Option<T>> {
        self.look();
        if let Some(peer) = self.peer().cloned() {
            self.hush();
            let in_time = match how {
                Shutdown::BrutalKill => false,
                Shutdown::Within(patience) => {
                    peer.request_stop(ExitReason::Shutdown);
                    let patience = limit(&peer, Some(patience));
                    Within::new(patience, self.ended()).await.is_ok()
                }
                Shutdown::Infinity => {
                    peer.request_stop(ExitReason::Shutdown);
                    self.ended().await;
                    true
                }
            };
            if !in_time {
                self.end_now().await?;
            }
            self.ended().await;
        }
        let told = match how {
            Shutdown::BrutalKill => ExitReason::Killed,
            Shutdown::Within(_) | Shutdown::Infinity => ExitReason::Shutdown,
        };
        match std::mem::replace(&mut self.0, Held::Taken) {
            Held::Ended(reason, None) if reason == told => Ok(None),
            held => came_to(held).map(Some),
        }
    }

    /// Lets it go on without a holder and without an owner: what it comes to is dropped, its
    /// failure is nobody's matter. Gives what it has come to already.
    pub fn ignore(mut self) -> Option<Result<T>> {
        self.let_go()
    }

    /// As [`Self::ignore`], of one that stays where it is.
    pub(super) fn let_go(&mut self) -> Option<Result<T>> {
        self.look();
        match std::mem::replace(&mut self.0, Held::Taken) {
            Held::Running(running) => {
                if let Some(owner) = &running.owner {
                    unlink(owner, running.peer.pid());
                }
                None
            }
            held => Some(came_to(held)),
        }
    }

    /// Kills it, and does not wait.
    pub(super) fn kill(&self) {
        self.hush();
        self.peer().into_iter().for_each(Peer::kill);
    }

    /// Its holder ends it, which is no failure of its own that its owner should hear of.
    fn hush(&self) {
        if let Held::Running(Running { peer, owner: Some(owner), .. }) = &self.0 {
            owner.hush(peer.pid());
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        self.look();
        self.peer().is_none()
    }

    /// Nothing: one that has been taken.
    pub(super) const fn taken() -> Self {
        Self(Held::Taken)
    }

    pub(super) const fn peer(&self) -> Option<&Peer> {
        match &self.0 {
            Held::Running(running) => Some(&running.peer),
            Held::Ended(..) | Held::Taken => None,
        }
    }

    /// Looks whether it has ended by now.
    fn look(&mut self) {
        let Held::Running(running) = &mut self.0 else { return };
        let reason = match running.exit.try_recv() {
            Ok(reason) => reason,
            Err(oneshot::error::TryRecvError::Empty) => return,
            // It was never announced dead: its runtime is gone.
            Err(oneshot::error::TryRecvError::Closed) => ExitReason::Killed,
        };
        self.end(reason);
    }

    fn end(&mut self, reason: ExitReason) {
        if let Held::Running(running) = &self.0 {
            let value = running.value.lock().take();
            self.0 = Held::Ended(reason, value);
        }
    }

    /// Waits for its end, for `time` at most, and says whether it has come.
    pub(super) async fn ends_within(&mut self, time: Duration) -> bool {
        match self.peer().cloned() {
            Some(peer) => Within::new(limit(&peer, Some(time)), self.ended()).await.is_ok(),
            None => true,
        }
    }

    /// Kills it, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// `unresponsive`.
    pub(super) async fn end_now(&mut self) -> Result<()> {
        self.look();
        let Some(peer) = self.peer().cloned() else { return Ok(()) };
        self.hush();
        if let Ended::Unresponsive(error) = kill(&peer).await {
            return Err(error);
        }
        self.ended().await;
        Ok(())
    }

    /// Whether somebody killed it.
    pub(super) const fn was_killed(&self) -> bool {
        matches!(&self.0, Held::Ended(ExitReason::Killed, None))
    }

    /// Whether it has ended, and not by returning.
    pub(super) const fn has_crashed(&self) -> bool {
        match &self.0 {
            Held::Ended(ExitReason::Error(_), _) | Held::Running(_) | Held::Taken => false,
            Held::Ended(_, value) => value.is_none(),
        }
    }

    /// What it came to that has ended.
    pub(super) fn outcome(mut self) -> Result<T> {
        came_to(std::mem::replace(&mut self.0, Held::Taken))
    }

    /// Waits for its end.
    async fn ended(&mut self) {
        std::future::poll_fn(|cx| self.poll_ended(cx)).await;
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Held::Running(running) = &mut self.0 {
            let reason = ready!(Pin::new(&mut running.exit).poll(cx));
            self.end(reason.unwrap_or(ExitReason::Killed));
        }
        Poll::Ready(())
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        ready!(self.poll_ended(cx));
        Poll::Ready(came_to(std::mem::replace(&mut self.0, Held::Taken)))
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.peer.unwatch(self.key);
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        // What it has come to by now it has come to by itself, and its owner is to hear of that.
        self.look();
        self.hush();
        if let Some(peer) = self.peer() {
            peer.dismiss();
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.pid()).finish()
    }
}

/// What a task came to that has ended.
fn came_to<T>(held: Held<T>) -> Result<T> {
    match held {
        Held::Ended(_, Some(value)) => Ok(value),
        Held::Ended(ExitReason::Error(error), None) => Err(error),
        Held::Ended(ExitReason::Panic(panic), None) => Err(panic.to_error()),
        Held::Ended(reason, None) => Err(reason.to_error()),
        Held::Running(_) | Held::Taken => {
            Err(Error::from(codes::NO_PROCESS).with_message("what the task came to was taken"))
        }
    }
}

pub(super) fn took_too_long(deadline: Duration) -> Error {
    Error::from(codes::TIMEOUT)
        .with_message("the task took too long")
        .with_detail("after_seconds", deadline.as_secs_f64())
}
