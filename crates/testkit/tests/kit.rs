//! The kit against itself: what the client sends is what the model server keeps, and every scripted fault is felt.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use gatewright_testkit::{FakeModel, Framing, MessageError, RawClient, Reply, Step, openai};

#[tokio::test]
async fn the_journal_holds_the_exact_bytes() {
    let model = FakeModel::start(|_| openai::chat("m", "hello")).await.unwrap();
    let request =
        "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHoSt: a\r\nX-Odd:  two  spaces\r\ncontent-length: 2\r\n\r\n{}";
    let answer = RawClient::exchange(model.address(), request).await.unwrap();
    assert_eq!((answer.status, answer.whole), (200, true));
    assert!(answer.text().contains("\"hello\""));
    let received = model.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].raw, request);
    assert_eq!(received[0].target, "/v1/chat/completions?x=1");
    assert_eq!(received[0].headers.get("host"), Some("a"));
    assert_eq!(received[0].text(), "{}");
}

#[tokio::test]
async fn a_script_is_played_in_turn_on_one_connection() {
    let model = FakeModel::scripted([Reply::status(204), Reply::json(500, "{}")]).await.unwrap();
    let mut client = RawClient::connect(model.address()).await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        client.request("GET", "/", &[], b"").await.unwrap();
        statuses.push(client.answer().await.unwrap().status);
    }
    assert_eq!(statuses, [204, 500, 500]);
    assert_eq!((model.connections(), model.count()), (1, 3));
}

#[tokio::test]
async fn a_stream_cut_at_every_byte_is_the_same_stream() {
    let reply = openai::chat_stream("m", ["al", "pha"]);
    let whole = reply.body();
    let pieces = reply.in_pieces_of(1);
    let model = FakeModel::start(move |_| pieces.clone()).await.unwrap();
    let mut client = RawClient::connect(model.address()).await.unwrap();
    client.request("POST", "/", &[], b"{}").await.unwrap();
    client.head().await.unwrap();
    let (mut read, mut count) = (Vec::new(), 0);
    while let Some(piece) = client.piece().await.unwrap() {
        read.extend_from_slice(&piece);
        count += 1;
    }
    assert_eq!(read, whole);
    assert_eq!(count, whole.len());
}

#[tokio::test]
async fn a_broken_answer_is_felt_as_broken() {
    let whole = openai::chat("m", "hello");
    for step in [Step::Close, Step::Reset] {
        let broken = whole.clone().broken_at(10, step);
        let model = FakeModel::start(move |_| broken.clone()).await.unwrap();
        let answer = RawClient::exchange(model.address(), "GET / HTTP/1.1\r\n\r\n").await;
        assert!(!answer.is_ok_and(|answer| answer.whole));
    }
    let model = FakeModel::start(|_| Reply::status(200).instead_of_head(Step::Reset)).await.unwrap();
    let answer = RawClient::exchange(model.address(), "GET / HTTP/1.1\r\n\r\n").await;
    assert!(matches!(answer, Err(MessageError::Io(_) | MessageError::Closed)));
}

#[tokio::test]
async fn a_slow_first_byte_is_slow_and_a_peer_that_leaves_is_noticed() {
    let model = FakeModel::start(|_| openai::chat("m", "late").after(Duration::from_millis(60))).await.unwrap();
    let start = Instant::now();
    RawClient::exchange(model.address(), "GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(60));

    let stalled = FakeModel::start(|_| Reply::events(["data: 1\n\n"]).then(Step::Stall)).await.unwrap();
    let mut client = RawClient::connect(stalled.address()).await.unwrap();
    client.request("GET", "/", &[], b"").await.unwrap();
    client.head().await.unwrap();
    assert_eq!(client.piece().await.unwrap().unwrap(), "data: 1\n\n");
    assert_eq!((stalled.open_connections(), stalled.left_early()), (1, 0));
    drop(client);
    let noticed = async {
        while stalled.left_early() == 0 || stalled.open_connections() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), noticed).await.expect("the server notices");
}

#[tokio::test]
async fn an_answer_that_ends_by_closing_is_whole() {
    let model = FakeModel::start(|_| Reply::json(200, "{}").framed(Framing::Close)).await.unwrap();
    let mut client = RawClient::connect(model.address()).await.unwrap();
    client.request("GET", "/", &[], b"").await.unwrap();
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.text().as_str(), answer.whole), ("{}", true));
    assert!(client.is_closed_within(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn a_careless_error_repeats_the_credential() {
    let model = FakeModel::start(|received| openai::error_with_credential(401, received)).await.unwrap();
    let mut client = RawClient::connect(model.address()).await.unwrap();
    client.request("POST", "/", &["authorization: Bearer canary"], b"{}").await.unwrap();
    let answer = client.answer().await.unwrap();
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("Bearer canary"));
}
