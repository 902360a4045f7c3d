//! A log that fails and hesitates as it is told to, around one that does not.

mod fault;
mod hold;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use foundation::Result;
use jiff::Timestamp;
use tokio::sync::watch;

pub use fault::{Fault, Moment, Operation};
pub use hold::Hold;

use self::fault::Faults;
use self::hold::Holds;
use crate::log::{LogBounds, LogPage, LogPosition, PartChange, Retained, Retention, SignalLog};
use crate::signal::Signal;
use crate::sync::Mutex;

/// A log around another one, which fails as it is [told to](Self::inject), and
/// [holds](Self::hold) calls until they are released. A clone is the same one.
///
/// It counts the [calls](Self::calls): a test that runs once without faults knows how many points
/// there are at which to fail, and runs once for each.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::System;
/// use signals::testing::{Fault, FaultyLog, Operation};
/// use signals::{LogPosition, MemoryLog, Signal, SignalLog};
///
/// let system = System::builder().start().await?;
/// let log = FaultyLog::new(MemoryLog::new(&system));
/// let signal = Signal::new("order.7.shipped", "/shop").stamp(&system)?;
///
/// // The second append from now on says that it failed, though it did not.
/// log.inject(Fault::after(Operation::Append).nth(2));
/// assert!(log.append(vec![signal.clone()]).await.is_ok());
/// assert!(log.append(vec![signal.clone()]).await.is_err());
/// assert_eq!(log.read(LogPosition::START, 10).await?.entries.len(), 2);
/// system.stop().await
/// # })?;
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Clone)]
pub struct FaultyLog {
    log: Arc<dyn SignalLog>,
    faults: Arc<Mutex<Faults>>,
    holds: Holds,
}

impl FaultyLog {
    /// Around a log, without faults.
    #[must_use]
    pub fn new(log: impl SignalLog) -> Self {
        Self::around(Arc::new(log))
    }

    /// As [`Self::new`], around a log that others have too.
    #[must_use]
    pub fn around(log: Arc<dyn SignalLog>) -> Self {
        Self { log, faults: Arc::default(), holds: Holds::default() }
    }

    /// Has calls fail, beside those that fail already. Of two faults of one call the earlier one
    /// counts.
    pub fn inject(&self, fault: Fault) {
        self.faults.lock().inject(fault);
    }

    /// Forgets all faults.
    pub fn heal(&self) {
        self.faults.lock().heal();
    }

    /// How many calls of an operation there were, those that failed too.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.faults.lock().calls(operation)
    }

    /// How many calls there were that change the log, as [`Operation::WRITES`] names them.
    #[must_use]
    pub fn writes(&self) -> u64 {
        Operation::WRITES.iter().map(|operation| self.calls(*operation)).sum()
    }

    /// Holds every call of an operation, before or after it has been done, until what is given here
    /// is released or dropped.
    pub fn hold(&self, operation: Operation, moment: Moment) -> Hold {
        self.holds.hold(operation, moment)
    }

    async fn call<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let failure = self.faults.lock().begin(operation);
        self.holds.pass(operation, Moment::Before).await;
        match failure {
            Some((Moment::Before, error)) => Err(error),
            Some((Moment::After, error)) => {
                let done = call.await;
                self.holds.pass(operation, Moment::After).await;
                done.and(Err(error))
            }
            None => {
                let done = call.await;
                self.holds.pass(operation, Moment::After).await;
                done
            }
        }
    }
}

#[async_trait]
impl SignalLog for FaultyLog {
    async fn append(&self, signals: Vec<Signal>) -> Result<Vec<LogPosition>> {
        self.call(Operation::Append, self.log.append(signals)).await
    }

    async fn read(&self, after: LogPosition, limit: usize) -> Result<LogPage> {
        self.call(Operation::Read, self.log.read(after, limit)).await
    }

    fn tail(&self) -> watch::Receiver<LogPosition> {
        self.log.tail()
    }

    async fn bounds(&self) -> Result<LogBounds> {
        self.call(Operation::Bounds, self.log.bounds()).await
    }

    async fn position_at(&self, time: Timestamp) -> Result<LogPosition> {
        self.call(Operation::PositionAt, self.log.position_at(time)).await
    }

    async fn retain(&self, retention: Retention) -> Result<Retained> {
        self.call(Operation::Retain, self.log.retain(retention)).await
    }

    async fn load_part(&self, owner: &str, key: &str) -> Result<Option<Vec<u8>>> {
        self.call(Operation::LoadPart, self.log.load_part(owner, key)).await
    }

    async fn list_parts(
        &self,
        owner: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        self.call(Operation::ListParts, self.log.list_parts(owner, after, limit)).await
    }

    async fn store_parts(&self, owner: &str, changes: Vec<PartChange>) -> Result<()> {
        self.call(Operation::StoreParts, self.log.store_parts(owner, changes)).await
    }

    async fn owners(&self) -> Result<Vec<String>> {
        self.call(Operation::Owners, self.log.owners()).await
    }
}

impl fmt::Debug for FaultyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("FaultyLog");
        shown.field("log", &self.log).field("faults", &*self.faults.lock()).finish_non_exhaustive()
    }
}
