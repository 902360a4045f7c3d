//! The codes of this crate, in one table, each with what an operator should do.

use super::{Category, Severity};

/// A known code: what it means, and what to do about it.
///
/// A crate keeps its codes in one table like [`codes::ALL`]; `Error::from(codes::TIMEOUT)` makes an
/// error of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Code {
    /// The stable name: what [`Error::code`](super::Error::code) gives.
    pub name: &'static str,
    /// Whose matter it is.
    pub category: Category,
    /// How urgent it is.
    pub severity: Severity,
    /// What happened.
    pub meaning: &'static str,
    /// What an operator should do.
    pub action: &'static str,
}

impl Code {
    /// A code with the severity of its category.
    #[must_use]
    pub const fn new(
        name: &'static str,
        category: Category,
        meaning: &'static str,
        action: &'static str,
    ) -> Self {
        Self { name, category, severity: category.severity(), meaning, action }
    }
}

/// The codes of this crate.
pub mod codes {
    use super::{Category, Code};

    /// A panic ended an actor.
    pub const ACTOR_PANICKED: Code = Code::new(
        "actor_panicked",
        Category::System,
        "a panic ended the actor; `message` and `location` are in the details",
        "report the bug with message and location; its supervisor has dealt with the rest",
    );
    /// The actor ended before it answered.
    pub const ACTOR_STOPPED: Code = Code::new(
        "actor_stopped",
        Category::Infrastructure,
        "the actor ended after it was asked and before it answered; the reason is in the details",
        "look for the reason; the request may have been carried out in part, so repeat it only \
         if repeating is safe",
    );
    /// There is a child of that name that does not run.
    pub const ALREADY_PRESENT: Code = Code::new(
        "already_present",
        Category::Validation,
        "the supervisor has a child of that name, which does not run",
        "restart that child, or delete it first",
    );
    /// There is a child of that name that runs.
    pub const ALREADY_STARTED: Code = Code::new(
        "already_started",
        Category::Validation,
        "the supervisor has a child of that name, which runs or is being restarted; or somebody \
         else has the name it is to be registered under, whose `pid` is in the details",
        "use the one that is there, or give the new one another name",
    );
    /// Somebody has the name.
    pub const ALREADY_REGISTERED: Code = Code::new(
        "already_registered",
        Category::Validation,
        "somebody is registered under that name; `actor` and `pid` are in the details",
        "use that actor, or another name; find out who registers it twice",
    );
    /// A callback panicked, and nothing else did.
    pub const CALLBACK_PANICKED: Code = Code::new(
        "callback_panicked",
        Category::System,
        "a function that was given to be called panicked; `message` and `location` are in the \
         details",
        "report the bug with message and location; whoever called it went on",
    );
    /// An actor asked itself.
    pub const CALLING_SELF: Code = Code::new(
        "calling_self",
        Category::Validation,
        "an actor waited for itself, which it would do for ever",
        "report the bug; the actor has to tell itself, or call the function",
    );
    /// There is no such child.
    pub const CHILD_NOT_FOUND: Code = Code::new(
        "child_not_found",
        Category::Validation,
        "the supervisor has no child of that name or pid",
        "look at its children; a temporary one is forgotten when it ends",
    );
    /// A child is being restarted.
    pub const CHILD_RESTARTING: Code = Code::new(
        "child_restarting",
        Category::Validation,
        "the supervisor is restarting the child itself",
        "wait until it runs, or terminate it, which ends the attempts",
    );
    /// A child runs.
    pub const CHILD_RUNNING: Code = Code::new(
        "child_running",
        Category::Validation,
        "the child runs, is starting or is stopping",
        "terminate it first",
    );
    /// Two children have one name.
    pub const DUPLICATE_CHILD: Code = Code::new(
        "duplicate_child",
        Category::Validation,
        "two children of a supervisor have the same name; `child` is in the details",
        "give one of them another name",
    );
    /// A supervisor did not start, because a child did not.
    pub const FAILED_TO_START_CHILD: Code = Code::new(
        "failed_to_start_child",
        Category::System,
        "a child of the supervisor did not start, so the ones before it were stopped; `child` is \
         in the details, the cause is the source",
        "look at the cause",
    );
    /// It has no messages between which it could be held, or that could be traced.
    pub const HANDLES_NO_MESSAGES: Code = Code::new(
        "handles_no_messages",
        Category::Validation,
        "a task handles no messages that could be traced, or between which it could be suspended; \
         nor does a supervisor that is starting or stopping",
        "nothing, for a task; otherwise wait until the supervisor runs",
    );
    /// Options that cannot be.
    pub const INVALID_OPTIONS: Code = Code::new(
        "invalid_options",
        Category::Validation,
        "an option, or a combination of options, cannot be; `field` is in the details",
        "mend the named field",
    );
    /// A query that can find nothing.
    pub const INVALID_QUERY: Code = Code::new(
        "invalid_query",
        Category::Validation,
        "a criterion of a query can hold of nothing; `criterion`, its index, is in the details",
        "mend that criterion; the message says what it lacks",
    );
    /// A mailbox had no room.
    pub const MAILBOX_FULL: Code = Code::new(
        "mailbox_full",
        Category::Infrastructure,
        "the mailbox is full and its policy is to refuse; nothing was accepted",
        "look at what the actor is doing; slow the senders down, or give it more room",
    );
    /// A mailbox ran over, and its policy is to stop.
    pub const MAILBOX_OVERFLOW: Code = Code::new(
        "mailbox_overflow",
        Category::System,
        "the mailbox ran over and its policy is to stop the actor",
        "find out why the actor fell behind before its supervisor restarts it too often",
    );
    /// A supervisor has as many children as it may.
    pub const MAX_CHILDREN: Code = Code::new(
        "max_children",
        Category::Infrastructure,
        "the supervisor has as many children as it may have; `max_children` is in the details",
        "try again when some have ended, or allow more; look for children that are quarantined",
    );
    /// A child is not in quarantine.
    pub const NOT_QUARANTINED: Code = Code::new(
        "not_quarantined",
        Category::Validation,
        "the child is not quarantined, so there is nothing to release it from",
        "look at the state of the child; it may have been released already",
    );
    /// Nobody has the name.
    pub const NOT_REGISTERED: Code = Code::new(
        "not_registered",
        Category::Infrastructure,
        "nobody is registered under that name now; `key` and `registry` are in the details",
        "if a supervisor restarts the actor, try again; if not, find out who should have started \
         it",
    );
    /// Nobody runs there.
    pub const NO_PROCESS: Code = Code::new(
        "no_process",
        Category::Infrastructure,
        "the actor is not running, or no longer takes messages; nothing was accepted",
        "if a supervisor restarts it, try again; if not, find out who should have started it",
    );
    /// A reply was dropped.
    pub const NO_REPLY: Code = Code::new(
        "no_reply",
        Category::Infrastructure,
        "the request was dropped without an answer: by the actor, or because newer messages \
         pushed it out of the mailbox",
        "report a bug in the actor, unless its mailbox drops the oldest; what became of the \
         request is not known",
    );
    /// The program would abort where it should unwind.
    pub const PANIC_ABORT: Code = Code::new(
        "panic_abort",
        Category::Validation,
        "the program is built with `panic = \"abort\"`, under which nothing can be supervised",
        "build it with `panic = \"unwind\"`",
    );
    /// An actor chose not to run.
    pub const START_IGNORED: Code = Code::new(
        "start_ignored",
        Category::Business,
        "the actor's `init` chose not to run",
        "nothing, if its configuration says so",
    );
    /// The system is coming down.
    pub const SYSTEM_STOPPING: Code = Code::new(
        "system_stopping",
        Category::Infrastructure,
        "the system is stopping or has stopped, and starts nothing any more",
        "nothing, during a shutdown; otherwise find out who stopped it",
    );
    /// A deadline passed.
    pub const TIMEOUT: Code = Code::new(
        "timeout",
        Category::Infrastructure,
        "the deadline passed; what became of the request is not known",
        "look at what the actor is doing, and repeat the request only if repeating is safe",
    );
    /// No runtime.
    pub const NO_RUNTIME: Code = Code::new(
        "no_runtime",
        Category::Validation,
        "a system was started outside of a tokio runtime with time",
        "start it inside one: `#[tokio::main]`, or a runtime built with `enable_time`",
    );
    /// Something does not end.
    pub const UNRESPONSIVE: Code = Code::new(
        "unresponsive",
        Category::System,
        "the actor was killed and did not end: it holds its thread",
        "find out what blocks it (the pid is in the details); end the process if it does not \
         come back",
    );
    /// Not the JSON that was wanted.
    pub const INVALID_JSON: Code = Code::new(
        "invalid_json",
        Category::Validation,
        "a text is no JSON, or not the one that is wanted here; `line` and `column` are in the \
         details, the cause says what is wrong",
        "mend the text, or whoever writes it",
    );
    /// The network failed.
    pub const NETWORK_ERROR: Code = Code::new(
        "network_error",
        Category::Infrastructure,
        "a connection could not be made or was lost, a name was not found, or the peer talks \
         nonsense; `kind` is in the details",
        "look at the peer and at what is between; repeating may help",
    );
    /// A process failed to start or to talk.
    pub const PROCESS_ERROR: Code = Code::new(
        "process_error",
        Category::Infrastructure,
        "a process could not be started now, or its pipes broke; `kind` is in the details",
        "look at the limits and the load of the machine; repeating may help",
    );
    /// There is no such program.
    pub const PROGRAM_NOT_FOUND: Code = Code::new(
        "program_not_found",
        Category::Validation,
        "the program does not exist, or may not be run; `kind` is in the details",
        "install it, or mend its path or its permissions",
    );
    /// What is stored is damaged.
    pub const STORE_CORRUPT: Code = Code::new(
        "store_corrupt",
        Category::System,
        "what was read back is not what can have been written; `kind` is in the details",
        "stop writing, keep a copy, and restore from a backup; look at the disk",
    );
    /// A store failed.
    pub const STORE_ERROR: Code = Code::new(
        "store_error",
        Category::Infrastructure,
        "a disk or a file is full, busy, read-only or failing; `kind` is in the details",
        "look at the disk: space, quota, mount, health; repeating may help after that",
    );
    /// A store has no such path, or does not give it.
    pub const STORE_REFUSED: Code = Code::new(
        "store_refused",
        Category::Validation,
        "a path does not exist, exists already, is of the wrong kind or is not allowed; `kind` is \
         in the details",
        "mend the path or its permissions",
    );
    /// The actor is of another type.
    pub const WRONG_TYPE: Code = Code::new(
        "wrong_type",
        Category::Validation,
        "there is an actor of that name, and its messages are others; `expected` is in the details",
        "look at what was started under the name",
    );
    /// A resource is nearly used up.
    pub const BACKPRESSURE_ACTIVE: Code = Code::new(
        "backpressure_active",
        Category::Infrastructure,
        "a resource is so nearly used up that it is given to urgent work only; `resource` is in \
         the details",
        "slow the work down, or allow more of the resource; look for who holds it",
    );
    /// Too many wait.
    pub const BULKHEAD_FULL: Code = Code::new(
        "bulkhead_full",
        Category::Infrastructure,
        "as many calls run as may, and as many wait as may, or no place came free in time; \
         nothing was called; `bulkhead` is in the details",
        "try again later; find out why the calls take so long, or allow more of them",
    );
    /// There is no such circuit.
    pub const CIRCUIT_NOT_FOUND: Code = Code::new(
        "circuit_not_found",
        Category::Validation,
        "no circuit of that key was configured or used; `key` is in the details",
        "look at the key; use it once, or configure it, before looking at it",
    );
    /// A circuit is open.
    pub const CIRCUIT_OPEN: Code = Code::new(
        "circuit_open",
        Category::Infrastructure,
        "what the circuit protects has failed too often, so that it is left alone for a while; \
         `key` is in the details, and `retry_after_seconds` while it is open",
        "look at what it protects; the circuit closes by itself when that works again",
    );
    /// Neither done nor undone.
    pub const COMPENSATION_FAILED: Code = Code::new(
        "compensation_failed",
        Category::System,
        "an operation failed, and what should have undone it failed too; the error of the \
         operation is in the details, that of the compensation is the source",
        "undo by hand what was done in part",
    );
    /// More than can ever be had.
    pub const COST_TOO_HIGH: Code = Code::new(
        "cost_too_high",
        Category::Validation,
        "a request costs more than its limit ever has at once; `cost` and `limit` are in the \
         details",
        "ask for less at once, or allow more",
    );
    /// There is no such policy.
    pub const INVALID_POLICY: Code = Code::new(
        "invalid_policy",
        Category::Validation,
        "no policy has that name; `name` and the `known` ones are in the details",
        "mend the name, or add the policy",
    );
    /// What was isolated has crashed.
    pub const ISOLATED_OPERATION_FAILED: Code = Code::new(
        "isolated_operation_failed",
        Category::System,
        "an operation that ran in a task of its own panicked or was killed; the cause is the \
         source",
        "look at the cause; a panic is a bug to report with message and location",
    );
    /// There is no such limiter.
    pub const LIMITER_NOT_FOUND: Code = Code::new(
        "limiter_not_found",
        Category::Validation,
        "no rate limiter has that name; `name` is in the details",
        "mend the name, or configure the limiter",
    );
    /// Too much in too little time.
    pub const RATE_LIMITED: Code = Code::new(
        "rate_limited",
        Category::Infrastructure,
        "the rate limit was reached; `retry_after_seconds` is in the details, unless nothing is \
         ever admitted or others waited first",
        "wait that long; if it happens often, slow down or allow more",
    );
    /// A resource is used up.
    pub const RESOURCE_EXHAUSTED: Code = Code::new(
        "resource_exhausted",
        Category::Infrastructure,
        "as much of a resource is in use as there may be; `resource`, `used` and `limit` are in \
         the details",
        "try again when some was given back; look for who holds it, or allow more",
    );
    /// There are too many circuits.
    pub const TOO_MANY_CIRCUITS: Code = Code::new(
        "too_many_circuits",
        Category::Infrastructure,
        "as many circuits are in use as there may be, so that none is made for another key; `max` \
         is in the details",
        "look for keys that are made up; allow more, or try again when some are idle",
    );
    /// A limiter has too many keys.
    pub const TOO_MANY_KEYS: Code = Code::new(
        "too_many_keys",
        Category::Infrastructure,
        "a rate limiter knows as many keys as it may, all of them lately used, so that a new one \
         is refused; `max_keys` is in the details",
        "look for keys that are made up; allow more, or try again later",
    );
    /// There are too many schedules.
    pub const TOO_MANY_SCHEDULES: Code = Code::new(
        "too_many_schedules",
        Category::Infrastructure,
        "a scheduler has as many schedules as it may; `max_schedules` is in the details",
        "look for owners that make new names again and again, and cancel what is not needed",
    );
    /// There is no such flag.
    pub const UNKNOWN_FLAG: Code = Code::new(
        "unknown_flag",
        Category::Validation,
        "no feature flag of that name was defined; `flag` is in the details",
        "mend the name, or define the flag",
    );

    /// A command failed.
    pub const COMMAND_FAILED: Code = Code::new(
        "command_failed",
        Category::Business,
        "a command ended with a status that its caller does not accept; `program`, `exit_code` or \
         `signal`, and the end of what it wrote to `stderr` are in the details",
        "read what it wrote; mend its arguments or what it works on",
    );
    /// A command may not be run.
    pub const COMMAND_NOT_ALLOWED: Code = Code::new(
        "command_not_allowed",
        Category::Validation,
        "the program is not on the list of those that may be run; `program` is in the details",
        "allow exactly that program, if it may be run with any arguments; nothing was started",
    );
    /// A command writes too much.
    pub const COMMAND_OUTPUT_TOO_LARGE: Code = Code::new(
        "command_output_too_large",
        Category::System,
        "a command wrote more than may be kept, and was killed; `program`, `stream` and \
         `max_output` are in the details",
        "have it write less, or into a file; or allow more",
    );
    /// A pool takes nothing more in.
    pub const POOL_CLOSED: Code = Code::new(
        "pool_closed",
        Category::Infrastructure,
        "the task pool was closed: it did not take the task in, or ended it; `pool` is in the details",
        "nothing, during a shutdown; otherwise find out who closed it",
    );
    /// A pool is there already.
    pub const POOL_EXISTS: Code = Code::new(
        "pool_exists",
        Category::Validation,
        "there is a task pool of that name; `pool` is in the details",
        "use the one that is there, or another name",
    );
    /// Too many tasks wait.
    pub const POOL_FULL: Code = Code::new(
        "pool_full",
        Category::Infrastructure,
        "as many tasks run as may, and as many wait as may; the task was not started; `pool` is \
         in the details",
        "try again later; find out why the tasks take so long, or allow more of them",
    );
    /// There is no such pool.
    pub const POOL_NOT_FOUND: Code = Code::new(
        "pool_not_found",
        Category::Validation,
        "no task pool of that name was made; `pool` is in the details",
        "mend the name, or create the pool",
    );
    /// There is no such schedule.
    pub const SCHEDULE_NOT_FOUND: Code = Code::new(
        "schedule_not_found",
        Category::Validation,
        "the actor has no schedule of that name: it was never made, was cancelled, has done all it \
         had to do, or is that of an earlier incarnation; `schedule` and `owner` are in the details",
        "mend the name or the pid, or make the schedule",
    );

    /// All of them, by name.
    pub const ALL: &[Code] = &[
        ACTOR_PANICKED,
        ACTOR_STOPPED,
        ALREADY_PRESENT,
        ALREADY_REGISTERED,
        ALREADY_STARTED,
        BACKPRESSURE_ACTIVE,
        BULKHEAD_FULL,
        CALLBACK_PANICKED,
        CALLING_SELF,
        CHILD_NOT_FOUND,
        CHILD_RESTARTING,
        CHILD_RUNNING,
        CIRCUIT_NOT_FOUND,
        CIRCUIT_OPEN,
        COMMAND_FAILED,
        COMMAND_NOT_ALLOWED,
        COMMAND_OUTPUT_TOO_LARGE,
        COMPENSATION_FAILED,
        COST_TOO_HIGH,
        DUPLICATE_CHILD,
        FAILED_TO_START_CHILD,
        HANDLES_NO_MESSAGES,
        INVALID_JSON,
        INVALID_OPTIONS,
        INVALID_POLICY,
        INVALID_QUERY,
        ISOLATED_OPERATION_FAILED,
        LIMITER_NOT_FOUND,
        MAILBOX_FULL,
        MAILBOX_OVERFLOW,
        MAX_CHILDREN,
        NETWORK_ERROR,
        NO_PROCESS,
        NO_REPLY,
        NO_RUNTIME,
        NOT_QUARANTINED,
        NOT_REGISTERED,
        PANIC_ABORT,
        POOL_CLOSED,
        POOL_EXISTS,
        POOL_FULL,
        POOL_NOT_FOUND,
        PROCESS_ERROR,
        PROGRAM_NOT_FOUND,
        RATE_LIMITED,
        RESOURCE_EXHAUSTED,
        SCHEDULE_NOT_FOUND,
        START_IGNORED,
        STORE_CORRUPT,
        STORE_ERROR,
        STORE_REFUSED,
        SYSTEM_STOPPING,
        TIMEOUT,
        TOO_MANY_CIRCUITS,
        TOO_MANY_KEYS,
        TOO_MANY_SCHEDULES,
        UNKNOWN_FLAG,
        UNRESPONSIVE,
        WRONG_TYPE,
    ];
}
