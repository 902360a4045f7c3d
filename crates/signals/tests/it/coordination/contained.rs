//! What a receiver has in its mailbox may panic where it is dropped: no sender is taken down, and
//! nothing is lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::{ActorRef, Restart};

use super::*;

/// Panics when it is dropped, unless it was handled, and counts that.
struct Bomb {
    was_handled: bool,
    panics: Arc<AtomicUsize>,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !self.was_handled && !std::thread::panicking() {
            self.panics.fetch_add(1, Ordering::Relaxed);
            panic!("a bomb");
        }
    }
}

/// An actor whose messages must be handled.
struct Careful(Log);

enum Parcel {
    Wait(Arc<Notify>),
    Other(Bomb),
    Assignment(Bomb, Assignment),
}

impl Actor for Careful {
    type Args = Log;
    type Message = Parcel;

    async fn init(log: Log, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(log)))
    }

    async fn handle(&mut self, message: Parcel, _: &mut Context<Self>) -> Result<Flow> {
        match message {
            Parcel::Wait(until) => until.notified().await,
            Parcel::Other(mut bomb) => bomb.was_handled = true,
            Parcel::Assignment(mut bomb, assignment) => {
                bomb.was_handled = true;
                if let Some((signal, acknowledgement)) = assignment.begin() {
                    self.0.push(signal.topic().as_str());
                    acknowledgement.acknowledge();
                }
            }
        }
        Ok(Flow::Continue)
    }
}

/// A careful one that receives as `b`, with room for one message, and waits until that is notified.
/// Whatever is sent to it, another message is there first.
async fn careful(
    system: &System,
    coordination: &Coordination,
    overflow: Overflow,
) -> (ActorRef<Careful>, Arc<AtomicUsize>, Log, Arc<Notify>) {
    let (log, until, panics) = (Log::default(), Arc::new(Notify::new()), Arc::default());
    let mailbox = Mailbox::bounded(1).overflow(overflow);
    let spec = ChildSpec::<Careful>::actor("b", log.clone()).mailbox(mailbox);
    let b = system.start(spec.restart(Restart::Temporary)).await.unwrap();
    let (counts, actor) = (Arc::clone(&panics), b.clone());
    let make = move |assignment| {
        let bomb = || Bomb { was_handled: false, panics: Arc::clone(&counts) };
        if let Err(mut unsent) = actor.incarnation().try_tell(Parcel::Other(bomb()))
            && let Parcel::Other(bomb) = &mut unsent.message
        {
            bomb.was_handled = true;
        }
        Parcel::Assignment(bomb(), assignment)
    };
    coordination.join_as("b", &b, make).unwrap();
    b.tell(Parcel::Wait(Arc::clone(&until))).await.unwrap();
    eventually(|| if b.mailbox_len() == 0 { Ok(()) } else { Err("not yet") }).await;
    (b, panics, log, until)
}

#[tokio::test(start_paused = true)]
async fn what_panics_where_it_is_pushed_out_takes_no_sender_down_and_nothing_is_lost() {
    // So that its circuit stays closed, and the mailbox is tried each time.
    let builder = Coordination::builder().failure_threshold(100);
    let (system, coordination) = started_with(builder).await;
    let (b, panics, log, until) = careful(&system, &coordination, Overflow::DropOldest).await;
    let (_, other) = agent(&system, &coordination, "c").await;
    // There was room for the first, and the other message that came in between is pushed out.
    for (number, why) in (0..5).zip(["callback_panicked"].into_iter().chain(["mailbox_full"; 4])) {
        let both = [("b", numbered(number)), ("c", numbered(number))];
        let outcomes = coordination.distribute("a", both).await.unwrap();
        let [to_b, to_c] = outcomes.try_into().unwrap();
        assert_eq!(buffered(to_b.outcome), why, "{number}");
        acknowledged(to_c.outcome);
    }
    assert_eq!(panics.load(Ordering::Relaxed), 1);
    assert_eq!(other.log.entries().len(), 5);
    assert_eq!(places(&coordination), [5, 0, 0, 0]);
    assert!(b.is_alive() && coordination.receiver("b").is_some());
    until.notify_one();
    pause(Duration::from_mins(1)).await;
    let all: Vec<_> = (0..5).map(|number| format!("n.{number}")).collect();
    assert_eq!(log.entries(), all, "each once, in order");
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

/// A mailbox that would drop a message is offered none while it is full.
#[tokio::test(start_paused = true)]
async fn a_mailbox_that_would_drop_something_is_left_alone_while_it_is_full() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let builder = Coordination::builder().failure_threshold(100);
        let (system, coordination) = started_with(builder).await;
        let (b, panics, log, until) = careful(&system, &coordination, overflow).await;
        b.try_tell(Parcel::Wait(Arc::clone(&until))).unwrap();
        for number in 0..3 {
            let outcome = coordination.delegate("a", "b", numbered(number)).await;
            assert_eq!(buffered(outcome), "mailbox_full", "{overflow:?}");
        }
        pause(Duration::from_mins(1)).await;
        assert_eq!((panics.load(Ordering::Relaxed), b.dropped()), (0, 0), "{overflow:?}");
        assert_eq!(places(&coordination), [3, 0, 0, 0], "{overflow:?}");
        assert_eq!(log.entries(), [""; 0], "{overflow:?}");
        system.stop().await.unwrap();
    }
}
