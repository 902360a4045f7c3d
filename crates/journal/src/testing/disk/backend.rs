//! What redb sees of a disk.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use redb::{BackendError, StorageBackend};

use super::{FAILED, State, error, index, out_of_range};
use crate::sync::Mutex;

/// One opening of a [`Disk`](super::Disk), to be given to redb. Dead after a power cut.
///
/// It locks as redb asks of a backend that can lock the whole file and no part of it: enough for
/// one writer at a time, which is redb's default. The lock is given back by `close`, which redb
/// calls when the database is dropped, and by a power cut.
pub struct DiskBackend {
    state: Arc<Mutex<State>>,
    session: u64,
}

impl DiskBackend {
    pub(super) fn new(state: Arc<Mutex<State>>, session: u64) -> Self {
        Self { state, session }
    }

    fn with<T>(&self, call: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock();
        state.check(self.session)?;
        call(&mut state)
    }

    /// Does something about the lock of the whole file; there is no other.
    fn with_lock<T>(
        &self,
        range: (Bound<u64>, Bound<u64>),
        call: impl FnOnce(&mut State, u64) -> io::Result<T>,
    ) -> Result<T, BackendError> {
        match range {
            (Bound::Unbounded | Bound::Included(0), Bound::Unbounded) => {}
            _ => return Err(BackendError::Unsupported),
        }
        self.with(|state| call(state, self.session)).map_err(BackendError::Io)
    }
}

impl fmt::Debug for DiskBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("DiskBackend")
            .field("session", &self.session)
            .field("alive", &state.check(self.session).is_ok())
            .field("disk", &*state)
            .finish()
    }
}

impl StorageBackend for DiskBackend {
    fn len(&self) -> io::Result<u64> {
        self.with(|state| Ok(state.medium.live().len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|state| {
            let start = index(offset)?;
            let end = start.checked_add(out.len()).ok_or_else(out_of_range)?;
            let source = state.medium.live().get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?;
            out.copy_from_slice(source);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|state| state.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(State::sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|state| state.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.with(|state| {
            state.unlock(self.session);
            Ok(())
        })
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.with_lock((start, end), |state, session| Ok(state.lock(session, true)))
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.with_lock((start, end), |state, session| Ok(state.lock(session, false)))
    }

    /// Fails where another backend would wait: in a test nobody may ever give the lock back.
    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.with_lock((start, end), |state, session| granted(state.lock(session, true)))
    }

    /// Fails where another backend would wait, as [`DiskBackend::lock_range`] does.
    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.with_lock((start, end), |state, session| granted(state.lock(session, false)))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.with_lock((start, end), |state, session| {
            state.unlock(session);
            Ok(())
        })
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.with_lock((start, end), |state, session| Ok(!state.lockable(session, true)))
    }
}

fn granted(locked: bool) -> io::Result<()> {
    if locked { Ok(()) } else { Err(error(FAILED)) }
}
