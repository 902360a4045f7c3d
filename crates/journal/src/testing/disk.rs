//! A simulated disk: it forgets what was not synced when the power is cut.
//!
//! - **What a sync confirmed survives every cut**, unless [`Faults`] make the disk lie.
//! - **The disk decides nothing itself.** It knows no clock and no randomness: what a cut leaves
//!   follows from the calls before it and from the numbers it is given, so a seed repeats it.
//! - **A backend does not outlive a power cut.** Whoever still has one of before gets errors, as a
//!   process would whose machine is gone.
//!
//! The surprising thing: a sync that failed takes its data with it. The next sync that succeeds
//! does not make that data durable, as on Linux, where a page whose writing failed counts as clean
//! (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).

mod backend;
mod cut;
mod medium;

use std::fmt;
use std::io;
use std::sync::Arc;

use self::medium::Medium;
use crate::sync::Mutex;

pub use self::backend::DiskBackend;

/// EIO: the disk could not do it.
const FAILED: i32 = 5;
/// ENOSPC: there is no room for it.
const FULL: i32 = 28;

/// A disk that forgets what was not synced when the power is cut.
///
/// It holds one file, which is what redb needs. Clones are the same disk. A process that is killed
/// while the machine goes on loses nothing that it wrote: `Disk::from_image(disk.image())` is what
/// the next process finds.
///
/// ```
/// use journal::testing::Disk;
/// use redb::StorageBackend;
///
/// # fn main() -> std::io::Result<()> {
/// let disk = Disk::new();
/// let backend = disk.backend();
/// backend.write(0, b"kept")?;
/// backend.sync_data()?;
/// backend.write(0, b"lost")?;
///
/// // The largest number there is to choose from: of what was not synced, nothing is left.
/// disk.cut_power(&mut |below| below - 1);
/// assert_eq!(disk.image(), b"kept");
/// assert!(backend.len().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Disk {
    state: Arc<Mutex<State>>,
}

/// What goes wrong with a [`Disk`]. Nothing, by default.
///
/// A call has the number that [`Disk::calls`] gives once it was made, so `disk.calls() + 1` names
/// the next one, and likewise for syncs. A number that has gone by means the next call.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// At this call every call begins to fail, reads too, as when the machine is gone. The call
    /// itself was under way: what it wrote is there in part, or wholly, or not at all.
    /// [`Disk::cut_power`] ends it.
    pub cut_at_call: Option<u64>,
    /// This sync returns EIO, once. Reads go on to show the data, but a power cut leaves a random
    /// part of it, and a later sync does not change that; only writing it again does. The length
    /// of the file is kept in the journal of the file system, so a later sync confirms that.
    pub fail_sync_at: Option<u64>,
    /// ENOSPC when a call would make the file longer than this many bytes. What is in the file
    /// can still be overwritten.
    pub full_at: Option<u64>,
    /// This write, or the first one after this call, writes the first half and returns EIO, once.
    pub short_write_at: Option<u64>,
    /// Every sync whose number is a multiple of this does nothing and says Ok: a disk that lies.
    /// No program survives it; a test that does not notice it has no teeth. A sync in between
    /// confirms what was written before it, all the same.
    pub skip_sync: Option<u64>,
}

#[derive(Default)]
struct State {
    medium: Medium,
    faults: Faults,
    calls: u64,
    syncs: u64,
    /// Between the call at which the power went and [`Disk::cut_power`]: nothing works.
    off: bool,
    /// How many backends there have been; each has its number.
    sessions: u64,
    /// The backends before this one are of a time before a power cut.
    first_alive: u64,
    /// Whether a mark was left beside the file.
    mark: bool,
    /// Who has locked the disk, and whether for itself alone.
    locks: Vec<(u64, bool)>,
}

// === impl Disk ===

impl Disk {
    /// A disk with an empty file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk whose file has these bytes, all of them synced.
    #[must_use]
    pub fn from_image(image: Vec<u8>) -> Self {
        let state = State { medium: Medium::new(image), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Gives what redb opens. After a power cut each of its calls fails.
    ///
    /// Two can exist at a time, and the second is refused the lock that redb takes until the first
    /// is closed.
    #[must_use]
    pub fn backend(&self) -> DiskBackend {
        let mut state = self.state.lock();
        let session = state.sessions;
        state.sessions += 1;
        DiskBackend::new(Arc::clone(&self.state), session)
    }

    /// Sets what goes wrong from now on, in place of what was set before.
    pub fn faults(&self, faults: Faults) {
        self.state.lock().set_faults(faults);
    }

    /// How many calls changed the file or synced it, or tried to: writes, changes of its length,
    /// syncs. Goes on across power cuts. Calls that found the power cut do not count.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// How many of the calls were syncs.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// Cuts the power, and turns it on again: every backend of before is dead, the locks are gone,
    /// and a [`Faults::cut_at_call`] that had not come yet does not come any more. The other
    /// faults remain.
    ///
    /// What is left is all that was synced and a random part of what was not: each write and each
    /// change of the length is lost, or there, or, for a write, there in some of its sectors of
    /// 512 bytes; and they reached the disk in a random order, but that a file which was cut off is
    /// not made longer again by what was written before, as on every file system. `random` is given
    /// a number and gives one below it. How much is lost is random too, so that a cut which loses
    /// all of many writes, and one which loses none, are not rare.
    pub fn cut_power(&self, random: &mut impl FnMut(u64) -> u64) {
        // Without the lock while `random` runs, which is not our code. The disk is off meanwhile.
        let unsynced = self.state.lock().power_off();
        let left = cut::survivors(unsynced, random);
        self.state.lock().power_on(left);
    }

    /// How many more bytes the file may have, when [`Faults::full_at`] says.
    pub(crate) fn room(&self) -> Option<u64> {
        let state = self.state.lock();
        let length = u64::try_from(state.medium.live().len()).unwrap_or(u64::MAX);
        Some(state.faults.full_at?.saturating_sub(length))
    }

    /// Whether there is a mark beside the file. It is a file of its own, synced as it is made, so
    /// it survives every cut.
    pub(crate) fn has_mark(&self) -> bool {
        self.state.lock().mark
    }

    /// Makes the mark beside the file, or takes it away.
    pub(crate) fn set_mark(&self, mark: bool) {
        self.state.lock().mark = mark;
    }

    /// The bytes of the file, as a read shows them now, synced or not.
    #[must_use]
    pub fn image(&self) -> Vec<u8> {
        self.state.lock().medium.live().to_vec()
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.lock().fmt(f)
    }
}

// === impl State ===

impl State {
    fn set_faults(&mut self, faults: Faults) {
        self.off |= faults.cut_at_call.is_some_and(|at| at <= self.calls);
        self.faults = faults;
    }

    /// Refuses a backend of before a power cut, and everyone while the power is off.
    fn check(&self, session: u64) -> io::Result<()> {
        if self.off || session < self.first_alive { Err(error(FAILED)) } else { Ok(()) }
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.calls += 1;
        let start = index(offset)?;
        let end = start.checked_add(data.len()).ok_or_else(out_of_range)?;
        self.make_room(end)?;
        if due(&mut self.faults.short_write_at, self.calls) {
            let (first, _) = data.split_at_checked(data.len() / 2).unwrap_or((data, &[]));
            self.medium.write(start, first);
            return Err(error(FAILED));
        }
        self.medium.write(start, data);
        self.check_power()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.calls += 1;
        let len = index(len)?;
        self.make_room(len)?;
        self.medium.set_len(len);
        self.check_power()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.calls += 1;
        self.syncs += 1;
        // A sync that is under way when the power goes has confirmed nothing.
        self.check_power()?;
        if due(&mut self.faults.fail_sync_at, self.syncs) {
            self.medium.fail_sync();
            return Err(error(FAILED));
        }
        if !self.faults.skip_sync.is_some_and(|every| self.syncs.is_multiple_of(every)) {
            self.medium.sync();
        }
        Ok(())
    }

    /// Whether the power is still there, now that the call has done what it did.
    fn check_power(&mut self) -> io::Result<()> {
        self.off |= due(&mut self.faults.cut_at_call, self.calls);
        if self.off { Err(error(FAILED)) } else { Ok(()) }
    }

    fn make_room(&mut self, end: usize) -> io::Result<()> {
        let longer = end > self.medium.live().len();
        let limit = self.faults.full_at.map_or(usize::MAX, |at| index(at).unwrap_or(usize::MAX));
        if longer && (end > limit || !self.medium.reserve(end)) {
            return Err(error(FULL));
        }
        Ok(())
    }

    fn power_off(&mut self) -> medium::Unsynced {
        self.off = true;
        self.first_alive = self.sessions;
        self.locks.clear();
        self.medium.take_unsynced()
    }

    fn power_on(&mut self, left: Vec<medium::Change>) {
        self.medium.settle(left);
        self.faults.cut_at_call = None;
        self.off = false;
    }

    /// Locks the whole disk, unless somebody else has and one of the two wants it alone.
    fn lock(&mut self, session: u64, alone: bool) -> bool {
        let free = self.lockable(session, alone);
        if free {
            self.locks.push((session, alone));
        }
        free
    }

    fn lockable(&self, session: u64, alone: bool) -> bool {
        self.locks.iter().all(|(by, theirs)| *by == session || !(alone || *theirs))
    }

    fn unlock(&mut self, session: u64) {
        self.locks.retain(|(by, _)| *by != session);
    }
}

impl fmt::Debug for State {
    // Not the bytes, of which there are many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("len", &self.medium.live().len())
            .field("calls", &self.calls)
            .field("syncs", &self.syncs)
            .field("off", &self.off)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// Whether this is the call a fault waits for, which then does not wait any more.
fn due(at: &mut Option<u64>, now: u64) -> bool {
    at.take_if(|at| *at <= now).is_some()
}

fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| out_of_range())
}

fn out_of_range() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidInput)
}

#[cfg(test)]
mod tests;
