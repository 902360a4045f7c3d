//! What is told while a store is checked and repaired.

use foundation::System;
use journal::testing::Disk;
use journal::{Append, Load, Payload, RedbOptions, Shard, Share, StreamId};
use testkit::Telemetry;

fn stream() -> StreamId {
    StreamId::new("account", "alice").unwrap()
}

/// Opens the store and appends to it. Gives the progress that was told while it was opened.
async fn session(disk: &Disk, check: bool, close: bool) -> Vec<f64> {
    let system = System::builder().start().await.unwrap();
    let telemetry = Telemetry::listen();
    let options = RedbOptions::on_disk(disk).check_on_open(check);
    let journal = options.open(&system).await.unwrap();
    let told = telemetry.about("journal.checking");
    let lease = journal.acquire(Shard::new(0)).await.unwrap();
    let mut writer = journal.open(&lease, &stream()).await.unwrap();
    let permit = writer.permit(Share::New, 100).await.unwrap();
    let append = Append::new().event(Payload::new(1, *b"deposited 10"));
    writer.append(permit, append).unwrap().await.unwrap();
    assert_eq!(telemetry.about("journal.checking"), told, "it is told of opening only");
    if close {
        journal.close().await.unwrap();
    } else {
        // Whatever was not synced is lost, and that the store was closed is not written.
        disk.cut_power(&mut |_| 0);
    }
    drop((writer, journal));
    system.stop().await.unwrap();
    let progress = told.iter().map(|event| {
        let said = event.strip_prefix("DEBUG journal.checking path=a simulated disk progress=");
        said.unwrap_or_else(|| panic!("{event}")).parse().unwrap()
    });
    progress.collect()
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_not_closed_tells_how_far_its_repair_is() {
    let disk = Disk::new();
    let new = session(&disk, true, true).await;
    let closed = session(&disk, true, true).await;
    let unchecked = session(&disk, false, false).await;
    let crashed = session(&disk, false, true).await;
    assert_eq!(new, [0.0; 0], "there is nothing to be checked");
    assert_eq!(unchecked, [0.0; 0], "it was closed, and is not to be checked");
    for told in [&closed, &crashed] {
        // In how many steps is the store's own affair.
        assert!(told.len() > 1 && told[0].abs() < f64::EPSILON, "{told:?}");
        assert!(told.is_sorted() && told.iter().all(|it| (0.0..1.0).contains(it)), "{told:?}");
    }

    let system = System::builder().start().await.unwrap();
    let journal = RedbOptions::on_disk(&disk).open(&system).await.unwrap();
    assert_eq!(journal.load(&stream(), Load::all()).await.unwrap().version.get(), 4);
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}
