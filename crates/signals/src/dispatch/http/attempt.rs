//! One attempt: a connection, a request, an answer; and the same again where it leads elsewhere.

use foundation::{Error, Home, Result, codes as system_codes};
use tokio::time::timeout;

use super::connect::Connector;
use super::endpoint::{Endpoint, Message};
use super::exchange::{Answer, exchange};
use super::redirect;
use super::response::{Meaning, error, excerpt, meaning, retry_after};

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
        Err(Error::from(system_codes::TIMEOUT).with_detail("after_ms", after))
    })
}

async fn follow(
    home: &Home,
    connector: &Connector,
    endpoint: &Endpoint,
    message: &Message,
) -> Result<()> {
    let mut url = endpoint.url.clone();
    let mut left = endpoint.redirects;
    loop {
        let stream = connector.connect(&url, endpoint.terms).await?;
        let request = endpoint.request(message, &url, home.now())?;
        let Answer { status, headers, body } = exchange(stream, request).await?;
        match meaning(status) {
            Meaning::Taken => return Ok(()),
            Meaning::Elsewhere => url = redirect::next(&url, status, &headers, left)?,
            Meaning::Later | Meaning::Refused => {
                let body = endpoint.without_secrets(excerpt(&body));
                return Err(error(status, retry_after(&headers, home.now()), &body));
            }
        }
        left = left.saturating_sub(1);
    }
}
