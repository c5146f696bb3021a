use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::ready::CertificateFiles;

/// The longest PEM file, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Why a certificate cannot be used; never repeats what a file holds.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// The file is not there.
    #[error("{0} is not there")]
    Missing(String),
    /// The file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, String),
    /// The file holds something else.
    #[error("{0} {1}")]
    Malformed(String, String),
}

/// A listener's TLS whose certificate can be replaced while connections are being made. Connections that stand keep
/// what they began with.
#[derive(Clone)]
pub struct ReloadingTls {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
}

struct Current(ArcSwap<CertifiedKey>);

impl ReloadingTls {
    /// TLS 1.2 and 1.3 with this certificate, HTTP/2 and HTTP/1.1 offered by ALPN.
    pub fn open(files: &CertificateFiles) -> Result<Self, BadCertificate> {
        let current = Arc::new(Current(ArcSwap::from_pointee(read(files)?)));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let malformed = |fault: rustls::Error| BadCertificate::Malformed("TLS".to_owned(), fault.to_string());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(malformed)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Early data can be replayed by whoever saw it; a call must not be.
        config.max_early_data_size = 0;
        Ok(Self { config: Arc::new(config), current })
    }

    /// Reads the files again. The certificate in use stays where they hold no usable one.
    pub fn reload(&self, files: &CertificateFiles) -> Result<(), BadCertificate> {
        self.current.0.store(Arc::new(read(files)?));
        Ok(())
    }

    /// The chain that is shown at this moment.
    pub fn certificate(&self) -> Vec<CertificateDer<'static>> {
        self.current.0.load().cert.clone()
    }

    /// What a handshake is answered with.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

impl fmt::Debug for ReloadingTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReloadingTls")
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Reads a chain and its key, and holds one against the other.
pub fn read(files: &CertificateFiles) -> Result<CertifiedKey, BadCertificate> {
    let place = files.certificate.display().to_string();
    let malformed = |place: &str, words: &str| BadCertificate::Malformed(place.to_owned(), words.to_owned());
    let pem = bytes_of(&files.certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|_| malformed(&place, "is not PEM"))?;
    if chain.is_empty() {
        return Err(malformed(&place, "holds no certificate"));
    }
    let key_place = files.key.display().to_string();
    let pem = zeroizing(bytes_of(&files.key)?);
    let key = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_| malformed(&key_place, "holds no private key"))?;
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)
        .map_err(|_| malformed(&key_place, "holds a private key of a kind that TLS cannot use here"))?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(|_| malformed(&key_place, "is not the key of the certificate"))?;
    Ok(certified)
}

fn zeroizing(bytes: Vec<u8>) -> gatewright_model::Secret<Vec<u8>> {
    gatewright_model::Secret::new(bytes)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, BadCertificate> {
    let place = || path.display().to_string();
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > LONGEST => Err(BadCertificate::Malformed(place(), "is too long".to_owned())),
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(BadCertificate::Missing(place())),
        Err(error) => Err(BadCertificate::Unreadable(place(), error.to_string())),
    }
}
