//! What is kept, what gives way, and what has expired; and random use against a naive list.

use std::num::NonZeroUsize;

use fastrand::Rng;

use super::options::Limits;
use super::state::{Found, State};

fn state(max: usize, ttl: Option<u64>, stale_for: u64) -> State<u32, u32> {
    State::new(Limits { max_entries: NonZeroUsize::new(max).unwrap(), ttl, stale_for })
}

#[test]
fn an_entry_is_good_until_its_time_and_stale_for_a_while() {
    let mut state = state(10, Some(100), 50);
    assert_eq!(state.insert(1, 7, None, 0), (None, false));
    assert_eq!(state.insert(2, 8, Some(10), 0), (None, false));
    assert_eq!((state.get(&1, 99), state.get(&2, 9)), (Found::Fresh(7), Found::Fresh(8)));
    assert_eq!((state.get(&1, 100), state.get(&2, 10)), (Found::Stale(7), Found::Stale(8)));
    assert_eq!((state.get(&1, 150), state.get(&2, 60)), (Found::Nothing, Found::Nothing));
    assert_eq!(state.get(&3, 0), Found::Nothing);
}

#[test]
fn one_that_is_written_again_takes_no_other_place() {
    let mut state = state(2, None, 0);
    state.insert(1, 1, None, 0);
    state.insert(2, 2, None, 0);
    assert_eq!(state.insert(1, 11, None, 0), (Some((1, 1)), false));
    // Now the other is the one that was used longest ago.
    assert_eq!(state.insert(3, 3, None, 0), (Some((2, 2)), true));
    assert_eq!((state.get(&1, 0), state.len()), (Found::Fresh(11), 2));
}

#[test]
fn sweeping_takes_what_has_expired_and_nothing_else() {
    let mut state = state(10, None, 50);
    for (key, ttl) in [(1, Some(10)), (2, Some(100)), (3, None)] {
        state.insert(key, key, ttl, 0);
    }
    assert_eq!(state.sweep(59).0, []);
    assert_eq!(state.sweep(60).0, [(1, 1)]);
    assert_eq!(state.sweep(10_000).0, [(2, 2)]);
}

#[test]
fn agrees_with_a_list_of_entries_by_use() {
    let seed = 0x_cac4e;
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for _ in 0..200 {
        let (max, ttl) = (random.usize(1..6), random.u64(1..50));
        let mut state = state(max, Some(ttl), 0);
        // The one that was used last is the last.
        let mut list: Vec<(u32, u32, u64)> = Vec::new();
        for now in 0..300 {
            let key = random.u32(0..8);
            let at = list.iter().position(|entry| entry.0 == key);
            match random.u32(0..10) {
                0..4 => {
                    // What has expired is not used by that.
                    let at = at.filter(|at| now < list[*at].2);
                    let good = at.map(|at| list.remove(at)).inspect(|entry| list.push(*entry));
                    let expected = good.map_or(Found::Nothing, |entry| Found::Fresh(entry.1));
                    assert_eq!(state.get(&key, now), expected);
                }
                4..9 => {
                    let value = random.u32(..);
                    let before = at.map(|at| list.remove(at));
                    let gives_way = before.is_none() && list.len() == max;
                    let gone = if gives_way { Some(list.remove(0)) } else { before };
                    list.push((key, value, now + ttl));
                    let expected = (gone.map(|entry| (entry.0, entry.1)), gives_way);
                    assert_eq!(state.insert(key, value, None, now), expected);
                }
                _ => {
                    let gone = at.map(|at| list.remove(at)).map(|entry| (entry.0, entry.1));
                    assert_eq!(state.remove(&key), gone);
                }
            }
            assert_eq!(state.len(), list.len());
        }
    }
}
