//! The control lane and the tables of monitors and links under many schedules: whatever meets an
//! end, somebody is told once or not at all, and nothing is left.

use std::sync::Arc;
use std::task::Poll;

use foundation::ExitReason;
use testkit::panics;

use crate::lives::{Life, MonitorRef, Pid, Side, Watch, Watcher, link};
use crate::mailbox::{CONTROL, Inbox, Mailbox, Received};
use crate::schedules::{SCHEDULES, STOP, TestQueue, UNTIL_FOUND, explore_seeds, open};

/// Takes what is in the control lane until the queue is drained, as an actor does.
async fn take_control(queue: Arc<TestQueue>) -> Vec<u32> {
    let (mut inbox, mut taken) = (Inbox::new(), Vec::new());
    std::future::poll_fn(|cx| {
        queue.register(cx.waker());
        queue.polled();
        loop {
            if queue.word() & STOP != 0 {
                return Poll::Ready(());
            }
            if queue.word() & CONTROL != 0
                && let Some(control) = queue.take_control()
            {
                taken.push(control);
                continue;
            }
            match queue
                .next(&mut inbox)
                .map_or_else(|| queue.receive(&mut inbox), Received::Message)
            {
                Received::Message(_) => {}
                Received::Idle => return Poll::Pending,
                Received::Drained => return Poll::Ready(()),
            }
        }
    })
    .await;
    taken
}

#[test]
fn everything_in_the_control_lane_is_seen_whatever_it_meets() {
    explore_seeds(SCHEDULES, || {
        let queue = open(Mailbox::bounded(2));
        let receiver = shuttle::future::spawn(take_control(Arc::clone(&queue)));
        let signallers: Vec<_> = (0..2)
            .map(|signaller| {
                let queue = Arc::clone(&queue);
                shuttle::future::spawn(async move {
                    for n in 0..3 {
                        assert_eq!(queue.signal(1, signaller * 10 + n), None);
                        let _ = queue.try_accept((signaller, n));
                    }
                })
            })
            .collect();
        shuttle::future::block_on(async move {
            for signaller in signallers {
                signaller.await.unwrap();
            }
            queue.drain(1);
            queue.raise(1, 0);
            let taken = receiver.await.unwrap();
            for signaller in 0..2 {
                let own: Vec<_> = taken.iter().filter(|n| **n / 10 == signaller).collect();
                assert_eq!(own.len(), 3, "{taken:?}");
                assert!(own.is_sorted());
            }
        });
    });
}

#[test]
fn a_receiver_never_gets_what_was_meant_for_the_one_before() {
    explore_seeds(SCHEDULES, || {
        let queue = open(Mailbox::bounded(2));
        let first = shuttle::future::spawn(take_control(Arc::clone(&queue)));
        let late = Arc::clone(&queue);
        let signaller = shuttle::future::spawn(async move {
            (0..3).filter(|n| late.signal(1, *n).is_none()).count()
        });
        let raising = Arc::clone(&queue);
        let stopper = shuttle::future::spawn(async move { raising.raise(1, STOP) });
        shuttle::future::block_on(async move {
            let seen = first.await.unwrap();
            drop(queue.close());
            queue.open(2);
            let second = shuttle::future::spawn(take_control(Arc::clone(&queue)));
            let told = signaller.await.unwrap();
            stopper.await.unwrap();
            assert!(seen.len() <= told);
            assert_eq!(queue.signal(2, 7), None);
            queue.drain(2);
            queue.raise(2, 0);
            assert_eq!(second.await.unwrap(), [7]);
        });
    });
}

type TestLife = Life<&'static str>;

fn alive() -> Arc<TestLife> {
    let life = Arc::new(TestLife::new());
    assert_eq!(life.begin(), 1);
    life
}

fn monitors(watchers: &[Watcher<&'static str>]) -> usize {
    watchers.iter().filter(|watcher| matches!(watcher, Watcher::Monitor(..))).count()
}

#[test]
fn a_monitor_that_meets_an_end_is_told_or_refused_and_one_that_leaves_is_not_told() {
    explore_seeds(SCHEDULES, || {
        let life = alive();
        let (ending, leaving) = (Arc::clone(&life), Arc::clone(&life));
        let key = life.monitor("leaves", MonitorRef(0)).unwrap();
        let end =
            shuttle::future::spawn(
                async move { monitors(&ending.end(&ExitReason::Normal).watchers) },
            );
        let leave = shuttle::future::spawn(async move { leaving.unwatch(key) });
        shuttle::future::block_on(async move {
            let added = life.monitor("comes", MonitorRef(1)).is_ok();
            let (told, left) = (end.await.unwrap(), leave.await.unwrap());
            assert_eq!(told, usize::from(added) + usize::from(!left));
            assert_eq!(life.watchers(), 0);
            assert!(life.monitor("late", MonitorRef(2)).is_err());
        });
    });
}

#[test]
fn whoever_waits_for_an_end_hears_of_it_however_the_two_meet() {
    explore_seeds(SCHEDULES, || {
        let life = alive();
        let (ending, waiting) = (Arc::clone(&life), Arc::clone(&life));
        let end = shuttle::future::spawn(async move {
            for watcher in ending.end(&ExitReason::Killed).watchers {
                if let Watcher::Waiting(waiting) = watcher {
                    drop(waiting.send(ExitReason::Killed));
                }
            }
            // The next incarnation does not change what is told of this one.
            ending.begin();
        });
        let wait = shuttle::future::spawn(async move {
            match waiting.wait(1) {
                Watch::Ended(reason) => reason,
                Watch::Later(_, exit) => exit.await.unwrap(),
            }
        });
        shuttle::future::block_on(async move {
            end.await.unwrap();
            assert_eq!(wait.await.unwrap(), ExitReason::Killed);
            assert_eq!(life.watchers(), 0);
        });
    });
}

/// Links two lives of which one ends, and gives how often the other one is told or refused.
fn link_meets_end() {
    let (mine, theirs) = (alive(), alive());
    let ending = Arc::clone(&theirs);
    let end = shuttle::future::spawn(async move { ending.end(&ExitReason::Normal).links });
    let pid = |slot| Pid { slot, generation: 1 };
    shuttle::future::block_on(async move {
        let own = Side { life: &mine, pid: pid(1), peer: "mine" };
        let other = Side { life: &theirs, pid: pid(2), peer: "theirs" };
        let linked = link(own, other);
        let told = end.await.unwrap();
        assert_eq!(usize::from(linked.is_err()) + told.len(), 1);
        // What is told finds the link, once.
        assert_eq!(mine.unlink(pid(2)), Some("theirs"));
        assert_eq!((mine.links(), theirs.links()), (0, 0));
    });
}

#[test]
fn a_link_that_meets_an_end_is_told_once_or_refused() {
    explore_seeds(SCHEDULES, link_meets_end);
}

#[test]
fn a_link_that_is_made_on_the_other_side_first_is_found_out() {
    let run = || {
        let (mine, theirs) = (alive(), alive());
        let (ending, telling) = (Arc::clone(&theirs), Arc::clone(&mine));
        let pid = |slot| Pid { slot, generation: 1 };
        let end = shuttle::future::spawn(async move {
            let links = ending.end(&ExitReason::Normal).links;
            // Told to whoever has the link by then.
            !links.is_empty() && telling.unlink(pid(2)).is_none()
        });
        shuttle::future::block_on(async move {
            // The fault: the end may come between these two, and is told to a link that is not
            // there.
            let own = Side { life: &mine, pid: pid(1), peer: "mine" };
            let other = Side { life: &theirs, pid: pid(2), peer: "theirs" };
            drop(link(other, own));
            assert!(!end.await.unwrap(), "what was told found no link");
        });
    };
    let said = panics(|| explore_seeds(UNTIL_FOUND, run));
    assert!(said.contains("what was told found no link"), "{said}");
}

#[test]
fn a_task_that_meets_the_end_of_its_owner_is_waited_for_or_not_started() {
    explore_seeds(SCHEDULES, || {
        let owner = alive();
        let ending = Arc::clone(&owner);
        let end = shuttle::future::spawn(async move {
            let waited_for = ending.last_owned();
            let told = ending.end(&ExitReason::Normal).links;
            (waited_for, told)
        });
        let pid = |slot| Pid { slot, generation: 1 };
        shuttle::future::block_on(async move {
            let started = owner.own(pid(1), pid(2), "task").is_ok();
            let (waited_for, told) = end.await.unwrap();
            assert_eq!(
                (waited_for.len(), told.len()),
                (usize::from(started), usize::from(started))
            );
            assert!(owner.own(pid(1), pid(3), "late").is_err());
            assert_eq!(owner.links(), 0);
        });
    });
}

#[test]
fn the_end_of_a_linked_one_is_told_or_of_no_account_and_the_link_is_gone_in_both_cases() {
    explore_seeds(SCHEDULES, || {
        let owner = alive();
        let pid = |slot| Pid { slot, generation: 1 };
        owner.own(pid(1), pid(2), "task").unwrap();
        let (ending, trapping) = (Arc::clone(&owner), Arc::clone(&owner));
        // What is not of no account is put into the owner's lane, where it finds the link later.
        let end = shuttle::future::spawn(async move {
            ending.ends_unheard(1, pid(2), true) || ending.has_ended(pid(2)).is_some()
        });
        let traps = shuttle::future::spawn(async move { trapping.set_traps_exits(true) });
        shuttle::future::block_on(async move {
            owner.hush(pid(2));
            traps.await.unwrap();
            assert!(end.await.unwrap(), "nobody found the link");
            assert_eq!((owner.links(), owner.last_owned().len()), (0, 0));
        });
    });
}
