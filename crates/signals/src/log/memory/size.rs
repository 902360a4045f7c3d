//! About how large a signal is as JSON, without writing it.

use serde_json::Value;
use smallvec::{SmallVec, smallvec};

use crate::signal::{Attribute, Data, Signal};

/// What every signal has as JSON: braces, the names of its attributes, quotes, and its version.
const FRAME: usize = 80;
/// A time as text.
const TIME: usize = 30;
/// An id that is a UUID, as most are.
const ID: usize = 36;
/// A number, as text.
const NUMBER: usize = 8;

/// About how large it is as JSON.
pub(super) fn size(signal: &Signal) -> u64 {
    let text =
        |text: Option<&str>| text.map_or(0, |text| text.len() + "\"datacontenttype\":,".len());
    let extensions = signal.extensions().map(|(name, value)| name.len() + 6 + attribute(value));
    let size = FRAME
        + TIME
        + ID
        + signal.topic().as_str().len()
        + signal.source().as_str().len()
        + text(signal.subject())
        + text(signal.content_type())
        + text(signal.schema())
        + extensions.sum::<usize>()
        + data(signal.data());
    u64::try_from(size).unwrap_or(u64::MAX)
}

const fn attribute(value: &Attribute) -> usize {
    match value {
        Attribute::Boolean(_) => 5,
        Attribute::Integer(_) => NUMBER,
        Attribute::Text(text) => text.len(),
    }
}

fn data(data: &Data) -> usize {
    match data {
        Data::None => 0,
        Data::Json(value) => json(value),
        Data::Text(text) => text.len() + 2,
        // Bytes are written as base64.
        Data::Binary(bytes) => bytes.len() / 3 * 4 + 4,
    }
}

/// Goes through it without recursion: it may be as deep as whoever made it liked.
fn json(value: &Value) -> usize {
    let mut rest: SmallVec<[&Value; 16]> = smallvec![value];
    let mut size = 0;
    while let Some(value) = rest.pop() {
        size += match value {
            Value::Null | Value::Bool(_) => 5,
            Value::Number(_) => NUMBER,
            Value::String(text) => text.len() + 2,
            Value::Array(values) => {
                rest.extend(values);
                2 + values.len()
            }
            Value::Object(members) => {
                rest.extend(members.values());
                2 + members.keys().map(|key| key.len() + 4).sum::<usize>()
            }
        };
    }
    size
}

#[cfg(test)]
mod tests;
