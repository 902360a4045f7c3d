//! What a consumer has in its mailbox may panic where it is dropped: that takes no runner down.

use std::sync::Arc;

use foundation::{Actor, ChildSpec, Context, Flow, Init, Mailbox, Overflow, Restart, Result};
use signals::{Delivery, LogPosition};
use tokio::sync::Notify;

use super::{SECOND, audit, consume};
use crate::clerk::{Book, Seen};
use crate::shop::Shop;

/// Panics when it is dropped, unless it was handled.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.0 || std::thread::panicking(), "a bomb");
    }
}

/// A consumer whose messages must be handled.
struct Careful(Book);

enum Parcel {
    Wait(Arc<Notify>),
    Signal(Bomb, Delivery),
}

impl From<Delivery> for Parcel {
    fn from(delivery: Delivery) -> Self {
        Self::Signal(Bomb(false), delivery)
    }
}

impl Actor for Careful {
    type Args = Book;
    type Message = Parcel;

    async fn init(book: Book, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(book)))
    }

    async fn handle(&mut self, message: Parcel, _: &mut Context<Self>) -> Result<Flow> {
        match message {
            Parcel::Wait(until) => until.notified().await,
            Parcel::Signal(mut bomb, delivery) => {
                bomb.0 = true;
                let topic = delivery.signal().topic().as_str().to_owned();
                let (attempt, position) = (delivery.attempt().unwrap(), delivery.position());
                self.0.note(Seen { topic, attempt, position: position.unwrap() });
                delivery.acknowledge();
            }
        }
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_panics_where_it_is_pushed_out_takes_no_runner_down_and_is_not_lost() {
    let shop = Shop::new().await;
    let (careful, fine) = (Book::willing(), Book::willing());
    let mailbox = Mailbox::bounded(1).overflow(Overflow::DropOldest);
    let spec = ChildSpec::<Careful>::actor("careful", careful.clone()).mailbox(mailbox);
    let consumer = shop.system.start(spec.restart(Restart::Temporary)).await.unwrap();
    let until = Arc::new(Notify::new());
    consumer.tell(Parcel::Wait(Arc::clone(&until))).await.unwrap();
    testkit::pass(SECOND).await;
    let options = signals::DurableOptions::new("careful");
    let durable = shop.bus.subscribe("s.*", &consumer).durable(options).await.unwrap();
    let other = consume(&shop, &fine, audit()).await;
    let starts = super::budgets::starts(&shop).await;
    let topics = shop.publish_many("s", 5).await;
    shop.settles(&other).await;
    assert_eq!(fine.topics(), topics);
    testkit::pass(SECOND).await;
    until.notify_one();
    shop.settles(&durable).await;
    assert_eq!(super::budgets::starts(&shop).await, starts, "nobody was restarted");
    let letters = durable.dead_letters(LogPosition::START).await.unwrap().letters;
    let dead = letters.iter().map(|letter| letter.position.get());
    let mut settled: Vec<_> = careful.seen().iter().map(|seen| seen.position.get()).collect();
    settled.extend(dead);
    settled.sort_unstable();
    settled.dedup();
    assert_eq!(settled, [1, 2, 3, 4, 5], "handled, or given up: {:?} {letters:?}", careful.tries());
    assert!(consumer.is_alive());
    shop.stop().await;
}
