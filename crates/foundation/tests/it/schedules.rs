//! The shipped mailbox under many schedules: nothing is lost, doubled or reordered, and no wake-up
//! is missed.
//!
//! A receiver that misses a wake-up waits for ever, which the scheduler reports as a deadlock. That
//! it would find one is shown with a receiver that has that fault.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll};

use testkit::{for_each_seed, panics};

use crate::mailbox::{Inbox, Mailbox, Overflow, Promise, Queue, Received, SPACE, Sent};

/// Schedules that are tried for each seed, of which a soak gives more.
pub(crate) const SCHEDULES: usize = 600;
/// Schedules among which a fault that was put in on purpose has to be found. One in some three
/// hundred shows it, and the first one ends the search.
pub(crate) const UNTIL_FOUND: usize = 20_000;
/// What the receiver does with a stop: a bit of the control word that is its own.
pub(crate) const STOP: u32 = 1 << 3;

pub(crate) type TestQueue = Queue<(u32, u32), u32, ()>;

pub(crate) fn open(options: Mailbox) -> Arc<TestQueue> {
    let queue = TestQueue::new(options, ());
    queue.open(1);
    Arc::new(queue)
}

/// Handles messages as an actor does, until it is stopped or drained.
async fn receive(queue: Arc<TestQueue>) -> Vec<(u32, u32)> {
    let mut inbox = Inbox::new();
    let mut received = Vec::new();
    std::future::poll_fn(|cx| poll_receive(&queue, &mut inbox, &mut received, cx)).await;
    received
}

fn poll_receive(
    queue: &TestQueue,
    inbox: &mut Inbox<(u32, u32)>,
    received: &mut Vec<(u32, u32)>,
    cx: &Context<'_>,
) -> Poll<()> {
    queue.register(cx.waker());
    queue.polled();
    loop {
        let word = queue.word();
        if word & STOP != 0 {
            return Poll::Ready(());
        }
        if word & SPACE != 0 {
            queue.make_room(inbox);
        }
        match queue.next(inbox).map_or_else(|| queue.receive(inbox), Received::Message) {
            Received::Message(message) => received.push(message),
            Received::Idle => return Poll::Pending,
            Received::Drained => return Poll::Ready(()),
        }
    }
}

/// Sends as an actor's reference does, waiting where the policy is to wait.
async fn send(queue: &TestQueue, message: (u32, u32)) -> bool {
    let (mut place, mut message) = (None, queue.try_accept(message));
    std::future::poll_fn(|cx| match (message.take(), &place) {
        (None, None) => Poll::Ready(true),
        (None, Some(place)) => queue.poll_line(place, cx.waker()).map(|outcome| outcome.is_ok()),
        (Some(message), _) => match queue.send(message, Some(cx.waker())) {
            Sent::Accepted | Sent::InsteadOf(_) | Sent::Dropped(_) => Poll::Ready(true),
            Sent::Closed(_) | Sent::Overflow(_) | Sent::Full(_) => Poll::Ready(false),
            Sent::InLine(waiting) => {
                place = Some(waiting);
                Poll::Pending
            }
        },
    })
    .await
}

/// Runs `senders` with `each` messages against one receiver, under many schedules.
fn explore(capacity: usize, overflow: Overflow, senders: u32, each: u32) {
    let run = move || {
        let options = Mailbox::bounded(capacity).overflow(overflow);
        let queue = open(options);
        let receiver = shuttle::future::spawn(receive(Arc::clone(&queue)));
        let senders: Vec<_> = (0..senders)
            .map(|sender| {
                let queue = Arc::clone(&queue);
                shuttle::future::spawn(async move {
                    for number in 0..each {
                        assert!(send(&queue, (sender, number)).await);
                    }
                })
            })
            .collect();
        let handled = shuttle::future::block_on(async move {
            let sent = senders.len();
            for sender in senders {
                sender.await.unwrap();
            }
            assert!(sent > 0 && queue.drain(1).is_empty());
            queue.raise(1, 0);
            receiver.await.unwrap()
        });
        let mut by_sender: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (sender, number) in handled {
            by_sender.entry(sender).or_default().push(number);
        }
        for (sender, numbers) in by_sender {
            match overflow {
                Overflow::Wait => assert_eq!(numbers, (0..each).collect::<Vec<_>>(), "{sender}"),
                _ => assert!(numbers.is_sorted_by(|a, b| a < b), "{sender}: {numbers:?}"),
            }
        }
    };
    explore_seeds(SCHEDULES, run);
}

/// Tries `run` under `count` schedules that derive from each of the seeds of this run.
pub(crate) fn explore_seeds(count: usize, run: impl Fn() + Clone + Send + Sync + 'static) {
    for_each_seed(NonZeroU32::MIN, |seed| {
        let scheduler = shuttle::scheduler::RandomScheduler::new_from_seed(seed, count);
        shuttle::Runner::new(scheduler, shuttle::Config::default()).run(run.clone());
    });
}

#[test]
fn nothing_is_lost_and_no_wake_up_missed_when_there_is_room() {
    explore(16, Overflow::Wait, 3, 3);
}

#[test]
fn nothing_is_lost_and_no_wake_up_missed_when_senders_wait() {
    explore(1, Overflow::Wait, 3, 3);
    explore(2, Overflow::Wait, 3, 2);
}

#[test]
fn what_is_dropped_leaves_the_rest_in_order() {
    explore(1, Overflow::DropOldest, 2, 4);
    explore(1, Overflow::DropNewest, 2, 4);
}

#[test]
fn a_stop_is_seen_however_it_meets_messages_and_waiting_senders() {
    explore_seeds(SCHEDULES, || {
        let queue = open(Mailbox::bounded(1));
        let receiver = shuttle::future::spawn(receive(Arc::clone(&queue)));
        let sending = Arc::clone(&queue);
        let sender = shuttle::future::spawn(async move {
            let mut accepted = 0;
            while accepted < 4 && send(&sending, (0, accepted)).await {
                accepted += 1;
            }
            accepted
        });
        let stopping = Arc::clone(&queue);
        let stopper = shuttle::future::spawn(async move { stopping.raise(1, STOP) });
        shuttle::future::block_on(async move {
            stopper.await.unwrap();
            let handled = receiver.await.unwrap();
            let left = queue.close().messages;
            let accepted = sender.await.unwrap();
            // Each accepted message was handled or given back, in order and once.
            let all: Vec<_> = handled.into_iter().chain(left).map(|(_, number)| number).collect();
            assert_eq!(all, (0..accepted).collect::<Vec<_>>());
        });
    });
}

#[test]
fn a_sender_that_leaves_the_line_is_accepted_or_gets_its_message_back() {
    explore_seeds(SCHEDULES, || {
        let queue = open(Mailbox::bounded(1));
        assert!(queue.try_accept((0, 0)).is_none());
        let receiver = shuttle::future::spawn(receive(Arc::clone(&queue)));
        let leaving = Arc::clone(&queue);
        let leaver = shuttle::future::spawn(async move {
            match leaving.send((0, 1), Some(std::task::Waker::noop())) {
                Sent::InLine(place) => leaving.leave_line(&place).is_none(),
                other => other == Sent::Accepted,
            }
        });
        shuttle::future::block_on(async move {
            let accepted = leaver.await.unwrap();
            assert!(send(&queue, (0, 2)).await);
            queue.drain(1);
            queue.raise(1, 0);
            let handled = receiver.await.unwrap();
            let expected: &[_] =
                if accepted { &[(0, 0), (0, 1), (0, 2)] } else { &[(0, 0), (0, 2)] };
            assert_eq!(handled, expected);
        });
    });
}

#[test]
fn a_receiver_that_stores_its_waker_after_it_has_looked_is_found_out() {
    let run = || {
        let queue = open(Mailbox::bounded(4));
        let receiving = Arc::clone(&queue);
        let receiver = shuttle::future::spawn(async move {
            let mut inbox = Inbox::new();
            std::future::poll_fn(|cx| {
                receiving.polled();
                let found = receiving.receive(&mut inbox);
                // The fault: a message that comes between these two wakes nobody.
                receiving.register(cx.waker());
                match found {
                    Received::Message(message) => Poll::Ready(message),
                    Received::Idle | Received::Drained => Poll::Pending,
                }
            })
            .await
        });
        shuttle::future::block_on(async move {
            assert!(send(&queue, (0, 7)).await);
            assert_eq!(receiver.await.unwrap(), (0, 7));
        });
    };
    let said = panics(|| explore_seeds(UNTIL_FOUND, run));
    assert!(said.contains("deadlock"), "{said}");
}

#[test]
fn promised_places_are_neither_lost_nor_given_twice() {
    explore_seeds(SCHEDULES, || {
        let queue = open(Mailbox::bounded(2));
        let receiver = shuttle::future::spawn(receive(Arc::clone(&queue)));
        let promised: Vec<_> = (0..2)
            .map(|sender| {
                let queue = Arc::clone(&queue);
                shuttle::future::spawn(async move {
                    let mut sent = 0;
                    for number in 0..3 {
                        if queue.promise(1) == Promise::Place {
                            if number == 1 {
                                queue.give_back(1);
                            } else {
                                assert_eq!(queue.fulfil(1, (sender, number)), None);
                                sent += 1;
                            }
                        }
                        shuttle::future::yield_now().await;
                    }
                    sent
                })
            })
            .collect();
        let waiting = {
            let queue = Arc::clone(&queue);
            shuttle::future::spawn(async move {
                for number in 0..3 {
                    assert!(send(&queue, (9, number)).await);
                }
            })
        };
        shuttle::future::block_on(async move {
            waiting.await.unwrap();
            let mut sent = 3;
            for sender in promised {
                sent += sender.await.unwrap();
            }
            queue.drain(1);
            queue.raise(1, 0);
            let handled = receiver.await.unwrap();
            assert_eq!(handled.len(), sent);
            let waited: Vec<_> = handled.iter().filter(|(sender, _)| *sender == 9).collect();
            assert_eq!(waited, [&(9, 0), &(9, 1), &(9, 2)]);
        });
    });
}
