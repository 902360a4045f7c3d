//! Loads of several pages.

use std::collections::BTreeSet;

use super::Harness;
use super::ask::{event, ok, same, text, version, within};
use super::store::Store;
use crate::append::{Append, Payload, Wake};
use crate::load::{Load, Loaded};
use crate::stream::StreamId;

/// All pages as one, each of which has to be within its bounds.
async fn all_pages(store: &Store<'_>, stream: &StreamId, load: &Load, page: usize) -> Loaded {
    let mut next = Some(load.clone().page(page));
    let mut all: Option<Loaded> = None;
    let mut pages = 0;
    while let Some(load) = next.take() {
        pages += 1;
        assert!(pages < 1000, "paging ends: each page has something");
        let mut loaded = ok(
            within("a page is loaded", store.journal().load(stream, load)).await,
            "it is loaded",
        );
        next = loaded.more.take();
        is_bounded(&loaded, page);
        match &mut all {
            None => all = Some(loaded),
            Some(all) => {
                let last = all.events.last().map(|event| event.version);
                let first = loaded.events.first().map(|event| event.version);
                assert!(
                    last.is_none() || first.is_none() || last < first,
                    "no page splits the events of an append: {last:?} and {first:?}"
                );
                assert!(
                    all.snapshot.is_none() || loaded.snapshot.is_none(),
                    "the snapshot comes once"
                );
                all.snapshot = all.snapshot.take().or(loaded.snapshot);
                all.events.append(&mut loaded.events);
                all.parts.append(&mut loaded.parts);
                assert_eq!(all.version, loaded.version, "nobody appended between the pages");
                assert_eq!(all.wake, loaded.wake, "nobody set the wake between the pages");
            }
        }
    }
    super::ask::some(all, "there is a first page")
}

fn is_bounded(loaded: &Loaded, page: usize) {
    let events = loaded.events.iter().map(|event| event.payload.bytes().len());
    let parts = loaded.parts.iter().map(|part| part.payload.bytes().len());
    let bytes: usize = events.chain(parts).sum();
    let versions: BTreeSet<_> = loaded.events.iter().map(|event| event.version).collect();
    let units = versions.len() + loaded.parts.len();
    assert!(units <= 1 || bytes <= page, "a page of {page} has {bytes} bytes in {units}");
}

pub(super) async fn many_pages_give_the_same_as_one(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    for number in 1..=20_u8 {
        let mut append = Append::new();
        for _ in 0..number % 4 {
            append = append.event(Payload::new(1, vec![number; 40]));
        }
        append = append.put([b'p', number], Payload::new(1, vec![number; usize::from(number) * 7]));
        store.append(&stream, append).await;
    }
    store.append(&stream, event("snapshot").snapshot(version(4), text("state of four"))).await;
    store.append(&stream, Append::new().delete([b'p', 7]).wake(Wake::Now)).await;
    let keys = (1..=20).step_by(3).map(|number| vec![b'p', number]);
    let loads = [
        Load::all(),
        Load::new().events_after(version(9)),
        Load::new().parts(keys).events_after(version(0)),
        Load::new().snapshot(),
    ];
    for way in store.ways() {
        store.go(*way).await;
        for load in &loads {
            let whole = store.load(&stream, load.clone()).await;
            assert!(whole.more.is_none(), "one page of 16 MiB is enough");
            for page in [0, 1, 40, 100, 1000] {
                let paged = all_pages(&store, &stream, load, page).await;
                same(&paged, &whole, format!("pages of {page} bytes give the same, {way}"));
            }
        }
    }
    store.end().await;
}

pub(super) async fn a_page_has_at_least_one_versions_events(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    for said in ["first", "second"] {
        let append = (0..10).fold(Append::new(), |append, _| append.event(text(said)));
        store.append(&stream, append).await;
    }
    for way in store.ways() {
        store.go(*way).await;
        let first = store.load(&stream, Load::all().page(1)).await;
        same(&first.events.len(), &10, format!("the events of an append stay together, {way}"));
        let Some(more) = first.more else { panic!("there is more than one page, {way}") };
        let second = store.load(&stream, more).await;
        same(&second.events.len(), &10, format!("the events of an append stay together, {way}"));
    }
    store.end().await;
}
