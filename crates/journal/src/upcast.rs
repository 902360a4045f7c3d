//! How payloads of earlier schemas are read: step by step, each from one version to the next.
//!
//! - **Every payload that is read comes out in the newest schema**, whatever it was written in, so
//!   that the rest of a program knows one schema.
//! - **A chain is checked when it is built**: it has a step from every version that it reads to the
//!   next, and no version is left out or there twice.
//! - **What a step changes is never written back.** The journal keeps what was appended; the next
//!   append replaces it, in whatever schema is written then.
//!
//! The newest schema that is read may be later than the one that is written: a release that is to
//! be taken back must not have written what the release before does not read.

use std::fmt;
use std::sync::Arc;

use foundation::codes::INVALID_OPTIONS;
use foundation::{Error, Result};

use crate::append::Payload;
use crate::codes;

/// Makes bytes of one version into bytes of the next.
type Step = Arc<dyn Fn(Vec<u8>) -> Result<Vec<u8>> + Send + Sync>;

/// The schemas of one kind of payload: which are read, and which one is written. Clones share it.
///
/// ```
/// use journal::{Payload, Upcasts};
///
/// // Version 1 was a number, version 2 says in which currency.
/// let balances = Upcasts::builder("balance", 2)
///     .step(1, |mut bytes| {
///         bytes.extend_from_slice(b" EUR");
///         Ok(bytes)
///     })
///     .build()?;
///
/// let old = balances.upcast(Payload::new(1, *b"10"))?;
/// assert_eq!(old, Payload::new(2, *b"10 EUR"));
/// let newest = balances.upcast(Payload::new(2, *b"10 USD"))?;
/// assert_eq!(newest, Payload::new(2, *b"10 USD"));
/// assert_eq!(balances.upcast(Payload::new(3, *b"?")).unwrap_err().code(), "schema_newer");
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Clone)]
pub struct Upcasts {
    chain: Arc<Chain>,
    writes: u16,
}

/// What [`Upcasts`] share.
struct Chain {
    name: String,
    /// The version that the first step begins with.
    oldest: u16,
    newest: u16,
    /// One for each version from the oldest up to the one before the newest.
    steps: Vec<Step>,
}

/// Makes [`Upcasts`]. Begin with [`Upcasts::builder`].
///
/// | option | default |
/// |---|---|
/// | [`step`](Self::step) | none: only the newest schema is read |
/// | [`writes`](Self::writes) | the newest schema |
#[must_use = "it is nothing until it is built"]
pub struct UpcastsBuilder {
    name: String,
    newest: u16,
    writes: Option<u16>,
    steps: Vec<(u16, Step)>,
}

// === impl Upcasts ===

impl Upcasts {
    /// The schemas of the payloads that errors call `name`, of which `newest` is the last that is
    /// known.
    pub fn builder(name: impl Into<String>, newest: u16) -> UpcastsBuilder {
        UpcastsBuilder { name: name.into(), newest, writes: None, steps: Vec::new() }
    }

    /// What errors call these payloads.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.chain.name
    }

    /// The earliest schema that is read.
    #[must_use]
    pub fn oldest(&self) -> u16 {
        self.chain.oldest
    }

    /// The latest schema that is read, which is the one that [`Self::upcast`] gives.
    #[must_use]
    pub fn newest(&self) -> u16 {
        self.chain.newest
    }

    /// The schema to write. Whoever encodes looks here which one to encode, and names it in the
    /// [`Payload`].
    #[must_use]
    pub const fn writes(&self) -> u16 {
        self.writes
    }

    /// The payload in the newest schema. One that is in it already is given back as it is.
    ///
    /// # Errors
    ///
    /// `schema_newer` when it was written by a release that knows more, `schema_unknown` when it is
    /// older than the oldest schema that is read, `upcast_failed` when a step fails; the source
    /// says why.
    pub fn upcast(&self, payload: Payload) -> Result<Payload> {
        let Chain { oldest, newest, .. } = *self.chain;
        let schema = payload.schema();
        if schema > newest {
            let message = format!("a {} of schema {schema}, and {newest} is known", self.name());
            return Err(self
                .error(codes::SCHEMA_NEWER, schema, message)
                .with_detail("known", newest));
        }
        let Some(done) = schema.checked_sub(oldest) else {
            let message = format!("a {} of schema {schema}, and {oldest} is read", self.name());
            return Err(self
                .error(codes::SCHEMA_UNKNOWN, schema, message)
                .with_detail("oldest", oldest));
        };
        let mut bytes = payload.into_bytes();
        let steps = self.chain.steps.iter().skip(usize::from(done));
        for (from, step) in (schema..newest).zip(steps) {
            let to = from + 1;
            bytes = step(bytes).map_err(|cause| {
                let message = format!("a {} was not upcast from {from} to {to}", self.name());
                self.error(codes::UPCAST_FAILED, schema, message)
                    .with_detail("from", from)
                    .with_detail("to", to)
                    .with_source(cause)
            })?;
        }
        Ok(Payload::new(newest, bytes))
    }

    fn error(&self, code: foundation::Code, schema: u16, message: String) -> Error {
        let error = Error::from(code).with_message(message);
        error.with_detail("payload", self.name()).with_detail("schema", schema)
    }
}

impl fmt::Debug for Upcasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upcasts")
            .field("name", &self.name())
            .field("oldest", &self.oldest())
            .field("newest", &self.newest())
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}

// === impl UpcastsBuilder ===

impl UpcastsBuilder {
    /// How bytes of version `from` become bytes of the version after it. Steps may be given in any
    /// order. What a step is given was written once and is never asked for again: it must go on to
    /// read what any release has written.
    pub fn step(
        mut self,
        from: u16,
        step: impl Fn(Vec<u8>) -> Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.steps.push((from, Arc::new(step)));
        self
    }

    /// The schema to write, when it is not the newest yet. While it is the newest of the release
    /// before, that release reads everything that this one writes.
    pub const fn writes(mut self, schema: u16) -> Self {
        self.writes = Some(schema);
        self
    }

    /// Checks the chain.
    ///
    /// # Errors
    ///
    /// `invalid_options`: `steps` when one begins at the newest version or later, when two begin at
    /// the same, or when one is missing between the oldest and the newest; `writes` when that is
    /// not one of the versions that are read.
    pub fn build(self) -> Result<Upcasts> {
        let Self { name, newest, writes, mut steps } = self;
        steps.sort_by_key(|(from, _)| *from);
        let oldest = steps.first().map_or(newest, |(from, _)| *from);
        let refused = |field: &'static str, what: String| {
            Err(Error::from(INVALID_OPTIONS)
                .with_message(format!("the upcasts of {name}: {what}"))
                .with_detail("field", field))
        };
        let twice = steps.windows(2).find_map(|pair| match pair {
            [(one, _), (other, _)] if one == other => Some(*one),
            _ => None,
        });
        if let Some(from) = twice {
            return refused("steps", format!("two steps from {from}"));
        }
        if let Some((from, _)) = steps.last().filter(|(from, _)| *from >= newest) {
            return refused("steps", format!("a step from {from}, and {newest} is the newest"));
        }
        let begins = steps.iter().map(|(from, _)| *from);
        let missing = (oldest..newest).zip(begins.map(Some).chain(std::iter::repeat(None)));
        if let Some((from, _)) = missing.into_iter().find(|(from, step)| Some(*from) != *step) {
            return refused("steps", format!("no step from {from}"));
        }
        let writes = writes.unwrap_or(newest);
        if writes < oldest || writes > newest {
            return refused("writes", format!("{writes} is not from {oldest} to {newest}"));
        }
        let steps = steps.into_iter().map(|(_, step)| step).collect();
        Ok(Upcasts { chain: Arc::new(Chain { name, oldest, newest, steps }), writes })
    }
}

impl fmt::Debug for UpcastsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self.steps.iter().map(|(from, _)| from).collect();
        f.debug_struct("UpcastsBuilder")
            .field("name", &self.name)
            .field("newest", &self.newest)
            .field("writes", &self.writes)
            .field("steps", &steps)
            .finish()
    }
}

#[cfg(test)]
mod tests;
