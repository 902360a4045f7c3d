//! What is done when nothing is said: the defaults are those that the documents give.

use foundation::{
    BreakerOptions, BulkheadOptions, CacheOptions, CommandOptions, ResourceOptions, RetryPolicy,
    TaskPoolOptions,
};

#[test]
fn the_defaults_are_those_that_are_documented() {
    let table = [
        (
            format!("{:?}", BreakerOptions::default()),
            "BreakerOptions { failure_threshold: 5, success_threshold: 3, reset_after: 60s, \
             probes: 1 }",
        ),
        (
            format!("{:?}", BulkheadOptions::new(3)),
            "BulkheadOptions { max_concurrent: 3, max_queue: 1000 }",
        ),
        (
            format!("{:?}", ResourceOptions::new(3)),
            "ResourceOptions { limit: 3, moderate_at: 90, severe_at: 95, hysteresis: 5, \
             permit_lifetime: None }",
        ),
        (
            format!("{:?}", CacheOptions::default()),
            "CacheOptions { max_entries: 100000, ttl: None, stale_for: 0ns, load_deadline: 30s }",
        ),
        (
            format!("{:?}", TaskPoolOptions::new(3)),
            "TaskPoolOptions { max_concurrent: 3, max_queue: 1000, deadline: 30s, drain: 5s }",
        ),
        (
            format!("{:?}", CommandOptions::default()),
            "CommandOptions { allowed: {}, max_concurrent: 5, max_queue: 0, deadline: 10s, \
             kill_after: 1s, drain: 5s, max_output: 1048576, cache_ttl: 30s, max_cached: 100, \
             search_path: [\"/usr/local/sbin\", \"/usr/local/bin\", \"/usr/sbin\", \"/usr/bin\", \
             \"/sbin\", \"/bin\"], inherits_environment: false }",
        ),
        (
            format!("{:?}", RetryPolicy::exponential()),
            "RetryPolicy { backoff: Exponential { base: 100ms, cap: 5s }, jitter: Full, \
             max_attempts: 3, deadline: Some(30s), attempt_deadline: None, \
             longest_retry_after: 60s, budget: None }",
        ),
    ];
    for (is, documented) in table {
        assert_eq!(is, documented);
    }
}
