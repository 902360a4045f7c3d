//! The receiving side of signatures.

use std::time::Duration;

use foundation::{Error, Result};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;

use super::options::MOST_SECRETS;
use super::scheme::{Checked, WebhookScheme};
use super::secret::WebhookSecret;
use crate::codes;
use crate::error::invalid_options;

/// How far the clocks of sender and receiver may be apart, unless it is said: what Standard
/// Webhooks advises.
const TOLERANCE: Duration = Duration::from_mins(5);
/// The widest tolerance. Whoever has caught a message may send it again as long as that.
const MOST_TOLERANCE: Duration = Duration::from_hours(24);
/// How many signatures are looked at: a sender has as many secrets, and each look takes time.
const MOST_SIGNATURES: usize = 8;

/// Tells who has sent a webhook, and that it was not changed on its way: for whoever receives one.
///
/// ```
/// use signals::{WebhookScheme, WebhookSecret, WebhookVerifier};
///
/// let secret = WebhookSecret::parse("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")?;
/// let verifier = WebhookVerifier::new(WebhookScheme::standard(), vec![secret])?;
/// let now = "2026-11-28T12:00:00Z".parse()?;
/// let error = verifier.verify(&Default::default(), b"{}", now).unwrap_err();
/// assert_eq!(error.code(), "signature_missing");
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WebhookVerifier {
    scheme: Checked,
    secrets: Vec<WebhookSecret>,
    tolerance: Duration,
}

impl WebhookVerifier {
    /// One that takes what was signed with any of these secrets, 1 to 5.
    ///
    /// # Errors
    ///
    /// `invalid_options`, with `secrets` or `scheme` as `field`.
    #[expect(clippy::needless_pass_by_value, reason = "a scheme is made for this, in place")]
    pub fn new(scheme: WebhookScheme, secrets: Vec<WebhookSecret>) -> Result<Self> {
        if !(1..=MOST_SECRETS).contains(&secrets.len()) {
            return Err(invalid_options("secrets", "there are one to five"));
        }
        Ok(Self { scheme: scheme.checked()?, secrets, tolerance: TOLERANCE })
    }

    /// How far the time of a message may be from that of the receiver, earlier or later: 5 minutes
    /// unless this is said, a day at most. Within that time whoever has caught it may send it
    /// again.
    ///
    /// # Errors
    ///
    /// `invalid_options` for a time that cannot be.
    pub fn tolerance(mut self, tolerance: Duration) -> Result<Self> {
        if tolerance.is_zero() || tolerance > MOST_TOLERANCE {
            return Err(invalid_options("tolerance", "more than nothing, a day at most"));
        }
        self.tolerance = tolerance;
        Ok(self)
    }

    /// Whether a body came with a signature that holds, by its headers. The body is what was sent,
    /// to the byte.
    ///
    /// # Errors
    ///
    /// `signature_missing`; `signature_expired` when its time is too far away; `signature_wrong`.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<()> {
        let Checked { id, timestamp, signature, .. } = &self.scheme;
        let id = id.as_ref().map_or(Ok(""), |id| only(headers, id))?;
        let timestamp = only(headers, timestamp)?;
        let sent = self.scheme.read(only(headers, signature)?);
        // The time is looked at last: whoever has no secret learns nothing of our clock.
        let signed = self.scheme.signed(id, timestamp, body);
        // All are compared, whichever is the one.
        let mut holds = false;
        for secret in &self.secrets {
            let ours = secret.sign(&signed);
            for sent in sent.iter().take(MOST_SIGNATURES) {
                holds |= secret.is_same(ours.as_ref(), sent);
            }
        }
        // With a dot in it the id could have taken what is the time's.
        if !holds || id.contains('.') {
            return Err(wrong("it is not that of this body by any of the secrets"));
        }
        self.check_time(timestamp, now)
    }

    fn check_time(&self, timestamp: &str, now: Timestamp) -> Result<()> {
        let is_number = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let second = timestamp.parse().ok().filter(|_| is_number);
        let at = second.and_then(|second| Timestamp::from_second(second).ok());
        let at = at.ok_or_else(|| wrong("its time is not a number of seconds"))?;
        let apart = now.duration_since(at).unsigned_abs();
        if apart > self.tolerance {
            let seconds = apart.as_secs();
            let when = if at > now { "in the future" } else { "ago" };
            let error = Error::from(codes::SIGNATURE_EXPIRED);
            let error = error.with_message(format!("it was signed {seconds} s {when}"));
            return Err(error.with_detail("apart_seconds", seconds));
        }
        Ok(())
    }
}

/// The one value of a header.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str> {
    let missing = || {
        let error = Error::from(codes::SIGNATURE_MISSING).with_detail("header", name.as_str());
        error.with_message(format!("there is no header {name}"))
    };
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    let value = value.filter(|value| !value.is_empty()).ok_or_else(missing)?;
    // Another program may have looked at the other one.
    if values.next().is_some() {
        let error = wrong(&format!("the header {name} is there twice"));
        return Err(error.with_detail("header", name.as_str()));
    }
    Ok(value)
}

fn wrong(why: &str) -> Error {
    Error::from(codes::SIGNATURE_WRONG).with_message(why)
}
