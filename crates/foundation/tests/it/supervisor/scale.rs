//! Many children of one supervisor, in real time.

use std::time::Duration;

use foundation::{ChildSpec, ExitReason, Supervisor, SupervisorBuilder, System};
use tokio::time::Instant;

use crate::fixture::Idle;

/// How long it takes to start `many` children, to crash all of them, and to stop them.
async fn times(many: u32) -> [Duration; 3] {
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
    let started = Instant::now();
    children.iter().for_each(foundation::ActorRef::kill);
    for child in &children {
        while child.pid().generation < 2 || !child.is_alive() {
            tokio::task::yield_now().await;
        }
    }
    let crashing = started.elapsed();
    let started = Instant::now();
    supervisor.stop(ExitReason::Shutdown).await.unwrap();
    let stopping = started.elapsed();
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
    [starting, crashing, stopping]
}

#[tokio::test]
async fn the_work_for_each_child_does_not_grow_with_their_number() {
    // OTP D20, which allows a factor of 1,000 where 100 would be linear. Crashing all of them is
    // ours.
    let few = times(500).await;
    let many = times(50_000).await;
    for (few, many) in few.iter().zip(many) {
        assert!(many <= *few * 1000, "{few:?} and {many:?}");
    }
}
