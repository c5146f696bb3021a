use std::sync::Arc;

use bytes::Bytes;
use gatewright_api::{
    Call, ENDPOINTS, Endpoint, Found, HEALTH, Health, METRICS, Problem, READINESS, Readiness, Reply, Sent, State,
    Transport,
};
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use serde::Serialize;

use crate::desk::Desk;
use crate::hosts::{Hosts, Strange};
use crate::{Authority, Part};

/// Whoever knows whether the gateway can be relied on.
pub trait Standing: Send + Sync {
    /// How it stands at this moment. Called for every question; must not wait for anybody.
    fn readiness(&self) -> Readiness;
}

/// Whoever has the gateway's numbers.
pub trait Metrics: Send + Sync {
    /// All of them, as OpenMetrics 1.0 text, its `# EOF` included.
    fn encode(&self) -> String;
}

/// The admin side.
pub struct Admin {
    version: &'static str,
    hosts: Hosts,
    standing: Arc<dyn Standing>,
    metrics: Arc<dyn Metrics>,
    /// Where visitors are let in; `None`: nowhere, this is for everybody only.
    desk: Option<Desk>,
}

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

impl Admin {
    /// Answers to `hosts` with what `standing` and `metrics` say, and lets nobody further in.
    pub fn new(version: &'static str, hosts: Hosts, standing: Arc<dyn Standing>, metrics: Arc<dyn Metrics>) -> Self {
        Self { version, hosts, standing, metrics, desk: None }
    }

    /// Answers with `parts` those whom `authority` lets in.
    #[must_use]
    pub fn serving(self, authority: Arc<dyn Authority>, parts: Vec<Arc<dyn Part>>) -> Self {
        Self { desk: Some(Desk::new(authority, parts)), ..self }
    }

    /// The endpoints of the table that no part answers; for whoever puts the parts together.
    pub fn unserved(&self) -> Vec<&'static str> {
        ENDPOINTS
            .iter()
            .map(|endpoint| endpoint.name)
            .filter(|name| !self.desk.as_ref().is_some_and(|desk| desk.serves(name)))
            .collect()
    }

    /// Answers a request.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let mut response = match self.host(&head) {
            Ok(()) => self.endpoint(&head, body).await,
            Err(problem) => say(&problem),
        };
        if response.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    /// What a request is told whose host is not one of this listener's names, whatever else it asks for; `None` for the
    /// others. For whoever answers beside this API.
    pub fn stranger(&self, head: &Parts) -> Option<Response<Full<Bytes>>> {
        self.host(head).err().map(|problem| say(&problem))
    }

    fn host(&self, head: &Parts) -> Result<(), Problem> {
        self.hosts.check(head).map_err(|strange| match strange {
            Strange::Malformed => Problem::new(400, "bad_host", "A request names exactly one host."),
            Strange::Unknown => {
                let words = "This listener does not answer to that name; see `hosts` in the configuration.";
                Problem::new(421, "unknown_host", words)
            }
        })
    }

    async fn endpoint<B>(&self, head: &Parts, body: B) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match Endpoint::find(ENDPOINTS, head.method.as_str(), head.uri.path()) {
            Found::Endpoint(endpoint, ids) => {
                let given = match &self.desk {
                    Some(desk) => desk.answer(endpoint, ids, head, body).await,
                    None => Err(Problem::not_found("This gateway does not serve this endpoint.")),
                };
                match given {
                    Ok(given) => whole(StatusCode::from_u16(given.status).unwrap_or_default(), JSON, given.body),
                    Err(problem) => say(&problem),
                }
            }
            Found::OtherMethods(methods) => not_allowed(&methods),
            Found::Nothing => self.open_to_all(head),
        }
    }

    fn open_to_all(&self, head: &Parts) -> Response<Full<Bytes>> {
        let give: fn(&Self) -> Response<Full<Bytes>> = match head.uri.path() {
            HEALTH => Self::health,
            READINESS => Self::readiness,
            METRICS => Self::metrics,
            _ => return say(&Problem::not_found("There is nothing at this path.")),
        };
        if head.method != Method::GET && head.method != Method::HEAD {
            return not_allowed(&["GET"]);
        }
        give(self)
    }

    fn health(&self) -> Response<Full<Bytes>> {
        json(StatusCode::OK, &Health { status: "alive".to_owned(), version: self.version.to_owned() })
    }

    fn readiness(&self) -> Response<Full<Bytes>> {
        let readiness = self.standing.readiness();
        let status = match readiness.status {
            State::Ready => StatusCode::OK,
            State::NotReady => StatusCode::SERVICE_UNAVAILABLE,
        };
        json(status, &readiness)
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.metrics.encode()));
        response.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
        response
    }
}

/// In process: the same road, without a socket. The host is ours by nature.
impl Transport for Admin {
    fn send<'a>(&'a self, token: &'a str, call: Call) -> Sent<'a> {
        Box::pin(async move {
            let bearer = HeaderValue::try_from(format!("Bearer {token}"));
            let request = Request::builder().method(call.method).uri(call.target).header(CONTENT_TYPE, JSON);
            let request = request.body(Full::new(Bytes::from(call.body)));
            let (Ok(mut bearer), Ok(mut request)) = (bearer, request) else {
                return Err(Problem::invalid("The call cannot be written as a request."));
            };
            bearer.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, bearer);
            let (head, body) = request.into_parts();
            let response = self.endpoint(&head, body).await;
            let status = response.status().as_u16();
            let Ok(body) = response.into_body().collect().await;
            Ok(Reply { status, body: body.to_bytes().to_vec() })
        })
    }
}

fn not_allowed(methods: &[&str]) -> Response<Full<Bytes>> {
    let mut allow: Vec<&str> = methods.to_vec();
    if allow.contains(&"GET") {
        allow.push("HEAD");
    }
    let words = format!("This endpoint is for {}.", methods.join(" and "));
    let mut response = say(&Problem::new(405, "method_not_allowed", words));
    if let Ok(value) = HeaderValue::try_from(allow.join(", ")) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

fn say(problem: &Problem) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    whole(status, PROBLEM, written(problem))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    whole(status, JSON, written(value))
}

fn written(value: &impl Serialize) -> Vec<u8> {
    // These types are made of strings and lists; should one ever fail to be written, its status still stands.
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    body.push(b'\n');
    body
}

fn whole(status: StatusCode, media: HeaderValue, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}
