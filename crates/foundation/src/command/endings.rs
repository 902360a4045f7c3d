//! What ends commands before their time: their supervisor stops, or they are closed.

use std::convert::Infallible;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::handle::POOL;
use crate::actor::{ActorRef, Pid};
use crate::error::{Error, codes};
use crate::sync::{AtomicUsize, Mutex, Ordering};
use crate::task::{TaskContext, TaskSupervisor};
use crate::timer::sleep_until;

/// Why commands are ended, for all of them.
pub(super) struct Endings {
    supervisor: ActorRef<TaskSupervisor>,
    /// How long they go on when it stops.
    drain: Duration,
    /// Which incarnation of it is stopping, and since when.
    stopping: Mutex<Option<(Pid, Instant)>>,
    closed: watch::Sender<bool>,
    /// How many were ended because they were closed.
    ended: AtomicUsize,
}

impl Endings {
    pub(super) fn new(supervisor: &ActorRef<TaskSupervisor>, drain: Duration) -> Self {
        Self {
            supervisor: supervisor.clone(),
            drain,
            stopping: Mutex::new(None),
            closed: watch::Sender::new(false),
            ended: AtomicUsize::new(0),
        }
    }

    /// Ends all commands, those included that are yet to begin.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// How many were ended because they were closed.
    pub(super) fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }

    /// Notes when the supervisor begins to stop, for commands that begin later. Never ready.
    pub(super) async fn watch(&self, cx: &TaskContext) -> Infallible {
        std::future::poll_fn(|_| {
            // Whoever asks a task to end wakes it, each time.
            if cx.is_stopping() {
                self.supervisor_stops_since();
            }
            Poll::Pending
        })
        .await
    }

    /// Ready when the command of a task has to end, with what whoever waits for it hears. A task
    /// that was told to end alone before it begins has to at once.
    pub(super) async fn unwanted(&self, cx: &TaskContext) -> Error {
        let drained = async {
            let was_told = cx.is_stopping();
            cx.stopping().await;
            let since = self.supervisor_stops_since();
            if since.is_none() && was_told {
                return;
            }
            let until = since.unwrap_or_else(Instant::now) + self.drain;
            if until > Instant::now() {
                sleep_until(until).await;
            }
        };
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            () = drained => Error::from(codes::ACTOR_STOPPED)
                .with_message("the command was ended because its task was told to end"),
            // Never fails: what it comes from is here.
            _ = closed.wait_for(|closed| *closed) => {
                self.ended.fetch_add(1, Ordering::Relaxed);
                Error::from(codes::POOL_CLOSED)
                    .with_message("commands were closed before this one was done")
                    .with_detail("pool", POOL)
            }
        }
    }

    /// Since when the supervisor is stopping, if it is: since the first command heard of it.
    fn supervisor_stops_since(&self) -> Option<Instant> {
        if !self.supervisor.is_stopping() {
            return None;
        }
        let pid = self.supervisor.pid();
        let mut stopping = self.stopping.lock();
        Some(match *stopping {
            Some((stops, since)) if stops == pid => since,
            _ => stopping.insert((pid, Instant::now())).1,
        })
    }
}
