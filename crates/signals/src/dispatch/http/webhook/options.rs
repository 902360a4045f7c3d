//! How a webhook is reached, and by what it knows the sender.

use foundation::Result;

use super::scheme::WebhookScheme;
use super::secret::WebhookSecret;
use super::sign::Signer;
use crate::dispatch::http::encode::Mode;
use crate::dispatch::http::options::HttpOptions;
use crate::error::invalid_options;

/// How many secrets sign at a time: the old and the new one, and some to spare.
pub(super) const MOST_SECRETS: usize = 5;

/// How a webhook is reached, and by which secrets it knows the sender. It is checked by
/// [`Destination::webhook`](crate::Destination::webhook).
///
/// A signature holds for one attempt, whose time is part of it; the id stays the same, by which a
/// receiver knows what it has had.
#[derive(Debug, Clone)]
#[must_use = "it is no destination until it is made one"]
pub struct WebhookOptions {
    http: HttpOptions,
    secrets: Vec<WebhookSecret>,
    scheme: WebhookScheme,
}

impl WebhookOptions {
    /// An endpoint whose signals are signed. Not in binary mode, in which attributes are in
    /// headers, which no signature is about.
    pub fn new(http: HttpOptions, secret: WebhookSecret) -> Self {
        Self { http, secrets: vec![secret], scheme: WebhookScheme::standard() }
    }

    /// Signs with this secret too, while secrets change: up to five at a time.
    pub fn and_secret(mut self, secret: WebhookSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// How signatures are made and sent, in place of [that of Standard
    /// Webhooks](WebhookScheme::standard).
    pub fn scheme(mut self, scheme: WebhookScheme) -> Self {
        self.scheme = scheme;
        self
    }

    pub(in super::super) fn checked(self) -> Result<(HttpOptions, Signer)> {
        let Self { http, secrets, scheme } = self;
        if http.mode == Mode::Binary {
            let why = "a signature is about the body only, where the attributes would not be";
            return Err(invalid_options("binary", why));
        }
        if secrets.len() > MOST_SECRETS {
            return Err(invalid_options("secrets", "there are five at most"));
        }
        Ok((http, Signer { secrets, scheme: scheme.checked()? }))
    }
}
