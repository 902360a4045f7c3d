//! The workload itself: what it measures, and that it notices what was lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;

use super::{Amounts, Folding, Grouped, Ours, RawFile, RawFileAhead, Record, Store, Subject};
use crate::figure::Sample;

/// So little that it takes no time worth mentioning.
fn little() -> Amounts {
    Amounts {
        appends: [(1, 10), (64, 128), (256, 256), (1000, 1000)],
        timed: 10,
        mixed: (256, Duration::from_millis(10)),
        without_folding: Duration::from_millis(10),
        memory: (25_600, 512),
        filled: 1500,
        loads: 100,
    }
}

async fn appended<S: Subject>(folder: &Path) -> Result<Vec<Sample>> {
    super::appends::samples::<S>(&little(), folder).await
}

fn measured<T>(measuring: impl AsyncFnOnce(&Path) -> Result<T>) -> Result<T> {
    let folder = tempfile::tempdir()?;
    crate::runtime()?.block_on(measuring(folder.path()))
}

fn shown(samples: &[Sample]) -> Vec<String> {
    let keys = |values: &[(String, f64)]| {
        values.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(" ")
    };
    samples.iter().map(|sample| format!("{}: {}", sample.name, keys(&sample.values))).collect()
}

#[test]
fn each_figure_of_appends_has_a_limit_beside_it() {
    let ours = measured(async |folder| appended::<Ours>(folder).await).unwrap();
    let expected = [
        "journal_append_1: ours",
        "journal_append_64: ours",
        "journal_bytes_per_op: ours ours_before_fold",
        "journal_append_256: ours",
        "journal_append_1000: ours",
        "journal_latency_1: ours p50 p99",
    ];
    assert_eq!(shown(&ours), expected);
    let limits = [
        measured(async |folder| appended::<RawFile>(folder).await).unwrap(),
        measured(async |folder| appended::<RawFileAhead>(folder).await).unwrap(),
    ];
    for limit in limits {
        assert_eq!(limit.len(), ours.len());
        for (ours, limit) in ours.iter().zip(&limit) {
            assert_eq!((&ours.name, ours.operations), (&limit.name, limit.operations));
            assert!(limit.values.iter().all(|(key, _)| key.starts_with("limit_raw_file")));
        }
    }
}

#[test]
fn the_limit_of_a_mixed_run_is_as_much_as_was_made_in_the_time() {
    let mixed = async |folder: &Path| super::mixed::samples::<RawFile>(&little(), folder).await;
    let keys = "limit_raw_file limit_raw_file_p99";
    let expected = ["state", "events"].map(|name| format!("journal_mixed_{name}: {keys}"));
    assert_eq!(shown(&measured(mixed).unwrap()), expected);
}

#[test]
fn memory_is_looked_at_twice_and_only_of_what_was_folded() {
    let of_raw = async |folder: &Path| super::memory::samples::<RawFile>(&little(), folder).await;
    let samples = measured(of_raw).unwrap();
    let keys = "limit_raw_file limit_raw_file_at_a_tenth limit_raw_file_at_half";
    assert_eq!(shown(&samples), [format!("journal_memory_10m: {keys}")]);
    assert_eq!(samples[0].operations, 25_600);
    let of_ours = async |folder: &Path| super::memory::samples::<Ours>(&little(), folder).await;
    let error = measured(of_ours).unwrap_err().to_string();
    assert_eq!(error, "nothing was folded of 25600 appends");
}

#[test]
fn what_is_left_behind_is_opened_and_loaded() {
    let samples = measured(async |folder| {
        let subject = Arc::new(Ours::open(folder, Folding::On).await?);
        super::reopen::append_to_each(&subject, little().filled).await?;
        Arc::into_inner(subject).unwrap().close().await?;
        super::reopen::of_filled::<Ours>(&little(), folder).await
    });
    let expected = ["journal_reopen_1m: ours", "journal_load: ours p50 p99"];
    assert_eq!(shown(&samples.unwrap()), expected);
}

#[test]
fn a_run_that_ends_before_anything_is_folded_is_no_mixed_run() {
    let mixed = async |folder: &Path| super::mixed::samples::<Ours>(&little(), folder).await;
    let error = measured(mixed).unwrap_err().to_string();
    assert!(error.starts_with("0 of ") && error.ends_with("with folding On"), "{error}");
}

/// Acknowledges everything, and keeps nothing of every tenth.
struct Forgetful {
    thread: Grouped,
    kept: Arc<AtomicU64>,
}

struct Losing {
    committed: u64,
    kept: Arc<AtomicU64>,
}

impl Store for Losing {
    fn commit(&mut self, group: &[Record]) -> Result<()> {
        for _ in group {
            self.committed += 1;
            self.kept.fetch_add(u64::from(!self.committed.is_multiple_of(10)), Ordering::SeqCst);
        }
        Ok(())
    }
}

impl Subject for Forgetful {
    const KEY: &'static str = "forgetful";
    type Stream = ();

    async fn open(_: &Path, _: Folding) -> Result<Self> {
        let kept = Arc::new(AtomicU64::new(0));
        let thread = Grouped::start(Losing { committed: 0, kept: Arc::clone(&kept) })?;
        Ok(Self { thread, kept })
    }

    async fn stream(&self, _: u32) -> Result<()> {
        Ok(())
    }

    async fn append(&self, (): &mut (), record: Record) -> Result<()> {
        self.thread.append(record).await
    }

    async fn appends(&self, _: u32) -> Result<u64> {
        Ok(self.kept.load(Ordering::SeqCst))
    }

    async fn load(&self, _: u32) -> Result<Option<Record>> {
        Ok(None)
    }

    async fn close(self) -> Result<()> {
        self.thread.close()
    }
}

#[test]
fn what_is_acknowledged_and_not_there_is_noticed_however_fast() {
    let error = measured(async |folder| appended::<Forgetful>(folder).await).unwrap_err();
    assert_eq!(error.to_string(), "forgetful: 10 were acknowledged and 9 are there");
    let reopened =
        async |folder: &Path| super::reopen::of_filled::<Forgetful>(&little(), folder).await;
    let error = measured(reopened).unwrap_err();
    assert_eq!(error.to_string(), "forgetful: stream 1499 is not what was appended");
}

/// Fails when it commits.
struct Broken;

impl Store for Broken {
    fn commit(&mut self, _: &[Record]) -> Result<()> {
        anyhow::bail!("the disk is gone")
    }
}

#[test]
fn a_commit_that_fails_fails_those_that_wait_for_it() {
    crate::runtime().unwrap().block_on(async {
        let broken = Grouped::start(Broken).unwrap();
        let record = || Record::new(0, 1, super::Keep::State);
        assert_eq!(broken.append(record()).await.unwrap_err().to_string(), "the commit has failed");
        let after = broken.append(record()).await.unwrap_err();
        assert!(
            ["nothing more is committed", "the commit has failed"].contains(&&*after.to_string())
        );
        assert_eq!(broken.close().unwrap_err().to_string(), "the disk is gone");
    });
}
