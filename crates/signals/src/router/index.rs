//! Lists of routes by pattern, found by type: the data structure behind a router, without locks.
//!
//! It is three in one. A pattern without wildcards is found by its text. Patterns with wildcards
//! are found by their [shape](Shape), with one look-up for each shape there is; both are in one
//! table. Shapes of which there are too many, and patterns without one, are in a [trie](Trie),
//! which is slower while there are few shapes, and does not become slower when there are many.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::directory::Directory;
use super::key::Key;
use super::label::Label;
use super::list::List;
use super::segments::{Segments, split};
use super::shape::Shape;
use super::slots::{Slot, Slots};
use super::trie::Trie;
use crate::topic::{Pattern, specificity_of_literal};

/// How many shapes are asked one after the other: so few that asking all of them for nothing takes
/// less than a walk in the trie that finds something, and more than people use.
const MOST_KINDS: usize = 32;
/// The kind of patterns without wildcards, whose hash is that of the whole text.
const LITERAL: u64 = 0;

pub(super) struct Index<T> {
    directory: Directory,
    slots: Slots<T>,
    /// Shapes whose patterns are in the table.
    kinds: Vec<Kind>,
    /// How many kinds there have been.
    numbers: u64,
    trie: Trie<List<T>>,
    /// Shapes whose patterns are in the trie, and how many of them there are. A shape stays where
    /// it is until its last pattern is gone.
    in_trie: BTreeMap<Shape, usize>,
    key: Key,
}

/// A shape that there is.
struct Kind {
    shape: Shape,
    number: u64,
    /// All patterns of a shape are equally specific.
    specificity: i64,
    patterns: usize,
}

/// Lists with how specific their patterns are. More than are kept in place are rare.
pub(super) type Found<'a, T> = SmallVec<[(i64, &'a List<T>); 8]>;

/// Where a pattern is, or would be.
enum Home {
    /// In the table, under that hash and kind, with that text.
    Slot {
        hash: u64,
        kind: u64,
        text: String,
    },
    Trie(Option<Shape>),
}

// === impl Index ===

impl<T> Index<T> {
    /// An empty one, whose hashes are keyed by `seed`.
    pub(super) fn new(seed: u64) -> Self {
        let key = Key::new(seed);
        let (directory, slots, trie) = (Directory::new(), Slots::new(), Trie::new(key.clone()));
        let (kinds, in_trie) = Default::default();
        Self { directory, slots, kinds, numbers: LITERAL, trie, in_trie, key }
    }

    /// The hash of a type, or of a pattern without wildcards.
    #[inline]
    pub(super) fn hash(&self, topic: &str) -> u64 {
        self.key.of(topic.as_bytes())
    }

    /// The lists of all patterns that a type of that hash matches, each once, in no particular
    /// order.
    pub(super) fn find<'a>(&'a self, topic: &str, hash: u64) -> Found<'a, T> {
        let mut found = Found::new();
        let is_literal = |slot: &Slot<T>| slot.is(hash, LITERAL, topic);
        if self.kinds.is_empty() && self.trie.is_empty() {
            let list = self.list(hash, is_literal);
            found.extend(list.map(|list| (list.specificity(), list)));
            return found;
        }
        let mut segments = Segments::new();
        split(topic, &self.key, &mut segments);
        let segments = segments.as_slice();
        let mut touched = self.directory.touch(hash);
        let mut hashes = [0; MOST_KINDS];
        let kinds = || self.kinds.iter().filter(|kind| kind.shape.fits(segments.len()));
        for (kind, hash) in kinds().zip(&mut hashes) {
            *hash = kind.shape.hash(segments, &self.key, kind.number);
            touched ^= self.directory.touch(*hash);
        }
        std::hint::black_box(touched);
        if let Some(list) = self.list(hash, is_literal) {
            found.push((specificity_of_literal(segments.len()), list));
        }
        for (kind, hash) in kinds().zip(hashes) {
            let is_it = |slot: &Slot<T>| {
                slot.hash == hash
                    && slot.kind == kind.number
                    && kind.shape.has(segments, slot.text.bytes())
            };
            if let Some(list) = self.list(hash, is_it) {
                found.push((kind.specificity, list));
            }
        }
        if !self.trie.is_empty() {
            self.trie.walk(segments, |list| found.push((list.specificity(), list)));
        }
        found
    }

    fn list(&self, hash: u64, is_it: impl Fn(&Slot<T>) -> bool) -> Option<&List<T>> {
        let number = self.directory.find(hash, |number| is_it(self.slots.at(number)))?;
        self.slots.at(number).list.as_ref()
    }

    /// The list of exactly that pattern.
    pub(super) fn get(&self, pattern: &Pattern) -> Option<&List<T>> {
        match self.home(pattern)? {
            Home::Slot { hash, kind, text } => self.list(hash, |slot| slot.is(hash, kind, &text)),
            Home::Trie(_) => self.trie.get(pattern),
        }
    }

    /// The list of exactly that pattern, to be changed.
    pub(super) fn get_mut(&mut self, pattern: &Pattern) -> Option<&mut List<T>> {
        match self.home(pattern)? {
            Home::Slot { hash, kind, text } => {
                let number = self.number(hash, kind, &text)?;
                self.slots.at_mut(number).list.as_mut()
            }
            Home::Trie(_) => self.trie.get_mut(pattern),
        }
    }

    /// Puts a list to a pattern that has none.
    pub(super) fn insert(&mut self, pattern: &Pattern, list: List<T>) {
        match self.home(pattern).unwrap_or_else(|| self.new_kind(pattern)) {
            Home::Slot { hash, kind, text } => {
                let (text, list) = (Label::new(&text), Some(list));
                let number = self.slots.add(Slot { hash, kind, text, list });
                let slots = &self.slots;
                self.directory.insert(hash, number, |number| slots.at(number).hash);
                if let Some(kind) = self.kinds.iter_mut().find(|other| other.number == kind) {
                    kind.patterns += 1;
                }
            }
            Home::Trie(shape) => {
                self.trie.insert(pattern, list);
                if let Some(shape) = shape {
                    *self.in_trie.entry(shape).or_default() += 1;
                }
            }
        }
    }

    /// Takes the list of a pattern out.
    pub(super) fn remove(&mut self, pattern: &Pattern) -> Option<List<T>> {
        match self.home(pattern)? {
            Home::Slot { hash, kind, text } => {
                let number = self.number(hash, kind, &text)?;
                let slots = &self.slots;
                self.directory.remove(hash, number, |number| slots.at(number).hash);
                self.leave_kind(kind);
                self.slots.remove(number).list
            }
            Home::Trie(shape) => {
                let list = self.trie.remove(pattern)?;
                if let Some(shape) = shape
                    && let Some(count) = self.in_trie.get_mut(&shape)
                {
                    *count -= 1;
                    if *count == 0 {
                        self.in_trie.remove(&shape);
                    }
                }
                Some(list)
            }
        }
    }
}
impl<T> Index<T> {
    /// Where a pattern would be, unless none of its shape is there.
    fn home(&self, pattern: &Pattern) -> Option<Home> {
        if pattern.is_literal() {
            let text = pattern.as_str();
            return Some(Home::Slot {
                hash: self.key.of(text.as_bytes()),
                kind: LITERAL,
                text: text.into(),
            });
        }
        let Some(shape) = Shape::of(pattern) else { return Some(Home::Trie(None)) };
        match self.kinds.iter().find(|kind| kind.shape == shape) {
            Some(kind) => Some(self.slot(pattern, shape, kind.number)),
            None => self.in_trie.contains_key(&shape).then_some(Home::Trie(Some(shape))),
        }
    }

    fn slot(&self, pattern: &Pattern, shape: Shape, kind: u64) -> Home {
        // Taken as a type it has the same literals.
        let mut segments = Segments::new();
        split(pattern.as_str(), &self.key, &mut segments);
        let hash = shape.hash(&segments, &self.key, kind);
        Home::Slot { hash, kind, text: Shape::text(pattern) }
    }

    /// Where the first pattern of a shape is put.
    fn new_kind(&mut self, pattern: &Pattern) -> Home {
        let shape = Shape::of(pattern);
        match shape {
            Some(shape) if self.kinds.len() < MOST_KINDS => {
                self.numbers += 1;
                let (number, specificity) = (self.numbers, pattern.specificity());
                self.kinds.push(Kind { shape, number, specificity, patterns: 0 });
                self.slot(pattern, shape, number)
            }
            _ => Home::Trie(shape),
        }
    }

    /// One pattern less of a kind, which is gone with the last one.
    fn leave_kind(&mut self, number: u64) {
        let Some(place) = self.kinds.iter().position(|kind| kind.number == number) else { return };
        if let Some(kind) = self.kinds.get_mut(place) {
            kind.patterns -= 1;
            if kind.patterns == 0 {
                self.kinds.swap_remove(place);
            }
        }
    }

    /// How many patterns and nodes there are, and how many places of both are free.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let (slots, nodes) = (self.slots.counts(), self.trie.counts());
        (slots.0 + nodes.0, slots.1 + nodes.1)
    }

    fn number(&self, hash: u64, kind: u64, text: &str) -> Option<u32> {
        self.directory.find(hash, |number| self.slots.at(number).is(hash, kind, text))
    }
}

#[cfg(test)]
mod tests;
