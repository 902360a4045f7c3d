//! In which order receivers get a signal, and signals a receiver.

use foundation::Result;
use signals::WhenFull;

use super::fixture::{Message, Scene, Then, done, numbered, outcomes, signal};

#[tokio::test(start_paused = true)]
async fn receivers_are_delivered_to_by_specificity_then_priority_then_age() {
    let scene = Scene::new().await;
    let listener = scene.listener("all").await;
    let patterns = [
        ("**", 100, "everything"),
        ("order.**", 0, "below"),
        ("order.*.shipped", -100, "shape"),
        ("order.7.shipped", -1, "late"),
        ("order.7.shipped", 5, "early"),
        ("order.7.shipped", -1, "last"),
    ];
    for (pattern, priority, name) in patterns {
        let subscribing =
            scene.bus.subscribe_as(pattern, &listener, move |it| Message::By(name, it));
        subscribing.name(name).priority(priority).await.unwrap();
    }
    let report = scene.publish("order.7.shipped").await.unwrap();
    done(&listener).await;
    // One inbox, so what is written down is the order of the deliveries.
    let order = ["early", "late", "last", "shape", "below", "everything"];
    let heard = order.map(|name| format!("all{name} order.7.shipped"));
    assert_eq!(scene.log.take(), heard);
    let named: Vec<_> = report.receipts().iter().map(|receipt| receipt.name().unwrap()).collect();
    assert_eq!(named, order);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_one_task_publishes_comes_in_that_order_however_it_is_published() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe(["a.*", "b"], &listener).await.unwrap();
    for number in 0..10 {
        let topic = ["a.x", "b", "a.y"][usize::try_from(number).unwrap() % 3];
        match number % 3 {
            0 => drop(scene.bus.publish(numbered(topic, number)).await.unwrap()),
            1 => drop(scene.bus.publish_all([numbered(topic, number)]).await.unwrap()),
            _ => {
                let signal = numbered(topic, number);
                drop(scene.bus.publish_and_wait(signal, super::fixture::SECOND).await.unwrap());
            }
        }
    }
    done(&listener).await;
    let expected: Vec<_> =
        (0..10).map(|number| format!("one {}#{number}", ["a.x", "b", "a.y"][number % 3])).collect();
    assert_eq!(scene.log.take(), expected);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_handles_one_signal_after_the_other() -> Result<()> {
    let scene = Scene::new().await;
    let log = scene.log.clone();
    let handler = move |signal: signals::Signal| {
        let log = log.clone();
        async move {
            let shown = super::fixture::shown(&signal);
            log.push(format!("begins {shown}"));
            testkit::pass(std::time::Duration::from_millis(10)).await;
            log.push(format!("ends {shown}"));
            Ok(())
        }
    };
    scene.bus.handle("a", handler).name("slow").await?;
    for number in 0..3 {
        drop(scene.bus.publish(numbered("a", number)).await?);
    }
    assert_eq!(scene.asked("a").await, ["slow: acknowledged"]);
    let expected = ["a#0", "a#1", "a#2", "a"];
    let expected: Vec<_> = expected
        .iter()
        .flat_map(|shown| [format!("begins {shown}"), format!("ends {shown}")])
        .collect();
    assert_eq!(scene.log.take(), expected);
    scene.end().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_actor_is_told_a_signal_before_what_is_told_it_afterwards() {
    let scene = Scene::new().await;
    let listener = scene.listener_that("one", Then::Drop).await;
    scene.bus.subscribe("a", &listener).when_full(WhenFull::LeaveOut).await.unwrap();
    let published = scene.bus.publish(signal("a")).await.unwrap();
    assert_eq!(outcomes(&published), ["one: accepted"]);
    // Not handled yet: a publisher does not wait.
    assert_eq!((listener.mailbox_len(), scene.log.entries().len()), (1, 0));
    done(&listener).await;
    assert_eq!(scene.log.take(), ["one a"]);
    scene.end().await;
}
