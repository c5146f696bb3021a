use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_dial::Dial;
use gatewright_model::{Clock, Entropy, Secret};

use super::callback::Expected;
use super::client_secret::{SecretIn, basic};
use super::{LoginFault, Tokens, tokens};
use crate::oidc::Discovery;

/// What belongs to one sign-in alone: each is new every time and good once.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What the browser must bring back (RFC 6749, section 10.12).
    pub state: String,
    /// What the identity token must carry (OpenID Connect Core 1.0, section 3.1.3.7).
    pub nonce: String,
    /// The secret half of PKCE (RFC 7636).
    pub verifier: String,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt")
    }
}

/// Who exchanges a code: the client as it is registered at the provider.
#[derive(Clone, Copy)]
pub(crate) struct Client<'c> {
    pub(crate) issuer: &'c str,
    pub(crate) id: &'c str,
    pub(crate) secret: Option<&'c Secret<String>>,
    pub(crate) redirect_uri: &'c str,
}

impl Attempt {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        Self { state: random_text(entropy), nonce: random_text(entropy), verifier: random_text(entropy) }
    }

    /// Where the browser goes.
    pub(crate) fn url(
        &self,
        discovery: &Discovery,
        client: &str,
        redirect_uri: &str,
        scope: &str,
    ) -> Result<String, LoginFault> {
        let endpoint = discovery.endpoint("authorization_endpoint").map_err(LoginFault::Provider)?;
        // The browser goes there with the person's password, so it must be as safe as what this program dials.
        Dial::check_url(endpoint).map_err(|fault| LoginFault::Provider(format!("its sign-in page: {fault}")))?;
        if discovery.lists("code_challenge_methods_supported", "S256") == Some(false) {
            return Err(LoginFault::Provider("it does not support PKCE with S256".to_owned()));
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", client)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", scope)
            .append_pair("state", &self.state)
            .append_pair("nonce", &self.nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes())))
            .append_pair("code_challenge_method", "S256")
            .finish();
        Ok(format!("{endpoint}{}{query}", if endpoint.contains('?') { '&' } else { '?' }))
    }

    /// What the browser must bring back.
    pub(crate) fn expected(&self, discovery: &Discovery, issuer: &str) -> Expected {
        Expected {
            state: self.state.clone(),
            issuer: issuer.to_owned(),
            issuer_required: discovery.says("authorization_response_iss_parameter_supported"),
        }
    }

    /// Exchanges the code for tokens, and holds the identity token against this attempt.
    pub(crate) async fn redeem(
        &self,
        client: Client<'_>,
        discovery: &Discovery,
        code: &Secret<String>,
        dial: &Dial,
        clock: &dyn Clock,
    ) -> Result<Tokens, LoginFault> {
        let endpoint = discovery.endpoint("token_endpoint").map_err(LoginFault::Provider)?;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose().as_str()),
            ("redirect_uri", client.redirect_uri),
            ("client_id", client.id),
            ("code_verifier", self.verifier.as_str()),
        ];
        let answer = match client.secret.map(|secret| Ok((secret, SecretIn::taken_by(discovery)?))).transpose()? {
            None => tokens::ask(dial, endpoint, &fields).await?,
            Some((secret, SecretIn::Form)) => {
                fields.push(("client_secret", secret.expose().as_str()));
                tokens::ask(dial, endpoint, &fields).await?
            }
            Some((secret, SecretIn::Header)) => {
                // One way of proving who asks, so the form does not name the client a second time.
                fields.retain(|(name, _)| *name != "client_id");
                tokens::ask_by(dial, endpoint, &fields, basic(client.id, secret)?).await?
            }
        };
        let keys = discovery.endpoint("jwks_uri").map_err(LoginFault::Provider)?;
        let now = clock.now();
        tokens::check_id_token(dial, &answer, client, keys, &self.nonce, now).await?;
        answer.into_tokens(client.issuer, client.id, now)
    }
}

/// 256 bits that nobody can guess; as text they are also a verifier of the length that RFC 7636 wants.
fn random_text(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
