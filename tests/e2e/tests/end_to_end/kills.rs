//! The gateway is killed at random moments under fifty streams, again and again, on one data folder. After each restart
//! the log holds, every call of which a client was given a byte is in it, and those that were cut say so.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use gatewright_e2e::gateway::{Gateway, Quickstart};
use gatewright_e2e::records;
use gatewright_model::Entropy;
use gatewright_testkit::{CountingEntropy, FakeModel, RawClient, openai};
use serde_json::Value;
use tempfile::TempDir;

const STREAMS: usize = 50;

/// One stream as its client saw it.
#[derive(Clone, Debug)]
struct Seen {
    request: String,
    session: String,
    bytes: usize,
    whole: bool,
}

fn kills() -> u64 {
    std::env::var("GATEWRIGHT_KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(3)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_every_kill_the_log_holds_and_lacks_nothing_that_was_disclosed() {
    let seed = std::env::var("GATEWRIGHT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("GATEWRIGHT_SEED={seed}, {} kills", kills());
    let dice = CountingEntropy::seeded(seed);
    let roll = move |below: u64| {
        let mut bytes = [0; 8];
        dice.fill(&mut bytes);
        u64::from_le_bytes(bytes) % below
    };
    // Long and short streams, so that each kill finds some at their beginning, some amid, some just ended.
    let model = FakeModel::start(|received| {
        if received.target == "/v1/models" {
            return openai::models(&["sales-forecast"]);
        }
        let events = 2 + received.body.len() % 60;
        openai::chat_stream("sales-forecast", vec!["quarter by quarter "; events]).every(Duration::from_millis(4))
    })
    .await
    .unwrap();
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let url = model.url();
    let start = || {
        tokio::task::block_in_place(|| {
            Gateway::quickstart(&Quickstart { upstream: Some(&url), data: Some(&data), upstream_key: None })
        })
    };
    let (mut cut, mut whole) = (0, 0);
    for kill in 1..=kills() {
        let mut gateway = start();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let clients = spawn_clients(&gateway, kill, &seen);
        tokio::time::sleep(Duration::from_millis(20 + roll(500))).await;
        gateway.process().kill();
        for client in clients {
            let _ = client.await;
        }
        drop(gateway);
        // Whatever the kill tore is mended by the next start, and reported by it.
        let gateway = start();
        let seen = seen.lock().unwrap().clone();
        tokio::task::block_in_place(|| check(&data, kill, &seen));
        drop(gateway);
        tokio::task::block_in_place(|| records::verify(&data));
        cut += seen.iter().filter(|seen| !seen.whole).count();
        whole += seen.iter().filter(|seen| seen.whole).count();
    }
    println!("{cut} streams were cut by a kill, {whole} had ended before");
    assert!(cut > 0, "no kill met a stream, so nothing was shown");
}

/// Fifty clients that ask for one stream after the other until the gateway is gone.
fn spawn_clients(gateway: &Gateway, kill: u64, seen: &Arc<Mutex<Vec<Seen>>>) -> Vec<tokio::task::JoinHandle<()>> {
    (0..STREAMS)
        .map(|client| {
            let (address, bearer, seen) = (gateway.data_address(), gateway.bearer("alice"), seen.clone());
            // One session for all of a run's calls, so that they are found by one question.
            let session = format!("x-gatewright-session: kill-{kill}");
            tokio::spawn(async move {
                for turn in 0.. {
                    let question = "x".repeat((client * 7 + turn * 13) % 60);
                    let body = format!(
                        "{{\"model\":\"sales-forecast\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"{question}\"}}]}}"
                    );
                    let Ok(mut stream) = RawClient::connect(address).await else { return };
                    let headers = [bearer.as_str(), session.as_str(), "content-type: application/json"];
                    if stream.request("POST", "/v1/chat/completions", &headers, body.as_bytes()).await.is_err() {
                        return;
                    }
                    let Ok((status, headers)) = stream.head().await else { return };
                    assert_eq!(status, 200);
                    let header = |name: &str| headers.get(name).expect("it has its ids").to_owned();
                    let (request, session) = (header("x-gatewright-request-id"), header("x-gatewright-session"));
                    let index = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(Seen { request, session, bytes: 0, whole: false });
                        seen.len() - 1
                    };
                    loop {
                        match stream.piece().await {
                            Ok(Some(piece)) => seen.lock().unwrap()[index].bytes += piece.len(),
                            Ok(None) => {
                                seen.lock().unwrap()[index].whole = true;
                                break;
                            }
                            Err(_) => return,
                        }
                    }
                }
            })
        })
        .collect()
}

/// Holds what the clients saw against what is recorded.
fn check(data: &std::path::Path, kill: u64, seen: &[Seen]) {
    records::verify(data);
    let Some(session) = seen.first().map(|stream| &stream.session) else { return };
    assert!(seen.iter().all(|stream| stream.session == *session), "one name became several sessions");
    let journeys = records::calls(data, session);
    for stream in seen {
        let journey = journeys.get(&stream.request);
        let journey = journey.unwrap_or_else(|| panic!("kill {kill}: {stream:?} was disclosed and is not in the log"));
        let fate = fate(journey);
        // A client that was given the end was given all of it, but the log may have been cut before it was told so.
        let expected: &[&str] =
            if stream.whole { &["ended", "interrupted"] } else { &["interrupted", "ended", "client_left"] };
        assert!(expected.contains(&fate.as_str()), "kill {kill}: {stream:?} is recorded as {fate}: {journey}");
    }
    // Calls of which no client was given a byte are there too, if they were recorded at all; none of them is open.
    let open: Vec<&String> = journeys.iter().filter(|(_, call)| fate(call) == "open").map(|(id, _)| id).collect();
    assert!(open.is_empty(), "kill {kill}: these neither ended nor show as interrupted: {open:?}");
}

/// How a recorded journey ended.
fn fate(journey: &Value) -> String {
    journey["state"].as_str().unwrap_or_default().to_owned()
}
