//! The codes of this crate, each with what an operator should do.

use foundation::{Category, Code};

/// A blob is not there.
pub const BLOB_NOT_FOUND: Code = Code::new(
    "blob_not_found",
    Category::Business,
    "there is no such blob, or it was never finished, or it was collected because no stream held \
     it; `blob` is in the details",
    "hold a blob in the append whose records name it, soon after it was finished",
);
/// A reader is behind what is kept.
pub const GAP: Code = Code::new(
    "gap",
    Category::Business,
    "the records from `from` up to `to` are no longer kept; both positions are in the details",
    "read on from `to`, and rebuild from the streams what was made of the records before",
);
/// Two stores do not go together.
pub const DURABILITY_MISMATCH: Code = Code::new(
    "durability_mismatch",
    Category::Validation,
    "the store was created with another durability; `store` and `asked` are in the details",
    "open it with the durability that it has, or export it into a new store",
);
/// An export could not be written.
pub const EXPORT_FAILED: Code = Code::new(
    "export_failed",
    Category::Infrastructure,
    "what an export was to be written to failed, which is the source; the journal goes on",
    "look at the source, such as a disk that is full, and export again",
);
/// What is to be imported is no whole export.
pub const IMPORT_INVALID: Code = Code::new(
    "import_invalid",
    Category::Validation,
    "what is to be imported is no whole export of a journal, and nothing was made of it; `line` is \
     in the details",
    "export again; an export is not mended by hand",
);
/// A name, a key or a record cannot be.
pub const INVALID_RECORD: Code = Code::new(
    "invalid_record",
    Category::Validation,
    "a name, a key or what is to be appended cannot be; `field` is in the details",
    "mend the named field",
);
/// A key names another command.
pub const KEY_REUSED: Code = Code::new(
    "key_reused",
    Category::Validation,
    "the idempotency key was used before, for another command; `stream` and `key` are in the \
     details",
    "use a new key for a new command",
);
/// A key has its answer.
pub const KEY_ANSWERED: Code = Code::new(
    "key_answered",
    Category::Validation,
    "the answer to that idempotency key is recorded already; `stream` and `key` are in the \
     details",
    "read the recorded answer",
);
/// A lease is gone.
pub const LEASE_LOST: Code = Code::new(
    "lease_lost",
    Category::System,
    "the lease of the shard was taken over or has ended; `shard` and `epoch` are in the details",
    "nothing, when another owner was meant to take over; otherwise find out who did",
);
/// There is no such shard.
pub const NO_SUCH_SHARD: Code = Code::new(
    "no_such_shard",
    Category::Validation,
    "the store has no such shard, or the stream belongs to another one; `shard` is in the \
     details",
    "use the lease of the stream's own shard",
);
/// A disk has no room for a copy.
pub const NO_ROOM: Code = Code::new(
    "no_room",
    Category::Infrastructure,
    "the disk has less room left than a copy needs beside what is to be kept free; `path`, `room` \
     and `reserve`, in bytes, are in the details",
    "make room on the disk, or put the copy on another one",
);
/// An engine cannot do it.
pub const NOT_SUPPORTED: Code = Code::new(
    "not_supported",
    Category::Validation,
    "the engine of this journal has no store to look after in that way; `operation` is in the \
     details",
    "ask it of a journal that is on a file",
);
/// A payload is of a later schema.
pub const SCHEMA_NEWER: Code = Code::new(
    "schema_newer",
    Category::Validation,
    "a payload was written in a later schema; `payload`, `schema` and `known` are in the details",
    "run the release that wrote it or a later one; this one would not understand what it reads",
);
/// A payload is of a schema that is read no longer.
pub const SCHEMA_UNKNOWN: Code = Code::new(
    "schema_unknown",
    Category::Validation,
    "a payload is in a schema that is no longer read; `payload`, `schema` and `oldest` are in the \
     details",
    "run a release that reads it, and have that append it anew; or put its upcasts back",
);
/// A store is closed.
pub const STORE_CLOSED: Code = Code::new(
    "store_closed",
    Category::Infrastructure,
    "the journal was closed, or it stopped after a failure, which is the source where it is known",
    "nothing, during a shutdown; otherwise look at the source, and open the store again",
);
/// There is something already.
pub const STORE_EXISTS: Code = Code::new(
    "store_exists",
    Category::Validation,
    "there is a file already where a new store was to be made; `path` is in the details",
    "give another path, or take away what is there; nothing of it was changed",
);
/// A file is no store.
pub const STORE_FOREIGN: Code = Code::new(
    "store_foreign",
    Category::Validation,
    "the file is no journal: it is of another format; `path` is in the details",
    "mend the path; nothing of its contents was changed",
);
/// Somebody else has the store.
pub const STORE_LOCKED: Code = Code::new(
    "store_locked",
    Category::Validation,
    "another process, or another journal of this one, has the store open; `path` is in the \
     details",
    "stop the other one, or ask it to do the work",
);
/// A store is of a later release.
pub const STORE_NEWER: Code = Code::new(
    "store_newer",
    Category::Validation,
    "the store was written by a later release; `found` and `known` are in the details",
    "run that release or a later one; this one would not understand what it reads",
);
/// A store is of an earlier format than something needs.
pub const STORE_OLDER: Code = Code::new(
    "store_older",
    Category::Validation,
    "the store is written in an earlier format, which does not have this; `found` and `needed` \
     are in the details",
    "raise the format of the store, once no earlier release has to open it any more",
);
/// A disk is nearly full.
pub const STORE_READ_ONLY: Code = Code::new(
    "store_read_only",
    Category::Infrastructure,
    "the disk has less room left than the journal keeps free, so it is only read; `room` and \
     `reserve`, in bytes, are in the details",
    "make room on the disk; appends are accepted again as soon as there is",
);
/// A stream was deleted.
pub const STREAM_DELETED: Code = Code::new(
    "stream_deleted",
    Category::Business,
    "the stream was deleted, and its name is not free yet; `stream` is in the details",
    "use another id, or wait until the tombstone has passed its retention",
);
/// Something is over its limit.
pub const TOO_LARGE: Code = Code::new(
    "too_large",
    Category::Validation,
    "a key, a payload, a blob or a whole append is over its limit; `field`, `size` and `limit` are \
     in the details",
    "make it smaller, split it, or write a large payload as a blob",
);
/// Nobody knows whether it happened.
pub const UNKNOWN_OUTCOME: Code = Code::new(
    "unknown_outcome",
    Category::Infrastructure,
    "the journal failed before it was known whether the append is durable; the source says why",
    "open the journal again and read the stream: the append is there wholly or not at all",
);
/// A payload did not become one of the newest schema.
pub const UPCAST_FAILED: Code = Code::new(
    "upcast_failed",
    Category::System,
    "a step from one schema of a payload to the next failed; the source says why, and `payload`, \
     `schema`, `from` and `to` are in the details",
    "mend the step, with that payload as one more golden file; nothing of it was changed",
);
/// A version is not the expected one.
pub const VERSION_CONFLICT: Code = Code::new(
    "version_conflict",
    Category::Validation,
    "the stream is at another version than expected; `stream`, `expected` and `found` are in \
     the details",
    "open and load the stream again, and decide anew",
);
/// A writer was fenced.
pub const WRITER_FENCED: Code = Code::new(
    "writer_fenced",
    Category::Business,
    "the stream was opened again, or an earlier append of this writer was refused; `stream` is \
     in the details",
    "stop: another writer has the stream; or open it again",
);

/// All of them, by name.
pub const ALL: &[Code] = &[
    BLOB_NOT_FOUND,
    DURABILITY_MISMATCH,
    EXPORT_FAILED,
    GAP,
    IMPORT_INVALID,
    INVALID_RECORD,
    KEY_ANSWERED,
    KEY_REUSED,
    LEASE_LOST,
    NO_ROOM,
    NO_SUCH_SHARD,
    NOT_SUPPORTED,
    SCHEMA_NEWER,
    SCHEMA_UNKNOWN,
    STORE_CLOSED,
    STORE_EXISTS,
    STORE_FOREIGN,
    STORE_LOCKED,
    STORE_NEWER,
    STORE_OLDER,
    STORE_READ_ONLY,
    STREAM_DELETED,
    TOO_LARGE,
    UNKNOWN_OUTCOME,
    UPCAST_FAILED,
    VERSION_CONFLICT,
    WRITER_FENCED,
];
