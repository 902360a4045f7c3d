//! Values by pattern, found by type, of patterns that have [shapes](super::shape) of their own.
//!
//! A node is a segment after its parent's. All children that are literal are in one flat table,
//! keyed by parent and text; those that are wildcards are named by their parent.
//!
//! A walk keeps the set of nodes that the segments so far lead to. Such a node was led to by its
//! parent and by nothing else, so it is in the set once. The exception is a `**`, which leads to
//! itself whatever comes, and so is kept for good in a set of its own, in order, so that it is not
//! there twice. Hence no value is found twice, and a walk is at most the product of the segments of
//! the type and the nodes that can be reached, however many `**` there are.
//!

mod node;

use smallvec::SmallVec;

use node::{Node, Nodes, Place, ROOT};

use super::directory::Directory;
use super::key::Key;
use super::label::Label;
use super::segments::Segment;
use crate::topic::{MANY, ONE, Pattern};

/// A value for each of many patterns.
pub(super) struct Trie<V> {
    nodes: Nodes<V>,
    children: Directory,
    key: Key,
}

/// Nodes under way, and those found. More than are kept in place are rare.
type Places = SmallVec<[Place; 8]>;

// === impl Trie ===

impl<V> Trie<V> {
    /// An empty one.
    pub(super) fn new(key: Key) -> Self {
        Self { nodes: Nodes::new(), children: Directory::new(), key }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.at(ROOT).leads_nowhere()
    }

    /// The value of exactly that pattern.
    pub(super) fn get(&self, pattern: &Pattern) -> Option<&V> {
        self.nodes.at(self.find(pattern)?).value.as_ref()
    }

    /// The value of exactly that pattern, to be changed.
    pub(super) fn get_mut(&mut self, pattern: &Pattern) -> Option<&mut V> {
        let place = self.find(pattern)?;
        self.nodes.at_mut(place).value.as_mut()
    }

    /// Puts a value to a pattern that has none.
    pub(super) fn insert(&mut self, pattern: &Pattern, value: V) {
        let place = pattern.segments().fold(ROOT, |place, segment| match segment {
            ONE | MANY => self.wildcard(place, segment),
            segment => self.literal(place, segment),
        });
        self.nodes.at_mut(place).value = Some(value);
    }

    /// Takes the value of a pattern out.
    pub(super) fn remove(&mut self, pattern: &Pattern) -> Option<V> {
        let place = self.find(pattern)?;
        let value = self.nodes.at_mut(place).value.take()?;
        self.prune(place);
        Some(value)
    }

    /// Takes away a node without a value, and those before it, as far as they lead to nothing.
    fn prune(&mut self, mut place: Place) {
        while place != ROOT && self.nodes.at(place).leads_nowhere() {
            let Node { label, parent, .. } = self.nodes.remove(place);
            let above = self.nodes.at_mut(parent);
            match label {
                Label::One => above.one = None,
                Label::Many => above.many = None,
                label => {
                    above.literals -= 1;
                    let hash = mix(&self.key, parent, self.key.of(label.bytes()));
                    let Self { nodes, children, key } = self;
                    children.remove(hash, place.number(), |number| hash_of(nodes, key, number));
                }
            }
            place = parent;
        }
        self.nodes.shrink();
    }

    /// The values of all patterns that a type matches, each once, in no particular order.
    pub(super) fn walk<'a>(&'a self, segments: &[Segment<'_>], found: impl FnMut(&'a V)) {
        let (mut now, mut next) = (Places::new(), Places::new());
        // Every `**` that was reached, in order.
        let mut many: Places = self.nodes.at(ROOT).many.into_iter().collect();
        now.push(ROOT);
        for &Segment { text, hash } in segments {
            for &place in now.iter().chain(&many) {
                let node = self.nodes.at(place);
                if node.literals > 0 {
                    next.extend(self.child(place, hash, text));
                }
                next.extend(node.one);
            }
            for &place in &next {
                if let Some(reached) = self.nodes.at(place).many
                    && let Err(before) = many.binary_search(&reached)
                {
                    many.insert(before, reached);
                }
            }
            std::mem::swap(&mut now, &mut next);
            next.clear();
            if now.is_empty() && many.is_empty() {
                return;
            }
        }
        let ends = now.iter().chain(&many);
        ends.filter_map(|&place| self.nodes.at(place).value.as_ref()).for_each(found);
    }

    /// How many nodes there are, and how many of their places wait to be used again.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        self.nodes.counts()
    }

    fn find(&self, pattern: &Pattern) -> Option<Place> {
        let mut place = ROOT;
        for segment in pattern.segments() {
            place = match segment {
                ONE => self.nodes.at(place).one?,
                MANY => self.nodes.at(place).many?,
                segment => self.child(place, self.key.of(segment.as_bytes()), segment)?,
            };
        }
        Some(place)
    }

    /// The child that is that wildcard, which is made if it is not there.
    fn wildcard(&mut self, parent: Place, wildcard: &str) -> Place {
        let is_one = wildcard == ONE;
        let above = self.nodes.at(parent);
        if let Some(child) = if is_one { above.one } else { above.many } {
            return child;
        }
        let place = self.nodes.add(parent, if is_one { Label::One } else { Label::Many });
        let above = self.nodes.at_mut(parent);
        *(if is_one { &mut above.one } else { &mut above.many }) = Some(place);
        place
    }

    /// The child of that text, which is made if it is not there.
    fn literal(&mut self, parent: Place, text: &str) -> Place {
        let hash = self.key.of(text.as_bytes());
        if let Some(child) = self.child(parent, hash, text) {
            return child;
        }
        let place = self.nodes.add(parent, Label::new(text));
        self.nodes.at_mut(parent).literals += 1;
        let hash = mix(&self.key, parent, hash);
        let Self { nodes, children, key } = self;
        children.insert(hash, place.number(), |number| hash_of(nodes, key, number));
        place
    }

    fn child(&self, parent: Place, hash: u64, text: &str) -> Option<Place> {
        let is_it = |number| self.nodes.at(Place::of(number)).is(parent, text);
        self.children.find(mix(&self.key, parent, hash), is_it).map(Place::of)
    }
}

/// The hash of a text below a parent.
fn mix(key: &Key, parent: Place, hash: u64) -> u64 {
    key.mix(hash, u64::from(parent.number()))
}

/// The hash of a child that is literal.
fn hash_of<V>(nodes: &Nodes<V>, key: &Key, number: u32) -> u64 {
    let node = nodes.at(Place::of(number));
    mix(key, node.parent, key.of(node.label.bytes()))
}
