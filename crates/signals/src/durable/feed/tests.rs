//! What is handed on, and when it is complete.

use jiff::Timestamp;

use super::{Fed, Feed, MOST_WAITING};
use crate::log::{LogEntry, LogPosition};
use crate::signal::Signal;

fn entry(position: u64) -> LogEntry {
    let signal = Signal::new("a", "/test").id("1").build().unwrap();
    LogEntry::new(LogPosition::new(position), Timestamp::UNIX_EPOCH, signal)
}

fn taken(feed: &Feed, most: usize) -> (Vec<u64>, bool, bool) {
    let Fed { entries, is_empty, is_live } = feed.take(most);
    (entries.iter().map(|entry| entry.position.get()).collect(), is_empty, is_live)
}

#[test]
fn nothing_is_handed_on_before_it_goes_live_or_after_it_was_stopped() {
    let feed = Feed::default();
    assert!(!feed.push(&entry(1)));
    feed.go_live();
    assert!(feed.is_live() && feed.push(&entry(2)));
    assert_eq!(taken(&feed, 10), (vec![2], true, true));
    assert!(feed.push(&entry(3)));
    feed.stop();
    assert!(!feed.push(&entry(4)));
    assert_eq!(taken(&feed, 10), (vec![], true, false));
}

#[test]
fn going_live_begins_anew() {
    let feed = Feed::default();
    feed.go_live();
    feed.push(&entry(1));
    feed.go_live();
    feed.push(&entry(2));
    assert_eq!(taken(&feed, 10), (vec![2], true, true));
}

#[test]
fn what_is_taken_is_in_order_and_says_whether_there_is_more() {
    let feed = Feed::default();
    feed.go_live();
    for position in 1..=3 {
        feed.push(&entry(position));
    }
    assert_eq!(taken(&feed, 2), (vec![1, 2], false, true));
    assert_eq!(taken(&feed, 2), (vec![3], true, true));
}

#[test]
fn one_that_overflows_keeps_what_there_is_without_a_hole_and_is_not_live() {
    let feed = Feed::default();
    feed.go_live();
    let most = u64::try_from(MOST_WAITING).unwrap();
    for position in 1..=most {
        assert!(feed.push(&entry(position)));
    }
    assert!(!feed.push(&entry(most + 1)));
    assert_eq!(taken(&feed, 1), (vec![1], false, false));
    assert!(!feed.push(&entry(most + 2)), "there would be a hole before it");
    let (rest, is_empty, is_live) = taken(&feed, usize::MAX);
    assert_eq!((rest, is_empty, is_live), ((2..=most).collect(), true, false));
}
