//! Signals as JSON, written as they are, without a value between.

use std::io;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use foundation::Result;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::fault::{too_deep, too_many_bytes, too_many_signals};
use super::limits::Limits;
use super::value::is_within;
use crate::error::invalid;
use crate::signal::{Attribute, Data, Signal, UUID_TEXT};

/// How many bytes are made room for: a signal with little data.
const ROOM: usize = 256;

/// One signal as JSON.
pub(super) fn event(signal: &Signal, limits: Limits) -> Result<Bytes> {
    check(signal, limits)?;
    write(&Event(signal), limits)
}

/// Many signals as JSON.
pub(super) fn batch(signals: &[Signal], limits: Limits) -> Result<Bytes> {
    if signals.len() > limits.batch {
        return Err(too_many_signals(limits).with_detail("size", signals.len()));
    }
    for (index, signal) in signals.iter().enumerate() {
        check(signal, limits).map_err(|error| error.with_detail("index", index))?;
    }
    write(&Events(signals), limits)
}

/// Whether the data of a signal would be read again.
pub(super) fn check(signal: &Signal, limits: Limits) -> Result<()> {
    match signal.data() {
        Data::Json(value) if !is_within(value, limits.deepest()) => Err(too_deep(limits)),
        _ => Ok(()),
    }
}

/// Anything as JSON that is not too large.
pub(super) fn write<T: Serialize>(value: &T, limits: Limits) -> Result<Bytes> {
    let mut within = Within { bytes: Vec::with_capacity(ROOM), most: limits.bytes, is_over: false };
    match serde_json::to_writer(&mut within, value) {
        Ok(()) => Ok(within.bytes.into()),
        Err(_full) if within.is_over => Err(too_many_bytes(limits)),
        Err(error) => Err(invalid("data", "it cannot be written as JSON").with_source(error)),
    }
}

/// Takes bytes until there are too many, so that no more are made.
struct Within {
    bytes: Vec<u8>,
    most: usize,
    is_over: bool,
}

impl io::Write for Within {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > self.most - self.bytes.len() {
            self.is_over = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The form of a signal on the wire.
struct Event<'a>(&'a Signal);

/// That of several.
struct Events<'a>(&'a [Signal]);

impl Serialize for Events<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Event))
    }
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let signal = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", super::event::VERSION)?;
        map.serialize_entry("id", signal.id().text(&mut [0; UUID_TEXT]))?;
        map.serialize_entry("source", signal.source().as_str())?;
        map.serialize_entry("type", signal.topic().as_str())?;
        if let Some(time) = signal.time() {
            map.serialize_entry("time", &Shown(&time))?;
        }
        if let Some(subject) = signal.subject() {
            map.serialize_entry("subject", subject)?;
        }
        match (signal.data(), signal.content_type()) {
            // That it is JSON goes without saying.
            (Data::Json(_), Some("application/json")) | (_, None) => {}
            (_, Some(content_type)) => map.serialize_entry("datacontenttype", content_type)?,
        }
        if let Some(schema) = signal.schema() {
            map.serialize_entry("dataschema", schema)?;
        }
        for (name, value) in signal.extensions() {
            match value {
                Attribute::Boolean(value) => map.serialize_entry(name, value)?,
                Attribute::Integer(value) => map.serialize_entry(name, value)?,
                Attribute::Text(text) => map.serialize_entry(name, text)?,
            }
        }
        match signal.data() {
            Data::None => {}
            Data::Json(value) => map.serialize_entry("data", value)?,
            Data::Text(text) => map.serialize_entry("data", text)?,
            Data::Binary(bytes) => {
                let text = Base64Display::new(bytes, &STANDARD);
                map.serialize_entry("data_base64", &Shown(&text))?;
            }
        }
        map.end()
    }
}

/// Something that is written as it is shown.
struct Shown<'a, T>(&'a T);

impl<T: std::fmt::Display> Serialize for Shown<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}
