//! The copy of the records in a bucket: from the configuration, and from a command line.

use std::path::Path;
use std::sync::Arc;

use gatewright_model::Secret;
use gatewright_store::bucket::{Bucket, BucketAddress, Copier, CopierOptions};
use gatewright_store::log::Log;
use tokio::runtime::Handle;

use crate::assemble::{system_tls, tls_by};
use crate::config::{ready, secrets};
use crate::start_fault::StartFault;

/// Starts to copy what is recorded, where the configuration names a bucket.
pub(crate) fn copy(wanted: Option<&ready::Bucket>, folder: &Path, log: &Log) -> Result<Option<Copier>, StartFault> {
    let Some(wanted) = wanted else { return Ok(None) };
    let lent = |reference| secrets::resolve(reference).map_err(|why| StartFault::Bucket(why.to_string()));
    let address = BucketAddress {
        endpoint: wanted.endpoint.clone(),
        region: wanted.region.clone(),
        name: wanted.name.clone(),
        prefix: wanted.prefix.clone(),
        key: lent(&wanted.key)?,
        secret: lent(&wanted.secret)?,
    };
    let tls = match &wanted.ca {
        Some(ca) => tls_by(ca)?,
        None => system_tls(),
    };
    let bucket = Bucket::at(&address, tls).map_err(|bad| StartFault::Bucket(bad.to_string()))?;
    let options = CopierOptions { every: wanted.every, spool: wanted.spool };
    let copier = Copier::start(folder, log, &bucket, options, Handle::current());
    copier.map(Some).map_err(|error| StartFault::Bucket(error.to_string()))
}

/// A bucket as it is typed: `s3://NAME/PREFIX`, the access key in the environment as the tools of AWS have it.
pub(crate) fn typed(url: &str, endpoint: Option<&str>, region: &str) -> Result<Bucket, String> {
    let (name, prefix) = url
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(name, prefix)| !name.is_empty() && !prefix.is_empty())
        .ok_or("--bucket: expected s3://NAME/PREFIX")?;
    let lent = |variable: &str| {
        let value = secrets::environment(variable).ok_or_else(|| format!("--bucket: {variable} is not set"))?;
        Ok::<_, String>(Arc::new(Secret::new(value)))
    };
    let address = BucketAddress {
        endpoint: endpoint.map(str::to_owned),
        region: region.to_owned(),
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        key: lent("AWS_ACCESS_KEY_ID")?,
        secret: lent("AWS_SECRET_ACCESS_KEY")?,
    };
    Bucket::at(&address, system_tls()).map_err(|bad| format!("--bucket: {bad}"))
}
