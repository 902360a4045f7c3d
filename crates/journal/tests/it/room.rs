//! A disk that is nearly full is only read.

use foundation::System;
use journal::testing::{Disk, Faults};
use journal::{
    Append, Journal, Load, Payload, RedbOptions, Shard, Share, StreamId, Ticket, Writer, codes,
    is_refused,
};

/// More than the store takes while these tests run.
const RESERVE: u64 = 4 << 20;

async fn open(system: &System, disk: &Disk) -> (Journal, Writer) {
    let journal = RedbOptions::on_disk(disk).reserve(RESERVE).open(system).await.unwrap();
    let lease = journal.acquire(Shard::new(0)).await.unwrap();
    let writer = journal.open(&lease, &stream()).await.unwrap();
    (journal, writer)
}

fn stream() -> StreamId {
    StreamId::new("account", "alice").unwrap()
}

async fn append(writer: &mut Writer) -> foundation::Result<Ticket> {
    let permit = writer.permit(Share::New, 100).await.unwrap();
    writer.append(permit, Append::new().event(Payload::new(1, vec![7; 100_000])))
}

/// Leaves `room` bytes on the disk.
fn leave(disk: &Disk, room: u64) {
    let length = u64::try_from(disk.image().len()).unwrap();
    disk.faults(Faults { full_at: Some(length + room), ..Faults::default() });
}

#[tokio::test(start_paused = true)]
async fn appends_are_refused_before_the_disk_is_full_and_taken_again_when_there_is_room() {
    let (system, disk) = (System::builder().start().await.unwrap(), Disk::new());
    let (journal, mut writer) = open(&system, &disk).await;
    append(&mut writer).await.unwrap().await.unwrap();

    leave(&disk, RESERVE - 1);
    // It is seen with the next commit, which still has the reserve for itself.
    append(&mut writer).await.unwrap().await.unwrap();
    let error = append(&mut writer).await.unwrap_err();
    assert_eq!(error.code(), codes::STORE_READ_ONLY.name);
    assert!(is_refused(&error) && error.is_retryable(), "{}", error.report());
    assert_eq!(error.details()["reserve"], RESERVE);

    // Everything else goes on: reading, folding, dropping what is old.
    assert_eq!(journal.load(&stream(), Load::all()).await.unwrap().events.len(), 2);
    journal.fold().await.unwrap();
    journal.retain().await.unwrap();
    assert_eq!(journal.load(&stream(), Load::all()).await.unwrap().events.len(), 2);

    leave(&disk, 10 * RESERVE);
    append(&mut writer).await.unwrap().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_on_a_disk_that_is_nearly_full_is_opened_and_read() {
    let (system, disk) = (System::builder().start().await.unwrap(), Disk::new());
    let (journal, mut writer) = open(&system, &disk).await;
    append(&mut writer).await.unwrap().await.unwrap();
    journal.close().await.unwrap();
    leave(&disk, RESERVE - 1);
    let (journal, mut writer) = open(&system, &disk).await;
    assert_eq!(append(&mut writer).await.unwrap_err().code(), codes::STORE_READ_ONLY.name);
    assert_eq!(journal.load(&stream(), Load::all()).await.unwrap().events.len(), 1);
    system.stop().await.unwrap();
}
