//! The sending side of signatures.

use foundation::Result;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::scheme::Checked;
use super::secret::WebhookSecret;
use crate::dispatch::http::encode::percent_encoded;
use crate::error::invalid;

/// Signs messages.
#[derive(Debug, Clone)]
pub(in super::super) struct Signer {
    pub(super) secrets: Vec<WebhookSecret>,
    pub(super) scheme: Checked,
}

impl Signer {
    /// The headers that it writes.
    pub(in super::super) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.scheme.names()
    }

    /// Adds a signature of a body, that of a signal of this id and type, to its headers.
    pub(in super::super) fn sign(
        &self,
        headers: &mut HeaderMap,
        (id, kind): (&str, &str),
        body: &[u8],
        now: Timestamp,
    ) -> Result<()> {
        // With a dot in it the id could take what is the time's.
        let id = percent_encoded(id).replace('.', "%2E");
        let timestamp = now.as_second().to_string();
        let signed = self.scheme.signed(&id, &timestamp, body);
        let signatures: Vec<_> = self.secrets.iter().map(|secret| secret.sign(&signed)).collect();
        let written = self.scheme.write(&signatures);
        let Checked { id: id_header, event, timestamp: timestamp_header, signature, .. } =
            &self.scheme;
        let mut insert = |name: &HeaderName, value: &str| -> Result<()> {
            let value = HeaderValue::from_str(value);
            headers.insert(name, value.map_err(|_| invalid("id", "it has what no header has"))?);
            Ok(())
        };
        insert(timestamp_header, &timestamp)?;
        insert(signature, &written)?;
        if let Some(name) = id_header {
            insert(name, &id)?;
        }
        if let Some(name) = event {
            insert(name, kind)?;
        }
        Ok(())
    }
}
