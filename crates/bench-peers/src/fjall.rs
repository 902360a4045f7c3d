//! The crate `fjall`: a tree for states, under their streams, and one for events, under stream and
//! version. Whatever waits is one batch, which is synced.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use bench::journal::{Folding, Grouped, Record, Store, Subject};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

/// A database and the thread that commits.
pub(crate) struct Peer {
    trees: Trees,
    thread: Grouped,
}

#[derive(Clone)]
struct Trees {
    database: Database,
    states: Keyspace,
    events: Keyspace,
}

fn event_key(stream: u32, version: u64) -> Vec<u8> {
    [stream.to_be_bytes().as_slice(), version.to_be_bytes().as_slice()].concat()
}

impl Store for Trees {
    fn commit(&mut self, group: &[Record]) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for record in group {
            batch.insert(&self.states, record.stream.to_be_bytes(), record.state.as_slice());
            if let Some(event) = &record.event {
                let key = event_key(record.stream, record.version);
                batch.insert(&self.events, key, event.as_slice());
            }
        }
        Ok(batch.commit()?)
    }
}

impl Subject for Peer {
    const KEY: &'static str = "fjall";
    type Stream = ();

    async fn open(folder: &Path, _: Folding) -> Result<Self> {
        let database = Database::builder(folder.join("fjall")).open()?;
        let states = database.keyspace("states", KeyspaceCreateOptions::default)?;
        let events = database.keyspace("events", KeyspaceCreateOptions::default)?;
        let trees = Trees { database, states, events };
        Ok(Self { thread: Grouped::start(trees.clone())?, trees })
    }

    async fn stream(&self, _: u32) -> Result<()> {
        Ok(())
    }

    async fn append(&self, (): &mut (), record: Record) -> Result<()> {
        self.thread.append(record).await
    }

    async fn appends(&self, streams: u32) -> Result<u64> {
        let mut appends = 0;
        for stream in 0..streams {
            if let Some(state) = self.trees.states.get(stream.to_be_bytes())? {
                appends += Record::read(stream, &state, None).version;
            }
        }
        let events = u64::try_from(self.trees.events.len()?)?;
        ensure!(events == 0 || events == appends, "{appends} appends and {events} events");
        Ok(appends)
    }

    async fn load(&self, stream: u32) -> Result<Option<Record>> {
        let Some(state) = self.trees.states.get(stream.to_be_bytes())? else { return Ok(None) };
        let record = Record::read(stream, &state, None);
        let event = self.trees.events.get(event_key(stream, record.version))?;
        let event = event.map(|event| event.to_vec());
        Ok(Some(Record { event, ..record }))
    }

    async fn close(self) -> Result<()> {
        self.thread.close().context("fjall")
    }
}
