//! Addresses of endpoints, taken apart and checked. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::Uri;
use http::uri::PathAndQuery;

/// How long one may be, in bytes: as long as servers take.
const LONGEST: usize = 2048;
/// How long a host may be, in bytes: as long as names can be.
const LONGEST_HOST: usize = 253;

/// Where an endpoint is. Shown without path and query, which often are secrets.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) is_tls: bool,
    pub(super) host: Host,
    pub(super) port: u16,
    /// What the request asks for.
    pub(super) path: PathAndQuery,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// A name, in lower case.
    Name(Box<str>),
    Address(IpAddr),
}

impl Url {
    /// Takes an absolute address apart.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("2,048 bytes at most");
        }
        if !text.contains("://") {
            return Err("it begins with https:// or http://");
        }
        let uri: Uri = text.parse().map_err(|_| "it is not a URL")?;
        Self::of(&uri)
    }

    fn of(uri: &Uri) -> Result<Self, &'static str> {
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("it begins with https:// or http://"),
        };
        let authority = uri.authority().ok_or("it has no host")?;
        if authority.as_str().contains('@') {
            return Err("credentials in a URL are seen by many; put them into a header");
        }
        let host = Host::parse(authority.host())?;
        let port = match (authority.port(), is_tls) {
            (Some(port), _) if port.as_u16() == 0 => return Err("there is no port 0"),
            (Some(port), _) => port.as_u16(),
            // What is left out, but for the colon, is not a port.
            (None, _) if !authority.as_str().ends_with(authority.host()) => {
                return Err("it is not a URL");
            }
            (None, true) => 443,
            (None, false) => 80,
        };
        let path = uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { is_tls, host, port, path })
    }

    /// Where the answer of this endpoint leads to.
    pub(super) fn join(&self, location: &str) -> Result<Self, &'static str> {
        if location.len() > LONGEST {
            return Err("2,048 bytes at most");
        }
        let location = location.split('#').next().unwrap_or_default();
        if let Some(rest) = location.strip_prefix("//") {
            let scheme = if self.is_tls { "https" } else { "http" };
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        let scheme = location.split(['/', '?']).next().unwrap_or_default();
        if scheme.contains(':') {
            return Self::parse(location);
        }
        let before = self.path.path();
        let path = if location.starts_with('/') {
            location.to_owned()
        } else if location.is_empty() || location.starts_with('?') {
            format!("{before}{location}")
        } else {
            let folder = before.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{location}")
        };
        let path = path.parse().map_err(|_| "it is not a URL")?;
        Ok(Self { path, ..self.clone() })
    }

    /// Scheme, host and port: what limits go by.
    pub(super) fn origin(&self) -> String {
        self.to_string()
    }

    /// What must not be shown: path and query, and what they consist of.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let (all, path) = (self.path.as_str(), self.path.path());
        [all, path].into_iter().chain(all.split(['/', '?', '&', '=', ';']))
    }

    /// Whether both are the same scheme, host and port.
    pub(super) fn is_same_origin(&self, other: &Self) -> bool {
        self.is_tls == other.is_tls && self.host == other.host && self.port == other.port
    }

    /// Host and port as the header `Host` has them.
    pub(super) fn authority(&self) -> String {
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > LONGEST_HOST {
            return Err("its host has 1 to 253 bytes");
        }
        if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            let address = address.parse::<Ipv6Addr>();
            return address
                .map(|address| Self::Address(address.into()))
                .map_err(|_| "its host is not an address");
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        let may_be = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !text.bytes().all(may_be) {
            return Err("its host is not a name; names of other letters begin with xn--");
        }
        Ok(Self::Name(text.to_ascii_lowercase().into()))
    }

    /// Whether it is this machine, as far as that can be told without asking.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name == "localhost" || name.ends_with(".localhost")
            }
            Self::Address(address) => {
                super::address::class(*address) == super::address::Class::Loopback
            }
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests;
