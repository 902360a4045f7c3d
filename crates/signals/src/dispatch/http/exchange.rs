//! One request and its answer, over one connection.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use foundation::{Error, Result};
use http::{HeaderMap, Request, StatusCode};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;

use super::fault::{Phase, network};
use super::io::{Io, Stream};
use super::response::{Meaning, meaning};

/// How much of an answer's head is taken, in bytes; many servers take as much of a request's.
const MOST_HEAD: usize = 16 * 1024;
/// How many headers an answer may have: as many as common clients take.
const MOST_HEADERS: usize = 100;
/// How much of a body is read, in bytes: what is shown of it, and no more, since the connection is
/// not used again.
const MOST_BODY: usize = 512;
/// How long a body is waited for. The status has said what matters.
const BODY_WAIT: Duration = Duration::from_secs(1);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The beginning of the body, where it was no success.
    pub(super) body: BytesMut,
}

/// A body that is there at once.
pub(super) struct Whole(Option<Bytes>);

/// Sends a request, and reads what comes back. The connection is closed then, or when this is
/// dropped.
pub(super) async fn exchange(stream: Box<dyn Stream>, request: Request<Bytes>) -> Result<Answer> {
    let mut builder = http1::Builder::new();
    builder.max_headers(MOST_HEADERS).max_buf_size(MOST_HEAD);
    let (sender, connection) = builder.handshake(Io(stream)).await.map_err(failed)?;
    let mut talk = pin!(talk(sender, request.map(Whole::new)));
    let connection = pin!(connection);
    // Both are kept where they are between two polls, so none of them loses anything.
    tokio::select! {
        biased;
        answer = &mut talk => return answer,
        // The answer was read, or never will be; what reads it learns that at once.
        _ended = connection => {}
    }
    talk.await
}

async fn talk(mut sender: http1::SendRequest<Whole>, request: Request<Whole>) -> Result<Answer> {
    let response = sender.send_request(request).await.map_err(failed)?;
    let (head, incoming) = response.into_parts();
    let mut body = BytesMut::new();
    if !matches!(meaning(head.status), Meaning::Taken | Meaning::Elsewhere) {
        // What has come in time is shown.
        let _ = tokio::time::timeout(BODY_WAIT, read(incoming, &mut body)).await;
    }
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// Reads the beginning of a body, as far as it comes.
async fn read(mut incoming: Incoming, body: &mut BytesMut) {
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
        let Ok(data) = frame.into_data() else { continue };
        let room = MOST_BODY.saturating_sub(body.len());
        body.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if body.len() >= MOST_BODY {
            return;
        }
    }
}

fn failed(error: hyper::Error) -> Error {
    network(Phase::Exchange, error)
}

impl Whole {
    fn new(bytes: Bytes) -> Self {
        Self(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
