//! What only the sender and the receiver of a webhook know.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use foundation::Result;
use ring::hmac::{Context, HMAC_SHA256, Key};

use crate::error::invalid_options;

/// What secrets begin with that are written in base64.
const PREFIX: &str = "whsec_";

/// What only the sender and the receiver of a webhook know. It is never shown.
#[derive(Clone)]
pub struct WebhookSecret(Key);

impl WebhookSecret {
    /// A secret as it is, of 16 to 256 bytes.
    ///
    /// # Errors
    ///
    /// `invalid_options` when it is shorter or longer.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self> {
        Self::of(secret.as_ref(), 16, 256)
    }

    /// A secret as Standard Webhooks writes it: `whsec_` and 24 to 64 bytes in base64.
    ///
    /// # Errors
    ///
    /// `invalid_options` when it is something else.
    pub fn parse(text: &str) -> Result<Self> {
        let secret = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        let why = "it begins with whsec_, and goes on in base64";
        Self::of(&secret.ok_or_else(|| invalid_options("secret", why))?, 24, 64)
    }

    fn of(secret: &[u8], least: usize, most: usize) -> Result<Self> {
        if !(least..=most).contains(&secret.len()) {
            let why = format!("a secret of this kind has {least} to {most} bytes");
            return Err(invalid_options("secret", &why));
        }
        Ok(Self(Key::new(HMAC_SHA256, secret)))
    }

    /// The signature of something in parts.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> impl AsRef<[u8]> + use<> {
        let mut context = Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        context.sign()
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    pub(super) fn is_same(&self, signature: &[u8], sent: &[u8]) -> bool {
        ring::hmac::verify(&self.0, signature, ring::hmac::sign(&self.0, sent).as_ref()).is_ok()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}
