//! A small OpenID Connect provider: discovery, a key set, the authorization code flow with PKCE, refresh tokens.
//!
//! It has three people and no passwords, and says so on its page. What a client sees is the real protocol, so that a
//! sign-in against it is a sign-in against any other provider. It binds to nothing but loopback, sends browsers
//! nowhere but to loopback, and keeps its signing key in a file, so that tokens outlive a restart.

mod authorize;
mod form;
mod grants;
mod key;
mod pages;
mod person;
mod serve;
mod token;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatewright_json::{Object, Value};
use gatewright_model::{Clock, Entropy, Timestamp};

use grants::Grants;
use key::SigningKey;

pub use person::Person;
pub use serve::ServeFault;

/// The audience of every access token.
pub const AUDIENCE: &str = "gatewright";
/// The one client that is registered: the command line.
pub const CLIENT: &str = "gatewright-cli";
/// How long a token lives.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// The demo identity provider. Cheap to clone.
#[derive(Clone)]
pub struct Issuer {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    key: SigningKey,
    grants: Grants,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Why the provider cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The folder or the key's file.
    #[error("the demo identity provider's key in {path}: {fault}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What happened.
        fault: std::io::Error,
    },
    /// The file holds something else.
    #[error("{0} holds no key of the demo identity provider; remove it to have a new one made")]
    NotAKey(std::path::PathBuf),
    /// No key could be made.
    #[error("no signing key could be made")]
    NoKey,
}

impl Issuer {
    /// The provider that keeps its key in this folder and calls itself by this URL (without a slash at its end). The
    /// folder is made where it is missing.
    ///
    /// # Errors
    /// The key can be neither read nor made.
    pub fn open(
        folder: &Path,
        url: impl Into<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenFault> {
        let key = SigningKey::open(folder)?;
        Ok(Self { inner: Arc::new(Inner { url: url.into(), key, grants: Grants::default(), clock, entropy }) })
    }

    /// The URL that it calls itself by: `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// An access token of one hour for this person, as a sign-in would give it.
    pub fn mint(&self, person: Person) -> String {
        self.mint_at(person, self.inner.clock.now(), LIFETIME)
    }

    /// An access token that was issued at another moment or lives for another time: for tests of what expires.
    pub fn mint_at(&self, person: Person, issued: Timestamp, lifetime: Duration) -> String {
        let mut claims = self.claims(person, AUDIENCE, issued, lifetime);
        claims.set("client_id", CLIENT);
        claims.set("jti", self.inner.random_text());
        claims.set("groups", vec![Value::from(person.group())]);
        self.inner.key.sign("at+jwt", &claims)
    }

    /// The token that tells the client who signed in (OpenID Connect Core 1.0, section 2).
    fn mint_id_token(&self, person: Person, nonce: Option<&str>) -> String {
        let mut claims = self.claims(person, CLIENT, self.inner.clock.now(), LIFETIME);
        if let Some(nonce) = nonce {
            claims.set("nonce", nonce);
        }
        self.inner.key.sign("JWT", &claims)
    }

    fn claims(&self, person: Person, audience: &str, issued: Timestamp, lifetime: Duration) -> Object {
        let mut claims = Object::new();
        claims.set("iss", self.url());
        claims.set("sub", person.name());
        claims.set("aud", audience);
        claims.set("iat", issued.seconds());
        claims.set("exp", issued.plus(lifetime).seconds());
        claims.set("name", person.full_name());
        claims.set("preferred_username", person.name());
        claims
    }
}

impl Inner {
    /// 256 bits that nobody can guess, as text.
    fn random_text(&self) -> String {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        key::base64url(&bytes)
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("url", &self.inner.url).finish_non_exhaustive()
    }
}
