//! A connection to an endpoint: to an address that was judged, and to no other.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use foundation::Result;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address::{Allowed, Class, class};
use super::fault::{Phase, clear_text, network, refused_address};
use super::io::Stream;
use super::resolve::Resolver;
use super::url::{Host, Url};

/// How many addresses of a name are tried: each has a share of the time, which is to be long
/// enough.
const MOST_ADDRESSES: usize = 3;

/// How connections are made.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) resolver: Resolver,
    pub(super) tls: Arc<ClientConfig>,
}

/// What an endpoint allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) allowed: Allowed,
    pub(super) clear_text: bool,
    /// How long a connection may take, of which each address has a share.
    pub(super) deadline: Duration,
}

impl Connector {
    /// A connection to where a URL leads.
    pub(super) async fn connect(&self, url: &Url, terms: Terms) -> Result<Box<dyn Stream>> {
        let addresses = match &url.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolver.resolve(name).await?,
        };
        let addresses = permitted(addresses, url.is_tls, terms)?;
        let tcp = first_of(&addresses, url.port, terms.deadline).await?;
        // What is sent is sent whole; a small request would wait for nothing.
        tcp.set_nodelay(true).map_err(|error| network(Phase::Connect, error))?;
        if !url.is_tls {
            return Ok(Box::new(tcp));
        }
        let name = match &url.host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_owned();
                ServerName::try_from(name).map_err(|error| network(Phase::Tls, error))?
            }
        };
        let connecting = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp);
        Ok(Box::new(connecting.await.map_err(|error| network(Phase::Tls, error))?))
    }
}

/// Those of the addresses that may be connected to.
fn permitted(addresses: Vec<IpAddr>, is_tls: bool, terms: Terms) -> Result<Vec<IpAddr>> {
    let first = addresses.first().copied();
    let allowed = addresses.into_iter().filter(|address| terms.allowed.allows(class(*address)));
    let mut allowed: Vec<_> = allowed.collect();
    if allowed.is_empty() {
        return Err(refused_address(first.map_or(Class::Never, class)));
    }
    if !is_tls && !terms.clear_text {
        allowed.retain(|address| class(*address) == Class::Loopback);
    }
    allowed.truncate(MOST_ADDRESSES);
    if allowed.is_empty() { Err(clear_text()) } else { Ok(allowed) }
}

/// A connection to the first address where there is one.
async fn first_of(addresses: &[IpAddr], port: u16, deadline: Duration) -> Result<TcpStream> {
    let share = share(deadline, addresses.len());
    let mut last = "there is no address".into();
    for address in addresses {
        match timeout(share, TcpStream::connect(SocketAddr::new(*address, port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = Box::from(error),
            Err(elapsed) => last = Box::from(elapsed),
        }
    }
    let last: Box<dyn std::error::Error + Send + Sync> = last;
    Err(network(Phase::Connect, last))
}

/// How long each of so many addresses may take: one that does not answer leaves time for the
/// others, and all of them leave some for the answer.
fn share(deadline: Duration, addresses: usize) -> Duration {
    deadline / u32::try_from(addresses + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    //! Which of several addresses are connected to.

    use std::net::IpAddr;
    use std::time::Duration;

    use super::super::address::Allowed;
    use super::{MOST_ADDRESSES, Terms, permitted, share};

    fn of(addresses: &[&str], is_tls: bool, terms: Terms) -> Result<Vec<String>, String> {
        let addresses = addresses.iter().map(|text| text.parse::<IpAddr>().unwrap()).collect();
        match permitted(addresses, is_tls, terms) {
            Ok(permitted) => Ok(permitted.iter().map(ToString::to_string).collect()),
            Err(error) => Err(format!("{}: {:?}", error.code(), error.details().get("class"))),
        }
    }

    #[test]
    fn only_addresses_that_are_allowed_are_connected_to() {
        let deadline = Duration::from_secs(1);
        let strict = Terms { allowed: Allowed::default(), clear_text: false, deadline };
        let mixed = ["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1"];
        assert_eq!(of(&mixed, true, strict).unwrap(), ["8.8.8.8", "2606:4700::1"]);
        let refused = of(&["127.0.0.1", "10.0.0.1"], true, strict).unwrap_err();
        assert!(
            refused.starts_with("address_refused") && refused.contains("loopback"),
            "{refused}"
        );
        assert!(of(&[], true, strict).unwrap_err().starts_with("address_refused"));
        let many = ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"];
        assert_eq!(of(&many, true, strict).unwrap(), many[..3]);
    }

    #[test]
    fn an_address_that_does_not_answer_leaves_time_for_the_others() {
        let deadline = Duration::from_secs(5);
        for addresses in 1..=MOST_ADDRESSES {
            let share = share(deadline, addresses);
            assert!(share * u32::try_from(addresses).unwrap() < deadline, "{addresses}");
            assert!(share >= Duration::from_secs(1), "{addresses}");
        }
    }

    #[test]
    fn clear_text_stays_on_this_machine_unless_it_may_leave() {
        let deadline = Duration::from_secs(1);
        let allowed = Allowed { loopback: true, ..Allowed::default() };
        let terms = Terms { allowed, clear_text: false, deadline };
        assert_eq!(of(&["8.8.8.8", "127.0.0.1"], false, terms).unwrap(), ["127.0.0.1"]);
        assert_eq!(of(&["8.8.8.8"], false, terms).unwrap_err(), "address_refused: None");
        let open = Terms { clear_text: true, ..terms };
        assert_eq!(of(&["8.8.8.8"], false, open).unwrap(), ["8.8.8.8"]);
    }
}
