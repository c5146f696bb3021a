//! What the gateway tells of itself: the numbers on the admin listener, and the access log's lines.

#![allow(clippy::panic, reason = "a test that cannot go on says why")]

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatewright_admin::Standing;
use gatewright_api::{Readiness, Reason, ReasonCode};
use gatewright_model::{
    BodyRef, Code, ConnectionName, Delivery, Entropy, Event, Fate, InfoType, IssuerName, Kind, Moment, Operation,
    Parameters, RequestId, RuleName, RuleRef, SessionId, Tally, Timestamp, Usage, Verdict,
};
use gatewright_server::config;
use gatewright_server::listen::{Bounds, Drain, Front, bind};
use gatewright_server::telemetry::{AdminSide, Telemetry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const CONFIGURATION: &str = "version: 1\nlisten: { data: \"127.0.0.1:0\", admin: { address: \"127.0.0.1:0\", hosts: [ops.example] } }\ndata: data\ncatalogue: catalogue.yaml\n";

fn telemetry(folder: &Path) -> (Telemetry, config::Ready) {
    telemetry_with(folder, "")
}

fn telemetry_with(folder: &Path, more: &str) -> (Telemetry, config::Ready) {
    fs::write(folder.join("gatewright.yaml"), format!("{CONFIGURATION}{more}")).expect("written");
    fs::write(folder.join("catalogue.yaml"), "version: 1\nroles: {}\n").expect("written");
    let loaded = config::load(&folder.join("gatewright.yaml")).unwrap_or_else(|faults| panic!("{faults:#?}"));
    (Telemetry::new(&loaded), loaded.ready)
}

struct Counting;

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn at(millis: u64, event: Event) -> Moment {
    Moment { at: Timestamp::from_micros(1_000_000 + millis * 1_000), event }
}

fn arrived(path: &'static str) -> Moment {
    at(0, Event::Arrived { client: Some("192.0.2.7".into()), method: "POST".into(), path: path.into() })
}

fn identified(model: &str, known: bool) -> Moment {
    at(
        1,
        Event::Identified {
            protocol: "openai".into(),
            operation: Operation::Chat,
            model: Some(model.into()),
            connection: known.then(|| ConnectionName::from("lab")),
            upstream: None,
            delivery: Delivery::Stream,
            parameters: Parameters::default(),
            datasets: Vec::new(),
        },
    )
}

fn tally(name: &str, count: u32) -> Tally {
    Tally { info_type: InfoType::new(name).expect("a name"), count }
}

fn answered() -> Vec<Moment> {
    let (request, session) =
        (BodyRef { commitment: [0; 32], length: 10 }, SessionId::new(Timestamp::default(), &Counting));
    vec![
        arrived("/v1/chat/completions"),
        at(
            0,
            Event::Authenticated {
                issuer: IssuerName::from("corp"),
                subject: "alice\n\u{1b}[31m".into(),
                kind: Kind::Person,
            },
        ),
        identified("sales-forecast", true),
        at(1, Event::Examined { found: vec![tally("US_SSN", 1)] }),
        at(
            2,
            Event::Decided {
                verdict: Verdict::Allow,
                roles: Vec::new(),
                rules: vec![RuleRef { name: RuleName::from("data-analyst"), file: "catalogue.yaml".into(), line: 3 }],
                settings: Vec::new(),
                epoch: 4,
                catalogue: [0; 32],
                grounds: None,
            },
        ),
        at(2, Event::Opened { session, request, masked: vec![tally("US_SSN", 1)] }),
        at(3, Event::Forwarded { attempt: 1 }),
        at(3, Event::Durable { waited: 900 }),
        at(50, Event::FirstByte { status: 200 }),
        at(60, Event::Chunk { length: 5 }),
        at(
            90,
            Event::Closed {
                fate: Fate::Ended,
                status: 200,
                answer: BodyRef { commitment: [0; 32], length: 1_234 },
                chunks: 7,
                masked: vec![tally("EMAIL_ADDRESS", 2)],
                usage: Some(Usage { input: 11, output: 22, cached: 0 }),
            },
        ),
    ]
}

fn refused(code: Code, count: u64) -> Moment {
    at(2, Event::Refused { code, param: Some("canary-param".into()), rule: None, count })
}

struct Stands(Arc<Mutex<Vec<Reason>>>);

impl Standing for Stands {
    fn readiness(&self) -> Readiness {
        Readiness::of(self.0.lock().expect("a lock").clone(), Vec::new())
    }
}

async fn ask(address: SocketAddr, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = String::new();
    timeout(Duration::from_secs(5), stream.read_to_string(&mut text)).await.expect("in time").expect("an answer");
    text
}

fn id() -> RequestId {
    RequestId::new(Timestamp::default(), &Counting)
}

#[tokio::test]
async fn counts_journeys_and_tells_them_on_the_admin_listener_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (telemetry, ready) = telemetry(folder.path());
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let side = AdminSide::new(telemetry.admin(&Arc::new(Stands(Arc::clone(&reasons))), &ready));
    let listener = bind(ready.admin_listener.address).expect("a port");
    let address = listener.local_addr().expect("its address");
    let bounds = Bounds::from(&ready.limits);
    let front = Front { listener, tls: None, bounds, drain: Drain::new(), counts: telemetry.counts() };
    let running = front.serve(Arc::new(side));

    let audience = telemetry.audience();
    audience.hear(id(), &answered());
    audience.hear(
        id(),
        &[arrived("/v1/chat/completions"), identified("canary-model", false), refused(Code::PermissionDenied, 1)],
    );
    audience.hear(id(), &[refused(Code::Unauthenticated, 40)]);
    telemetry.reloaded(Err(()));

    let text = ask(address, "/metrics", "ops.example").await;
    assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("# EOF\n"), "{text}");
    for line in [
        "gatewright_requests_total{operation=\"chat\",model=\"sales-forecast\",outcome=\"ended\"} 1",
        "gatewright_requests_total{operation=\"chat\",model=\"\",outcome=\"permission_denied\"} 1",
        "gatewright_requests_total{operation=\"\",model=\"\",outcome=\"unauthenticated\"} 40",
        "gatewright_masked_values_total{info_type=\"US_SSN\",side=\"request\"} 1",
        "gatewright_masked_values_total{info_type=\"EMAIL_ADDRESS\",side=\"answer\"} 2",
        "gatewright_tokens_total{model=\"sales-forecast\",direction=\"output\"} 22",
        "gatewright_first_byte_seconds_bucket{le=\"0.05\",model=\"sales-forecast\"} 1",
        "gatewright_request_duration_seconds_count{operation=\"chat\",delivery=\"stream\"} 2",
        "gatewright_record_wait_seconds_count 1",
        "gatewright_reloads_total{result=\"refused\"} 1",
        "gatewright_reloads_total{result=\"applied\"} 0",
        "gatewright_connections_open 1",
        "gatewright_requests_open 1",
        "gatewright_ready 1",
    ] {
        assert!(text.lines().any(|told| told == line), "missing {line}\n{text}");
    }
    assert!(!text.contains("canary"), "a stranger's word became a label:\n{text}");

    reasons.lock().expect("a lock").push(Reason { code: ReasonCode::LogBroken, message: "The disk is full.".into() });
    assert!(ask(address, "/metrics", "localhost").await.contains("\ngatewright_ready 0\n"));
    let readiness = ask(address, "/readyz", "localhost").await;
    assert!(readiness.starts_with("HTTP/1.1 503") && readiness.contains("The disk is full."), "{readiness}");
    assert!(ask(address, "/metrics", "evil.example").await.starts_with("HTTP/1.1 421"));
    running.finish(Duration::from_secs(5)).await;
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines that these journeys make, in this format.
fn lines(stories: &[Vec<Moment>], format: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (telemetry, _) = telemetry_with(folder.path(), &format!("log: {{ format: {format} }}\n"));
    let captured = Captured::default();
    let writer = captured.clone();
    // Without a log of its own the gateway tells its lines to whoever listens to events.
    let events = tracing_subscriber::fmt().with_ansi(false).without_time().with_level(false).with_target(false);
    tracing::subscriber::with_default(events.with_writer(move || writer.clone()).finish(), || {
        stories.iter().for_each(|story| telemetry.audience().hear(id(), story));
    });
    let text = String::from_utf8(captured.0.lock().expect("a lock").clone()).expect("text");
    text.lines().map(|line| line.trim_start().to_owned()).collect()
}

#[test]
fn one_line_tells_one_journey() {
    let lines = lines(&[answered()], "json");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let line: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
    let expected = serde_json::json!({
        "timestamp": "1970-01-01T00:00:01.090Z",
        "target": "gatewright::access",
        "request": id().to_string(),
        "outcome": "ended",
        "status": 200,
        "took_us": 90_000,
        "client": "192.0.2.7",
        "method": "POST",
        "path": "/v1/chat/completions",
        "issuer": "corp",
        "subject": "alice\n\u{1b}[31m",
        "kind": "person",
        "protocol": "openai",
        "operation": "chat",
        "model": "sales-forecast",
        "connection": "lab",
        "stream": true,
        "verdict": "allow",
        "rule": "data-analyst",
        "session": SessionId::new(Timestamp::default(), &Counting).to_string(),
        "epoch": 4,
        "disk_us": 900,
        "attempts": 1,
        "first_byte_us": 50_000,
        "bytes": 1_234,
        "chunks": 7,
        "masked_request": "US_SSN=1",
        "masked_answer": "EMAIL_ADDRESS=2",
        "tokens_in": 11,
        "tokens_out": 22,
    });
    assert_eq!(line, expected);
}

#[test]
fn what_a_stranger_wrote_neither_shows_nor_begins_a_line() {
    let denied =
        vec![arrived("/v1/x\nforged=1"), identified("canary-model", false), refused(Code::PermissionDenied, 1)];
    for format in ["json", "text"] {
        let lines = lines(&[answered(), denied.clone()], format);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        for line in lines {
            assert!(!line.contains("canary") && !line.contains('\u{1b}'), "{line}");
        }
    }
}
