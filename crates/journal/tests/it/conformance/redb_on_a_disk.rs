//! The engine on redb keeps what the port promises: on a simulated disk, whose power is cut.

use std::path::{Path, PathBuf};

use foundation::{Result, System};
use journal::testing::{Disk, Harness, Setup};
use journal::{Journal, RedbOptions};
use tempfile::TempDir;

use crate::contents::read_file;

/// A store on a disk that a crash takes everything from that was not synced. Backups of it are files.
struct OnDisk(Disk, TempDir);

impl OnDisk {
    fn new() -> Self {
        Self(Disk::new(), tempfile::tempdir().unwrap())
    }
}

fn options(disk: &Disk, setup: &Setup) -> RedbOptions {
    RedbOptions::on_disk(disk)
        .shards(setup.shards)
        .limits(setup.limits)
        .pressure(setup.pressure)
        .retention(setup.retention)
}

#[async_trait::async_trait]
impl Harness for OnDisk {
    async fn open(&self, system: &System, setup: &Setup) -> Result<Journal> {
        options(&self.0, setup).open(system).await
    }

    async fn crash(&self, journal: Journal) {
        // The largest number each time: nothing is left of what was not synced.
        self.0.cut_power(&mut |below| below - 1);
        // Its next commit fails, so that it lets go of the disk.
        let _ = journal.close().await;
    }

    async fn settle(&self, journal: &Journal) -> Result<()> {
        journal.fold().await
    }

    fn survives(&self) -> bool {
        true
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.1.path().join(name))
    }

    async fn open_backup(&self, system: &System, setup: &Setup, path: &Path) -> Result<Journal> {
        // On a disk of its own: it works on the runtime then, in paused time.
        options(&Disk::from_image(read_file(path)), setup).open(system).await
    }
}

journal::conformance! {
    #[tokio::test(start_paused = true)]
    OnDisk::new()
}
