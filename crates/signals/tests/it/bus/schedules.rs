//! Random schedules: whoever publishes, subscribes and ends in whichever order, no signal is
//! handled twice, none that was accepted is lost unless its receiver was killed, and order is kept.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use testkit::for_each_seed;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use super::world::{Counts, World};

const PUBLISHERS: u64 = 3;
const CHANGERS: u64 = 2;

type Work = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn works(world: &Arc<World>, seed: u64, rounds: u64, alone: bool) -> Vec<Work> {
    let mut works: Vec<Work> = Vec::new();
    for publisher in 0..PUBLISHERS {
        works.push(Box::pin(Arc::clone(world).publish(publisher, rounds, seed, alone)));
    }
    for changer in 0..CHANGERS {
        works.push(Box::pin(Arc::clone(world).change(rounds, seed.wrapping_add(changer))));
    }
    works
}

/// Everything that a schedule is for has to happen in some of them.
fn assert_telling(all: &Counts) {
    let Counts { published, refused, accepted, left_out, failed, killed, unsubscribed } = *all;
    let least = [published, refused, accepted, left_out, failed, killed, unsubscribed];
    assert!(least.iter().all(|count| *count > 0), "{all:?}");
}

fn add(all: &mut Counts, one: Counts) {
    all.published += one.published;
    all.refused += one.refused;
    all.accepted += one.accepted;
    all.left_out += one.left_out;
    all.failed += one.failed;
    all.killed += one.killed;
    all.unsubscribed += one.unsubscribed;
}

#[test]
fn nothing_is_lost_or_doubled_or_overtaken_on_one_thread() {
    let mut all = Counts::default();
    for_each_seed(NonZeroU32::new(60).unwrap(), |seed| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let world = World::new().await;
            join_all(works(&world, seed, 60, true)).await;
            add(&mut all, world.settle().await);
        });
    });
    if all.published > 1_000 {
        assert_telling(&all);
    }
}

#[test]
fn nothing_is_lost_or_doubled_or_overtaken_on_several_threads() {
    let mut all = Counts::default();
    for_each_seed(NonZeroU32::new(10).unwrap(), |seed| {
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build();
        runtime.unwrap().block_on(async {
            let world = World::new().await;
            let (sender, mut ended) = mpsc::channel::<()>(1);
            for work in works(&world, seed, 200, false) {
                let sender = sender.clone();
                world.system.executor("tasks").execute(async move {
                    work.await;
                    sender.send(()).await.unwrap();
                });
            }
            drop(sender);
            for _ in 0..PUBLISHERS + CHANGERS {
                let patience = Duration::from_mins(1);
                let ended = tokio::time::timeout(patience, ended.recv()).await;
                ended.expect("it hangs").expect("a task has failed");
            }
            add(&mut all, world.settle().await);
        });
    });
    if all.published > 1_000 {
        assert_telling(&all);
    }
}
