//! A store with every kind of row, what can be asked of it, and how it is damaged behind its back.

use std::io::Read;
use std::path::Path;

use foundation::System;
use jiff::Timestamp;
use journal::{
    Append, BlobId, Change, Durability, Journal, Load, Payload, Position, RedbOptions, Shard,
    Share, StreamId,
};
use redb::{Database, Key, TableDefinition};

use crate::child::{self, append_of, stream};

/// Streams, beside one that is deleted.
pub(crate) const STREAMS: u32 = 8;
/// Appends of each stream, of which the last ones are not folded.
pub(crate) const APPENDS: u64 = 14;
const UNFOLDED: u64 = 3;

/// How a table is defined, as `docs/format.md` describes it.
pub(crate) type Rows = TableDefinition<'static, &'static [u8], &'static [u8]>;
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(crate) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

pub(crate) const fn rows(name: &'static str) -> Rows {
    TableDefinition::new(name)
}

/// As a store is opened here: it keeps its whole log, and folds when it is asked to.
pub(crate) fn options(path: &Path) -> RedbOptions {
    child::options(path, Durability::Process).tail(64 << 20)
}

pub(crate) fn gone() -> StreamId {
    StreamId::new("gone", "one").unwrap()
}

/// A stream that holds blobs.
pub(crate) fn holder() -> StreamId {
    StreamId::new("holder", "one").unwrap()
}

/// A blob of the shard of [`holder`].
async fn blob(journal: &Journal, length: usize) -> BlobId {
    let lease = journal.acquire(holder().shard(journal.shards())).await.unwrap();
    let mut blob = journal.new_blob(&lease);
    blob.write(&vec![7; length]).await.unwrap();
    blob.finish().await.unwrap()
}

/// Appends to a stream, and waits until it is durable.
pub(crate) async fn append(journal: &Journal, stream: &StreamId, appends: Vec<Append>) {
    let lease = journal.acquire(stream.shard(journal.shards())).await.unwrap();
    let mut writer = journal.open(&lease, stream).await.unwrap();
    for append in appends {
        let permit = writer.permit(Share::New, 1000).await.unwrap();
        writer.append(permit, append).unwrap().await.unwrap();
    }
}

/// Writes every kind of row, and leaves some of the log unfolded.
pub(crate) async fn write(journal: &Journal) {
    for versions in [1..=APPENDS - UNFOLDED, APPENDS - UNFOLDED + 1..=APPENDS] {
        for number in 0..STREAMS {
            let appends = versions.clone().map(|version| append_of(number, version)).collect();
            append(journal, &stream(number), appends).await;
        }
        if *versions.start() == 1 {
            let part = Append::new().put("a", Payload::new(1, *b"b"));
            append(journal, &gone(), vec![part, Append::tombstone()]).await;
            let (one, two) = (blob(journal, 10).await, blob(journal, 6000).await);
            append(journal, &holder(), vec![Append::new().hold(one).hold(two)]).await;
            // Nobody holds it.
            blob(journal, 1).await;
            journal.fold().await.unwrap();
        }
    }
}

/// Writes a store at `path` and closes it.
pub(crate) async fn closed_store(path: &Path) {
    let system = System::builder().start().await.unwrap();
    let journal = options(path).open(&system).await.unwrap();
    write(&journal).await;
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

/// Everything that can be asked of a store that [`write`] has written.
pub(crate) async fn dump(journal: &Journal) -> Vec<String> {
    let mut told = Vec::new();
    for blob in journal.holds(&holder(), None, 100).await.unwrap() {
        let bytes = journal.read_blob(blob).await.unwrap().read_all(1 << 20).await.unwrap();
        told.push(format!("{blob} {bytes:?}"));
    }
    for stream in (0..STREAMS).map(stream).chain([gone(), holder()]) {
        let loaded = journal.load(&stream, Load::all()).await;
        told.push(format!("{loaded:?}"));
    }
    for number in 0..STREAMS {
        for version in 1..=APPENDS {
            for change in append_of(number, version).changes() {
                if let Change::Answer(it) = change {
                    let answer = journal.answer(&stream(number), &it.key, it.fingerprint).await;
                    told.push(format!("{answer:?}"));
                }
            }
        }
    }
    told.push(format!("{:?}", journal.streams("stream", None, 100).await));
    let far = Timestamp::MAX - jiff::Span::new().seconds(1);
    for shard in (0..journal.shards().get()).map(Shard::new) {
        told.push(format!("{:?}", journal.due(shard, far, None, 100).await));
        let (mut log, end) = (journal.log(Position::start(shard)).unwrap(), journal.end(shard));
        let (end, mut at, mut signals) = (end.unwrap().number(), 0, 0);
        while at < end {
            let entry = log.next().await.unwrap();
            let is_signal = |change: &&Change| matches!(change, Change::Signal(_));
            let count = entry.changes.iter().filter(is_signal).count() as u64;
            at = entry.position.number() + count.max(1) - 1;
            signals += count;
            told.push(format!("{entry:?}"));
        }
        let mut reader = journal.signals(Position::start(shard)).unwrap();
        for _ in 0..signals {
            told.push(format!("{:?}", reader.next().await.unwrap()));
        }
    }
    told
}

/// What the store at `path` tells.
pub(crate) async fn dump_of(options: RedbOptions) -> Vec<String> {
    let system = System::builder().start().await.unwrap();
    let journal = options.open(&system).await.unwrap();
    let told = dump(&journal).await;
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    told
}

/// Changes a store that is closed with what it is made of. Its pages are whole afterwards.
pub(crate) fn change(path: &Path, with: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(path).unwrap();
    let write = database.begin_write().unwrap();
    with(&write);
    write.commit().unwrap();
}

/// Changes the value of the first row of a table that `pick` picks.
pub(crate) fn change_value<K>(
    path: &Path,
    table: TableDefinition<'_, K, &'static [u8]>,
    mut pick: impl FnMut(&[u8], &mut Vec<u8>) -> bool,
) where
    K: Key + 'static,
{
    use redb::ReadableTable;
    change(path, |write| {
        let mut table = write.open_table(table).unwrap();
        let mut picked = None;
        for row in table.iter().unwrap() {
            let (key, value) = row.unwrap();
            let key = K::as_bytes(&key.value()).as_ref().to_vec();
            let mut value = value.value().to_vec();
            if pick(&key, &mut value) {
                picked = Some((key, value));
                break;
            }
        }
        let (key, value) = picked.expect("a row to be changed");
        table.insert(K::from_bytes(&key), value.as_slice()).unwrap();
    });
}

/// Turns one bit of the last byte of a value round.
pub(crate) fn flip(value: &mut [u8]) -> bool {
    *value.last_mut().unwrap() ^= 4;
    true
}

/// The value of a fact: see `docs/format.md`.
pub(crate) fn fact(name: &str, number: u64) -> Vec<u8> {
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    let body = [&length, name.as_bytes(), &number.to_le_bytes()].concat();
    let mut row = vec![0xa7, b'J', b'D', b'R', 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    row.extend_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
    row.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    row.extend_from_slice(&crc32c::crc32c(&row).to_le_bytes());
    row.extend_from_slice(&body);
    row
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the file is damaged behind the store")]
pub(crate) fn write_file(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "ban: std::fs, nothing was written is what is tested"
)]
pub(crate) fn read_file(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "ban: std::fs, what is left behind is what is tested"
)]
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// The first bytes of a store, if there is one, which say where the rest is: each commit changes them.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, somebody else writes meanwhile")]
pub(crate) fn header(path: &Path) -> Option<[u8; 320]> {
    let mut bytes = [0; 320];
    std::fs::File::open(path).ok()?.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
