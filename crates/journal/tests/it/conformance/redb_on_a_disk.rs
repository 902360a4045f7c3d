//! The engine on redb keeps what the port promises: on a simulated disk, whose power is cut.

use foundation::{Result, System};
use journal::testing::{Disk, Harness, Setup};
use journal::{Journal, RedbOptions};

/// A store on a disk that a crash takes everything from that was not synced.
#[derive(Default)]
struct OnDisk(Disk);

#[async_trait::async_trait]
impl Harness for OnDisk {
    async fn open(&self, system: &System, setup: &Setup) -> Result<Journal> {
        RedbOptions::on_disk(&self.0)
            .shards(setup.shards)
            .limits(setup.limits)
            .pressure(setup.pressure)
            .retention(setup.retention)
            .open(system)
            .await
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
}

journal::conformance! {
    #[tokio::test(start_paused = true)]
    OnDisk::default()
}
