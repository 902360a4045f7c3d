//! Two writers that take turns, so that a case can tell whether a copy is of one moment.

use tokio::sync::oneshot;

use super::ask::{append, event, ok, text, version, within};
use super::store::Store;
use crate::codes;
use crate::handle::Writer;
use crate::load::Load;

/// Appends of each of two writers that take turns.
const TURNS: u64 = 60;

/// Two writers of different shards, of which the second appends when the first one's append is
/// durable, and the first when the second's is: at any moment the first is ahead by one or none.
pub(super) async fn take_turns(store: &mut Store<'_>) -> oneshot::Receiver<()> {
    let streams = [store.stream(0, 0), store.stream(1, 0)];
    let mut writers = [store.writer(&streams[0]).await, store.writer(&streams[1]).await];
    let (done, receiver) = oneshot::channel();
    // Somebody looks at the store in the middle of it.
    turns(&mut writers, TURNS / 2).await;
    store.executor().execute(async move {
        turns(&mut writers, TURNS / 2).await;
        // Fails when the case has given up, which says why.
        let _ = done.send(());
    });
    receiver
}

async fn turns(writers: &mut [Writer; 2], turns: u64) {
    for turn in 0..turns {
        for writer in &mut *writers {
            append(writer, event(&format!("turn {turn}")).put("turn", text("taken"))).await;
        }
    }
}

/// Waits until both writers are done.
pub(super) async fn turns_are_taken(store: &Store<'_>, done: oneshot::Receiver<()>) {
    let done = within("writers go on", done).await;
    ok(done.map_err(|_| codes::STORE_CLOSED.into()), "writers go on");
    for shard in 0..2 {
        let found = store.load(&store.stream(shard, 0), Load::new()).await.version;
        assert_eq!(found, version(TURNS), "writers go on while somebody looks after the store");
    }
}

/// Fails unless those are versions of one moment, after the call.
pub(super) fn of_one_moment(first: u64, second: u64, what: &str) {
    let since = TURNS / 2;
    assert!((since..=TURNS).contains(&second), "{what}: it is at {first} and {second}");
    assert!((0..=1).contains(&first.wrapping_sub(second)), "{what}: at {first} and {second}");
}
