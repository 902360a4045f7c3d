//! Those who hold one key: nearly always one, and then it costs no more than that.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::actor::Peer;

/// A registration: whose it is, and what is said with it.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    /// The how many-th registration in the system this is.
    pub(super) number: u64,
    pub(super) owner: Peer,
    pub(super) metadata: Value,
}

/// The holders of a key.
#[derive(Debug)]
pub(super) enum Holders {
    One(Holder),
    /// By number, so in the order of their registration. None, one or many: they come and go.
    Many(BTreeMap<u64, Holder>),
}

impl Holders {
    pub(super) const fn one(holder: Holder) -> Self {
        Self::One(holder)
    }

    pub(super) fn insert(&mut self, holder: Holder) {
        let before = std::mem::replace(self, Self::Many(BTreeMap::new()));
        let mut all = match before {
            Self::One(first) => BTreeMap::from([(first.number, first)]),
            Self::Many(all) => all,
        };
        all.insert(holder.number, holder);
        *self = Self::Many(all);
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Holder> {
        match self {
            Self::One(holder) if holder.number != number => None,
            Self::One(_) => match std::mem::replace(self, Self::Many(BTreeMap::new())) {
                Self::One(holder) => Some(holder),
                Self::Many(_) => None,
            },
            Self::Many(all) => all.remove(&number),
        }
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Holder> {
        match self {
            Self::One(holder) => (holder.number == number).then_some(holder),
            Self::Many(all) => all.get_mut(&number),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Many(all) if all.is_empty())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Holder> {
        let (one, many) = match self {
            Self::One(holder) => (Some(holder), None),
            Self::Many(all) => (None, Some(all.values())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    pub(super) fn for_each(&mut self, mut each: impl FnMut(&mut Holder)) {
        match self {
            Self::One(holder) => each(holder),
            Self::Many(all) => all.values_mut().for_each(each),
        }
    }
}
