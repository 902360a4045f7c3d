//! Dead letters, as an operator has them: looked at, sent again, thrown away.

use std::fmt;
use std::sync::Arc;

use foundation::{Error, Result};
use tokio::time::Instant;

use super::dead_letters::{DeadLetter, DeadLetterId, Purge};
use super::lane::Mode;
use super::report::Coordinated;
use super::send::Parcel;
use super::shared::Shared;
use crate::codes;

/// The messages that nobody handled, and those of which nobody knows whether somebody did. They are
/// in memory, and end with the system.
#[derive(Clone, Copy)]
pub struct DeadLetters<'a> {
    shared: &'a Arc<Shared>,
}

impl<'a> DeadLetters<'a> {
    pub(super) const fn new(shared: &'a Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The oldest ones, so many at most.
    #[must_use]
    pub fn list(&self, limit: usize) -> Vec<DeadLetter> {
        self.shared.letters.lock().list(limit)
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: DeadLetterId) -> Option<DeadLetter> {
        self.shared.letters.lock().get(id).cloned()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.letters.lock().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends one again, to whoever receives under its id by now, and waits until that is done. It
    /// is no dead letter any more when it was handled, or is in progress. Otherwise it is one
    /// again, with that reason; it is not kept for the receiver, where it might push out what is
    /// newer, and when its time is over it is taken back. Only if whoever waits gives up before
    /// that it is kept, as any message that was offered.
    ///
    /// It is an attempt when it was offered to the receiver. One that could not be offered is none:
    /// nobody receives, there is no room, or the receiver is left alone by its circuit. When that
    /// may be tried again, and nothing is kept that would be tried first, it is the one that tries.
    ///
    /// One that [may have been handled](DeadLetter::may_be_handled) may be handled twice by this.
    ///
    /// # Errors
    ///
    /// `no_such_dead_letter`, also while another retry of it is under way; `attempts_used_up`;
    /// `timeout`, `mailbox_full` or `circuit_open` in place of its being kept; and as
    /// [`Delegate`](super::Delegate).
    pub async fn retry(&self, id: DeadLetterId) -> Result<Coordinated> {
        tokio::task::coop::consume_budget().await;
        let shared = self.shared;
        shared.check_runs()?;
        let letter = shared.letters.lock().take(id)?;
        let DeadLetter { from, signal, attempts: before, .. } = letter.clone();
        let attempts = before.saturating_add(1);
        let parcel = Parcel { from, signal, attempts, past: Some(letter.past()) };
        let due = Instant::now() + shared.deadline;
        // From here on until it has come to something, the message has the letter's place.
        let posted = shared.post(&letter.to, parcel, Mode::Return);
        let attempts = if posted.was_offered() { attempts } else { before };
        let outcome = posted.outcome(due, shared.deadline).await;
        let receiver = Arc::clone(&letter.to);
        if let Err(error) = &outcome {
            let is_unknown = error.code() == codes::OUTCOME_UNKNOWN.name;
            let may_be_handled = letter.may_be_handled || is_unknown;
            let reason = error.clone();
            shared.put_back(DeadLetter { reason, attempts, may_be_handled, ..letter });
        }
        let code = outcome.as_ref().err().map(Error::code);
        tracing::debug!(receiver = &*receiver, attempts, code, "coordination.retried");
        outcome
    }

    /// Sends again, one after the other, all that nobody has handled and that may be sent again.
    /// Those that [may have been handled](DeadLetter::may_be_handled) stay: what becomes of them is
    /// for somebody to decide.
    pub async fn retry_all(&self) -> Vec<(DeadLetterId, Result<Coordinated>)> {
        let ids = self.shared.letters.lock().to_retry();
        let mut outcomes = Vec::with_capacity(ids.len());
        for id in ids {
            outcomes.push((id, self.retry(id).await));
        }
        outcomes
    }

    /// Throws some of them away, for good. Gives how many.
    #[expect(clippy::must_use_candidate, reason = "whoever purges need not care how many it were")]
    pub fn purge(&self, which: Purge) -> usize {
        let purged = self.shared.letters.lock().purge(which, self.shared.home.now());
        purged.len()
    }
}

impl fmt::Debug for DeadLetters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").field("len", &self.len()).finish_non_exhaustive()
    }
}
