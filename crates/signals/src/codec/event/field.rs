//! The names and the values of members.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::codec::fault::Faults;
use crate::error::invalid;
use crate::signal::Attribute;

/// Reads the name of a member, in place where it has no escapes.
pub(super) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        parser.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an attribute")
    }

    fn visit_borrowed_str<E: de::Error>(
        self,
        name: &'de str,
    ) -> std::result::Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> std::result::Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// What an attribute can be in JSON.
pub(super) enum Raw {
    /// As good as nothing.
    Null,
    Text(String),
    Other(Attribute),
}

/// Reads the value of an attribute.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) faults: &'a Faults,
}

impl Field<'_> {
    fn wrong<T, E: de::Error>(&self, message: &str) -> std::result::Result<T, E> {
        Err(self.faults.note(invalid(self.name, message)))
    }
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Raw;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Raw, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> std::result::Result<Raw, E> {
        Ok(Raw::Other(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Raw, E> {
        match i32::try_from(value) {
            Ok(value) => Ok(Raw::Other(value.into())),
            Err(_) => self.wrong("it is a number of more than 32 bits"),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Raw, E> {
        match i32::try_from(value) {
            Ok(value) => Ok(Raw::Other(value.into())),
            Err(_) => self.wrong("it is a number of more than 32 bits"),
        }
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> std::result::Result<Raw, E> {
        self.wrong("it is a number that is not written as a whole one of 32 bits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> std::result::Result<Raw, A::Error> {
        self.wrong("it is an array, which no attribute is")
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> std::result::Result<Raw, A::Error> {
        self.wrong("it is an object, which no attribute is")
    }
}

/// Reads bytes that are written as a text.
pub(super) struct Base64<'f>(pub(super) &'f Faults);

impl Base64<'_> {
    fn wrong<T, E: de::Error>(&self) -> std::result::Result<T, E> {
        Err(self.0.note(invalid("data_base64", "it is not Base64 with padding")))
    }
}

impl<'de> DeserializeSeed<'de> for Base64<'_> {
    type Value = Option<Vec<u8>>;

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        parser: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Base64<'_> {
    type Value = Option<Vec<u8>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes in Base64")
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Self::Value, E> {
        match STANDARD.decode(text) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(_) => self.wrong(),
        }
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> std::result::Result<Self::Value, E> {
        self.wrong()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> std::result::Result<Self::Value, E> {
        self.wrong()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> std::result::Result<Self::Value, E> {
        self.wrong()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> std::result::Result<Self::Value, E> {
        self.wrong()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> std::result::Result<Self::Value, A::Error> {
        self.wrong()
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> std::result::Result<Self::Value, A::Error> {
        self.wrong()
    }
}
