//! Chains and conversations, as those who ask see them.

use std::fmt;
use std::sync::Arc;

use foundation::{Error, Result};

use super::index::{Index, Links};
use crate::bus::{Bus, LogCore};
use crate::codes;
use crate::log::{LogEntry, LogPosition, entry_at, gap_end};
use crate::signal::Id;

/// How many entries are read at a time.
const PAGE: usize = 1024;
/// How many signals the index has: the newest. Some hundred bytes each.
const MOST_SIGNALS: usize = 1_000_000;
/// How long a chain or a page of a conversation is at most.
const MOST_LINKS: usize = 1000;

/// What led to what in the log of a bus. Made by [`Bus::causality`].
#[derive(Clone)]
pub struct Causality {
    trail: Arc<Trail>,
}

/// A part of what led to what.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Chain {
    /// The signals, a thousand at most.
    pub entries: Vec<LogEntry>,
    /// A cause that is named, and is not in the log, or is no longer kept.
    pub missing: Option<Id>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// The index of a log, and how far it was made.
pub(crate) struct Trail {
    core: Arc<LogCore>,
    made: tokio::sync::Mutex<Made>,
}

#[derive(Default)]
struct Made {
    index: Index,
    read_to: LogPosition,
}

impl Bus {
    /// What led to what in the log: of the newest million signals that are kept.
    ///
    /// # Errors
    ///
    /// `no_log` when the bus has none.
    pub fn causality(&self) -> Result<Causality> {
        Ok(Causality { trail: Arc::clone(&self.log_part()?.trail) })
    }
}

impl Trail {
    pub(crate) fn new(core: Arc<LogCore>) -> Self {
        Self { core, made: tokio::sync::Mutex::default() }
    }
}

impl Causality {
    /// A signal, its cause, the cause of that, and so on.
    ///
    /// # Errors
    ///
    /// `signal_not_found`; whatever the log fails with.
    pub async fn causes(&self, id: &Id) -> Result<Chain> {
        self.chain(id, Index::causes).await
    }

    /// A signal, what it caused, what that caused, and so on; nearer ones first.
    ///
    /// # Errors
    ///
    /// `signal_not_found`; whatever the log fails with.
    pub async fn effects(&self, id: &Id) -> Result<Chain> {
        self.chain(id, Index::effects).await
    }

    /// Everything of a conversation, which is what has one [correlation
    /// id](crate::Signal::correlation_id), in the order of the log, behind a position; and the
    /// signal of that id, which began it.
    ///
    /// # Errors
    ///
    /// Whatever the log fails with.
    pub async fn conversation(&self, correlation_id: &str, after: LogPosition) -> Result<Chain> {
        let made = self.read_on().await?;
        let links = made.index.conversation(correlation_id, after, MOST_LINKS);
        drop(made);
        self.entries(links).await
    }

    async fn chain(&self, id: &Id, links: fn(&Index, &Id, usize) -> Links) -> Result<Chain> {
        let made = self.read_on().await?;
        if !made.index.contains(id) {
            let error = Error::from(codes::SIGNAL_NOT_FOUND);
            return Err(error.with_detail("signal", id.to_string()));
        }
        let links = links(&made.index, id, MOST_LINKS);
        drop(made);
        self.entries(links).await
    }

    /// The index, with everything that is in the log by now.
    async fn read_on(&self) -> Result<tokio::sync::MutexGuard<'_, Made>> {
        let log = &self.trail.core.log;
        let mut made = self.trail.made.lock().await;
        loop {
            let page = match log.read(made.read_to, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    made.read_to = gap_end(&error).ok_or(error)?;
                    continue;
                }
            };
            if page.entries.is_empty() && page.read_to == made.read_to {
                break;
            }
            for LogEntry { position, signal, .. } in page.entries {
                let cause = signal.causation_id().and_then(|id| Id::try_from(id).ok());
                let conversation = signal.correlation_id().map(Into::into);
                made.index.insert(position, signal.id().clone(), cause, conversation);
            }
            made.index.keep(MOST_SIGNALS);
            made.read_to = page.read_to;
        }
        let kept_after = log.bounds().await?.kept_after;
        made.index.forget_to(kept_after);
        Ok(made)
    }

    async fn entries(&self, links: Links) -> Result<Chain> {
        let Links { positions, missing, is_cut } = links;
        let mut entries = Vec::with_capacity(positions.len());
        for position in positions {
            // One that is dropped at this moment is left out.
            entries.extend(entry_at(&*self.trail.core.log, position).await?);
        }
        Ok(Chain { entries, missing, is_cut })
    }
}

impl fmt::Debug for Causality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Causality").field("log", &self.trail.core.log).finish_non_exhaustive()
    }
}
