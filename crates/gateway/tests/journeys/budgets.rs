//! Budgets: reserved before a call is sent, settled when it is over, however it ends.

use std::time::Duration;

use gatewright_demo::issuer::Person;
use gatewright_model::Trust;
use gatewright_testkit::{Answer, FakeModel, RawClient, Reply, Step, openai};

use crate::desk::Desk;

const HELLO: &str = r#"{"model":"closed","messages":[{"role":"user","content":"hello"}]}"#;
const STREAMED: &str = r#"{"model":"closed","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;

async fn desk(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Desk {
    let model = FakeModel::start(move |_| answer()).await.expect("a model");
    Desk::new(model, Trust::Internal).await
}

fn measure(answer: &Answer) -> Option<&str> {
    ["requests", "tokens", "cost"].into_iter().find(|name| answer.text().contains(&format!("\"param\":\"{name}\"")))
}

#[tokio::test]
async fn of_so_many_calls_one_more_is_refused() {
    let desk = desk(|| openai::chat("closed-there", "fine")).await;
    for left in ["3", "2", "1", "0"] {
        let answer = desk.chat(Person::Carol, HELLO).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.headers.get("x-ratelimit-limit-requests"), Some("4"));
        assert_eq!(answer.headers.get("x-ratelimit-remaining-requests"), Some(left));
        assert!(answer.headers.get("ratelimit").is_some_and(|text| text.starts_with("\"requests\";r=")));
    }
    let answer = desk.chat(Person::Carol, HELLO).await;
    assert_eq!((answer.status, measure(&answer)), (429, Some("requests")), "{}", answer.text());
    assert!(answer.text().contains("budget_exhausted") && answer.text().contains("metered/"), "{}", answer.text());
    let wait: u64 = answer.headers.get("retry-after").and_then(|text| text.parse().ok()).unwrap_or_default();
    assert!((1..=86_400).contains(&wait), "{wait}");
    assert_eq!(answer.headers.get("x-ratelimit-remaining-requests"), Some("0"));
    assert!(answer.headers.get("ratelimit").is_some_and(|text| text.starts_with("\"requests\";r=0;t=")));
    assert_eq!(desk.model.count(), 4, "a call beyond the budget reached the model");
    // Who has no budget is told of none.
    let answer = desk.chat(Person::Alice, &HELLO.replace("closed", "open")).await;
    assert_eq!((answer.status, answer.headers.get("ratelimit")), (200, None));
}

#[tokio::test]
async fn a_race_for_the_last_is_won_once() {
    let desk = desk(|| openai::chat("closed-there", "fine").after(Duration::from_millis(50))).await;
    let request = desk.request(Person::Carol, "/v1/chat/completions", HELLO);
    let racers: Vec<_> = (0..20)
        .map(|_| {
            let (address, request) = (desk.address, request.clone());
            tokio::spawn(async move { RawClient::exchange(address, request).await.expect("an answer").status })
        })
        .collect();
    let mut served = 0;
    for racer in racers {
        served += usize::from(racer.await.expect("it runs") == 200);
    }
    assert!(served <= 4 && desk.model.count() == served, "{served} were served");
}

#[tokio::test]
async fn tokens_are_settled_by_what_the_model_counted() {
    // 12 tokens by the model's count; some thirty are reserved. Three calls are more than fit side by side by the latter.
    let desk = desk(|| openai::chat("closed-there", "fine")).await;
    for _ in 0..4 {
        assert_eq!(desk.chat(Person::Carol, HELLO).await.status, 200);
    }
    let answer = desk.chat(Person::Carol, HELLO).await;
    assert_eq!(measure(&answer), Some("requests"), "48 of 100 tokens were used: {}", answer.text());
}

#[tokio::test]
async fn an_answer_that_the_caller_leaves_is_not_free() {
    let desk = desk(|| {
        Reply::events([openai::stream_event("closed-there", 0, "{\"content\":\"a\"}", "null")]).then(Step::Stall)
    })
    .await;
    let mut refused = None;
    for _ in 0..4 {
        let mut client = RawClient::connect(desk.address).await.expect("it listens");
        client.send(desk.request(Person::Carol, "/v1/chat/completions", STREAMED)).await.expect("it takes it");
        let (status, _) = client.head().await.expect("a head");
        if status == 429 {
            refused = Some(desk.model.count());
            break;
        }
        let left = desk.model.left_early();
        client.reset().expect("it leaves");
        for _ in 0..2_000 {
            if desk.model.left_early() > left {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert!(refused.is_some_and(|served| served < 4), "four cut answers fitted into a budget for three");
}

#[tokio::test]
async fn a_model_server_that_fails_costs_no_tokens() {
    let desk = desk(|| Reply::status(500)).await;
    for _ in 0..4 {
        assert_eq!(desk.chat(Person::Carol, HELLO).await.status, 502);
    }
    let answer = desk.chat(Person::Carol, HELLO).await;
    assert_eq!((answer.status, measure(&answer)), (429, Some("requests")), "{}", answer.text());
}
