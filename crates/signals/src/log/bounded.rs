//! A log of which no call takes for ever, as a bus uses it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use foundation::{Error, Result, codes};
use jiff::Timestamp;
use tokio::sync::watch;

use super::entry::{LogBounds, LogPage, LogPosition, Retained, Retention};
use super::port::{PartChange, SignalLog};
use crate::signal::Signal;

/// Another log, whose calls are given up when they have taken `deadline`.
#[derive(Debug)]
pub(crate) struct Bounded {
    log: Arc<dyn SignalLog>,
    deadline: Duration,
}

impl Bounded {
    pub(crate) fn new(log: Arc<dyn SignalLog>, deadline: Duration) -> Self {
        Self { log, deadline }
    }

    async fn within<T>(
        &self,
        call: &'static str,
        answer: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                let after = u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX);
                Err(Error::from(codes::TIMEOUT)
                    .with_message("the log has not answered in time")
                    .with_detail("call", call)
                    .with_detail("after_ms", after))
            }
        }
    }
}

#[async_trait]
impl SignalLog for Bounded {
    async fn append(&self, signals: Vec<Signal>) -> Result<Vec<LogPosition>> {
        self.within("append", self.log.append(signals)).await
    }

    async fn read(&self, after: LogPosition, limit: usize) -> Result<LogPage> {
        self.within("read", self.log.read(after, limit)).await
    }

    fn tail(&self) -> watch::Receiver<LogPosition> {
        self.log.tail()
    }

    async fn bounds(&self) -> Result<LogBounds> {
        self.within("bounds", self.log.bounds()).await
    }

    async fn position_at(&self, time: Timestamp) -> Result<LogPosition> {
        self.within("position_at", self.log.position_at(time)).await
    }

    async fn retain(&self, retention: Retention) -> Result<Retained> {
        self.within("retain", self.log.retain(retention)).await
    }

    async fn load_part(&self, owner: &str, key: &str) -> Result<Option<Vec<u8>>> {
        self.within("load_part", self.log.load_part(owner, key)).await
    }

    async fn list_parts(
        &self,
        owner: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        self.within("list_parts", self.log.list_parts(owner, after, limit)).await
    }

    async fn store_parts(&self, owner: &str, changes: Vec<PartChange>) -> Result<()> {
        self.within("store_parts", self.log.store_parts(owner, changes)).await
    }

    async fn owners(&self) -> Result<Vec<String>> {
        self.within("owners", self.log.owners()).await
    }
}
