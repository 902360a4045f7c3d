//! What a process has left that was killed: how long until something is loaded from it, and how
//! long to load one stream among so many.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Amounts, Folding, Keep, Place, Record, Subject, one_of};
use crate::clock::{PerOperation, Stopwatch};
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// How many fill at a time.
const CALLERS: u32 = 1000;
/// What the program that fills says when everything is acknowledged.
const FILLED: &str = "filled";

/// The figures `journal_reopen_1m` and `journal_load`.
pub(super) async fn samples<S: Subject>(amounts: &Amounts, place: &Place) -> Result<Vec<Sample>> {
    let inner = tempfile::Builder::new().prefix("journal-").tempdir_in(&place.folder)?;
    let mut filler = Command::new(&place.filler.0);
    filler.args(&place.filler.1).arg(inner.path());
    fill_and_kill(filler)?;
    of_filled::<S>(amounts, inner.path()).await
}

/// Starts the program that fills, and kills it when it has said that everything is acknowledged.
fn fill_and_kill(mut filler: Command) -> Result<()> {
    filler.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut filling = filler.spawn().context("the program that fills cannot be started")?;
    let mut line = String::new();
    let output = filling.stdout.take().context("it has no output")?;
    let read = BufReader::new(output).read_line(&mut line);
    filling.kill()?;
    filling.wait()?;
    read?;
    ensure!(line.trim() == FILLED, "it was not filled: {line}");
    Ok(())
}

/// Opens what is there, and loads from it.
pub(super) async fn of_filled<S: Subject>(amounts: &Amounts, folder: &Path) -> Result<Vec<Sample>> {
    let filled = amounts.filled;
    let stopwatch = Stopwatch::start();
    let subject = S::open(folder, Folding::On).await?;
    let first = subject.load(filled - 1).await?;
    let reopened = stopwatch.elapsed();
    compare::<S>(filled - 1, first.as_ref())?;
    subject.settle().await?;
    let (subject, times) = load(subject, amounts).await?;
    subject.close().await?;
    let microseconds = |time: Duration| time.as_secs_f64() * 1e6;
    let mut values = vec![(S::KEY.to_owned(), times.median() / 1000.0)];
    if S::KEY == "ours" {
        values.push(("p50".to_owned(), times.median() / 1000.0));
        values.push(("p99".to_owned(), times.quantile(0.99) / 1000.0));
    } else {
        values.push((format!("{}_p99", S::KEY), times.quantile(0.99) / 1000.0));
    }
    let of = |name: &str, operations, values| Sample {
        name: name.to_owned(),
        unit: Unit::Microseconds,
        operations,
        values,
    };
    Ok(vec![
        of("journal_reopen_1m", filled, vec![(S::KEY.to_owned(), microseconds(reopened))]),
        of("journal_load", amounts.loads, values),
    ])
}

/// Times of loads that follow each other, of streams here and there.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, whoever loads runs on a worker too")]
async fn load<S: Subject>(subject: S, amounts: &Amounts) -> Result<(S, PerOperation)> {
    let (loads, filled) = (amounts.loads, amounts.filled);
    let loading = tokio::spawn(async move {
        let mut times = PerOperation::default();
        for n in 0..loads {
            let number = one_of(u64::from(n), filled);
            let stopwatch = Stopwatch::start();
            let loaded = subject.load(number).await?;
            times.add(stopwatch.elapsed(), 1);
            compare::<S>(number, loaded.as_ref())?;
        }
        Ok((subject, times))
    });
    loading.await?
}

fn compare<S: Subject>(number: u32, loaded: Option<&Record>) -> Result<()> {
    let expected = Record::new(number, 1, Keep::Events);
    ensure!(loaded == Some(&expected), "{}: stream {number} is not what was appended", S::KEY);
    Ok(())
}

/// Fills a folder with one append for each stream, says so, and waits to be killed.
///
/// # Errors
///
/// When an append fails.
pub async fn fill<S: Subject>(size: Size, folder: &Path) -> Result<()> {
    let subject = Arc::new(S::open(folder, Folding::On).await?);
    append_to_each(&subject, Amounts::of(size).filled).await?;
    println!("{FILLED}");
    // Without whoever kills it there is an end of this too.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// One append to each stream, by many callers.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, callers run beside whoever is filled")]
pub(super) async fn append_to_each<S: Subject>(subject: &Arc<S>, filled: u32) -> Result<()> {
    let callers: Vec<_> = (0..CALLERS.min(filled))
        .map(|caller| {
            let subject = Arc::clone(subject);
            tokio::spawn(async move {
                for number in (caller..filled).step_by(usize::try_from(CALLERS)?) {
                    let mut stream = subject.stream(number).await?;
                    let record = Record::new(number, 1, Keep::Events);
                    subject.append(&mut stream, record).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(())
}
