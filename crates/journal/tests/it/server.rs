//! The journal as a process: what becomes of it when the store fails, when it is killed, when it is
//! stopped.

use foundation::{ActorRef, Supervisor, System};
use journal::testing::{Disk, Faults};
use journal::{
    Append, Journal, JournalMessage, JournalServer, Lease, Load, MemoryOptions, Payload,
    RedbOptions, Shard, Share, StreamId, Version, Writer, codes, is_unknown,
};
use testkit::eventually;

async fn start(disk: &Disk) -> (System, ActorRef<JournalServer>) {
    let system = System::builder().start().await.unwrap();
    let server = JournalServer::child("journal", RedbOptions::on_disk(disk)).registered();
    Supervisor::rest_for_one().child(server).start(&system).await.unwrap();
    let server = system.lookup("journal").unwrap();
    (system, server)
}

async fn journal(server: &ActorRef<JournalServer>) -> Journal {
    server.ask(JournalMessage::journal).await.unwrap()
}

fn alice() -> StreamId {
    StreamId::new("account", "alice").unwrap()
}

async fn open(journal: &Journal) -> (Lease, Writer) {
    let lease = journal.acquire(Shard::new(0)).await.unwrap();
    let writer = journal.open(&lease, &alice()).await.unwrap();
    (lease, writer)
}

async fn append(writer: &mut Writer, text: &str) -> foundation::Result<Version> {
    let permit = writer.permit(Share::New, 100).await?;
    let append = Append::new().put("last", Payload::new(1, text));
    Ok(writer.append(permit, append)?.await?.version)
}

/// Waits until another incarnation than `before` has the name.
async fn started_again(system: &System, before: foundation::Pid) -> ActorRef<JournalServer> {
    eventually(|| match system.lookup::<JournalServer>("journal") {
        Ok(server) if server.pid() != before => Ok(server),
        Ok(server) => Err(format!("still {}", server.pid())),
        Err(error) => Err(error.to_string()),
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_opened_again_under_a_later_epoch() {
    let disk = Disk::new();
    let (system, server) = start(&disk).await;
    let (first, before) = (journal(&server).await, server.pid());
    let (lease, mut writer) = open(&first).await;
    append(&mut writer, "kept").await.unwrap();

    disk.faults(Faults { fail_sync_at: Some(disk.syncs() + 1), ..Faults::default() });
    let error = append(&mut writer, "of unknown outcome").await.unwrap_err();
    assert!(is_unknown(&error), "{}", error.report());
    assert_eq!(first.ended().await.unwrap().code(), "store_error");
    let refused = append(&mut writer, "too late").await.unwrap_err();
    assert_eq!(refused.code(), codes::STORE_CLOSED.name);

    lease.lost().await;
    let server = started_again(&system, before).await;
    let second = journal(&server).await;
    let (later, mut writer) = open(&second).await;
    assert!(later.epoch() > lease.epoch(), "{later:?} after {lease:?}");
    let loaded = second.load(&alice(), Load::all()).await.unwrap();
    assert!((1..=2).contains(&loaded.version.get()), "{loaded:?}");
    append(&mut writer, "and on").await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_killed_lets_go_of_the_store_before_it_is_opened_again() {
    let disk = Disk::new();
    let (system, mut server) = start(&disk).await;
    for round in 1..=3 {
        let (journal, before) = (journal(&server).await, server.pid());
        let (lease, mut writer) = open(&journal).await;
        assert_eq!(append(&mut writer, "again").await.unwrap(), Version::new(round));
        drop((journal, writer));
        server.kill();
        lease.lost().await;
        server = started_again(&system, before).await;
        // Three kills in five seconds are the budget of a supervisor.
        tokio::time::advance(std::time::Duration::from_secs(10)).await;
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_system_that_stops_closes_the_journal() {
    let disk = Disk::new();
    let (system, server) = start(&disk).await;
    let journal = journal(&server).await;
    let (lease, mut writer) = open(&journal).await;
    append(&mut writer, "kept").await.unwrap();
    system.stop().await.unwrap();
    assert!(lease.is_lost());
    assert!(journal.ended().await.is_none(), "it was closed, and did not fail");
    let error = append(&mut writer, "too late").await.unwrap_err();
    assert_eq!(error.code(), codes::STORE_CLOSED.name);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_somebody_closes_ends_its_server() {
    let system = System::builder().start().await.unwrap();
    let spec = JournalServer::child("journal", MemoryOptions::default());
    let server = system.start(spec).await.unwrap();
    journal(&server).await.close().await.unwrap();
    assert_eq!(server.exited().await, foundation::ExitReason::Shutdown);
    system.stop().await.unwrap();
}
