//! The codes of this crate, each with what an operator should do.

use foundation::{Category, Code};

/// An endpoint is where signals may not go.
pub const ADDRESS_REFUSED: Code = Code::new(
    "address_refused",
    Category::Validation,
    "an endpoint is at an address that signals may not be sent to: one of this machine, of a private \
     network or a reserved one, or anywhere without encryption; `class` is in the details",
    "find out who registered that endpoint; allow such addresses if it is meant to be there",
);
/// A dead letter was sent again as often as may be.
pub const ATTEMPTS_USED_UP: Code = Code::new(
    "attempts_used_up",
    Category::Business,
    "a dead letter was sent again as often as may be; `dead_letter` and `attempts` are in the \
     details",
    "see to what keeps its receiver from handling it; then send the signal anew, and purge it",
);
/// Somebody cannot take what all were to get.
pub const BROADCAST_REFUSED: Code = Code::new(
    "broadcast_refused",
    Category::Infrastructure,
    "a message that was to reach all was sent to nobody, because somebody cannot take it now; in the \
     details, `receivers` has the code of why for each of those",
    "try again; when it stays, look at the receivers that are named",
);
/// Too many messages were kept for a receiver.
pub const BUFFER_OVERFLOWED: Code = Code::new(
    "buffer_overflowed",
    Category::Infrastructure,
    "a message that was kept for a receiver had to make room for a later one; `receiver` is in the \
     details",
    "find out why the receiver does not work; then send the dead letter again",
);
/// A bus does not run.
pub const BUS_NOT_RUNNING: Code = Code::new(
    "bus_not_running",
    Category::Infrastructure,
    "the bus takes nothing, because its part of the tree does not run; `bus` is in the details",
    "if its supervisor restarts it, try again; if not, find out who should have started it",
);
/// Another one consumes a durable subscription.
pub const CONSUMER_EXISTS: Code = Code::new(
    "consumer_exists",
    Category::Business,
    "another actor that lives consumes the durable subscription; `subscription` and `consumer` are \
     in the details",
    "give each consumer a subscription of its own, or end the other one first",
);
/// Coordination does not run.
pub const COORDINATION_NOT_RUNNING: Code = Code::new(
    "coordination_not_running",
    Category::Infrastructure,
    "no messages are taken, because coordination does not run; `coordination` is in the details",
    "if its supervisor restarts it, try again; if not, find out who should have started it",
);
/// An endpoint does not take a signal.
pub const HTTP_REFUSED: Code = Code::new(
    "http_refused",
    Category::Business,
    "an endpoint has answered that it does not take the signal; `status`, and the beginning of its \
     `body`, are in the details; 410 says that it wants none at all any more",
    "mend the signal or the endpoint's options; remove an endpoint that is gone",
);
/// An endpoint cannot take a signal now.
pub const HTTP_UNAVAILABLE: Code = Code::new(
    "http_unavailable",
    Category::Infrastructure,
    "an endpoint has answered that it cannot take the signal now: `status` is 408, 425, 429, or 500 \
     or more; it, the beginning of the `body`, and `retry_after_seconds`, if it said so, are in the \
     details",
    "try again later; when it stays, ask whoever runs the endpoint",
);
/// A part that is kept for a subscription cannot be.
pub const INVALID_PART: Code = Code::new(
    "invalid_part",
    Category::Validation,
    "a part of what is kept for a subscription cannot be; `owner` is in the details, and `key`, \
     shortened, where there is one",
    "give the subscription a name of 1 to 255 bytes; anything else is a bug of whoever stores it",
);
/// A pattern cannot be.
pub const INVALID_PATTERN: Code = Code::new(
    "invalid_pattern",
    Category::Validation,
    "a pattern cannot be; `problem`, `position` in bytes and `pattern`, shortened, are in the \
     details, and `index` where it was one of several routes",
    "mend the pattern at that position",
);
/// A route cannot be.
pub const INVALID_ROUTE: Code = Code::new(
    "invalid_route",
    Category::Validation,
    "the priority of a route is not from -100 to 100; `priority` is in the details, and `index` \
     where it was one of several",
    "give a priority from -100 to 100",
);
/// An attribute or the data of a signal cannot be.
pub const INVALID_SIGNAL: Code = Code::new(
    "invalid_signal",
    Category::Validation,
    "an attribute or the data of a signal cannot be; `attribute` is in the details, and `value`, \
     shortened, where there is one",
    "mend the named attribute where the signal is made",
);
/// A message was kept for a receiver for as long as may be.
pub const KEPT_TOO_LONG: Code = Code::new(
    "kept_too_long",
    Category::Infrastructure,
    "a message that was kept for a receiver was not begun in time; `receiver` and `after_ms` are in \
     the details; nobody has handled the message",
    "find out why the receiver does not work; then send the dead letter again, if it is of use still",
);
/// A log is closed.
pub const LOG_CLOSED: Code = Code::new(
    "log_closed",
    Category::Infrastructure,
    "the log of a bus is closed, so that nothing more comes from it",
    "find out why it was closed; the bus goes on when its supervisor has started it with one that is \
     open",
);
/// A log has no room.
pub const LOG_FULL: Code = Code::new(
    "log_full",
    Category::Infrastructure,
    "a log in memory has no room, and took nothing; `limit`, `most` and `wanted` are in the details",
    "let the log drop what is old, with a retention; or give it more room",
);
/// A middleware failed.
pub const MIDDLEWARE_FAILED: Code = Code::new(
    "middleware_failed",
    Category::System,
    "a middleware of the bus panicked, or took too long; `middleware` and `stage` are in the \
     details, the source tells what happened",
    "mend the middleware; a signal that was to be published was not, and a receiver that was to get \
     one did not",
);
/// Nobody wants a signal.
pub const NO_HANDLERS: Code = Code::new(
    "no_handlers",
    Category::Business,
    "no route matches the signal; `type` is in the details, and `failed`, how many conditions \
     failed, where some did; the first of their errors is the source",
    "add a route for that type, if somebody is to handle it",
);
/// A bus has no log.
pub const NO_LOG: Code = Code::new(
    "no_log",
    Category::Validation,
    "the bus has no log, and so no durable subscriptions and nothing to replay; `bus` is in the \
     details",
    "give the bus a log when it is made",
);
/// There is no such dead letter.
pub const NO_SUCH_DEAD_LETTER: Code = Code::new(
    "no_such_dead_letter",
    Category::Business,
    "there is no such dead letter: it was handled, purged or dropped, or is being sent again; \
     `dead_letter` is in the details",
    "nothing, when it was to be gone",
);
/// Nobody receives under an id.
pub const NO_SUCH_RECEIVER: Code = Code::new(
    "no_such_receiver",
    Category::Infrastructure,
    "nobody receives under that id: nobody has joined, or whoever had has ended before it began the \
     message; `receiver` is in the details; nobody has handled the message",
    "try again if a supervisor restarts the receiver; if not, find out who should have joined",
);
/// There is no such subscription.
pub const NO_SUCH_SUBSCRIPTION: Code = Code::new(
    "no_such_subscription",
    Category::Business,
    "there is no such subscription: it was ended, or its receiver has ended; `subscription` is in \
     the details",
    "nothing, when it was to be ended",
);
/// Nobody has acknowledged a message.
pub const NOBODY_ACKNOWLEDGED: Code = Code::new(
    "nobody_acknowledged",
    Category::Infrastructure,
    "a message that was to reach one or more was acknowledged by nobody in time; in the details, \
     `receivers` has what became of it with each of them",
    "look at the receivers that are named; it may be kept for some of them",
);
/// Nobody knows what came of a message.
pub const OUTCOME_UNKNOWN: Code = Code::new(
    "outcome_unknown",
    Category::Infrastructure,
    "a receiver has begun a message, and ended or dropped the acknowledgement without saying what \
     came of it; `receiver` is in the details",
    "find out whether it was handled before it is sent again",
);
/// Somebody receives under that id.
pub const RECEIVER_EXISTS: Code = Code::new(
    "receiver_exists",
    Category::Validation,
    "somebody receives under that id; `receiver` is in the details",
    "choose another id, or forget the other receiver first",
);
/// A receiver has no room.
pub const RECEIVER_FULL: Code = Code::new(
    "receiver_full",
    Category::Infrastructure,
    "a receiver has no room for a signal, and nobody got it; `subscription` and `receiver` are in \
     the details",
    "try again; when it stays, make the receiver faster or its mailbox larger, or subscribe it so \
     that it may be left out",
);
/// An endpoint leads elsewhere.
pub const REDIRECT_REFUSED: Code = Code::new(
    "redirect_refused",
    Category::Business,
    "an endpoint has answered that it is elsewhere, and that is not followed; `status` is in the \
     details",
    "register the endpoint where it is; allow redirects if it moves often",
);
/// A route of that name is there.
pub const ROUTE_EXISTS: Code = Code::new(
    "route_exists",
    Category::Validation,
    "another route has that name; `name` is in the details, and `index` where it was one of \
     several; nothing was added",
    "remove that route first, or give the new one another name",
);
/// A reader of a log is behind what is kept.
pub const SIGNAL_GAP: Code = Code::new(
    "signal_gap",
    Category::Business,
    "the signals behind `from` up to `to` are no longer kept; both positions are in the details",
    "read on behind `to`; what was in between is lost to this reader",
);
/// A signal is another one than was wanted.
pub const SIGNAL_MISMATCH: Code = Code::new(
    "signal_mismatch",
    Category::Validation,
    "a signal is read as one of another type or schema than it has; `attribute`, `wanted` and \
     `found` are in the details",
    "subscribe to the type that is read, or read each type as what it is",
);
/// A signal is not in the log.
pub const SIGNAL_NOT_FOUND: Code = Code::new(
    "signal_not_found",
    Category::Business,
    "there is no such signal in the log, or it is no longer kept; `signal` is in the details",
    "nothing, unless it was to be kept longer",
);
/// A signal is nested too deeply.
pub const SIGNAL_TOO_DEEP: Code = Code::new(
    "signal_too_deep",
    Category::Validation,
    "the JSON of a signal has more arrays and objects within each other than are read; `limit` is \
     in the details",
    "flatten the data, or send it as bytes",
);
/// A signal or a batch is over its limit.
pub const SIGNAL_TOO_LARGE: Code = Code::new(
    "signal_too_large",
    Category::Validation,
    "what is written or read is over its limit; `field`, which is `bytes` or `batch`, and `limit` \
     are in the details, and `size` where it is known",
    "send less, or a reference to what is large; or raise the limit where it is set",
);
/// A webhook's time is too far away.
pub const SIGNATURE_EXPIRED: Code = Code::new(
    "signature_expired",
    Category::Validation,
    "a webhook was signed too long ago, or in the future; `apart_seconds` is in the details",
    "compare the clocks; if they are right, somebody may have sent an old message again",
);
/// A webhook is not signed.
pub const SIGNATURE_MISSING: Code = Code::new(
    "signature_missing",
    Category::Validation,
    "a webhook has no signature; the `header` that is missing is in the details",
    "find out who sends it, and by which scheme; do not take it",
);
/// A webhook's signature is wrong.
pub const SIGNATURE_WRONG: Code = Code::new(
    "signature_wrong",
    Category::Validation,
    "no signature of a webhook is that of its body by one of the secrets",
    "compare secret and scheme with the sender's, and see that the body is what was sent, to the \
     byte; do not take it",
);
/// The name of a subscription is taken.
pub const SUBSCRIPTION_EXISTS: Code = Code::new(
    "subscription_exists",
    Category::Validation,
    "another subscription of the bus has that name; `name` is in the details",
    "choose another name, or end the other subscription first",
);
/// What is kept of a durable subscription cannot be read.
pub const SUBSCRIPTION_UNREADABLE: Code = Code::new(
    "subscription_unreadable",
    Category::System,
    "what is kept of a durable subscription was written by a later release, or is damaged; \
     `subscription` is in the details",
    "use the release that wrote it; if it is damaged, forget the subscription, and begin it anew at \
     the position where it was",
);
/// There is no secure connection.
pub const TLS_FAILED: Code = Code::new(
    "tls_failed",
    Category::Infrastructure,
    "an endpoint could not be connected to securely: nobody that is trusted vouches for it, or it \
     speaks another protocol; the source says which",
    "have its certificate renewed; trust its root, if it is one of your own",
);
/// There are as many receivers as may be.
pub const TOO_MANY_RECEIVERS: Code = Code::new(
    "too_many_receivers",
    Category::Infrastructure,
    "there are as many receivers as there may be; `max_receivers` is in the details",
    "find out who joins and does not end; or let there be more",
);
/// There are as many subscriptions as may be.
pub const TOO_MANY_SUBSCRIPTIONS: Code = Code::new(
    "too_many_subscriptions",
    Category::Infrastructure,
    "the bus has as many subscriptions as it may have, or as many durable ones; \
     `max_subscriptions` or `max_durables` is in the details",
    "find out who subscribes and does not end; or let the bus have more",
);
/// A text is no signal.
pub const UNREADABLE_SIGNAL: Code = Code::new(
    "unreadable_signal",
    Category::Validation,
    "what should be a signal, or its data, is not the JSON of one; `reason` is in the details \
     (`duplicate_key`, `empty`, `encoding`, `shape`, `syntax` or `truncated`), and `line` and \
     `column` where they are known",
    "mend the sender; nothing of the message was taken",
);
/// Nobody here reads that.
pub const UNSUPPORTED_CONTENT_TYPE: Code = Code::new(
    "unsupported_content_type",
    Category::Validation,
    "a message is no signal in a form that is read here; `content_type` is in the details where it \
     has one",
    "send CloudEvents 1.0: structured or in a batch as JSON, or binary with the headers `ce-`",
);

/// All of them, by name.
pub const ALL: &[Code] = &[
    ADDRESS_REFUSED,
    ATTEMPTS_USED_UP,
    BROADCAST_REFUSED,
    BUFFER_OVERFLOWED,
    BUS_NOT_RUNNING,
    CONSUMER_EXISTS,
    COORDINATION_NOT_RUNNING,
    HTTP_REFUSED,
    HTTP_UNAVAILABLE,
    INVALID_PART,
    INVALID_PATTERN,
    INVALID_ROUTE,
    INVALID_SIGNAL,
    KEPT_TOO_LONG,
    LOG_CLOSED,
    LOG_FULL,
    MIDDLEWARE_FAILED,
    NO_HANDLERS,
    NO_LOG,
    NO_SUCH_DEAD_LETTER,
    NO_SUCH_RECEIVER,
    NO_SUCH_SUBSCRIPTION,
    NOBODY_ACKNOWLEDGED,
    OUTCOME_UNKNOWN,
    RECEIVER_EXISTS,
    RECEIVER_FULL,
    REDIRECT_REFUSED,
    ROUTE_EXISTS,
    SIGNAL_GAP,
    SIGNAL_MISMATCH,
    SIGNAL_NOT_FOUND,
    SIGNAL_TOO_DEEP,
    SIGNAL_TOO_LARGE,
    SIGNATURE_EXPIRED,
    SIGNATURE_MISSING,
    SIGNATURE_WRONG,
    SUBSCRIPTION_EXISTS,
    SUBSCRIPTION_UNREADABLE,
    TLS_FAILED,
    TOO_MANY_RECEIVERS,
    TOO_MANY_SUBSCRIPTIONS,
    UNREADABLE_SIGNAL,
    UNSUPPORTED_CONTENT_TYPE,
];
