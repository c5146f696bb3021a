//! Durable, then disclosed: for whole answers and streams, on a disk that is held, broken, and torn by a crash.

use std::sync::Arc;
use std::time::Duration;

use gatewright_demo::issuer::Person;
use gatewright_model::Trust;
use gatewright_store::log::{Log, Options};
use gatewright_store::testing::{CountedEntropy, Failure, FakeDisk, Operation};
use gatewright_store::verify::{Anchors, verify};
use gatewright_testkit::{FakeModel, RawClient, openai};

use crate::desk::{Desk, Now, contains};

const WHOLE: &str = r#"{"model":"open","messages":[{"role":"user","content":"hello"}]}"#;
const STREAMED: &str = r#"{"model":"open","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;

async fn desk(trust: Trust) -> Desk {
    let model = FakeModel::start(|received| {
        if received.text().contains(r#""stream":true"#) {
            openai::chat_stream("open-there", ["one ", "two ", "three"])
        } else {
            openai::chat("open-there", "fine")
        }
    });
    Desk::new(model.await.unwrap(), trust).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_an_answer_before_the_record_is_on_disk() {
    for body in [WHOLE, STREAMED] {
        let desk = desk(Trust::Internal).await;
        let held = desk.disk.hold_syncs("ledger");
        let mut client = RawClient::connect(desk.address).await.unwrap();
        client.send(desk.request(Person::Alice, "/v1/chat/completions", body)).await.unwrap();
        // Inside the walls the model works while the disk does.
        assert!(desk.model.wait_for(1, Duration::from_secs(5)).await);
        let early = tokio::time::timeout(Duration::from_millis(400), client.head()).await;
        assert!(early.is_err(), "a head came before the record was durable");
        held.release();
        let (status, _) = client.head().await.unwrap();
        assert_eq!(status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_the_walls_before_the_record_is_on_disk() {
    let desk = desk(Trust::External).await;
    let held = desk.disk.hold_syncs("ledger");
    let mut client = RawClient::connect(desk.address).await.unwrap();
    client.send(desk.request(Person::Alice, "/v1/chat/completions", WHOLE)).await.unwrap();
    assert!(!desk.model.wait_for(1, Duration::from_millis(400)).await, "it was sent before it was recorded");
    held.release();
    assert_eq!(client.head().await.unwrap().0, 200);
    assert_eq!(desk.model.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_recorded_before_it_is_said() {
    let desk = desk(Trust::Internal).await;
    let held = desk.disk.hold_syncs("ledger");
    let mut client = RawClient::connect(desk.address).await.unwrap();
    let denied = WHOLE.replace("open", "closed");
    client.send(desk.request(Person::Alice, "/v1/chat/completions", &denied)).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(400), client.head()).await.is_err());
    held.release();
    assert_eq!(client.head().await.unwrap().0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_discloses_nothing_and_forwards_nothing_more() {
    for (operation, failure) in
        [(Operation::Sync, Failure::InputOutput), (Operation::Write, Failure::Full), (Operation::Sync, Failure::Panic)]
    {
        for body in [WHOLE, STREAMED] {
            let desk = desk(Trust::Internal).await;
            assert_eq!(desk.chat(Person::Alice, body).await.status, 200);
            desk.disk.fail(operation, "ledger", 0, failure);
            let answer = desk.chat(Person::Alice, body).await;
            assert_eq!(answer.status, 503, "{operation:?} {failure:?}: {}", answer.text());
            assert!(answer.text().contains("not_ready"));
            assert!(!contains(&answer.raw, "fine") && !contains(&answer.raw, "three"));
            let before = desk.model.count();
            assert_eq!(desk.chat(Person::Alice, body).await.status, 503);
            assert_eq!(desk.model.count(), before, "a request was forwarded after the failure was known");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_was_given_is_in_the_log_after_the_power_is_cut() {
    for seed in 0..12 {
        let desk = desk(if seed % 2 == 0 { Trust::Internal } else { Trust::External }).await;
        let mut given = Vec::new();
        for body in [WHOLE, STREAMED, WHOLE] {
            let answer = desk.chat(Person::Alice, body).await;
            assert_eq!(answer.status, 200);
            given.push(answer.headers.get("x-gatewright-request-id").unwrap().to_owned());
        }
        // The power goes at once: whatever was not synced is lost, torn or out of order.
        let after: FakeDisk = desk.disk.crash(seed);
        let disk = Arc::new(after.clone());
        let (log, _) = Log::open(
            disk.clone(),
            Options { segment_bytes: 1 << 20, ahead_bytes: 1 << 18, ..Options::default() },
            Arc::new(Now),
            Arc::new(CountedEntropy::new(7)),
        )
        .expect("it recovers");
        log.close().await.expect("it closes");
        let disk: Arc<dyn gatewright_store::disk::Disk> = disk;
        let report = verify(&disk, &Anchors::default(), &mut |_| {}).expect("it verifies");
        assert!(report.holds(), "{:?}", report.finding);
        let bytes: Vec<u8> = after.paths().iter().filter_map(|path| after.contents(path)).flatten().collect();
        for id in given {
            let raw = id.parse::<gatewright_model::RequestId>().unwrap();
            let stands = bytes.windows(16).any(|window| window == raw.as_bytes());
            assert!(stands, "seed {seed}: {id} was answered and is not in the log");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_answers_wait_for_every_piece() {
    let model = FakeModel::start(|_| openai::chat_stream("open-there", ["one ", "two ", "three"])).await.unwrap();
    let desk = Desk::with(model, Trust::Internal, FakeDisk::new(), true).await;
    let mut client = RawClient::connect(desk.address).await.unwrap();
    client.send(desk.request(Person::Alice, "/v1/chat/completions", STREAMED)).await.unwrap();
    assert_eq!(client.head().await.unwrap().0, 200);
    let answer = desk.chat(Person::Alice, STREAMED).await;
    assert!(answer.text().contains("three"), "{}", answer.text());
    let held = desk.disk.hold_syncs("bodies");
    let mut client = RawClient::connect(desk.address).await.unwrap();
    client.send(desk.request(Person::Alice, "/v1/chat/completions", STREAMED)).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(400), async {
        client.head().await.unwrap();
        client.piece().await.unwrap()
    });
    assert!(early.await.is_err(), "a piece came before it was on disk");
    held.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_is_booked_and_the_model_is_let_go() {
    let model = FakeModel::start(|_| {
        openai::chat_stream("open-there", ["one", "two", "three", "four"]).every(Duration::from_millis(150))
    });
    let desk = Desk::new(model.await.unwrap(), Trust::Internal).await;
    let mut client = RawClient::connect(desk.address).await.unwrap();
    client.send(desk.request(Person::Alice, "/v1/chat/completions", STREAMED)).await.unwrap();
    client.head().await.unwrap();
    drop(client);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(desk.model.left_early(), 1, "the model went on for nobody");
    let told = format!("{:?}", desk.ears.0.lock().unwrap());
    assert!(told.contains("ClientLeft"), "{told}");
}
