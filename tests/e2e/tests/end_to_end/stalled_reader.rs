//! Two hundred streams and one reader that does not read: the others do not feel it, nothing is lost, memory is bounded.

use std::time::{Duration, Instant};

use gatewright_e2e::answers::streamed_content;
use gatewright_e2e::setting::Setting;
use gatewright_testkit::{FakeModel, RawClient, Reply, openai};

const STREAMS: usize = 200;
const EVENTS: usize = 25;
const PACE: Duration = Duration::from_millis(80);
/// How often the comparison is made. A disturbance of the machine makes it worse and never better, so the best counts.
const TRIES: usize = 3;
/// What the stalled reader is owed: more than the kernel's buffers on the way can hold.
const OWED: usize = 48 << 20;
/// What the gateway may keep for one reader that does not read, buffers of allocators included.
const BOUND: u64 = 16 << 20;

fn paced() -> Reply {
    openai::chat_stream("sales-forecast", vec!["steady growth in the north "; EVENTS]).every(PACE)
}

fn flood() -> Reply {
    let piece = "a long and quiet river ".repeat(400);
    let count = OWED / piece.len() + 1;
    openai::chat_stream("sales-forecast", vec![piece.as_str(); count])
}

fn question(word: &str) -> String {
    format!(
        "{{\"model\":\"sales-forecast\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"{word}\"}}]}}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_reader_that_stalls_is_not_felt_by_the_others() {
    let (paced, flood) = (paced(), flood());
    let (expected, owed) = (streamed_content(&paced.body()), streamed_content(&flood.body()));
    let model =
        FakeModel::start(move |received| if received.text().contains("flood") { flood.clone() } else { paced.clone() });
    let model = model.await.unwrap();
    let mut setting = Setting::lay(&model.url()).await;
    setting.start().await;
    // Once unmeasured, so that neither run pays for first connections.
    gaps(&setting, STREAMS, &expected).await;
    let mut tries = Vec::new();
    while tries.len() < TRIES && !tries.last().is_some_and(|(alone, beside)| not_felt(*alone, *beside)) {
        let alone = percentile(gaps(&setting, STREAMS, &expected).await);
        let before = setting.process().memory();
        let mut stalled = RawClient::connect(setting.data_address()).await.unwrap();
        let headers = [setting.alice(), "content-type: application/json".into()];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        stalled.request("POST", "/v1/chat/completions", &headers, question("flood").as_bytes()).await.unwrap();
        assert_eq!(stalled.head().await.unwrap().0, 200);
        tokio::time::sleep(Duration::from_millis(300)).await;

        let beside = percentile(gaps(&setting, STREAMS, &expected).await);
        let grown = setting.process().memory().saturating_sub(before);
        println!("p99 between two events: {alone:?} alone, {beside:?} beside a stalled reader; grown by {grown} bytes");
        assert!(grown < BOUND, "it keeps {grown} bytes for a reader that does not read");
        tries.push((alone, beside));

        let mut body = Vec::new();
        while let Some(piece) = stalled.piece().await.expect("the stream goes on when it is read again") {
            body.extend_from_slice(&piece);
        }
        assert!(streamed_content(&body) == owed, "bytes of the stalled stream were lost");
    }
    assert!(
        tries.last().is_some_and(|(alone, beside)| not_felt(*alone, *beside)),
        "a stalled reader is felt: {tries:?}"
    );
}

/// Below a millisecond or two the scheduler of the test's own machine is what is measured.
fn not_felt(alone: Duration, beside: Duration) -> bool {
    beside <= alone.mul_f64(1.5) + Duration::from_millis(2)
}

/// Reads this many streams side by side; the times between two reads of each. Every stream must be whole.
async fn gaps(setting: &Setting, streams: usize, expected: &str) -> Vec<Duration> {
    let alice = setting.alice();
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..streams {
        let (address, alice) = (setting.data_address(), alice.clone());
        readers.spawn(async move {
            let mut client = RawClient::connect(address).await.unwrap();
            let headers = [alice.as_str(), "content-type: application/json"];
            client.request("POST", "/v1/chat/completions", &headers, question("paced").as_bytes()).await.unwrap();
            assert_eq!(client.head().await.unwrap().0, 200);
            let (mut body, mut gaps, mut last) = (Vec::new(), Vec::new(), Instant::now());
            while let Some(piece) = client.piece().await.expect("the stream is whole") {
                body.extend_from_slice(&piece);
                gaps.push(last.elapsed());
                last = Instant::now();
            }
            (body, gaps)
        });
    }
    let mut all = Vec::new();
    while let Some(read) = readers.join_next().await {
        let (body, gaps) = read.unwrap();
        assert_eq!(streamed_content(&body), expected, "bytes were lost");
        all.extend(gaps);
    }
    all
}

fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}
