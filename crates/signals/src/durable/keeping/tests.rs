//! Changes are written in as few lots as a log takes.

use super::at_once;
use crate::log::{MAX_PART_BYTES, MAX_PART_CHANGES, PartChange, check_parts};

fn change(number: usize, bytes: usize) -> PartChange {
    PartChange { key: format!("{number:06}"), value: Some(vec![0; bytes]) }
}

fn sizes(changes: &[PartChange]) -> Vec<usize> {
    let lots = at_once(changes.to_vec());
    for lot in &lots {
        check_parts("audit", lot).unwrap();
    }
    assert_eq!(lots.concat(), changes, "in order, and all of them");
    lots.iter().map(Vec::len).collect()
}

#[test]
fn few_changes_are_one_lot() {
    assert_eq!(sizes(&[change(1, 10), change(2, 10)]), [2]);
}

#[test]
fn many_and_large_ones_are_several() {
    let many: Vec<_> = (0..=2 * MAX_PART_CHANGES).map(|number| change(number, 1)).collect();
    assert_eq!(sizes(&many), [MAX_PART_CHANGES, MAX_PART_CHANGES, 1]);
    let large = |number| change(number, MAX_PART_BYTES / 2 - 6);
    assert_eq!(sizes(&[large(1), large(2), change(3, 1), large(4)]), [2, 2]);
}
