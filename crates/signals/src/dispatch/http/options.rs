//! How an endpoint is reached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation::{Backoff, Result, RetryPolicy};
use http::Method;

use super::address::Allowed;
use super::encode::Mode;
use super::url::Url;
use crate::error::invalid_options;

/// The longest wait of any kind that has to do with one attempt: whoever dispatches waits for it.
const LONGEST: Duration = Duration::from_mins(1);
/// The longest that all attempts may take together.
const LONGEST_OF_ALL: Duration = Duration::from_mins(15);
/// The most attempts.
const MOST_ATTEMPTS: u32 = 10;
/// The most redirects: whoever has more of them does not know where it is.
const MOST_REDIRECTS: u8 = 3;
/// How long a name may be, in bytes.
const LONGEST_NAME: usize = 255;

/// How an HTTP endpoint is reached. Begin with [`post`](Self::post), [`put`](Self::put) or
/// [`patch`](Self::patch); all of it is checked by [`Destination::http`](crate::Destination::http).
///
/// | option | default | |
/// |---|---|---|
/// | [`name`](Self::name) | scheme, host and port | what it is called in reports and errors |
/// | [`binary`](Self::binary) | structured | attributes in headers, data as the body |
/// | [`header`](Self::header) | none | up to 32 |
/// | [`attempts`](Self::attempts) | 3 | 1 to 10 |
/// | [`attempt_deadline`](Self::attempt_deadline) | 5 s | up to 60 s |
/// | [`backoff`](Self::backoff) | 1 s doubling to 5 s | up to 60 s; any part of it, by chance |
/// | [`longest_retry_after`](Self::longest_retry_after) | 10 s | up to 60 s |
/// | [`deadline`](Self::deadline) | what all attempts and waits may take: 23 s | up to 15 min |
/// | [`redirects`](Self::redirects) | 0 | up to 3 |
/// | [`allow_loopback`](Self::allow_loopback), [`allow_private`](Self::allow_private), [`allow_link_local`](Self::allow_link_local) | no | addresses that strangers must not reach |
/// | [`allow_clear_text`](Self::allow_clear_text) | no | `http://` to another machine |
///
/// An answer from 200 to 299 is success, and its body is not read. 408, 425, 429 and those from 500
/// on are tried again, and so is what fails without an answer. All others are final.
#[derive(Clone)]
#[must_use = "it is no destination until it is made one"]
pub struct HttpOptions {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) name: Option<Arc<str>>,
    pub(super) mode: Mode,
    pub(super) headers: Vec<(String, String)>,
    pub(super) redirects: u8,
    pub(super) allowed: Allowed,
    pub(super) clear_text: bool,
    pub(super) attempt_deadline: Duration,
    attempts: u32,
    backoff: (Duration, Duration),
    longest_retry_after: Duration,
    deadline: Option<Duration>,
}

impl HttpOptions {
    /// Signals are posted to this URL: `https`, or `http` to this machine. Credentials are refused
    /// in it and belong into a [header](Self::header). It is never shown whole.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url.into())
    }

    /// As [`Self::post`], by `PUT`.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::PUT, url.into())
    }

    /// As [`Self::post`], by `PATCH`.
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new(Method::PATCH, url.into())
    }

    fn new(method: Method, url: String) -> Self {
        Self {
            method,
            url,
            name: None,
            mode: Mode::Structured,
            headers: Vec::new(),
            redirects: 0,
            allowed: Allowed::default(),
            clear_text: false,
            attempt_deadline: Duration::from_secs(5),
            attempts: 3,
            backoff: (Duration::from_secs(1), Duration::from_secs(5)),
            longest_retry_after: Duration::from_secs(10),
            deadline: None,
        }
    }

    /// What it is called in reports and errors, in 1 to 255 bytes: to tell apart what is at one
    /// host.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sends attributes as headers and the data as the body, in place of all as one JSON object.
    pub const fn binary(mut self) -> Self {
        self.mode = Mode::Binary;
        self
    }

    /// Sends this header too; its value is never shown. Those that belong to the connection, the
    /// message or the signal are refused. Another origin, to which a redirect leads, does not get
    /// it.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How many attempts there are, the first included.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long one attempt may take, from looking up the name to the head of the answer. It waits
    /// as long for a free connection before.
    pub const fn attempt_deadline(mut self, deadline: Duration) -> Self {
        self.attempt_deadline = deadline;
        self
    }

    /// The longest wait after the first attempt, which doubles with each further one, to `cap`. How
    /// much of it is waited is up to chance, so that many who failed together do not come together.
    pub const fn backoff(mut self, first: Duration, cap: Duration) -> Self {
        self.backoff = (first, cap);
        self
    }

    /// How long it waits at most because an answer says `Retry-After`. One that asks for more is
    /// the last, and its error says how long.
    pub const fn longest_retry_after(mut self, wait: Duration) -> Self {
        self.longest_retry_after = wait;
        self
    }

    /// How long everything together may take.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Follows so many redirects: only those that keep the method, 307 and 308, never from `https`
    /// to `http`, and each checked like the first URL.
    pub const fn redirects(mut self, most: u8) -> Self {
        self.redirects = most;
        self
    }

    /// Allows addresses of this machine.
    pub const fn allow_loopback(mut self) -> Self {
        self.allowed.loopback = true;
        self
    }

    /// Allows addresses of private networks, also of that between a provider and its customers.
    pub const fn allow_private(mut self) -> Self {
        self.allowed.private = true;
        self
    }

    /// Allows addresses of the network segment. At one of them clouds give credentials to whoever
    /// asks.
    pub const fn allow_link_local(mut self) -> Self {
        self.allowed.link_local = true;
        self
    }

    /// Allows `http` to other machines: whoever is between reads signals and headers.
    pub const fn allow_clear_text(mut self) -> Self {
        self.clear_text = true;
        self
    }

    /// Where it is, and how it is tried again.
    pub(super) fn checked(&self) -> Result<(Url, RetryPolicy)> {
        let url = Url::parse(&self.url).map_err(|why| invalid_options("url", why))?;
        if !url.is_tls && !self.clear_text && !url.host.is_loopback() {
            return Err(invalid_options("url", "it is https, or http with allow_clear_text"));
        }
        let is_name = |name: &Arc<str>| (1..=LONGEST_NAME).contains(&name.len());
        if !self.name.as_ref().is_none_or(is_name) {
            return Err(invalid_options("name", "a name has 1 to 255 bytes"));
        }
        if !(1..=MOST_ATTEMPTS).contains(&self.attempts) {
            return Err(invalid_options("attempts", "1 to 10"));
        }
        if self.attempt_deadline.is_zero() || self.attempt_deadline > LONGEST {
            return Err(invalid_options("attempt_deadline", "more than nothing, 60 s at most"));
        }
        let (base, cap) = self.backoff;
        if base > cap || cap > LONGEST {
            return Err(invalid_options("backoff", "the first wait, and a cap from there to 60 s"));
        }
        if self.longest_retry_after > LONGEST {
            return Err(invalid_options("longest_retry_after", "60 s at most"));
        }
        if self.redirects > MOST_REDIRECTS {
            return Err(invalid_options("redirects", "3 at most"));
        }
        let backoff = Backoff::Exponential { base, cap };
        let deadline = self.deadline.unwrap_or_else(|| self.time_of_all(backoff));
        // An attempt that is ended by this would say nothing of the endpoint.
        if deadline < self.attempt_deadline || deadline > LONGEST_OF_ALL {
            return Err(invalid_options("deadline", "from that of an attempt to 15 min"));
        }
        let policy = RetryPolicy::exponential().backoff(backoff);
        let policy = policy.max_attempts(self.attempts).deadline(deadline);
        Ok((url, policy.longest_retry_after(self.longest_retry_after)))
    }

    /// How long all attempts take with the waits between them, when each takes as long as it may,
    /// and as long as one of them for connections that are not free.
    fn time_of_all(&self, backoff: Backoff) -> Duration {
        let waits = (1..self.attempts).map(|nth| backoff.wait(nth)).sum::<Duration>();
        let attempts = self.attempt_deadline.saturating_mul(self.attempts + 1);
        attempts.saturating_add(waits).min(LONGEST_OF_ALL)
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        let url = Url::parse(&self.url).map(|url| url.origin());
        f.debug_struct("HttpOptions")
            .field("method", &self.method)
            .field("url", &url.unwrap_or_else(str::to_owned))
            .field("name", &self.name)
            .field("mode", &self.mode)
            .field("headers", &headers)
            .field("redirects", &self.redirects)
            .field("allowed", &self.allowed)
            .field("clear_text", &self.clear_text)
            .finish_non_exhaustive()
    }
}
