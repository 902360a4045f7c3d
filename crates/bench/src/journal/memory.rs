//! How much memory is held while ten million appends pass: a bound, and not what passes.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::workload::{Callers, Opened, Until, Work, check};
use super::{Amounts, Folding, Keep, Subject};
use crate::figure::{Sample, Unit};

/// How many append at a time.
const CALLERS: u32 = 256;
/// Rounds in which it is done. Callers keep the times of one round only, so that what is measured
/// does not keep something for each append itself.
const ROUNDS: u32 = 100;
/// After so many of them it is looked: what grows with what passes grows between the last two by
/// more than between the first two.
const LOOKS: [(u32, &str); 2] = [(10, "at_a_tenth"), (50, "at_half")];

/// The figure `journal_memory_10m`: by how many bytes the peak of resident memory is above what was
/// resident before the first append, with every stream open; after a tenth of the appends, after
/// half of them, and after all. Beside it what the options allow to be held.
pub(super) async fn samples<S: Subject>(amounts: &Amounts, folder: &Path) -> Result<Vec<Sample>> {
    let (appends, streams) = amounts.memory;
    let until = Until::Appends((appends / ROUNDS / CALLERS).max(1));
    let work = Work { callers: CALLERS, streams, keep: Keep::State, until };
    let opened = Opened::<S>::new(folder, Folding::On).await?;
    let mut callers = Callers::open(&opened.subject, work).await?;
    let before = memory("VmRSS:")?;
    let (mut made, mut looks, mut last) = (0, Vec::new(), None);
    for round in 1..=ROUNDS {
        let done = callers.run(&opened.subject, work).await?;
        made += done.appends;
        if let Some((_, name)) = LOOKS.iter().find(|(at, _)| *at == round) {
            looks.push((format!("{}_{name}", S::KEY), memory("VmHWM:")? - before));
        }
        last = Some(done);
    }
    let all = memory("VmHWM:")? - before;
    ensure!(opened.subject.folded() != Some(0), "nothing was folded of {made} appends");
    drop(callers);
    let mut done = last.context("there was no round")?;
    done.appends = made;
    check(&*opened.subject, work, &done).await?;
    let mut values = vec![(S::KEY.to_owned(), all)];
    values.extend(looks);
    if let Some(bound) = opened.subject.memory_bound() {
        values.push((format!("{}_bound", S::KEY), bound));
    }
    opened.close().await?;
    let name = "journal_memory_10m".to_owned();
    Ok(vec![Sample { name, unit: Unit::Bytes, operations: made, values }])
}

/// What the kernel says of this process, in bytes.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, where the kernel tells it")]
fn memory(what: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")
        .context("memory is measured where there is a /proc: on Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let line = line.with_context(|| format!("/proc/self/status has no {what}"))?;
    let kibibytes = line.trim().trim_end_matches(" kB").parse::<f64>()?;
    Ok(kibibytes * 1024.0)
}
