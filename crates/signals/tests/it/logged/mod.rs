//! A bus with a log: durable before delivered, delivered only from the tail, in one order.

mod between;
mod costs;
mod failing;
mod hanging;
mod publishing;
mod restarts;

use signals::testing::Recorder;
use signals::{Durable, DurableOptions};

use crate::clerk::Book;
use crate::shop::{BEGINNING, Shop};

/// A shop whose log is followed by a transient and by a durable subscription. Both have seen one
/// signal.
struct Followed {
    shop: Shop,
    recorder: Recorder,
    book: Book,
    audit: Durable,
}

impl Followed {
    async fn begin() -> Self {
        let shop = Shop::new().await;
        let recorder = Recorder::start(&shop.system).await.unwrap();
        shop.bus.subscribe("s.*", recorder.actor()).await.unwrap();
        let book = Book::willing();
        let clerk = book.open(&shop.system).await;
        let options = DurableOptions::new("audit").start(BEGINNING);
        let audit = shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
        shop.publish("s.1").await;
        book.wait_for(1).await;
        Self { shop, recorder, book, audit }
    }

    /// After one more signal, both have seen what is in the log: each once, in order.
    async fn has_everything(self, context: &str) {
        let Self { shop, recorder, book, audit } = self;
        shop.publish("s.3").await;
        shop.settles(&audit).await;
        assert_eq!(recorder.topics(), shop.logged().await, "{context}");
        assert_eq!(book.topics(), shop.logged().await, "{context}");
        shop.stop().await;
    }
}
