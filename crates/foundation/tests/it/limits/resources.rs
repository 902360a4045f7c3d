//! Resources: permits, levels, and who is told of them.

use std::time::Duration;

use foundation::{
    Backpressure, BackpressureChange, Resource, ResourceKind, ResourceOptions, ResourcePermit,
    System,
};
use testkit::eventually;

use crate::fixture::{Said, after, heard, listener, system};

const MS: Duration = Duration::from_millis(1);

use Backpressure::{Moderate, Normal, Severe};

enum Connections {}

impl ResourceKind for Connections {
    const NAME: &'static str = "connections";
}

fn connections(system: &System, options: ResourceOptions) -> Resource<Connections> {
    Resource::new(system, options).unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_more_is_given_than_there_is() {
    // RES-1
    let system = system().await;
    let options = ResourceOptions::new(10).moderate_at(100).severe_at(100);
    let connections = connections(&system, options);
    let permits: Vec<_> = (0..10).map(|_| connections.acquire(1).unwrap()).collect();
    let refused = connections.acquire(1).unwrap_err();
    assert_eq!((refused.code(), refused.is_retryable()), ("resource_exhausted", true));
    let details = refused.details();
    assert_eq!((&details["resource"], &details["used"]), (&"connections".into(), &10.into()));
    drop(permits);
    assert_eq!((connections.status().used, connections.status().permits), (0, 0));
    assert_eq!(connections.acquire(11).unwrap_err().code(), "cost_too_high");
    assert_eq!(connections.acquire(0).unwrap_err().code(), "invalid_options");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn back_pressure_has_three_levels_and_is_told_of() {
    // RES-1
    let system = system().await;
    let connections = connections(&system, ResourceOptions::new(100));
    let told = listener::<BackpressureChange>(&system).await;
    connections.listen(&told, Said::Event).unwrap();

    let many = connections.acquire(90).unwrap();
    assert_eq!(connections.status().level, Normal);
    let one = connections.acquire(1).unwrap();
    assert_eq!(connections.status().level, Moderate);
    let more = connections.acquire(5).unwrap();
    assert_eq!(connections.status().level, Severe);
    assert_eq!(connections.acquire(1).unwrap_err().code(), "backpressure_active");
    let urgent = connections.acquire_urgent(4).unwrap();
    assert_eq!(connections.acquire_urgent(1).unwrap_err().code(), "resource_exhausted");
    // 91 are left: not yet severe no more.
    drop((urgent, more));
    assert_eq!(connections.status().level, Severe);
    drop(one);
    assert_eq!(connections.status().level, Moderate);
    drop(many);

    let changes = heard(&told).await;
    assert!(changes.iter().all(|it| &*it.resource == "connections" && it.limit == 100));
    let changes: Vec<_> = changes.iter().map(|it| (it.from, it.to, it.used)).collect();
    let expected = [
        (Normal, Moderate, 91),
        (Moderate, Severe, 96),
        (Severe, Moderate, 90),
        (Moderate, Normal, 0),
    ];
    assert_eq!(changes, expected);
    connections.unlisten(&told).unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn few_units_have_levels_that_do_not_swing_either() {
    let system = system().await;
    for limit in [2, 10] {
        let connections = connections(&system, ResourceOptions::new(limit));
        let seen = [0, limit - 1, limit, limit - 1, 0].map(|used| {
            connections.observe(used);
            connections.status().level
        });
        assert_eq!(seen, [Normal, Normal, Severe, Severe, Normal], "{limit}");
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_measured_counts_beside_what_is_given() {
    let system = system().await;
    let connections = connections(&system, ResourceOptions::new(100));
    let permit = connections.acquire(50).unwrap();
    connections.observe(46);
    assert_eq!((connections.status().used, connections.status().level), (96, Severe));
    connections.observe(u64::MAX);
    assert_eq!(connections.acquire_urgent(1).unwrap_err().code(), "resource_exhausted");
    connections.observe(0);
    assert_eq!((connections.status().used, connections.status().level), (50, Normal));
    drop(permit);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_held_for_too_long_is_taken_back() {
    // RES-1
    let system = system().await;
    let lifetime = Duration::from_mins(5);
    let options = ResourceOptions::new(10).permit_lifetime(lifetime);
    let connections = connections(&system, options);
    let forgotten = connections.acquire(8).unwrap();
    after(lifetime.checked_sub(MS).unwrap()).await;
    assert_eq!((connections.status().used, forgotten.has_expired()), (8, false));
    after(MS).await;
    let other = connections.acquire(8).unwrap();
    assert!(forgotten.has_expired() && !other.has_expired());
    // It gives nothing back that is not its own any more.
    drop(forgotten);
    assert_eq!(connections.status().used, 8);
    drop(other);
    assert_eq!(connections.status().used, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_dies_gives_its_permits_back() {
    // LEAK-10
    let system = system().await;
    let connections = connections(&system, ResourceOptions::new(10));
    let holder = listener::<ResourcePermit<Connections>>(&system).await;
    for units in [3, 4] {
        let permit = connections.acquire(units).unwrap();
        holder.tell(Said::Event(permit)).await.unwrap();
    }
    assert_eq!(connections.status().used, 7);
    holder.kill();
    holder.exited().await;
    let given_back = || match connections.status().used {
        0 => Ok(()),
        used => Err(format!("{used} are in use")),
    };
    eventually(given_back).await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn permits_say_what_they_are_for() {
    let system = system().await;
    let connections = connections(&system, ResourceOptions::new(10));
    let permit = connections.clone().acquire(3).unwrap();
    assert_eq!(permit.units(), 3);
    let shown = r#"ResourcePermit { resource: "connections", units: 3, .. }"#;
    assert_eq!(format!("{permit:?}"), shown);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_are_refused() {
    let system = system().await;
    let options = ResourceOptions::new(10);
    let table = [
        (ResourceOptions::new(0), "limit"),
        (options.severe_at(101), "severe_at"),
        (options.moderate_at(96), "moderate_at"),
        (options.hysteresis(91), "hysteresis"),
        (options.permit_lifetime(Duration::ZERO), "permit_lifetime"),
        (options.permit_lifetime(Duration::MAX), "permit_lifetime"),
    ];
    for (options, field) in table {
        let error = Resource::<Connections>::new(&system, options).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    // As much as can be said.
    let all = connections(&system, ResourceOptions::new(u64::MAX));
    let permit = all.acquire(u64::MAX).unwrap();
    assert_eq!((all.status().used, all.status().level), (u64::MAX, Severe));
    drop(permit);
    system.stop().await.unwrap();
}
