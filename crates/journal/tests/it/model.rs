//! A naive model of a journal: what was sent to each stream, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use fastrand::Rng;
use foundation::Result;
use jiff::Timestamp;
use journal::{
    Answer, Append, BlobId, Change, Journal, Lease, Load, Payload, Position, Shard, Signal,
    StreamId, Version, Wake,
};

/// What was sent, and how much of it is acknowledged.
pub(crate) struct Model {
    shards: NonZeroU16,
    streams: BTreeMap<StreamId, Sent>,
    /// Blobs that were finished, and perhaps collected since.
    blobs: BTreeMap<BlobId, Vec<u8>>,
    leases: BTreeMap<Shard, Lease>,
    epochs: BTreeMap<Shard, u64>,
}

#[derive(Default)]
struct Sent {
    appends: Vec<Append>,
    acknowledged: u64,
}

/// The state of a stream.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct State {
    parts: BTreeMap<Vec<u8>, (u64, Payload)>,
    events: Vec<(u64, Payload)>,
    snapshot: Option<(u64, Payload)>,
    wake: Option<Wake>,
    answers: BTreeMap<String, (u128, Payload)>,
    holds: BTreeSet<BlobId>,
}

impl Model {
    pub(crate) fn new(shards: u16) -> Self {
        let shards = NonZeroU16::new(shards).unwrap();
        let (streams, blobs, leases, epochs) = Default::default();
        Self { shards, streams, blobs, leases, epochs }
    }

    pub(crate) fn shards(&self) -> NonZeroU16 {
        self.shards
    }

    pub(crate) fn lease(&self, shard: Shard) -> Option<Lease> {
        self.leases.get(&shard).cloned()
    }

    /// A lease was granted: its epoch is greater than every one before, over all cuts.
    pub(crate) fn leased(&mut self, lease: &Lease) {
        let before = self.epochs.insert(lease.shard(), lease.epoch().get()).unwrap_or(0);
        assert!(lease.epoch().get() > before, "{lease:?} after epoch {before}");
        self.leases.insert(lease.shard(), lease.clone());
    }

    /// How many appends were sent to a stream.
    pub(crate) fn sent(&self, stream: &StreamId) -> u64 {
        self.streams.get(stream).map_or(0, |sent| sent.appends.len() as u64)
    }

    pub(crate) fn send(&mut self, stream: &StreamId, append: Append) {
        self.streams.entry(stream.clone()).or_default().appends.push(append);
    }

    pub(crate) fn finished(&mut self, blob: BlobId, bytes: Vec<u8>) {
        self.blobs.insert(blob, bytes);
    }

    /// A blob that the stream holds, or will when what was sent is there.
    pub(crate) fn held(&self, stream: &StreamId) -> Option<BlobId> {
        State::after(&self.streams.get(stream)?.appends).holds.first().copied()
    }

    pub(crate) fn acknowledge(&mut self, stream: &StreamId, version: Version) {
        let sent = self.streams.get_mut(stream).unwrap();
        assert_eq!(version.get(), sent.acknowledged + 1, "acknowledged in order");
        sent.acknowledged = version.get();
    }

    /// Compares what is there with what was sent, and forgets what was lost although it was sent,
    /// which it may be when it was not acknowledged.
    pub(crate) async fn verify(&mut self, journal: &Journal) -> Result<()> {
        let mut found = BTreeMap::new();
        for (stream, sent) in &self.streams {
            let loaded = journal.load(stream, Load::all()).await?;
            let version = loaded.version.get();
            let most = sent.appends.len() as u64;
            assert!(
                (sent.acknowledged..=most).contains(&version),
                "{stream} is at {version}; {} were acknowledged of {most}",
                sent.acknowledged,
            );
            let state = State {
                parts: loaded
                    .parts
                    .into_iter()
                    .map(|part| (part.key, (part.version.get(), part.payload)))
                    .collect(),
                events: loaded.events.into_iter().map(|e| (e.version.get(), e.payload)).collect(),
                snapshot: loaded.snapshot.map(|(version, payload)| (version.get(), payload)),
                wake: (loaded.wake != Wake::Never).then_some(loaded.wake),
                answers: BTreeMap::new(),
                holds: journal.holds(stream, None, 1000).await?.into_iter().collect(),
            };
            let mut expected = State::after(&sent.appends[..count(version)]);
            for (key, (fingerprint, payload)) in std::mem::take(&mut expected.answers) {
                let answer = journal.answer(stream, &key, fingerprint).await?;
                assert_eq!(answer, Some(payload), "the answer to {key} of {stream}");
            }
            assert_eq!(state, expected, "{stream} at version {version}");
            for blob in state.holds {
                let found = journal.read_blob(blob).await?.read_all(1 << 20).await?;
                assert!(found == self.blobs[&blob], "{blob}, which {stream} holds");
            }
            found.insert(stream.clone(), version);
        }
        self.verify_lists(journal, &found).await?;
        self.verify_log(journal, &found).await?;
        for (stream, version) in found {
            let sent = self.streams.get_mut(&stream).unwrap();
            sent.appends.truncate(count(version));
            sent.acknowledged = version;
        }
        Ok(())
    }

    async fn verify_lists(&self, journal: &Journal, found: &BTreeMap<StreamId, u64>) -> Result<()> {
        let listed = journal.streams("stream", None, 100).await?;
        let listed: BTreeMap<_, _> =
            listed.into_iter().map(|info| (info.stream, info.version.get())).collect();
        let expected: BTreeMap<_, _> = found
            .iter()
            .filter(|(_, version)| **version > 0)
            .map(|(s, v)| (s.clone(), *v))
            .collect();
        assert_eq!(listed, expected, "the list of streams");
        let mut due = Vec::new();
        for shard in (0..self.shards.get()).map(Shard::new) {
            due.extend(
                journal
                    .due(shard, Timestamp::MAX - jiff::Span::new().seconds(1), None, 100)
                    .await?,
            );
        }
        let mut due: Vec<_> = due.into_iter().map(|due| (due.since, due.stream)).collect();
        due.sort();
        let mut expected: Vec<_> = found
            .iter()
            .filter_map(|(stream, version)| {
                let sent = &self.streams[stream].appends[..count(*version)];
                let since = State::after(sent).wake?.due_from()?;
                Some((since, stream.clone()))
            })
            .collect();
        expected.sort();
        assert_eq!(due, expected, "the wakes");
        Ok(())
    }

    /// The log has every append once, and the signals of each.
    async fn verify_log(&self, journal: &Journal, found: &BTreeMap<StreamId, u64>) -> Result<()> {
        let total: u64 = found.values().sum();
        let mut seen: BTreeMap<StreamId, u64> = BTreeMap::new();
        let mut expected_signals = Vec::new();
        let mut signals = Vec::new();
        for shard in (0..self.shards.get()).map(Shard::new) {
            let (end, mut log) = (journal.end(shard)?, journal.log(Position::start(shard))?);
            let mut last = Position::start(shard);
            while log.position() != end {
                let of_shard = found.keys().filter(|s| s.shard(self.shards) == shard);
                let left = of_shard.map(|s| found[s] - seen.get(s).unwrap_or(&0)).sum::<u64>();
                if left == 0 {
                    break;
                }
                let entry = log.next().await?;
                assert!(entry.position.is_after(last), "positions rise");
                last = entry.position;
                let version = seen.entry(entry.stream.clone()).or_default();
                *version += 1;
                assert_eq!(entry.version.get(), *version, "{} in the log", entry.stream);
                let sent = &self.streams[&entry.stream].appends[count(*version) - 1];
                assert_eq!(entry.changes, sent.changes(), "{} {version} in the log", entry.stream);
                for change in entry.changes {
                    if let Change::Signal(signal) = change {
                        expected_signals.push((entry.stream.clone(), *version, signal));
                    }
                }
            }
            let of_shard =
                expected_signals.iter().filter(|(s, ..)| s.shard(self.shards) == shard).count();
            let mut reader = journal.signals(Position::start(shard))?;
            for _ in 0..of_shard {
                let entry = reader.next().await?;
                signals.push((entry.stream, entry.version.get(), entry.signal));
            }
        }
        assert_eq!(seen.values().sum::<u64>(), total, "the log has {seen:?} of {found:?}");
        assert_eq!(signals, expected_signals, "the signals");
        Ok(())
    }
}

fn count(version: u64) -> usize {
    usize::try_from(version).unwrap()
}

impl State {
    fn after(appends: &[Append]) -> Self {
        let mut state = Self::default();
        for (n, append) in appends.iter().enumerate() {
            let version = n as u64 + 1;
            for change in append.changes() {
                state.apply(version, change);
            }
        }
        let snapshot = state.snapshot.as_ref().map_or(0, |(version, _)| *version);
        state.events.retain(|(version, _)| *version > snapshot);
        state
    }

    fn apply(&mut self, version: u64, change: &Change) {
        match change {
            Change::Event(payload) => self.events.push((version, payload.clone())),
            Change::Put(key, payload) => {
                self.parts.insert(key.clone(), (version, payload.clone()));
            }
            Change::Delete(key) => {
                self.parts.remove(key);
            }
            Change::Answer(answer) => {
                let value = (answer.fingerprint, answer.payload.clone());
                self.answers.insert(answer.key.clone(), value);
            }
            Change::Wake(wake) => self.wake = (*wake != Wake::Never).then_some(*wake),
            Change::Snapshot(at, payload) => {
                if self.snapshot.as_ref().is_none_or(|(old, _)| *old <= at.get()) {
                    self.snapshot = Some((at.get(), payload.clone()));
                }
            }
            Change::Signal(_) => {}
            Change::Hold(blob) => drop(self.holds.insert(*blob)),
            Change::Release(blob) => drop(self.holds.remove(blob)),
            change => panic!("not sent here: {change:?}"),
        }
    }
}

/// An append of anything but a tombstone.
pub(crate) fn random_append(random: &mut Rng, head: Version) -> Append {
    let mut append = Append::new();
    for n in 0..random.u32(..5) {
        let payload = random_payload(random);
        let key = vec![b'a' + random.u8(..6)];
        append = match random.u32(..16) {
            0..4 => append.event(payload),
            4..8 => append.put(key, payload),
            8..10 => append.delete(key),
            10..12 => append.signal(Signal {
                class: random.u8(..),
                routing: format!("a.b.{}", random.u8(..)),
                payload,
            }),
            12 => append.wake(Wake::At(Timestamp::from_second(random.i64(0..1 << 32)).unwrap())),
            13 => append.wake(if random.bool() { Wake::Never } else { Wake::Now }),
            14 => append.snapshot(Version::new(random.u64(1..=head.get() + 1)), payload),
            _ => append.answer(Answer {
                key: format!("key-{}-{n}", head.get()),
                fingerprint: random.u128(..),
                until: Timestamp::from_second(1 << 33).unwrap(),
                payload,
            }),
        };
    }
    append
}

fn random_payload(random: &mut Rng) -> Payload {
    // Now and then one that takes several pages.
    let size = if random.u8(..10) == 0 { random.usize(..20_000) } else { random.usize(..300) };
    let byte = random.u8(..);
    Payload::new(random.u16(..), vec![byte; size])
}
