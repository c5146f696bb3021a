use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::Fault;

/// Which certificate authorities are trusted.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Roots {
    /// Those of the operating system.
    #[default]
    System,
    /// Those of this PEM file and no others.
    File(PathBuf),
}

/// A TLS configuration, or the reason why there is none to use. An empty system store is a fault only for the one who
/// dials HTTPS: a gateway whose issuer is on loopback starts without it.
pub(crate) fn configure(roots: &Roots) -> Result<Option<Arc<ClientConfig>>, Fault> {
    let store = match roots {
        Roots::System => system_roots(),
        Roots::File(path) => file_roots(path)?,
    };
    if store.is_empty() {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|fault| Fault::Tls(fault.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for fault in &found.errors {
        tracing::warn!(%fault, "a certificate of the system's store cannot be read");
    }
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    store
}

fn file_roots(path: &Path) -> Result<RootCertStore, Fault> {
    let bad = |why: String| Fault::BadRoots { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|fault| bad(format!("cannot be read: {fault}")))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|fault| bad(format!("is not PEM: {fault}")))?;
        store.add(certificate).map_err(|fault| bad(format!("holds an unusable certificate: {fault}")))?;
    }
    if store.is_empty() {
        return Err(bad("holds no certificate".to_owned()));
    }
    Ok(store)
}
