//! When a copy is whole, it is on the disk.

use std::path::PathBuf;

use redb::{Database, ReadableDatabase};

use super::super::catalog::{PageSize, TableName};
use super::super::medium::{MediumPlace, StoreFile};
use super::Target;
use crate::testing::Disk;

/// A disk that loses everything that was not synced.
fn cut(disk: &Disk) {
    disk.cut_power(&mut |below| below - 1);
}

fn target(disk: &Disk) -> Target {
    let (file, medium) = StoreFile::new(disk.backend(), MediumPlace::Disk(disk.clone()));
    Target::on(file, medium, PathBuf::from("beside")).unwrap()
}

#[test]
fn the_last_batch_makes_all_of_a_copy_durable_and_no_other_is_synced() {
    let disk = Disk::new();
    let target = target(&disk);
    for n in 0..20_u8 {
        target.write(TableName::Parts, &[(vec![n], vec![n; 10_000])], false).unwrap();
    }
    assert_eq!(disk.syncs(), 0, "others sync the disk meanwhile, and would wait");
    target.write(TableName::Meta, &[(b"format".to_vec(), vec![1])], true).unwrap();
    cut(&disk);
    drop(target);
    let database = Database::builder().create_with_backend(disk.backend()).unwrap();
    let read = database.begin_read().unwrap();
    assert_eq!(TableName::Meta.rows(&read).unwrap(), 1);
    let mut seen = 0;
    let all = PageSize { rows: u64::MAX, bytes: u64::MAX };
    let next = TableName::Parts.page(&read, None, all, &mut |key, value| {
        assert_eq!(value, [key[0]; 10_000]);
        seen += 1;
        Ok(())
    });
    assert_eq!((next.unwrap(), seen), (None, 20));
}

#[test]
fn a_copy_that_is_not_whole_is_no_store_after_a_cut() {
    let disk = Disk::new();
    let target = target(&disk);
    target.write(TableName::Parts, &[(vec![1], vec![1; 10_000])], false).unwrap();
    cut(&disk);
    drop(target);
    assert_eq!(disk.image(), Vec::<u8>::new());
}
