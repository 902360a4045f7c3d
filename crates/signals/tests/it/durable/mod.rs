//! Durable subscriptions: at least once, a cursor that passes nothing, dead letters, and what
//! operators do.

mod budgets;
mod consumers;
mod contained;
mod crashes;
mod dead_letters;
mod delivery;
mod held;
mod lots;
mod opening;
mod operating;
mod overflow;
mod random;
mod supervised;
mod threads;
mod turns;

use std::time::Duration;

use foundation::Backoff;
use signals::{Durable, DurableOptions};

use crate::clerk::Book;
use crate::shop::{BEGINNING, Shop};

const SECOND: Duration = Duration::from_secs(1);

/// From the beginning of the log, with a short wait between attempts.
fn audit() -> DurableOptions {
    let backoff = Backoff::Fixed(Duration::from_millis(100));
    DurableOptions::new("audit").start(BEGINNING).backoff(backoff).ack_deadline(10 * SECOND)
}

/// A new incarnation consumes whatever begins with `s`.
async fn consume(shop: &Shop, book: &Book, options: DurableOptions) -> Durable {
    let clerk = book.open(&shop.system).await;
    shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap()
}
