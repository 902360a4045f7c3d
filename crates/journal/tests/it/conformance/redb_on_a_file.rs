//! The engine on redb keeps what the port promises: on a file, with threads of its own.

use std::path::{Path, PathBuf};

use foundation::{Result, System};
use journal::testing::{Harness, Setup};
use journal::{Journal, RedbOptions};
use tempfile::TempDir;

/// A store in a folder of its own. It cannot be killed from inside of the process, so a crash is a
/// close without a word: what is queued is committed by it.
struct OnFile(TempDir);

impl OnFile {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

fn options(path: &Path, setup: &Setup) -> RedbOptions {
    RedbOptions::new(path)
        .shards(setup.shards)
        .limits(setup.limits)
        .pressure(setup.pressure)
        .retention(setup.retention)
}

#[async_trait::async_trait]
impl Harness for OnFile {
    async fn open(&self, system: &System, setup: &Setup) -> Result<Journal> {
        options(&self.0.path().join("store.redb"), setup).open(system).await
    }

    async fn crash(&self, journal: Journal) {
        journal.close().await.unwrap();
    }

    async fn settle(&self, journal: &Journal) -> Result<()> {
        journal.fold().await
    }

    fn survives(&self) -> bool {
        true
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.0.path().join(name))
    }

    async fn open_backup(&self, system: &System, setup: &Setup, path: &Path) -> Result<Journal> {
        options(path, setup).open(system).await
    }
}

journal::conformance! {
    #[tokio::test]
    OnFile::new()
}
