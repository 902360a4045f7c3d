//! What a journal should be, as plainly as it can be said, and what may be done to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::Code;
use jiff::Timestamp;
use journal::{Answer, Append, Change, Payload, Signal, StreamId, Version, Wake, codes};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

/// How many streams there are to choose from.
pub(crate) const STREAMS: u8 = 4;
/// Seconds for which signals and tombstones are kept.
pub(crate) const KEPT: i64 = 100;

/// A payload: a number and a size that say what its bytes are.
pub(crate) type Bytes = (u8, u16);

/// A change, with what depends on the stream left open.
#[derive(Debug, Clone)]
pub(crate) enum Chosen {
    Event(Bytes),
    Put(u8, Bytes),
    Delete(u8),
    Signal(Bytes),
    /// Under that key, of that command, kept for so many seconds.
    Answer(u8, u8, u16),
    Wake(Option<u16>),
    WakeNow,
    /// Of so many versions before this one.
    Snapshot(u8, Bytes),
}

/// What is read and compared.
#[derive(Debug, Clone)]
pub(crate) enum Read {
    /// In pages of so many bytes.
    Stream(u8, u16),
    /// In pages of so many.
    Lists(u8),
    Log,
    Signals,
    Answers,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Open(u8),
    /// One append, which expects so many versions more than there are, if anything.
    Append(u8, Vec<Chosen>, Option<u8>),
    /// Appends that are queued before the first is waited for.
    Burst(Vec<(u8, Vec<Chosen>)>),
    Fold,
    /// Asks for a fold and does not wait for it.
    BeginFold,
    Retain,
    Tick(u16),
    Delete(u8),
    DropWriter(u8),
    TakeLease,
    /// Writers that are not the stream's any more are refused.
    TryFenced,
    Reopen,
    /// The power is cut at that call from now, or when it is done: an append and a fold.
    Crash(u8, Vec<Chosen>, u8, u64),
    Read(Read),
}

/// One stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    pub(crate) version: u64,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) parts: BTreeMap<Vec<u8>, (u64, Payload)>,
    pub(crate) events: Vec<(u64, Payload)>,
    pub(crate) snapshot: Option<(u64, Payload)>,
    pub(crate) wake: Option<Wake>,
    /// Fingerprint and payload, and until when.
    pub(crate) answers: BTreeMap<String, (u128, Payload, Timestamp)>,
    /// Whether it has a writer that may append.
    pub(crate) has_writer: bool,
}

/// An append in the log.
#[derive(Debug, PartialEq)]
pub(crate) struct Logged {
    pub(crate) stream: u8,
    pub(crate) version: u64,
    pub(crate) at: i64,
    pub(crate) changes: Vec<Change>,
}

/// A signal in the log: whose, of which version, since when.
pub(crate) type Emitted = (u8, u64, i64, Signal);

/// A journal.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// How much a commit folds.
    pub(crate) slice: usize,
    pub(crate) now: i64,
    pub(crate) streams: BTreeMap<u8, Stream>,
    pub(crate) log: Vec<Arc<Logged>>,
    pub(crate) signals: Vec<Arc<Emitted>>,
    /// What the last step should have come to.
    pub(crate) outcome: Option<Code>,
}

pub(crate) fn name(stream: u8) -> StreamId {
    StreamId::new("stream", &format!("s{stream}")).unwrap()
}

pub(crate) fn number(stream: &StreamId) -> u8 {
    stream.id()[1..].parse().unwrap()
}

fn payload((number, size): Bytes) -> Payload {
    Payload::new(u16::from(number), vec![number; usize::from(size)])
}

/// The append that `chosen` are, behind version `head`.
pub(crate) fn append_of(chosen: &[Chosen], head: u64, now: i64) -> Append {
    let second = |second: i64| Timestamp::from_second(second).unwrap();
    chosen.iter().fold(Append::new(), |append, change| match change {
        Chosen::Event(bytes) => append.event(payload(*bytes)),
        Chosen::Put(key, bytes) => append.put([*key], payload(*bytes)),
        Chosen::Delete(key) => append.delete([*key]),
        Chosen::Signal(bytes) => append.signal(Signal {
            class: bytes.0,
            routing: format!("a.{}", bytes.0),
            payload: payload(*bytes),
        }),
        Chosen::Answer(key, command, kept) => append.answer(Answer {
            key: format!("k{key}"),
            fingerprint: u128::from(*command),
            until: second(now + i64::from(*kept)),
            payload: payload((*command, 10)),
        }),
        Chosen::Wake(None) => append.wake(Wake::Never),
        Chosen::Wake(Some(at)) => append.wake(Wake::At(second(i64::from(*at)))),
        Chosen::WakeNow => append.wake(Wake::Now),
        Chosen::Snapshot(back, bytes) => {
            let of = (head + 1).saturating_sub(u64::from(*back));
            append.snapshot(Version::new(of), payload(*bytes))
        }
    })
}

impl Reference {
    pub(crate) fn stream(&self, stream: u8) -> Stream {
        self.streams.get(&stream).cloned().unwrap_or_default()
    }

    fn at(&mut self, stream: u8) -> &mut Stream {
        self.streams.entry(stream).or_default()
    }

    fn no_writers(&mut self) {
        self.streams.values_mut().for_each(|stream| stream.has_writer = false);
    }

    /// An append that is accepted.
    fn commit(&mut self, stream: u8, append: &Append) {
        let now = self.now;
        let state = self.at(stream);
        state.version += 1;
        let version = state.version;
        let mut emitted = Vec::new();
        for change in append.changes() {
            state.apply(change, now);
            if let Change::Signal(signal) = change {
                emitted.push(Arc::new((stream, version, now, signal.clone())));
            }
        }
        let snapshot = state.snapshot.as_ref().map_or(0, |(version, _)| *version);
        state.events.retain(|(version, _)| *version > snapshot);
        self.signals.append(&mut emitted);
        let changes = append.changes().to_vec();
        self.log.push(Arc::new(Logged { stream, version, at: now, changes }));
    }

    fn append(&mut self, stream: u8, chosen: &[Chosen], ahead: Option<u8>) {
        let state = self.stream(stream);
        let append = append_of(chosen, state.version, self.now);
        let mut keys = Vec::new();
        let mut refused = None;
        for change in append.changes() {
            let Change::Answer(answer) = change else { continue };
            if keys.contains(&answer.key) {
                // Nothing of it is looked at.
                self.outcome = Some(codes::INVALID_RECORD);
                return;
            }
            keys.push(answer.key.clone());
            let known = state.answers.get(&answer.key);
            refused = refused.or(known.map(|(fingerprint, ..)| {
                if *fingerprint == answer.fingerprint {
                    codes::KEY_ANSWERED
                } else {
                    codes::KEY_REUSED
                }
            }));
        }
        if ahead.is_some_and(|ahead| ahead > 0) {
            self.outcome = Some(codes::VERSION_CONFLICT);
            return;
        }
        self.outcome = refused;
        match refused {
            Some(_) => self.at(stream).has_writer = false,
            None => self.commit(stream, &append),
        }
    }

    fn retain(&mut self) {
        let (now, before) = (Timestamp::from_second(self.now).unwrap(), self.now - KEPT);
        for stream in self.streams.values_mut() {
            stream.answers.retain(|_, (.., until)| *until >= now);
        }
        self.streams.retain(|_, stream| stream.deleted_at.is_none_or(|at| at >= before));
        self.signals.retain(|signal| signal.2 >= before);
    }
}

impl Stream {
    fn apply(&mut self, change: &Change, now: i64) {
        let version = self.version;
        match change.clone() {
            Change::Event(payload) => self.events.push((version, payload)),
            Change::Put(key, payload) => drop(self.parts.insert(key, (version, payload))),
            Change::Delete(key) => drop(self.parts.remove(&key)),
            Change::Answer(Answer { key, fingerprint, payload, until }) => {
                self.answers.insert(key, (fingerprint, payload, until));
            }
            Change::Wake(wake) => self.wake = Some(wake).filter(|wake| *wake != Wake::Never),
            Change::Snapshot(of, payload)
                if self.snapshot.as_ref().is_none_or(|(before, _)| of.get() >= *before) =>
            {
                self.snapshot = Some((of.get(), payload));
            }
            Change::Tombstone => {
                *self = Self { version, deleted_at: Some(now), ..Self::default() };
            }
            _ => {}
        }
    }
}

fn bytes() -> impl Strategy<Value = Bytes> {
    // Some are so large that a few of them are enough to be folded.
    (any::<u8>(), prop_oneof![6 => 0_u16..200, 1 => 3000_u16..9000])
}

fn change() -> BoxedStrategy<Chosen> {
    prop_oneof![
        4 => bytes().prop_map(Chosen::Event),
        4 => (0_u8..5, bytes()).prop_map(|(key, bytes)| Chosen::Put(key, bytes)),
        2 => (0_u8..5).prop_map(Chosen::Delete),
        2 => bytes().prop_map(Chosen::Signal),
        2 => proptest::option::of(any::<u16>()).prop_map(Chosen::Wake),
        1 => Just(Chosen::WakeNow),
        2 => (0_u8..4, bytes()).prop_map(|(back, bytes)| Chosen::Snapshot(back, bytes)),
    ]
    .boxed()
}

fn answer() -> impl Strategy<Value = Chosen> {
    let kept = prop_oneof![Just(10_u16), Just(200), Just(10_000)];
    (0_u8..3, 0_u8..2, kept).prop_map(|(key, command, kept)| Chosen::Answer(key, command, kept))
}

fn changes() -> BoxedStrategy<Vec<Chosen>> {
    proptest::collection::vec(change(), 0..5).boxed()
}

fn read() -> BoxedStrategy<Step> {
    let page = prop_oneof![Just(1_u16), 10_u16..500, Just(u16::MAX)];
    prop_oneof![
        4 => (0..STREAMS, page).prop_map(|(stream, page)| Read::Stream(stream, page)),
        2 => (1_u8..4).prop_map(Read::Lists),
        1 => Just(Read::Log),
        1 => Just(Read::Signals),
        1 => Just(Read::Answers),
    ]
    .prop_map(Step::Read)
    .boxed()
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let empty = |slice| Self {
            slice,
            now: 1000,
            streams: BTreeMap::new(),
            log: Vec::new(),
            signals: Vec::new(),
            outcome: None,
        };
        (1_usize..8).prop_map(empty).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let with_answers =
            proptest::collection::vec(prop_oneof![3 => change(), 1 => answer()], 0..5);
        let ahead = prop_oneof![4 => Just(None), 2 => Just(Some(0)), 1 => Just(Some(1_u8))];
        let append = (0..STREAMS, with_answers, ahead);
        let burst = proptest::collection::vec((0..STREAMS, changes()), 1..8);
        let crash = (0..STREAMS, changes(), 0_u8..40, any::<u64>());
        let tick = prop_oneof![1 => Just(1_u16), 1 => Just(60), 2 => Just(300)];
        prop_oneof![
            8 => (0..STREAMS).prop_map(Step::Open),
            14 => append.prop_map(|(stream, changes, ahead)| Step::Append(stream, changes, ahead)),
            5 => burst.prop_map(Step::Burst),
            2 => Just(Step::Fold),
            4 => Just(Step::BeginFold),
            3 => Just(Step::Retain),
            3 => tick.prop_map(Step::Tick),
            2 => (0..STREAMS).prop_map(Step::Delete),
            1 => (0..STREAMS).prop_map(Step::DropWriter),
            1 => Just(Step::TakeLease),
            1 => Just(Step::TryFenced),
            1 => Just(Step::Reopen),
            2 => crash.prop_map(|(stream, it, cut, seed)| Step::Crash(stream, it, cut, seed)),
            10 => read(),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        let writes = |stream: u8| state.streams.get(&stream).is_some_and(|it| it.has_writer);
        match step {
            Step::Append(stream, ..) | Step::Delete(stream) | Step::DropWriter(stream) => {
                writes(*stream)
            }
            Step::Burst(appends) => appends.iter().all(|(stream, _)| writes(*stream)),
            Step::Crash(stream, ..) => state.stream(*stream).deleted_at.is_none(),
            _ => true,
        }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.outcome = None;
        match step {
            Step::Open(stream) => {
                if state.stream(*stream).deleted_at.is_some() {
                    state.outcome = Some(codes::STREAM_DELETED);
                } else {
                    state.at(*stream).has_writer = true;
                }
            }
            Step::Append(stream, chosen, ahead) => state.append(*stream, chosen, *ahead),
            Step::Burst(appends) => {
                for (stream, chosen) in appends {
                    state.append(*stream, chosen, None);
                }
            }
            Step::Retain => state.retain(),
            Step::Tick(seconds) => state.now += i64::from(*seconds),
            Step::Delete(stream) => state.commit(*stream, &Append::tombstone()),
            Step::DropWriter(stream) => state.at(*stream).has_writer = false,
            Step::TakeLease | Step::Reopen => state.no_writers(),
            Step::Crash(stream, chosen, ..) => {
                state.append(*stream, chosen, None);
                state.no_writers();
            }
            Step::Fold | Step::BeginFold | Step::TryFenced | Step::Read(_) => {}
        }
        state
    }
}
