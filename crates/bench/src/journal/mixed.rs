//! Many callers, many more streams, for a time: so long that the log is folded meanwhile.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::workload::{Done, Opened, Until, Work, check, run};
use super::{Amounts, Folding, Keep, Subject};
use crate::figure::{Sample, Unit};

/// How many append at a time.
const CALLERS: u32 = 256;

/// The figures `journal_mixed_state` and `journal_mixed_events`: appends in a second, and beside
/// them the quantiles of how long one takes, in microseconds. There is no number of operations that
/// would be the same for all, so it is that of the callers.
pub(super) async fn samples<S: Subject>(amounts: &Amounts, folder: &Path) -> Result<Vec<Sample>> {
    let key = S::KEY;
    let (streams, time) = amounts.mixed;
    let mut samples = Vec::new();
    for (keep, name) in
        [(Keep::State, "journal_mixed_state"), (Keep::Events, "journal_mixed_events")]
    {
        let done = measured::<S>(streams, (keep, Folding::On), time, folder).await?;
        let quantile = |done: &Done, share| done.times.quantile(share) / 1000.0;
        let mut values = vec![(key.to_owned(), done.per_second())];
        if key == "ours" {
            values.push(("p50".to_owned(), quantile(&done, 0.5)));
            values.push(("p99".to_owned(), quantile(&done, 0.99)));
            let what = (keep, Folding::Off);
            let without = measured::<S>(streams, what, amounts.without_folding, folder).await?;
            values.push(("ours_p99_no_fold".to_owned(), quantile(&without, 0.99)));
            values.push(("ours_per_s_no_fold".to_owned(), without.per_second()));
        } else {
            values.push((format!("{key}_p99"), quantile(&done, 0.99)));
        }
        let (name, unit) = (name.to_owned(), Unit::PerSecond);
        samples.push(Sample { name, unit, operations: CALLERS, values });
    }
    Ok(samples)
}

async fn measured<S: Subject>(
    streams: u32,
    (keep, folding): (Keep, Folding),
    time: Duration,
    folder: &Path,
) -> Result<Done> {
    let work = Work { callers: CALLERS, streams, keep, until: Until::Time(time) };
    let opened = Opened::<S>::new(folder, folding).await?;
    let done = run(&opened.subject, work).await?;
    if let Some(folded) = opened.subject.folded() {
        let as_asked = (folding == Folding::Off) == (folded == 0);
        ensure!(as_asked, "{folded} of {} were folded, with folding {folding:?}", done.appends);
    }
    check(&*opened.subject, work, &done).await?;
    opened.close().await?;
    Ok(done)
}
