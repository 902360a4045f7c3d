//! Names of hosts as addresses.
//!
//! The machine's resolver blocks, and cannot be given up, so each look-up has a thread. There are
//! few of them, and never two for one name: a name whose servers are dead holds one thread, and not
//! all.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use foundation::{Executor, Home, Result, contain};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::fault::{Phase, network};
use crate::sync::Mutex;

/// How many look-ups there are at a time. The machine's resolver gives up by itself after some ten
/// seconds, and few names are slow.
const MOST_LOOKUPS: usize = 8;

/// How names become addresses.
pub(super) type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

type Found = Option<Result<Vec<IpAddr>>>;

/// Resolves names.
pub(super) struct Resolver {
    shared: Arc<Shared>,
    executor: Executor,
    threads: Arc<Semaphore>,
}

struct Shared {
    lookup: Arc<Lookup>,
    under_way: Mutex<HashMap<Box<str>, watch::Receiver<Found>>>,
}

/// A look-up that was begun. However it ends, whoever waits for it learns that; and before, so that
/// nobody who comes later gets what was found earlier, it is under way no more.
struct Begun {
    shared: Arc<Shared>,
    name: Box<str>,
    found: Found,
    waiting: watch::Sender<Found>,
    _thread: OwnedSemaphorePermit,
}

impl Resolver {
    pub(super) fn new(home: &Home, lookup: Option<Arc<Lookup>>) -> Self {
        let lookup = lookup.unwrap_or_else(|| Arc::new(ask_the_machine));
        let shared = Arc::new(Shared { lookup, under_way: Mutex::default() });
        let threads = Arc::new(Semaphore::new(MOST_LOOKUPS));
        Self { shared, executor: home.executor("signals.resolver"), threads }
    }

    /// The addresses of a name. Given up, the look-up goes on, for whoever wants the same.
    pub(super) async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>> {
        let mut found = match self.joined(name) {
            Some(found) => found,
            None => self.begin(name).await?,
        };
        let found = found.wait_for(Option::is_some).await;
        let found = found.ok().and_then(|found| found.clone());
        found.unwrap_or_else(|| Err(network(Phase::Resolve, "nothing was found out")))
    }

    /// The look-up of that name which is under way.
    fn joined(&self, name: &str) -> Option<watch::Receiver<Found>> {
        self.shared.under_way.lock().get(name).cloned()
    }

    async fn begin(&self, name: &str) -> Result<watch::Receiver<Found>> {
        let thread = Arc::clone(&self.threads).acquire_owned().await;
        let thread = thread.map_err(|error| network(Phase::Resolve, error))?;
        let (waiting, result) = watch::channel(None);
        let mut under_way = self.shared.under_way.lock();
        if let Some(joined) = under_way.get(name) {
            // Somebody has begun it meanwhile.
            return Ok(joined.clone());
        }
        under_way.insert(name.into(), result.clone());
        drop(under_way);
        let (shared, name, found) = (Arc::clone(&self.shared), name.into(), None);
        let begun = Begun { shared, name, found, waiting, _thread: thread };
        self.executor.thread("signals.resolver", move || begun.run())?;
        Ok(result)
    }
}

impl Begun {
    fn run(mut self) {
        let found = contain(|| (self.shared.lookup)(&self.name));
        let found = found.and_then(|found| found.map_err(|error| network(Phase::Resolve, error)));
        let found = found.and_then(|addresses| {
            if addresses.is_empty() {
                return Err(network(Phase::Resolve, "the name has no address"));
            }
            Ok(addresses)
        });
        self.found = Some(found);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.shared.under_way.lock().remove(&self.name);
        let found = self.found.take();
        let nothing = || Err(network(Phase::Resolve, "nothing was found out"));
        self.waiting.send_replace(Some(found.unwrap_or_else(nothing)));
    }
}

fn ask_the_machine(name: &str) -> io::Result<Vec<IpAddr>> {
    let mut addresses: Vec<_> = (name, 0).to_socket_addrs()?.map(|address| address.ip()).collect();
    addresses.dedup();
    Ok(addresses)
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = self.shared.under_way.lock().len();
        f.debug_struct("Resolver").field("under_way", &under_way).finish_non_exhaustive()
    }
}
