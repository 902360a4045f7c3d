//! A system with a bus that has a log, which outlives the bus, and which fails as a test says.

use std::sync::Arc;

use foundation::{ActorRef, DynamicSupervisor, Restart, Supervisor, System, TaskActor};
use signals::testing::FaultyLog;
use signals::{
    Bus, BusBuilder, Durable, LogPosition, MemoryLog, Published, Signal, SignalLog, Start,
};
use testkit::eventually;

/// A system with a bus that has a log.
pub(crate) struct Shop {
    pub(crate) system: System,
    pub(crate) memory: MemoryLog,
    pub(crate) log: FaultyLog,
    pub(crate) bus: Bus,
    pub(crate) tree: ActorRef<Supervisor>,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(options: impl FnOnce(BusBuilder) -> BusBuilder) -> Self {
        let system = System::builder().name("shop").start().await.unwrap();
        let memory = MemoryLog::new(&system);
        Self::on(system, memory, options).await
    }

    pub(crate) async fn on(
        system: System,
        memory: MemoryLog,
        options: impl FnOnce(BusBuilder) -> BusBuilder,
    ) -> Self {
        let log = FaultyLog::new(memory.clone());
        let (bus, tree) = open(&system, &log, options).await;
        Self { system, memory, log, bus, tree }
    }

    /// The bus ends abruptly, and a new one begins on the same log.
    pub(crate) async fn crash(&mut self) {
        self.crash_with(|builder| builder).await;
    }

    pub(crate) async fn crash_with(&mut self, options: impl FnOnce(BusBuilder) -> BusBuilder) {
        self.tree.kill();
        self.tree.exited().await;
        (self.bus, self.tree) = open(&self.system, &self.log, options).await;
    }

    /// The bus ends in order, and a new one begins on the same log.
    pub(crate) async fn restart(&mut self) {
        self.tree.stop(foundation::ExitReason::Shutdown).await.unwrap();
        (self.bus, self.tree) = open(&self.system, &self.log, |builder| builder).await;
    }

    /// Those who read the tail are killed; their supervisor starts others.
    pub(crate) async fn kill_tail(&self) {
        self.tree.child::<TaskActor>("feed").await.unwrap().kill();
    }

    /// Handlers, runners and whatever begins after them end abruptly, and begin again.
    pub(crate) async fn kill_handlers(&self) {
        let handlers = self.tree.child::<DynamicSupervisor>("signals.handlers").await.unwrap();
        handlers.kill();
        handlers.exited().await;
    }

    /// Waits until the bus takes something again.
    pub(crate) async fn runs(&self) {
        let mut tries = 0;
        while self.bus.publish(Signal::new("is.there", "/test")).await.is_err() {
            tries += 1;
            assert!(tries < 1000, "it does not run again");
            testkit::pass(std::time::Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn publish(&self, topic: impl Into<String>) {
        assert!(self.report(topic).await.position().is_some());
    }

    pub(crate) async fn report(&self, topic: impl Into<String>) -> Published {
        self.bus.publish(Signal::new(topic.into(), "/shop")).await.unwrap()
    }

    /// `prefix.1` to `prefix.count`.
    pub(crate) async fn publish_many(&self, prefix: &str, count: usize) -> Vec<String> {
        let topics: Vec<_> = (1..=count).map(|number| format!("{prefix}.{number}")).collect();
        for topic in &topics {
            assert!(self.report(topic.clone()).await.is_complete());
        }
        topics
    }

    /// What is in the log.
    pub(crate) async fn logged(&self) -> Vec<String> {
        let page = self.memory.read(LogPosition::START, usize::MAX).await.unwrap();
        let topic = |entry: signals::LogEntry| entry.signal.topic().as_str().to_owned();
        page.entries.into_iter().map(topic).collect()
    }

    pub(crate) async fn end(&self) -> LogPosition {
        self.memory.bounds().await.unwrap().end
    }

    /// What the cursor of a durable subscription is when everything is settled.
    pub(crate) async fn settles(&self, durable: &Durable) {
        let end = self.end().await;
        eventually(|| {
            let status = durable.status();
            if status.cursor >= end { Ok(()) } else { Err(format!("{end}: {status:?}")) }
        })
        .await;
    }

    pub(crate) async fn stop(self) {
        self.system.stop().await.unwrap();
    }
}

async fn open(
    system: &System,
    log: &FaultyLog,
    options: impl FnOnce(BusBuilder) -> BusBuilder,
) -> (Bus, ActorRef<Supervisor>) {
    let log: Arc<dyn SignalLog> = Arc::new(log.clone());
    let (bus, child) = options(Bus::builder().log(log)).build(system).unwrap();
    let tree = system.start(child.restart(Restart::Temporary)).await.unwrap();
    (bus, tree)
}

/// Behind the start of the log.
pub(crate) const BEGINNING: Start = Start::Beginning;
