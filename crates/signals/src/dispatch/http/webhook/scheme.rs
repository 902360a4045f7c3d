//! How signatures are made and sent. Pure.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use foundation::Result;
use http::HeaderName;

use crate::dispatch::http::encode::push_hex;
use crate::dispatch::http::headers::{TAKEN, checked_name};
use crate::error::invalid_options;

/// How signatures are made, and in which headers they are sent. All are of HMAC-SHA256.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct WebhookScheme {
    form: Form,
    id: Option<Cow<'static, str>>,
    timestamp: Cow<'static, str>,
    signature: Cow<'static, str>,
    event: Option<Cow<'static, str>>,
}

/// What is signed, and how a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `id.timestamp.body`, as `v1,` and base64, several with blanks between.
    Standard,
    /// `timestamp.body`, in hexadecimal digits, several with commas between.
    Jido,
}

/// A scheme whose headers were checked.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) form: Form,
    pub(super) id: Option<HeaderName>,
    pub(super) timestamp: HeaderName,
    pub(super) signature: HeaderName,
    pub(super) event: Option<HeaderName>,
}

impl WebhookScheme {
    /// That of [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0: the headers `webhook-id`,
    /// `webhook-timestamp` and `webhook-signature`, with `v1,` and base64.
    pub const fn standard() -> Self {
        Self {
            form: Form::Standard,
            id: Some(Cow::Borrowed("webhook-id")),
            timestamp: Cow::Borrowed("webhook-timestamp"),
            signature: Cow::Borrowed("webhook-signature"),
            event: None,
        }
    }

    /// That of Jido: the headers `x-webhook-timestamp`, `x-webhook-signature`, in hexadecimal
    /// digits, and `x-webhook-event`, which is the type of the signal and not signed.
    pub const fn jido() -> Self {
        Self {
            form: Form::Jido,
            id: None,
            timestamp: Cow::Borrowed("x-webhook-timestamp"),
            signature: Cow::Borrowed("x-webhook-signature"),
            event: Some(Cow::Borrowed("x-webhook-event")),
        }
    }

    /// Another header for the id, which only [`standard`](Self::standard) signs.
    pub fn id_header(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.id = Some(name.into());
        self
    }

    /// Another header for the time.
    pub fn timestamp_header(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.timestamp = name.into();
        self
    }

    /// Another header for the signatures.
    pub fn signature_header(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.signature = name.into();
        self
    }

    /// Another header for the type of the signal, which is not signed.
    pub fn event_header(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.event = Some(name.into());
        self
    }

    pub(super) fn checked(&self) -> Result<Checked> {
        let Self { form, id, timestamp, signature, event } = self;
        let optional = |name: &Option<Cow<'static, str>>| {
            name.as_ref().map(|name| checked_name("scheme", name)).transpose()
        };
        let (id, event) = (optional(id)?, optional(event)?);
        let timestamp = checked_name("scheme", timestamp)?;
        let signature = checked_name("scheme", signature)?;
        let checked = Checked { form: *form, id, timestamp, signature, event };
        let names: Vec<_> = checked.names().collect();
        for (index, name) in names.iter().enumerate() {
            if TAKEN.contains(&name.as_str())
                || names.iter().skip(index + 1).any(|other| other == name)
            {
                let why = format!("{name} is there twice, or belongs to the message");
                return Err(invalid_options("scheme", &why));
            }
        }
        Ok(checked)
    }
}

impl Checked {
    /// All its headers.
    pub(super) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let optional = self.id.iter().chain(&self.event);
        [&self.timestamp, &self.signature].into_iter().chain(optional)
    }

    /// What is signed, in parts.
    pub(super) fn signed<'a>(
        &self,
        id: &'a str,
        timestamp: &'a str,
        body: &'a [u8],
    ) -> [&'a [u8]; 5] {
        let (id, dot): (&[u8], &[u8]) = match self.form {
            Form::Standard => (id.as_bytes(), b"."),
            Form::Jido => (b"", b""),
        };
        [id, dot, timestamp.as_bytes(), b".", body]
    }

    /// Signatures as they are sent.
    pub(super) fn write(&self, signatures: &[impl AsRef<[u8]>]) -> String {
        let one = |signature: &[u8]| match self.form {
            Form::Standard => format!("v1,{}", STANDARD.encode(signature)),
            Form::Jido => {
                let mut digits = String::with_capacity(2 * signature.len());
                for byte in signature {
                    push_hex(&mut digits, *byte, b"0123456789abcdef");
                }
                digits
            }
        };
        let all: Vec<_> = signatures.iter().map(|signature| one(signature.as_ref())).collect();
        all.join(self.between())
    }

    /// Signatures that were sent; those of other kinds are left out.
    pub(super) fn read(&self, sent: &str) -> Vec<Vec<u8>> {
        let all = sent.split(self.between()).map(str::trim);
        let one = |text: &str| match self.form {
            Form::Standard => STANDARD.decode(text.strip_prefix("v1,")?).ok(),
            Form::Jido => from_hex(text),
        };
        all.filter_map(one).collect()
    }

    const fn between(&self) -> &'static str {
        match self.form {
            Form::Standard => " ",
            Form::Jido => ",",
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pairs = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { pairs.collect() } else { None }
}
