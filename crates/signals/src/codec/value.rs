//! JSON of any kind, read more strictly than the parser does: not too deep, and no key twice, since
//! one reader would take the first and another the last.

use std::fmt;

use foundation::Result;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::fault::{Faults, too_deep, too_many_bytes, unreadable};
use super::limits::Limits;
use crate::error::shortened;

/// The text of bytes that are not too many, not none, and UTF-8.
pub(super) fn text(bytes: &[u8], limits: Limits) -> Result<&str> {
    if bytes.len() > limits.bytes {
        return Err(too_many_bytes(limits).with_detail("size", bytes.len()));
    }
    if bytes.is_empty() {
        return Err(unreadable("empty", "there is nothing"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        unreadable("encoding", "it is not UTF-8").with_detail("position", error.valid_up_to())
    })
}

/// The JSON that bytes are.
pub(crate) fn read_value(bytes: &[u8], limits: Limits) -> Result<Value> {
    let text = text(bytes, limits)?;
    let faults = Faults::default();
    let mut parser = serde_json::Deserializer::from_str(text);
    let strict = Strict::new(&faults, limits);
    let read = strict.deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    read.map_err(|error| faults.error(&error))
}

/// Whether arrays and objects are not too deep within each other.
pub(super) fn is_within(value: &Value, left: u8) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if left == 0 => false,
        Value::Array(values) => values.iter().all(|value| is_within(value, left - 1)),
        Value::Object(values) => values.values().all(|value| is_within(value, left - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Reads a value.
#[derive(Clone, Copy)]
pub(super) struct Strict<'f> {
    faults: &'f Faults,
    limits: Limits,
    /// How many arrays and objects may still be within each other.
    left: u8,
}

impl<'f> Strict<'f> {
    pub(super) fn new(faults: &'f Faults, limits: Limits) -> Self {
        Self { faults, limits, left: limits.deepest() }
    }

    fn within<E: de::Error>(self) -> std::result::Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(self.faults.note(too_deep(self.limits))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Value, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> std::result::Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> std::result::Result<Value, A::Error> {
        let within = self.within()?;
        let mut values = Vec::new();
        while let Some(value) = parts.next_element_seed(within)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> std::result::Result<Value, A::Error> {
        let within = self.within()?;
        let mut values = Map::new();
        while let Some(key) = parts.next_key::<String>()? {
            let value = parts.next_value_seed(within)?;
            if let Some(key) = insert(&mut values, key, value) {
                let error = unreadable("duplicate_key", "a key is there twice in an object");
                return Err(self.faults.note(error.with_detail("key", shortened(&key))));
            }
        }
        Ok(Value::Object(values))
    }
}

/// Inserts, or gives the key back that is there already.
fn insert(values: &mut Map<String, Value>, key: String, value: Value) -> Option<String> {
    match values.entry(key) {
        serde_json::map::Entry::Vacant(place) => {
            place.insert(value);
            None
        }
        serde_json::map::Entry::Occupied(place) => Some(place.key().clone()),
    }
}
