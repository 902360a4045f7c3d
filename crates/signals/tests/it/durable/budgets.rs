//! Restarts: a runner that fails again and again uses up its own, and takes nobody along.

use foundation::{ActorRef, ChildInfo, ChildState, DynamicSupervisor, Error};
use signals::testing::{Fault, Operation};
use signals::{Durable, DurableOptions};

use super::{SECOND, audit};
use crate::clerk::Book;
use crate::shop::{BEGINNING, Shop};

async fn runners(shop: &Shop) -> ActorRef<DynamicSupervisor> {
    shop.tree.child::<DynamicSupervisor>("signals.handlers").await.unwrap()
}

/// The runners and handlers of that name, one after the other.
async fn named(shop: &Shop, name: &str) -> Vec<ChildInfo> {
    let children = runners(shop).await.which_children().unwrap();
    children.into_iter().filter(|child| &*child.name == name).collect()
}

/// How often each of them was started.
pub(super) async fn starts(shop: &Shop) -> Vec<u32> {
    runners(shop).await.which_children().unwrap().iter().map(|child| child.starts).collect()
}

/// A subscription to what is called as it is.
async fn open(shop: &Shop, book: &Book, name: &'static str) -> Durable {
    let clerk = book.open(&shop.system).await;
    let options = DurableOptions::new(name).start(BEGINNING);
    shop.bus.subscribe(format!("{name}.*"), &clerk).durable(options).await.unwrap()
}

/// The log fails in a way that cannot be outlasted, for `poison` alone: nobody else writes in the
/// time in which that uses up its restarts.
async fn use_up(shop: &Shop) {
    let torn = Error::system("torn");
    shop.log.inject(Fault::before(Operation::StoreParts).error(torn).lasting());
    shop.publish("poison.1").await;
    testkit::pass(5 * SECOND).await;
    shop.log.heal();
    let poison = named(shop, "poison").await;
    assert_eq!((poison.len(), poison[0].state), (1, ChildState::Quarantined));
    assert_eq!(poison[0].starts, 6, "the first one, and five restarts");
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_fails_again_and_again_takes_no_other_and_no_handler_along() {
    let shop = Shop::new().await;
    let (poisoned, fine) = (Book::willing(), Book::willing());
    open(&shop, &poisoned, "poison").await;
    let durable = open(&shop, &fine, "fine").await;
    let _handler = shop.bus.handle("**", async |_| Ok(())).name("handler").await.unwrap();
    let supervisor = runners(&shop).await.pid();
    let before = [named(&shop, "fine").await, named(&shop, "handler").await];
    use_up(&shop).await;
    let after = [named(&shop, "fine").await, named(&shop, "handler").await];
    assert_eq!(before, after, "neither was restarted");
    assert_eq!(runners(&shop).await.pid(), supervisor);
    shop.publish("fine.1").await;
    shop.settles(&durable).await;
    assert_eq!((fine.topics(), poisoned.topics()), (vec!["fine.1".into()], vec![]));
    // Nobody starts it again unasked.
    testkit::pass(600 * SECOND).await;
    assert_eq!(named(&shop, "poison").await[0].state, ChildState::Quarantined);
    assert!(poisoned.topics().is_empty());
    shop.stop().await;
}

/// Symptom: whoever opened a subscription whose runner had used up its restarts was told that it
/// was open, and nothing ever came. Mechanism: a runner that is quarantined has a place among the
/// children still, and was taken for one that runs. It is now started anew.
#[tokio::test(start_paused = true)]
async fn one_that_has_used_up_its_restarts_goes_on_when_somebody_opens_it() {
    for looks_after in [true, false] {
        let shop = Shop::new().await;
        let book = Book::willing();
        let before = open(&shop, &book, "poison").await;
        use_up(&shop).await;
        assert!(before.pause().await.is_err(), "it says that it does not run");
        let durable = if looks_after {
            shop.bus.durable("poison").await.unwrap()
        } else {
            before.release();
            open(&shop, &book, "poison").await
        };
        shop.settles(&durable).await;
        assert_eq!(book.topics(), ["poison.1"]);
        assert_eq!(named(&shop, "poison").await.len(), 1, "no two of it");
        // With a budget that is whole again.
        use_up(&shop).await;
        shop.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_run_still_is_refused_with_the_reason_and_is_not_there_twice() {
    let shop = Shop::new().await;
    let book = Book::willing();
    open(&shop, &book, "poison").await;
    use_up(&shop).await;
    for _ in 0..3 {
        shop.log.inject(Fault::before(Operation::StoreParts).error(Error::system("torn")));
        assert_eq!(shop.bus.durable("poison").await.unwrap_err().code(), "torn");
        testkit::pass(60 * SECOND).await;
        assert_eq!(named(&shop, "poison").await, []);
    }
    let durable = shop.bus.durable("poison").await.unwrap();
    shop.settles(&durable).await;
    assert_eq!(book.topics(), ["poison.1"]);
    shop.stop().await;
}

/// A handler's call is contained, so that it has no restarts to use up.
#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_again_and_again_stays_and_takes_nobody_along() {
    let shop = Shop::new().await;
    let poison = |_| async { panic!("it is poison") };
    shop.bus.handle("**", poison).name("transient").await.unwrap();
    let durable = shop.bus.handle("s.*", poison).durable(audit().max_attempts(3)).await.unwrap();
    let book = Book::willing();
    let fine = open(&shop, &book, "s").await;
    let supervisor = runners(&shop).await.pid();
    let before = runners(&shop).await.which_children().unwrap();
    assert_eq!(before.len(), 4, "two handlers and two runners");
    let topics = shop.publish_many("s", 30).await;
    shop.settles(&durable).await;
    shop.settles(&fine).await;
    assert_eq!(durable.status().dead_letters, 30, "each after so many attempts");
    assert_eq!(durable.status().redelivered, 60);
    assert_eq!(book.topics(), topics);
    assert_eq!(runners(&shop).await.which_children().unwrap(), before, "none was restarted");
    assert_eq!(runners(&shop).await.pid(), supervisor);
    shop.stop().await;
}

/// Symptom: a subscription whose runner had been restarted once was run twice when it was opened
/// again, and ran on when it was forgotten. Mechanism: its runner was known by the incarnation that
/// was there first. It is now known by the one that is there.
#[tokio::test(start_paused = true)]
async fn one_that_was_restarted_is_run_once_and_can_be_forgotten() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let before = open(&shop, &book, "poison").await;
    shop.log.inject(Fault::before(Operation::StoreParts).error(Error::system("torn")));
    shop.publish("poison.1").await;
    shop.settles(&before).await;
    assert_eq!(named(&shop, "poison").await[0].starts, 2);
    before.release();
    let durable = open(&shop, &book, "poison").await;
    assert_eq!(named(&shop, "poison").await.len(), 1);
    shop.publish("poison.2").await;
    shop.settles(&durable).await;
    assert_eq!(book.topics(), ["poison.1", "poison.2"]);
    shop.bus.forget("poison").await.unwrap();
    assert_eq!(named(&shop, "poison").await, []);
    shop.stop().await;
}
