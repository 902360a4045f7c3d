//! Real files on which a system call fails: another process writes, and `strace` makes its calls fail.
//!
//! Skipped, with a printed line, where there is no `strace`.

use std::path::Path;
use std::process::{Command, Stdio};

use foundation::System;
use journal::{Durability, Version};

use crate::child::{Child, OPEN, STREAMS, Said, append_of, options, stream};
use crate::model::Model;

/// What a process said before it ended.
#[derive(Debug, Default)]
struct Heard {
    durable: [u64; STREAMS as usize],
    failed: Vec<String>,
    refused: Vec<String>,
    passed: bool,
}

fn has_strace() -> bool {
    let command = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO:when=1", "true"])
        .stderr(Stdio::null())
        .status();
    let works = command.is_ok_and(|status| status.success());
    if !works {
        println!("skipped: strace is not installed, or may not be used here");
    }
    works
}

/// Runs a process that appends so often to each stream, with a fault in the calls `of` a kind.
fn run(path: &Path, of: &str, fault: &str, appends: u64) -> Heard {
    let (trace, inject) = (format!("trace={of}"), format!("inject={of}:{fault}"));
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    listen(Child::start(&strace, path, Durability::Sync, appends))
}

/// Hears a process until it ends.
fn listen(mut child: Child) -> Heard {
    let mut heard = Heard::default();
    let mut failed = [false; STREAMS as usize + 1];
    while let Some(said) = child.said() {
        match said {
            Said::Opening => {}
            Said::Head(number, version) => heard.durable[number as usize] = version,
            Said::Done(number, version) => {
                assert!(!failed[number as usize], "{number} {version} was acknowledged afterwards");
                heard.durable[number as usize] += 1;
                assert_eq!(version, heard.durable[number as usize]);
            }
            Said::Failed(number, code) => {
                // Appends that were queued before one that is refused may be durable.
                failed[number as usize] |= code == "unknown_outcome";
                heard.failed.push(code);
            }
            Said::Refused(_, code) => heard.refused.push(code),
            Said::Begun(_) | Said::Ended(_) => panic!("nothing is copied here: {said:?}"),
        }
    }
    heard.passed = child.wait();
    heard
}

/// Everything that was acknowledged is there, and nothing that was not sent.
fn verify(path: &Path, durable: &[u64]) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let system = System::builder().start().await.unwrap();
        let journal = options(path, Durability::Sync).open(&system).await.unwrap();
        let mut model = Model::new(journal.shards().get());
        for (number, durable) in (0..).zip(durable) {
            for version in 1..=durable + OPEN {
                model.send(&stream(number), append_of(number, version));
            }
            for version in 1..=*durable {
                model.acknowledge(&stream(number), Version::new(version));
            }
        }
        model.verify(&journal).await.unwrap();
        journal.close().await.unwrap();
        system.stop().await.unwrap();
        (0..STREAMS).map(|number| model.sent(&stream(number))).sum()
    })
}

/// A store, and then a process in which the n-th call of a kind fails.
fn fail(of: &str, error: &str, when: impl Iterator<Item = u64>) {
    if !has_strace() {
        return;
    }
    let mut failed = 0;
    for n in when {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let whole = listen(Child::start(&[], &path, Durability::Sync, 2));
        assert!(whole.passed, "{whole:?}");
        let heard = run(&path, of, &format!("error={error}:when={n}+"), 100);
        println!("{of} {error} at {n}: {heard:?}");
        assert!(!heard.passed, "it ends with the error");
        if heard.refused.is_empty() {
            // While it was opened, or while the shards were acquired.
            let known = [["store_error"], ["store_closed"]];
            assert!(known.iter().any(|known| heard.failed == *known), "{heard:?}");
            verify(&path, &whole.durable);
            continue;
        }
        failed += 1;
        let known = ["unknown_outcome", "store_closed"];
        assert!(heard.failed.iter().all(|code| known.contains(&code.as_str())), "{heard:?}");
        assert!(heard.failed.iter().any(|code| code == "unknown_outcome"), "{heard:?}");
        assert!(heard.refused.iter().all(|code| code == "store_closed"), "{heard:?}");
        let durable: Vec<_> =
            whole.durable.iter().zip(heard.durable).map(|(a, b)| b.max(*a)).collect();
        verify(&path, &durable);
    }
    assert!(failed > 0, "some of them came to writing");
}

#[test]
fn a_sync_of_a_file_that_fails_ends_the_process_with_nothing_acknowledged_after_it() {
    fail("fdatasync", "EIO", (1..40).step_by(4));
}

#[test]
fn a_disk_without_room_ends_the_process_with_nothing_acknowledged_after_it() {
    fail("pwrite64", "ENOSPC", (1..200).step_by(9));
}

#[test]
fn a_slow_disk_is_only_slower() {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let heard = run(&path, "fdatasync", "delay_exit=5000", 20);
    assert!(heard.passed && heard.failed.is_empty(), "{heard:?}");
    assert_eq!(heard.durable, [20; STREAMS as usize]);
    assert_eq!(verify(&path, &heard.durable), 20 * u64::from(STREAMS));
}
