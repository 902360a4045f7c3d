//! Everything that can be read of a journal, compared with the model.

use std::time::Duration;

use foundation::Error;
use jiff::Timestamp;
use journal::{Load, Loaded, Payload, Position, SignalEntry, Version, Wake, codes};
use tokio::time::timeout;

use super::reference::{Emitted, Logged, Read, Reference, STREAMS, Stream, name, number};
use super::{Open, SHARD};

impl Open {
    pub(super) async fn compare_all(&self, state: &Reference) {
        for stream in 0..STREAMS {
            self.compare(state, &Read::Stream(stream, u16::MAX)).await;
        }
        for read in [Read::Lists(2), Read::Log, Read::Signals, Read::Answers] {
            self.compare(state, &read).await;
        }
    }

    pub(super) async fn compare(&self, state: &Reference, read: &Read) {
        match read {
            Read::Stream(stream, page) => {
                self.compare_stream(*stream, &state.stream(*stream), usize::from(*page)).await;
            }
            Read::Lists(limit) => {
                self.compare_streams(state, usize::from(*limit)).await;
                for until in [state.now, 1 << 15, 1 << 20] {
                    self.compare_due(state, until, usize::from(*limit)).await;
                }
            }
            Read::Log => self.compare_log(state).await,
            Read::Signals => self.compare_signals(state).await,
            Read::Answers => self.compare_answers(state).await,
        }
    }

    async fn compare_stream(&self, stream: u8, state: &Stream, page: usize) {
        let loaded = self.load(stream, Load::all().page(page)).await;
        if state.deleted_at.is_some() {
            assert_eq!(loaded.unwrap_err().code(), codes::STREAM_DELETED.name);
            return;
        }
        let loaded = loaded.unwrap();
        assert_eq!(loaded.version.get(), state.version, "the version of {stream}");
        assert_eq!(loaded.wake, state.wake.unwrap_or(Wake::Never), "the wake of {stream}");
        let snapshot = loaded.snapshot.map(|(version, payload)| (version.get(), payload));
        assert_eq!(snapshot, state.snapshot, "the snapshot of {stream}");
        let events: Vec<_> =
            loaded.events.into_iter().map(|event| (event.version.get(), event.payload)).collect();
        assert_eq!(events, state.events, "the events of {stream}");
        let parts = loaded.parts.into_iter().map(|part| {
            let value: (u64, Payload) = (part.version.get(), part.payload);
            (part.key, value)
        });
        assert_eq!(parts.collect::<Vec<_>>(), Vec::from_iter(state.parts.clone()));
        let middle = state.version / 2;
        let load = Load::new().events_after(Version::new(middle)).parts([vec![3], vec![1]]);
        let loaded = self.load(stream, load.page(page)).await.unwrap();
        let events = state.events.iter().filter(|(version, _)| *version > middle).count();
        assert_eq!(loaded.events.len(), events, "the events of {stream} behind {middle}");
        let keys: Vec<_> = loaded.parts.into_iter().map(|part| part.key).collect();
        let expected = state.parts.keys().filter(|key| matches!(key[..], [1 | 3]));
        assert_eq!(keys, expected.cloned().collect::<Vec<_>>());
    }

    /// Loads page by page, as one.
    async fn load(&self, stream: u8, load: Load) -> Result<Loaded, Error> {
        let mut all = self.journal.load(&name(stream), load).await?;
        while let Some(more) = all.more.take() {
            let next = self.journal.load(&name(stream), more).await?;
            assert!(!next.events.is_empty() || !next.parts.is_empty() || next.more.is_none());
            all.events.extend(next.events);
            all.parts.extend(next.parts);
            all.more = next.more;
        }
        Ok(all)
    }

    async fn compare_streams(&self, state: &Reference, limit: usize) {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = self.journal.streams("stream", after.as_ref(), limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.stream.clone());
            listed
                .extend(page.into_iter().map(|info| (info.stream, info.version.get(), info.wake)));
        }
        let live = state.streams.iter().filter(|(_, it)| it.version > 0 && it.deleted_at.is_none());
        let live = live.map(|(n, it)| (name(*n), it.version, it.wake.unwrap_or(Wake::Never)));
        assert_eq!(listed, live.collect::<Vec<_>>(), "the list of streams");
    }

    async fn compare_due(&self, state: &Reference, until: i64, limit: usize) {
        let until = Timestamp::from_second(until).unwrap();
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = self.journal.due(SHARD, until, after.as_ref(), limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            listed.extend(page.into_iter().map(|due| (due.since, due.stream)));
        }
        let since = |stream: &Stream| stream.wake?.due_from().filter(|since| *since <= until);
        let due = state.streams.iter().filter_map(|(n, stream)| Some((since(stream)?, name(*n))));
        let mut due: Vec<_> = due.collect();
        due.sort();
        assert_eq!(listed, due, "what is due until {until}");
    }

    async fn compare_log(&self, state: &Reference) {
        let mut reader = self.journal.log(Position::start(SHARD)).unwrap();
        let (mut read, mut last) = (Vec::new(), Position::start(SHARD));
        // Nothing else happens, so the time passes when there is nothing more to read.
        while let Ok(next) = timeout(Duration::from_secs(1), reader.next()).await {
            match next {
                Ok(entry) => {
                    assert!(entry.position.is_after(last), "positions rise");
                    last = entry.position;
                    read.push(Logged {
                        stream: number(&entry.stream),
                        version: entry.version.get(),
                        at: entry.at.as_second(),
                        changes: entry.changes,
                    });
                }
                Err(gap) => {
                    assert!(read.is_empty(), "a gap behind the start: {}", gap.report());
                    reader.skip(kept_from(&gap)).unwrap();
                }
            }
        }
        // What is dropped is the oldest of what is folded.
        let dropped = state.log.len().checked_sub(read.len()).expect("nothing is there twice");
        assert!(dropped == 0 || !read.is_empty() || self.journal.stats().tail == 0);
        let expected = state.log[dropped..].iter().map(|logged| &**logged);
        assert!(read.iter().eq(expected), "the log has {read:#?} of {:#?}", state.log);
    }

    async fn compare_signals(&self, state: &Reference) {
        let mut reader = self.journal.signals(Position::start(SHARD)).unwrap();
        let mut read: Vec<Emitted> = Vec::new();
        while let Ok(next) = timeout(Duration::from_secs(1), reader.next()).await {
            match next {
                Ok(entry) => read.push(emitted(entry)),
                Err(gap) => {
                    assert!(read.is_empty(), "a gap behind the start: {}", gap.report());
                    reader.skip(kept_from(&gap)).unwrap();
                }
            }
        }
        assert!(read.iter().eq(state.signals.iter().map(|signal| &**signal)), "the signals");
        // From some time on, as many as there are.
        let time = state.now - 20;
        let since = Timestamp::from_second(time).unwrap();
        let from = self.journal.signals_since(SHARD, since).await.unwrap();
        let mut reader = self.journal.signals(from).unwrap();
        let mut later = 0;
        while let Ok(next) = timeout(Duration::from_secs(1), reader.next()).await {
            assert!(next.unwrap().at >= since);
            later += 1;
        }
        assert_eq!(later, state.signals.iter().filter(|signal| signal.2 >= time).count());
    }

    async fn compare_answers(&self, state: &Reference) {
        for (stream, it) in &state.streams {
            for key in (0..3).map(|key| format!("k{key}")) {
                let name = name(*stream);
                let found = |command| self.journal.answer(&name, &key, command);
                match it.answers.get(&key) {
                    _ if it.deleted_at.is_some() => {
                        let refused = found(0).await.unwrap_err();
                        assert_eq!(refused.code(), codes::STREAM_DELETED.name);
                    }
                    None => assert_eq!(found(0).await.unwrap(), None, "{key} of {stream}"),
                    Some((command, payload, _)) => {
                        assert_eq!(found(*command).await.unwrap().as_ref(), Some(payload));
                        let refused = found(command + 1).await.unwrap_err();
                        assert_eq!(refused.code(), codes::KEY_REUSED.name);
                    }
                }
            }
        }
    }
}

fn kept_from(gap: &Error) -> Position {
    assert_eq!(gap.code(), codes::GAP.name, "{}", gap.report());
    Position::new(SHARD, gap.details()["to"].as_u64().unwrap())
}

fn emitted(entry: SignalEntry) -> Emitted {
    (number(&entry.stream), entry.version.get(), entry.at.as_second(), entry.signal)
}
