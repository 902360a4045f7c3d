//! The records in the bytes of a file, wherever they are.

use std::fs::{File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::embedded::failure::Outcome;
use crate::embedded::path::open_to_read;
use crate::format::{HEAD, Head, MAGIC};

/// Bytes that are looked through at a time.
const WINDOW: usize = 1 << 20;

/// The file. Nothing else opens it meanwhile.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    len: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        let file = open_to_read(path)?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(redb::DatabaseError::DatabaseAlreadyOpen.into());
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }

    /// The same file once more.
    pub(super) fn reopened(&self) -> Outcome<Self> {
        Ok(Self { file: self.file.try_clone()?, len: self.len })
    }

    /// Whether the file is so long.
    pub(super) fn has(&self, offset: u64, length: u64) -> bool {
        offset.checked_add(length).is_some_and(|end| end <= self.len)
    }

    /// Reads so many bytes, all of which are there.
    pub(super) fn read(&self, offset: u64, len: u64) -> Outcome<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

/// Gives every head that is right, where it is, and its whole record if the file is long enough.
/// `take` says whether the record is right.
///
/// It goes on behind a record that is right, since its payload may hold anything; and inside of one
/// that is not, since it may be a copy that was freed, over which others were written.
pub(super) fn scan(
    source: &Source,
    mut take: impl FnMut(u64, Head, Option<&[u8]>) -> Outcome<bool>,
) -> Outcome<()> {
    let (mut at, mut start, mut window) = (0, 0, Vec::new());
    while at < source.len {
        let skip = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
        let rest: &[u8] = if at < start { &[] } else { window.get(skip..).unwrap_or_default() };
        let is_end = at + u64::try_from(rest.len()).unwrap_or(0) >= source.len;
        if rest.len() < HEAD && !is_end {
            let len = u64::try_from(WINDOW).unwrap_or(0).min(source.len - at);
            window = source.read(at, len)?;
            start = at;
            continue;
        }
        let Some(place) = find(rest) else {
            // The beginning of a magic may be at the end.
            let behind = rest.len().saturating_sub(if is_end { 0 } else { MAGIC.len() - 1 });
            at += u64::try_from(behind).unwrap_or(0);
            continue;
        };
        at += u64::try_from(place).unwrap_or(0);
        let rest = rest.get(place..).unwrap_or_default();
        if rest.len() < HEAD && !is_end {
            continue;
        }
        let Some(head) = Head::read(rest) else {
            at += 1;
            continue;
        };
        let whole = if head.len() > source.len - at {
            None
        } else {
            let here = usize::try_from(head.len()).ok().and_then(|len| rest.get(..len));
            match here {
                Some(here) => Some(take(at, head, Some(here))?),
                None => Some(take(at, head, Some(&source.read(at, head.len())?))?),
            }
        };
        at += match whole {
            Some(true) => head.len(),
            Some(false) => u64::try_from(HEAD).unwrap_or(0),
            None => {
                take(at, head, None)?;
                u64::try_from(HEAD).unwrap_or(0)
            }
        };
    }
    Ok(())
}

/// Where the magic is.
fn find(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let place = from + rest.iter().position(|byte| *byte == MAGIC[0])?;
        if bytes.get(place..)?.starts_with(&MAGIC) {
            return Some(place);
        }
        from = place + 1;
    }
}
