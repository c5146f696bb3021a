//! An identity provider that does as it is told, keys to sign with, and a clock that stands still.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of it")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use gatewright_dial::{Dial, Limits, Roots};
use gatewright_identity::{Identities, IssuerConfig, Rejection, Verified};
use gatewright_model::{Clock, Entropy, Timestamp};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The moment at which every test begins.
pub const NOW: u64 = 1_800_000_000;

/// A clock that moves when it is told to.
pub struct StandingClock(AtomicU64);

impl StandingClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW)))
    }

    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Real randomness.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("randomness");
    }
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// A key of an issuer.
pub struct Key {
    pair: EcdsaKeyPair,
    pub id: String,
}

impl Key {
    pub fn new(id: &str) -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"), id: id.to_owned() }
    }

    pub fn jwk(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y), "use": "sig", "kid": self.id})
    }

    pub fn sign(&self, header: &Value, payload: &str) -> String {
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(payload));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
        format!("{signed}.{}", base64url(signature.as_ref()))
    }

    pub fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "ES256", "kid": self.id}), &claims.to_string())
    }
}

/// What a provider answers at a path.
#[derive(Clone)]
pub enum Answer {
    Json(Value),
    Text(String),
    Status(u16),
    Redirect(String),
    /// Two mebibytes of spaces.
    Huge,
    /// Nothing, ever.
    Silence,
}

/// A provider on loopback.
pub struct Provider {
    pub url: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    hits: Arc<Mutex<HashMap<String, usize>>>,
    task: JoinHandle<()>,
}

impl Provider {
    /// One that publishes these keys.
    pub async fn new(keys: &[&Key]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a port"), keys).await
    }

    pub async fn on(listener: TcpListener, keys: &[&Key]) -> Self {
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (answers, hits) = (Arc::new(Mutex::new(HashMap::new())), Arc::new(Mutex::new(HashMap::new())));
        let task = tokio::spawn(serve(listener, Arc::clone(&answers), Arc::clone(&hits)));
        let provider = Self { url, answers, hits, task };
        let discovery = json!({"issuer": provider.url, "jwks_uri": format!("{}/jwks", provider.url)});
        provider.answer("/.well-known/openid-configuration", Answer::Json(discovery));
        provider.publish(keys);
        provider
    }

    pub fn publish(&self, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        self.answer("/jwks", Answer::Json(json!({ "keys": keys })));
    }

    pub fn answer(&self, path: &str, answer: Answer) {
        self.answers.lock().expect("lock").insert(path.to_owned(), answer);
    }

    /// How often this path was asked for.
    pub fn hits(&self, path: &str) -> usize {
        self.hits.lock().expect("lock").get(path).copied().unwrap_or_default()
    }

    /// Claims that are good for `gatewright`, of this provider.
    pub fn claims(&self) -> Value {
        json!({"iss": self.url, "aud": "gatewright", "sub": "alice", "iat": NOW - 60, "exp": NOW + 3_600, "groups": ["analysts"]})
    }

    pub fn config(&self, name: &str) -> IssuerConfig {
        let mut config = IssuerConfig::new(name, &*self.url, "gatewright");
        config.groups = Some("/groups".to_owned());
        config
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    hits: Arc<Mutex<HashMap<String, usize>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (answers, hits) = (Arc::clone(&answers), Arc::clone(&hits));
        let service = service_fn(move |request: Request<Incoming>| {
            let path = request.uri().path().to_owned();
            *hits.lock().expect("lock").entry(path.clone()).or_default() += 1;
            let answer = answers.lock().expect("lock").get(&path).cloned().unwrap_or(Answer::Status(404));
            async move { Ok::<_, Infallible>(respond(answer).await) }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let (status, body) = match &answer {
        Answer::Json(value) => (200, value.to_string()),
        Answer::Text(text) => (200, text.clone()),
        Answer::Status(status) => (*status, String::new()),
        Answer::Redirect(_) => (302, String::new()),
        Answer::Huge => (200, format!("{{\"keys\":[]{}}}", " ".repeat(2 << 20))),
        Answer::Silence => std::future::pending().await,
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status.try_into().expect("a status");
    if let Answer::Redirect(to) = &answer {
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(to).expect("a location"));
    }
    response
}

pub fn dial() -> Dial {
    let limits = Limits { time: Duration::from_millis(1_500), ..Limits::default() };
    Dial::with_limits(&Roots::System, limits).expect("a dial")
}

/// Identities of these issuers, asked for their keys once.
pub async fn identities(configs: Vec<IssuerConfig>, clock: &Arc<StandingClock>) -> Identities {
    let clock: Arc<StandingClock> = Arc::clone(clock);
    let identities = Identities::new(configs, dial(), clock).expect("a good configuration");
    identities.start();
    identities.tried().await;
    identities
}

pub fn bearer(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a header value");
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

pub async fn ask(identities: &Identities, token: &str) -> Result<Arc<Verified>, Rejection> {
    identities.authenticate(&bearer(token)).await
}
