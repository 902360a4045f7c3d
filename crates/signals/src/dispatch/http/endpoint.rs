//! An endpoint, whose options were checked.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use foundation::{Result, RetryPolicy};
use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use jiff::Timestamp;

use super::circuit;
use super::connect::Terms;
use super::encode::{Mode, encode};
use super::headers;
use super::options::HttpOptions;
use super::url::Url;
use super::webhook::{Signer, WebhookOptions};
use crate::error::{invalid, invalid_options};
use crate::signal::Signal;

/// An endpoint.
pub(in super::super) struct Endpoint {
    name: Arc<str>,
    pub(super) origin: Arc<str>,
    circuit: Arc<str>,
    pub(super) url: Url,
    pub(super) terms: Terms,
    pub(super) redirects: u8,
    pub(super) policy: RetryPolicy,
    method: Method,
    mode: Mode,
    headers: HeaderMap,
    signer: Option<Signer>,
}

/// A signal as it is sent, apart from the time at which it is.
pub(super) struct Message {
    headers: HeaderMap,
    pub(super) body: Bytes,
    id: String,
    kind: String,
}

impl Endpoint {
    pub(in super::super) fn new(options: HttpOptions) -> Result<Self> {
        let (url, policy) = options.checked()?;
        let headers = headers::checked(&options.headers)?;
        let (origin, circuit): (Arc<str>, _) = (url.origin().into(), circuit::key(&url).into());
        let HttpOptions { method, name, mode, redirects, .. } = options;
        let HttpOptions { allowed, clear_text, attempt_deadline: deadline, .. } = options;
        let name = name.unwrap_or_else(|| Arc::clone(&origin));
        let terms = Terms { allowed, clear_text, deadline };
        let signer = None;
        Ok(Self {
            name,
            origin,
            circuit,
            url,
            terms,
            redirects,
            policy,
            method,
            mode,
            headers,
            signer,
        })
    }

    /// One whose messages are signed.
    pub(in super::super) fn signed(options: WebhookOptions) -> Result<Self> {
        let (options, signer) = options.checked()?;
        let mut endpoint = Self::new(options)?;
        if let Some(name) = signer.names().find(|name| endpoint.headers.contains_key(*name)) {
            let why = format!("{name} belongs to the signature");
            return Err(invalid_options("headers", &why));
        }
        endpoint.signer = Some(signer);
        Ok(endpoint)
    }

    /// What it is called.
    pub(in super::super) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What its circuit is called.
    pub(in super::super) fn circuit(&self) -> &str {
        &self.circuit
    }

    /// A signal as it is sent.
    pub(super) fn message(&self, signal: &Signal) -> Result<Message> {
        let (headers, body) = encode(signal, self.mode)?;
        let (id, kind) = (signal.id().to_string(), signal.topic().as_str().to_owned());
        Ok(Message { headers, body, id, kind })
    }

    /// The request of one attempt, to where the endpoint is, or to where it has said that it is.
    pub(super) fn request(
        &self,
        message: &Message,
        to: &Url,
        now: Timestamp,
    ) -> Result<Request<Bytes>> {
        let Message { headers, body, id, kind } = message;
        let mut request = Request::new(body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(to.path.clone());
        let mut all = headers.clone();
        let host = HeaderValue::try_from(to.authority());
        all.insert(HOST, host.map_err(|_| invalid("url", "it is no host"))?);
        all.insert(USER_AGENT, HeaderValue::from_static("jido"));
        // Whoever else it leads to has been given neither secrets nor a signature to use elsewhere.
        if to.is_same_origin(&self.url) {
            all.extend(self.headers.clone());
            if let Some(signer) = &self.signer {
                signer.sign(&mut all, (id, kind), body, now)?;
            }
        }
        *request.headers_mut() = all;
        Ok(request)
    }

    /// What must not be shown of an answer, which may repeat what was sent to this URL.
    pub(super) fn secrets<'a>(&'a self, to: &'a Url) -> impl Iterator<Item = &'a str> {
        let of_urls = to.secrets().chain(self.url.secrets());
        of_urls.chain(headers::secrets(&self.headers))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("mode", &self.mode)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}
