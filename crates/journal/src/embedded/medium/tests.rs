//! Reads of a file, whether it is in memory or not.

use std::io::Write;

use super::*;

fn store(bytes: &[u8]) -> (StoreFile, Arc<Medium>, File) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
    let again = file.try_clone().unwrap();
    let (store, medium) = StoreFile::on(file, MediumPlace::of(Path::new("none"))).unwrap();
    (store, medium, again)
}

#[test]
fn a_read_gives_the_same_whether_it_has_to_wait_or_not() {
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let (store, _medium, file) = store(&bytes);
    for evicts in [false, true, false] {
        if evicts {
            // A hint, which a file system may leave alone.
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        }
        for (offset, length) in [(0, 1), (4095, 2), (100_000, 400_000), (1_199_999, 1), (7, 0)] {
            let mut read = vec![1; length];
            store.read(offset, &mut read).unwrap();
            let start = usize::try_from(offset).unwrap();
            assert!(read == bytes[start..start + length], "{length} bytes at {offset}");
        }
        let mut behind = [0; 2];
        assert!(store.read(1_199_999, &mut behind).is_err(), "there is nothing behind the end");
    }
}

#[test]
fn a_read_that_had_to_wait_sends_the_next_ones_to_threads() {
    let (store, medium, _file) = store(&[1; 4096]);
    assert!(medium.is_warm());
    let mut read = [0; 10];
    store.read(0, &mut read).unwrap();
    assert!(medium.is_warm(), "what is in memory is read at once");
    // Behind the end of the file is never in memory.
    assert!(store.read(4090, &mut read).is_err());
    let cold = (0..COLD).filter(|_| !medium.is_warm()).count();
    assert_eq!(cold, usize::try_from(COLD).unwrap(), "for so many reads it is taken for cold");
    assert!(medium.is_warm(), "and is tried again");
}
