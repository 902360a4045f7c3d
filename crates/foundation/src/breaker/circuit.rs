//! One circuit, as its callers use it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;
use tracing::level_filters::LevelFilter;

use super::gate::Gate;
use super::state::{Change, CircuitState, Looks, Refused, Thresholds, Verdict};
use super::{CircuitChange, CircuitStatus};
use crate::error::{Category, Error, Result, codes};
use crate::listen::Listeners;
use crate::system::Home;

/// The circuit of one key. A clone is the same circuit.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{BreakerOptions, CircuitBreakers, CircuitState, Error, Result, System};
///
/// let system = System::builder().name("shop").start().await?;
/// let options = BreakerOptions::default().failure_threshold(2);
/// let bank = CircuitBreakers::new(&system, options)?.circuit("bank")?;
///
/// for _ in 0..2 {
///     let call = async { Err::<(), _>(Error::infrastructure("bank_unreachable")) };
///     assert_eq!(bank.call(call).await.unwrap_err().code(), "bank_unreachable");
/// }
/// assert_eq!(bank.status().state, CircuitState::Open);
/// let refused = bank.call(async { Ok(17) }).await.unwrap_err();
/// assert_eq!(refused.code(), "circuit_open");
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CircuitBreaker {
    pub(super) circuit: Arc<Circuit>,
}

/// The circuit of one key, as all share it.
pub(super) struct Circuit {
    pub(super) key: Arc<str>,
    gate: Gate,
    home: Home,
    started: Instant,
    listeners: Arc<Listeners<CircuitChange>>,
}

/// The right to make one call. Saying what came of it is up to the caller; dropping it says
/// nothing about what is behind the circuit.
#[must_use = "dropping a permit gives it back without a verdict"]
pub struct CircuitPermit {
    circuit: Arc<Circuit>,
    epoch: u64,
    verdict: Verdict,
}

/// A call under way.
struct Call<'a> {
    circuit: &'a Circuit,
    epoch: u64,
    verdict: Verdict,
}

pin_project! {
    /// A call as a future. By hand, because an async function would hold `operation` twice, which
    /// doubles with each guard around another.
    struct Calling<'a, F> {
        // Dropped before the call is over.
        #[pin]
        operation: F,
        circuit: &'a Circuit,
        call: Option<Call<'a>>,
    }
}

// === impl CircuitBreaker ===

impl CircuitBreaker {
    /// Whose circuit it is.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.circuit.key
    }

    /// Makes a call if the circuit lets it through, in the caller's own task. `operation` is not
    /// polled if it does not.
    ///
    /// An infrastructure error is a failure, unless it is a refusal of this program itself: by a
    /// limit, another circuit, a system that stops. A value is a success, and so are validation and
    /// business errors: whoever is there and refuses works. A system error, a panic, and a call
    /// that is given up say nothing; so a call that may hang is made with [`Self::call_within`].
    ///
    /// # Errors
    ///
    /// `circuit_open`, with `retry_after_seconds` while it is open; while it is half-open that
    /// depends on how long the probes take. And what `operation` comes to.
    pub fn call<T, F: Future<Output = Result<T>>>(
        &self,
        operation: F,
    ) -> impl Future<Output = Result<T>> + use<'_, T, F> {
        Calling { circuit: &self.circuit, call: None, operation }
    }

    /// As [`Self::call`], for a call that may take as long as `deadline`. One that takes longer is
    /// dropped, and is a failure: what hangs is left alone like what is down. A deadline that is
    /// around [`Self::call`] is not seen by the circuit.
    ///
    /// # Errors
    ///
    /// As [`Self::call`], and `timeout`.
    pub fn call_within<T, F: Future<Output = Result<T>>>(
        &self,
        deadline: Duration,
        operation: F,
    ) -> impl Future<Output = Result<T>> + use<'_, T, F> {
        self.call(self.circuit.home.within(deadline, operation))
    }

    /// Takes the right to make one call, for callers whose result does not say by itself whether it
    /// is a failure.
    ///
    /// # Errors
    ///
    /// `circuit_open`.
    pub fn acquire(&self) -> Result<CircuitPermit> {
        let epoch = self.circuit.acquire()?;
        Ok(CircuitPermit { circuit: Arc::clone(&self.circuit), epoch, verdict: Verdict::Neutral })
    }

    /// Opens it from now on, whatever it is. Calls that are under way count no more.
    pub fn trip(&self) {
        self.circuit.change(|told| self.circuit.gate.trip(|| self.circuit.now(), told));
    }

    /// Closes it, whatever it is. Calls that are under way count no more.
    pub fn reset(&self) {
        self.circuit.change(|told| self.circuit.gate.reset(told));
    }

    /// What it is now.
    #[must_use]
    pub fn status(&self) -> CircuitStatus {
        let looks = self.circuit.gate.looks(|| self.circuit.now());
        let Looks { state, failures, successes, probes, retry_after } = looks;
        let retry_after = retry_after.map(Duration::from_nanos);
        let key = Arc::clone(&self.circuit.key);
        CircuitStatus { key, state, failures, successes, probes, retry_after }
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CircuitBreaker").field(&self.status()).finish()
    }
}

/// What an error says about what is behind a circuit.
fn judge(error: &Error) -> Verdict {
    match error.category() {
        Category::Infrastructure if is_our_own(error.code()) => Verdict::Neutral,
        Category::Infrastructure => Verdict::Failure,
        Category::Validation | Category::Business => Verdict::Success,
        Category::System => Verdict::Neutral,
    }
}

/// Whether a call was refused on this side, so that it says nothing about the other.
fn is_our_own(code: &str) -> bool {
    let refusals = [
        codes::BACKPRESSURE_ACTIVE,
        codes::BULKHEAD_FULL,
        codes::CIRCUIT_OPEN,
        codes::MAX_CHILDREN,
        codes::POOL_CLOSED,
        codes::POOL_FULL,
        codes::RATE_LIMITED,
        codes::RESOURCE_EXHAUSTED,
        codes::SYSTEM_STOPPING,
        codes::TOO_MANY_CIRCUITS,
        codes::TOO_MANY_KEYS,
        codes::TOO_MANY_SCHEDULES,
    ];
    refusals.iter().any(|refusal| refusal.name == code)
}

// === impl Circuit ===

impl Circuit {
    pub(super) fn new(
        key: Arc<str>,
        thresholds: Thresholds,
        home: &Home,
        started: Instant,
        listeners: &Arc<Listeners<CircuitChange>>,
    ) -> Self {
        let (home, listeners) = (home.clone(), Arc::clone(listeners));
        Self { key, gate: Gate::new(thresholds), home, started, listeners }
    }

    /// Gives it options of its own.
    pub(super) fn configure(&self, thresholds: Thresholds) {
        self.gate.configure(thresholds);
    }

    /// Whether nothing is lost when it is forgotten and made again.
    pub(super) fn is_idle(&self, now: u64) -> bool {
        self.gate.is_idle(now)
    }

    #[inline]
    fn acquire(&self) -> Result<u64> {
        match self.gate.pass() {
            Some(epoch) => Ok(epoch),
            None => self.acquire_with_a_trace(),
        }
    }

    #[cold]
    fn acquire_with_a_trace(&self) -> Result<u64> {
        let mut acquired = Err(Refused { retry_after: None });
        self.change(|told| {
            let change;
            (acquired, change) = self.gate.acquire(|| self.now(), told);
            change
        });
        acquired.map_err(|Refused { retry_after }| {
            tracing::debug!(key = %self.key, "circuit.refused");
            let error = Error::from(codes::CIRCUIT_OPEN).with_detail("key", &*self.key);
            match retry_after {
                Some(wait) => error.with_retry_after(Duration::from_nanos(wait)),
                None => error,
            }
        })
    }

    #[inline]
    fn settle(&self, epoch: u64, verdict: Verdict) {
        if LevelFilter::current() == LevelFilter::TRACE {
            self.called(verdict);
        }
        if !self.gate.leaves_no_trace(epoch, verdict) {
            self.change(|told| self.gate.settle(epoch, verdict, || self.now(), told));
        }
    }

    /// A call is over. Apart from it, because the code of an event that nobody hears takes as long
    /// as the call.
    #[cold]
    fn called(&self, verdict: Verdict) {
        tracing::trace!(key = %self.key, ?verdict, "circuit.called");
    }

    /// Changes it, and tells of that: listeners under its lock, so that all hear in one order, and
    /// whoever reads events after it.
    fn change(&self, change: impl FnOnce(&dyn Fn(Change)) -> Option<Change>) {
        let at = self.home.ports.now();
        let changed = change(&|Change { from, to }| {
            let key = Arc::clone(&self.key);
            self.listeners.tell(&CircuitChange { key, from, to, at, missed: 0 });
        });
        let Some(Change { from, to }) = changed else { return };
        let key = &self.key;
        if to == CircuitState::Open {
            tracing::warn!(%key, ?from, ?to, "circuit.changed");
        } else {
            tracing::info!(%key, ?from, ?to, "circuit.changed");
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl<T, F: Future<Output = Result<T>>> Future for Calling<'_, F> {
    type Output = Result<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.project();
        let circuit = *this.circuit;
        if this.call.is_none() {
            let epoch = circuit.acquire()?;
            *this.call = Some(Call { circuit, epoch, verdict: Verdict::Neutral });
        }
        let result = ready!(this.operation.poll(cx));
        if let Some(mut call) = this.call.take() {
            call.verdict = match &result {
                Ok(_) => Verdict::Success,
                Err(error) => judge(error),
            };
        }
        Poll::Ready(result)
    }
}

// === impl CircuitPermit ===

impl CircuitPermit {
    /// The call has succeeded.
    pub fn success(mut self) {
        self.verdict = Verdict::Success;
    }

    /// The call has failed, in a way that says that what is behind the circuit does not work.
    pub fn failure(mut self) {
        self.verdict = Verdict::Failure;
    }
}

impl Drop for CircuitPermit {
    fn drop(&mut self) {
        self.circuit.settle(self.epoch, self.verdict);
    }
}

impl Drop for Call<'_> {
    #[inline]
    fn drop(&mut self) {
        self.circuit.settle(self.epoch, self.verdict);
    }
}

impl fmt::Debug for CircuitPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CircuitPermit").field(&self.circuit.key).finish()
    }
}
