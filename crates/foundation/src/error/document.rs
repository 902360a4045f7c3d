//! The JSON form of an error, which is stable: what one release wrote, the next ones read.
//!
//! ```json
//! {
//!   "version": 1, "code": "bank_unreachable", "category": "infrastructure", "severity": "error",
//!   "message": "no answer", "details": { "bank": "north" }, "id": "0192…", "at": "2026-11-24T10:00:00Z",
//!   "origin": { "operation": "checkout/charge" }, "causes": ["connection reset"]
//! }
//! ```
//!
//! What is empty is left out. A cause is text here: the types behind it stay in their process.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Category, Error, Inner, Origin, Severity, Source};

/// The version that this release writes, and the newest it reads.
const VERSION: u32 = 1;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Document {
    version: u32,
    code: String,
    category: Category,
    severity: Severity,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    details: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
}

/// A cause that was read back.
#[derive(Debug)]
struct Recorded {
    text: String,
    cause: Option<Box<Recorded>>,
}

impl From<&Error> for Document {
    fn from(error: &Error) -> Self {
        let Inner { code, category, severity, message, details, id, at, origin, .. } = &*error.0;
        let first = std::error::Error::source(error);
        let causes = std::iter::successors(first, |cause| cause.source());
        Self {
            version: VERSION,
            code: code.clone().into_owned(),
            category: *category,
            severity: *severity,
            message: message.clone(),
            details: details.clone(),
            id: *id,
            at: *at,
            origin: origin.clone(),
            causes: causes.map(ToString::to_string).collect(),
        }
    }
}

impl From<Document> for Error {
    fn from(document: Document) -> Self {
        let innermost_first = document.causes.into_iter().rev();
        let chain =
            innermost_first.fold(None, |cause, text| Some(Box::new(Recorded { text, cause })));
        Self(Arc::new(Inner {
            code: document.code.into(),
            category: document.category,
            severity: document.severity,
            message: document.message,
            details: document.details,
            id: document.id,
            at: document.at,
            origin: document.origin,
            source: chain.map(|first| -> Source {
                Arc::from(first as Box<dyn std::error::Error + Send + Sync>)
            }),
        }))
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Document::deserialize(deserializer)?;
        if document.version == 0 || document.version > VERSION {
            let version = document.version;
            return Err(de::Error::custom(format!(
                "version {version} of an error; this release reads up to {VERSION}"
            )));
        }
        Ok(document.into())
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Recorded {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let cause = self.cause.as_deref()?;
        Some(cause)
    }
}
