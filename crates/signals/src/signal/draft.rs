//! A signal that is not yet stamped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use foundation::{Home, InSystem, Result};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::check::{check_rest, check_time, settle};
use super::trace::span;
use super::{Attribute, Data, Extensions, Id, Inner, Rest, Signal, Source, TraceContext};
use crate::error::invalid;
use crate::topic::Topic;

/// How many extension attributes a signal may have: they travel in headers, of which servers take a
/// hundred.
pub const MAX_EXTENSIONS: usize = 64;

/// A signal that is not yet stamped: what it says is checked when it is. Begin with
/// [`Signal::new`].
#[derive(Debug, Clone)]
#[must_use = "nobody hears of it until it is stamped and published"]
pub struct Draft {
    topic: Cow<'static, str>,
    source: Cow<'static, str>,
    id: Option<Id>,
    /// What is wrong with it, as far as that was seen while it was made.
    wrong: Option<foundation::Error>,
    time: Option<Timestamp>,
    data: Data,
    /// Which extensions it must have, and must not have.
    extensions: Option<&'static Extensions>,
    /// Of which span its own is to be a child.
    parent: Option<Box<TraceContext>>,
    rest: Option<Box<Rest>>,
}

impl Draft {
    pub(super) const fn new(topic: Cow<'static, str>, source: Cow<'static, str>) -> Self {
        let (id, wrong, time, data) = (None, None, None, Data::None);
        let (extensions, parent, rest) = (None, None, None);
        Self { topic, source, id, wrong, time, data, extensions, parent, rest }
    }

    pub(super) fn of(signal: &Inner) -> Self {
        Self {
            topic: signal.topic.as_str().to_owned().into(),
            source: signal.source.as_str().to_owned().into(),
            id: Some(signal.id.clone()),
            wrong: None,
            time: signal.time,
            data: signal.data.clone(),
            extensions: None,
            parent: None,
            rest: signal.rest.clone(),
        }
    }

    /// What it says, as JSON.
    pub fn json(self, value: Value) -> Self {
        self.data(Data::Json(value))
    }

    /// What it says, as the JSON of a value.
    pub fn serialize<T: Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => self.json(value),
            Err(error) => {
                self.wrong(invalid("data", "it cannot be written as JSON").with_source(error))
            }
        }
    }

    /// What it says, as a text that is not JSON, such as XML; nothing where it is empty.
    pub fn text(self, text: impl Into<Box<str>>) -> Self {
        self.data(Data::Text(text.into()))
    }

    /// What it says, as bytes; nothing where there are none.
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.data(Data::Binary(bytes.into()))
    }

    /// What it says.
    pub fn data(mut self, data: impl Into<Data>) -> Self {
        self.data = data.into();
        self
    }

    /// Its id, in place of a new one. A source never gives the same one twice.
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        match Id::try_from(id.as_ref()) {
            Ok(id) => {
                self.id = Some(id);
                self
            }
            Err(error) => self.wrong(error),
        }
    }

    /// When it happened, in place of the moment in which it is stamped.
    pub const fn time(mut self, time: Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    /// What of its source it is about.
    pub fn subject(mut self, subject: impl Into<Box<str>>) -> Self {
        self.rest().subject = Some(subject.into());
        self
    }

    /// The media type of its data, in place of that of its [kind](Data::media_type). Text or bytes
    /// that it says to be JSON are read as that when it is stamped.
    pub fn content_type(mut self, media_type: impl Into<Box<str>>) -> Self {
        self.rest().content_type = Some(media_type.into());
        self
    }

    /// The schema that its data keeps to, as a URI.
    pub fn schema(mut self, uri: impl Into<Box<str>>) -> Self {
        self.rest().schema = Some(uri.into());
        self
    }

    /// An extension attribute. Its name is of letters in lower case and digits.
    ///
    /// One of 64; its text is of 4096 bytes at most, without control characters.
    pub fn extension(mut self, name: impl Into<Box<str>>, value: impl Into<Attribute>) -> Self {
        self.rest().extensions.insert(name.into(), value.into());
        self
    }

    /// Checks it and makes a signal of it, with an id and a time of the system if it has none.
    ///
    /// # Errors
    ///
    /// `invalid_signal`, with the `attribute` that cannot be.
    pub fn stamp(self, system: &impl InSystem) -> Result<Signal> {
        self.stamp_at(&system.home())
    }

    /// As [`Self::stamp`], for whoever has a home at hand: to make one costs as much as the rest.
    pub(crate) fn stamp_at(mut self, home: &Home) -> Result<Signal> {
        if let Some(parent) = self.parent.take() {
            self.set_trace(parent.child(span(home.new_seed())));
        }
        let (id, time) = match (self.id.take(), self.time) {
            (Some(id), Some(time)) => (id, time),
            (id, time) => {
                // The clock is read once, for both.
                let now = home.now();
                let id = id.unwrap_or_else(|| home.new_id_at(now).into());
                (id, time.unwrap_or(now))
            }
        };
        self.finish(id, Some(time))
    }

    /// Checks it and makes a signal of it as it is, without a time if it has none. One that was
    /// [caused](Self::caused_by) is in the span of its cause, as there is no system to begin
    /// another.
    ///
    /// # Errors
    ///
    /// `invalid_signal`, with the `attribute` that cannot be; the `id` if it has none.
    pub fn build(mut self) -> Result<Signal> {
        if let Some(parent) = self.parent.take() {
            self.set_trace(*parent);
        }
        match self.id.take() {
            Some(id) => {
                let time = self.time;
                self.finish(id, time)
            }
            None => Err(self.wrong.unwrap_or_else(|| invalid("id", "it is missing"))),
        }
    }

    fn finish(self, id: Id, time: Option<Timestamp>) -> Result<Signal> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let topic = Topic::new(self.topic)?;
        let source = Source::new(self.source)?;
        check_time(time)?;
        let rest = self.rest;
        if let Some(rest) = &rest {
            check_rest(rest)?;
        }
        if let Some(extensions) = self.extensions {
            extensions.check(rest.as_deref())?;
        }
        let content_type = rest.as_ref().and_then(|rest| rest.content_type.as_deref());
        let data = settle(self.data, content_type)?;
        let inner = Inner { id, topic, source, time, data, rest };
        Ok(Signal { inner: Arc::new(inner) })
    }

    /// Its id, which has been checked.
    pub(crate) fn known_by(mut self, id: Id) -> Self {
        self.id = Some(id);
        self
    }

    /// Its extension attributes, in place of all others.
    pub(crate) fn with_extensions(mut self, extensions: BTreeMap<Box<str>, Attribute>) -> Self {
        self.rest().extensions = extensions;
        self
    }

    /// Which extensions it must have, and must not have.
    pub(super) const fn keeping(mut self, extensions: &'static Extensions) -> Self {
        self.extensions = Some(extensions);
        self
    }

    /// That its span is to be a child of this one, or of none.
    pub(super) fn follow(mut self, parent: Option<TraceContext>) -> Self {
        self.parent = parent.map(Box::new);
        self
    }

    pub(super) fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    /// Notes what is wrong with it, unless something was before.
    pub(super) fn wrong(mut self, error: foundation::Error) -> Self {
        self.wrong.get_or_insert(error);
        self
    }
}
