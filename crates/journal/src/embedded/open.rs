//! Opening a store: it is created or repaired, its epochs are raised, and the log that is not folded
//! is read.

use std::io;
use std::path::Path;
use std::sync::Arc;

use foundation::Error;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, RepairSession};

use super::facts::Facts;
use super::failure::{Failure, Outcome};
use super::guard::{guarded, let_go};
use super::medium::{Medium, MediumPlace, StoreFile};
use super::options::{Place, RedbOptions};
use super::path::{Found, beside, look, put_in_place};
use super::rows::positions_of;
use super::tables::{LOG, META, create_all, read_fact, shard_fact, write_fact};
use super::tail::{self, Group, Kept, Spot, Tail};
use crate::append::Wake;
use crate::codes;
use crate::format::{Body, StoredChange, open_group};
use crate::options::Durability;
use crate::stream::{Shard, StreamId};

/// A store that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) database: Arc<Database>,
    pub(super) medium: Arc<Medium>,
    pub(super) tail: Tail,
    /// The number of the next group.
    pub(super) next: u64,
    /// The epoch of each shard.
    pub(super) epochs: Vec<u64>,
    /// The last position of each shard.
    pub(super) ends: Vec<u64>,
    pub(super) signal_bytes: u64,
    /// The format that it is written in.
    pub(super) format: u8,
}

/// Opens the store, which is created when there is none.
pub(super) fn open(options: &RedbOptions) -> Outcome<Opened> {
    let (database, medium) = match &options.place {
        Place::File(path) => open_file(options, path)?,
        #[cfg(feature = "testing")]
        Place::Disk(disk) => {
            let (file, medium) = StoreFile::new(disk.backend(), MediumPlace::Disk(disk.clone()));
            let database = builder(options).create_with_backend(file)?;
            if is_empty(&database)? {
                initialise(&database, options)?;
            }
            (database, medium)
        }
    };
    let database = Arc::new(database);
    // Closing a store that is damaged may panic. While another panic unwinds that would end the
    // process, so the store is held outside, and let go when the first one is over.
    let opened = guarded(|| {
        let (shards, format) = check(&database, options)?;
        if options.durability == Durability::Process {
            // Not before it is known that this is what the store was created with.
            medium.stop_syncing();
        }
        let epochs = raise_epochs(&database, shards)?;
        let opened = read_log(&database, medium, epochs)?;
        Ok(Opened { format, ..opened })
    });
    if opened.is_err() {
        let_go(database);
    }
    opened
}

fn open_file(options: &RedbOptions, path: &Path) -> Outcome<(Database, Arc<Medium>)> {
    if let Found::Store(file) = look(path)? {
        return on(options, path, file);
    }
    let Some((file, beside)) = beside(path)? else {
        // Somebody else has just made it. It is there now, unless it was taken away again.
        return match look(path)? {
            Found::Store(file) => on(options, path, file),
            Found::Nothing => Err(io::Error::from(io::ErrorKind::NotFound).into()),
        };
    };
    let (database, medium) = on(options, path, file)?;
    initialise(&database, options)?;
    put_in_place(&beside, path)?;
    Ok((database, medium))
}

fn on(options: &RedbOptions, path: &Path, file: std::fs::File) -> Outcome<(Database, Arc<Medium>)> {
    let (file, medium) = StoreFile::on(file, MediumPlace::of(path))?;
    Ok((builder(options).create_with_backend(file)?, medium))
}

pub(super) fn builder(options: &RedbOptions) -> Builder {
    let mut builder = Database::builder();
    let path = options.place.path().display().to_string();
    builder
        .set_cache_size(options.cache)
        // Rows have checksums of their own, but keys and the pages above them have only those of
        // the store, which it looks at when it is asked to, and which it trusts otherwise.
        .set_check_integrity_on_open(options.check_on_open)
        .set_repair_callback(move |session: &mut RepairSession| {
            // Told as it goes on: a large file takes minutes.
            tracing::debug!(path, progress = session.progress(), "journal.checking");
        });
    builder
}

#[cfg(feature = "testing")]
fn is_empty(database: &Database) -> Outcome<bool> {
    use redb::TableHandle;
    let read = database.begin_read()?;
    let found = read.list_tables()?.any(|table| table.name() == META.name());
    Ok(!found)
}

/// Makes a new store.
fn initialise(database: &Database, options: &RedbOptions) -> Outcome<()> {
    let write = database.begin_write()?;
    create_all(&write, options.format)?;
    write_fact(&write, "format", u64::from(options.format))?;
    write_fact(&write, "durability", number_of(options.durability))?;
    write_fact(&write, "shards", u64::from(options.shards.get()))?;
    write.commit()?;
    Ok(())
}

pub(super) const fn number_of(durability: Durability) -> u64 {
    match durability {
        Durability::Sync => 0,
        // There is no file in memory.
        Durability::Process | Durability::Memory => 1,
    }
}

/// Whether this is a store of ours, that this release knows and that is as asked for. Gives the
/// number of its shards, and the format that it is written in.
fn check(database: &Database, options: &RedbOptions) -> Outcome<(u16, u8)> {
    let path = options.place.path();
    let facts = Facts::open(&database.begin_read()?, &path)?;
    let (format, found) = (facts.format(&path)?, facts.durability()?);
    if found != options.durability {
        let path = path.display().to_string();
        let message = format!("{path} was created with {}", found.name());
        let error = Error::from(codes::DURABILITY_MISMATCH)
            .with_message(message)
            .with_detail("path", path)
            .with_detail("store", found.name())
            .with_detail("asked", options.durability.name());
        return Err(error.into());
    }
    Ok((facts.shards()?.get(), format))
}

/// Makes a new epoch of each shard durable: whoever had the store before has lost it.
fn raise_epochs(database: &Database, shards: u16) -> Outcome<Vec<u64>> {
    let write = database.begin_write()?;
    let mut epochs = Vec::new();
    for shard in (0..shards).map(Shard::new) {
        let name = shard_fact("epoch", shard);
        let facts = write.open_table(META)?;
        let epoch = read_fact(&facts, &name)?.unwrap_or(0) + 1;
        drop(facts);
        write_fact(&write, &name, epoch)?;
        epochs.push(epoch);
    }
    write.commit()?;
    Ok(epochs)
}

/// Reads what of the log is there: what is not folded goes into the tail.
fn read_log(database: &Arc<Database>, medium: Arc<Medium>, epochs: Vec<u64>) -> Outcome<Opened> {
    let read = database.begin_read()?;
    let facts = read.open_table(META)?;
    let fact = |name: &str| read_fact(&facts, name).map(Option::unwrap_or_default);
    let (folded, trimmed) = (fact("folded")?, fact("trimmed")?);
    let mut ends = Vec::new();
    for shard in 0..epochs.len() {
        let shard = Shard::new(u16::try_from(shard).unwrap_or(0));
        ends.push(fact(&shard_fact("trimmed", shard))?);
    }
    let signal_bytes = fact("signal_bytes")?;
    let mut tail = Tail { folded, trimmed, ..Tail::default() };
    let mut last = folded.max(trimmed);
    for row in read.open_table(LOG)?.iter()? {
        let (number, bytes) = row?;
        let number = number.value();
        if number != last + 1 && number > folded {
            return Err(Failure::Corrupt(format!("the log lacks its group {}", last + 1)));
        }
        last = last.max(number);
        let group = read_group(number, bytes.value(), &mut tail, number > folded)?;
        for (shard, end) in group.ends() {
            if let Some(known) = ends.get_mut(usize::from(shard.get())) {
                *known = end;
            }
        }
        let size = u64::try_from(bytes.value().len()).unwrap_or(0);
        if number > folded {
            tail.bytes += size;
            tail.records += group.records.len();
            tail.groups.push_back(group);
        } else {
            tail.kept_bytes += size;
            tail.kept.push_back(Kept { number, bytes: size, ends: group.ends() });
        }
    }
    drop(facts);
    drop(read);
    let (database, next) = (Arc::clone(database), last + 1);
    Ok(Opened { database, medium, tail, next, epochs, ends, signal_bytes, format: 0 })
}

/// Reads one group. If it is not folded, its streams get their records.
fn read_group(number: u64, bytes: &[u8], tail: &mut Tail, is_tail: bool) -> Outcome<Group> {
    let mut records = Vec::new();
    for record in open_group(bytes, positions_of(number))? {
        let (header, body, offset, length) = record?;
        let (offset, length) =
            (u32::try_from(offset).unwrap_or(0), u32::try_from(length).unwrap_or(0));
        let mut signals = 0;
        if is_tail {
            signals = read_record(number, offset, length, body, tail)?;
        } else {
            for change in body.changes() {
                signals += u32::from(matches!(change?, StoredChange::Signal { .. }));
            }
        }
        records.push(Spot {
            offset,
            length,
            shard: Shard::new(header.shard),
            signals,
            position: header.position,
        });
    }
    // What is folded is read from the file when somebody asks for it.
    let bytes = if is_tail { bytes.to_vec() } else { Vec::new() };
    Ok(Group { number, bytes: Arc::new(bytes), records })
}

/// Gives a stream one of its records. Gives the number of its signals.
fn read_record(
    group: u64,
    offset: u32,
    length: u32,
    body: Body<'_>,
    tail: &mut Tail,
) -> Outcome<u32> {
    let Some(stream) = StreamId::from_key(body.record.stream) else {
        return Err(Failure::Corrupt("the log has a stream whose name cannot be".to_owned()));
    };
    let entry = tail.entry(&stream);
    let mut state = entry.state.lock();
    let (mut signals, mut tombstone) = (0, false);
    for change in body.changes() {
        match change? {
            StoredChange::Signal { .. } => signals += 1,
            StoredChange::Wake(wake) => state.wake = Some((group, wake)),
            StoredChange::Answer { key, fingerprint, .. } => {
                state.answers.insert(key.to_owned(), (group, fingerprint));
            }
            StoredChange::Tombstone => {
                tombstone = true;
                state.wake = Some((group, Wake::Never));
                state.answers.clear();
            }
            _ => {}
        }
    }
    let version = body.record.version;
    state.records.push_back(tail::Place { group, offset, length, version, tombstone });
    Ok(signals)
}
