//! redb on the disk: what it committed survives, what it did not is there wholly or not at all.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::Random;
use crate::testing::{Disk, Faults};

const SEEDS: u32 = 300;
const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");

type Rows = BTreeMap<u64, Vec<u8>>;

fn open(disk: &Disk) -> Result<Database, String> {
    // So small that pages are written before their transaction is committed.
    let opened = Builder::new().set_cache_size(32 * 1024).create_with_backend(disk.backend());
    opened.map_err(|error| format!("{error:?}"))
}

/// Changes some rows, in the transaction and in what is expected of it.
fn change(txn: &WriteTransaction, rows: &mut Rows, random: &mut Random) -> Result<(), redb::Error> {
    let mut table = txn.open_table(TABLE)?;
    for _ in 0..=random.below(6) {
        let key = random.below(64);
        if random.below(4) == 0 {
            table.remove(key)?;
            rows.remove(&key);
        } else {
            let byte = u8::try_from(random.below(256)).unwrap();
            let value = vec![byte; usize::try_from(random.below(2000)).unwrap()];
            table.insert(key, value.as_slice())?;
            rows.insert(key, value);
        }
    }
    Ok(())
}

fn read(db: &Database) -> Result<Rows, redb::Error> {
    let txn = db.begin_read()?;
    let table = match txn.open_table(TABLE) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Rows::new()),
        Err(error) => return Err(error.into()),
    };
    let mut rows = Rows::new();
    for row in table.iter()? {
        let (key, value) = row?;
        rows.insert(key.value(), value.value().to_vec());
    }
    Ok(rows)
}

/// One life of the database, until the power goes: what was committed, and what may be.
struct Life {
    committed: Rows,
    perhaps: Option<Rows>,
}

impl Life {
    /// Opens the database, finds what is to be there, and changes it until something fails.
    fn live(&mut self, disk: &Disk, random: &mut Random) -> Result<(), String> {
        let db = open(disk)?;
        self.check(&db)?;
        self.run(&db, random).map_err(|error| format!("{error:?}"))
    }

    fn run(&mut self, db: &Database, random: &mut Random) -> Result<(), redb::Error> {
        for _ in 0..12 {
            let txn = db.begin_write()?;
            let mut rows = self.committed.clone();
            change(&txn, &mut rows, random)?;
            if random.below(8) == 0 {
                txn.abort()?;
                continue;
            }
            self.perhaps = Some(rows.clone());
            txn.commit()?;
            self.committed = rows;
            self.perhaps = None;
        }
        Ok(())
    }

    fn check(&mut self, db: &Database) -> Result<(), String> {
        let found = read(db).map_err(|error| format!("read: {error:?}"))?;
        if found != self.committed && Some(&found) != self.perhaps.as_ref() {
            return Err(format!("{} rows, which were never all there", found.len()));
        }
        *self = Self { committed: found, perhaps: None };
        Ok(())
    }
}

/// Cuts the power three times, perhaps while the database is opened, or repaired, or closed.
fn survive(seed: u64, skip_sync: Option<u64>) -> Result<(), String> {
    let mut random = Random::new(seed);
    let disk = Disk::new();
    let mut life = Life { committed: Rows::new(), perhaps: None };
    disk.faults(Faults { skip_sync, ..Faults::default() });
    drop(open(&disk)?);
    for _ in 0..3 {
        let cut_at_call = Some(disk.calls() + 1 + random.below(200));
        disk.faults(Faults { cut_at_call, skip_sync, ..Faults::default() });
        // Whatever fails while the power is there is a finding; what fails because it is gone, not.
        if let Err(error) = life.live(&disk, &mut random)
            && powered(&disk)
        {
            return Err(error);
        }
        disk.cut_power(&mut |below| random.below(below));
        life.check(&open(&disk)?)?;
    }
    match open(&disk)?.check_integrity() {
        Ok(true) => Ok(()),
        wrong => Err(format!("integrity: {wrong:?}")),
    }
}

fn powered(disk: &Disk) -> bool {
    use redb::StorageBackend;
    disk.backend().len().is_ok()
}

#[test]
fn a_database_survives_cuts_of_the_power_at_any_call() {
    testkit::for_each_seed(NonZeroU32::new(SEEDS).unwrap(), |seed| {
        assert_eq!(survive(seed, None), Ok(()));
    });
}

#[test]
fn a_cut_while_a_database_is_made_leaves_none_or_what_redb_refuses_to_open() {
    let mut refused = 0;
    for seed in 0..u64::from(SEEDS) {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let disk = Disk::new();
        let cut_at_call = Some(1 + random.below(20));
        disk.faults(Faults { cut_at_call, ..Faults::default() });
        let made = open(&disk).is_ok();
        disk.cut_power(&mut |below| random.below(below));
        match open(&disk) {
            Ok(db) => assert_eq!(read(&db).unwrap(), Rows::new()),
            // Its magic number is written last; a file that is not empty and has none is nobody's.
            Err(error) => {
                assert!(!made && error.contains("magic number mismatch"), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "redb has become better: a journal need not take care of this any more");
}

#[test]
fn the_same_test_fails_on_a_disk_that_lies() {
    let fails = |seed: &u64| {
        println!("seed {seed}");
        // redb panics on some of what such a disk leaves, which is a failure like the others.
        testkit::panics(|| panic!("{:?}", survive(*seed, Some(3)))) != "Ok(())"
    };
    let failed = (0..u64::from(SEEDS)).find(fails);
    assert!(failed.is_some());
}

/// A database with some rows, in which a write or a sync has just failed.
fn fail(seed: u64) -> Option<(Disk, Life, Random)> {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let disk = Disk::new();
    let db = open(&disk).unwrap();
    let mut life = Life { committed: Rows::new(), perhaps: None };
    life.run(&db, &mut random).unwrap();
    let soon = random.below(6) + 1;
    disk.faults(match seed % 3 {
        0 => Faults { full_at: Some(0), ..Faults::default() },
        1 => Faults { short_write_at: Some(disk.calls() + soon), ..Faults::default() },
        _ => Faults { fail_sync_at: Some(disk.syncs() + soon), ..Faults::default() },
    });
    // A full disk is not noticed by transactions that need no more room.
    life.run(&db, &mut random).err()?;
    // Of reads some still succeed, from what redb has in memory.
    let refused = db.begin_write().map(|_| ()).unwrap_err();
    assert!(format!("{refused:?}").contains("PreviousIo"), "{refused:?}");
    drop(db);
    disk.faults(Faults::default());
    Some((disk, life, random))
}

#[test]
fn after_an_error_of_the_disk_a_cut_of_the_power_leaves_what_was_committed() {
    let mut failed = [0; 3];
    for seed in 0..120 {
        let Some((disk, mut life, mut random)) = fail(seed) else { continue };
        failed[usize::try_from(seed % 3).unwrap()] += 1;
        disk.cut_power(&mut |below| random.below(below));
        assert_eq!(open(&disk).and_then(|db| life.check(&db)), Ok(()));
    }
    assert!(failed.iter().all(|times| *times > 0), "{failed:?}");
}

/// Opens the database while the machine goes on, as a process that is started again does, uses it,
/// and only then cuts the power.
fn go_on((disk, mut life, mut random): (Disk, Life, Random)) -> Result<(), String> {
    life.live(&disk, &mut random)?;
    disk.cut_power(&mut |below| random.below(below));
    life.check(&open(&disk)?)
}

#[test]
fn a_database_that_was_full_or_written_in_part_can_be_opened_again_and_used() {
    for seed in (0..120).filter(|seed| seed % 3 != 2) {
        let Some(failed) = fail(seed) else { continue };
        assert_eq!(go_on(failed), Ok(()));
    }
}

#[test]
fn a_database_that_is_used_after_a_failed_sync_can_be_lost() {
    // It finds in the cache of the machine what the disk does not have, builds on it, and no later
    // sync writes it. Whoever syncs must not go on with this file after such an error.
    let lost = (0..120).filter(|seed| seed % 3 == 2).find(|seed| {
        let Some(failed) = fail(*seed) else { return false };
        testkit::panics(|| panic!("{:?}", go_on(failed))) != "Ok(())"
    });
    assert!(lost.is_some());
}

#[test]
fn a_commit_is_one_sync_or_two_and_a_file_that_grows_is_one_more() {
    let disk = Disk::new();
    let db = open(&disk).unwrap();
    let syncs = |two_phases: bool, bytes: usize| {
        let before = disk.syncs();
        let mut txn = db.begin_write().unwrap();
        txn.set_two_phase_commit(two_phases);
        txn.open_table(TABLE).unwrap().insert(1, vec![1; bytes].as_slice()).unwrap();
        txn.commit().unwrap();
        disk.syncs() - before
    };
    assert_eq!(syncs(false, 10), 1);
    assert_eq!(syncs(true, 10), 2);
    assert_eq!(syncs(false, 300_000), 2);
}
