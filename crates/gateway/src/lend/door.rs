//! The three requests that are about what is lent: the exchange, the public keys, and what there is.

use std::time::Duration;

use bytes::Bytes;
use gatewright_identity::CallClaims;
use gatewright_json::{Object, Value, to_bytes};
use gatewright_model::{Code, DatasetName, LeaseKind, RequestId, Timestamp};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};

use super::exchange::{Given, Ungiven, ungiven};
use crate::{Arrival, Gateway, Inbound, Outbound};

const EXCHANGE: &str = "/token";
const KEYS: &str = "/.well-known/jwks.json";
const ABOUT: &str = "/.well-known/oauth-authorization-server";

/// The longest form, and how long it may take.
const LONGEST: usize = 32 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// The most datasets that one exchange names.
const MOST: usize = 64;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Types of our own (RFC 8693, section 3, leaves room for them).
const REQUEST_ID: &str = "urn:gatewright:token-type:request-id";
const POSTGRESQL: &str = "urn:gatewright:token-type:postgresql";

/// What a workload asks for.
pub(super) struct Asked {
    pub(super) call: RequestId,
    /// What the token says that it came with, where it came with one.
    pub(super) token: Option<CallClaims>,
    pub(super) kind: LeaseKind,
    /// The datasets; `None`: all that it may have.
    pub(super) datasets: Option<Vec<DatasetName>>,
}

impl Gateway {
    /// Whether a path is one of those that are about what is lent.
    pub(crate) fn lends_at(&self, path: &str) -> bool {
        self.lending.is_some() && matches!(path, EXCHANGE | KEYS | ABOUT)
    }

    /// Answers a request about what is lent.
    pub(crate) async fn lend_at(&self, mut arrival: Arrival) -> Response<Outbound> {
        let Some(lending) = &self.lending else { return json(404, &Object::new()) };
        match (arrival.path(), arrival.method()) {
            (EXCHANGE, &Method::POST) => match self.asked_at(&mut arrival).await {
                Ok(given) => json(200, &given_words(&given, self.clock.now())),
                Err(why) => refused(&why),
            },
            (KEYS, &Method::GET) => match lending.tokens.key_set(self.clock.now()) {
                Ok(keys) => answer(200, keys, "public, max-age=300"),
                Err(_) => json(500, &Object::new()),
            },
            (ABOUT, &Method::GET) => json(200, &about(lending.tokens.issuer())),
            _ => json(405, &Object::new()),
        }
    }

    async fn asked_at(&self, arrival: &mut Arrival) -> Result<Given, Ungiven> {
        let Some(lending) = &self.lending else { return Err(ungiven("invalid_request", "Nothing is lent here.")) };
        let world = self.world();
        let workload = world.identities.authenticate(arrival.headers()).await.map_err(|why| {
            self.strangers.count(why.code());
            match why.code() {
                Code::NotReady => Ungiven { status: 503, ..ungiven("temporarily_unavailable", "Nobody can be known.") },
                _ => {
                    Ungiven { status: 401, ..ungiven("invalid_client", "Send your own identity token as the bearer.") }
                }
            }
        })?;
        let form = form_of(arrival).await?;
        let asked = self.read(&form)?;
        // In a box, like everything that is rare and large.
        Box::pin(self.exchange(lending, &workload, asked)).await
    }

    fn read(&self, form: &[u8]) -> Result<Asked, Ungiven> {
        let Some(lending) = &self.lending else { return Err(ungiven("invalid_request", "Nothing is lent here.")) };
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(form) {
            if fields.len() >= 16 || fields.iter().any(|(known, _)| *known == name) {
                return Err(ungiven("invalid_request", "A field is there twice, or there are too many."));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let known = ["grant_type", "subject_token", "subject_token_type", "requested_token_type", "scope"];
        if fields.iter().any(|(name, _)| !known.contains(&name.as_str())) {
            return Err(ungiven("invalid_request", "A field is not known here."));
        }
        if field("grant_type") != Some(GRANT) {
            return Err(ungiven("unsupported_grant_type", "This endpoint exchanges tokens."));
        }
        let subject = field("subject_token").ok_or(ungiven("invalid_request", "`subject_token` is missing."))?;
        const OVER: Ungiven = ungiven("invalid_grant", "The call is over, or it was never yours.");
        let (call, token) = match field("subject_token_type") {
            Some(REQUEST_ID) => (subject.parse().map_err(|_| OVER)?, None),
            Some(ACCESS_TOKEN) => {
                let claims = lending.tokens.verify(subject, lending.tokens.issuer(), self.clock.now());
                let claims = claims.map_err(|_| OVER)?;
                (claims.call, Some(claims))
            }
            _ => return Err(ungiven("invalid_request", "`subject_token_type` is not known here.")),
        };
        let kind = match field("requested_token_type") {
            None | Some(ACCESS_TOKEN) => LeaseKind::Token,
            Some(POSTGRESQL) => LeaseKind::Postgresql,
            Some(_) => return Err(ungiven("invalid_request", "`requested_token_type` is not known here.")),
        };
        let mut datasets = None;
        if let Some(scope) = field("scope") {
            let mut names: Vec<DatasetName> =
                scope.split(' ').filter(|name| !name.is_empty()).map(DatasetName::from).collect();
            names.sort_unstable();
            names.dedup();
            if names.is_empty() || names.len() > MOST {
                return Err(ungiven("invalid_scope", "`scope` names no dataset, or too many."));
            }
            datasets = Some(names);
        }
        Ok(Asked { call, token, kind, datasets })
    }
}

async fn form_of(arrival: &mut Arrival) -> Result<Bytes, Ungiven> {
    const BAD: Ungiven = ungiven("invalid_request", "The request is no short form.");
    let mut types = arrival.headers().get_all(CONTENT_TYPE).iter();
    let form =
        types.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"application/x-www-form-urlencoded"));
    if !form || types.next().is_some() || arrival.query().is_some_and(|query| !query.is_empty()) {
        return Err(BAD);
    }
    match arrival.take_body() {
        Inbound::Held(bytes) if bytes.len() <= LONGEST => Ok(bytes),
        Inbound::Held(_) => Err(BAD),
        Inbound::Wire(incoming) => {
            let read = tokio::time::timeout(PATIENCE, Limited::new(incoming, LONGEST).collect()).await;
            read.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).ok_or(BAD)
        }
    }
}

/// RFC 8693, section 2.2.1.
fn given_words(given: &Given, now: Timestamp) -> Object {
    let mut words = Object::new();
    let (until, datasets) = match given {
        Given::Token { token, until, datasets } => {
            words.set("access_token", token.expose().as_str());
            words.set("issued_token_type", ACCESS_TOKEN);
            words.set("token_type", "Bearer");
            (until, datasets)
        }
        Given::Role { place: (host, port, database), role, password, until, datasets } => {
            words.set("access_token", password.expose().expose().as_str());
            words.set("issued_token_type", POSTGRESQL);
            // Not a token that a request could carry: a password, of the user below.
            words.set("token_type", "N_A");
            let mut place = Object::new();
            place.set("host", host.as_str());
            place.set("port", u64::from(*port));
            place.set("dbname", database.as_str());
            place.set("user", role.as_str());
            words.set("postgresql", place);
            (until, datasets)
        }
    };
    words.set("expires_in", until.since(now).as_secs());
    let names: Vec<&str> = datasets.iter().map(DatasetName::as_str).collect();
    words.set("scope", names.join(" "));
    words
}

/// RFC 8414.
fn about(issuer: &str) -> Object {
    let at = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
    let mut about = Object::new();
    about.set("issuer", issuer);
    about.set("token_endpoint", at(EXCHANGE));
    about.set("jwks_uri", at(KEYS));
    about.set("grant_types_supported", vec![Value::from(GRANT)]);
    about.set("response_types_supported", Vec::new());
    about
}

fn refused(why: &Ungiven) -> Response<Outbound> {
    let mut words = Object::new();
    words.set("error", why.error);
    words.set("error_description", why.description);
    let mut response = json(why.status, &words);
    if why.status == 401 {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn json(status: u16, words: &Object) -> Response<Outbound> {
    answer(status, to_bytes(&Value::from(words.clone())), "no-store")
}

fn answer(status: u16, body: Vec<u8>, cache: &'static str) -> Response<Outbound> {
    let mut response = Response::new(Outbound::words(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}
