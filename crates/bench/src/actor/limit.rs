//! The limit: a task that reads a channel of tokio. Nothing supervises it, nothing restarts it.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{How, MAILBOX, Subject};

/// A task and its bounded channel.
#[derive(Debug, Clone)]
pub struct BareTask {
    sender: mpsc::Sender<Message>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

#[derive(Debug)]
enum Message {
    Add(u64),
    Total(oneshot::Sender<u64>),
}

impl BareTask {
    #[expect(clippy::disallowed_methods, reason = "ban: spawn, the limit is a bare task")]
    fn begin(begun: Option<oneshot::Sender<()>>) -> Self {
        let (sender, mut receiver) = mpsc::channel(MAILBOX);
        let task = tokio::spawn(async move {
            let mut total = 0;
            // Whoever starts it waits for this.
            let _ = begun.map(|begun| begun.send(()));
            while let Some(message) = receiver.recv().await {
                match message {
                    Message::Add(amount) => total += amount,
                    // The caller may have gone; then nobody wants the answer.
                    Message::Total(reply) => drop(reply.send(total)),
                }
            }
        });
        Self { sender, task: Arc::new(Mutex::new(Some(task))) }
    }
}

impl Subject for BareTask {
    type World = ();

    async fn world() -> Result<()> {
        Ok(())
    }

    async fn start((): &()) -> Result<Self> {
        Ok(Self::begin(None))
    }

    fn start_so((): &(), _: How) -> Option<impl Future<Output = Result<Self>> + Send> {
        Some(async {
            let (begun, acknowledged) = oneshot::channel();
            let task = Self::begin(Some(begun));
            acknowledged.await.context("the task is gone")?;
            Ok(task)
        })
    }

    #[expect(clippy::disallowed_methods, reason = "ban: spawn, the limit is a bare task")]
    fn task((): &(), value: u64) -> Option<impl Future<Output = Result<u64>> + Send> {
        Some(async move { Ok(tokio::spawn(async move { value }).await?) })
    }

    async fn tell(&self, amount: u64) -> Result<()> {
        self.sender.send(Message::Add(amount)).await.ok().context("the task is gone")
    }

    async fn ask(&self) -> Result<u64> {
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Total(reply)).await.ok().context("the task is gone")?;
        answer.await.context("the task is gone")
    }

    async fn stop((): (), actors: Vec<Self>) -> Result<()> {
        for Self { sender, task } in actors.into_iter().rev() {
            drop(sender);
            let task = task.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            task.context("stopped twice")?.await?;
        }
        Ok(())
    }
}
