//! The limit: bare tasks behind a bare semaphore, and bare processes, each with a deadline.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{BATCH, PROGRAM, Subject};

/// How long a task and a program may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a program would do that has no pool.
#[derive(Debug)]
pub struct Bare {
    places: Arc<Semaphore>,
}

impl Bare {
    #[expect(clippy::disallowed_methods, reason = "ban: spawn, the limit is a bare task")]
    fn spawned(&self, value: u64) -> JoinHandle<Result<u64>> {
        let places = Arc::clone(&self.places);
        tokio::spawn(async move {
            let _place = places.acquire_owned().await.context("no more places")?;
            Ok(timeout(DEADLINE, async move { value }).await?)
        })
    }
}

impl Subject for Bare {
    const KEY: &'static str = "limit_tokio";

    async fn start() -> Result<Self> {
        Ok(Self { places: Arc::new(Semaphore::new(usize::try_from(BATCH)?)) })
    }

    async fn task(&self, value: u64) -> Result<u64> {
        self.spawned(value).await?
    }

    async fn tasks(&self, values: u64) -> Result<u64> {
        let tasks: Vec<_> = (0..values).map(|value| self.spawned(value)).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await??;
        }
        Ok(sum)
    }

    async fn program(&self) -> Result<Vec<u8>> {
        let output = Command::new(PROGRAM).kill_on_drop(true).output();
        Ok(timeout(DEADLINE, output).await??.stdout)
    }

    async fn stop(self) -> Result<()> {
        Ok(())
    }
}
