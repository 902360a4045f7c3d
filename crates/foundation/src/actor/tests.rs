//! What only the inside shows: that nobody who has gone is kept in mind.

use super::{ChildSpec, start};
use crate::exit::ExitReason;
use crate::system::System;
use crate::testing::{Idle, idle};

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_waiting_for_an_end_is_forgotten() {
    let system = System::builder().start().await.unwrap();
    let actor = idle(&system).await;
    let watchers = || actor.watchers();
    {
        let waiting: Vec<_> = (0..10).map(|_| actor.exited()).collect();
        assert_eq!((waiting.len(), watchers()), (10, 10));
    }
    assert_eq!(watchers(), 0);
    let waiting = actor.exited();
    assert_eq!(actor.stop(ExitReason::Normal).await.unwrap(), ExitReason::Normal);
    assert_eq!((waiting.await, watchers()), (ExitReason::Normal, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_system_that_is_stopping_starts_nothing() {
    let system = System::builder().start().await.unwrap();
    system.shared().root.stop().await.unwrap();
    let refused = start(system.shared(), ChildSpec::<Idle>::actor("late", ())).await;
    assert_eq!(refused.unwrap_err().code(), "system_stopping");
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}
