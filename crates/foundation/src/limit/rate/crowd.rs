//! How many keys there are, and when it is time to look for some that are not used.

use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Below this many keys nobody looks for those that are not used: they are not worth it.
const FEW: usize = 1024;
/// How long it takes until somebody looks again who found too few, in nanoseconds: so long that
/// refusing new keys costs little, however many come; so short that nobody notices.
const PAUSE: u64 = 100_000_000;

/// The number of keys. They are looked through when they have doubled since they were last, so that
/// it costs each new key the same in the end, however many there are.
#[derive(Debug)]
pub(super) struct Crowd {
    max: usize,
    len: AtomicUsize,
    /// With how many keys to look for those that are not used.
    sweep_at: AtomicUsize,
    /// Whether somebody looks now.
    sweeping: AtomicBool,
    /// Before when nobody looks again.
    rests_until: AtomicU64,
}

/// What to do about a new key.
#[derive(Debug)]
pub(super) enum Room<'a> {
    /// There is room for it.
    Enough,
    /// Look for keys that are not used first.
    Sweep(Sweeping<'a>),
    /// There is none. Somebody may look again after so many nanoseconds.
    None(u64),
}

/// The right to look, which one has at a time.
#[derive(Debug)]
#[must_use]
pub(super) struct Sweeping<'a>(&'a Crowd);

impl Crowd {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            len: AtomicUsize::new(0),
            sweep_at: AtomicUsize::new(FEW.min(max)),
            sweeping: AtomicBool::new(false),
            rests_until: AtomicU64::new(0),
        }
    }

    pub(super) const fn max(&self) -> usize {
        self.max
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(super) fn one_more(&self) {
        self.len.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn one_less(&self) {
        self.len.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether there are so many that somebody should look.
    #[inline]
    pub(super) fn is_dense(&self) -> bool {
        self.len() >= self.sweep_at.load(Ordering::Relaxed)
    }

    /// What to do about a new key while it [is dense](Self::is_dense).
    pub(super) fn room(&self, now: u64) -> Room<'_> {
        let rests = || now < self.rests_until.load(Ordering::Acquire);
        if !rests() && !self.sweeping.swap(true, Ordering::AcqRel) {
            let sweeping = Sweeping(self);
            // Somebody may have been through with it just now.
            if !rests() {
                return Room::Sweep(sweeping);
            }
        }
        self.room_now(now)
    }

    /// The same, without looking for any.
    fn room_now(&self, now: u64) -> Room<'_> {
        if self.len() < self.max {
            return Room::Enough;
        }
        let rests_until = self.rests_until.load(Ordering::Acquire);
        // While somebody looks it is not known how long that takes.
        Room::None(if now < rests_until { rests_until - now } else { PAUSE })
    }
}

impl<'a> Sweeping<'a> {
    /// Those that are not used are gone. What to do about the new key now.
    pub(super) fn swept(self, now: u64) -> Room<'a> {
        let crowd = self.0;
        let next = crowd.len().saturating_mul(2).clamp(FEW.min(crowd.max), crowd.max);
        crowd.sweep_at.store(next, Ordering::Relaxed);
        // From when it is over, however long it took.
        crowd.rests_until.store(now.saturating_add(PAUSE), Ordering::Release);
        drop(self);
        crowd.room_now(now)
    }
}

impl Drop for Sweeping<'_> {
    fn drop(&mut self) {
        self.0.sweeping.store(false, Ordering::Release);
    }
}
