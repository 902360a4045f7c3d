//! What is taken from the queue, and when.

use super::*;

fn barrier() -> Item {
    Item::Barrier(oneshot::channel().0)
}

/// However many are expected, and none of them comes.
#[test]
fn whoever_is_there_is_taken_although_others_do_not_come() {
    let queue = Queue::default();
    queue.push(barrier(), || Ok(())).unwrap();
    let Next::Work(items) = queue.take_blocking(false, usize::MAX) else { panic!("it has ended") };
    assert_eq!(items.len(), 1);
    assert!(matches!(queue.take_blocking(true, usize::MAX), Next::Work(items) if items.is_empty()));
}

#[test]
fn what_was_put_in_before_the_end_is_taken_and_then_it_is_the_end() {
    let queue = Queue::default();
    queue.push(barrier(), || Ok(())).unwrap();
    queue.close(None);
    assert!(queue.push(barrier(), || Ok(())).is_err());
    assert!(matches!(queue.take_blocking(false, 8), Next::Work(items) if items.len() == 1));
    assert!(matches!(queue.take_blocking(false, 8), Next::End));
}
