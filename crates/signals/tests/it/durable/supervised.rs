//! A consumer that subscribes in its `init`, as part of a supervisor that starts it again.

use std::time::Duration;

use foundation::{Actor, ChildSpec, Context, Error, Flow, Init, Result, Supervisor};
use signals::{Bus, Delivery, LogPosition};

use super::audit;
use crate::clerk::{Book, Seen};
use crate::shop::Shop;

/// How it ends at what is poison.
#[derive(Clone, Copy, Debug)]
enum End {
    Panic,
    Error,
}

struct Consumer(Book, End);

impl Actor for Consumer {
    type Args = (Book, Bus, End);
    type Message = Delivery;

    async fn init((book, bus, end): Self::Args, cx: &mut Context<Self>) -> Result<Init<Self>> {
        bus.subscribe("s.*", &cx.me()).durable(audit().max_attempts(3)).await?;
        Ok(Init::Ready(Self(book, end)))
    }

    async fn handle(&mut self, delivery: Delivery, _: &mut Context<Self>) -> Result<Flow> {
        let topic = delivery.signal().topic().as_str().to_owned();
        let (attempt, position) = (delivery.attempt().unwrap(), delivery.position().unwrap());
        let is_poison = topic == "s.2";
        self.0.note(Seen { topic, attempt, position });
        match self.1 {
            End::Panic if is_poison => panic!("it is poison"),
            End::Error if is_poison => return Err(Error::system("poison")),
            End::Panic | End::Error => delivery.acknowledge(),
        }
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn poison_is_a_dead_letter_after_so_many_ends_and_the_others_come_once() {
    for end in [End::Panic, End::Error] {
        let shop = Shop::new().await;
        let all = (1..=5).map(|number| signals::Signal::new(format!("s.{number}"), "/shop"));
        shop.bus.publish_all(all.collect::<Vec<_>>()).await.unwrap();
        let book = Book::willing();
        let consumer =
            ChildSpec::<Consumer>::actor("consumer", (book.clone(), shop.bus.clone(), end));
        let supervisor = Supervisor::one_for_one().intensity(5, Duration::from_secs(1));
        shop.system.start(supervisor.child(consumer)).await.unwrap();
        let durable = shop.bus.durable("audit").await.unwrap();
        shop.settles(&durable).await;
        let mut tries = book.tries();
        tries.sort();
        let expected = [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1), (5, 1)];
        let expected = expected.map(|(number, attempt)| (format!("s.{number}"), attempt));
        assert_eq!(tries, expected, "{end:?}");
        let letters = durable.dead_letters(LogPosition::START).await.unwrap().letters;
        assert_eq!((letters.len(), &*letters[0].because), (1, "ended"), "{end:?}");
        shop.stop().await;
    }
}
