//! One attempt: a connection, a request, an answer; and the same again where it leads elsewhere.

use foundation::{Error, Home, Result, codes as system_codes};
use tokio::time::timeout;

use super::connect::Connector;
use super::endpoint::{Endpoint, Message};
use super::exchange::{Answer, exchange};
use super::redirect;
use super::response::{Meaning, error, excerpt, meaning, retry_after, without};
use super::url::Url;

/// One attempt, as long as it may take.
pub(super) async fn attempt(
    home: &Home,
    connector: &Connector,
    endpoint: &Endpoint,
    message: &Message,
) -> Result<()> {
    let deadline = endpoint.terms.deadline;
    let attempted = timeout(deadline, follow(home, connector, endpoint, message)).await;
    attempted.unwrap_or_else(|_elapsed| {
        let after = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let error = Error::from(system_codes::TIMEOUT).with_detail("after_ms", after);
        Err(error.with_message("the endpoint has not answered in time"))
    })
}

async fn follow(
    home: &Home,
    connector: &Connector,
    endpoint: &Endpoint,
    message: &Message,
) -> Result<()> {
    let mut url = endpoint.url.clone();
    let mut redirects = 0;
    loop {
        let left = endpoint.redirects.saturating_sub(redirects);
        match ask(home, connector, endpoint, message, (&url, left)).await {
            Ok(None) => return Ok(()),
            Ok(Some(next)) => url = next,
            // It is not about who was asked, but where that has led to.
            Err(error) if redirects > 0 => return Err(error.with_detail("redirects", redirects)),
            Err(error) => return Err(error),
        }
        redirects += 1;
    }
}

/// Asks whoever is at a URL to take the message; says where else it may be sent to.
async fn ask(
    home: &Home,
    connector: &Connector,
    endpoint: &Endpoint,
    message: &Message,
    (url, left): (&Url, u8),
) -> Result<Option<Url>> {
    let stream = connector.connect(url, endpoint.terms).await?;
    let request = endpoint.request(message, url, home.now())?;
    let Answer { status, headers, body } = exchange(stream, request).await?;
    match meaning(status) {
        Meaning::Taken => Ok(None),
        Meaning::Elsewhere => redirect::next(url, status, &headers, left).map(Some),
        Meaning::Later | Meaning::Refused => {
            let body = without(excerpt(&body), endpoint.secrets(url));
            Err(error(status, retry_after(&headers, home.now()), &body))
        }
    }
}
