//! What is kept of a pattern beside where it is, in one piece of memory, where places that became
//! free are used again.

use super::label::Label;
use super::list::List;

/// Below so many places memory is not given back: it would not show.
const SMALL: usize = 1024;

/// A pattern with its routes: all that is compared, in one line of a cache.
#[repr(align(64))]
pub(super) struct Slot<T> {
    pub(super) hash: u64,
    pub(super) kind: u64,
    pub(super) text: Label,
    /// Not there while nobody uses this place.
    pub(super) list: Option<List<T>>,
}

pub(super) struct Slots<T> {
    all: Vec<Slot<T>>,
    free: Vec<u32>,
}

// === impl Slot ===

impl<T> Slot<T> {
    pub(super) fn is(&self, hash: u64, kind: u64, text: &str) -> bool {
        self.hash == hash && self.kind == kind && self.text.is(text)
    }
}

// === impl Slots ===

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self { all: Vec::new(), free: Vec::new() }
    }

    /// What is at a place that [`Self::add`] gave, until it is removed.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a place is in the directory while it is used")]
    pub(super) fn at(&self, place: u32) -> &Slot<T> {
        &self.all[place as usize]
    }

    /// As [`Self::at`], to be changed.
    #[expect(clippy::indexing_slicing, reason = "a place is in the directory while it is used")]
    pub(super) fn at_mut(&mut self, place: u32) -> &mut Slot<T> {
        &mut self.all[place as usize]
    }

    /// Adds one, and gives its place. As many as can be counted would be 256 GiB.
    #[expect(clippy::cast_possible_truncation, reason = "see above")]
    pub(super) fn add(&mut self, slot: Slot<T>) -> u32 {
        if let Some(place) = self.free.pop() {
            *self.at_mut(place) = slot;
            return place;
        }
        self.all.push(slot);
        (self.all.len() - 1) as u32
    }

    /// Gives what was there, and uses its place again. Memory is given back when nothing is left.
    pub(super) fn remove(&mut self, place: u32) -> Slot<T> {
        let nothing = Slot { hash: 0, kind: 0, text: Label::One, list: None };
        let slot = std::mem::replace(self.at_mut(place), nothing);
        self.free.push(place);
        if self.free.len() == self.all.len() && self.all.capacity() > SMALL {
            *self = Self::new();
        }
        slot
    }

    /// How many there are, and how many places are free.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.all.len() - self.free.len(), self.free.len())
    }
}
