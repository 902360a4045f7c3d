//! Which test shows which behaviour that the design promises, and that none is missing.

/// The files with the tests. A comment names the behaviours that a test shows, such as `// SUP-4`.
const FILES: [(&str, &str); 42] = [
    ("batches of registrations", include_str!("registry/batches.rs")),
    ("budget of a supervisor", include_str!("supervisor/starting.rs")),
    ("boundaries", include_str!("errors/boundaries.rs")),
    ("context of errors", include_str!("errors/context.rs")),
    ("tracker of errors", include_str!("errors/tracker.rs")),
    ("breakers", include_str!("resilience/breaker.rs")),
    ("bulkheads", include_str!("limits/bulkhead.rs")),
    ("caches", include_str!("resilience/cache.rs")),
    ("commands, caching", include_str!("commands/caching.rs")),
    ("commands, ending", include_str!("commands/ending.rs")),
    ("commands, limits", include_str!("commands/limits.rs")),
    ("commands, running", include_str!("commands/running.rs")),
    ("errors", include_str!("../../src/error/tests.rs")),
    ("fallbacks", include_str!("resilience/fallback.rs")),
    ("flags, reading", include_str!("flags/reading.rs")),
    ("flags, changing", include_str!("flags/changing.rs")),
    ("flags, storing", include_str!("flags/storing.rs")),
    ("isolation", include_str!("resilience/isolation.rs")),
    ("limits by key", include_str!("limits/keyed.rs")),
    ("limits under random use", include_str!("limits/random.rs")),
    ("rate limits", include_str!("limits/rate.rs")),
    ("resources", include_str!("limits/resources.rs")),
    ("retries", include_str!("resilience/retry.rs")),
    ("several threads", include_str!("threads.rs")),
    ("listeners", include_str!("registry/listeners.rs")),
    ("locks", include_str!("registry/locks.rs")),
    ("names", include_str!("registry/names.rs")),
    ("names of specifications", include_str!("registry/specified_names.rs")),
    ("one error type", include_str!("../../../../xtask/src/tidy/errors.rs")),
    ("pools of tasks", include_str!("tasks/pools.rs")),
    ("queries", include_str!("registry/queries.rs")),
    ("races of the registry", include_str!("registry/races.rs")),
    ("restarts", include_str!("supervisor/restarts.rs")),
    ("schedules and the calendar", include_str!("scheduler/calendar.rs")),
    ("schedules, managing", include_str!("scheduler/managing.rs")),
    ("schedules, ticking", include_str!("scheduler/ticking.rs")),
    ("shutdown", include_str!("supervisor/shutdown.rs")),
    ("strategies", include_str!("supervisor/strategies.rs")),
    ("system", include_str!("system.rs")),
    ("tasks", include_str!("../../src/task/mod.rs")),
    ("steps of a dynamic supervisor", include_str!("../../src/supervisor/dynamic/tests/steps.rs")),
    ("watching", include_str!("watching.rs")),
];

/// Supervision, leaks, races, the registry, stress, errors, limits, flags, pools, commands,
/// schedules: what this crate has to show of each.
const SHOWN: &str = "\
    SUP-4 SUP-5 SUP-6 SUP-7 SUP-8 SUP-10 SUP-11 SUP-12 LEAK-2 LEAK-4 LEAK-8 LEAK-9 RACE-6 RACE-7 RACE-8 RACE-9 \
    RACE-12 RACE-1 RACE-2 RACE-3 RACE-4 RACE-5 RACE-10 BRK-1 BRK-2 BRK-3 BRK-4 BRK-5 BRK-6 RET-1 \
    RET-2 RET-3 RET-4 RET-5 ISO-1 DEG-1 RL-1 CACHE-1 RES-1 FLAG-1 FLAG-2 FLAG-3 FLAG-4 FLAG-5 \
    LEAK-5 LEAK-6 LEAK-10 REG-2 REG-3 REG-4 REG-5 STRESS-3 ERR-1 ERR-2 ERR-3 ERR-4 ERR-5 ERR-6 \
    POOL-1 CMD-1 SCHED-1";

#[test]
fn every_behaviour_is_shown_by_a_test_that_says_so() {
    for behaviour in SHOWN.split_whitespace() {
        let names = |line: &str| {
            let comment = line.trim().strip_prefix("//").unwrap_or_default();
            let mut words = comment.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            words.any(|word| word == behaviour)
        };
        let shown = FILES.iter().any(|(_, text)| text.lines().any(names));
        assert!(shown, "{behaviour} is shown by no test");
    }
}
