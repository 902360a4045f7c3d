//! Signals read from JSON.

mod field;
mod parts;

use std::cell::Cell;
use std::fmt;

use foundation::Result;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

pub(super) use parts::{Parts, VERSION};

use self::field::{Base64, Field, Name, Raw};
use super::fault::{Faults, too_many_signals};
use super::limits::Limits;
use super::value::{Strict, text};
use crate::error::invalid;
use crate::signal::Signal;

/// The signal that bytes are.
pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Signal> {
    let text = text(bytes, limits)?;
    let faults = Faults::default();
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = Event { faults: &faults, limits }
        .deserialize(&mut parser)
        .and_then(|signal| parser.end().map(|()| signal));
    read.map_err(|error| faults.error(&error))
}

/// The signals that bytes are.
pub(super) fn read_batch(bytes: &[u8], limits: Limits) -> Result<Vec<Signal>> {
    let text = text(bytes, limits)?;
    let (faults, index) = (Faults::default(), Cell::new(None));
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = Events { event: Event { faults: &faults, limits }, index: &index }
        .deserialize(&mut parser)
        .and_then(|signals| parser.end().map(|()| signals));
    read.map_err(|error| {
        let error = faults.error(&error);
        match index.get() {
            Some(index) => error.with_detail("index", index),
            None => error,
        }
    })
}

/// Reads a signal.
#[derive(Clone, Copy)]
struct Event<'f> {
    faults: &'f Faults,
    limits: Limits,
}

impl Event<'_> {
    /// Reads the value of one member.
    fn member<'de, A: MapAccess<'de>>(
        self,
        name: &str,
        parts: &mut Parts,
        map: &mut A,
    ) -> std::result::Result<(), A::Error> {
        let done = match name {
            "data" => parts.json(map.next_value_seed(Strict::new(self.faults, self.limits))?),
            "data_base64" => parts.bytes(map.next_value_seed(Base64(self.faults))?),
            // Jido's own, which say nothing of the signal.
            "jido_schema_version" | "jido_dispatch" => {
                map.next_value::<de::IgnoredAny>()?;
                Ok(())
            }
            name => match map.next_value_seed(Field { name, faults: self.faults })? {
                Raw::Null => parts.null(name),
                Raw::Text(text) => parts.text(name, text),
                Raw::Other(value) => parts.other(name, value),
            },
        };
        done.map_err(|error| self.faults.note(error))
    }
}

impl<'de> DeserializeSeed<'de> for Event<'_> {
    type Value = Signal;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Signal, D::Error> {
        parser.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Event<'_> {
    type Value = Signal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a signal")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Signal, A::Error> {
        let mut parts = Parts::default();
        while let Some(name) = map.next_key_seed(Name)? {
            self.member(&name, &mut parts, &mut map)?;
        }
        parts.signal().map_err(|error| self.faults.note(error))
    }
}

/// Reads several signals.
struct Events<'f> {
    event: Event<'f>,
    /// Which one is being read.
    index: &'f Cell<Option<usize>>,
}

impl<'de> DeserializeSeed<'de> for Events<'_> {
    type Value = Vec<Signal>;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Vec<Signal>, D::Error> {
        parser.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_> {
    type Value = Vec<Signal>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signals")
    }

    fn visit_seq<A: SeqAccess<'de>>(
        self,
        mut seq: A,
    ) -> std::result::Result<Vec<Signal>, A::Error> {
        let mut signals = Vec::new();
        self.index.set(Some(0));
        while let Some(signal) = seq.next_element_seed(self.event)? {
            if signals.len() >= self.event.limits.batch {
                self.index.set(None);
                return Err(self.event.faults.note(too_many_signals(self.event.limits)));
            }
            signals.push(signal);
            self.index.set(Some(signals.len()));
        }
        self.index.set(None);
        Ok(signals)
    }
}

/// That an attribute is there twice.
fn twice(name: &str) -> foundation::Error {
    invalid(name, "it is there twice")
}
