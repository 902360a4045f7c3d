//! A schedule that is over while it is made, or whose owner ends then, under many schedules of the
//! threads: nothing is left of it, neither in the table nor with the owner.
//!
//! The life is the shipped one. The table is a stand-in, whose steps are taken in the order in
//! which the shipped scheduler does.

use std::collections::BTreeSet;
use std::sync::Arc;

use foundation::ExitReason;
use testkit::panics;

use crate::lives::{HeldAs, Holding, Life};
use crate::schedules::{SCHEDULES, UNTIL_FOUND, explore_seeds};
use crate::sync::Mutex;

type TestLife = Life<&'static str>;

const NUMBER: u64 = 1;

/// The numbers of all schedules.
#[derive(Debug, Default)]
struct Table(Mutex<BTreeSet<u64>>);

impl Holding for Table {
    fn let_go(&self, held: &HeldAs) {
        self.0.lock().remove(&held.number);
    }
}

fn held_as() -> HeldAs {
    HeldAs { number: NUMBER, key: "".into() }
}

fn alive() -> Arc<TestLife> {
    let life = Arc::new(TestLife::new());
    assert_eq!(life.begin(), 1);
    life
}

/// Makes a schedule. `looks` whether it is there still, once it is held.
fn insert(table: &Arc<Table>, owner: &TestLife, looks: bool) {
    table.0.lock().insert(NUMBER);
    if owner.hold(1, held_as(), Arc::clone(table) as _).is_err() {
        table.0.lock().remove(&NUMBER);
    } else if looks && !table.0.lock().contains(&NUMBER) {
        owner.unhold(&held_as());
    }
}

/// Its last tick is over.
fn over(table: &Table, owner: &TestLife) {
    let was_there = table.0.lock().remove(&NUMBER);
    if was_there {
        owner.unhold(&held_as());
    }
}

fn explore(seeds: usize, ends: bool, is_over: bool, looks: bool) {
    explore_seeds(seeds, move || {
        let (table, owner) = (Arc::new(Table::default()), alive());
        let (ending, ticking) = (Arc::clone(&owner), Arc::clone(&owner));
        let ticked = Arc::clone(&table);
        let ended = shuttle::future::spawn(async move {
            if ends {
                ending.end(&ExitReason::Normal).let_go();
            }
        });
        let told = shuttle::future::spawn(async move {
            if is_over {
                over(&ticked, &ticking);
            }
        });
        shuttle::future::block_on(async move {
            insert(&table, &owner, looks);
            ended.await.unwrap();
            told.await.unwrap();
            let (there, holdings) = (table.0.lock().len(), owner.holdings());
            assert_eq!(there, holdings, "the table and the owner differ");
            assert!(!ends || there == 0, "the owner has ended");
        });
    });
}

#[test]
fn a_schedule_that_is_over_before_its_owner_holds_it_is_held_by_nobody() {
    explore(SCHEDULES, false, true, true);
}

#[test]
fn a_schedule_whose_owner_ends_while_it_is_made_is_gone() {
    explore(SCHEDULES, true, false, true);
}

#[test]
fn a_schedule_that_is_over_while_its_owner_ends_is_gone() {
    explore(SCHEDULES, true, true, true);
}

#[test]
fn one_that_is_not_looked_for_once_it_is_held_is_found_out() {
    let said = panics(|| explore(UNTIL_FOUND, false, true, false));
    assert!(said.contains("the table and the owner differ"), "{said}");
}
