//! Secure connections, and whom they trust.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use signals::HttpOptions;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::server::{Reply, Server};
use super::{AMPLE, MS, Sender, is_taken};

/// What a server shows for some names, and the root that vouches for it, as PEM.
fn certified(names: &[&str]) -> (TlsAcceptor, String) {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &root).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![leaf.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), root.pem())
}

fn resolver(_: &str) -> std::io::Result<Vec<IpAddr>> {
    Ok(vec!["127.0.0.1".parse().unwrap()])
}

fn to(host: &str, server: &Server) -> HttpOptions {
    let options = HttpOptions::post(format!("https://{host}:{}/", server.address.port()));
    options.allow_loopback().attempt_deadline(AMPLE).backoff(MS, MS)
}

#[tokio::test]
async fn nobody_is_trusted_for_whom_nobody_vouches() {
    let sender = Sender::with(|builder| builder.resolver(resolver)).await;
    let (tls, _) = certified(&["hooks.example"]);
    let server = Server::secure(&sender.system, tls, Reply::status(200, "")).await;
    let (error, attempts) = sender.fail(to("hooks.example", &server)).await;
    assert_eq!((error.code(), attempts), ("tls_failed", 3));
    assert!(error.report().to_string().contains("UnknownIssuer"), "{}", error.report());
    assert!(server.requests().is_empty());
    sender.stop().await;
}

#[tokio::test]
async fn whoever_has_a_root_that_was_given_is_trusted_by_their_names_alone() {
    let (tls, root) = certified(&["hooks.example", "127.0.0.1"]);
    let sender = Sender::with(|builder| builder.resolver(resolver).root_certificates(root)).await;
    let server = Server::secure(&sender.system, tls, Reply::status(200, "")).await;
    for host in ["hooks.example", "HOOKS.example", "hooks.example.", "127.0.0.1"] {
        let receipt = sender.send(to(host, &server)).await;
        assert!(is_taken(&receipt), "{host}: {receipt:?}");
    }
    for host in ["other.example", "a.hooks.example", "localhost"] {
        assert_eq!(sender.fail(to(host, &server)).await.0.code(), "tls_failed", "{host}");
    }
    assert_eq!(server.requests().len(), 4);
    sender.stop().await;
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let options = to("127.0.0.1", &server).attempt_deadline(500 * MS).attempts(1);
    let (error, _) = sender.fail(options).await;
    assert!(["tls_failed", "timeout"].contains(&error.code()), "{error:?}");
    assert!(server.requests().is_empty());
    sender.stop().await;
}
