//! A signal: what happened, where, and what is known of it. It is a `CloudEvent` 1.0.
//!
//! A [`Draft`] is what somebody wants to say; stamping it checks every attribute and gives it an id
//! and a time. A [`Signal`] never changes, and a clone is the same one.

mod attribute;
mod cause;
mod check;
mod data;
mod draft;
mod id;
mod media_type;
mod reference;
mod source;
#[cfg(test)]
mod tests;
mod trace;
mod typed;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use foundation::Result;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

pub use attribute::Attribute;
pub use data::Data;
pub use draft::{Draft, MAX_EXTENSIONS};
pub use id::Id;
pub use source::Source;
pub use trace::TraceContext;
pub use typed::{Extensions, SignalData};

pub(crate) use attribute::check_name;
pub(crate) use check::too_many;
pub(crate) use id::UUID_TEXT;
pub(crate) use media_type::MediaType;

use crate::topic::Topic;

/// A signal, which is a `CloudEvent`: it has an id, a [type](Topic) that it is routed by, a source,
/// a time, and data. It is stamped and whole; a clone is the same one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::System;
/// use serde_json::json;
/// use signals::Signal;
///
/// let system = System::builder().name("shop").start().await?;
/// let shipped = Signal::new("order.7.shipped", "/shop").json(json!({ "parcels": 2 }));
/// let shipped = shipped.stamp(&system)?;
/// assert_eq!(shipped.topic().as_str(), "order.7.shipped");
/// assert_eq!(shipped.data().as_json().unwrap()["parcels"], 2);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signal {
    inner: Arc<Inner>,
}

struct Inner {
    id: Id,
    topic: Topic,
    source: Source,
    time: Option<Timestamp>,
    data: Data,
    rest: Option<Box<Rest>>,
}

/// What few signals have.
#[derive(Debug, Clone, Default)]
struct Rest {
    subject: Option<Box<str>>,
    content_type: Option<Box<str>>,
    schema: Option<Box<str>>,
    extensions: BTreeMap<Box<str>, Attribute>,
}

impl Signal {
    /// Begins a signal of a type, from a source, such as `"order.7.shipped"` from `"/shop"`. Both
    /// are checked when it is stamped, which a bus does.
    #[expect(clippy::new_ret_no_self, reason = "what it makes becomes one, which is its purpose")]
    pub fn new(topic: impl Into<Cow<'static, str>>, source: impl Into<Cow<'static, str>>) -> Draft {
        Draft::new(topic.into(), source.into())
    }

    /// What it is known by, together with its source.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.inner.id
    }

    /// Its type: what it is routed by.
    #[must_use]
    pub fn topic(&self) -> &Topic {
        &self.inner.topic
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.inner.source
    }

    /// When it happened. One that was stamped here has a time; one from elsewhere may have none.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.inner.time
    }

    /// What of its source it is about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.inner.rest.as_ref()?.subject.as_deref()
    }

    /// The media type of its data: as it says, or else that of the [kind](Data::media_type) of
    /// data.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        let said = self.inner.rest.as_ref().and_then(|rest| rest.content_type.as_deref());
        said.or_else(|| self.inner.data.media_type())
    }

    /// The schema that its data keeps to, as a URI.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.inner.rest.as_ref()?.schema.as_deref()
    }

    /// What it says.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.inner.data
    }

    /// What it says, as a `T`.
    ///
    /// # Errors
    ///
    /// `invalid_signal` when there is no JSON in it, or not that of a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        self.inner.data.read()
    }

    /// An extension attribute.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&Attribute> {
        self.inner.rest.as_ref()?.extensions.get(name)
    }

    /// All extension attributes, by name.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        let rest = self.inner.rest.iter();
        rest.flat_map(|rest| rest.extensions.iter().map(|(name, value)| (&**name, value)))
    }

    /// A draft with all that this signal has, its id and time too: to make another one of it.
    pub fn to_draft(&self) -> Draft {
        Draft::of(&self.inner)
    }

    /// Whether both are the same one, as clones are.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

/// Whether they say the same in every attribute. An attribute or data is the same whether it is
/// written or meant, as a media type that goes without saying is.
impl PartialEq for Signal {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (&*self.inner, &*other.inner);
        self.is_same(other)
            || (one.id == two.id
                && one.topic == two.topic
                && one.source == two.source
                && one.time == two.time
                && self.subject() == other.subject()
                && self.schema() == other.schema()
                && self.content_type() == other.content_type()
                && self.extensions().eq(other.extensions())
                && one.data == two.data)
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { id, topic, source, time, data, rest } = &*self.inner;
        let mut shown = f.debug_struct("Signal");
        shown.field("id", id).field("topic", topic).field("source", source);
        if let Some(time) = time {
            shown.field("time", time);
        }
        if let Some(rest) = rest {
            shown.field("rest", rest);
        }
        shown.field("data", data).finish()
    }
}
