//! Looking after a store that is open, on the threads that read.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use foundation::Result;

use super::core::Core;
use super::export::Export;
use super::readers::Readers;
use super::{backup, info, scrub};
use crate::export::Exported;
use crate::maintenance::{BackedUp, Maintenance, Scrubbed, StoreInfo};

/// What looks after an open store.
#[derive(Debug)]
pub(super) struct RedbMaintenance {
    pub(super) core: Arc<Core>,
    pub(super) readers: Arc<Readers>,
}

#[async_trait]
impl Maintenance for RedbMaintenance {
    async fn info(&self) -> Result<StoreInfo> {
        self.readers.read(info::info).await
    }

    async fn scrub(&self) -> Result<Scrubbed> {
        scrub::scrub(&self.readers).await
    }

    async fn backup(&self, to: &Path) -> Result<BackedUp> {
        backup::backup(&self.readers, &self.core.path, to).await
    }

    async fn export(&self, to: Box<dyn Write + Send>) -> Result<Exported> {
        let begin = move |core: &Core, database: &_| Export::begin(core, database, to);
        let mut export = self.readers.read(begin).await?;
        loop {
            if let Some(exported) = export.done() {
                return Ok(exported);
            }
            export = self.readers.read(move |_, _| export.step()).await?;
        }
    }
}
