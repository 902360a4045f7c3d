//! Tests of `foundation` through its public items.

mod ask;
mod behaviours;
mod commands;
mod deadlines;
mod defaults;
mod dynamic;
mod errors;
mod examples;
mod exits;
mod fixture;
mod flags;
mod incarnations;
mod inspection;
mod lifecycle;
mod limits;
#[expect(dead_code, reason = "a part of another crate")]
mod lives;
#[expect(dead_code, unreachable_pub, reason = "a part of another crate")]
mod mailbox;
mod mailboxes;
mod real_threads;
mod registry;
mod resilience;
mod scheduler;
mod schedules;
mod schedules_of_lives;
mod schedules_of_names;
mod stopping;
mod supervisor;
mod sync;
mod system;
mod tasks;
mod threads;
mod timers;
mod watching;

/// What the shipped files that are compiled here call `crate::exit`.
mod exit {
    pub(crate) use foundation::ExitReason;
}
