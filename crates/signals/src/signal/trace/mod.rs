//! Where in a trace a signal was sent: the context of the W3C recommendation *Trace Context*, in
//! the attributes `traceparent` and `tracestate` of the extension *Distributed Tracing*.

mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

use foundation::{Error, Result};

use super::{Attribute, Draft, Signal};
use crate::error::invalid_value;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
/// How long a parent is in the version that is written here. A later one may be longer.
const LENGTH: usize = 55;
/// That it is recorded.
const SAMPLED: u8 = 0b01;
/// What is known of the flags, and handed on: that it is recorded, and that its id is random.
const KNOWN: u8 = 0b11;

/// Where in a trace something happened: the trace, the span in it, and what systems for traces have
/// written beside it.
///
/// ```
/// use signals::TraceContext;
///
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01";
/// let context: TraceContext = parent.parse()?;
/// assert!(context.is_sampled());
/// let child = context.child(7.try_into()?);
/// assert_eq!(child.to_string(), "00-0af7651916cd43dd8448eb211c80319c-0000000000000007-01");
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: NonZeroU128,
    span: NonZeroU64,
    flags: u8,
    state: Option<Box<str>>,
}

impl TraceContext {
    /// The beginning of a trace, which is not recorded. The numbers are random ones: no other trace
    /// has the first, and no other span in it the second.
    #[must_use]
    pub const fn root(trace: NonZeroU128, span: NonZeroU64) -> Self {
        Self { trace, span, flags: 0, state: None }
    }

    /// Whether it is recorded, in place of what it was.
    #[must_use]
    pub const fn sampled(mut self, is_sampled: bool) -> Self {
        self.flags = if is_sampled { self.flags | SAMPLED } else { self.flags & !SAMPLED };
        self
    }

    /// What systems for traces have written, as the header `tracestate` has it; nothing when it is
    /// empty.
    ///
    /// # Errors
    ///
    /// `invalid_signal` when it is longer than 512 bytes, has more than 32 members, one of them
    /// twice, or one that cannot be.
    pub fn with_state(mut self, state: &str) -> Result<Self> {
        if !state.is_empty() && !state::is_valid(state) {
            return Err(invalid_value(STATE, state, "it is not the state of a trace"));
        }
        self.state = (!state.is_empty()).then(|| state.into());
        Ok(self)
    }

    /// The same trace, in a span that follows from this one. Its number is a random one.
    #[must_use]
    pub fn child(&self, span: NonZeroU64) -> Self {
        Self { span, ..self.clone() }
    }

    /// Which trace it is.
    #[must_use]
    pub const fn trace_id(&self) -> NonZeroU128 {
        self.trace
    }

    /// Which span of it.
    #[must_use]
    pub const fn span_id(&self) -> NonZeroU64 {
        self.span
    }

    /// Whether it is recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// What systems for traces have written beside it.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// As a `traceparent` of version 00, in which flags of later versions are off.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

/// From a `traceparent`: of version 00, or of a later one, of which what is known is taken.
impl FromStr for TraceContext {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| invalid_value(PARENT, text, "it is not the parent of a span"))
    }
}

fn parse(text: &str) -> Option<TraceContext> {
    let (known, later) = text.split_at_checked(LENGTH)?;
    let mut parts = known.split('-');
    let mut next = |digits| hexadecimal(parts.next()?, digits);
    let version = next(2)?;
    let trace = NonZeroU128::new(next(32)?)?;
    let span = NonZeroU64::new(u64::try_from(next(16)?).ok()?)?;
    let flags = u8::try_from(next(2)?).ok()? & KNOWN;
    let is_known = match version {
        0 => later.is_empty(),
        0xFF => false,
        _ => later.is_empty() || later.starts_with('-'),
    };
    is_known.then_some(TraceContext { trace, span, flags, state: None })
}

/// A number of so many digits, of which the letters are in lower case.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let may_be = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != digits || !text.bytes().all(may_be) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

impl Draft {
    /// Where in a trace it is sent.
    pub fn trace(mut self, context: TraceContext) -> Self {
        self.set_trace(context);
        self.follow(None)
    }

    pub(super) fn set_trace(&mut self, context: TraceContext) {
        let extensions = &mut self.rest().extensions;
        extensions.insert(PARENT.into(), Attribute::from(context.to_string()));
        match context.state {
            Some(state) => extensions.insert(STATE.into(), Attribute::Text(state)),
            None => extensions.remove(STATE),
        };
    }
}

impl Signal {
    /// Where in a trace it was sent: none where it does not say so, or says it in a way that cannot
    /// be, which is as good as nothing. A state that cannot be is left out.
    #[must_use]
    pub fn trace(&self) -> Option<TraceContext> {
        let mut context = parse(self.extension(PARENT)?.as_text()?)?;
        let state = self.extension(STATE).and_then(Attribute::as_text);
        context.state = state.filter(|state| state::is_valid(state)).map(Into::into);
        Some(context)
    }
}

/// A number for a span of what is random: one of the 2⁶⁴ is none, and another takes its place.
pub(super) fn span(random: u64) -> NonZeroU64 {
    NonZeroU64::new(random).unwrap_or(NonZeroU64::MIN)
}
