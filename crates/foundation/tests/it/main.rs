//! Tests of `foundation` through its public items.

mod ask;
mod code_table;
mod error_context;
mod exits;
mod fixture;
mod lifecycle;
#[expect(dead_code, unreachable_pub, reason = "a part of another crate")]
mod mailbox;
mod mailboxes;
mod real_threads;
mod schedules;
mod stopping;
mod supervisor;
mod sync;
mod system;
mod timers;
mod watching;
