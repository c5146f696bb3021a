//! OIDC issuers: their configuration, their keys, and the verification of the JWTs that they sign.

mod algorithm;
mod claims;
mod compact;
mod config;
mod discovery;
mod jwk;
mod keeper;
mod key_set;
mod roca;
#[cfg(test)]
mod wycheproof;

pub use algorithm::Algorithm;
pub use config::{IssuerConfig, IssuerFault, KeySource, KindRule};

pub(crate) use config::check_all;

pub use claims::whom_claims_describe;
pub(crate) use claims::{Claims, check};
pub(crate) use compact::{Compact, LONGEST_TOKEN};
pub(crate) use discovery::{Discovery, fetch_keys};
pub(crate) use keeper::Keeper;
pub(crate) use key_set::{KeySet, NoKey};

/// Bounds for every JSON text of a token or an issuer; size and count are set per use.
pub(crate) const fn limits(bytes: usize, values: usize) -> gatewright_json::Limits {
    gatewright_json::Limits { bytes, depth: 16, values }
}
