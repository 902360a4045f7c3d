//! Whom a secure connection trusts.

use std::sync::Arc;

use foundation::Result;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::invalid_options;

/// A configuration that trusts the roots of browsers, and those that are given as PEM. Certificates
/// are always checked: there is no way not to.
pub(super) fn configuration(roots: &[Vec<u8>]) -> Result<Arc<ClientConfig>> {
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for pem in roots {
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate.ok().and_then(|certificate| store.add(certificate).ok());
            added.ok_or_else(|| refused("one of them is no certificate"))?;
        }
        if store.len() == before {
            return Err(refused("there is no certificate"));
        }
    }
    // By the provider that is named here, not by one that is set for the whole process.
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| refused("the provider has no protocol"))?;
    let mut configuration = builder.with_root_certificates(store).with_no_client_auth();
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(configuration))
}

fn refused(why: &str) -> foundation::Error {
    invalid_options("root_certificates", why)
}
