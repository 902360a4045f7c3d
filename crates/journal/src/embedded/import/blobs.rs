//! Whether blobs go with their chunks, and holds with blobs.

use std::collections::BTreeMap;

use crate::blob::BlobId;
use crate::format::{BlobRow, BlobState, ChunkRow};

/// Blobs that came, and how many chunks of each.
#[derive(Debug, Default)]
pub(super) struct Blobs(BTreeMap<BlobId, Seen>);

#[derive(Debug)]
struct Seen {
    state: BlobState,
    chunks: u32,
    came: u32,
}

impl Blobs {
    pub(super) fn blob(&mut self, row: BlobRow) {
        let BlobRow { id, state, chunks, .. } = row;
        self.0.insert(id, Seen { state, chunks, came: 0 });
    }

    /// The chunks of a blob come in their order.
    pub(super) fn chunk(&mut self, row: ChunkRow<'_>) -> Result<(), String> {
        let id = row.blob;
        let seen = self.0.get_mut(&id).ok_or_else(|| format!("there is no blob {id}"))?;
        if row.index != seen.came || row.index >= seen.chunks {
            return Err(format!("the blob {id} has no chunk {} here", row.index));
        }
        seen.came += 1;
        Ok(())
    }

    pub(super) fn hold(&self, id: BlobId) -> Result<(), String> {
        match self.0.get(&id) {
            Some(seen) if seen.state == BlobState::Whole => Ok(()),
            _ => Err(format!("there is no whole blob {id}")),
        }
    }

    /// Looks whether all chunks came.
    pub(super) fn end(&self) -> Result<(), String> {
        let lacks = self.0.iter().find(|(_, seen)| seen.came < seen.chunks);
        lacks.map_or(Ok(()), |(id, seen)| Err(format!("the blob {id} lacks chunk {}", seen.came)))
    }
}
