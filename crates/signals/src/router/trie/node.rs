//! The nodes of a trie, in one piece of memory, where places that became free are used again.

use std::num::NonZeroU32;

use crate::router::label::Label;

/// Below so many places memory is not given back: it would not show.
const SMALL: usize = 1024;

/// Where a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(NonZeroU32);

/// The node before the first segment. It is there from the beginning, and its own parent.
pub(super) const ROOT: Place = Place(NonZeroU32::MIN);

/// A segment after that of its parent. With a value of two words it is one line of a cache.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Node<V> {
    pub(super) value: Option<V>,
    pub(super) label: Label,
    pub(super) parent: Place,
    /// How many children are literal.
    pub(super) literals: u32,
    pub(super) one: Option<Place>,
    pub(super) many: Option<Place>,
}

#[derive(Debug)]
pub(super) struct Nodes<V> {
    all: Vec<Node<V>>,
    free: Vec<Place>,
}

// === impl Place ===

impl Place {
    pub(super) const fn of(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    pub(super) const fn number(self) -> u32 {
        self.0.get() - 1
    }

    const fn index(self) -> usize {
        self.number() as usize
    }
}

// === impl Node ===

impl<V> Node<V> {
    const fn new(parent: Place, label: Label) -> Self {
        Self { value: None, label, parent, literals: 0, one: None, many: None }
    }

    /// Whether it is the literal child of `parent` with that text.
    #[inline]
    pub(super) fn is(&self, parent: Place, text: &str) -> bool {
        self.parent == parent && self.label.is(text)
    }

    /// Whether nothing is here, and nothing behind.
    pub(super) const fn leads_nowhere(&self) -> bool {
        self.value.is_none() && self.literals == 0 && self.one.is_none() && self.many.is_none()
    }
}

// === impl Nodes ===

impl<V> Nodes<V> {
    pub(super) fn new() -> Self {
        Self { all: vec![Node::new(ROOT, Label::One)], free: Vec::new() }
    }

    /// The node at a place that [`Self::add`] gave, until it is removed.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a place is in a parent or the table while it is")]
    pub(super) fn at(&self, place: Place) -> &Node<V> {
        &self.all[place.index()]
    }

    /// As [`Self::at`], to be changed.
    #[expect(clippy::indexing_slicing, reason = "a place is in a parent or the table while it is")]
    pub(super) fn at_mut(&mut self, place: Place) -> &mut Node<V> {
        &mut self.all[place.index()]
    }

    /// Adds one, and gives its place. As many as can be counted would be 256 GiB.
    #[expect(clippy::cast_possible_truncation, reason = "see above")]
    pub(super) fn add(&mut self, parent: Place, label: Label) -> Place {
        let node = Node::new(parent, label);
        if let Some(place) = self.free.pop() {
            *self.at_mut(place) = node;
            return place;
        }
        self.all.push(node);
        Place::of((self.all.len() - 1) as u32)
    }

    /// Gives what was there, and uses its place again.
    pub(super) fn remove(&mut self, place: Place) -> Node<V> {
        self.free.push(place);
        std::mem::replace(self.at_mut(place), Node::new(place, Label::One))
    }

    /// Gives memory back when nothing is left but the root. Before that, every place may be one
    /// that somebody holds.
    pub(super) fn shrink(&mut self) {
        if self.all.len() - self.free.len() == 1 && self.all.capacity() > SMALL {
            self.all.truncate(1);
            self.all.shrink_to_fit();
            self.free = Vec::new();
        }
    }

    /// How many nodes there are besides the root, and how many places are free.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.all.len() - self.free.len() - 1, self.free.len())
    }
}
