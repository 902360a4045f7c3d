//! The queue, one step at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

use super::queue::{CONTROL, Inbox, Queue, Received, SPACE, Sent, Waiting};
use super::{Mailbox, Overflow};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn queue(
    capacity: usize,
    overflow: Overflow,
) -> (Queue<u32, &'static str, ()>, Inbox<u32>, Arc<Wakes>) {
    let queue = Queue::new(Mailbox::bounded(capacity).overflow(overflow), ());
    let wakes = Arc::new(Wakes::default());
    queue.open(1);
    queue.register(&Waker::from(Arc::clone(&wakes)));
    queue.polled();
    (queue, Inbox::new(), wakes)
}

fn stand(queue: &Queue<u32, &'static str, ()>, message: u32) -> (Waiting, Arc<Wakes>) {
    let wakes = Arc::new(Wakes::default());
    match queue.send(message, Some(&Waker::from(Arc::clone(&wakes)))) {
        Sent::InLine(place) => (place, wakes),
        other => panic!("{other:?}"),
    }
}

/// Everything that the receiver gets until it is idle.
fn receive_all(queue: &Queue<u32, &'static str, ()>, inbox: &mut Inbox<u32>) -> Vec<u32> {
    let mut received = Vec::new();
    loop {
        queue.polled();
        let message = queue.next(inbox).map_or_else(|| queue.receive(inbox), Received::Message);
        match message {
            Received::Message(message) => received.push(message),
            Received::Idle | Received::Drained => return received,
        }
    }
}

#[test]
fn the_bound_counts_what_was_taken_out_and_not_begun() {
    let (queue, mut inbox, _) = queue(4, Overflow::Reject);
    let sent: Vec<_> = (0..5).map(|n| queue.send(n, None)).collect();
    let accepted = || Sent::Accepted;
    assert_eq!(sent, [accepted(), accepted(), accepted(), accepted(), Sent::Full(4)]);
    assert_eq!(queue.receive(&mut inbox), Received::Message(0));
    assert_eq!(queue.len(), 3);
    // One was begun, so there is room for one, although three have left the queue.
    assert_eq!([queue.send(5, None), queue.send(6, None)], [Sent::Accepted, Sent::Full(6)]);
    assert_eq!(queue.next(&mut inbox), Some(1));
    assert_eq!([queue.send(7, None), queue.send(8, None)], [Sent::Accepted, Sent::Full(8)]);
    assert_eq!(receive_all(&queue, &mut inbox), [2, 3, 5, 7]);
    assert_eq!(queue.len(), 0);
}

#[test]
fn wakes_an_idle_receiver_once_and_a_busy_one_never() {
    let (queue, mut inbox, wakes) = queue(8, Overflow::Reject);
    assert_eq!(queue.receive(&mut inbox), Received::Idle);
    for n in 0..3 {
        queue.send(n, None);
    }
    assert_eq!(wakes.count(), 1);
    queue.polled();
    assert_eq!(queue.receive(&mut inbox), Received::Message(0));
    queue.send(3, None);
    assert_eq!(wakes.count(), 1);
    assert_eq!(receive_all(&queue, &mut inbox), [1, 2, 3]);
}

#[test]
fn a_receiver_that_got_the_last_message_is_woken_for_the_next() {
    let (queue, mut inbox, wakes) = queue(8, Overflow::Reject);
    queue.send(0, None);
    queue.polled();
    assert_eq!(queue.receive(&mut inbox), Received::Message(0));
    assert_eq!(queue.receive(&mut inbox), Received::Idle);
    queue.send(1, None);
    assert_eq!(wakes.count(), 1);
    // In the poll that the wake-up leads to, it looks again.
    queue.polled();
    assert_eq!(queue.receive(&mut inbox), Received::Message(1));
}

#[test]
fn a_line_moves_up_in_order_when_half_is_free_and_nobody_overtakes_it() {
    let (queue, mut inbox, _) = queue(4, Overflow::Wait);
    for n in 0..4 {
        queue.send(n, None);
    }
    let places: Vec<_> = (10..13).map(|n| stand(&queue, n)).collect();
    let outcomes = || {
        let polled = places
            .iter()
            .map(|(place, wakes)| queue.poll_line(place, &Waker::from(Arc::clone(wakes))));
        polled.map(|poll| poll.is_ready()).collect::<Vec<_>>()
    };
    assert_eq!(queue.word(), SPACE);
    assert_eq!(queue.receive(&mut inbox), Received::Message(0));
    // There is room for one, and those in the line come first.
    assert_eq!(queue.send(4, None), Sent::Full(4));
    queue.make_room(&inbox);
    assert_eq!(outcomes(), [false, false, false]);
    queue.next(&mut inbox);
    queue.make_room(&inbox);
    assert_eq!(outcomes(), [true, true, false]);
    assert_eq!(places.iter().map(|(_, wakes)| wakes.count()).collect::<Vec<_>>(), [1, 1, 0]);
    assert_eq!(receive_all(&queue, &mut inbox), [2, 3, 10, 11, 12]);
    assert_eq!((outcomes(), queue.word()), (vec![true, true, true], 0));
    assert_eq!(queue.send(5, None), Sent::Accepted);
}

#[test]
fn a_sender_that_leaves_the_line_takes_its_message_along() {
    let (queue, mut inbox, _) = queue(1, Overflow::Wait);
    queue.send(0, None);
    let (first, _) = stand(&queue, 1);
    let (second, _) = stand(&queue, 2);
    assert_eq!(queue.leave_line(&first), Some(1));
    assert_eq!(queue.leave_line(&first), None);
    assert_eq!(receive_all(&queue, &mut inbox), [0, 2]);
    assert_eq!(queue.leave_line(&second), None);
    queue.send(3, None);
    let (third, _) = stand(&queue, 4);
    assert_eq!(queue.leave_line(&third), Some(4));
    assert_eq!(queue.word(), 0);
}

#[test]
fn drops_the_oldest_or_the_newest_and_counts_them() {
    let (newest, mut inbox, _) = queue(2, Overflow::DropNewest);
    let sent: Vec<_> = (0..4).map(|n| newest.send(n, None)).collect();
    assert_eq!(sent[2..], [Sent::Dropped(2), Sent::Dropped(3)]);
    assert_eq!((newest.dropped(), receive_all(&newest, &mut inbox)), (2, vec![0, 1]));

    let (oldest, mut inbox, _) = queue(2, Overflow::DropOldest);
    let sent: Vec<_> = (0..4).map(|n| oldest.send(n, None)).collect();
    assert_eq!(sent[2..], [Sent::InsteadOf(0), Sent::InsteadOf(1)]);
    assert_eq!(oldest.receive(&mut inbox), Received::Message(2));
    // Nothing is taken out ahead, so what is dropped really is the oldest.
    assert_eq!([oldest.send(4, None), oldest.send(5, None)], [Sent::Accepted, Sent::InsteadOf(3)]);
    assert_eq!((oldest.dropped(), receive_all(&oldest, &mut inbox)), (3, vec![4, 5]));
}

#[test]
fn an_overflow_is_told_where_the_policy_is_to_stop() {
    let (queue, _, _) = queue(1, Overflow::Stop);
    assert_eq!([queue.send(0, None), queue.send(1, None)], [Sent::Accepted, Sent::Overflow(1)]);
}

#[test]
fn draining_refuses_what_comes_and_keeps_what_is_there() {
    let (queue, mut inbox, _) = queue(1, Overflow::Wait);
    queue.send(0, None);
    let (place, wakes) = stand(&queue, 1);
    assert_eq!(queue.drain(1), [1]);
    assert!(matches!(queue.poll_line(&place, Waker::noop()), Poll::Ready(Err(_))));
    assert_eq!((wakes.count(), queue.word()), (1, 0));
    assert_eq!(queue.send(2, None), Sent::Closed(2));
    assert_eq!(queue.receive(&mut inbox), Received::Message(0));
    assert_eq!(queue.receive(&mut inbox), Received::Drained);
}

#[test]
fn closing_gives_back_everything_in_order() {
    let (queue, mut inbox, _) = queue(4, Overflow::Wait);
    for n in 0..3 {
        queue.send(n, None);
    }
    assert_eq!(queue.receive(&mut inbox), Received::Message(0));
    queue.send(3, None);
    queue.send(4, None);
    let _place = stand(&queue, 5);
    queue.put_back(&mut inbox);
    let closed = queue.close();
    let (messages, refused) = (closed.messages, closed.refused);
    assert_eq!((messages.into_iter().collect::<Vec<_>>(), refused), (vec![1, 2, 3, 4], vec![5]));
    assert_eq!((queue.send(6, None), queue.len()), (Sent::Closed(6), 0));
}

#[test]
fn hibernating_frees_what_a_burst_has_left() {
    let (queue, mut inbox, _) = queue(100, Overflow::Reject);
    for round in 0..2 {
        for n in 0..100 {
            queue.send(n, None);
        }
        assert_eq!(receive_all(&queue, &mut inbox).len(), 100, "round {round}");
    }
    assert!(queue.memory(&inbox) >= 200);
    queue.hibernate(&mut inbox);
    assert_eq!(queue.memory(&inbox), 0);
    queue.send(7, None);
    assert_eq!(receive_all(&queue, &mut inbox), [7]);
}

#[test]
fn the_control_lane_is_read_in_order_and_has_no_bound() {
    let (queue, mut inbox, wakes) = queue(1, Overflow::Reject);
    assert_eq!(queue.receive(&mut inbox), Received::Idle);
    assert_eq!((queue.take_control(), queue.word()), (None, 0));
    queue.send(0, None);
    for control in ["a", "b", "c"] {
        assert_eq!(queue.signal(1, control), None);
        assert_eq!(queue.word(), CONTROL);
    }
    assert_eq!(wakes.count(), 4);
    let taken: Vec<_> = std::iter::from_fn(|| queue.take_control()).collect();
    assert_eq!((taken, queue.word()), (vec!["a", "b", "c"], 0));
    assert_eq!(receive_all(&queue, &mut inbox), [0]);
}

#[test]
fn what_is_meant_for_another_receiver_does_not_arrive() {
    let (queue, mut inbox, wakes) = queue(4, Overflow::Reject);
    queue.signal(1, "for the first");
    queue.raise(1, 1 << 5);
    queue.send(0, None);
    queue.put_back(&mut inbox);
    assert_eq!(queue.close().messages, [0]);
    // Nobody is there to get it.
    assert_eq!((queue.signal(1, "late"), queue.send(1, None)), (Some("late"), Sent::Closed(1)));
    let woken = wakes.count();
    queue.open(2);
    assert_eq!((queue.word(), queue.take_control(), queue.len()), (0, None, 0));
    queue.raise(1, 1 << 5);
    assert_eq!(queue.signal(1, "stale"), Some("stale"));
    assert_eq!((queue.word(), queue.take_control(), wakes.count()), (0, None, woken));
    let mut inbox = Inbox::new();
    queue.polled();
    assert_eq!(queue.receive(&mut inbox), Received::Idle);
    queue.send(2, None);
    assert_eq!(queue.signal(2, "for the second"), None);
    assert_eq!((queue.word(), queue.take_control()), (CONTROL, Some("for the second")));
    queue.polled();
    assert_eq!(queue.receive(&mut inbox), Received::Message(2));
}
