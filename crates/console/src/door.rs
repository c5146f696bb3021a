use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

/// What is given some time.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where people sign in: OpenID Connect providers, by the authorization code flow with PKCE.
pub trait Door: Send + Sync {
    /// The issuers that people can sign in at, by their configured names.
    fn issuers(&self) -> Vec<String>;

    /// Begins a sign-in. Where the browser is sent back to is exactly `redirect_uri`.
    fn begin<'a>(&'a self, issuer: &'a str, redirect_uri: &'a str) -> Later<'a, Result<Begun, Closed>>;

    /// Ends it with the query that the browser brought back.
    fn finish<'a>(
        &'a self,
        started: &'a Started,
        redirect_uri: &'a str,
        query: &'a str,
    ) -> Later<'a, Result<Token, Closed>>;
}

/// A sign-in that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What must be known when it comes back.
    pub started: Started,
}

/// What belongs to one sign-in alone. It travels in a sealed cookie, so that it binds the answer to this very browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Which issuer, so that another one's answer is not taken for it.
    pub issuer: String,
    /// What the answer must bring back.
    pub state: String,
    /// What the identity token must carry.
    pub nonce: String,
    /// The secret half of PKCE.
    pub verifier: String,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Started").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// What a sign-in gave.
pub struct Token {
    /// What the admin API takes as a bearer token.
    pub text: String,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// There is no such issuer, or nobody can sign in at it.
    #[error("nobody can sign in there")]
    UnknownIssuer,
    /// The answer is of another sign-in.
    #[error("this is not the answer to the sign-in that was begun in this browser")]
    NotThisSignIn,
    /// The provider cannot be used, refused, or gave something that is not accepted.
    #[error("{0}")]
    Provider(String),
}

/// The clock, the randomness and the memory of this machine.
pub trait Surroundings: Send + Sync {
    /// Seconds since 1970.
    fn now(&self) -> u64;

    /// Fills this with bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);

    /// Writes down that a session was ended by its person, for as long as its cookie would still open. Given back at the
    /// next start as [`Parts::ended`](crate::Parts::ended).
    fn keep_ended(&self, id: &str, until: u64);
}
