use std::fmt;

use gatewright_dial::{Dial, Fault, Reply};
use gatewright_json::{Value, parse};
use gatewright_model::{Secret, Timestamp};
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};

use super::LoginFault;
use super::attempt::Client;
use super::callback::error_word;
use crate::oidc::{self, Claims, Compact, IssuerConfig, KeySource, LONGEST_TOKEN};

/// What a sign-in gave.
pub struct Tokens {
    /// The issuer's URL.
    pub issuer: String,
    /// The client that signed in.
    pub client: String,
    /// What the gateway takes as `Authorization: Bearer`.
    pub token: Secret<String>,
    /// What gets the next one, where the provider gives that.
    pub refresh: Option<Secret<String>>,
    /// When `token` ends.
    pub expires: Timestamp,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("issuer", &self.issuer).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// A token endpoint's answer (RFC 6749, section 5.1).
pub(crate) struct Answer {
    access: Secret<String>,
    identity: Option<Secret<String>>,
    refresh: Option<Secret<String>>,
}

/// Sends a form to a token endpoint.
pub(crate) async fn ask(dial: &Dial, endpoint: &str, fields: &[(&str, &str)]) -> Result<Answer, LoginFault> {
    read(dial.post_form(endpoint, fields).await)
}

/// The same with a header that proves who the client is.
pub(crate) async fn ask_by(
    dial: &Dial,
    endpoint: &str,
    fields: &[(&str, &str)],
    authorization: HeaderValue,
) -> Result<Answer, LoginFault> {
    read(dial.post_form_with(endpoint, vec![(AUTHORIZATION, authorization)], fields).await)
}

fn read(reply: Result<Reply, Fault>) -> Result<Answer, LoginFault> {
    let reply = reply.map_err(|fault| LoginFault::Provider(format!("its token endpoint: {fault}")))?;
    let bad = |why: &str| LoginFault::BadAnswer(why.to_owned());
    let answer = parse(reply.body(), &oidc::limits(256 << 10, 1_000)).map_err(|_| bad("it is not strict JSON"))?;
    if reply.status() != StatusCode::OK {
        let error = answer.get("error").and_then(Value::as_str).unwrap_or_default();
        return Err(LoginFault::Refused(error_word(error)));
    }
    if !answer.get("token_type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(bad("its tokens are not bearer tokens"));
    }
    let text = |name: &str| match answer.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= LONGEST_TOKEN && is_token(text) => {
            Ok(Some(Secret::new(text.clone())))
        }
        Some(_) => Err(bad("a token in it is not a short text")),
    };
    Ok(Answer {
        access: text("access_token")?.ok_or_else(|| bad("it has no access token"))?,
        identity: text("id_token")?,
        refresh: text("refresh_token")?,
    })
}

/// Visible ASCII, since it becomes a header and a line in a terminal.
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Verifies the identity token as OpenID Connect Core 1.0, section 3.1.3.7 asks: signature, issuer, audience, times and
/// nonce. The nonce binds the tokens to this very sign-in.
pub(crate) async fn check_id_token(
    dial: &Dial,
    answer: &Answer,
    client: Client<'_>,
    keys_url: &str,
    nonce: &str,
    now: Timestamp,
) -> Result<(), LoginFault> {
    let bad = |why: String| LoginFault::BadAnswer(format!("its identity token: {why}"));
    let token = answer.identity.as_ref().ok_or_else(|| bad("there is none".to_owned()))?.expose();
    let mut config = IssuerConfig::new("login", client.issuer, client.id);
    config.keys = KeySource::At(keys_url.to_owned());
    let fetched = oidc::fetch_keys(dial, &config).await.map_err(LoginFault::Provider)?;
    let compact = Compact::read(token).map_err(|flaw| bad(flaw.to_string()))?;
    compact.verify(&fetched.keys).map_err(|_| bad("its signature does not hold".to_owned()))?;
    let payload = compact.unverified_claims().map_err(|flaw| bad(flaw.to_string()))?;
    let claims = Claims::of(&payload).ok_or_else(|| bad("it has no claims".to_owned()))?;
    oidc::check(&claims, &config, now).map_err(|rejection| bad(rejection.to_string()))?;
    if payload.get("nonce").and_then(Value::as_str) != Some(nonce) {
        return Err(bad("it belongs to another sign-in".to_owned()));
    }
    Ok(())
}

impl Answer {
    /// What to keep of it.
    pub(crate) fn into_tokens(self, issuer: &str, client: &str, now: Timestamp) -> Result<Tokens, LoginFault> {
        let token = match (expiry(self.access.expose()), self.identity) {
            (Some(_), _) | (None, None) => self.access,
            (None, Some(identity)) => identity,
        };
        let expires = expiry(token.expose()).ok_or_else(|| {
            LoginFault::BadAnswer("neither token in it is a JWT that the gateway could read".to_owned())
        })?;
        if expires <= now {
            return Err(LoginFault::BadAnswer("its token has expired already; check this machine's clock".to_owned()));
        }
        Ok(Tokens { issuer: issuer.to_owned(), client: client.to_owned(), token, refresh: self.refresh, expires })
    }

    /// The refresh token that comes next: providers that do not rotate it send none.
    pub(crate) fn or_refresh(mut self, before: Secret<String>) -> Self {
        self.refresh.get_or_insert(before);
        self
    }
}

/// When a JWT says that it ends; for planning alone, since nothing is verified here.
fn expiry(token: &str) -> Option<Timestamp> {
    let claims = Compact::read(token).ok()?.unverified_claims().ok()?;
    claims.get("exp")?.as_number()?.as_u64().map(Timestamp::from_seconds)
}
