//! Decisions that are looked at a second time: a wrong index is seen, and a candidate decides along without effect.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_demo::issuer::Person;
use gatewright_gateway::{Candidate, ContentRules, World};
use gatewright_masking::{CustomPattern, CustomRule, Detectors};
use gatewright_model::{Event, InfoType, RuleName, Side, Timestamp, Trust, Verdict};
use gatewright_policy::Change;
use gatewright_store::testing::FakeDisk;
use gatewright_testkit::{FakeModel, openai};

use crate::desk::{Desk, catalogue, contains};

const OPEN: &str = r#"{"model":"open","messages":[{"role":"user","content":"hello"}]}"#;
const CLOSED: &str = r#"{"model":"closed","messages":[{"role":"user","content":"hello"}]}"#;

async fn desk(amend: impl FnOnce(World) -> World) -> Desk {
    let model = FakeModel::start(|received| match received.text().contains(r#""stream":true"#) {
        true => openai::chat_stream("open-there", ["the launch", " code is", " 000000"]),
        false => openai::chat("open-there", "fine"),
    });
    Desk::amended(model.await.unwrap(), Trust::Internal, FakeDisk::new(), false, amend).await
}

async fn wait_until(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_index_is_never_doubted() {
    let desk = desk(|world| world).await;
    let (mut asked, mut allowed) = (0, 0);
    for person in [Person::Alice, Person::Bob, Person::Carol] {
        for body in [OPEN, CLOSED] {
            let answer = desk.chat(person, body).await;
            asked += 1;
            allowed += u64::from(answer.status == 200);
        }
    }
    assert!(allowed > 1 && allowed < asked, "{allowed} of {asked}");
    wait_until("every decision is made again", || desk.second_look.rechecks().agreed == asked).await;
    assert_eq!(desk.second_look.rechecks().doubted, 0);
    assert!(!contains(&desk.disk_bytes(), "doubted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_index_is_seen_told_and_on_record() {
    let desk = desk(|world| {
        let policy = catalogue(&world, str::to_owned).danger_with_wrong_index();
        World { policy, ..world }
    })
    .await;
    // Alice may not use this model; the index says that she may.
    assert_eq!(desk.chat(Person::Alice, CLOSED).await.status, 200, "or the index is not wrong");
    wait_until("the decision is doubted", || desk.second_look.rechecks().doubted == 1).await;
    let rechecks = desk.second_look.rechecks();
    let (_, request) = rechecks.first_doubt.expect("the first is kept");
    let heard = desk.ears.0.lock().expect("nobody panics with it").first().map(|(heard, _)| *heard);
    assert_eq!(heard, Some(request));
    wait_until("it is on record", || contains(&desk.disk_bytes(), "doubted")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_decides_along_without_effect() {
    let desk = desk(|world| world).await;
    let stricter = |text: &str| text.replace("operations: [chat, embed]", "operations: [embed]");
    let gateway = desk.world();
    let candidate = catalogue(&gateway, stricter);
    let live = gateway.policy.digest();
    desk.second_look.put(Some(Arc::new(Candidate::new(1, candidate, live, Timestamp::from_seconds(1)))));
    for _ in 0..7 {
        assert_eq!(desk.chat(Person::Alice, OPEN).await.status, 200, "a candidate has no effect");
    }
    assert_eq!(desk.chat(Person::Bob, OPEN).await.status, 200);
    let candidate = desk.second_look.candidate().expect("it is set");
    wait_until("all are compared", || candidate.tally().agreed + candidate.tally().refused == 8).await;
    let tally = candidate.tally();
    assert_eq!((tally.agreed, tally.refused, tally.permitted, tally.groups.len()), (1, 7, 0, 1));
    let (group, counted) = tally.groups.first_key_value().expect("one");
    assert_eq!((group.change, group.was, group.would_be), (Change::Refused, Verdict::Allow, Verdict::Deny));
    assert_eq!((counted.count, counted.examples.len()), (7, 5));
    // Beside another live catalogue it is compared with nothing.
    let other = Candidate::new(2, catalogue(&gateway, str::to_owned), [9; 32], Timestamp::from_seconds(1));
    desk.second_look.put(Some(Arc::new(other)));
    assert_eq!(desk.chat(Person::Alice, OPEN).await.status, 200);
    wait_until("it is made again", || desk.second_look.rechecks().agreed == 9).await;
    assert_eq!(desk.second_look.candidate().expect("it is set").tally().agreed, 0);
}

/// A content rule that only tells, as the configuration makes it.
fn rule() -> ContentRules {
    let name = InfoType::new("LAUNCH").expect("a name");
    let pattern = CustomPattern::Words(vec!["launch code".to_owned()]);
    let detectors = Detectors::only(&[CustomRule { name, pattern }]).expect("it compiles");
    ContentRules { detectors, rules: vec!["launch".into()] }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_only_tells_stops_nothing_and_is_on_record() {
    let alert = "rules:\n  - { name: launch, when: { roles: [analyst], prompt: { words: [launch code] }, \
                 answer: { words: [launch code] } }, then: { alert: true } }\n";
    let desk = desk(|world| {
        let policy = catalogue(&world, |text| format!("{text}{alert}"));
        World { policy, prompt_rules: Some(rule()), answer_rules: Some(rule()), ..world }
    })
    .await;
    let asked = r#"{"model":"open","messages":[{"role":"user","content":"the launch code?"}]}"#;
    let streamed = r#"{"model":"open","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
    assert_eq!(desk.chat(Person::Alice, asked).await.status, 200);
    let answer = desk.chat(Person::Alice, streamed).await;
    assert!(answer.status == 200 && answer.text().contains("000000"), "{}", answer.text());
    // Bob's roles are none of the rule's.
    assert_eq!(desk.chat(Person::Bob, asked).await.status, 200);
    wait_until("all are over", || desk.ears.0.lock().expect("nobody panics with it").len() == 3).await;
    let heard = desk.ears.0.lock().expect("nobody panics with it").clone();
    let noticed = |at: usize| -> Vec<(Side, Vec<RuleName>)> {
        let events = heard[at].1.iter().filter_map(|moment| match &moment.event {
            Event::Noticed { side, rules } => Some((*side, rules.clone())),
            _ => None,
        });
        events.collect()
    };
    let launch = || vec![RuleName::from("launch")];
    assert_eq!(noticed(0), [(Side::Request, launch())]);
    assert_eq!(noticed(1), [(Side::Answer, launch())]);
    assert_eq!(noticed(2), []);
}
