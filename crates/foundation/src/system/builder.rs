//! What a system is made from.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Root, Shared, System};
use crate::actor::refused;
use crate::deadline::Deadlines;
use crate::error::{Error, Result, codes};
use crate::panic_hook;
use crate::ports::{Clock, Ports, SystemClock};
use crate::registry::{Groups, Registry};
use crate::spawn::Spawner;
use crate::sync::AtomicU64;
use crate::tracker::{ErrorTracker, ErrorTracking};

/// The options of a system.
///
/// | option | default |
/// |---|---|
/// | [`name`](Self::name) | `system` |
/// | [`clock`](Self::clock) | the clock of the operating system |
/// | [`seed`](Self::seed) | chance |
/// | [`error_tracking`](Self::error_tracking) | alerts at 10 errors of one kind in 5 minutes |
#[derive(Debug)]
#[must_use = "nothing is started until `start` is called and awaited"]
pub struct SystemBuilder {
    name: String,
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    errors: ErrorTracking,
}

impl SystemBuilder {
    /// What it is called, in logs and errors; 1 to 255 bytes.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Where the wall-clock time comes from. Waiting does not use it.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// What ids and everything else random derive from: with the same seed and clock, the same ids.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How the system [counts errors](System::errors).
    pub fn error_tracking(mut self, options: ErrorTracking) -> Self {
        self.errors = options;
        self
    }

    /// Starts the system in the runtime that this is called in. The runtime needs time enabled.
    ///
    /// # Errors
    ///
    /// `no_runtime` outside of a runtime; `panic_abort` in a program that aborts on a panic;
    /// `invalid_options` when the name is empty or too long, or errors cannot be counted so.
    pub async fn start(self) -> Result<System> {
        if self.name.is_empty() || self.name.len() > 255 {
            return Err(refused("name", "a name has 1 to 255 bytes"));
        }
        self.errors.validate()?;
        if cfg!(panic = "abort") {
            return Err(Error::from(codes::PANIC_ABORT));
        }
        let runtime = Handle::try_current()
            .map_err(|error| Error::from(codes::NO_RUNTIME).with_source(error))?;
        panic_hook::install();
        let seed = self.seed.unwrap_or_else(|| fastrand::Rng::new().u64(..));
        let spawner = Arc::new(Spawner::new(runtime));
        let deadlines = Arc::new(Deadlines::new());
        let (ready, is_ready) = oneshot::channel();
        let keeper = spawner.service(Arc::clone(&deadlines).keep(ready));
        if is_ready.await.is_err() {
            let message = "the runtime has no time: build it with `enable_time`";
            return Err(Error::from(codes::NO_RUNTIME).with_message(message));
        }
        let ports = Arc::new(Ports::new(self.clock, seed));
        let shared = Shared {
            name: self.name.into_boxed_str(),
            names: Registry::of("names".into(), &ports, &deadlines),
            errors: ErrorTracker::of(self.errors, &ports),
            groups: Groups::of("groups".into(), &ports, &deadlines),
            ports,
            spawner,
            deadlines,
            root: Root::default(),
            started: Instant::now(),
            numbers: AtomicU64::new(0),
        };
        Ok(System { shared: Arc::new(shared), keeper: Some(keeper) })
    }
}

impl Default for SystemBuilder {
    fn default() -> Self {
        let errors = ErrorTracking::default();
        Self { name: "system".to_owned(), clock: Arc::new(SystemClock), seed: None, errors }
    }
}
