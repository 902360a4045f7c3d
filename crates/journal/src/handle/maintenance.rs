//! What people ask of a journal to look after its store.

use std::path::Path;
use std::sync::Arc;

use foundation::{Error, Result};

use super::Journal;
use crate::codes;
use crate::maintenance::{BackedUp, Maintenance, Scrubbed, StoreInfo};

impl Journal {
    /// What is in the store and how it stands: its format, shards, tables, and the room on the disk.
    /// It costs no more than a read. See [`Maintenance::info`].
    ///
    /// # Errors
    ///
    /// `not_supported` of an engine without a store, such as the memory; `store_closed`,
    /// `store_corrupt`, `store_error`.
    pub async fn info(&self) -> Result<StoreInfo> {
        self.maintenance("info")?.info().await
    }

    /// Reads the whole store, a page at a time, and checks every record and key in it. Readers and
    /// writers go on meanwhile; what is damaged is in the answer. See [`Maintenance::scrub`].
    ///
    /// # Errors
    ///
    /// `not_supported` of an engine without a store; `store_closed`, `store_error`.
    pub async fn scrub(&self) -> Result<Scrubbed> {
        self.maintenance("scrub")?.scrub().await
    }

    /// Makes a whole store at `to`, where nothing may be yet, with everything that was acknowledged
    /// before. Readers and writers go on meanwhile. Dropped, it stops after the step that is under
    /// way. See [`Maintenance::backup`].
    ///
    /// # Errors
    ///
    /// `not_supported` of an engine without a store; `store_exists`, `store_refused`,
    /// `store_locked`, `no_room`, `store_corrupt`, `store_closed`, `store_error`: there is nothing
    /// at `to` then that was not there before.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<BackedUp> {
        self.maintenance("backup")?.backup(to.as_ref()).await
    }

    pub(crate) fn maintenance(&self, operation: &'static str) -> Result<Arc<dyn Maintenance>> {
        self.engine.maintenance().ok_or_else(|| {
            let durability = self.durability().name();
            Error::from(codes::NOT_SUPPORTED)
                .with_message(format!("a journal of durability {durability} has no {operation}"))
                .with_detail("operation", operation)
        })
    }
}
