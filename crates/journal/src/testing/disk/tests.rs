//! What the disk does, each by name, and that redb survives on it.

mod database;

use std::io;
use std::ops::Bound;

use redb::StorageBackend;

use super::{Disk, DiskBackend, FAILED, FULL, Faults};

/// Enough that whatever may happen to a few writes does.
const SEEDS: u64 = 400;

/// `SplitMix64`, by Steele, Lea and Flood.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

/// A number of the operating system, or none.
fn number<T>(result: io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

/// The images that cuts leave of what `run` did, one for each seed, each checked by `check`.
fn cuts(run: impl Fn(&DiskBackend), check: impl Fn(&[u8])) -> Vec<Vec<u8>> {
    let cut = |seed| {
        println!("seed {seed}");
        let disk = Disk::new();
        run(&disk.backend());
        let mut random = Random::new(seed);
        disk.cut_power(&mut |below| random.below(below));
        let image = disk.image();
        check(&image);
        image
    };
    (0..SEEDS).map(cut).collect()
}

fn fill(backend: &DiskBackend, byte: u8, len: usize) {
    backend.write(0, &vec![byte; len]).unwrap();
}

#[test]
fn reads_see_what_was_written_before_it_is_synced() {
    let disk = Disk::new();
    let backend = disk.backend();
    backend.set_len(4).unwrap();
    backend.write(2, b"abc").unwrap();
    assert_eq!(backend.len().unwrap(), 5);
    let mut bytes = [9; 5];
    backend.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"\0\0abc");
    assert_eq!(
        backend.read(1, &mut bytes).unwrap_err().kind(),
        io::ErrorKind::UnexpectedEof,
        "a read behind the end"
    );
    assert_eq!(disk.image(), b"\0\0abc");
}

#[test]
fn a_place_that_no_memory_has_is_refused() {
    let backend = Disk::new().backend();
    assert_eq!(backend.write(u64::MAX, b"ab").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(number(backend.set_len(u64::MAX)), Some(FULL));
    assert_eq!(
        backend.read(u64::MAX, &mut [0; 2]).unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
}

#[test]
fn what_was_synced_survives_every_cut() {
    let run = |backend: &DiskBackend| {
        fill(backend, 1, 3000);
        backend.sync_data().unwrap();
        backend.write(1000, &[2; 3000]).unwrap();
        backend.sync_data().unwrap();
        // Another place than what is checked.
        backend.write(5000, &[3; 9000]).unwrap();
    };
    cuts(run, |image| {
        assert!(image[..1000].iter().all(|byte| *byte == 1));
        assert!(image[1000..4000].iter().all(|byte| *byte == 2));
    });
}

#[test]
fn what_was_not_synced_may_be_lost_or_there_or_torn_at_sectors() {
    let run = |backend: &DiskBackend| {
        fill(backend, 1, 4096);
        backend.sync_data().unwrap();
        // From the middle of the second sector to the middle of the sixth.
        backend.write(768, &[2; 2048]).unwrap();
    };
    let images = cuts(run, |image| {
        assert_eq!(image.len(), 4096);
        assert!(image[..768].iter().chain(&image[2816..]).all(|byte| *byte == 1));
        for piece in [768..1024, 1024..1536, 1536..2048, 2048..2560, 2560..2816] {
            let first = image[piece.start];
            assert!(image[piece].iter().all(|byte| *byte == first), "half a sector");
        }
    });
    let kept = |image: &Vec<u8>| image.iter().map(|byte| usize::from(*byte == 2)).sum::<usize>();
    assert!(images.iter().any(|image| kept(image) == 0), "never lost");
    assert!(images.iter().any(|image| kept(image) == 2048), "never there");
    assert!(images.iter().any(|image| image[768] == 1 && image[2815] == 2), "never torn");
    assert!(images.iter().any(|image| image[1024] == 2 && image[1536] == 1 && image[2048] == 2));
}

#[test]
fn overlapping_writes_may_end_either_way() {
    let run = |backend: &DiskBackend| {
        fill(backend, 1, 512);
        fill(backend, 2, 512);
    };
    let images = cuts(run, |_| {});
    for left in [vec![], vec![1; 512], vec![2; 512]] {
        assert!(images.contains(&left));
    }
}

#[test]
fn all_of_many_writes_may_be_lost_or_there() {
    let run = |backend: &DiskBackend| {
        for sector in 0..64 {
            backend.write(sector * 512, &[1; 512]).unwrap();
        }
    };
    let images = cuts(run, |_| {});
    assert!(images.iter().any(Vec::is_empty));
    assert!(images.contains(&vec![1; 64 * 512]));
}

#[test]
fn a_length_that_was_not_synced_may_be_lost() {
    let grown = cuts(|backend| backend.set_len(2048).unwrap(), |_| {});
    assert!(grown.contains(&vec![]) && grown.contains(&vec![0; 2048]));

    let run = |backend: &DiskBackend| {
        fill(backend, 1, 2048);
        backend.sync_data().unwrap();
        backend.set_len(100).unwrap();
    };
    let shrunk = cuts(run, |image| assert!([100, 2048].contains(&image.len())));
    assert!(shrunk.contains(&vec![1; 100]) && shrunk.contains(&vec![1; 2048]));
}

#[test]
fn a_write_behind_the_end_makes_the_file_longer_though_its_length_is_lost() {
    let run = |backend: &DiskBackend| {
        backend.set_len(2048).unwrap();
        backend.write(512, &[1; 512]).unwrap();
    };
    let images = cuts(run, |_| {});
    let written = [vec![0; 512], vec![1; 512]].concat();
    assert!(images.contains(&written));
}

#[test]
fn making_a_file_longer_never_takes_what_was_synced() {
    let run = |backend: &DiskBackend| {
        fill(backend, 1, 1024);
        backend.set_len(2048).unwrap();
        backend.sync_data().unwrap();
        backend.set_len(4096).unwrap();
        backend.set_len(8192).unwrap();
    };
    cuts(run, |image| {
        assert!(image.len() >= 2048);
        assert!(image[..1024].iter().all(|byte| *byte == 1));
    });
}

#[test]
fn what_was_cut_off_does_not_come_back_when_the_file_grows_again() {
    let run = |backend: &DiskBackend| {
        fill(backend, 1, 4096);
        backend.set_len(1000).unwrap();
        backend.set_len(4096).unwrap();
        backend.sync_data().unwrap();
    };
    let expected = [vec![1; 1000], vec![0; 3096]].concat();
    cuts(run, |image| assert_eq!(image, expected));
}

#[test]
fn a_write_that_was_cut_off_does_not_make_the_file_longer_again() {
    let run = |backend: &DiskBackend| {
        fill(backend, 1, 1024);
        backend.sync_data().unwrap();
        backend.set_len(4096).unwrap();
        backend.write(512, &[2; 2048]).unwrap();
        backend.set_len(1000).unwrap();
    };
    let images = cuts(run, |image| {
        // Without the last call what was written of two sectors and more may be there in part.
        assert!(image.len() == 1000 || image.len() >= 1024, "{}", image.len());
    });
    let cut_off = |image: &&Vec<u8>| image.len() == 1000;
    assert!(images.iter().filter(cut_off).any(|image| image[999] == 2));
    assert!(images.iter().filter(cut_off).any(|image| image[999] == 1));
}

#[test]
fn a_full_disk_refuses_what_makes_the_file_longer_and_no_more() {
    let disk = Disk::new();
    let backend = disk.backend();
    fill(&backend, 1, 100);
    disk.faults(Faults { full_at: Some(120), ..Faults::default() });
    assert_eq!(number(backend.write(90, &[2; 31])), Some(FULL));
    assert_eq!(number(backend.set_len(121)), Some(FULL));
    assert_eq!(disk.image(), [1; 100]);
    backend.write(90, &[2; 30]).unwrap();
    disk.faults(Faults { full_at: Some(50), ..Faults::default() });
    backend.write(0, &[2; 90]).unwrap();
    backend.set_len(110).unwrap();
    backend.sync_data().unwrap();
    assert_eq!(disk.image(), [2; 110]);
    disk.faults(Faults::default());
    backend.set_len(121).unwrap();
}

#[test]
fn a_sync_that_fails_loses_the_data_even_when_the_next_one_succeeds() {
    let run = |backend: &DiskBackend, disk: &Disk| {
        fill(backend, 1, 1024);
        backend.sync_data().unwrap();
        disk.faults(Faults { fail_sync_at: Some(disk.syncs() + 1), ..Faults::default() });
        backend.write(0, &[2; 1024]).unwrap();
        backend.set_len(2048).unwrap();
        assert_eq!(number(backend.sync_data()), Some(FAILED));
        assert_eq!(disk.image()[..1024], [2; 1024], "reads go on to see it");
        // The second sector is written again.
        backend.write(600, &[3; 100]).unwrap();
        backend.sync_data().unwrap();
    };
    let mut left = [0, 0];
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let disk = Disk::new();
        run(&disk.backend(), &disk);
        let mut random = Random::new(seed);
        disk.cut_power(&mut |below| random.below(below));
        let image = disk.image();
        assert_eq!(image.len(), 2048, "the length is in the journal of the file system");
        let first = image[0];
        left[usize::from(first - 1)] += 1;
        assert!(image[..512].iter().all(|byte| *byte == first));
        let second = [vec![2; 88], vec![3; 100], vec![2; 324]].concat();
        assert_eq!(image[512..1024], second, "written again, and synced");
    }
    assert!(left.iter().all(|count| *count > 0), "lost or there: {left:?}");
}

#[test]
fn what_a_failed_sync_left_behind_does_not_come_back_over_what_was_synced_later() {
    let run = |backend: &DiskBackend, disk: &Disk| {
        disk.faults(Faults { fail_sync_at: Some(1), ..Faults::default() });
        fill(backend, 1, 2048);
        assert_eq!(number(backend.sync_data()), Some(FAILED));
        fill(backend, 2, 512);
        backend.set_len(1024).unwrap();
        backend.set_len(2048).unwrap();
        backend.sync_data().unwrap();
    };
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let disk = Disk::new();
        run(&disk.backend(), &disk);
        let mut random = Random::new(seed);
        disk.cut_power(&mut |below| random.below(below));
        let image = disk.image();
        assert_eq!(image[..512], [2; 512]);
        assert_eq!(image[1024..], [0; 1024], "cut off since");
    }
}

#[test]
fn a_short_write_writes_a_prefix_and_fails_once() {
    let disk = Disk::new();
    let backend = disk.backend();
    disk.faults(Faults { short_write_at: Some(2), ..Faults::default() });
    backend.set_len(10).unwrap();
    assert_eq!(number(backend.write(0, &[1; 10])), Some(FAILED));
    assert_eq!(disk.image(), [vec![1; 5], vec![0; 5]].concat());
    backend.write(0, &[1; 10]).unwrap();
    assert_eq!(disk.image(), [1; 10]);
}

#[test]
fn everything_fails_from_the_call_at_which_the_power_goes() {
    let disk = Disk::new();
    let backend = disk.backend();
    fill(&backend, 1, 512);
    backend.sync_data().unwrap();
    disk.faults(Faults { cut_at_call: Some(disk.calls() + 2), ..Faults::default() });
    backend.write(512, &[2; 512]).unwrap();
    assert_eq!(number(backend.sync_data()), Some(FAILED));
    assert_eq!((disk.calls(), disk.syncs()), (4, 2));
    assert_eq!(number(backend.len()), Some(FAILED));
    assert_eq!(number(backend.read(0, &mut [0])), Some(FAILED));
    assert_eq!(number(backend.write(0, &[3])), Some(FAILED));
    assert_eq!(number(disk.backend().len()), Some(FAILED), "a new one too");
    assert_eq!((disk.calls(), disk.syncs()), (4, 2), "what does not arrive is not counted");

    disk.cut_power(&mut |below| below - 1);
    assert_eq!(disk.image(), [1; 512], "the sync that was under way confirmed nothing");
    assert_eq!(number(backend.len()), Some(FAILED));
    fill(&disk.backend(), 4, 512);
}

#[test]
fn a_write_that_is_under_way_when_the_power_goes_may_be_there() {
    let run = |backend: &DiskBackend, disk: &Disk| {
        disk.faults(Faults { cut_at_call: Some(1), ..Faults::default() });
        assert_eq!(number(backend.write(0, &[1; 1024])), Some(FAILED));
    };
    let cut = |seed| {
        println!("seed {seed}");
        let disk = Disk::new();
        run(&disk.backend(), &disk);
        let mut random = Random::new(seed);
        disk.cut_power(&mut |below| random.below(below));
        disk.image()
    };
    let images: Vec<_> = (0..SEEDS).map(cut).collect();
    for left in [vec![], vec![1; 512], vec![1; 1024]] {
        assert!(images.contains(&left));
    }
}

#[test]
fn a_call_that_has_gone_by_cuts_the_power_at_once() {
    let disk = Disk::new();
    let backend = disk.backend();
    fill(&backend, 1, 1);
    disk.faults(Faults { cut_at_call: Some(1), ..Faults::default() });
    assert_eq!(number(backend.read(0, &mut [0])), Some(FAILED));
}

#[test]
fn a_cut_that_had_not_come_does_not_come_after_another() {
    let disk = Disk::new();
    disk.faults(Faults { cut_at_call: Some(3), full_at: Some(8), ..Faults::default() });
    fill(&disk.backend(), 1, 1);
    disk.cut_power(&mut |_| 0);
    let backend = disk.backend();
    for _ in 0..5 {
        fill(&backend, 2, 1);
    }
    assert_eq!(number(backend.set_len(9)), Some(FULL), "the others remain");
}

#[test]
fn a_disk_that_lies_loses_what_it_said_was_synced() {
    let run = |disk: &Disk| {
        disk.faults(Faults { skip_sync: Some(3), ..Faults::default() });
        let backend = disk.backend();
        for byte in 1..=3 {
            fill(&backend, byte, 512);
            backend.sync_data().unwrap();
        }
    };
    let lying = Disk::new();
    run(&lying);
    lying.cut_power(&mut |below| below - 1);
    assert_eq!(lying.image(), [2; 512]);

    let honest = Disk::new();
    run(&honest);
    honest.backend().sync_data().unwrap();
    honest.cut_power(&mut |below| below - 1);
    assert_eq!(honest.image(), [3; 512], "the next sync confirms it");
}

#[test]
fn the_same_numbers_leave_the_same() {
    let run = |backend: &DiskBackend| {
        for place in 0..20 {
            backend.write(place * 300, &[u8::try_from(place).unwrap(); 1000]).unwrap();
        }
    };
    assert_eq!(cuts(run, |_| {}), cuts(run, |_| {}));
}

#[test]
fn clones_are_one_disk_and_an_image_makes_another() {
    let disk = Disk::new();
    let clone = disk.clone();
    fill(&disk.backend(), 1, 512);
    assert_eq!(clone.image(), [1; 512]);
    let copy = Disk::from_image(disk.image());
    copy.cut_power(&mut |below| below - 1);
    assert_eq!(copy.image(), [1; 512], "all of it counts as synced");
    disk.cut_power(&mut |below| below - 1);
    assert!(clone.image().is_empty());
}

#[test]
fn one_backend_at_a_time_has_the_lock_until_it_is_closed_or_the_power_cut() {
    let whole = (Bound::Unbounded, Bound::Unbounded);
    let lock = |backend: &DiskBackend| backend.try_lock_range(whole.0, whole.1).unwrap();
    let disk = Disk::new();
    let (first, second) = (disk.backend(), disk.backend());
    assert!(lock(&first) && !lock(&second));
    assert!(!second.try_lock_shared_range(whole.0, whole.1).unwrap());
    assert!(second.query_lock_range(whole.0, whole.1).unwrap());
    assert!(second.lock_range(whole.0, whole.1).is_err());
    assert!(matches!(
        second.try_lock_range(Bound::Included(1), Bound::Unbounded),
        Err(redb::BackendError::Unsupported)
    ));
    first.close().unwrap();
    assert!(second.try_lock_shared_range(whole.0, whole.1).unwrap());
    assert!(first.try_lock_shared_range(whole.0, whole.1).unwrap());
    second.unlock_range(whole.0, whole.1).unwrap();
    assert!(!lock(&second));

    disk.cut_power(&mut |_| 0);
    assert!(first.try_lock_range(whole.0, whole.1).is_err());
    let third = disk.backend();
    assert!(lock(&third));
    assert!(first.close().is_err(), "does not take the lock of another");
    assert!(!lock(&disk.backend()));
}
