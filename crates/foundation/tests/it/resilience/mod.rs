//! What keeps a failure from spreading: retries, breakers, isolation, fallbacks, caches.

mod breaker;
mod cache;
mod fallback;
mod in_actors;
mod isolation;
mod retry;
mod schedules_of_circuits;
