//! A middleware that writes down what it sees, and does what a test tells it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use foundation::{Error, Result};
use signals::{Dispatch, Middleware, Published, Receipt, Signal, SubscriptionInfo};
use testkit::Log;

use super::super::fixture::said;
use super::renamed;

/// How long one takes that does.
pub(super) const SLOW: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    BeforePublish,
    BeforeDispatch,
    AfterDispatch,
    AfterPublish,
}

/// What a station does at one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Nothing,
    Fail(&'static str),
    /// Fails at signals of this type.
    FailAt(&'static str),
    Rename(&'static str),
    Prefix(&'static str),
    Skip,
    Panic,
    /// Never comes back.
    Hang,
    /// Never comes back, and panics when it is dropped.
    HangAndPanic,
    Take,
    /// Takes its time over signals of this type.
    TakeFor(&'static str),
}

pub(super) struct Station {
    name: &'static str,
    log: Log,
    at: Stage,
    does: Does,
    /// For which receiver, if not for all.
    only: Option<&'static str>,
    seen: Arc<AtomicU64>,
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb");
    }
}

impl Station {
    pub(super) fn new(name: &'static str, log: &Log) -> Self {
        let (at, does, seen) = (Stage::BeforePublish, Does::Nothing, Arc::default());
        Self { name, log: log.clone(), at, does, only: None, seen }
    }

    pub(super) fn does(self, at: Stage, does: Does) -> Self {
        Self { at, does, ..self }
    }

    pub(super) fn only(self, receiver: &'static str) -> Self {
        Self { only: Some(receiver), ..self }
    }

    pub(super) fn seen(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.seen)
    }

    /// What it does here; gives what is to become of a signal, if that is what it does.
    async fn pass(&self, stage: Stage, topic: &str, receiver: Option<&str>) -> Result<Does> {
        let is_meant = self.only.is_none() || self.only == receiver;
        if self.at != stage || !is_meant {
            return Ok(Does::Nothing);
        }
        match self.does {
            Does::Fail(code) => return Err(Error::business(code)),
            Does::FailAt(meant) if meant == topic => return Err(Error::business("stopped")),
            Does::Panic => panic!("{} at {stage:?}", self.name),
            Does::Hang => std::future::pending().await,
            Does::HangAndPanic => {
                let _bomb = Bomb;
                std::future::pending::<()>().await;
            }
            Does::TakeFor(meant) if meant == topic => testkit::pass(SLOW).await,
            Does::Take => testkit::pass(SLOW).await,
            _ => {}
        }
        Ok(self.does)
    }
}

fn changed(signal: Signal, does: Does) -> Result<Signal> {
    match does {
        Does::Rename(topic) => renamed(&signal, topic.to_owned()),
        Does::Prefix(prefix) => renamed(&signal, format!("{prefix}.{}", signal.topic())),
        _ => Ok(signal),
    }
}

#[async_trait]
impl Middleware for Station {
    fn name(&self) -> &str {
        assert!(self.name != "nameless", "it has no name");
        self.name
    }

    async fn before_publish(&self, signal: Signal) -> Result<Signal> {
        self.seen.fetch_add(1, Ordering::Relaxed);
        self.log.push(format!("{} BeforePublish", self.name));
        let does = self.pass(Stage::BeforePublish, signal.topic().as_str(), None).await?;
        changed(signal, does)
    }

    async fn after_publish(&self, published: &Published) -> Result<()> {
        self.log.push(format!("{} AfterPublish {}", self.name, published.accepted()));
        let topic = published.signal().topic().as_str();
        self.pass(Stage::AfterPublish, topic, None).await.map(drop)
    }

    async fn before_dispatch(&self, signal: Signal, to: &SubscriptionInfo) -> Result<Dispatch> {
        self.log.push(format!("{} BeforeDispatch {}", self.name, to.receiver));
        let topic = signal.topic().as_str();
        let does = self.pass(Stage::BeforeDispatch, topic, Some(&to.receiver)).await?;
        if does == Does::Skip {
            return Ok(Dispatch::Skip);
        }
        changed(signal, does).map(Dispatch::Deliver)
    }

    async fn after_dispatch(&self, signal: &Signal, receipt: &Receipt) -> Result<()> {
        self.log.push(format!("{} AfterDispatch {}", self.name, said(receipt)));
        let topic = signal.topic().as_str();
        self.pass(Stage::AfterDispatch, topic, Some(receipt.receiver())).await.map(drop)
    }
}
