//! Ours: a task pool, and commands.

use anyhow::Result;
use foundation::{
    Command, CommandOptions, Commands, System, Task, TaskPool, TaskPoolOptions, TaskSupervisor,
};

use super::{BATCH, PROGRAM, Subject};

/// A pool and commands under one supervisor.
#[derive(Debug)]
pub struct Ours {
    system: System,
    pool: TaskPool,
    commands: Commands,
}

impl Subject for Ours {
    const KEY: &'static str = "ours";

    async fn start() -> Result<Self> {
        let system = System::builder().name("bench").start().await?;
        let tasks = TaskSupervisor::builder().name("tasks").start(&system).await?;
        let pool = TaskPool::new(&tasks, "bench", TaskPoolOptions::new(usize::try_from(BATCH)?))?;
        let commands = Commands::new(&tasks, CommandOptions::default().allow(PROGRAM))?;
        Ok(Self { system, pool, commands })
    }

    async fn task(&self, value: u64) -> Result<u64> {
        Ok(self.pool.async_nolink(async move { Ok(value) })?.await?)
    }

    async fn tasks(&self, values: u64) -> Result<u64> {
        let started = |value| self.pool.async_nolink(async move { Ok(value) });
        let tasks: Vec<_> = (0..values).map(started).collect::<foundation::Result<_>>()?;
        Ok(Task::await_many(tasks).await?.iter().sum())
    }

    async fn program(&self) -> Result<Vec<u8>> {
        Ok(self.commands.run(Command::new(PROGRAM)).await?.stdout().to_vec())
    }

    async fn stop(self) -> Result<()> {
        Ok(self.system.stop().await?)
    }
}
