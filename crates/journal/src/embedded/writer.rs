//! The one writer of a stream.

use std::sync::Arc;

use foundation::Result;

use super::core::Core;
use super::queue::{Item, Pending};
use super::tail::{Entry, EntryState, Head};
use crate::append::{Append, Change, Wake};
use crate::engine::EngineWriter;
use crate::error::{conflict, deleted, fenced};
use crate::format::{AppendRecord, encode_append, format_of, stored_size, time_from};
use crate::lease::Lease;
use crate::permit::Permit;
use crate::stream::Version;
use crate::ticket::Ticket;

/// The one writer of a stream.
#[derive(Debug)]
pub(super) struct RedbWriter {
    pub(super) core: Arc<Core>,
    pub(super) entry: Arc<Entry>,
    pub(super) lease: Lease,
    pub(super) number: u64,
    pub(super) head: Head,
}

impl EngineWriter for RedbWriter {
    fn head(&self) -> Version {
        Version::new(self.head.version)
    }

    fn append(&mut self, append: Append, permit: Permit) -> Result<Ticket> {
        self.queue(&append, permit).inspect_err(|_| self.core.counts.refused())
    }
}

impl RedbWriter {
    fn queue(&mut self, append: &Append, permit: Permit) -> Result<Ticket> {
        let stream = &self.entry.stream;
        // That it may not append at all comes before what is wrong with this append.
        self.core.queue.check()?;
        self.check(&self.entry.state.lock())?;
        if let Some(expected) = append.expected()
            && expected != self.head()
        {
            return Err(conflict(stream, expected, self.head()));
        }
        self.core.check_format(format_of(append))?;
        self.core.check_room()?;
        let head = self.head.version + 1;
        let record = AppendRecord {
            stream: stream.key(),
            version: head,
            epoch: self.lease.epoch().get(),
            at: self.core.home.now(),
            changes: u32::try_from(append.changes().len()).unwrap_or(u32::MAX),
        };
        let shard = self.lease.shard();
        let (size, codec) = (stored_size(stream, append), &*self.core.options.codec);
        let bytes = encode_append(record, shard.get(), append, codec, size)?;
        let (resolver, ticket) = Ticket::pair();
        let mut pending = Pending {
            entry: Arc::clone(&self.entry),
            writer: self.number,
            record: bytes,
            shard,
            version: head,
            signals: 0,
            tombstone: false,
            wake: None,
            answers: Vec::new(),
            holds: Vec::new(),
            resolver,
            permit,
        };
        pending.note(append);
        let next = Head { version: head, deleted: pending.tombstone };
        self.push(pending, next)?;
        self.head = next;
        Ok(ticket)
    }
}

impl Pending {
    /// Notes what the loop has to know of the changes.
    fn note(&mut self, append: &Append) {
        for change in append.changes() {
            match change {
                Change::Signal(_) => self.signals += 1,
                Change::Tombstone => self.tombstone = true,
                Change::Wake(wake) => self.wake = Some(rounded(*wake)),
                Change::Answer(answer) => {
                    self.answers.push((answer.key.clone(), answer.fingerprint));
                }
                Change::Hold(blob) => self.holds.push(*blob),
                _ => {}
            }
        }
    }
}

/// A wake as it is written: in microseconds.
fn rounded(wake: Wake) -> Wake {
    match wake {
        Wake::At(at) => Wake::At(time_from(at.as_microsecond()).unwrap_or(at)),
        wake => wake,
    }
}

impl RedbWriter {
    /// Refuses a writer that is not that of its stream any more.
    fn check(&self, state: &EntryState) -> Result<()> {
        let stream = &self.entry.stream;
        if state.writer != self.number {
            return Err(fenced(stream));
        }
        if let Some((_, refused)) = state.refused.as_ref().filter(|(of, _)| *of == self.number) {
            return Err(refused.clone());
        }
        if self.lease.is_lost() {
            return Err(self.core.lost(&self.lease));
        }
        if self.head.deleted { Err(deleted(stream)) } else { Ok(()) }
    }

    /// Queues an append, if the writer may.
    fn push(&self, pending: Pending, next: Head) -> Result<()> {
        let mut state = self.entry.state.lock();
        self.check(&state)?;
        let lease = &self.lease;
        let admit = || if lease.is_lost() { Err(lease.refusal()) } else { Ok(()) };
        self.core.queue.push(Item::Append(pending), admit)?;
        state.in_flight += 1;
        state.head = Some(next);
        Ok(())
    }
}

impl Drop for RedbWriter {
    fn drop(&mut self) {
        let mut tail = self.core.tail.lock();
        let mut state = self.entry.state.lock();
        if state.writer == self.number {
            state.writer = 0;
        }
        drop(state);
        tail.forget_idle(&self.entry.stream);
    }
}
