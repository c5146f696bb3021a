//! Thousands of calls that wait for people: what each costs, and what the others feel of them.

use std::time::{Duration, Instant};

use gatewright_e2e::answers::asking;
use gatewright_e2e::setting::Setting;
use gatewright_testkit::{FakeModel, RawClient, openai};

const HELD: usize = 5_000;
/// Approvals that they wait for: of one caller two hundred may be pending.
const APPROVALS: usize = 190;
/// What the gateway may keep for a call that waits, its connection included: some more than it does as released, since
/// futures are larger in a build for tests.
const BOUND: u64 = 64 << 10;
/// How often the comparison is made. A disturbance of the machine makes it worse and never better, so the best counts.
const TRIES: usize = 3;
const CALLS: usize = 400;

const CATALOGUE: &str = "version: 1
roles:
  analyst:
    members: [{ issuer: corp, group: analysts }]
    grants: [{ models: [sales-forecast], operations: [chat] }]
rules:
  - { name: exports, when: { prompt: { words: [export] } }, then: { hold: peer } }
approvals:
  peer: { approvers: [{ issuer: corp, group: security }], need: 1, wait: 30m, valid: 15m, uses: 1 }
";

fn question(words: &str) -> String {
    // As long as prompts are.
    let words = format!("{words}{}", " and the figures of the last quarter, by region".repeat(25));
    format!("{{\"model\":\"sales-forecast\",\"messages\":[{{\"role\":\"user\",\"content\":\"{words}\"}}]}}")
}

async fn ask(client: &mut RawClient, alice: &str, words: &str) {
    let headers = [alice, "content-type: application/json"];
    client.request("POST", "/v1/chat/completions", &headers, question(words).as_bytes()).await.unwrap();
}

/// How many requests the gateway answers at this moment, by its own numbers.
async fn open_requests(setting: &Setting) -> usize {
    let metrics = asking(setting.admin_address(), "GET", "/metrics", &[], "").await.text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("gatewright_requests_open "));
    // The question itself is one of them.
    line.and_then(|number| number.parse::<usize>().ok()).expect("it tells how many") - 1
}

async fn wait_until(setting: &Setting, open: usize) {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let now = open_requests(setting).await;
        if now == open {
            return;
        }
        assert!(Instant::now() < deadline, "{now} requests are open, not {open}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How long ordinary calls take, the median and the 99th percentile.
async fn ordinary(setting: &Setting) -> (Duration, Duration) {
    let alice = setting.alice();
    let mut client = RawClient::connect(setting.data_address()).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        ask(&mut client, &alice, "what did we sell?").await;
        assert_eq!(client.head().await.unwrap().0, 200);
        while client.piece().await.unwrap().is_some() {}
        times.push(began.elapsed());
    }
    times.sort_unstable();
    (times[CALLS / 2], times[CALLS * 99 / 100])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_held_calls_cost_little_and_are_not_felt() {
    let model = FakeModel::start(|_| openai::chat("sales-forecast", "as much as before")).await.unwrap();
    let mut setting = Setting::lay(&model.url()).await;
    setting.write("catalogue.yaml", CATALOGUE);
    setting.start().await;
    ordinary(&setting).await;
    let alone = ordinary(&setting).await;
    let before = setting.process().memory();
    let alice = setting.alice();
    let mut held = Vec::with_capacity(HELD);
    for number in 0..HELD {
        let mut client = RawClient::connect(setting.data_address()).await.unwrap();
        ask(&mut client, &alice, &format!("export list {}", number % APPROVALS)).await;
        held.push(client);
    }
    wait_until(&setting, HELD).await;
    let each = setting.process().memory().saturating_sub(before) / HELD as u64;
    println!("{HELD} held calls cost {each} bytes each; ordinary calls take {alone:?} alone (p50, p99)");
    assert!(each <= BOUND, "a held call costs {each} bytes");
    let mut felt = Vec::new();
    while felt.len() < TRIES && !felt.last().is_some_and(|beside| is_unfelt(alone, *beside)) {
        felt.push(ordinary(&setting).await);
    }
    println!("beside them {felt:?}");
    assert!(felt.last().is_some_and(|beside| is_unfelt(alone, *beside)), "they are felt: {alone:?} and {felt:?}");
    assert_eq!(open_requests(&setting).await, HELD, "they still wait");
    // Whoever leaves leaves nothing behind but the approval.
    drop(held);
    wait_until(&setting, 0).await;
}

/// Below a millisecond or two the scheduler of the test's own machine is what is measured.
fn is_unfelt(alone: (Duration, Duration), beside: (Duration, Duration)) -> bool {
    let near = |alone: Duration, beside: Duration| beside <= alone.mul_f64(1.5) + Duration::from_millis(2);
    near(alone.0, beside.0) && near(alone.1, beside.1)
}
