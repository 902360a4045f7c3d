//! Queries over what is said of registered actors. What each operator means is a table in the unit
//! tests of `query.rs`.

use foundation::{Query, Registration, RegistryEntry};
use serde_json::{Value, json};

use super::{end, idle};
use crate::fixture::{strike, system};

fn keys(entries: &[RegistryEntry]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.key).collect()
}

#[tokio::test(start_paused = true)]
async fn queries_find_those_of_whom_all_criteria_hold() {
    // REG-2
    let system = system().await;
    let actors = idle(&system, 5).await;
    let said: [(&str, Value); 5] = [
        (
            "a",
            json!({ "capability": ["render", "sum"], "health": "healthy", "resources": { "memory": 0.7 } }),
        ),
        (
            "b",
            json!({ "capability": ["render"], "health": "degraded", "resources": { "memory": 0.2 } }),
        ),
        ("c", json!({ "capability": ["sum"], "health": "healthy" })),
        (
            "d",
            json!({ "capability": "render", "health": "healthy", "resources": { "memory": 0.9 } }),
        ),
        ("e", Value::Null),
    ];
    let registry = system.registry();
    let batch = said.into_iter().zip(&actors);
    let batch = batch.map(|((key, said), actor)| Registration::new(key, actor).metadata(said));
    registry.register_all(batch).unwrap();

    let found = |query: Query| {
        let entries = registry.select(&query).unwrap();
        keys(&entries).join(" ")
    };
    assert_eq!(found(Query::new()), "a b c d e");
    assert_eq!(found(Query::new().eq("capability", "render")), "a b d");
    assert_eq!(found(Query::new().neq("capability", "render")), "c");
    assert_eq!(found(Query::new().gt("resources.memory", 0.7)), "d");
    assert_eq!(found(Query::new().gte("resources.memory", 0.7)), "a d");
    assert_eq!(found(Query::new().lt("resources.memory", 0.7)), "b");
    assert_eq!(found(Query::new().lte("resources.memory", 0.7)), "a b");
    assert_eq!(found(Query::new().is_in("health", ["degraded", "unhealthy"])), "b");
    assert_eq!(found(Query::new().not_in("health", ["degraded", "unhealthy"])), "a c d");
    let able = Query::new().eq("capability", "render").eq("health", "healthy");
    assert_eq!(found(able.clone()), "a d");
    assert_eq!(found(able.clone().gte("resources.memory", 0.8)), "d");
    assert_eq!(found(able.skip(1)), "d");
    assert_eq!(found(Query::new().skip(1).limit(3)), "b c d");

    let error = registry.select(&Query::new().gt("health", true)).unwrap_err();
    assert_eq!(
        (error.code(), error.details().get("criterion")),
        ("invalid_query", Some(&json!(0)))
    );

    registry.set_metadata("b", json!({ "health": "healthy" })).unwrap();
    end(&actors[3]).await;
    assert_eq!(found(Query::new().eq("health", "healthy")), "a b c");
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn pages_are_parts_of_what_is_found() {
    // REG-4
    let system = system().await;
    let actors = idle(&system, 12).await;
    for (n, actor) in actors.iter().enumerate() {
        system.registry().register_with(format!("{n}"), actor, json!({ "n": n })).unwrap();
    }
    let even = Query::new().lt("n", 11);
    let pages: Vec<Vec<_>> = (0..4)
        .map(|page| system.registry().select(&even.clone().skip(page * 5).limit(5)).unwrap())
        .collect();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 1, 0]);
    assert_eq!(pages.concat(), system.registry().select(&even).unwrap());
    strike(system).await;
}
