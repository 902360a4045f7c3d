//! The journal on redb, on a real file.

use foundation::System;
use journal::{Append, Load, Payload, RedbOptions, Shard, Share, StreamId, Version};

async fn system() -> System {
    System::builder().start().await.unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    for round in 0..3_u64 {
        let journal = RedbOptions::new(&path).open(&system).await.unwrap();
        let lease = journal.acquire(Shard::new(0)).await.unwrap();
        let stream = StreamId::new("account", "alice").unwrap();
        let mut writer = journal.open(&lease, &stream).await.unwrap();
        assert_eq!(writer.head(), Version::new(round * 10));
        for n in 0..10 {
            let permit = writer.permit(Share::New, 100).await.unwrap();
            let text = format!("{round}.{n}");
            let append = Append::new()
                .event(Payload::new(1, text.as_bytes()))
                .put("last", Payload::new(1, text.as_bytes()));
            writer.append(permit, append).unwrap().await.unwrap();
        }
        if round == 1 {
            journal.fold().await.unwrap();
        }
        let loaded = journal.load(&stream, Load::all()).await.unwrap();
        assert_eq!(loaded.version, Version::new((round + 1) * 10));
        assert_eq!(loaded.events.len() as u64, (round + 1) * 10);
        assert_eq!(loaded.parts[0].payload.bytes(), format!("{round}.9").as_bytes());
        drop(writer);
        journal.close().await.unwrap();
    }
    system.stop().await.unwrap();
}

/// The story: whoever made a store removed what was beside it, and renamed over what was there. Of
/// two who made the same store at a time, one went on with a file that nobody finds any more, and
/// all that it acknowledged was lost. Now whoever makes it holds the lock of the file beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_make_the_same_store_one_has_it_and_the_others_learn_that() {
    let system = system().await;
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let options = RedbOptions::new(folder.path().join("store.redb")).readers(1);
        let (a, b, c) =
            tokio::join!(options.open(&system), options.open(&system), options.open(&system),);
        let (have, others): (Vec<_>, Vec<_>) = [a, b, c].into_iter().partition(Result::is_ok);
        for other in others {
            assert_eq!(other.unwrap_err().code(), "store_locked");
        }
        let [Ok(journal)] = have.as_slice() else { panic!("{} have the store", have.len()) };
        let lease = journal.acquire(Shard::new(0)).await.unwrap();
        let stream = StreamId::new("account", "alice").unwrap();
        let mut writer = journal.open(&lease, &stream).await.unwrap();
        let permit = writer.permit(Share::New, 100).await.unwrap();
        writer.append(permit, Append::new()).unwrap().await.unwrap();
        drop(writer);
        journal.close().await.unwrap();
        let journal = options.open(&system).await.unwrap();
        let loaded = journal.load(&stream, Load::new()).await.unwrap();
        assert_eq!(loaded.version, Version::new(1), "in the file that is found");
        journal.close().await.unwrap();
    }
    system.stop().await.unwrap();
}
