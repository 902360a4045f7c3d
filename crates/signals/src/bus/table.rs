//! The subscriptions of one bus, by id and by name. Nothing here waits or runs anybody's code.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::subscription::{Subscriber, SubscriptionId};
use crate::router::RouteId;

/// The subscriptions of one bus.
#[derive(Debug, Default)]
pub(super) struct Table {
    all: BTreeMap<SubscriptionId, Entry>,
    names: BTreeMap<Arc<str>, SubscriptionId>,
    last: u64,
}

/// A subscription, and the routes that lead to it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) subscriber: Arc<Subscriber>,
    pub(super) routes: Vec<RouteId>,
}

impl Table {
    /// An id that no subscription has had.
    pub(super) fn next_id(&mut self) -> SubscriptionId {
        self.last += 1;
        SubscriptionId(self.last)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// A new subscription, which has no routes yet. Its name is not taken.
    pub(super) fn insert(&mut self, subscriber: Arc<Subscriber>) {
        if let Some(name) = &subscriber.name {
            self.names.insert(Arc::clone(name), subscriber.id);
        }
        self.all.insert(subscriber.id, Entry { subscriber, routes: Vec::new() });
    }

    /// The routes of a subscription. Gives them back when it is there no more.
    pub(super) fn set_routes(
        &mut self,
        id: SubscriptionId,
        routes: Vec<RouteId>,
    ) -> Result<(), Vec<RouteId>> {
        match self.all.get_mut(&id) {
            Some(entry) => {
                entry.routes = routes;
                Ok(())
            }
            None => Err(routes),
        }
    }

    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<Entry> {
        let entry = self.all.remove(&id)?;
        if let Some(name) = &entry.subscriber.name {
            self.names.remove(name);
        }
        Some(entry)
    }

    pub(super) fn get(&self, id: SubscriptionId) -> Option<&Arc<Subscriber>> {
        self.all.get(&id).map(|entry| &entry.subscriber)
    }

    pub(super) fn find(&self, name: &str) -> Option<SubscriptionId> {
        self.names.get(name).copied()
    }

    /// All of them, in the order in which they were made.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Subscriber>> {
        self.all.values().map(|entry| &entry.subscriber)
    }
}
