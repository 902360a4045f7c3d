//! Salvage of what a power cut leaves: everything acknowledged is there, though the last commit may
//! be torn, and pages of commits that were torn before hold appends that never were.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use foundation::System;
use journal::testing::{Disk, Faults};
use journal::{
    Append, Journal, Load, Loaded, Payload, RedbOptions, Retention, Salvage, Share, StreamId,
    Version,
};
use testkit::for_each_seed;

const STREAMS: u32 = 3;

fn stream(number: u32) -> StreamId {
    StreamId::new("stream", &format!("s{number}")).unwrap()
}

fn with_options(options: RedbOptions, shards: u16) -> RedbOptions {
    let retention = Retention {
        signals_for: Duration::MAX,
        signal_bytes: u64::MAX,
        log_bytes: u64::MAX,
        ..Retention::default()
    };
    let shards = NonZeroU16::new(shards).unwrap();
    options.shards(shards).retention(retention).tail(64 << 10).slice(3).cache(1 << 20)
}

/// Appends to all streams until the power is cut. What is appended is of this session alone. Gives
/// what was acknowledged.
async fn session(journal: &Journal, name: &str, random: &mut Rng, acked: &mut [u64]) {
    let mut writers = Vec::new();
    for number in 0..STREAMS {
        let id = stream(number);
        let Ok(lease) = journal.acquire(id.shard(journal.shards())).await else { return };
        let Ok(writer) = journal.open(&lease, &id).await else { return };
        writers.push(writer);
    }
    // Short ones leave in the file what a torn commit before them has written.
    let rounds = if random.bool() { 1 } else { random.u32(3..15) };
    let most = random.u32(1..8);
    for round in 0..rounds {
        let mut waiting = Vec::new();
        for (number, writer) in writers.iter_mut().enumerate() {
            for _ in 0..random.u32(..most) {
                let text = format!("{name} {round} {}", writer.head().next());
                let append = Append::new()
                    .event(Payload::new(1, text.clone()))
                    .put(format!("part {}", random.u8(..3)), Payload::new(1, text));
                let Ok(permit) = writer.permit(Share::New, 500).await else { return };
                let Ok(ticket) = writer.append(permit, append) else { return };
                waiting.push((number, ticket));
            }
        }
        if random.u8(..4) == 0 && journal.fold().await.is_err() {
            return;
        }
        for (number, ticket) in waiting {
            let Ok(committed) = ticket.await else { return };
            acked[number] = committed.version.get();
        }
    }
}

async fn loaded(journal: &Journal) -> Vec<Loaded> {
    let mut all = Vec::new();
    for number in 0..STREAMS {
        all.push(journal.load(&stream(number), Load::all()).await.unwrap());
    }
    all
}

/// What was salvaged of a disk.
async fn salvaged(disk: &Disk, folder: &Path, shards: u16) -> Vec<Loaded> {
    let (from, to) = (folder.join("cut"), folder.join("salvaged"));
    crate::salvage::write(&from, &disk.image());
    let told = Salvage::default().run(&from, &to).unwrap();
    assert_eq!(told.unfit, []);
    let system = System::builder().start().await.unwrap();
    let options = with_options(RedbOptions::new(&to).durability(told.durability), shards);
    let journal = options.open(&system).await.unwrap();
    let all = loaded(&journal).await;
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    crate::salvage::remove(&to);
    all
}

/// *Salvaged* is *true* state, and behind it at most what was on its way when the power was cut.
fn compare(salvaged: &Loaded, truth: &Loaded, what: &str) {
    assert!(salvaged.version >= truth.version, "{what}: {salvaged:?} lacks of {truth:?}");
    if salvaged.version == truth.version {
        assert_eq!(salvaged, truth, "{what}");
    }
    assert!(salvaged.events.starts_with(&truth.events), "{what}: {salvaged:?} {truth:?}");
    let versions: Vec<_> = salvaged.events.iter().map(|it| it.version).collect();
    let all: Vec<_> = (1..=salvaged.version.get()).map(Version::new).collect();
    assert_eq!(versions, all, "{what}");
}

async fn life(seed: u64, folder: &Path) {
    let mut random = Rng::with_seed(seed);
    let (disk, mut acked) = (Disk::new(), vec![0; STREAMS as usize]);
    let shards = random.u16(1..=2);
    // Sessions since the last that had something acknowledged.
    let mut last = vec!["first".to_owned()];
    // Made before anything goes wrong.
    let system = System::builder().start().await.unwrap();
    let journal = with_options(RedbOptions::on_disk(&disk), shards).open(&system).await.unwrap();
    session(&journal, "first", &mut random, &mut acked).await;
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    for round in 0..5 {
        let cut_at_call = Some(disk.calls() + 1 + random.u64(20..600));
        disk.faults(Faults { cut_at_call, ..Faults::default() });
        let system = System::builder().start().await.unwrap();
        if let Ok(journal) = with_options(RedbOptions::on_disk(&disk), shards).open(&system).await {
            let (before, name) = (acked.clone(), format!("session {round}"));
            session(&journal, &name, &mut random, &mut acked).await;
            if acked != before {
                last.clear();
            }
            last.push(name);
        }
        disk.cut_power(&mut |below| random.u64(..below));
        system.stop().await.unwrap();
        disk.faults(Faults::default());

        let found = salvaged(&disk, folder, shards).await;
        let system = System::builder().start().await.unwrap();
        let copy = Disk::from_image(disk.image());
        let journal =
            with_options(RedbOptions::on_disk(&copy), shards).open(&system).await.unwrap();
        let truth = loaded(&journal).await;
        journal.close().await.unwrap();
        system.stop().await.unwrap();
        for (number, (found, truth)) in found.iter().zip(&truth).enumerate() {
            let what = format!("round {round}, stream {number}, seed {seed:#x}");
            assert!(found.version.get() >= acked[number], "{what}: acknowledged");
            compare(found, truth, &what);
            // Of several shards it is not always known what came later.
            for event in found.events.iter().skip(truth.events.len()).filter(|_| shards == 1) {
                let is_last = |name: &String| event.payload.bytes().starts_with(name.as_bytes());
                assert!(last.iter().any(is_last), "{what}: {event:?} was undone; {last:?}");
            }
        }
    }
}

#[test]
fn what_was_acknowledged_is_salvaged_after_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    for_each_seed(NonZeroU32::new(40).unwrap(), |seed| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(life(seed, folder.path()));
    });
}
