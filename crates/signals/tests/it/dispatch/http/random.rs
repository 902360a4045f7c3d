//! Random servers: what each of many endpoints comes to is what its server has answered, and
//! nonsense of any kind ends as an error.

use std::num::NonZeroU32;
use std::sync::Arc;

use fastrand::Rng;
use signals::{Destination, DispatchReceipt, Outcome};
use testkit::for_each_seed;

use super::server::{Reply, Server};
use super::{AMPLE, MS, Sender, paid, post};

/// What a server does with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Status(u16),
    Close,
}

const STATUSES: [u16; 16] =
    [200, 201, 204, 299, 302, 307, 400, 404, 408, 410, 425, 429, 500, 502, 503, 599];

fn act(random: &mut Rng) -> Act {
    match random.u8(..) {
        0..32 => Act::Close,
        // Most fail, so that there is something to try again.
        32..160 => Act::Status(random.choice([408, 429, 500, 503]).unwrap()),
        _ => Act::Status(random.choice(STATUSES).unwrap()),
    }
}

/// How often it is tried, and with what result, by the documented rules and nothing else.
fn expected(acts: &[Act], attempts: u32) -> (u32, &'static str) {
    let mut tried = 0;
    loop {
        let act = acts[tried as usize];
        tried += 1;
        let (code, is_final) = match act {
            Act::Close => ("network_error", false),
            Act::Status(200..300) => return (tried, "acknowledged"),
            Act::Status(300..400) => ("redirect_refused", true),
            Act::Status(408 | 425 | 429 | 500..) => ("http_unavailable", false),
            Act::Status(_) => ("http_refused", true),
        };
        if is_final || tried == attempts {
            return (tried, code);
        }
    }
}

fn came_to(receipt: &DispatchReceipt) -> (u32, String) {
    let code = match &receipt.outcome {
        Outcome::Acknowledged => "acknowledged".to_owned(),
        Outcome::Failed(error) => error.code().to_owned(),
        outcome => panic!("{outcome:?}"),
    };
    (receipt.attempts, code)
}

fn in_real_time(run: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run);
}

#[test]
fn what_endpoints_come_to_is_what_their_servers_have_answered() {
    for_each_seed(NonZeroU32::new(8).unwrap(), |seed| {
        in_real_time(async {
            let mut random = Rng::with_seed(seed);
            let sender = Sender::with(|builder| {
                builder.max_connections(random.usize(1..8)).max_connections_per_origin(1)
            })
            .await;
            let mut servers = Vec::new();
            let mut destinations = Vec::new();
            for _ in 0..random.usize(1..20) {
                // Less than would open a circuit.
                let attempts = random.u32(1..=4);
                let acts: Arc<[Act]> = (0..attempts).map(|_| act(&mut random)).collect();
                let script = Arc::clone(&acts);
                let server =
                    Server::start(&sender.system, move |number| match script[number - 1] {
                        Act::Status(status) => Reply::status(status, "so it is"),
                        Act::Close => Reply::Close,
                    });
                let server = server.await;
                let options = post(&server.url("/")).attempts(attempts).attempt_deadline(AMPLE);
                destinations.push(Destination::http(options.backoff(MS, 2 * MS)).unwrap());
                servers.push((server, acts, attempts));
            }
            let report = sender.dispatcher.dispatch(paid(), &destinations).await.unwrap();
            assert_eq!(report.receipts().len(), servers.len());
            for (receipt, (server, acts, attempts)) in report.receipts().iter().zip(&servers) {
                let (tried, code) = expected(acts, *attempts);
                assert_eq!(came_to(receipt), (tried, code.to_owned()), "{acts:?}");
                assert_eq!(server.requests().len(), tried as usize, "{acts:?}");
                assert_eq!(server.connections(), tried as usize, "{acts:?}");
            }
            sender.stop().await;
        });
    });
}

/// An answer, with some of its bytes changed, left out or doubled.
fn mangled(random: &mut Rng) -> Vec<u8> {
    let body = "x".repeat(random.usize(0..2000));
    let status = random.choice(STATUSES).unwrap();
    let answer = match random.u8(0..3) {
        0 => Reply::status(status, &body),
        1 => Reply::with(status, "retry-after: 1\r\nlocation: //[::1]:1/\r\n", &body),
        _ => {
            let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
            let head = format!("HTTP/1.1 {status} So\r\ntransfer-encoding: chunked\r\n\r\n");
            Reply::Send((head + &chunk).into_bytes())
        }
    };
    let Reply::Send(mut bytes) = answer else { unreachable!("it is sent") };
    for _ in 0..random.usize(0..6) {
        // Heads are short, and what is wrong with them matters more.
        let at = random.usize(..bytes.len().min(120).max(1));
        match random.u8(0..4) {
            0 if at < bytes.len() => bytes[at] = random.u8(..),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.insert(at.min(bytes.len()), random.choice(*b"\r\n:\0 9/").unwrap()),
            _ => bytes.truncate(random.usize(..=bytes.len())),
        }
    }
    bytes
}

#[test]
fn nonsense_of_any_kind_ends_and_does_no_harm() {
    for_each_seed(NonZeroU32::new(4).unwrap(), |seed| {
        in_real_time(async {
            let mut random = Rng::with_seed(seed);
            let sender = Sender::new().await;
            let mut destinations = Vec::new();
            for _ in 0..40 {
                let reply = Reply::Send(mangled(&mut random));
                let server = Server::always(&sender.system, reply).await;
                let options = post(&server.url("/")).attempts(1).redirects(random.u8(0..=3));
                destinations.push(Destination::http(options).unwrap());
            }
            let report = sender.dispatcher.dispatch(paid(), &destinations).await.unwrap();
            assert_eq!(report.receipts().len(), destinations.len());
            for receipt in report.receipts() {
                let (attempts, code) = came_to(receipt);
                assert_eq!(attempts, 1);
                let codes = [
                    "acknowledged",
                    "address_refused",
                    "http_refused",
                    "http_unavailable",
                    "network_error",
                    "redirect_refused",
                ];
                assert!(codes.contains(&&*code), "{receipt:?}");
            }
            let good = Server::always(&sender.system, Reply::status(200, "")).await;
            assert!(super::is_taken(&sender.send(post(&good.url("/"))).await));
            sender.stop().await;
        });
    });
}
