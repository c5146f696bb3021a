use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_dial::Dial;
use gatewright_model::{Clock, Entropy, Secret};
use tokio::net::TcpListener;

use super::callback::{self, Expected};
use super::{LoginFault, Tokens, tokens};
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
    state: Secret<String>,
    verifier: Secret<String>,
    nonce: String,
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
    let endpoint = discovery.endpoint("authorization_endpoint").map_err(LoginFault::Provider)?;
    // The browser goes there with the person's password, so it must be as safe as what this program dials.
    Dial::check_url(endpoint).map_err(|fault| LoginFault::Provider(format!("its sign-in page: {fault}")))?;
    if discovery.lists("code_challenge_methods_supported", "S256") == Some(false) {
        return Err(LoginFault::Provider("it does not support PKCE with S256".to_owned()));
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(LoginFault::Listener)?;
    let port = listener.local_addr().map_err(LoginFault::Listener)?.port();
    let redirect_uri = format!("http://127.0.0.1:{port}/callback");
    let (state, verifier, nonce) = (random_text(entropy), random_text(entropy), random_text(entropy));
    // Many providers give a refresh token only to those who ask for offline access.
    let offline = discovery.lists("scopes_supported", "offline_access") == Some(true);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &sign_in.client)
        .append_pair("redirect_uri", &redirect_uri)
        .append_pair("scope", if offline { "openid offline_access" } else { "openid" })
        .append_pair("state", &state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())))
        .append_pair("code_challenge_method", "S256")
        .finish();
    let url = format!("{endpoint}{}{query}", if endpoint.contains('?') { '&' } else { '?' });
    let (state, verifier) = (Secret::new(state), Secret::new(verifier));
    Ok(Login { sign_in, discovery, listener, url, redirect_uri, state, verifier, nonce, dial, clock })
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
        let expected = Expected {
            state: self.state.expose().clone(),
            issuer: self.sign_in.issuer.clone(),
            issuer_required: self.discovery.says("authorization_response_iss_parameter_supported"),
        };
        let code = tokio::time::timeout(self.sign_in.wait, callback::wait(self.listener, expected))
            .await
            .unwrap_or_else(|_| Err(LoginFault::TimedOut(self.sign_in.wait.as_secs())))?;
        let endpoint = self.discovery.endpoint("token_endpoint").map_err(LoginFault::Provider)?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.expose().as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("client_id", &self.sign_in.client),
            ("code_verifier", self.verifier.expose().as_str()),
        ];
        let answer = tokens::ask(&self.dial, endpoint, &fields).await?;
        let keys = self.discovery.endpoint("jwks_uri").map_err(LoginFault::Provider)?;
        let now = self.clock.now();
        tokens::check_id_token(&self.dial, &answer, &self.sign_in, keys, &self.nonce, now).await?;
        answer.into_tokens(&self.sign_in.issuer, &self.sign_in.client, now)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("sign_in", &self.sign_in).finish_non_exhaustive()
    }
}

/// 256 bits that nobody can guess; as text they are also a verifier of the length that RFC 7636 wants.
fn random_text(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
