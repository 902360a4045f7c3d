//! What led to what, of what is in the log.

use foundation::InSystem as _;
use signals::{Chain, Draft, Id, LogPosition, Retention, Signal, SignalLog};

use crate::shop::Shop;

fn topics(chain: &Chain) -> Vec<&str> {
    chain.entries.iter().map(|entry| entry.signal.topic().as_str()).collect()
}

fn draft(topic: &str) -> Draft {
    Signal::new(topic.to_owned(), "/shop")
}

async fn publish(shop: &Shop, draft: Draft) -> Signal {
    shop.bus.publish(draft).await.unwrap().signal().clone()
}

fn id(text: &str) -> Id {
    Id::try_from(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn causes_go_back_and_effects_go_on_nearer_ones_first() {
    let shop = Shop::new().await;
    let causality = shop.bus.causality().unwrap();
    let a = publish(&shop, draft("a")).await;
    let b = publish(&shop, draft("b").caused_by(&a)).await;
    let c = publish(&shop, draft("c").caused_by(&b)).await;
    let d = publish(&shop, draft("d").caused_by(&a)).await;
    publish(&shop, draft("unrelated")).await;
    let causes = causality.causes(c.id()).await.unwrap();
    assert_eq!(
        (topics(&causes), causes.missing.clone(), causes.is_cut),
        (vec!["c", "b", "a"], None, false)
    );
    assert_eq!(topics(&causality.effects(a.id()).await.unwrap()), ["a", "b", "d", "c"]);
    assert_eq!(topics(&causality.effects(d.id()).await.unwrap()), ["d"]);
    publish(&shop, draft("e").caused_by(&d)).await;
    assert_eq!(topics(&causality.effects(a.id()).await.unwrap()), ["a", "b", "d", "c", "e"]);
    let unknown = causality.causes(&id("unknown")).await.unwrap_err();
    assert_eq!(unknown.code(), "signal_not_found");
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn circles_and_missing_causes_of_ids_from_outside_end() {
    let shop = Shop::new().await;
    let causality = shop.bus.causality().unwrap();
    let make = |name: &str, cause: &str| {
        let cause = draft("cause").id(cause).build().unwrap();
        draft(name).id(name).caused_by(&cause)
    };
    publish(&shop, make("a", "c")).await;
    publish(&shop, make("b", "a")).await;
    publish(&shop, make("c", "b")).await;
    publish(&shop, make("self", "self")).await;
    publish(&shop, make("orphan", "nobody")).await;
    assert_eq!(topics(&causality.causes(&id("c")).await.unwrap()), ["c", "b", "a"]);
    assert_eq!(topics(&causality.effects(&id("c")).await.unwrap()), ["c", "a", "b"]);
    assert_eq!(topics(&causality.causes(&id("self")).await.unwrap()), ["self"]);
    assert_eq!(topics(&causality.effects(&id("self")).await.unwrap()), ["self"]);
    let orphan = causality.causes(&id("orphan")).await.unwrap();
    assert_eq!((topics(&orphan), orphan.missing.clone()), (vec!["orphan"], Some(id("nobody"))));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn conversations_come_in_pages_in_the_order_of_the_log() {
    let shop = Shop::new().await;
    let causality = shop.bus.causality().unwrap();
    let first = publish(&shop, draft("first")).await;
    let second = publish(&shop, draft("second").caused_by(&first)).await;
    let name = second.correlation_id().unwrap().to_owned();
    let more: Vec<_> = (0..1500)
        .map(|number| draft(&format!("m.{number}")).caused_by(&second).stamp(&shop.system).unwrap())
        .collect();
    shop.memory.append(more).await.unwrap();
    let (mut after, mut count, mut pages) = (LogPosition::START, 0, 0);
    loop {
        let page = causality.conversation(&name, after).await.unwrap();
        let is_in =
            |signal: &Signal| signal.correlation_id() == Some(&*name) || signal.id() == first.id();
        assert!(page.entries.iter().all(|entry| is_in(&entry.signal)));
        assert!(page.entries.windows(2).all(|two| two[0].position < two[1].position));
        count += page.entries.len();
        pages += 1;
        after = page.entries.last().map_or(after, |entry| entry.position);
        if !page.is_cut {
            break;
        }
    }
    assert_eq!(pages, 2);
    assert!(count == 1502, "{count}");
    let effects = causality.effects(second.id()).await.unwrap();
    assert_eq!((effects.entries.len(), effects.is_cut), (1000, true));
    assert!(causality.conversation("nobody", LogPosition::START).await.unwrap().entries.is_empty());
    let _ = shop.system.home();
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_kept_is_missing() {
    let shop = Shop::new().await;
    let causality = shop.bus.causality().unwrap();
    let a = publish(&shop, draft("a")).await;
    let b = publish(&shop, draft("b").caused_by(&a)).await;
    let c = publish(&shop, draft("c").caused_by(&b)).await;
    assert_eq!(topics(&causality.causes(c.id()).await.unwrap()), ["c", "b", "a"]);
    shop.memory.retain(Retention::forever().count(2)).await.unwrap();
    let causes = causality.causes(c.id()).await.unwrap();
    assert_eq!((topics(&causes), causes.missing.as_ref()), (vec!["c", "b"], Some(a.id())));
    assert_eq!(causality.causes(a.id()).await.unwrap_err().code(), "signal_not_found");
    // One that asks for the first time finds the same.
    let other = Shop::on(shop.system, shop.memory, |builder| builder.name("other")).await;
    let causes = other.bus.causality().unwrap().causes(c.id()).await.unwrap();
    assert_eq!((topics(&causes), causes.missing.as_ref()), (vec!["c", "b"], Some(a.id())));
    other.stop().await;
}
