//! An overlay beside a vector of bytes: what is done to one is done to the other.

use std::num::NonZeroU32;

use fastrand::Rng;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use testkit::for_each_seed;

use super::Overlay;

fn random_bytes(random: &mut Rng, most: usize) -> Vec<u8> {
    (0..random.usize(1..most)).map(|_| random.u8(1..)).collect()
}

fn all_of(bytes: &impl StorageBackend) -> Vec<u8> {
    let mut all = vec![0; usize::try_from(bytes.len().unwrap()).unwrap()];
    bytes.read(0, &mut all).unwrap();
    all
}

/// A file that panics when it is changed.
#[derive(Debug)]
struct ReadOnly(InMemoryBackend);

impl StorageBackend for ReadOnly {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, _len: u64) -> std::io::Result<()> {
        panic!("its length is changed")
    }

    fn sync_data(&self) -> std::io::Result<()> {
        panic!("it is synced")
    }

    fn write(&self, _offset: u64, _data: &[u8]) -> std::io::Result<()> {
        panic!("it is written to")
    }
}

#[test]
fn what_is_written_is_read_again_and_the_file_is_left_alone() {
    for_each_seed(NonZeroU32::new(50).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let file = InMemoryBackend::new();
        let mut model = random_bytes(&mut random, 40_000);
        file.set_len(model.len() as u64).unwrap();
        file.write(0, &model).unwrap();
        let overlay = Overlay::new(ReadOnly(file)).unwrap();
        for _ in 0..60 {
            if random.u8(..4) == 0 {
                let length = random.usize(..60_000);
                model.resize(length, 0);
                overlay.set_len(length as u64).unwrap();
            } else {
                let (offset, data) = (random.usize(..50_000), random_bytes(&mut random, 10_000));
                model.resize(model.len().max(offset + data.len()), 0);
                model[offset..offset + data.len()].copy_from_slice(&data);
                overlay.write(offset as u64, &data).unwrap();
            }
            assert!(all_of(&overlay) == model, "all of it");
            let from = random.usize(..=model.len());
            let to = random.usize(from..=model.len());
            let mut some = vec![7; to - from];
            overlay.read(from as u64, &mut some).unwrap();
            assert!(some == model[from..to], "{from} to {to}");
        }
        overlay.sync_data().unwrap();
        overlay.read(model.len() as u64, &mut [0]).unwrap_err();
    });
}
