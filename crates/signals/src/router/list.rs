//! The routes of one pattern, in order. A clone is cheap, and does not change.
//!
//! Most patterns have one route. Of more there may be a million, so they are in pieces: whoever
//! changes a list that somebody reads copies one piece and the list of pieces.

use std::cmp::Reverse;
use std::sync::Arc;

use super::registered::{Registered, RouteId};

/// How many routes there are in a piece at most. Copying that many, and as many pieces as a million
/// routes have, takes microseconds.
const PIECE: usize = 512;

/// The routes of one pattern, those of higher priority first, then those that came first.
pub(super) enum List<T> {
    One(Registered<T>),
    Several(Arc<Several<T>>),
}

pub(super) struct Several<T> {
    /// None is empty.
    pieces: Vec<Arc<Vec<Registered<T>>>>,
    count: usize,
    conditional: usize,
}

type Rank = (Reverse<i8>, RouteId);

fn rank<T>(route: &Registered<T>) -> Rank {
    (Reverse(route.priority()), route.id())
}

// === impl List ===

impl<T> List<T> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(several) => several.count,
        }
    }

    /// How specific the pattern is.
    pub(super) fn specificity(&self) -> i64 {
        self.iter().next().map_or(0, Registered::specificity)
    }

    /// Looks at what a clone looks at. What it gives says nothing.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        match self {
            Self::One(route) => route.id().get(),
            Self::Several(several) => several.count as u64,
        }
    }

    /// Whether one of them has a condition.
    pub(super) fn is_conditional(&self) -> bool {
        match self {
            Self::One(route) => route.is_conditional(),
            Self::Several(several) => several.conditional > 0,
        }
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Registered<T>> {
        let (one, pieces) = match self {
            Self::One(route) => (Some(route), [].as_slice()),
            Self::Several(several) => (None, several.pieces.as_slice()),
        };
        one.into_iter().chain(pieces.iter().flat_map(|piece| piece.iter()))
    }

    /// Adds one where it belongs.
    pub(super) fn add(&mut self, route: Registered<T>) {
        match self {
            Self::One(one) => {
                let mut several = Several::of(one.clone());
                several.add(route);
                *self = Self::Several(Arc::new(several));
            }
            Self::Several(several) => Arc::make_mut(several).add(route),
        }
    }

    /// Takes one away; whether any are left.
    pub(super) fn remove(&mut self, route: &Registered<T>) -> bool {
        match self {
            Self::One(_) => false,
            Self::Several(several) => {
                let several = Arc::make_mut(several);
                several.remove(route);
                several.count > 0
            }
        }
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        match self {
            Self::One(route) => Self::One(route.clone()),
            Self::Several(several) => Self::Several(Arc::clone(several)),
        }
    }
}

// === impl Several ===

impl<T> Several<T> {
    fn of(route: Registered<T>) -> Self {
        let conditional = usize::from(route.is_conditional());
        Self { pieces: vec![Arc::new(vec![route])], count: 1, conditional }
    }

    fn add(&mut self, route: Registered<T>) {
        self.count += 1;
        self.conditional += usize::from(route.is_conditional());
        let at = self.piece_of(rank(&route));
        let Some(shared) = self.pieces.get_mut(at) else {
            self.pieces.push(Arc::new(vec![route]));
            return;
        };
        let piece = Arc::make_mut(shared);
        let before = piece.partition_point(|other| rank(other) < rank(&route));
        piece.insert(before, route);
        if piece.len() > PIECE {
            // Mostly the new one is the last, and full pieces take the least memory.
            let rest = piece.split_off(if before == PIECE { PIECE } else { PIECE / 2 });
            self.pieces.insert(at + 1, Arc::new(rest));
        }
    }

    fn remove(&mut self, route: &Registered<T>) {
        let at = self.piece_of(rank(route));
        let Some(shared) = self.pieces.get_mut(at) else { return };
        let piece = Arc::make_mut(shared);
        let Ok(index) = piece.binary_search_by_key(&rank(route), rank) else { return };
        piece.remove(index);
        self.count -= 1;
        self.conditional -= usize::from(route.is_conditional());
        if piece.is_empty() {
            self.pieces.remove(at);
        } else {
            self.join(at);
            self.join(at.saturating_sub(1));
        }
    }

    /// Makes one piece of two that have become small.
    fn join(&mut self, at: usize) {
        let length = |at: usize| self.pieces.get(at).map(|piece| piece.len());
        let Some((small, next)) = length(at).zip(length(at + 1)) else { return };
        if small < PIECE / 4 && next < PIECE / 4 {
            let next = self.pieces.remove(at + 1);
            if let Some(piece) = self.pieces.get_mut(at) {
                Arc::make_mut(piece).extend(next.iter().cloned());
            }
        }
    }

    /// The last piece that begins with that rank or before it, or else the first one.
    fn piece_of(&self, rank_of_route: Rank) -> usize {
        let begins_before = |piece: &Arc<Vec<Registered<T>>>| {
            piece.first().is_some_and(|first| rank(first) <= rank_of_route)
        };
        self.pieces.partition_point(begins_before).saturating_sub(1)
    }
}

impl<T> Clone for Several<T> {
    fn clone(&self) -> Self {
        let Self { ref pieces, count, conditional } = *self;
        Self { pieces: pieces.clone(), count, conditional }
    }
}

#[cfg(test)]
mod tests;
