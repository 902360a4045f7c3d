//! Import: a new store of the lines of an export.
//!
//! - **Everything is checked before the store comes to its place**, and on an error nothing is left.
//! - A store that was imported and exported again gives the same lines, but for the epochs.

mod blobs;
mod log;

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::num::NonZeroU16;
use std::path::Path;

use foundation::{Error, Result};

use self::blobs::Blobs;
use self::log::Log;
use super::build::{Build, place_of};
use super::export::{NOT_TOLD, ROWS};
use super::failure::{Failure, Outcome};
use super::guard::guarded;
use super::lines::{Imported, Line, VERSION, record_of};
use super::tables::{group_of, last_of};
use crate::codes;
use crate::export::Exported;
use crate::format::{FORMAT, Record};
use crate::options::Durability;

/// The longest line: far more than the largest append and the largest row take as JSON, few enough
/// to hold.
const LINE: u64 = 1 << 30;

/// Makes a new store at `to` of an export, which comes from [`Journal::export`]. It has the
/// durability, the shards, the positions and the signals of the store that was exported, so readers
/// go on where they were. Payloads are stored as they were, so it needs no codec.
///
/// It blocks: call it where nobody else waits. The store is made beside its path, and is there
/// wholly or not at all. While it is made, up to a line and 16 MiB are held, and the names of all
/// streams.
///
/// [`Journal::export`]: crate::Journal::export
///
/// # Errors
///
/// `import_invalid`, with the `line`, when that is no whole export, or not one that this release
/// reads; `store_exists` when there is something at `to` already; `store_refused` when its folder is
/// not there; `store_newer` when it is of a later format; `store_locked` when somebody else makes
/// it; `store_error` when reading or writing fails.
pub fn import(from: impl BufRead, to: impl AsRef<Path>) -> Result<Exported> {
    let to = to.as_ref();
    guarded(|| Import::new(to)?.run(from)).map_err(|failure| failure.at(to))
}

/// An import on its way.
struct Import {
    build: Build,
    read: Exported,
    checksum: u32,
    head: Option<Head>,
    /// Where in [`ROWS`] the last line was, behind them all in the log; and its key.
    last: (usize, Vec<u8>),
    streams: BTreeMap<Vec<u8>, Seen>,
    blobs: Blobs,
    log: Log,
    /// The greatest position of all rows.
    position: u64,
}

/// What the first line says.
struct Head {
    format: u8,
    durability: Durability,
    shards: NonZeroU16,
    facts: BTreeMap<String, u64>,
}

/// What is known of a stream.
#[derive(Debug, Clone, Copy)]
struct Seen {
    version: u64,
    folding_to: u64,
    /// The snapshot that it has, and whether that was there.
    snapshot: Option<u64>,
    found: bool,
    deleted: bool,
}

/// What of a line is wrong.
fn wrong(what: impl Into<String>) -> Failure {
    Failure::Ours(Error::from(codes::IMPORT_INVALID).with_message(what.into()))
}

impl Import {
    fn new(to: &Path) -> Outcome<Self> {
        Ok(Self {
            build: Build::new(to)?,
            read: Exported::default(),
            checksum: 0,
            head: None,
            last: (0, Vec::new()),
            streams: BTreeMap::new(),
            blobs: Blobs::default(),
            log: Log::default(),
            position: 0,
        })
    }

    fn run(mut self, mut from: impl BufRead) -> Outcome<Exported> {
        let mut bytes = Vec::new();
        let mut is_whole = false;
        loop {
            bytes.clear();
            (&mut from).take(LINE).read_until(b'\n', &mut bytes)?;
            if bytes.is_empty() {
                break;
            }
            self.read.lines += 1;
            let line = if is_whole {
                Err(wrong("something follows the last line"))
            } else {
                self.line(&bytes)
            };
            is_whole = line.map_err(|failure| self.located(failure))?;
            self.checksum = crc32c::crc32c_append(self.checksum, &bytes);
            self.read.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        }
        if !is_whole {
            let cut_off = wrong("it was cut off: the last line is not there");
            return Err(self.located(cut_off));
        }
        let read = self.read;
        self.finish()?;
        Ok(read)
    }

    /// Says in which line it is.
    fn located(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Ours(error) if error.code() == codes::IMPORT_INVALID.name => {
                let line = self.read.lines;
                let message = format!("line {line}: {}", error.message());
                Failure::Ours(error.with_message(message).with_detail("line", line))
            }
            other => other,
        }
    }

    /// Takes a line in. Gives whether it is the last.
    fn line(&mut self, bytes: &[u8]) -> Outcome<bool> {
        if bytes.last() != Some(&b'\n') {
            return Err(wrong("it was cut off, or is longer than a line can be"));
        }
        let line: Line =
            serde_json::from_slice(bytes).map_err(|error| wrong(format!("no line: {error}")))?;
        let Some(head) = &self.head else {
            let head = head(line)?;
            self.build.raise(head.format)?;
            self.head = Some(head);
            return Ok(false);
        };
        match &line {
            Line::Export { .. } => Err(wrong("the first line is there twice")),
            Line::End { lines, checksum } => {
                if *lines != self.read.lines - 1 || *checksum != format!("{:08x}", self.checksum) {
                    return Err(wrong("the lines before are not those that were written"));
                }
                self.check()?;
                Ok(true)
            }
            _ => {
                let record = record_of(&line, head.shards).map_err(wrong)?;
                let Some(record) = record else { return Err(wrong("a line of no record")) };
                self.record(&record)?;
                Ok(false)
            }
        }
    }

    fn record(&mut self, imported: &Imported) -> Outcome<()> {
        let header = imported.header;
        let record = Record::decode(header.kind, imported.body());
        let record = record.map_err(|damage| wrong(damage.to_string()))?;
        // A blob was written before what is at its position, which may not be there yet.
        if !matches!(record, Record::Blob(_) | Record::Chunk(_)) {
            self.position = self.position.max(header.position);
        }
        if self.head.as_ref().is_some_and(|head| header.kind.format() > head.format) {
            return Err(wrong("a record that the format of the store does not have"));
        }
        if let Record::Append(body) = record {
            self.read.appends += 1;
            self.last.0 = ROWS.len();
            let name = imported.stream.as_ref().map(ToString::to_string).unwrap_or_default();
            let Some(head) = &self.head else { return Ok(()) };
            if let Some((number, row)) = self.log.append(head, &name, header, &body)? {
                self.build.group(number, row)?;
            }
            self.log.add(&imported.sealed);
            return Ok(());
        }
        let place = ROWS.iter().position(|(_, kind)| *kind == header.kind);
        let key = place_of(header, &record).map(|(_, key)| key);
        let (Some(place), Some(key)) = (place, key) else {
            return Err(wrong("a row that cannot be"));
        };
        if (place, &key) <= (self.last.0, &self.last.1) {
            return Err(wrong("the lines are not in their order"));
        }
        self.last = (place, key);
        self.check_row(header.position, &record)?;
        self.build.row(header, &record, imported.sealed.clone())
    }

    /// Compares a row with that of its stream, which came before.
    fn check_row(&mut self, position: u64, record: &Record<'_>) -> Outcome<()> {
        let (stream, version) = match record {
            Record::Stream(row) => {
                self.read.streams += 1;
                let seen = Seen {
                    version: row.version,
                    folding_to: row.folding_to,
                    snapshot: row.snapshot,
                    found: false,
                    deleted: row.deleted,
                };
                if row.folding_to < row.version || row.snapshot.is_some_and(|it| it > row.version) {
                    return Err(wrong("the versions of the stream cannot be"));
                }
                self.streams.insert(row.stream.to_vec(), seen);
                return Ok(());
            }
            Record::Signal(_) => {
                self.read.signals += 1;
                return Ok(());
            }
            Record::Snapshot(row) => {
                let seen = self.streams.get_mut(row.stream);
                if let Some(seen) = seen.filter(|seen| seen.snapshot == Some(row.version)) {
                    seen.found = true;
                    return Ok(());
                }
                return Err(wrong("the stream has no such snapshot"));
            }
            Record::Blob(row) => {
                self.read.blobs += 1;
                self.blobs.blob(*row);
                return Ok(());
            }
            Record::Chunk(row) => return self.blobs.chunk(*row).map_err(wrong),
            Record::Hold(row) => {
                self.blobs.hold(row.blob).map_err(wrong)?;
                (row.stream, row.version)
            }
            Record::Events(row) => (row.stream, row.events.last().map_or(0, |last| last.version)),
            Record::Part(row) => (row.stream, row.version),
            Record::Answer(row) => (row.stream, row.version),
            Record::Group(..) | Record::Append(_) | Record::Meta(_) => return Ok(()),
        };
        match self.streams.get(stream) {
            None => Err(wrong("there is no such stream")),
            Some(seen) if seen.deleted => Err(wrong("the stream is deleted, and has something")),
            Some(seen) if version == 0 || version > seen.folding_to => {
                Err(wrong(format!("the stream has no version {version}")))
            }
            Some(_) if position == 0 => Err(wrong("nothing has the position 0")),
            Some(_) => Ok(()),
        }
    }

    /// Looks whether everything is there that has to be.
    fn check(&mut self) -> Outcome<()> {
        let Some(head) = &self.head else { return Err(wrong("there is no first line")) };
        if let Some((number, row)) = self.log.last() {
            self.build.group(number, row)?;
        }
        let last = self.log.end(head)?;
        if self.position > last_of(last) {
            return Err(wrong(format!("the log ends before group {}", group_of(self.position))));
        }
        self.blobs.end().map_err(wrong)?;
        for (stream, seen) in &self.streams {
            let is_folding = seen.folding_to > seen.version;
            if seen.snapshot.is_some() && !seen.found && !is_folding {
                return Err(wrong(format!("{} has no snapshot", text(stream))));
            }
            if is_folding && self.log.version(stream) < seen.folding_to {
                return Err(wrong(format!("the log lacks versions of {}", text(stream))));
            }
        }
        for (stream, first) in self.log.unfolded() {
            let version = self.streams.get(stream).map_or(0, |seen| seen.version);
            if *first > version + 1 {
                let stream = text(stream);
                return Err(wrong(format!("{stream} lacks version {}", version + 1)));
            }
        }
        Ok(())
    }

    fn finish(self) -> Outcome<()> {
        let Some(head) = self.head else { return Err(wrong("there is no first line")) };
        self.build.finish(head.durability, head.shards, head.facts)
    }
}

fn text(stream: &[u8]) -> String {
    String::from_utf8_lossy(stream).replace('\0', "/")
}

/// Reads the first line.
fn head(line: Line) -> Outcome<Head> {
    let Line::Export { version, format, durability, shards, facts } = line else {
        return Err(wrong("the first line is not that of an export"));
    };
    if version != VERSION {
        return Err(wrong(format!("the lines are of version {version}, known is {VERSION}")));
    }
    if format > FORMAT {
        let error = Error::from(codes::STORE_NEWER)
            .with_message(format!("the export is of a store of format {format}"))
            .with_detail("found", format)
            .with_detail("known", FORMAT);
        return Err(error.into());
    }
    if format == 0 {
        return Err(wrong("there is no format 0"));
    }
    let durability = match durability.as_str() {
        "sync" => Durability::Sync,
        "process" => Durability::Process,
        other => return Err(wrong(format!("there is no durability {other:?}"))),
    };
    let shards = NonZeroU16::new(shards).ok_or_else(|| wrong("a store has one shard at least"))?;
    let mut numbers = BTreeMap::new();
    for (name, value) in facts {
        let number = value.parse().ok().filter(|_| is_known(&name, shards));
        let number =
            number.ok_or_else(|| wrong(format!("the fact {name:?} cannot be {value:?}")))?;
        numbers.insert(name, number);
    }
    Ok(Head { format, durability, shards, facts: numbers })
}

/// Whether that is a fact which an export tells.
fn is_known(name: &str, shards: NonZeroU16) -> bool {
    match name.split_once('.') {
        None => ["folded", "trimmed"].contains(&name) && !NOT_TOLD.contains(&name),
        Some((name, shard)) => {
            let shard = shard.parse::<u16>().ok().filter(|number| number.to_string() == shard);
            ["epoch", "trimmed", "signals_trimmed"].contains(&name)
                && shard.is_some_and(|shard| shard < shards.get())
        }
    }
}

impl Head {
    fn fact(&self, name: &str) -> u64 {
        self.facts.get(name).copied().unwrap_or(0)
    }
}
