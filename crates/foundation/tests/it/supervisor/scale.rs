//! Many children of one supervisor, in real time.

use std::time::Duration;

use foundation::{ChildSpec, ExitReason, Supervisor, SupervisorBuilder, System};
use tokio::time::Instant;

use crate::fixture::Idle;

/// What it takes to start `many` children, to crash all of them, and to stop them.
struct Cost {
    times: [Duration; 3],
    /// What the supervisor has heard while they crashed and were restarted.
    messages: u64,
}

async fn cost(many: u32) -> Cost {
    let system = System::builder().name("many").start().await.unwrap();
    let supervisor = Supervisor::one_for_one().intensity(u32::MAX, Duration::from_secs(1));
    let names = (0..many).map(|n| ChildSpec::<Idle>::actor(n.to_string(), ()));
    let supervisor = names.fold(supervisor, SupervisorBuilder::child);
    let started = Instant::now();
    let supervisor = supervisor.start(&system).await.unwrap();
    let starting = started.elapsed();
    assert_eq!(supervisor.count_children().await.unwrap().active, many as usize);

    let mut children = Vec::new();
    for n in 0..many {
        children.push(supervisor.child::<Idle>(&n.to_string()).await.unwrap());
    }
    let trace = supervisor.trace(1).await.unwrap();
    let started = Instant::now();
    children.iter().for_each(foundation::ActorRef::kill);
    for child in &children {
        while child.pid().generation < 2 || !child.is_alive() {
            tokio::task::yield_now().await;
        }
    }
    let crashing = started.elapsed();
    assert_eq!(supervisor.count_children().await.unwrap().active, many as usize);
    let messages = trace.entries().last().map_or(0, |last| last.number);
    let started = Instant::now();
    supervisor.stop(ExitReason::Shutdown).await.unwrap();
    let stopping = started.elapsed();
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
    Cost { times: [starting, crashing, stopping], messages }
}

#[tokio::test]
async fn the_work_for_each_child_does_not_grow_with_their_number() {
    // OTP D20, which allows a factor of 1,000 where 100 would be linear. Crashing all of them is
    // ours, and so is counting what the supervisor hears: of each end and of each start. Its own
    // steps are counted in the unit tests of its state.
    let few = cost(1000).await;
    let many = cost(100_000).await;
    for (few, many) in few.times.iter().zip(many.times) {
        assert!(many <= *few * 1000, "{few:?} and {many:?}");
    }
    assert_eq!((few.messages, many.messages), (2000, 200_000));
}
