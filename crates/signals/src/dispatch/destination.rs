//! Where a signal may go.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation::{Actor, ActorRef, Groups, Result, Via};

#[cfg(feature = "http")]
use super::http::{Endpoint, HttpOptions, WebhookOptions};
use super::local::{Actors, Local};
use super::log::LogOptions;
use crate::bus::Delivery;
use crate::error::invalid_options;

/// The longest that an acknowledgement is waited for: whoever needs more needs an answer of another
/// kind, such as a signal.
const LONGEST: Duration = Duration::from_hours(1);

/// Where a signal may go. It is data: it may be cloned and kept, and is used by a
/// [`Dispatcher`](super::Dispatcher).
#[derive(Clone)]
pub struct Destination {
    name: Arc<str>,
    kind: Kind,
}

#[derive(Clone)]
pub(super) enum Kind {
    Local(Arc<dyn Local>, Option<Duration>),
    Log(LogOptions),
    #[cfg(feature = "http")]
    Http(Arc<Endpoint>),
}

impl Destination {
    /// An actor: whichever incarnation is in its place then. It is called as the actor is.
    #[must_use]
    pub fn actor<A>(actor: &ActorRef<A>) -> Self
    where
        A: Actor,
        A::Message: From<Delivery>,
    {
        Self::local(actor.name().into(), Actors::one(actor.clone()))
    }

    /// Whoever has a name then. It is called as the name is.
    #[must_use]
    pub fn named<A>(via: Via<A>) -> Self
    where
        A: Actor,
        A::Message: From<Delivery>,
    {
        let name = Arc::from(via.key());
        Self::local(name, Actors::named(via))
    }

    /// Every actor that is in a group then, each once. It is called as the group is.
    #[must_use]
    pub fn group<A>(groups: &Groups, group: &str) -> Self
    where
        A: Actor,
        A::Message: From<Delivery>,
    {
        Self::local(group.into(), Actors::<A>::members(groups.clone(), group.into()))
    }

    /// The log. It is called `log`.
    #[must_use]
    pub fn log(options: impl Into<LogOptions>) -> Self {
        Self { name: "log".into(), kind: Kind::Log(options.into()) }
    }

    /// An HTTP endpoint, which gets the signal as a `CloudEvent`. It is called as its options say,
    /// or else by scheme, host and port.
    ///
    /// # Errors
    ///
    /// `invalid_options`, with the option as `field`.
    #[cfg(feature = "http")]
    pub fn http(options: HttpOptions) -> Result<Self> {
        Ok(Self::endpoint(Endpoint::new(options)?))
    }

    /// A webhook: an HTTP endpoint that can tell who has sent a signal, and that nobody has changed
    /// it on its way.
    ///
    /// # Errors
    ///
    /// `invalid_options`, with the option as `field`.
    #[cfg(feature = "http")]
    pub fn webhook(options: WebhookOptions) -> Result<Self> {
        Ok(Self::endpoint(Endpoint::signed(options)?))
    }

    /// Has actors say that they have handled the signal, and waits for that as long as this, an
    /// hour at most. Otherwise it is enough that it is in their inboxes.
    ///
    /// # Errors
    ///
    /// `invalid_options` for a time that cannot be, and where no actor is the destination.
    pub fn acknowledged_within(mut self, deadline: Duration) -> Result<Self> {
        let refuse = |why| Err(invalid_options("acknowledged_within", why));
        let Kind::Local(_, wait) = &mut self.kind else {
            return refuse("only actors acknowledge what is in their inbox");
        };
        if deadline.is_zero() || deadline > LONGEST {
            return refuse("more than nothing, an hour at most");
        }
        *wait = Some(deadline);
        Ok(self)
    }

    /// What it is called in reports and errors.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its circuit is called in [`Dispatcher::circuits`](super::Dispatcher::circuits), where
    /// it is an HTTP endpoint: scheme, host and port, and a digest of the URL without its query, such
    /// as `https://example.com:443#471daf41b2f1524071db8d90936127a2`. It is always the same for a URL,
    /// and the path cannot be read from it; a path that is easily guessed can be recognised by it.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn circuit(&self) -> Option<&str> {
        match &self.kind {
            Kind::Http(endpoint) => Some(endpoint.circuit()),
            _ => None,
        }
    }

    pub(super) const fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) const fn kind(&self) -> &Kind {
        &self.kind
    }

    fn local(name: Arc<str>, local: Arc<dyn Local>) -> Self {
        Self { name, kind: Kind::Local(local, None) }
    }

    #[cfg(feature = "http")]
    fn endpoint(endpoint: Endpoint) -> Self {
        Self { name: Arc::clone(endpoint.name()), kind: Kind::Http(Arc::new(endpoint)) }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Local(_, wait) => {
                write!(f, "Destination({:?}, acknowledged within {wait:?})", self.name)
            }
            Kind::Log(options) => write!(f, "Destination({options:?})"),
            #[cfg(feature = "http")]
            Kind::Http(endpoint) => write!(f, "Destination({endpoint:?})"),
        }
    }
}
