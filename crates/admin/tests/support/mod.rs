//! An admin side whose authority and part say what they saw.
#![allow(dead_code, unreachable_pub, reason = "each test uses its share")]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gatewright_admin::{Admin, Asked, Authority, Given, Hosts, Metrics, Part, Pending, Standing, Visitor};
use gatewright_api::{ENDPOINTS, Endpoint, Problem, Readiness, Reason, Takes};
use gatewright_model::{Code, Event, Identity, Kind, Refusal, RuleRef, Timestamp, Verdict};
use gatewright_policy::Permission;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};

/// The one token that is good.
pub const TOKEN: &str = "carols";

struct Numbers;

impl Metrics for Numbers {
    fn encode(&self) -> String {
        "# EOF\n".to_owned()
    }
}

struct Stands(Vec<Reason>);

impl Standing for Stands {
    fn readiness(&self) -> Readiness {
        Readiness::of(self.0.clone(), Vec::new())
    }
}

/// What the policy says.
#[derive(Clone, Copy)]
pub enum Policy {
    Permits,
    Answers(Verdict),
}

/// Whether it can be written down.
#[derive(Clone, Copy)]
pub enum Log {
    Works,
    Broken,
}

struct Gate {
    policy: Policy,
    log: Log,
    recorded: Mutex<Vec<Event>>,
    asked_for: Mutex<Vec<String>>,
    refused: AtomicUsize,
}

impl Authority for Gate {
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> Pending<'a, Result<Visitor, Refusal>> {
        Box::pin(async move {
            let given = headers.get("authorization").and_then(|value| value.to_str().ok());
            if given != Some("Bearer carols") {
                return Err(Refusal::new(Code::Unauthenticated, "No."));
            }
            let identity = Identity {
                issuer: "corp".into(),
                subject: "carol".into(),
                kind: Kind::Person,
                groups: [].into(),
                claims: [].into(),
                expires: Timestamp::from_seconds(1),
            };
            Ok(Visitor { identity, roles: Vec::new() })
        })
    }

    fn permits(&self, _: &Visitor, permission: &str) -> Permission {
        self.asked_for.lock().expect("a lock").push(permission.to_owned());
        let verdict = match self.policy {
            Policy::Permits => Verdict::Allow,
            Policy::Answers(verdict) => verdict,
        };
        let rules = vec![RuleRef { name: "default-deny".into(), file: "".into(), line: 0 }];
        let refusal = (verdict != Verdict::Allow).then(|| Refusal::new(Code::PermissionDenied, "Not yours."));
        Permission { verdict, rules, refusal }
    }

    fn record(&self, event: Event) -> Pending<'_, Result<(), Refusal>> {
        Box::pin(async move {
            match self.log {
                Log::Broken => Err(Refusal::new(Code::NotReady, "The log is broken.")),
                Log::Works => {
                    self.recorded.lock().expect("a lock").push(event);
                    Ok(())
                }
            }
        })
    }

    fn refused(&self, _: Code) {
        self.refused.fetch_add(1, Relaxed);
    }
}

struct Everything {
    gate: Arc<Gate>,
    seen: AtomicUsize,
    after_record: AtomicUsize,
}

impl Part for Everything {
    fn endpoints(&self) -> Vec<&'static str> {
        ENDPOINTS.iter().map(|endpoint| endpoint.name).collect()
    }

    fn answer<'a>(&'a self, _: Asked<'a>) -> Pending<'a, Result<Given, Problem>> {
        Box::pin(async move {
            self.seen.fetch_add(1, Relaxed);
            self.after_record.fetch_add(self.gate.recorded.lock().expect("a lock").len(), Relaxed);
            Given::json(&())
        })
    }
}

/// The admin side under test.
pub struct Desk {
    admin: Admin,
    gate: Arc<Gate>,
    part: Arc<Everything>,
}

impl Desk {
    pub fn new() -> Self {
        Self::with(Policy::Permits, Log::Works)
    }

    pub fn with(policy: Policy, log: Log) -> Self {
        Self::build(policy, log, Vec::new())
    }

    pub fn standing(reasons: Vec<Reason>) -> Self {
        Self::build(Policy::Permits, Log::Works, reasons)
    }

    fn build(policy: Policy, log: Log, reasons: Vec<Reason>) -> Self {
        let (recorded, asked_for, refused) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        let gate = Arc::new(Gate { policy, log, recorded, asked_for, refused });
        let (seen, after_record) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let part = Arc::new(Everything { gate: Arc::clone(&gate), seen, after_record });
        let admin = Admin::new("1.2.3", Hosts::new([]), Arc::new(Stands(reasons)), Arc::new(Numbers));
        let admin = admin.serving(gate.clone(), vec![part.clone()]);
        assert!(admin.unserved().is_empty());
        Self { admin, gate, part }
    }

    pub const fn admin(&self) -> &Admin {
        &self.admin
    }

    pub async fn ask(&self, method: Method, target: &str, host: &str) -> Response<Full<Bytes>> {
        let request = Request::builder().method(method).uri(target).header("host", host);
        self.admin.answer(request.body(Full::new(Bytes::new())).expect("a request")).await
    }

    pub async fn call(&self, to: &Endpoint, target: &str, token: Option<&str>, body: &[u8]) -> Response<Full<Bytes>> {
        let (body, media) = match to.takes {
            Takes::Nothing if body == b"{}" => (&b""[..], ""),
            Takes::Nothing => (body, ""),
            Takes::Json(_) => (body, "application/json"),
            Takes::Text(_) => (body, "text/plain"),
        };
        self.call_as(to, target, token, body, media).await
    }

    pub async fn call_as(
        &self,
        to: &Endpoint,
        target: &str,
        token: Option<&str>,
        body: &[u8],
        media: &str,
    ) -> Response<Full<Bytes>> {
        let mut request = Request::builder().method(to.method.name()).uri(target).header("host", "localhost");
        if !media.is_empty() {
            request = request.header("content-type", media);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.admin.answer(request.body(Full::new(Bytes::copy_from_slice(body))).expect("a request")).await
    }

    pub fn recorded(&self) -> Vec<Event> {
        self.gate.recorded.lock().expect("a lock").clone()
    }

    pub fn asked_for(&self) -> Vec<String> {
        self.gate.asked_for.lock().expect("a lock").clone()
    }

    pub fn refused(&self) -> usize {
        self.gate.refused.load(Relaxed)
    }

    pub fn seen(&self) -> usize {
        self.part.seen.load(Relaxed)
    }

    pub fn seen_after_record(&self) -> usize {
        self.part.after_record.load(Relaxed)
    }
}

pub async fn text(response: Response<Full<Bytes>>) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}
