//! Salvage: the records in the bytes of a damaged file, and a new store that is made of them.
//!
//! - **The store below is not asked**: a record is one that begins with the magic and whose two
//!   checksums are right. The file is not changed.
//! - **Of what is the same thing the latest counts**, by version within the life of one stream.
//!   Freed pages hold earlier copies of rows, so most of what is found is not the latest.
//! - **What was made is folded wholly**, and its log is what is there of the end of the log without
//!   a gap: readers who are behind that get `gap`.
//!
//! In reading order: [`scan`], what is in the bytes · [`index`], what was found by stream ·
//! [`stream`], what one stream was · [`rebuild`].

mod blobs;
mod index;
mod rebuild;
mod scan;
mod stream;

use std::path::Path;

use foundation::{Error, Result};

use self::index::Index;
use self::scan::Source;
use super::failure::{Failure, Outcome};
use super::guard::guarded;
use crate::codes;
use crate::salvage::{Salvage, Salvaged};

/// See [`Salvage::run`].
pub(crate) fn salvage(options: Salvage, from: &Path, to: &Path) -> Result<Salvaged> {
    let mut index = guarded(|| read(from)).map_err(|failure| failure.at(from))?;
    guarded(|| rebuild::rebuild(options, &mut index, to)).map_err(|failure| failure.at(to))
}

fn read(from: &Path) -> Outcome<Index> {
    let mut index = Index::new(Source::open(from)?);
    index.fill()?;
    let path = from.display().to_string();
    if let Some(format) = index.later_format() {
        let error = Error::from(codes::STORE_NEWER)
            .with_message(format!("{path} is of format {format}"))
            .with_detail("path", path)
            .with_detail("found", format)
            .with_detail("known", crate::format::FORMAT);
        return Err(Failure::Ours(error));
    }
    if index.found.is_empty() {
        let error = Error::from(codes::STORE_FOREIGN)
            .with_message(format!("{path} has no record of a journal"))
            .with_detail("path", path);
        return Err(Failure::Ours(error));
    }
    Ok(index)
}
