//! Which addresses may be connected to. Pure.
//!
//! A name in the address of a webhook is chosen by whoever registers it, who may be a stranger.
//! What it resolves to must not lead into this machine or its network, where programs trust whoever
//! reaches them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// One of the internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network, or that between a provider and its customers.
    Private,
    /// This network segment, where clouds give out credentials.
    LinkLocal,
    /// None that a server has: of many receivers, of nobody, of documents, or not given out.
    Never,
}

/// Which kinds of addresses may be connected to, beside public ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Allowed {
    pub(super) loopback: bool,
    pub(super) private: bool,
    pub(super) link_local: bool,
}

impl Class {
    /// What it is called in errors.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Never => "reserved",
        }
    }

    /// What becomes of such addresses, in errors.
    pub(super) const fn allowed_by(self) -> &'static str {
        match self {
            Self::Public => "are allowed",
            Self::Loopback => "are refused without allow_loopback",
            Self::Private => "are refused without allow_private",
            Self::LinkLocal => "are refused without allow_link_local",
            Self::Never => "are always refused",
        }
    }
}

impl Allowed {
    /// Whether one of that kind may be connected to.
    pub(super) const fn allows(self, class: Class) -> bool {
        match class {
            Class::Public => true,
            Class::Loopback => self.loopback,
            Class::Private => self.private,
            Class::LinkLocal => self.link_local,
            Class::Never => false,
        }
    }
}

/// What kind of address it is.
pub(super) fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => class_of_v4(address),
        IpAddr::V6(address) => class_of_v6(address),
    }
}

/// By the registry of special addresses of IANA (RFC 6890 and those that came later).
fn class_of_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        [127, ..] => Class::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Class::Private,
        [169, 254, ..] => Class::LinkLocal,
        // This network, protocols, documents, relays of 6to4, measuring, many receivers, not given
        // out, everybody.
        [0 | 224..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Class::Never,
        _ => Class::Public,
    }
}

fn class_of_v6(address: Ipv6Addr) -> Class {
    if address == Ipv6Addr::LOCALHOST {
        return Class::Loopback;
    }
    if let Some(inner) = inside(address) {
        return class_of_v4(inner);
    }
    match address.segments() {
        // Unique local, and site-local, which routers may still take for it.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Class::Private,
        [0xfe80..=0xfebf, ..] => Class::LinkLocal,
        // Protocols (Teredo and ORCHID among them) and documents.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Never,
        // All that is given out to servers.
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Never,
    }
}

/// The address of version 4 that one of version 6 leads to: mapped, compatible, translated (RFC
/// 2765, 6052, 8215), or of 6to4.
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let ([0, 0, 0, 0, 0, 0 | 0xffff, high, low]
    | [0, 0, 0, 0, 0xffff, 0, high, low]
    | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
    | [0x64, 0xff9b, 1, _, _, _, high, low]
    | [0x2002, high, low, ..]) = address.segments()
    else {
        return None;
    };
    let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests;
