//! Versions of the catalogue: what is stored, what is refused, and what is written down of it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gatewright_admin::{Admin, Authority, Hosts, Judge, Judged, Metrics, Pending, Policies, Standing, Visitor};
use gatewright_api::{PolicyApplied, PolicyOutcome, PolicyVersion, Problem, Readiness};
use gatewright_model::{Clock, Code, Event, Identity, Kind, Refusal, Timestamp, Verdict};
use gatewright_policy::Permission;
use gatewright_store::state::{Author, NewPolicy, Origin, PolicyFile, State};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use serde::de::DeserializeOwned;

#[derive(Default)]
struct Carol(Mutex<Vec<Event>>);

impl Authority for Carol {
    fn authenticate<'a>(&'a self, _: &'a HeaderMap) -> Pending<'a, Result<Visitor, Refusal>> {
        let identity = Identity {
            issuer: "corp".into(),
            subject: "carol".into(),
            kind: Kind::Person,
            groups: [].into(),
            claims: [].into(),
            expires: Timestamp::from_seconds(1),
        };
        Box::pin(async move { Ok(Visitor { identity, roles: Vec::new() }) })
    }

    fn permits(&self, _: &Visitor, _: &str) -> Permission {
        Permission { verdict: Verdict::Allow, rules: Vec::new(), refusal: None }
    }

    fn record(&self, event: Event) -> Pending<'_, Result<(), Refusal>> {
        self.0.lock().expect("a lock").push(event);
        Box::pin(async { Ok(()) })
    }

    fn refused(&self, _: Code) {}
}

/// Files hold that do not say `bad`; their digest is their first byte.
struct First;

impl Judge for First {
    fn judge(&self, files: Vec<PolicyFile>) -> Pending<'_, Result<Judged, Vec<String>>> {
        Box::pin(async move {
            match files.first() {
                Some(file) if !file.bytes.starts_with(b"bad") => {
                    Ok(Judged { digest: [file.bytes.first().copied().unwrap_or_default(); 32], files })
                }
                _ => Err((0..30).map(|fault| format!("c.yaml:{fault}:1: bad")).collect()),
            }
        })
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_795_307_400)
    }
}

impl Standing for Still {
    fn readiness(&self) -> Readiness {
        Readiness::of(Vec::new(), Vec::new())
    }
}

impl Metrics for Still {
    fn encode(&self) -> String {
        String::new()
    }
}

struct Scene {
    admin: Admin,
    carol: Arc<Carol>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::sqlite(&folder.path().join("state.db")).expect("it opens");
        let first = NewPolicy {
            parent: 0,
            digest: [b'a'; 32],
            files: vec![PolicyFile { name: "c.yaml".into(), bytes: b"a".as_slice().into() }],
            author: Author::Machine,
            at: Timestamp::from_seconds(1),
            reason: "".into(),
            origin: Origin::Files,
        };
        state.policies().append(first).await.expect("the first");
        let carol = Arc::new(Carol::default());
        let policies = Policies::new(state, Arc::new(First), carol.clone(), Arc::new(Still));
        let admin = Admin::new("1", Hosts::new([]), Arc::new(Still), Arc::new(Still));
        Self { admin: admin.serving(carol.clone(), vec![Arc::new(policies)]), carol, _folder: folder }
    }

    async fn ask(&self, method: &str, target: &str, body: &str) -> (u16, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        let response = self.admin.answer(request.body(body).expect("a request")).await;
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.expect("a body").to_bytes().to_vec())
    }

    async fn apply(&self, body: &str) -> (u16, Vec<u8>) {
        self.ask("POST", "/api/v1/policies", body).await
    }

    async fn numbers(&self) -> Vec<u64> {
        let (_, body) = self.ask("GET", "/api/v1/policies", "").await;
        read::<Vec<PolicyVersion>>(&body).iter().map(|version| version.version).collect()
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).expect("the contract's form")
}

fn files(text: &str, more: &str) -> String {
    format!("{{\"files\":[{{\"name\":\"c.yaml\",\"text\":\"{text}\"}}]{more}}}")
}

#[tokio::test]
async fn who_changed_what_into_what_is_written_down() {
    let scene = Scene::new().await;
    let (status, body) = scene.apply(&files("b", ",\"expect\":1,\"reason\":\"why\"")).await;
    let applied: PolicyApplied = read(&body);
    assert_eq!((status, applied.outcome, applied.version.version), (201, PolicyOutcome::Applied, 2));
    let versioned = Event::Versioned {
        issuer: "corp".into(),
        subject: "carol".into(),
        version: 2,
        catalogue: [b'b'; 32],
        previous: [b'a'; 32],
    };
    let recorded = scene.carol.0.lock().expect("a lock").clone();
    assert!(matches!(&recorded[0], Event::Visited { endpoint, .. } if endpoint == "policies.apply"), "{recorded:?}");
    assert_eq!(recorded[1..], [versioned]);

    let (status, body) = scene.ask("POST", "/api/v1/policies/1/restore", "{\"expect\":2}").await;
    let back: PolicyApplied = read(&body);
    assert_eq!((status, back.version.version, back.version.restores), (201, 3, Some(1)));
    let (status, body) = scene.apply(&files("a", "")).await;
    assert_eq!((status, read::<PolicyApplied>(&body).outcome), (200, PolicyOutcome::Unchanged));
    assert_eq!(scene.numbers().await, [3, 2, 1]);
}

#[tokio::test]
async fn what_is_late_or_does_not_hold_changes_nothing() {
    let scene = Scene::new().await;
    let long = format!(",\"reason\":\"{}\"", "x".repeat(1_001));
    for (body, status, code) in [
        (files("b", ",\"expect\":7"), 409, "conflict"),
        (files("bad", ""), 422, "invalid_catalogue"),
        ("{\"files\":[]}".to_owned(), 422, "invalid_catalogue"),
        (files("b", ",\"reason\":\"a\\nb\""), 400, "invalid_request"),
        (files("b", &long), 400, "invalid_request"),
        (files("b", ",\"force\":true"), 400, "invalid_request"),
    ] {
        let (told, answer) = scene.apply(&body).await;
        let problem: Problem = read(&answer);
        assert_eq!((told, problem.code.as_str()), (status, code), "{body}: {}", problem.detail);
        assert!(problem.detail.lines().count() <= 22, "a flood of faults");
    }
    for target in ["/api/v1/policies/9/restore", "/api/v1/policies/01/restore", "/api/v1/policies/x/restore"] {
        assert!(matches!(scene.ask("POST", target, "{}").await.0, 400 | 404), "{target}");
    }
    assert_eq!(scene.numbers().await, [1]);
    assert!(!scene.carol.0.lock().expect("a lock").iter().any(|event| matches!(event, Event::Versioned { .. })));
}
