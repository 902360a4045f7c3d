//! Who caused whom, by id. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;

use crate::log::LogPosition;
use crate::signal::Id;

/// Who caused whom, of a stretch of a log.
#[derive(Debug, Default)]
pub(super) struct Index {
    nodes: HashMap<Id, Node>,
    /// The ids that were seen as causes, with what they caused.
    effects: HashMap<Id, BTreeSet<LogPosition>>,
    conversations: HashMap<Box<str>, BTreeSet<LogPosition>>,
    /// By position, so that the oldest can be forgotten.
    order: BTreeMap<LogPosition, Id>,
}

#[derive(Debug)]
struct Node {
    position: LogPosition,
    cause: Option<Id>,
    conversation: Option<Box<str>>,
}

/// The positions of a chain, and whether it is whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) positions: Vec<LogPosition>,
    /// A cause that is named and not there.
    pub(super) missing: Option<Id>,
    /// Whether there is more than was asked for.
    pub(super) is_cut: bool,
}

impl Index {
    /// One more. Of several with the same id the first counts as that.
    pub(super) fn insert(
        &mut self,
        position: LogPosition,
        id: Id,
        cause: Option<Id>,
        conversation: Option<Box<str>>,
    ) {
        if self.nodes.contains_key(&id) {
            return;
        }
        if let Some(cause) = &cause {
            self.effects.entry(cause.clone()).or_default().insert(position);
        }
        if let Some(conversation) = &conversation {
            self.conversations.entry(conversation.clone()).or_default().insert(position);
        }
        self.order.insert(position, id.clone());
        self.nodes.insert(id, Node { position, cause, conversation });
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Forgets everything up to a position.
    pub(super) fn forget_to(&mut self, position: LogPosition) {
        while let Some(first) = self.order.first_entry()
            && *first.key() <= position
        {
            let (position, id) = first.remove_entry();
            self.forget(position, &id);
        }
    }

    /// Forgets the oldest ones, so that so many are left.
    pub(super) fn keep(&mut self, most: usize) {
        while self.order.len() > most
            && let Some((position, id)) = self.order.pop_first()
        {
            self.forget(position, &id);
        }
    }

    fn forget(&mut self, position: LogPosition, id: &Id) {
        let Some(node) = self.nodes.remove(id) else { return };
        if let Some(cause) = node.cause {
            remove_from(&mut self.effects, &cause, position);
        }
        if let Some(conversation) = node.conversation {
            remove_from(&mut self.conversations, &conversation, position);
        }
    }

    pub(super) fn contains(&self, id: &Id) -> bool {
        self.nodes.contains_key(id)
    }

    /// The signal, its cause, the cause of that, and so on, `most` of them.
    pub(super) fn causes(&self, id: &Id, most: usize) -> Links {
        let mut links = Links { positions: Vec::new(), missing: None, is_cut: false };
        let mut seen = BTreeSet::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let Some(node) = self.nodes.get(id) else {
                links.missing = Some(id.clone());
                break;
            };
            // Whoever names causes from outside may have made a circle.
            if !seen.insert(node.position) {
                break;
            }
            if links.positions.len() == most {
                links.is_cut = true;
                break;
            }
            links.positions.push(node.position);
            next = node.cause.as_ref();
        }
        links
    }

    /// The signal, what it caused, what that caused, and so on, nearer ones first, `most` of them.
    pub(super) fn effects(&self, id: &Id, most: usize) -> Links {
        let mut links = Links { positions: Vec::new(), missing: None, is_cut: false };
        let mut seen = BTreeSet::new();
        let mut next: VecDeque<_> =
            self.nodes.get(id).map(|node| node.position).into_iter().collect();
        while let Some(position) = next.pop_front() {
            if !seen.insert(position) {
                continue;
            }
            if links.positions.len() == most {
                links.is_cut = true;
                break;
            }
            links.positions.push(position);
            let effects = self.order.get(&position).and_then(|id| self.effects.get(id));
            // More than are asked for need not wait.
            let room = (most + 1).saturating_sub(links.positions.len() + next.len());
            next.extend(effects.into_iter().flatten().take(room));
        }
        links
    }

    /// Everything of a conversation, in the order of the log, behind a position, `most` of them. A
    /// conversation that is called as the signal that began it has that signal too.
    pub(super) fn conversation(&self, name: &str, after: LogPosition, most: usize) -> Links {
        let first = Id::try_from(name).ok().and_then(|id| self.nodes.get(&id));
        let first = first.filter(|node| node.conversation.is_none()).map(|node| node.position);
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        let others = self.conversations.get(name).into_iter();
        let others = others.flat_map(|all| all.range(behind)).copied();
        // It comes before what it has caused, wherever that is.
        let mut rest = first.into_iter().filter(|first| *first > after).chain(others);
        let positions: Vec<_> = rest.by_ref().take(most).collect();
        Links { positions, missing: None, is_cut: rest.next().is_some() }
    }
}

fn remove_from<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, BTreeSet<LogPosition>>,
    key: &K,
    position: LogPosition,
) {
    if let Some(positions) = map.get_mut(key) {
        positions.remove(&position);
        if positions.is_empty() {
            map.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    //! Chains, circles and what is forgotten.

    use super::{Index, Links};
    use crate::log::LogPosition;
    use crate::signal::Id;

    fn id(text: &str) -> Id {
        Id::try_from(text).unwrap()
    }

    fn at(positions: &[u64]) -> Vec<LogPosition> {
        positions.iter().copied().map(LogPosition::new).collect()
    }

    fn index(signals: &[(u64, &str, Option<&str>)]) -> Index {
        let mut index = Index::default();
        for (position, name, cause) in signals {
            let conversation = (position % 2 == 0).then(|| "even".into());
            index.insert(LogPosition::new(*position), id(name), cause.map(id), conversation);
        }
        index
    }

    fn whole(positions: &[u64]) -> Links {
        Links { positions: at(positions), missing: None, is_cut: false }
    }

    const TREE: [(u64, &str, Option<&str>); 6] = [
        (1, "a", None),
        (2, "b", Some("a")),
        (4, "c", Some("a")),
        (7, "d", Some("c")),
        (8, "e", Some("d")),
        (9, "x", Some("elsewhere")),
    ];

    #[test]
    fn chains_go_back_to_their_root_and_forth_to_all_effects() {
        let index = index(&TREE);
        assert_eq!(index.causes(&id("e"), 10), whole(&[8, 7, 4, 1]));
        assert_eq!(index.effects(&id("a"), 10), whole(&[1, 2, 4, 7, 8]));
        assert_eq!(index.effects(&id("b"), 10), whole(&[2]));
        assert_eq!(index.causes(&id("a"), 10), whole(&[1]));
    }

    #[test]
    fn a_cause_that_is_not_there_is_named_and_a_chain_that_is_cut_says_so() {
        let index = index(&TREE);
        let elsewhere = index.causes(&id("x"), 10);
        assert_eq!((elsewhere.positions, elsewhere.missing), (at(&[9]), Some(id("elsewhere"))));
        assert_eq!(index.causes(&id("e"), 2).positions, at(&[8, 7]));
        assert!(index.causes(&id("e"), 2).is_cut && index.effects(&id("a"), 4).is_cut);
        assert!(!index.causes(&id("e"), 4).is_cut && !index.effects(&id("a"), 5).is_cut);
    }

    #[test]
    fn circles_end() {
        let index = index(&[(1, "a", Some("b")), (2, "b", Some("a")), (3, "self", Some("self"))]);
        assert_eq!(index.causes(&id("a"), 10), whole(&[1, 2]));
        assert_eq!(index.effects(&id("a"), 10), whole(&[1, 2]));
        assert_eq!(index.causes(&id("self"), 10), whole(&[3]));
    }

    #[test]
    fn a_conversation_is_in_the_order_of_the_log_and_goes_on_behind_a_position() {
        let index = index(&TREE);
        let all = |after, most| index.conversation("even", LogPosition::new(after), most);
        assert_eq!(all(0, 10), whole(&[2, 4, 8]));
        assert_eq!(all(2, 1), Links { positions: at(&[4]), missing: None, is_cut: true });
        assert_eq!(index.conversation("odd", LogPosition::START, 10), whole(&[]));
    }

    #[test]
    fn what_is_forgotten_leaves_nothing() {
        let mut index = index(&TREE);
        index.forget_to(LogPosition::new(4));
        assert!(!index.contains(&id("c")) && index.contains(&id("d")));
        assert_eq!(index.causes(&id("e"), 10).missing, Some(id("c")));
        assert_eq!(index.conversation("even", LogPosition::START, 10), whole(&[8]));
        index.keep(1);
        assert_eq!(index.len(), 1);
        index.forget_to(LogPosition::new(9));
        let Index { nodes, effects, conversations, order } = index;
        assert!(nodes.is_empty() && effects.is_empty() && conversations.is_empty());
        assert!(order.is_empty());
    }

    #[test]
    fn the_first_of_several_with_one_id_counts() {
        let mut index = index(&TREE);
        index.insert(LogPosition::new(20), id("b"), Some(id("e")), None);
        assert_eq!(index.causes(&id("b"), 10), whole(&[2, 1]));
    }
}
