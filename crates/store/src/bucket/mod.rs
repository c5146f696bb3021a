//! A copy of the data folder's records in a bucket of an S3-compatible store, for buckets that let nothing be changed.
//!
//! The local disk stays what a call waits for. A [`Copier`] follows the log and puts what is on disk into the bucket, in
//! pieces that are created and never written again (`If-None-Match: *`), and at last moves one pointer (`If-Match`), which
//! fences off a second gateway with the same folder. While the bucket cannot be reached the local disk is the spool; when
//! that holds more than it may, the log admits no more calls. [`BucketDisk`] shows the bucket as the folder that it is
//! a copy of, so that it is verified like one.

mod copier;
mod copying;
mod objects;
mod pieces;
mod spans;
mod view;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::Secret;
use object_store::aws::AmazonS3Builder;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

pub use copier::{Copier, CopierOptions, Lag};
pub use objects::BucketFault;
pub use view::BucketDisk;

use wire::WireConnector;

/// How long one request to the bucket may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where a bucket is, and as whom it is reached.
#[derive(Clone)]
pub struct BucketAddress {
    /// The URL of the store's API; `None` for AWS's own of the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket.
    pub name: String,
    /// What the names of the gateway's objects begin with; one for each data folder.
    pub prefix: String,
    /// The id of the access key.
    pub key: Arc<Secret<String>>,
    /// The access key.
    pub secret: Arc<Secret<String>>,
}

impl BucketAddress {
    /// Whether the URL of a store's API may be used: over TLS, or on this machine.
    pub fn check_endpoint(url: &str) -> Result<(), BadBucket> {
        let uri: http::Uri = url.parse().map_err(|_| BadBucket::Endpoint)?;
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(_)) => Ok(()),
            (Some("http"), Some(host)) if is_loopback(host) => Ok(()),
            (Some("http"), Some(_)) => Err(BadBucket::Plaintext),
            (Some(_) | None, Some(_) | None) => Err(BadBucket::Endpoint),
        }
    }
}

/// Why a bucket cannot be used as it is described.
#[derive(Debug, thiserror::Error)]
pub enum BadBucket {
    /// Plain HTTP would give away records and who signs for them.
    #[error("a bucket is reached by https://, but on this machine")]
    Plaintext,
    /// It is no URL of a store.
    #[error("expected the URL of a store's API, such as https://s3.example:9000")]
    Endpoint,
    /// The store's client refuses the description.
    #[error("the bucket's address cannot be used: {0}")]
    Address(String),
}

/// A bucket that can be asked.
#[derive(Clone)]
pub struct Bucket {
    pub(crate) objects: objects::Objects,
}

impl Bucket {
    /// The bucket at this address, over TLS as configured here.
    pub fn at(address: &BucketAddress, tls: Arc<rustls::ClientConfig>) -> Result<Self, BadBucket> {
        Self::with_patience(address, tls, PATIENCE)
    }

    /// The same with another bound on a request's time.
    pub fn with_patience(
        address: &BucketAddress,
        tls: Arc<rustls::ClientConfig>,
        patience: Duration,
    ) -> Result<Self, BadBucket> {
        address.endpoint.as_deref().map_or(Ok(()), BucketAddress::check_endpoint)?;
        let plain = address.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&address.name)
            .with_region(&address.region)
            .with_access_key_id(address.key.expose())
            .with_secret_access_key(address.secret.expose())
            .with_http_connector(WireConnector { tls, patience })
            .with_client_options(ClientOptions::new().with_allow_http(plain))
            // The copier tries again by itself, and compares what a request left behind whose answer was lost.
            .with_retry(RetryConfig { max_retries: 0, retry_timeout: patience, backoff: BackoffConfig::default() });
        if let Some(endpoint) = &address.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(|error| BadBucket::Address(error.to_string()))?;
        Ok(Self::of(Arc::new(store), &address.prefix))
    }

    /// Any store of objects, under this prefix.
    pub fn of(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { objects: objects::Objects::new(store, prefix) }
    }
}

/// Whether a host is one of this machine's own addresses.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
