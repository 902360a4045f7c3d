//! What has been read of a signal, from JSON or from headers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use foundation::Result;
use jiff::Timestamp;
use serde_json::Value;

use super::twice;
use crate::codec::time;
use crate::error::{invalid, invalid_value};
use crate::signal::{Attribute, Data, Id, MAX_EXTENSIONS, MediaType, Signal, check_name, too_many};

/// The version of the specification, as it is written.
pub(in crate::codec) const VERSION: &str = "1.0";
/// What Jido writes, which is the revision of the document.
const VERSION_OF_JIDO: &str = "1.0.2";

/// What has been read of a signal.
#[derive(Default)]
pub(in crate::codec) struct Parts {
    has_version: bool,
    id: Option<Id>,
    source: Option<String>,
    topic: Option<String>,
    time: Option<Timestamp>,
    subject: Option<String>,
    content_type: Option<String>,
    schema: Option<String>,
    json: Option<Value>,
    bytes: Option<Bytes>,
    extensions: BTreeMap<Box<str>, Attribute>,
    /// The names of what was there and as good as nothing: no other value may follow.
    nulls: Vec<Box<str>>,
}

impl Parts {
    /// An attribute that is a text.
    pub(in crate::codec) fn text(&mut self, name: &str, text: String) -> Result<()> {
        match name {
            "specversion" => {
                if std::mem::replace(&mut self.has_version, true) {
                    return Err(twice(name));
                }
                match &*text {
                    VERSION | VERSION_OF_JIDO => self.is_first(name),
                    _ => Err(invalid_value(name, &text, "it is a version that is not read here")),
                }
            }
            "id" => {
                let id = Id::try_from(&*text)?;
                self.once(name, id, |parts| &mut parts.id)
            }
            "source" => self.once(name, text, |parts| &mut parts.source),
            "type" => self.once(name, text, |parts| &mut parts.topic),
            "time" => {
                let message = "it is no time as RFC 3339 writes them";
                let time = time::parse(&text).ok_or_else(|| invalid_value(name, &text, message))?;
                self.once(name, time, |parts| &mut parts.time)
            }
            "subject" => self.once(name, text, |parts| &mut parts.subject),
            "datacontenttype" => self.once(name, text, |parts| &mut parts.content_type),
            "dataschema" => self.once(name, text, |parts| &mut parts.schema),
            name => self.extension(name, text.into()),
        }
    }

    /// An attribute that is no text, as those of the specification all are.
    pub(in crate::codec) fn other(&mut self, name: &str, value: Attribute) -> Result<()> {
        match name {
            "specversion" | "id" | "source" | "type" | "time" | "subject" | "datacontenttype"
            | "dataschema" => Err(invalid(name, "it is not a text")),
            name => self.extension(name, value),
        }
    }

    /// A member that is there and says nothing.
    pub(in crate::codec) fn null(&mut self, name: &str) -> Result<()> {
        self.is_first(name)?;
        let is_known = match name {
            "specversion" => self.has_version,
            "id" => self.id.is_some(),
            "source" => self.source.is_some(),
            "type" => self.topic.is_some(),
            "time" => self.time.is_some(),
            "subject" => self.subject.is_some(),
            "datacontenttype" => self.content_type.is_some(),
            "dataschema" => self.schema.is_some(),
            "data_base64" => self.bytes.is_some(),
            name => {
                check_name(name)?;
                self.extensions.contains_key(name)
            }
        };
        if is_known {
            return Err(twice(name));
        }
        if self.nulls.len() > MAX_EXTENSIONS {
            return Err(too_many());
        }
        self.nulls.push(name.into());
        Ok(())
    }

    /// The data as JSON.
    pub(in crate::codec) fn json(&mut self, value: Value) -> Result<()> {
        self.once("data", value, |parts| &mut parts.json)
    }

    /// The data as bytes.
    pub(in crate::codec) fn bytes(&mut self, bytes: Option<Vec<u8>>) -> Result<()> {
        match bytes {
            Some(bytes) => self.once("data_base64", bytes.into(), |parts| &mut parts.bytes),
            None => self.null("data_base64"),
        }
    }

    fn extension(&mut self, name: &str, value: Attribute) -> Result<()> {
        self.is_first(name)?;
        check_name(name)?;
        if self.extensions.len() >= MAX_EXTENSIONS {
            return Err(too_many());
        }
        match self.extensions.insert(name.into(), value) {
            Some(_) => Err(twice(name)),
            None => Ok(()),
        }
    }

    /// Puts a value where there is none.
    fn once<T>(
        &mut self,
        name: &str,
        value: T,
        place: impl FnOnce(&mut Self) -> &mut Option<T>,
    ) -> Result<()> {
        self.is_first(name)?;
        match place(self).replace(value) {
            Some(_) => Err(twice(name)),
            None => Ok(()),
        }
    }

    fn is_first(&self, name: &str) -> Result<()> {
        if self.nulls.iter().any(|null| **null == *name) { Err(twice(name)) } else { Ok(()) }
    }

    /// The signal, with the data that was read.
    pub(super) fn signal(mut self) -> Result<Signal> {
        let data = match (self.json.take(), self.bytes.take()) {
            (None, None) => Data::None,
            (None, Some(bytes)) => Data::Binary(bytes),
            (Some(value), None) => of_member(value, self.content_type.as_deref())?,
            (Some(_), Some(_)) => return Err(invalid("data", "it is beside `data_base64`")),
        };
        self.signal_of(data)
    }

    /// The signal, with that data.
    pub(in crate::codec) fn signal_of(self, data: Data) -> Result<Signal> {
        let missing = |name: &str| invalid(name, "it is missing");
        if !self.has_version {
            return Err(missing("specversion"));
        }
        let id = self.id.ok_or_else(|| missing("id"))?;
        let source = self.source.ok_or_else(|| missing("source"))?;
        let topic = self.topic.ok_or_else(|| missing("type"))?;
        let mut draft = Signal::new(Cow::Owned(topic), Cow::Owned(source)).known_by(id).data(data);
        if let Some(time) = self.time {
            draft = draft.time(time);
        }
        if let Some(subject) = self.subject {
            draft = draft.subject(subject);
        }
        if let Some(content_type) = self.content_type {
            draft = draft.content_type(content_type);
        }
        if let Some(schema) = self.schema {
            draft = draft.schema(schema);
        }
        if !self.extensions.is_empty() {
            draft = draft.with_extensions(self.extensions);
        }
        draft.build()
    }
}

/// The data that the member `data` is, by the media type of the signal.
fn of_member(value: Value, content_type: Option<&str>) -> Result<Data> {
    let is_json = content_type.and_then(MediaType::parse).is_none_or(MediaType::is_json);
    match value {
        value if is_json => Ok(Data::Json(value)),
        Value::String(text) => Ok(Data::Text(text.into())),
        Value::Null => Ok(Data::None),
        _ => Err(invalid("data", "it is not a text, which its media type makes it")),
    }
}
