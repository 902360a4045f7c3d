//! How a dispatcher is made.

use foundation::{InSystem, Result};

use super::handle::{Dispatcher, Shared};
#[cfg(feature = "http")]
use super::http::{Client, ClientOptions};

/// The options of a dispatcher. Begin with [`Dispatcher::builder`]. All of them are about HTTP, and
/// there with the feature `http` only.
///
/// | option | default | |
/// |---|---|---|
/// | `max_in_flight` | 1,024 | signals on their way to endpoints; more are refused with `bulkhead_full` |
/// | `max_connections` | 64 | connections to all endpoints together |
/// | `max_connections_per_origin` | 8 | connections to one scheme, host and port |
/// | `circuit` | 5 failures in a row, 30 s, 1 probe | when a destination is left alone |
/// | `root_certificates` | none | whom to trust beside the roots of browsers |
/// | `resolver` | that of the machine | how names become addresses |
#[derive(Debug, Clone, Default)]
#[must_use = "there is no dispatcher until it is built"]
pub struct DispatcherBuilder {
    #[cfg(feature = "http")]
    http: ClientOptions,
}

impl DispatcherBuilder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A dispatcher of a system.
    ///
    /// # Errors
    ///
    /// `invalid_options`, with the option as `field`.
    pub fn build(self, system: &impl InSystem) -> Result<Dispatcher> {
        let home = system.home();
        #[cfg(feature = "http")]
        let client = Client::new(&home, self.http)?;
        Ok(Dispatcher::new(Shared {
            home,
            #[cfg(feature = "http")]
            client,
        }))
    }
}

#[cfg(feature = "http")]
mod http {
    //! Options that are about HTTP.

    use std::io;
    use std::net::IpAddr;
    use std::sync::Arc;

    use foundation::BreakerOptions;

    use super::DispatcherBuilder;

    impl DispatcherBuilder {
        /// How many signals may be on their way to endpoints at a time, those included that wait
        /// for a connection or to be tried again; 1 to 100,000. More are refused at once with
        /// `bulkhead_full`.
        pub const fn max_in_flight(mut self, most: usize) -> Self {
            self.http.max_in_flight = most;
            self
        }

        /// How many connections there may be at a time, to all endpoints together; 1 to 10,000.
        pub const fn max_connections(mut self, most: usize) -> Self {
            self.http.max_connections = most;
            self
        }

        /// How many connections there may be at a time to one origin, that is to one scheme, host
        /// and port; 1 to 10,000. So one that is slow does not take all of them.
        pub const fn max_connections_per_origin(mut self, most: usize) -> Self {
            self.http.max_connections_per_origin = most;
            self
        }

        /// When a destination is left alone for a while, that is one URL, whatever its query. Each
        /// has a [circuit](crate::Destination::circuit) of its own: one that is dead does not stop
        /// others, not even at its host. Its failures are errors of the network, of TLS, answers
        /// from 500 on, and those that do not come in time. Where a redirect leads to counts for
        /// who was asked. When 10,000 others have lately failed, it is sent to without a circuit.
        pub const fn circuit(mut self, options: BreakerOptions) -> Self {
            self.http.circuit = options;
            self
        }

        /// Trusts these roots too, beside those that browsers trust: certificates as PEM, at least
        /// one.
        pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
            self.http.roots.push(pem.into());
            self
        }

        /// Finds the addresses of a name in this way instead of asking the machine. It runs on a
        /// thread of its own and may block. What it gives is checked like any other address.
        pub fn resolver(
            mut self,
            resolver: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
        ) -> Self {
            self.http.resolver = Some(Arc::new(resolver));
            self
        }
    }
}
