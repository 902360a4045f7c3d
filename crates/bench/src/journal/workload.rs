//! Callers in a closed loop: each makes its next append when the one before is acknowledged.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Folding, Keep, Record, Subject, one_of};
use crate::clock::{PerOperation, Stopwatch};

/// Until when callers append.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// Each so often.
    Appends(u32),
    /// Until that time has passed.
    Time(Duration),
}

/// What callers do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    pub(super) callers: u32,
    /// Shared out among the callers: nobody else appends to one.
    pub(super) streams: u32,
    pub(super) keep: Keep,
    pub(super) until: Until,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) appends: u32,
    pub(super) time: Duration,
    /// The time of each append, as its caller saw it.
    pub(super) times: PerOperation,
    /// A stream and its version, of each caller.
    at: Vec<(u32, u64)>,
}

impl Done {
    pub(super) fn per_second(&self) -> f64 {
        f64::from(self.appends) / self.time.as_secs_f64()
    }
}

/// A stream that a caller appends to.
struct Own<S: Subject> {
    stream: S::Stream,
    number: u32,
    version: u64,
}

/// A subject in a folder of its own, which goes with it.
pub(super) struct Opened<S> {
    pub(super) subject: Arc<S>,
    _folder: tempfile::TempDir,
}

impl<S: Subject> Opened<S> {
    pub(super) async fn new(folder: &Path, folding: Folding) -> Result<Self> {
        let inner = tempfile::Builder::new().prefix("journal-").tempdir_in(folder)?;
        let subject = Arc::new(S::open(inner.path(), folding).await?);
        Ok(Self { subject, _folder: inner })
    }

    pub(super) async fn close(self) -> Result<()> {
        let subject = Arc::into_inner(self.subject).context("somebody still has it")?;
        subject.close().await
    }
}

/// Has `work` done on empty streams.
pub(super) async fn run<S: Subject>(subject: &Arc<S>, work: Work) -> Result<Done> {
    Callers::open(subject, work).await?.run(subject, work).await
}

/// Callers with the streams that each of them has.
pub(super) struct Callers<S: Subject> {
    shares: Vec<Vec<Own<S>>>,
}

impl<S: Subject> Callers<S> {
    /// Opens streams that are empty.
    pub(super) async fn open(subject: &Arc<S>, work: Work) -> Result<Self> {
        let mut shares: Vec<Vec<Own<S>>> = (0..work.callers).map(|_| Vec::new()).collect();
        let callers = usize::try_from(work.callers)?;
        for (number, at) in (0..work.streams).zip((0..callers).cycle()) {
            let stream = subject.stream(number).await?;
            let share = shares.get_mut(at).context("there is no such caller")?;
            share.push(Own { stream, number, version: 0 });
        }
        Ok(Self { shares })
    }

    /// Has `work` done, again where it was done before.
    #[expect(clippy::disallowed_methods, reason = "ban: spawn, callers run beside who is measured")]
    pub(super) async fn run(&mut self, subject: &Arc<S>, work: Work) -> Result<Done> {
        let stopwatch = Stopwatch::start();
        let callers: Vec<_> = std::mem::take(&mut self.shares)
            .into_iter()
            .map(|share| {
                let subject = Arc::clone(subject);
                tokio::spawn(async move { call(&*subject, share, work, stopwatch).await })
            })
            .collect();
        let mut times = PerOperation::default();
        let (mut appends, mut at) = (0, Vec::new());
        for caller in callers {
            let Called { share, made, times: of_caller } = caller.await??;
            appends += made;
            at.extend(share.iter().map(|own| (own.number, own.version)).max_by_key(|own| own.1));
            times.merge(of_caller);
            self.shares.push(share);
        }
        Ok(Done { appends, time: stopwatch.elapsed(), times, at })
    }
}

/// What one caller has done.
struct Called<S: Subject> {
    share: Vec<Own<S>>,
    made: u32,
    times: PerOperation,
}

/// What one caller does.
async fn call<S: Subject>(
    subject: &S,
    mut share: Vec<Own<S>>,
    work: Work,
    begun: Stopwatch,
) -> Result<Called<S>> {
    let (mut made, mut times) = (0, PerOperation::default());
    let streams = u32::try_from(share.len())?;
    let before: u64 = share.iter().map(|own| own.version).sum();
    loop {
        let more = match work.until {
            Until::Appends(most) => made < most,
            Until::Time(time) => begun.elapsed() < time,
        };
        if !more {
            return Ok(Called { share, made, times });
        }
        let at = usize::try_from(one_of(before + u64::from(made), streams))?;
        let own = share.get_mut(at).context("a caller without streams")?;
        let record = Record::new(own.number, own.version + 1, work.keep);
        let stopwatch = Stopwatch::start();
        subject.append(&mut own.stream, record).await?;
        times.add(stopwatch.elapsed(), 1);
        own.version += 1;
        made += 1;
    }
}

/// Whether everything that was acknowledged is there: all of it is counted, and of one stream of
/// each caller the last append is compared.
pub(super) async fn check<S: Subject>(subject: &S, work: Work, done: &Done) -> Result<()> {
    let (found, made, key) = (subject.appends(work.streams).await?, done.appends, S::KEY);
    ensure!(found == u64::from(made), "{key}: {made} were acknowledged and {found} are there");
    for (number, version) in done.at.iter().filter(|_| S::READS) {
        let loaded = subject.load(*number).await?;
        let expected = Record::new(*number, *version, work.keep);
        ensure!(loaded == Some(expected), "{key}: stream {number} is not what was appended");
    }
    Ok(())
}
