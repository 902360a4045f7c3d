//! HTTP endpoints and webhooks as destinations.
//!
//! - **One connection for each attempt**, made, used and closed in the task that dispatches:
//!   nothing is spawned, and what is given up leaves nothing behind. Only names are resolved on
//!   threads, because the machine's resolver blocks.
//! - **What is checked is what is connected to**: an address is judged after a name was resolved,
//!   and the connection goes to that address, so that a name cannot say one thing to the check and
//!   another to the connection. Redirects are checked in the same way.
//! - **Everything that comes back is bounded**: time, headers, and how much of a body is read.

mod address;
mod attempt;
mod circuit;
mod client;
mod connect;
mod encode;
mod endpoint;
mod exchange;
mod fault;
mod headers;
mod io;
mod options;
mod redirect;
mod resolve;
mod response;
mod tls;
mod url;
mod webhook;

pub(super) use client::{Client, ClientOptions};
pub(super) use endpoint::Endpoint;
pub use options::HttpOptions;
pub use webhook::{WebhookOptions, WebhookScheme, WebhookSecret, WebhookVerifier};
