//! A name that is taken while its owner ends, under many schedules: nothing is left of whoever has
//! ended, and nobody loses what somebody else held before.
//!
//! The life is the shipped one. The registry is a stand-in with one shard, which takes its steps in
//! the order in which the shipped one does.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::ExitReason;
use testkit::panics;

use crate::lives::{HeldAs, Holding, Life};
use crate::schedules::{SCHEDULES, UNTIL_FOUND, explore_seeds};
use crate::sync::Mutex;

type TestLife = Life<&'static str>;

/// Who has which name: the number of the registration, and whose it is.
#[derive(Debug, Default)]
struct Names(Mutex<BTreeMap<Arc<str>, Holder>>);

type Holder = (u64, Arc<TestLife>);

impl Holding for Names {
    fn let_go(&self, held: &HeldAs) {
        let mut names = self.0.lock();
        if names.get(&held.key).is_some_and(|(number, _)| *number == held.number) {
            names.remove(&held.key);
        }
    }
}

fn alive() -> Arc<TestLife> {
    let life = Arc::new(TestLife::new());
    assert_eq!(life.begin(), 1);
    life
}

/// Registers `owner`, unless somebody has the name who has not ended.
fn register(names: &Arc<Names>, number: u64, owner: &Arc<TestLife>) -> bool {
    let key: Arc<str> = "name".into();
    let mut table = names.0.lock();
    if table.get(&key).is_some_and(|(_, holder)| holder.exit_of(1).is_none()) {
        return false;
    }
    let held = HeldAs { number, key: Arc::clone(&key) };
    if owner.hold(1, held, Arc::clone(names) as _).is_err() {
        return false;
    }
    table.insert(key, (number, Arc::clone(owner)));
    true
}

fn end(life: &TestLife) {
    life.end(&ExitReason::Normal).let_go();
}

#[test]
fn whoever_ends_while_it_is_registered_has_nothing_afterwards() {
    explore_seeds(SCHEDULES, || {
        let (names, owner) = (Arc::new(Names::default()), alive());
        let ending = Arc::clone(&owner);
        let ended = shuttle::future::spawn(async move { end(&ending) });
        shuttle::future::block_on(async move {
            register(&names, 1, &owner);
            ended.await.unwrap();
            assert_eq!((names.0.lock().len(), owner.holdings()), (0, 0));
            assert!(!register(&names, 2, &owner));
        });
    });
}

#[test]
fn a_name_that_changes_hands_while_its_holder_ends_stays_with_the_new_one() {
    explore_seeds(SCHEDULES, || {
        let (names, old, new) = (Arc::new(Names::default()), alive(), alive());
        assert!(register(&names, 1, &old));
        let ending = Arc::clone(&old);
        let ended = shuttle::future::spawn(async move { end(&ending) });
        shuttle::future::block_on(async move {
            let taken = register(&names, 2, &new);
            ended.await.unwrap();
            let holder = names.0.lock().values().next().map(|(number, _)| *number);
            assert_eq!((holder, new.holdings()), (taken.then_some(2), usize::from(taken)));
            assert_eq!(old.holdings(), 0);
        });
    });
}

/// Takes the name out and puts it back, as a commit does that fails: the owner holds it all the
/// time.
fn take_and_put_back(names: &Names) {
    let mut table = names.0.lock();
    let key: Arc<str> = "name".into();
    if let Some(taken) = table.remove(&key) {
        table.insert(key, taken);
    }
}

#[test]
fn a_commit_that_fails_while_the_holder_ends_leaves_nothing_and_takes_nothing() {
    explore_seeds(SCHEDULES, || {
        let (names, owner, other) = (Arc::new(Names::default()), alive(), alive());
        assert!(register(&names, 1, &owner));
        let (ending, changing) = (Arc::clone(&owner), Arc::clone(&names));
        let ended = shuttle::future::spawn(async move { end(&ending) });
        let changed = shuttle::future::spawn(async move { take_and_put_back(&changing) });
        shuttle::future::block_on(async move {
            let taken = register(&names, 2, &other);
            ended.await.unwrap();
            changed.await.unwrap();
            let holder = names.0.lock().values().next().map(|(number, _)| *number);
            assert_eq!((holder, owner.holdings()), (taken.then_some(2), 0));
        });
    });
}

#[test]
fn an_owner_that_begins_with_its_name_is_never_found_before_it_has() {
    explore_seeds(SCHEDULES, || {
        let (names, owner) = (Arc::new(Names::default()), Arc::new(TestLife::new()));
        let (beginning, table) = (Arc::clone(&owner), Arc::clone(&names));
        let begun = shuttle::future::spawn(async move {
            let mut table_locked = table.0.lock();
            assert_eq!(beginning.begin(), 1);
            let held = HeldAs { number: 1, key: "name".into() };
            assert!(beginning.hold(1, held, Arc::clone(&table) as _).is_ok());
            table_locked.insert("name".into(), (1, Arc::clone(&beginning)));
            drop(table_locked);
            end(&beginning);
        });
        shuttle::future::block_on(async move {
            let found = names.0.lock().get("name").map(|(_, owner)| owner.generation());
            assert!(found.is_none_or(|generation| generation == 1), "{found:?}");
            begun.await.unwrap();
            assert_eq!((names.0.lock().len(), owner.holdings()), (0, 0));
        });
    });
}

#[test]
fn one_that_is_held_before_its_name_is_locked_is_found_out() {
    let run = || {
        let (names, owner) = (Arc::new(Names::default()), alive());
        let ending = Arc::clone(&owner);
        let ended = shuttle::future::spawn(async move { end(&ending) });
        shuttle::future::block_on(async move {
            // The fault: the owner may end between these two, and lets go of what is not there yet.
            let key: Arc<str> = "name".into();
            let held = HeldAs { number: 1, key: Arc::clone(&key) };
            if owner.hold(1, held, Arc::clone(&names) as _).is_ok() {
                names.0.lock().insert(key, (1, Arc::clone(&owner)));
            }
            ended.await.unwrap();
            assert!(names.0.lock().is_empty(), "a ghost has the name");
        });
    };
    let said = panics(|| explore_seeds(UNTIL_FOUND, run));
    assert!(said.contains("a ghost has the name"), "{said}");
}
