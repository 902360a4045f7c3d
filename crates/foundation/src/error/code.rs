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
        "if a supervisor restarts the actor, try again; if not, find out who should have started it",
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

    /// The actor is of another type.
    pub const WRONG_TYPE: Code = Code::new(
        "wrong_type",
        Category::Validation,
        "there is an actor of that name, and its messages are others; `expected` is in the details",
        "look at what was started under the name",
    );

    /// All of them, by name.
    pub const ALL: &[Code] = &[
        ACTOR_PANICKED,
        ACTOR_STOPPED,
        ALREADY_PRESENT,
        ALREADY_REGISTERED,
        ALREADY_STARTED,
        CALLING_SELF,
        CHILD_NOT_FOUND,
        CHILD_RESTARTING,
        CHILD_RUNNING,
        DUPLICATE_CHILD,
        FAILED_TO_START_CHILD,
        HANDLES_NO_MESSAGES,
        INVALID_OPTIONS,
        INVALID_QUERY,
        MAILBOX_FULL,
        MAILBOX_OVERFLOW,
        MAX_CHILDREN,
        NO_PROCESS,
        NO_REPLY,
        NO_RUNTIME,
        NOT_QUARANTINED,
        NOT_REGISTERED,
        PANIC_ABORT,
        START_IGNORED,
        SYSTEM_STOPPING,
        TIMEOUT,
        UNRESPONSIVE,
        WRONG_TYPE,
    ];
}
