//! Webhooks: endpoints that can tell who has sent a signal, and that it was not changed on its way.

mod options;
mod scheme;
mod secret;
mod sign;
#[cfg(test)]
mod tests;
mod verify;

pub use options::WebhookOptions;
pub use scheme::WebhookScheme;
pub use secret::WebhookSecret;
pub(super) use sign::Signer;
pub use verify::WebhookVerifier;
