//! The limits: a file that is appended to and synced. It has no checksums and no index, folds
//! nothing, and cannot be read by stream: what a disk does at best.
//!
//! There are two. A file that grows is what a log does by itself. One whose length was set ahead,
//! as some stores do, has less to sync for each append, since its length stays as it is.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;

use super::{Folding, Grouped, Record, Store, Subject};

/// A file that grows with every append.
pub type RawFile = Raw<0>;
/// A file whose length is set so many bytes ahead.
pub type RawFileAhead = Raw<{ 64 << 20 }>;

/// A file whose length is set `AHEAD` bytes ahead, and the thread that writes it.
#[derive(Debug)]
pub struct Raw<const AHEAD: u64> {
    thread: Grouped,
    path: PathBuf,
    /// Bytes of one append.
    size: Arc<AtomicU64>,
}

/// What the thread has.
struct Writing<const AHEAD: u64> {
    file: File,
    buffer: Vec<u8>,
    size: Arc<AtomicU64>,
    written: u64,
    length: u64,
}

impl<const AHEAD: u64> Store for Writing<AHEAD> {
    fn commit(&mut self, group: &[Record]) -> Result<()> {
        self.buffer.clear();
        for record in group {
            self.buffer.extend_from_slice(&record.state);
            self.buffer.extend_from_slice(record.event.as_deref().unwrap_or_default());
        }
        let size = self.buffer.len().checked_div(group.len()).unwrap_or(0);
        self.size.store(u64::try_from(size)?, Ordering::Relaxed);
        self.written += u64::try_from(self.buffer.len())?;
        if AHEAD > 0 && self.written > self.length {
            self.length = self.written + AHEAD;
            self.file.set_len(self.length)?;
        }
        self.file.write_all(&self.buffer)?;
        Ok(self.file.sync_data()?)
    }
}

impl<const AHEAD: u64> Subject for Raw<AHEAD> {
    const KEY: &'static str =
        if AHEAD == 0 { "limit_raw_file" } else { "limit_raw_file_sized_ahead" };
    const READS: bool = false;
    type Stream = ();

    #[expect(clippy::disallowed_methods, reason = "ban: std::fs, the limit is a bare file")]
    async fn open(folder: &Path, _: Folding) -> Result<Self> {
        let path = folder.join("raw");
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let size = Arc::new(AtomicU64::new(0));
        let writing = Writing::<AHEAD> {
            file,
            buffer: Vec::new(),
            size: Arc::clone(&size),
            written: 0,
            length: 0,
        };
        Ok(Self { thread: Grouped::start(writing)?, path, size })
    }

    async fn stream(&self, _: u32) -> Result<()> {
        Ok(())
    }

    async fn append(&self, (): &mut (), record: Record) -> Result<()> {
        self.thread.append(record).await
    }

    /// As many as there are in the file, up to the first that is none.
    #[expect(clippy::disallowed_methods, reason = "ban: std::fs, the limit is a bare file")]
    async fn appends(&self, _: u32) -> Result<u64> {
        let file = File::open(&self.path)?;
        let (size, length) = (self.size.load(Ordering::Relaxed), file.metadata()?.len());
        let mut file = BufReader::with_capacity(1 << 20, file);
        let (mut record, mut appends) = (vec![0; usize::try_from(size)?], 0);
        for _ in 0..length.checked_div(size).unwrap_or(0) {
            file.read_exact(&mut record)?;
            if Record::read(0, &record, None).version == 0 {
                break;
            }
            appends += 1;
        }
        Ok(appends)
    }

    async fn load(&self, _: u32) -> Result<Option<Record>> {
        Ok(None)
    }

    async fn close(self) -> Result<()> {
        self.thread.close()
    }
}
