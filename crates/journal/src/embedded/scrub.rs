//! Reading of a whole store while it is used, one page for each transaction.
//!
//! A row that is replaced meanwhile is no damage: each page is of one moment. What is damaged is
//! told and passed over; where the table itself is damaged, the rest of it cannot be reached.

use redb::{Database, ReadableDatabase};

use super::catalog::{PageSize, TableName};
use super::check::check_row;
use super::core::Core;
use super::failure::Outcome;
use super::findings::{Findings, as_damage};
use super::guard::guarded;
use super::readers::Readers;
use crate::maintenance::{Scrubbed, TableRead};

/// A page takes some milliseconds at most: others read and commit between two, and the pages of the
/// file that the transaction holds are free again.
const PAGE: PageSize = PageSize { rows: 512, bytes: 1 << 20 };

/// What was seen in a page.
#[derive(Debug, Default)]
struct Page {
    rows: u64,
    bytes: u64,
    found: Findings,
    /// Behind which key the next one is, if there is one.
    next: Option<Vec<u8>>,
}

/// Scrubs the store.
pub(super) async fn scrub(readers: &Readers) -> foundation::Result<Scrubbed> {
    let mut scrubbed = Scrubbed::default();
    let mut found = Findings::default();
    for table in TableName::of(readers.format()) {
        let mut read = TableRead { name: table.name(), rows: 0, bytes: 0 };
        let mut after = None;
        loop {
            let job = move |core: &Core, database: &Database| {
                page(core, database, table, after.as_deref())
            };
            let page = readers.read(job).await?;
            read.rows += page.rows;
            read.bytes += page.bytes;
            found.extend(page.found);
            after = page.next;
            if after.is_none() {
                break;
            }
            // Where reads run in the task that asks, others go on between two.
            tokio::task::yield_now().await;
        }
        scrubbed.tables.push(read);
    }
    scrubbed.damages = found.count;
    scrubbed.damaged = found.listed;
    Ok(scrubbed)
}

fn page(core: &Core, database: &Database, table: TableName, after: Option<&[u8]>) -> Outcome<Page> {
    let (mut page, shards) = (Page::default(), core.shard_count());
    // A panic of the store is damage here, and nothing that was written depends on it.
    let read = guarded(|| {
        let read = database.begin_read()?;
        table.page(&read, after, PAGE, &mut |key, value| {
            page.rows += 1;
            page.bytes += u64::try_from(key.len() + value.len()).unwrap_or(0);
            if let Err(failure) = check_row(table, key, value, shards) {
                page.found.row(table, key, failure.to_string());
            }
            Ok(())
        })
    });
    match read {
        Ok(next) => page.next = next,
        Err(failure) => page.found.table(table, as_damage(failure)?),
    }
    if page.found.count > 0 {
        let (path, table, damages) =
            (core.path.display().to_string(), table.name(), page.found.count);
        tracing::error!(path, table, damages, "journal.damaged");
    }
    Ok(page)
}
