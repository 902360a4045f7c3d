//! A server that does as a test says, written by hand so that it can do what no server should.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation::System;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// What a server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends this, and closes the connection.
    Send(Vec<u8>),
    /// Sends this, and then nothing more, without closing.
    SendAndHang(Vec<u8>),
    /// Sends this, and then one byte of that again and again.
    Trickle(Vec<u8>, u8),
    /// Sends this, and then bytes without end, which it counts.
    Flood(Vec<u8>, Arc<AtomicUsize>),
    /// Closes the connection.
    Close,
    /// Answers with this status when the gate has a place, and with it gives the place back.
    Gated(Arc<Semaphore>, u16),
}

/// A server on this machine. It ends with its system.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
}

type Replies = Arc<dyn Fn(usize, &str) -> Reply + Send + Sync>;

impl Reply {
    /// An answer with a status and a body.
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::with(status, "", body)
    }

    /// An answer with a status, some headers, each with the end of its line, and a body.
    pub(crate) fn with(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} So\r\n{headers}content-length: {length}\r\n\r\n");
        Self::Send((head + body).into_bytes())
    }
}

impl Server {
    /// Does the same with every request.
    pub(crate) async fn always(system: &System, reply: Reply) -> Self {
        Self::start(system, move |_| reply.clone()).await
    }

    /// Does something with the `n`th request, from 1.
    pub(crate) async fn start(
        system: &System,
        replies: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(system, None, Arc::new(move |number, _: &str| replies(number))).await
    }

    /// Does something with each request, by its path and query.
    pub(crate) async fn by_path(
        system: &System,
        replies: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(system, None, Arc::new(move |_, path: &str| replies(path))).await
    }

    /// The same, with TLS.
    pub(crate) async fn secure(system: &System, tls: TlsAcceptor, reply: Reply) -> Self {
        Self::listen(system, Some(tls), Arc::new(move |_, _: &str| reply.clone())).await
    }

    async fn listen(system: &System, tls: Option<TlsAcceptor>, replies: Replies) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, requests: Arc::default(), connections: Arc::default() };
        let executor = system.executor("server");
        let (serving, connections) = (server.clone(), executor.clone());
        executor.execute(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *serving.connections.lock().unwrap() += 1;
                let (server, replies, tls) = (serving.clone(), Arc::clone(&replies), tls.clone());
                connections.execute(async move {
                    match tls {
                        None => server.serve(stream, &replies).await,
                        // A client that does not trust it goes.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => server.serve(stream, &replies).await,
                            Err(_) => Some(()),
                        },
                    };
                });
            }
        });
        server
    }

    /// None when the client has gone.
    async fn serve(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        replies: &Replies,
    ) -> Option<()> {
        let request = read(&mut stream).await?;
        let path = request.path.clone();
        let number = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(request);
            requests.len()
        };
        match replies(number, &path) {
            Reply::Send(bytes) => stream.write_all(&bytes).await.ok()?,
            Reply::SendAndHang(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.flush().await.ok()?;
                pending().await
            }
            Reply::Trickle(bytes, byte) => {
                stream.write_all(&bytes).await.ok()?;
                loop {
                    stream.write_all(&[byte]).await.ok()?;
                    stream.flush().await.ok()?;
                    let pause = tokio::time::timeout(Duration::from_millis(5), pending::<()>());
                    pause.await.unwrap_err();
                }
            }
            Reply::Flood(bytes, sent) => {
                stream.write_all(&bytes).await.ok()?;
                loop {
                    stream.write_all(&[b'x'; 4096]).await.ok()?;
                    sent.fetch_add(4096, Ordering::Relaxed);
                }
            }
            Reply::Close => return None,
            Reply::Gated(gate, status) => {
                let _place = gate.acquire().await.ok()?;
                let head = format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(head.as_bytes()).await.ok()?;
            }
        }
        stream.shutdown().await.ok()
    }

    /// A URL of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What came so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Waits until so many requests have come.
    pub(crate) async fn has_got(&self, many: usize) {
        testkit::eventually(|| match self.requests.lock().unwrap().len() {
            got if got >= many => Ok(()),
            got => Err(format!("{got} of {many} requests came")),
        })
        .await;
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(head + 4);
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap().split(' ');
    let (method, path) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    let length =
        headers.get("content-length").map_or(0, |it| it.to_str().unwrap().parse().unwrap());
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { method, path, headers, body })
}
