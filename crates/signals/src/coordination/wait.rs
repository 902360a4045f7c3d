//! Waiting for what comes of a message, and not waiting any longer.

use std::sync::Arc;
use std::time::Duration;

use foundation::{Error, Result, codes as system_codes};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::cell::{Cell, Message};
use super::lane::{GaveUp, GiveUp, Mode};
use super::report::Coordinated;
use super::send::{Answer, Posted, no_such_receiver};
use super::shared::Shared;

/// A message that somebody waits for. Dropping it has nobody wait for it, and changes nothing else.
pub(super) struct Waits {
    pub(super) shared: Arc<Shared>,
    pub(super) cell: Arc<Cell>,
    pub(super) number: u64,
    pub(super) mode: Mode,
    pub(super) answer: oneshot::Receiver<Answer>,
    pub(super) is_over: bool,
}

impl Waits {
    pub(super) async fn outcome(mut self, due: Instant, deadline: Duration) -> Result<Coordinated> {
        if let Ok(answered) = timeout_at(due, &mut self.answer).await {
            self.is_over = true;
            return self.learn(answered.ok());
        }
        let gave_up = self.give_up(GiveUp::Late);
        let timeout = self.timeout(deadline);
        match gave_up {
            GaveUp::Kept { overflowed } => Ok(self.shared.kept(&self.cell, timeout, overflowed)),
            GaveUp::Returned(_) => Err(timeout),
            GaveUp::InProgress => {
                tracing::warn!(receiver = &*self.cell.id, "coordination.in_progress");
                Ok(Coordinated::InProgress)
            }
            GaveUp::Settled => {
                let answered = (&mut self.answer).await.ok();
                self.learn(answered)
            }
        }
    }

    /// The receiver did not get the assignment, although there was a place for it.
    pub(super) fn not_handed(mut self, error: Error) -> Posted {
        let gave_up = self.give_up(GiveUp::NotOffered);
        match gave_up {
            GaveUp::Kept { overflowed } => {
                Posted::Known(Ok(self.shared.kept(&self.cell, error, overflowed)))
            }
            GaveUp::Returned(_) => Posted::Known(Err(error)),
            // It was begun with another assignment, or the receiver has left: there is an answer.
            GaveUp::InProgress => {
                self.is_over = false;
                Posted::Waits(self)
            }
            GaveUp::Settled => Posted::Waits(self),
        }
    }

    fn give_up(&mut self, why: GiveUp) -> GaveUp<Message> {
        self.is_over = true;
        self.shared
            .change(&self.cell, |state, now| state.lane.give_up(self.number, why, self.mode, now))
    }

    fn learn(&self, answered: Option<Answer>) -> Result<Coordinated> {
        match answered {
            Some(Ok(())) => Ok(Coordinated::Acknowledged),
            Some(Err(refused)) => Err(refused.reason),
            None => Err(no_such_receiver(&self.cell.id)),
        }
    }

    fn timeout(&self, deadline: Duration) -> Error {
        let after = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let error = Error::from(system_codes::TIMEOUT).with_detail("receiver", &*self.cell.id);
        error.with_detail("after_ms", after)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        if !self.is_over {
            // What is offered stays so: its sender may not know that it is not begun.
            self.mode = Mode::Keep;
            if let GaveUp::Kept { overflowed } = self.give_up(GiveUp::Unwanted) {
                self.shared.bury_overflowed(&self.cell, overflowed);
            }
        }
        // It may have been settled in this moment; what is settled from here on finds nobody.
        self.answer.close();
        if let Ok(answer) = self.answer.try_recv() {
            self.shared.unheard(answer);
        }
    }
}
