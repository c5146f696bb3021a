use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gatewright_dial::Dial;
use gatewright_model::{Clock, Entropy};
use tokio::net::TcpListener;

use super::attempt::{Attempt, Client};
use super::callback;
use super::{LoginFault, Tokens};
use crate::oidc::Discovery;

/// Who signs in where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The issuer's URL, exactly as it calls itself.
    pub issuer: String,
    /// The public client that is registered there for the command line.
    pub client: String,
    /// How long the person may take.
    pub wait: Duration,
}

impl SignIn {
    /// A sign-in that waits for five minutes.
    pub fn new(issuer: impl Into<String>, client: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), client: client.into(), wait: Duration::from_secs(300) }
    }
}

/// A sign-in that waits for the person.
pub struct Login {
    sign_in: SignIn,
    discovery: Discovery,
    listener: TcpListener,
    url: String,
    redirect_uri: String,
    attempt: Attempt,
    dial: Dial,
    clock: Arc<dyn Clock>,
}

/// Asks the issuer for its endpoints and listens for the browser to come back.
///
/// # Errors
/// The issuer cannot be used, or nothing can listen on 127.0.0.1.
pub async fn start(
    sign_in: SignIn,
    dial: Dial,
    clock: Arc<dyn Clock>,
    entropy: &dyn Entropy,
) -> Result<Login, LoginFault> {
    let discovery = Discovery::fetch(&dial, &sign_in.issuer).await.map_err(LoginFault::Provider)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(LoginFault::Listener)?;
    let port = listener.local_addr().map_err(LoginFault::Listener)?.port();
    let redirect_uri = format!("http://127.0.0.1:{port}/callback");
    let attempt = Attempt::new(entropy);
    // Many providers give a refresh token only to those who ask for offline access.
    let offline = discovery.lists("scopes_supported", "offline_access") == Some(true);
    let scope = if offline { "openid offline_access" } else { "openid" };
    let url = attempt.url(&discovery, &sign_in.client, &redirect_uri, scope)?;
    Ok(Login { sign_in, discovery, listener, url, redirect_uri, attempt, dial, clock })
}

impl Login {
    /// The URL that the person opens in a browser on this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the browser to come back, and exchanges its code for tokens.
    ///
    /// # Errors
    /// The person took too long or was refused, or the provider's answer is not one to this sign-in.
    pub async fn finish(self) -> Result<Tokens, LoginFault> {
        let expected = self.attempt.expected(&self.discovery, &self.sign_in.issuer);
        let code = tokio::time::timeout(self.sign_in.wait, callback::wait(self.listener, expected))
            .await
            .unwrap_or_else(|_| Err(LoginFault::TimedOut(self.sign_in.wait.as_secs())))?;
        let Self { sign_in, discovery, redirect_uri, attempt, dial, clock, .. } = self;
        let client = Client { issuer: &sign_in.issuer, id: &sign_in.client, secret: None, redirect_uri: &redirect_uri };
        attempt.redeem(client, &discovery, &code, &dial, &*clock).await
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("sign_in", &self.sign_in).finish_non_exhaustive()
    }
}
