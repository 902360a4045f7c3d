//! Export: every row and the whole log as lines of JSON, from one read transaction, step by step.

use std::io::{self, Write};
use std::ops::Bound;

use foundation::Error;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::build::place_of;
use super::core::Core;
use super::facts::Facts;
use super::failure::{Failure, Outcome};
use super::lines::{Line, VERSION, line_of};
use super::rows::positions_of;
use super::tables::{
    ANSWERS, BLOBS, CHUNKS, EVENTS, HOLDS, LOG, META, PARTS, Rows, SIGNALS, SNAPSHOTS, STREAMS,
};
use crate::codes;
use crate::export::Exported;
use crate::format::{Fact, Header, Kind, Record, open_group, unseal};

/// The tables whose rows are lines, in the order of the lines. The others can be made of these.
pub(super) const ROWS: [(Rows, Kind); 9] = [
    (STREAMS, Kind::Stream),
    (SNAPSHOTS, Kind::Snapshot),
    (EVENTS, Kind::Events),
    (PARTS, Kind::Part),
    (ANSWERS, Kind::Answer),
    (SIGNALS, Kind::Signal),
    (BLOBS, Kind::Blob),
    (CHUNKS, Kind::Chunk),
    (HOLDS, Kind::Hold),
];

/// Facts that are told in other words than as facts, or that are counted anew.
pub(super) const NOT_TOLD: [&str; 4] = ["format", "durability", "shards", "signal_bytes"];

/// Bytes of one step, after which others have their turn.
const STEP: u64 = 1 << 20;

/// An export on its way.
pub(super) struct Export {
    read: ReadTransaction,
    to: Box<dyn Write + Send>,
    written: Exported,
    checksum: u32,
    /// The format that the store is written in.
    format: u8,
    at: At,
}

/// What comes next.
enum At {
    /// The rows of that one of [`ROWS`], behind that key.
    Rows(usize, Option<Vec<u8>>),
    /// The log, from that group.
    Log(u64),
    Done,
}

impl Export {
    /// Begins one, and writes its first line.
    pub(super) fn begin(
        core: &Core,
        database: &Database,
        to: Box<dyn Write + Send>,
    ) -> Outcome<Self> {
        let read = database.begin_read()?;
        let written = Exported::default();
        let at = At::Rows(0, None);
        let mut export = Self { read, to, written, checksum: 0, format: 1, at };
        let table = export.read.open_table(META)?;
        let mut facts = std::collections::BTreeMap::new();
        for row in table.iter()? {
            let (name, value) = row?;
            let fact = Fact::decode(unseal(value.value(), Kind::Meta)?.1)?;
            if !NOT_TOLD.contains(&name.value()) {
                facts.insert(name.value().to_owned(), fact.value.to_string());
            }
        }
        drop(table);
        // What was checked when the store was opened is asked for once more: it may have been hit.
        let known = Facts::open(&export.read, &core.path)?;
        if known.shards()? != core.shard_count() {
            return Err(Failure::Corrupt("the number of shards has changed".to_owned()));
        }
        export.format = known.format(&core.path)?;
        export.line(&Line::Export {
            version: VERSION,
            format: export.format,
            durability: core.options.durability.name().to_owned(),
            shards: core.shard_count().get(),
            facts,
        })?;
        Ok(export)
    }

    /// Goes on for a while.
    pub(super) fn step(mut self) -> Outcome<Self> {
        let until = self.written.bytes.saturating_add(STEP);
        while self.written.bytes < until {
            match std::mem::replace(&mut self.at, At::Done) {
                At::Rows(number, after) => self.rows(number, after.as_deref(), until)?,
                At::Log(from) => self.log(from, until)?,
                At::Done => break,
            }
        }
        Ok(self)
    }

    /// Whether everything is written, and what that is.
    pub(super) fn done(&self) -> Option<Exported> {
        matches!(self.at, At::Done).then_some(self.written)
    }

    fn rows(&mut self, number: usize, after: Option<&[u8]>, until: u64) -> Outcome<()> {
        let has = |(_, kind): &(Rows, Kind)| kind.format() <= self.format;
        let Some((definition, kind)) = ROWS.get(number).copied().filter(has) else {
            self.at = At::Log(0);
            return Ok(());
        };
        let table = self.read.open_table(definition)?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        for row in table.range::<&[u8]>((from, Bound::Unbounded))? {
            let (key, value) = row?;
            let (header, body) = unseal(value.value(), kind)?;
            let record = Record::decode(kind, body)?;
            if place_of(header, &record).is_none_or(|(_, place)| place != key.value()) {
                let message = "a row is under a key that is not its own";
                return Err(Failure::Corrupt(message.to_owned()));
            }
            self.record(header, &record)?;
            if self.written.bytes >= until {
                self.at = At::Rows(number, Some(key.value().to_vec()));
                return Ok(());
            }
        }
        self.at = At::Rows(number + 1, None);
        Ok(())
    }

    fn log(&mut self, from: u64, until: u64) -> Outcome<()> {
        let table = self.read.open_table(LOG)?;
        for row in table.range(from..)? {
            let (number, group) = row?;
            let number = number.value();
            for append in open_group(group.value(), positions_of(number))? {
                let (header, body, ..) = append?;
                self.record(header, &Record::Append(body))?;
            }
            if self.written.bytes >= until {
                self.at = At::Log(number + 1);
                return Ok(());
            }
        }
        // Every line but this one is counted, and what is before it has the checksum.
        let (lines, checksum) = (self.written.lines, format!("{:08x}", self.checksum));
        self.line(&Line::End { lines, checksum })?;
        self.to.flush().map_err(failed)
    }

    fn record(&mut self, header: Header, record: &Record<'_>) -> Outcome<()> {
        let Some(line) = line_of(header, record)? else { return Ok(()) };
        match record {
            Record::Stream(_) => self.written.streams += 1,
            Record::Append(_) => self.written.appends += 1,
            Record::Blob(_) => self.written.blobs += 1,
            Record::Signal(_) => self.written.signals += 1,
            _ => {}
        }
        self.line(&line)
    }

    fn line(&mut self, line: &Line) -> Outcome<()> {
        let mut bytes = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        self.to.write_all(&bytes).map_err(failed)?;
        self.checksum = crc32c::crc32c_append(self.checksum, &bytes);
        self.written.lines += 1;
        self.written.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(())
    }
}

/// The error of a target that cannot be written.
fn failed(error: io::Error) -> Failure {
    let message = format!("what is exported could not be written: {error}");
    Failure::Ours(Error::from(codes::EXPORT_FAILED).with_message(message).with_source(error))
}
