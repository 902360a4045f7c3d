//! The catalog has what a store has.

use std::collections::BTreeSet;

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, TableHandle};

use super::super::tables::create_all;
use super::{PageSize, TableName, number};
use crate::format::FORMAT;

fn database(format: u8) -> Database {
    let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
    let write = database.begin_write().unwrap();
    create_all(&write, format).unwrap();
    write.commit().unwrap();
    database
}

#[test]
fn the_catalog_has_the_tables_of_a_new_store_of_each_format_and_no_others() {
    for format in 1..=FORMAT {
        let database = database(format);
        let read = database.begin_read().unwrap();
        let made: BTreeSet<_> =
            read.list_tables().unwrap().map(|table| table.name().to_owned()).collect();
        let known: Vec<_> = TableName::of(format).collect();
        let names: BTreeSet<_> = known.iter().map(|table| table.name().to_owned()).collect();
        assert_eq!(names, made);
        assert_eq!(known.len(), made.len(), "none is there twice");
        for table in known {
            assert_eq!(table.rows(&read).unwrap(), 0, "{table:?} is opened as what it is");
        }
    }
    assert!(TableName::of(FORMAT).eq(TableName::ALL));
}

#[test]
fn pages_have_every_row_once_and_in_order() {
    let database = database(1);
    let write = database.begin_write().unwrap();
    // More than 255, so that the bytes of the numbers do not sort as the numbers do.
    let rows: Vec<_> =
        (1..=600_u64).map(|n| (n.to_le_bytes().to_vec(), n.to_string().into_bytes())).collect();
    TableName::Log.insert(&write, &rows).unwrap();
    write.commit().unwrap();
    let read = database.begin_read().unwrap();
    for size in [PageSize { rows: 7, bytes: u64::MAX }, PageSize { rows: u64::MAX, bytes: 100 }] {
        let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let mut see = |key: &[u8], value: &[u8]| {
                assert_eq!(value, number(key).to_string().as_bytes());
                seen.push(number(key));
                Ok(())
            };
            pages += 1;
            after = TableName::Log.page(&read, after.as_deref(), size, &mut see).unwrap();
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, (1..=600).collect::<Vec<_>>());
        assert!(pages > 50, "in {pages} pages");
    }
}
