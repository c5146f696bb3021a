use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use gatewright_dial::Dial;
use gatewright_model::{Clock, Digest, IssuerName};
use http::HeaderMap;

use crate::cache::{Cache, Entry, Verified};
use crate::oidc::{self, Claims, Compact, IssuerConfig, IssuerFault, Keeper, NoKey};
use crate::source::Token;
use crate::{Flaw, Rejection};

/// Who is asking, for one configuration of issuers.
pub struct Identities {
    issuers: Vec<Arc<Keeper>>,
    /// Each issuer's place by its URL.
    by_url: HashMap<String, usize>,
    cache: Cache,
    dial: Dial,
    clock: Arc<dyn Clock>,
}

impl Identities {
    /// The issuers of a configuration. Nothing is fetched before [`Identities::start`].
    ///
    /// # Errors
    /// Every fault of the configuration at once.
    pub fn new(issuers: Vec<IssuerConfig>, dial: Dial, clock: Arc<dyn Clock>) -> Result<Self, Vec<IssuerFault>> {
        Self::build(issuers, &[], dial, clock)
    }

    /// The issuers of a newer configuration. An issuer whose configuration is unchanged keeps its keys and its task;
    /// no verification of a token is taken over.
    ///
    /// # Errors
    /// As [`Identities::new`].
    pub fn successor(&self, issuers: Vec<IssuerConfig>) -> Result<Self, Vec<IssuerFault>> {
        Self::build(issuers, &self.issuers, self.dial.clone(), Arc::clone(&self.clock))
    }

    fn build(
        issuers: Vec<IssuerConfig>,
        known: &[Arc<Keeper>],
        dial: Dial,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Vec<IssuerFault>> {
        oidc::check_all(&issuers)?;
        let by_url = issuers.iter().enumerate().map(|(place, issuer)| (issuer.url.clone(), place)).collect();
        let keep = |issuer: IssuerConfig| match known.iter().find(|keeper| *keeper.config() == issuer) {
            Some(keeper) => Arc::clone(keeper),
            None => Arc::new(Keeper::new(issuer, dial.clone(), Arc::clone(&clock))),
        };
        let issuers = issuers.into_iter().map(keep).collect();
        Ok(Self { issuers, by_url, cache: Cache::new(), dial, clock })
    }

    /// Starts one task for each issuer that fetches its keys; they end when the last configuration that has the issuer
    /// is dropped. Must be called within a tokio runtime; a second call does nothing.
    pub fn start(&self) {
        for issuer in &self.issuers {
            issuer.start();
        }
    }

    /// Waits until every issuer was asked for its keys once, whether it answered or not. Takes at most a few seconds
    /// once started, since every fetch is bounded; never ends before.
    pub async fn tried(&self) {
        for issuer in &self.issuers {
            issuer.tried().await;
        }
    }

    /// Fetches every issuer's keys now, whether they are due or not, and waits for it: for an operator who knows that
    /// an issuer has taken a key back. Needs [`Identities::start`]; takes at most some ten seconds for each issuer.
    pub async fn refresh(&self) {
        for issuer in &self.issuers {
            issuer.refresh().await;
        }
    }

    /// For each issuer, whether its tokens can be verified, or why not or not for much longer.
    pub fn readiness(&self) -> Vec<(IssuerName, Result<(), String>)> {
        self.issuers.iter().map(|issuer| (issuer.config().name.clone(), issuer.health())).collect()
    }

    /// The caller of a request with these headers.
    ///
    /// A token that was verified within the last minute costs a hash and a look into a map. Everything else costs a
    /// verification, and waits only where the token names a key that its issuer might have published just now.
    ///
    /// # Errors
    /// Every way in which nobody can be known to ask.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Verified>, Rejection> {
        let token = Token::find(headers)?;
        let digest = sha256(token.bytes());
        match self.remembered(&digest) {
            Some(verified) => Ok(verified),
            None => self.verify(token.text()?, digest).await,
        }
    }

    /// A verification that still counts: recent, within the token's life, and with the keys that its issuer has now.
    fn remembered(&self, digest: &Digest) -> Option<Arc<Verified>> {
        let now = self.clock.now();
        let entry = self.cache.get(digest, now)?;
        let standing = self.issuers.get(entry.issuer)?.standing(now)?;
        let generation = standing.as_ref().map(|standing| standing.generation)?;
        (generation == entry.generation).then_some(entry.verified)
    }

    async fn verify(&self, token: &str, digest: Digest) -> Result<Arc<Verified>, Rejection> {
        let compact = Compact::read(token)?;
        let payload = compact.unverified_claims()?;
        let claims = Claims::of(&payload).ok_or(Flaw::ClaimsNotJson)?;
        // Not believed yet: it only says whose keys to try, and is checked again among the claims.
        let place = *self.by_url.get(claims.issuer()?).ok_or(Rejection::UnknownIssuer)?;
        let issuer = self.issuers.get(place).ok_or(Rejection::UnknownIssuer)?;
        let generation = self.check_signature(&compact, issuer).await?;
        let now = self.clock.now();
        let identity = oidc::check(&claims, issuer.config(), now)?;
        let verified = Arc::new(Verified { identity, digest });
        self.cache.put(Entry::new(Arc::clone(&verified), place, generation, now));
        Ok(verified)
    }

    /// The generation of the keys that made the signature.
    async fn check_signature(&self, compact: &Compact<'_>, issuer: &Keeper) -> Result<u64, Rejection> {
        match self.try_signature(compact, issuer)? {
            Ok(generation) => return Ok(generation),
            Err(NoKey::Unfit) => return Err(Rejection::BadSignature),
            Err(NoKey::Unknown) => {}
        }
        let id = compact.key_id().unwrap_or_default();
        if !issuer.refetch_for(id).await {
            return Err(Rejection::BadSignature);
        }
        match self.try_signature(compact, issuer)? {
            Ok(generation) => Ok(generation),
            Err(NoKey::Unfit) => Err(Rejection::BadSignature),
            Err(NoKey::Unknown) => {
                issuer.is_absent(id);
                Err(Rejection::BadSignature)
            }
        }
    }

    fn try_signature(&self, compact: &Compact<'_>, issuer: &Keeper) -> Result<Result<u64, NoKey>, Rejection> {
        let standing = issuer.standing(self.clock.now());
        match standing.as_ref().and_then(|standing| standing.as_ref()) {
            Some(standing) => Ok(compact.verify(&standing.keys).map(|()| standing.generation)),
            None => Err(Rejection::NotReady(issuer.config().name.clone())),
        }
    }
}

fn sha256(token: &[u8]) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token).as_ref());
    bytes
}
