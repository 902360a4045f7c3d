//! What a power cut leaves of what was not synced.

use super::medium::{Change, SECTOR, Unsynced};

/// In how many parts chance is measured. One cut loses every change, the next one none: with one
/// chance for all cuts, neither would be seen once there are many changes.
const PARTS: u64 = 4;

/// Chooses what is left, in the order in which it reached the disk.
pub(super) fn survivors(unsynced: Unsynced, random: &mut impl FnMut(u64) -> u64) -> Vec<Change> {
    let lost = random(PARTS + 1);
    let torn = random(PARTS + 1);
    let mut left = Vec::new();
    for sector in unsynced.forgotten {
        if random(PARTS) >= lost {
            left.push(sector);
        }
    }
    let mut later = Vec::new();
    for change in unsynced.changes {
        if random(PARTS) < lost {
            continue;
        }
        match change {
            Change::Write { offset, data } if random(PARTS) < torn => {
                tear(offset, &data, random, &mut later);
            }
            Change::Shrink(len) => {
                clip(&mut left, len);
                clip(&mut later, len);
                later.push(Change::Shrink(len));
            }
            whole => later.push(whole),
        }
    }
    shuffle(&mut later, random);
    left.append(&mut later);
    left
}

/// Keeps some sectors of a write. They are those of the disk, so the first and the last piece can
/// be smaller.
fn tear(offset: usize, data: &[u8], random: &mut impl FnMut(u64) -> u64, left: &mut Vec<Change>) {
    let (mut offset, mut rest) = (offset, data);
    while !rest.is_empty() {
        let room = SECTOR - offset % SECTOR;
        let (piece, behind) = rest.split_at_checked(room).unwrap_or((rest, &[]));
        if random(2) == 0 {
            left.push(Change::Write { offset, data: piece.to_vec() });
        }
        offset += piece.len();
        rest = behind;
    }
}

/// Takes from older changes what a shorter file does not have. A file system writes no page that it
/// has cut off, so a write of before does not make the file longer again, in whatever order.
fn clip(older: &mut Vec<Change>, len: usize) {
    older.retain_mut(|change| match change {
        Change::Write { offset, data } => {
            data.truncate(len.saturating_sub(*offset));
            !data.is_empty()
        }
        Change::Grow(to) => {
            *to = len.min(*to);
            true
        }
        Change::Shrink(_) => true,
    });
}

/// Source: Durstenfeld, "Algorithm 235: Random permutation", CACM 1964.
fn shuffle(changes: &mut [Change], random: &mut impl FnMut(u64) -> u64) {
    let mut last = changes.len();
    while last > 1 {
        let chosen = usize::try_from(random(last as u64)).unwrap_or(0);
        last -= 1;
        // A source that gives a larger number than it may is not to panic here.
        changes.swap(last, chosen.min(last));
    }
}
