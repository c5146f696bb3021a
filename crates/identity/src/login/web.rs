use std::sync::Arc;

use gatewright_dial::Dial;
use gatewright_model::{Clock, Entropy, Secret};

use super::attempt::Client;
use super::client_secret::SecretIn;
use super::{Attempt, LoginFault, Tokens, callback};
use crate::oidc::Discovery;

/// A web application that people sign in to through a provider.
#[derive(Clone, Debug)]
pub struct WebSignIn {
    /// The issuer's URL, exactly as it calls itself.
    pub issuer: String,
    /// The client that is registered there.
    pub client: String,
    /// The client's secret, where it has one; sent in the form or in a header, as the provider says that it takes it.
    pub secret: Option<Arc<Secret<String>>>,
    /// Where the browser is sent back to, exactly as registered.
    pub redirect_uri: String,
}

impl WebSignIn {
    /// Begins a sign-in: where the browser goes, and what must be remembered for that browser until it comes back.
    ///
    /// No refresh token is asked for: the session ends with the token.
    ///
    /// # Errors
    /// The issuer cannot be used.
    pub async fn begin(&self, dial: &Dial, entropy: &dyn Entropy) -> Result<(String, Attempt), LoginFault> {
        let discovery = Discovery::fetch(dial, &self.issuer).await.map_err(LoginFault::Provider)?;
        if self.secret.is_some() {
            SecretIn::taken_by(&discovery)?;
        }
        let attempt = Attempt::new(entropy);
        let url = attempt.url(&discovery, &self.client, &self.redirect_uri, "openid")?;
        Ok((url, attempt))
    }

    /// Ends a sign-in with the query that the browser brought back.
    ///
    /// # Errors
    /// [`LoginFault::Unasked`] where the query does not belong to this attempt, whose time has then not come yet; otherwise
    /// the provider refused, or its answer is not accepted.
    pub async fn finish(
        &self,
        attempt: &Attempt,
        query: &str,
        dial: &Dial,
        clock: &dyn Clock,
    ) -> Result<Tokens, LoginFault> {
        // Looked at before anybody is asked anything: strangers can send any query here.
        if !callback::has_state(query, &attempt.state) {
            return Err(LoginFault::Unasked);
        }
        let discovery = Discovery::fetch(dial, &self.issuer).await.map_err(LoginFault::Provider)?;
        let expected = attempt.expected(&discovery, &self.issuer);
        let code = callback::read(query, &expected).unwrap_or(Err(LoginFault::Unasked))?;
        let secret = self.secret.as_deref();
        let client = Client { issuer: &self.issuer, id: &self.client, secret, redirect_uri: &self.redirect_uri };
        attempt.redeem(client, &discovery, &code, dial, clock).await
    }
}
