//! What a stream keeps in memory.

use super::*;

fn place(group: u64) -> Place {
    Place { group, offset: 0, length: 1, version: group, tombstone: false }
}

/// Symptom: resident memory rose by some bytes for each append, for as long as appends came.
/// Mechanism: a stream kept the room for the most records that it ever had at a time, and ever more
/// streams had a busy moment. Fix: it is given back when they are folded.
#[test]
fn a_stream_that_was_busy_gives_its_room_back() {
    let mut state = EntryState::default();
    for group in 1..=1000 {
        state.records.push_back(place(group));
    }
    state.folded(990);
    assert_eq!(state.records.len(), 10);
    assert!(state.records.capacity() < 20, "{}", state.records.capacity());
    state.folded(1000);
    assert!(state.records.capacity() <= ROOM, "{}", state.records.capacity());
}
