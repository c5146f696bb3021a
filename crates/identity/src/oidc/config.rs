use std::time::Duration;

use gatewright_dial::{Dial, Fault};
use gatewright_model::{IssuerName, Kind};

use super::Algorithm;

/// One OIDC issuer whose tokens are accepted.
///
/// [`IssuerConfig::new`] gives safe defaults for the rest; [`IssuerConfig::check`] says what cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerConfig {
    /// The name that roles, records and metrics use.
    pub name: IssuerName,
    /// The issuer's URL, compared with `iss` and with its discovery document exactly as written.
    pub url: String,
    /// What `aud` must be or contain. There is no "any audience".
    pub audience: String,
    /// Where the groups are: a JSON pointer (RFC 6901) to a text or a list of texts. `None`: this issuer gives none.
    pub groups: Option<String>,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Whether its callers are people or programs.
    pub kind: KindRule,
    /// Where not empty, `azp` must be one of these clients.
    pub authorized_parties: Vec<String>,
    /// The longest time between `iat` and `exp`.
    pub max_lifetime: Duration,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// Where its keys are.
    pub keys: KeySource,
    /// How long keys are used while newer ones cannot be fetched; after that its tokens are refused.
    pub stale_keys: Duration,
}

/// Where an issuer's keys are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In its discovery document, on the issuer's own host or one of these (`host` or `host:port`).
    Discovery {
        /// Other hosts that its keys may be on.
        hosts: Vec<String>,
    },
    /// At this URL.
    At(String),
}

/// How it is told whether a person or a program asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindRule {
    /// Every caller of this issuer is of this kind.
    Always(Kind),
    /// A program where the claim at this JSON pointer is this text, else a person. Entra ID: `/idtyp`, `app`.
    WorkloadWhere {
        /// The claim.
        pointer: String,
        /// Its value for programs.
        is: String,
    },
}

/// What is wrong with an issuer's configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFault {
    /// Nobody could dial it.
    #[error("issuer `{0}`: its URL cannot be used: {1}")]
    Url(IssuerName, Fault),
    /// The URL of its keys.
    #[error("issuer `{0}`: the URL of its keys cannot be used: {1}")]
    KeysUrl(IssuerName, Fault),
    /// An issuer URL with a query names no issuer (OpenID Connect Discovery 1.0, section 3).
    #[error("issuer `{0}`: its URL must not have a query")]
    Query(IssuerName),
    /// Without an audience, every token that the issuer ever gave to anyone would be accepted.
    #[error("issuer `{0}`: it needs an audience")]
    NoAudience(IssuerName),
    /// No algorithm, no token.
    #[error("issuer `{0}`: it needs at least one algorithm")]
    NoAlgorithm(IssuerName),
    /// Not a JSON pointer.
    #[error("issuer `{0}`: `{1}` is not a JSON pointer (it starts with `/`)")]
    Pointer(IssuerName, String),
    /// A limit that would undo a check.
    #[error("issuer `{0}`: {1}")]
    Limit(IssuerName, &'static str),
    /// A token could be of both.
    #[error("issuers `{0}` and `{1}` have the same name or the same URL")]
    Twice(IssuerName, IssuerName),
}

impl IssuerConfig {
    /// An issuer with the defaults: groups nowhere, all algorithms, people, tokens of at most a day, thirty seconds of
    /// leeway, keys by discovery on its own host, kept for at most four hours without news.
    pub fn new(name: impl Into<IssuerName>, url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            audience: audience.into(),
            groups: None,
            algorithms: Algorithm::ALL.to_vec(),
            kind: KindRule::Always(Kind::Person),
            authorized_parties: Vec::new(),
            max_lifetime: Duration::from_secs(24 * 3_600),
            leeway: Duration::from_secs(30),
            keys: KeySource::Discovery { hosts: Vec::new() },
            stale_keys: Duration::from_secs(4 * 3_600),
        }
    }

    /// Says everything that is wrong with it.
    ///
    /// # Errors
    /// At least one fault.
    pub fn check(&self) -> Result<(), Vec<IssuerFault>> {
        let mut faults = Vec::new();
        let name = || self.name.clone();
        if let Err(fault) = Dial::check_url(&self.url) {
            faults.push(IssuerFault::Url(name(), fault));
        }
        if self.url.contains('?') {
            faults.push(IssuerFault::Query(name()));
        }
        if let KeySource::At(url) = &self.keys
            && let Err(fault) = Dial::check_url(url)
        {
            faults.push(IssuerFault::KeysUrl(name(), fault));
        }
        if self.audience.trim().is_empty() {
            faults.push(IssuerFault::NoAudience(name()));
        }
        if self.algorithms.is_empty() {
            faults.push(IssuerFault::NoAlgorithm(name()));
        }
        let kind = match &self.kind {
            KindRule::Always(_) => None,
            KindRule::WorkloadWhere { pointer, .. } => Some(pointer),
        };
        for pointer in self.groups.iter().chain(kind).filter(|pointer| !pointer.starts_with('/')) {
            faults.push(IssuerFault::Pointer(name(), pointer.clone()));
        }
        if self.leeway > Duration::from_secs(300) {
            faults.push(IssuerFault::Limit(name(), "a leeway of more than five minutes undoes the check of expiry"));
        }
        if self.max_lifetime.is_zero() {
            faults.push(IssuerFault::Limit(name(), "a maximal lifetime of zero accepts no token"));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// Every fault of every issuer, and of their being together.
pub(crate) fn check_all(issuers: &[IssuerConfig]) -> Result<(), Vec<IssuerFault>> {
    let mut faults: Vec<IssuerFault> = issuers.iter().filter_map(|issuer| issuer.check().err()).flatten().collect();
    for (place, one) in issuers.iter().enumerate() {
        for other in &issuers[place + 1..] {
            if one.name == other.name || one.url == other.url {
                faults.push(IssuerFault::Twice(one.name.clone(), other.name.clone()));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold() {
        assert_eq!(IssuerConfig::new("corp", "https://idp.example", "gatewright").check(), Ok(()));
        assert_eq!(IssuerConfig::new("demo", "http://127.0.0.1:8082", "gatewright").check(), Ok(()));
    }

    #[test]
    fn says_everything_that_cannot_work_at_once() {
        let mut issuer = IssuerConfig::new("corp", "http://idp.example/?a", " ");
        issuer.algorithms.clear();
        issuer.groups = Some("groups".to_owned());
        issuer.leeway = Duration::from_secs(3_600);
        let faults = issuer.check().expect_err("faulty");
        assert_eq!(faults.len(), 6, "{faults:?}");
    }

    #[test]
    fn one_url_is_one_issuer() {
        let one = IssuerConfig::new("a", "https://idp.example", "x");
        let other = IssuerConfig::new("b", "https://idp.example", "y");
        assert_eq!(check_all(&[one, other]), Err(vec![IssuerFault::Twice("a".into(), "b".into())]));
    }
}
