//! What is kept for subscriptions.

use super::LogHarness;
use super::ask::{fails, gone, pairs, put, same, within};
use super::store::Store;
use crate::codes;
use crate::log::{
    LogPosition, MAX_PART_BYTES, MAX_PART_CHANGES, MAX_PART_KEY, MAX_PART_OWNER, PartChange,
};

pub(super) async fn parts_are_read_as_they_were_stored(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let bytes: Vec<u8> = (0..=255).collect();
    store.store("owner", vec![put("z", b"last"), put("ü ∑/.:", &bytes), put("B", b"")]).await;
    store.store("owner", vec![put("a", b"later")]).await;
    let expected = [("B", &b""[..]), ("a", b"later"), ("z", b"last"), ("ü ∑/.:", &bytes)];
    for way in store.ways() {
        store.go(*way).await;
        let found = store.load("owner").await;
        same(&found, &pairs(&expected), format!("parts are as they were, by key, {way}"));
        for (key, value) in found {
            let loaded = store.load_one("owner", &key).await;
            same(&loaded, &Some(value), format!("a part is loaded by its key, {way}"));
        }
        same(&store.load_one("owner", "A").await, &None, format!("nothing by another, {way}"));
        same(&store.load_one("owne", "B").await, &None, format!("nobody else has one, {way}"));
        same(&store.load("owne").await.len(), &0, format!("nobody else has them, {way}"));
    }
    same(&store.read(LogPosition::START).await.len(), &0, "parts are no signals");
    store.end().await;
}

pub(super) async fn parts_are_listed_behind_a_key_up_to_a_limit(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    store
        .store("owner", vec![put("a", b"1"), put("b", b"2"), put("bb", b"3"), put("d", b"4")])
        .await;
    let cases: [(&str, usize, &[&str]); 7] = [
        ("", 2, &["a", "b"]),
        ("b", 2, &["bb", "d"]),
        ("a", 1, &["b"]),
        ("c", 9, &["d"]),
        ("d", 9, &[]),
        ("", 0, &[]),
        ("", 9, &["a", "b", "bb", "d"]),
    ];
    for (after, limit, expected) in cases {
        let found = store.list("owner", after, limit).await;
        let keys: Vec<_> = found.iter().map(|(key, _)| &**key).collect();
        same(&keys.as_slice(), &expected, format!("{limit} parts behind {after:?}"));
    }
    store.end().await;
}

pub(super) async fn the_last_change_of_a_part_counts(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    store.store("owner", vec![put("a", b"1"), put("b", b"1"), put("c", b"1")]).await;
    store.store("owner", vec![put("a", b"2"), put("b", b"2"), put("a", b"3")]).await;
    store.store("owner", vec![put("c", b"2"), gone("c"), gone("d"), put("d", b"1")]).await;
    let expected = [("a", &b"3"[..]), ("b", b"2"), ("d", b"1")];
    for way in store.ways() {
        store.go(*way).await;
        let found = store.load("owner").await;
        same(&found, &pairs(&expected), format!("the last change counts, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_part_that_is_gone_is_gone(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    store.store("owner", vec![put("a", b"1"), put("b", b"1")]).await;
    store.store("owner", vec![gone("a"), gone("never there")]).await;
    for way in store.ways() {
        store.go(*way).await;
        let found = store.load("owner").await;
        same(&found, &pairs(&[("b", b"1")]), format!("a part that is gone is gone, {way}"));
    }
    store.store("owner", vec![gone("b")]).await;
    store.store("nobody", vec![gone("a")]).await;
    for way in store.ways() {
        store.go(*way).await;
        same(&store.load("owner").await.len(), &0, format!("all parts are gone, {way}"));
        let owners = store.owners().await;
        same(&owners.len(), &0, format!("who has no part is no owner, {way}: {owners:?}"));
    }
    store.end().await;
}

pub(super) async fn owners_do_not_see_each_other(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let owners = ["a", "a.b", "a/b", "a b", "ab", "A", "ä"];
    for owner in owners {
        store.store(owner, vec![put("key", owner.as_bytes()), put("b", b"")]).await;
    }
    store.store("a", vec![gone("b")]).await;
    for way in store.ways() {
        store.go(*way).await;
        for owner in owners {
            let found = store.load(owner).await;
            let all = [("b", &b""[..]), ("key", owner.as_bytes())];
            let expected = all.iter().skip(usize::from(owner == "a")).copied().collect::<Vec<_>>();
            same(&found, &pairs(&expected), format!("{owner:?} has parts of its own, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn owners_are_listed_by_name(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let mut expected = Vec::new();
    for number in [3, 1, 20, 2, 10] {
        let owner = format!("owner {number}");
        store.store(&owner, vec![put("a", b"1"), put("b", b"1")]).await;
        expected.push(owner);
    }
    expected.sort_unstable();
    for way in store.ways() {
        store.go(*way).await;
        same(&store.owners().await, &expected, format!("owners are listed by name, {way}"));
    }
    store.end().await;
}

pub(super) async fn what_is_at_its_limit_is_stored(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let owner = "o".repeat(MAX_PART_OWNER);
    let key = "k".repeat(MAX_PART_KEY);
    let large = vec![7; MAX_PART_BYTES - MAX_PART_KEY];
    store.store(&owner, vec![put(&key, &large)]).await;
    let many: Vec<_> = (0..MAX_PART_CHANGES).map(|number| format!("{number:04}")).collect();
    store.store("many", many.iter().map(|key| put(key, b"value")).collect()).await;
    for way in store.ways() {
        store.go(*way).await;
        let found = store.load(&owner).await;
        assert!(found == [(key.clone(), large.clone())], "a large part is as it was, {way}");
        let found: Vec<_> = store.load("many").await.into_iter().map(|(key, _)| key).collect();
        same(&found, &many, format!("many parts are all there, {way}"));
    }
    store.end().await;
}

pub(super) async fn what_cannot_be_is_refused_as_a_whole(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    store.store("owner", vec![put("a", b"1")]).await;
    let good = || vec![put("a", b"2"), put("b", b"2")];
    let with = |change: PartChange| good().into_iter().chain([change]).collect::<Vec<_>>();
    let too_long = "k".repeat(MAX_PART_KEY + 1);
    for (owner, changes) in [
        ("", good()),
        (&*"o".repeat(MAX_PART_OWNER + 1), good()),
        ("owner", with(put("", b"value"))),
        ("owner", with(put(&too_long, b"value"))),
        ("owner", with(gone(&too_long))),
        ("owner", with(put("c", &vec![0; MAX_PART_BYTES]))),
        ("owner", vec![put("a", b"2"); MAX_PART_CHANGES + 1]),
    ] {
        let stored = within("parts are refused", store.log().store_parts(owner, changes)).await;
        fails(stored, codes::INVALID_PART, "what cannot be is refused");
    }
    same(&store.owners().await, &["owner"], "who was refused is no owner");
    let found = store.load("owner").await;
    same(&found, &pairs(&[("a", b"1")]), "what is refused changes nothing");
    store.end().await;
}

pub(super) async fn to_store_nothing_does_nothing(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    store.store("nobody", Vec::new()).await;
    store.store("owner", vec![put("a", b"1")]).await;
    store.store("owner", Vec::new()).await;
    same(&store.owners().await, &["owner"], "who stores nothing is no owner");
    let found = store.load("owner").await;
    same(&found, &pairs(&[("a", b"1")]), "to store nothing changes nothing");
    store.end().await;
}
