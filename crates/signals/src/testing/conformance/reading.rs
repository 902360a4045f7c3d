//! What readers find.

use super::LogHarness;
use super::ask::{last, ok, positions, same, same_list, within};
use super::store::Store;
use crate::log::LogPosition;

const START: LogPosition = LogPosition::START;

pub(super) async fn an_empty_log_is_read(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    for way in store.ways() {
        store.go(*way).await;
        let page = within("a page comes", store.log().read(START, 10)).await;
        let page = ok(page, "an empty log is read");
        same(&page.entries.len(), &0, format!("an empty log has nothing, {way}"));
        let bounds = store.bounds().await;
        assert!(bounds.kept_after <= bounds.end, "{bounds:?} are in order, {way}");
        assert!(page.read_to <= bounds.end, "a page is not read further than the log, {way}");
        let from = store.position_at(store.now()).await;
        assert!(from <= bounds.end, "what comes is behind the position of a time, {way}");
        same(&store.load("nobody").await.len(), &0, format!("nobody has parts, {way}"));
        same(&store.owners().await.len(), &0, format!("nobody owns anything, {way}"));
        let behind = *store.log().tail().borrow();
        assert!(behind <= bounds.end, "a tail is not further than the log, {way}");
    }
    store.end().await;
}

pub(super) async fn a_reader_begins_behind_its_position(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let mut appended = store.append(store.signals(5)).await;
    appended.extend(store.append_each(&store.signals(5)).await);
    for way in store.ways() {
        store.go(*way).await;
        for (index, position) in appended.iter().enumerate() {
            let found = positions(&store.read(*position).await);
            let expected: Vec<_> = appended.iter().skip(index + 1).copied().collect();
            same(&found, &expected, format!("a reader behind {position} begins there, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn pages_of_any_size_give_the_same(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let mut appended = Vec::new();
    for count in [1, 5, 30, 2, 12] {
        appended.extend(store.append(store.signals(count)).await);
    }
    for way in store.ways() {
        store.go(*way).await;
        for limit in [1, 2, 3, 7, 49, 50, 51, 1_000_000, usize::MAX] {
            let found = positions(&store.read_in_pages(START, limit).await);
            same(&found, &appended, format!("pages of {limit} have everything, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn a_page_of_none_says_nothing(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let appended = store.append(store.signals(3)).await;
    for after in [START].iter().chain(&appended) {
        let page = within("a page comes", store.log().read(*after, 0)).await;
        let page = ok(page, "a page of none is read");
        same(&page.entries.len(), &0, "a page of none has none");
        same(&page.read_to, after, "who reads on behind a page of none misses nothing");
    }
    store.end().await;
}

pub(super) async fn a_reader_at_the_end_or_behind_it_finds_nothing(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let end = last(&store.append(store.signals(3)).await);
    let behind = LogPosition::new(end.get() + 1_000_000);
    for after in [store.bounds().await.end, behind, LogPosition::new(u64::MAX)] {
        let page = within("a page comes", store.log().read(after, 10)).await;
        let page = ok(page, "nothing is read");
        same(&page.entries.len(), &0, format!("there is nothing behind {after}"));
        same(&page.read_to, &after, "who reads on misses nothing, and gets nothing twice");
    }
    let next = store.append(store.signals(2)).await;
    same_list(&positions(&store.read(end).await), &next, "what comes is behind the end");
    store.end().await;
}

pub(super) async fn reading_changes_nothing(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    store.append(store.signals(10)).await;
    let bounds = store.bounds().await;
    let first = store.read(START).await;
    let second = store.read(START).await;
    same(&second, &first, "what was read is still there");
    same(&store.bounds().await, &bounds, "reading does not move the bounds");
    store.end().await;
}
