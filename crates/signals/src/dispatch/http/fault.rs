//! Errors of endpoints. None of them names a path or a query, which often are secrets.

use std::error::Error as StdError;

use foundation::{Error, codes as system_codes};

use super::address::Class;
use crate::codes;

/// What of an attempt went wrong with the network.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    Resolve,
    Connect,
    Tls,
    Exchange,
}

type Source = Box<dyn StdError + Send + Sync>;

/// An error of the network, or of who is there.
pub(super) fn network(phase: Phase, source: impl Into<Source>) -> Error {
    let (name, message) = match phase {
        Phase::Resolve => ("resolve", "the name of the host cannot be resolved"),
        Phase::Connect => ("connect", "there is no connection"),
        Phase::Tls => {
            let error = Error::from(codes::TLS_FAILED).with_source(source);
            return error.with_message("there is no secure connection");
        }
        Phase::Exchange => ("exchange", "there is no answer that can be understood"),
    };
    let error = Error::from(system_codes::NETWORK_ERROR).with_source(source);
    error.with_message(message).with_detail("kind", name)
}

/// An address that must not be connected to.
pub(super) fn refused_address(class: Class) -> Error {
    let (name, why) = (class.as_str(), class.allowed_by());
    let message = format!("the host has {name} addresses only, which {why}");
    Error::from(codes::ADDRESS_REFUSED).with_message(message).with_detail("class", name)
}

/// An address that must not be connected to without TLS.
pub(super) fn clear_text() -> Error {
    let message = "signals leave this machine without encryption only with allow_clear_text";
    Error::from(codes::ADDRESS_REFUSED).with_message(message)
}

/// A redirect that is not followed.
pub(super) fn refused_redirect(status: u16, why: impl Into<String>) -> Error {
    Error::from(codes::REDIRECT_REFUSED).with_message(why).with_detail("status", status)
}
