use std::sync::Arc;

use bytes::Bytes;
use gatewright_api::{HEALTH, Health, METRICS, Problem, READINESS, Readiness, State};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::hosts::{Hosts, Strange};

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
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

impl Admin {
    /// Answers to `hosts` with what `standing` and `metrics` say.
    pub fn new(version: &'static str, hosts: Hosts, standing: Arc<dyn Standing>, metrics: Arc<dyn Metrics>) -> Self {
        Self { version, hosts, standing, metrics }
    }

    /// Answers a request. Its body is not read: no endpoint takes one.
    pub fn answer(&self, head: &Parts) -> Response<Full<Bytes>> {
        let mut response = self.endpoint(head);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    fn endpoint(&self, head: &Parts) -> Response<Full<Bytes>> {
        match self.hosts.check(head) {
            Ok(()) => {}
            Err(Strange::Malformed) => {
                return problem(StatusCode::BAD_REQUEST, "bad_host", "A request names exactly one host.");
            }
            Err(Strange::Unknown) => {
                let words = "This listener does not answer to that name; see `hosts` in the configuration.";
                return problem(StatusCode::MISDIRECTED_REQUEST, "unknown_host", words);
            }
        }
        let give: fn(&Self) -> Response<Full<Bytes>> = match head.uri.path() {
            HEALTH => Self::health,
            READINESS => Self::readiness,
            METRICS => Self::metrics,
            _ => return problem(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path."),
        };
        if head.method != Method::GET && head.method != Method::HEAD {
            let mut response =
                problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This endpoint is for GET.");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
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

fn problem(status: StatusCode, code: &str, message: &str) -> Response<Full<Bytes>> {
    json(status, &Problem::new(code, message))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    // These types are made of strings and lists; should one ever fail to be written, its status still stands.
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    body.push(b'\n');
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
