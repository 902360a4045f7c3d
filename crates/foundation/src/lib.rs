//! A tree of tasks that fail, restart and stop in a known order, and what every other crate
//! needs beside it: one error type, limits, feature flags.
//!
//! Layer 0. What binds this crate, and stays so as it grows:
//!
//! - **It names no other crate of the workspace.** Whatever is wanted both here and above is here.
//! - **It alone starts tasks and threads**, in one file; everybody else asks a supervisor.
//! - **It owns no global state.** A system value owns registry, clock, ids and tasks; two of them
//!   in one process do not see each other.
//!
//! Here so far: [errors](Error) and their [context](ErrorContext), [systems](System),
//! [actors](Actor) with their mailboxes, timers, monitors, links and exit reasons,
//! [supervisors](Supervisor), [dynamic](DynamicSupervisor) and [partitioned](PartitionSupervisor)
//! ones, [tasks](Task), the [registry](Registry) with [groups](Groups) and [queries](Query), and
//! [trees](Tree), [status](ActorStatus) and [traces](Trace) of what runs; and what keeps a system
//! standing: [boundaries](boundary), an [error tracker](ErrorTracker), [retries](Retry), [circuit
//! breakers](CircuitBreaker), [rate limits](RateLimiter), [bulkheads](Bulkhead),
//! [resources](Resource), [caches](Cache) and [feature flags](Flags); [task pools](TaskPool),
//! [schedules](Scheduler) and [commands](Commands) of the operating system.

mod actor;
mod breaker;
mod cache;
mod command;
mod contain;
mod deadline;
mod error;
mod exit;
mod fallback;
mod flags;
mod limit;
mod listen;
mod mailbox;
mod panic_hook;
mod ports;
mod registry;
mod retry;
mod schedule;
mod spawn;
mod supervisor;
mod sync;
mod system;
mod task;
#[cfg(test)]
mod testing;
mod timer;
mod tracker;

pub use actor::{
    Actor, ActorRef, ActorState, ActorStatus, Ask, Asked, AtEnd, Caller, ChildKind, ChildSpec,
    Context, Down, Exit, Exited, Flow, Incarnation, Init, KeptPlace, MonitorRef, Pid, Place, Reply,
    Restart, Shutdown, Tell, TimerKey, Told, Trace, TraceEntry, TraceStep, Unresponsive, Unsent,
};
pub use breaker::{
    BreakerOptions, CircuitBreaker, CircuitBreakers, CircuitChange, CircuitPermit, CircuitState,
    CircuitStatus,
};
pub use cache::{Cache, CacheOptions, CacheStats};
pub use command::{Command, CommandOptions, CommandOutput, CommandStats, Commands};
pub use contain::contain;
pub use error::{
    Breadcrumb, Category, Code, Error, ErrorContext, Origin, Report, Result, Severity, boundary,
    codes,
};
pub use exit::{ExitReason, Panic};
pub use fallback::{with_compensation, with_fallback};
pub use flags::{
    Flag, FlagChange, FlagMessage, FlagRule, FlagServer, FlagServerArgs, FlagStore, Flags,
    FlagsBuilder, MemoryFlagStore, Percentage, flag_bucket,
};
pub use limit::{
    Backpressure, BackpressureChange, Bulkhead, BulkheadOptions, BulkheadPermit, BulkheadStatus,
    KeyedRateLimiter, RateLimit, RateLimiter, RateLimiters, RateStatus, Resource, ResourceKind,
    ResourceOptions, ResourcePermit, ResourceStatus,
};
pub use mailbox::{Mailbox, Overflow};
pub use ports::{Clock, SystemClock};
pub use registry::{
    AttributePath, BatchReport, Changes, Groups, KeyLock, Lock, OnError, Operator, Query,
    Registration, Registry, RegistryChange, RegistryEntry, RegistryEvent, Via,
};
pub use retry::{
    Attempt, Backoff, Jitter, Retry, RetryBudget, RetryPolicies, RetryPolicy, parse_retry_after,
};
pub use schedule::{Missed, Schedule, ScheduleInfo, Scheduler, SchedulerStats, Tick};
pub use spawn::{Census, Executor};
pub use supervisor::{
    AutoShutdown, ChildBudget, ChildInfo, ChildState, Counts, DynamicSupervisor,
    DynamicSupervisorBuilder, IntoChildSpec, PartitionSupervisor, PartitionSupervisorBuilder,
    Strategy, Supervisor, SupervisorBuilder,
};
pub use system::{Home, InSystem, System, SystemBuilder, Tree, TreeNode};
pub use task::{
    IntoJob, Job, JobFn, JobFuture, OnOverrun, OnTimeout, Owned, Owner, StreamOptions, Task,
    TaskActor, TaskContext, TaskMessage, TaskPool, TaskPoolOptions, TaskPoolStats, TaskPools,
    TaskStream, TaskSupervisor, TaskWork, Work, YieldOptions, ZippedTaskStream,
};
pub use tracker::{ErrorAlert, ErrorCount, ErrorTracker, ErrorTracking};

/// The examples in the documents run as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../docs/actors.md")]
    struct Actors;

    #[doc = include_str!("../../../docs/commands.md")]
    struct Commands;

    #[doc = include_str!("../../../docs/errors.md")]
    struct Errors;

    #[doc = include_str!("../../../docs/flags.md")]
    struct Flags;

    #[doc = include_str!("../../../docs/inspection.md")]
    struct Inspection;

    #[doc = include_str!("../../../docs/limits.md")]
    struct Limits;

    #[doc = include_str!("../../../docs/pools.md")]
    struct Pools;

    #[doc = include_str!("../../../docs/registry.md")]
    struct Registry;

    #[doc = include_str!("../../../docs/resilience.md")]
    struct Resilience;

    #[doc = include_str!("../../../docs/schedules.md")]
    struct Schedules;

    #[doc = include_str!("../../../docs/supervision.md")]
    struct Supervision;
}
