//! The tail, when appends end in another order than they began.

use super::*;

#[test]
fn a_tail_does_not_go_back_when_the_later_append_ends_first() {
    let tail = watch::Sender::new(LogPosition::START);
    let mut seen = tail.subscribe();
    advance(&tail, LogPosition::new(5));
    assert_eq!(*seen.borrow_and_update(), LogPosition::new(5));
    advance(&tail, LogPosition::new(3));
    assert_eq!((seen.has_changed().unwrap(), *seen.borrow()), (false, LogPosition::new(5)));
    advance(&tail, LogPosition::new(6));
    assert_eq!((seen.has_changed().unwrap(), *seen.borrow()), (true, LogPosition::new(6)));
}
