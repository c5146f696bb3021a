//! Budgets: reserved before a call is sent, settled when it is over, however it ends.

use std::time::Duration;

use gatewright_demo::issuer::Person;
use gatewright_model::{Amounts, Event, Trust};
use gatewright_testkit::{Answer, FakeModel, RawClient, Reply, Step, openai};

use crate::desk::Desk;

const HELLO: &str = r#"{"model":"closed","messages":[{"role":"user","content":"hello"}]}"#;
const STREAMED: &str = r#"{"model":"closed","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;

async fn desk(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Desk {
    let model = FakeModel::start(move |_| answer()).await.expect("a model");
    Desk::new(model, Trust::Internal).await
}

fn measure(answer: &Answer) -> Option<&str> {
    ["requests", "tokens", "cost", "answer_bytes"]
        .into_iter()
        .find(|name| answer.text().contains(&format!("\"param\":\"{name}\"")))
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
    assert_eq!(answer.headers.get("x-ratelimit-limit-requests"), Some("4"));
    assert_eq!(answer.headers.get("ratelimit-policy"), Some("\"requests\";q=4;w=86400"));
    assert_eq!(answer.headers.get("x-should-retry"), (wait > 60).then_some("false"));
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

fn of(model: &str, body: &str) -> String {
    body.replace("closed", model)
}

/// What was reserved and what was spent by each call that was charged, in the order of their ends.
fn charges(desk: &Desk) -> Vec<(Amounts, Amounts)> {
    let heard = desk.ears.0.lock().expect("nobody panics with it");
    let amounts = |moments: &[gatewright_model::Moment]| {
        let charged = moments.iter().find_map(|moment| match &moment.event {
            Event::Charged { reserved, .. } => Some(*reserved),
            _ => None,
        })?;
        let spent = moments.iter().find_map(|moment| match &moment.event {
            Event::Spent { used } => Some(*used),
            _ => None,
        })?;
        Some((charged, spent))
    };
    heard.iter().filter_map(|(_, moments)| amounts(moments)).collect()
}

/// So many events of ten characters each, one every millisecond, and no end.
fn long_stream(events: usize) -> Reply {
    let event = |_| openai::stream_event("narrow-there", 0, "{\"content\":\"0123456789\"}", "null");
    Reply::events((0..events).map(event)).every(Duration::from_millis(1))
}

#[tokio::test]
async fn cost_is_what_the_models_tokens_cost() {
    // 5 tokens of the request and 7 of the answer: 75 millionths of a euro, of 300. Before, 128 or so are reserved.
    let desk = desk(|| openai::chat("dear-there", "fine")).await;
    for _ in 0..3 {
        let answer = desk.chat(Person::Bob, &of("dear", HELLO)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let answer = desk.chat(Person::Bob, &of("dear", HELLO)).await;
    assert_eq!((answer.status, measure(&answer)), (429, Some("cost")), "{}", answer.text());
    assert!(answer.text().contains("there are 0.000075 EUR left"), "{}", answer.text());
    assert_eq!(desk.model.count(), 3, "a call beyond the budget reached the model");
    for (reserved, spent) in charges(&desk) {
        assert_eq!((spent.tokens, spent.cost_micros), (12, 75));
        assert!(reserved.cost_micros > 100 && reserved.tokens > 10, "{reserved:?}");
    }
}

#[tokio::test]
async fn a_model_without_a_price_is_not_free_where_cost_counts() {
    let desk = desk(|| openai::chat("unpriced-there", "fine")).await;
    let answer = desk.chat(Person::Bob, &of("unpriced", HELLO)).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("budgets/spend") && answer.text().contains("no price"), "{}", answer.text());
    assert_eq!(desk.model.count(), 0);
}

#[tokio::test]
async fn a_stream_ends_where_its_budget_of_bytes_does() {
    let desk = desk(|| long_stream(400)).await;
    let answer = desk.chat(Person::Bob, &of("narrow", STREAMED)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let (given, said) = text.split_once("data: {\"error\"").expect("the stream says why it ends");
    assert!(said.contains("budget_exhausted") && said.contains("answer_bytes"), "{said}");
    assert!((2_500..=3_000).contains(&given.len()), "{} bytes were given", given.len());
    assert!(!said.contains("0123456789"), "it went on: {said}");
    let spent = charges(&desk)[0].1;
    assert_eq!(spent.answer_bytes, given.len() as u64, "what was delivered is what was settled");
    // What is left is less than a piece. It is not nothing, so the next call begins, and ends at once.
    let next = desk.chat(Person::Bob, &of("narrow", STREAMED)).await;
    assert!(next.text().contains("budget_exhausted"), "{}", next.text());
    assert!(spent.answer_bytes + charges(&desk)[1].1.answer_bytes <= 3_000);
    for _ in 0..2_000 {
        if desk.model.left_early() == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the model server was left to go on");
}

#[tokio::test]
async fn parallel_streams_share_one_budget_of_bytes() {
    let desk = desk(|| long_stream(40)).await;
    let request = desk.request(Person::Bob, "/v1/chat/completions", &of("narrow", STREAMED));
    let streams: Vec<_> = (0..20)
        .map(|_| {
            let (address, request) = (desk.address, request.clone());
            tokio::spawn(async move { RawClient::exchange(address, request).await.expect("an answer") })
        })
        .collect();
    let mut given = 0;
    for stream in streams {
        let text = stream.await.expect("it runs").text();
        given += text.split("data: {\"error\"").next().filter(|given| given.starts_with("data:")).map_or(0, str::len);
    }
    assert!((2_000..=3_000).contains(&given), "{given} bytes were given");
}

#[tokio::test]
async fn a_whole_answer_that_does_not_fit_is_not_given() {
    let desk = desk(|| openai::chat("narrow-there", &"0123456789".repeat(400))).await;
    let answer = desk.chat(Person::Bob, &of("narrow", HELLO)).await;
    assert_eq!((answer.status, measure(&answer)), (429, Some("answer_bytes")), "{}", answer.text());
    assert!(!answer.text().contains("0123456789"));
    let spent = charges(&desk)[0].1;
    assert_eq!((spent.answer_bytes, spent.tokens), (0, 12), "its tokens were used, and none of its bytes given");
}

#[tokio::test]
async fn a_stream_ends_where_the_model_counts_more_tokens_than_are_left() {
    let desk = desk(|| {
        let counted = |tokens: u32| {
            openai::stream_event("closed-there", 0, "{\"content\":\"word \"}", "null")
                .replace("}\n\n", &format!(",\"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":{tokens}}}}}\n\n"))
        };
        Reply::events((1..400).map(counted)).every(Duration::from_millis(1))
    })
    .await;
    let answer = desk.chat(Person::Carol, STREAMED).await;
    let text = answer.text();
    let (given, said) = text.split_once("data: {\"error\"").expect("the stream says why it ends");
    assert!(said.contains("budget_exhausted") && said.contains("\"tokens\""), "{said}");
    let words = given.matches("word").count();
    assert!((85..=96).contains(&words), "{words} words of one token each were given");
}

#[tokio::test]
async fn a_call_that_could_never_fit_is_told_so_and_not_to_wait() {
    let desk = desk(|| openai::chat("closed-there", "fine")).await;
    let long = HELLO.replace("hello", &"hello ".repeat(200));
    let answer = desk.chat(Person::Carol, &long).await;
    assert_eq!((answer.status, measure(&answer)), (429, Some("tokens")), "{}", answer.text());
    assert!(answer.text().contains("more than your whole budget of 100"), "{}", answer.text());
    assert_eq!((answer.headers.get("retry-after"), answer.headers.get("x-should-retry")), (None, Some("false")));
    assert_eq!(answer.headers.get("x-ratelimit-limit-tokens"), Some("100"));
    assert_eq!(desk.model.count(), 0);
}
