//! A bulkhead, as its callers use it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::options::BulkheadOptions;
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::sync::{AtomicUsize, Ordering};
use crate::system::{Home, InSystem};

/// Bounds how many calls run at a time, so that one slow dependency cannot take everything. A clone
/// is the same bulkhead.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{Bulkhead, BulkheadOptions, System};
/// use std::time::Duration;
///
/// let system = System::builder().name("shop").start().await?;
/// let bank = Bulkhead::new(&system, "bank", BulkheadOptions::new(1).max_queue(0))?;
/// let permit = bank.try_acquire()?;
/// let refused = bank.call(Duration::from_secs(1), async { Ok(17) }).await.unwrap_err();
/// assert_eq!(refused.code(), "bulkhead_full");
/// drop(permit);
/// assert_eq!(bank.call(Duration::from_secs(1), async { Ok(17) }).await?, 17);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Bulkhead {
    bulkhead: Arc<Inner>,
}

struct Inner {
    name: Arc<str>,
    home: Home,
    options: BulkheadOptions,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A place inside of a bulkhead. Dropping it leaves, and lets the one in who waits longest.
#[derive(Debug)]
#[must_use = "dropping a permit leaves the bulkhead"]
pub struct BulkheadPermit {
    _place: OwnedSemaphorePermit,
}

/// A bulkhead, as it was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkheadStatus {
    /// How many are inside.
    pub running: usize,
    /// How many wait.
    pub waiting: usize,
    /// How many may be inside.
    pub max_concurrent: usize,
    /// How many may wait.
    pub max_queue: usize,
}

pin_project! {
    /// A call as a future. By hand, because an async function would hold `operation` twice, which
    /// doubles with each guard around another.
    struct Calling<A, F> {
        // Dropped before the place is left.
        #[pin]
        operation: F,
        #[pin]
        acquiring: A,
        permit: Option<BulkheadPermit>,
    }
}

/// Somebody who waits.
struct Waiting<'a>(&'a AtomicUsize);

// === impl Bulkhead ===

impl Bulkhead {
    /// A bulkhead called `name`, in errors.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn new(
        system: &impl InSystem,
        name: impl Into<Arc<str>>,
        options: BulkheadOptions,
    ) -> Result<Self> {
        options.validate()?;
        let places = Arc::new(Semaphore::new(options.max_concurrent));
        let (name, home, waiting) = (name.into(), system.home(), AtomicUsize::new(0));
        Ok(Self { bulkhead: Arc::new(Inner { name, home, options, places, waiting }) })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.bulkhead.name
    }

    /// Goes inside if there is a place, without waiting. Nobody is overtaken: while somebody waits
    /// there is none.
    ///
    /// # Errors
    ///
    /// `bulkhead_full`.
    pub fn try_acquire(&self) -> Result<BulkheadPermit> {
        match Arc::clone(&self.bulkhead.places).try_acquire_owned() {
            Ok(place) => Ok(BulkheadPermit { _place: place }),
            Err(_none_free) => Err(self.bulkhead.full()),
        }
    }

    /// Goes inside, and waits for a place for `deadline` at most: zero does not wait. Dropping it
    /// gives up waiting.
    ///
    /// # Errors
    ///
    /// `bulkhead_full` when as many wait as may, and when no place has come free in time;
    /// `system_stopping`.
    pub async fn acquire(&self, deadline: Duration) -> Result<BulkheadPermit> {
        let bulkhead = &*self.bulkhead;
        if let Ok(place) = Arc::clone(&bulkhead.places).try_acquire_owned() {
            return Ok(BulkheadPermit { _place: place });
        }
        let _waiting = bulkhead.queue()?;
        let limit = bulkhead.home.limit(Some(deadline));
        let place = Within::new(limit, Arc::clone(&bulkhead.places).acquire_owned()).await;
        match place {
            Ok(Ok(place)) => Ok(BulkheadPermit { _place: place }),
            // It is never closed.
            Ok(Err(_closed)) => Err(bulkhead.full()),
            Err(_passed) => Err(bulkhead.home.passed_or(|| bulkhead.full())),
        }
    }

    /// Makes a call inside, in the caller's own task; `deadline` is for the waiting, not for the
    /// call. `operation` is not polled if there is no place.
    ///
    /// # Errors
    ///
    /// As [`Self::acquire`], and what `operation` comes to.
    pub fn call<T, F: Future<Output = Result<T>>>(
        &self,
        deadline: Duration,
        operation: F,
    ) -> impl Future<Output = Result<T>> + use<'_, T, F> {
        Calling { acquiring: self.acquire(deadline), permit: None, operation }
    }

    /// Who is inside, and who waits.
    #[must_use]
    pub fn status(&self) -> BulkheadStatus {
        let Inner { options, places, waiting, .. } = &*self.bulkhead;
        let BulkheadOptions { max_concurrent, max_queue } = *options;
        BulkheadStatus {
            running: max_concurrent - places.available_permits(),
            waiting: waiting.load(Ordering::Relaxed),
            max_concurrent,
            max_queue,
        }
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Bulkhead");
        shown.field("name", &self.name()).field("status", &self.status()).finish_non_exhaustive()
    }
}

impl<T, A, F> Future for Calling<A, F>
where
    A: Future<Output = Result<BulkheadPermit>>,
    F: Future<Output = Result<T>>,
{
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.project();
        if this.permit.is_none() {
            *this.permit = Some(ready!(this.acquiring.poll(cx))?);
        }
        let result = ready!(this.operation.poll(cx));
        *this.permit = None;
        Poll::Ready(result)
    }
}

// === impl Inner ===

impl Inner {
    fn queue(&self) -> Result<Waiting<'_>> {
        let relaxed = Ordering::Relaxed;
        let one_more = |waiting| (waiting < self.options.max_queue).then_some(waiting + 1);
        match self.waiting.fetch_update(relaxed, relaxed, one_more) {
            Ok(_before) => Ok(Waiting(&self.waiting)),
            Err(_all_wait) => Err(self.full()),
        }
    }

    fn full(&self) -> Error {
        tracing::debug!(bulkhead = %self.name, "bulkhead.refused");
        Error::from(codes::BULKHEAD_FULL).with_detail("bulkhead", &*self.name)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
