//! A candidate beside the live catalogue, on two replicas of one PostgreSQL: it is taken up by both, changes no answer, and
//! what differs is counted and told; every decision of one replica is made again by Cedar's authorizer.

use std::time::{Duration, Instant};

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::asking;
use gatewright_e2e::records::{files_with, verify};
use gatewright_e2e::setting::Setting;
use gatewright_testkit::Postgres;
use serde_json::Value;

use crate::versions::{Replica, catalogue, json, scene};

/// What `shadow status` says, whatever its exit code.
fn status(replica: &Replica, setting: &Setting, at_least: &str) -> (Option<i32>, Value) {
    let ran = replica.policy(setting, Person::Carol, &["shadow", "status", "--at-least", at_least]);
    (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}\n{}", ran.out, ran.err)))
}

/// Waits until it says so.
async fn until(what: &str, replica: &Replica, setting: &Setting, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let (_, seen) = status(replica, setting, "0");
        if is(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}: {seen}\n{}", replica.process.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn decides(step: u64) -> impl Fn(&Value) -> bool {
    move |seen| seen["state"] == "deciding" && seen["candidate"]["step"] == step
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_compared_on_every_replica_and_changes_nothing() {
    let (setting, _model) = scene().await;
    let server = Postgres::start();
    let state = format!("state: {{ postgres: {{ url: \"{}\", credential: \"env:STATE_KEY\" }} }}\n", server.database());
    let state = format!("{state}decisions: {{ recheck: 1 }}\n");
    let one = Replica::start(&setting, "one", &state).await;
    let other = Replica::start(&setting, "other", &state).await;
    setting.write("stricter.yaml", &catalogue("aurora", 111).replace("operations: [chat]", "operations: [embed]"));
    setting.write("faulty.yaml", &catalogue("aurora", 111).replace("sales-forecast", "no-such-model"));

    // Nothing is tried: a pipeline that waits for a comparison has none.
    assert_eq!((status(&one, &setting, "1").0, status(&one, &setting, "0").0), (Some(1), Some(0)));
    for words in [&["shadow", "set", "stricter.yaml"][..], &["shadow", "clear"], &["shadow", "status"]] {
        let refused = one.policy(&setting, Person::Alice, words);
        assert!(refused.code == Some(1) && refused.err.contains("permission_denied"), "{words:?}: {}", refused.err);
    }
    let refused = one.policy(&setting, Person::Carol, &["shadow", "set", "faulty.yaml"]);
    assert!(refused.code == Some(1) && refused.err.contains("no-such-model"), "{}", refused.err);

    // One replica is told; both take it up, and answer as before.
    let set = json(&one.policy(&setting, Person::Carol, &["shadow", "set", "stricter.yaml", "--reason", "less"]));
    assert_eq!((set["step"].as_u64(), set["reason"].as_str()), (Some(1), Some("less")));
    until("it decides at one", &one, &setting, decides(1)).await;
    until("it decides at the other", &other, &setting, decides(1)).await;
    let token = setting.token(Person::Alice);
    let mut requests = Vec::new();
    for _ in 0..20 {
        let answer = other.call(&token, "probe", "probe").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        requests.push(answer.headers.get("x-gatewright-request-id").unwrap_or_default().to_owned());
    }
    let seen = until("all are compared", &other, &setting, |seen| seen["compared"]["decisions"] == 20).await;
    assert_eq!((&seen["compared"]["newly_refused"], &seen["compared"]["agreed"]), (&20.into(), &0.into()), "{seen}");
    let kind = &seen["compared"]["differences"][0];
    assert_eq!((kind["change"].as_str(), kind["was"].as_str()), (Some("newly_refused"), Some("allow")));
    assert_eq!((kind["would_be"].as_str(), kind["model"].as_str()), (Some("deny"), Some("sales-forecast")));
    let examples = kind["examples"].as_array().unwrap();
    assert!(examples.len() == 5 && examples.iter().all(|id| requests.iter().any(|known| id == known)), "{kind}");
    assert_eq!(status(&other, &setting, "1").0, Some(1), "a pipeline stops where something differs");
    assert_eq!(status(&one, &setting, "1").0, Some(1), "this one was asked nothing");

    // The authorizer has made each of them again, and agrees.
    let seen = until("all are made again", &other, &setting, |seen| seen["recheck"]["agreed"] == 20).await;
    assert_eq!(seen["recheck"]["doubted"], 0);
    let metrics = asking(other.admin, "GET", "/metrics", &[], "").await.text();
    for line in [
        "gatewright_shadow_decisions_total{result=\"newly_refused\"} 20",
        "gatewright_decisions_rechecked_total{result=\"doubted\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }

    // Other terms are told apart; the same catalogue agrees, and then a pipeline goes on.
    json(&other.policy(&setting, Person::Carol, &["shadow", "set", "next.yaml"]));
    until("it decides", &one, &setting, decides(2)).await;
    assert_eq!(one.call(&token, "probe", "probe").await.status, 200);
    let seen = until("it is compared", &one, &setting, |seen| seen["compared"]["decisions"] == 1).await;
    assert_eq!(seen["compared"]["on_other_terms"], 1, "{seen}");
    json(&one.policy(&setting, Person::Carol, &["shadow", "set", "catalogue.yaml"]));
    until("it decides", &one, &setting, decides(3)).await;
    assert_eq!(one.call(&token, "probe", "probe").await.status, 200);
    until("it is compared", &one, &setting, |seen| seen["compared"]["agreed"] == 1).await;
    assert_eq!(status(&one, &setting, "1").0, Some(0));
    assert_eq!(status(&one, &setting, "2").0, Some(1), "too few were compared");

    json(&one.policy(&setting, Person::Carol, &["shadow", "clear"]));
    until("it is gone", &other, &setting, |seen| seen["state"] == "absent").await;
    let again = one.policy(&setting, Person::Carol, &["shadow", "clear"]);
    assert!(again.code == Some(1) && again.err.contains("not_found"), "{}", again.err);
    let (mut one, mut other) = (one, other);
    for replica in [&mut one, &mut other] {
        replica.process.terminate(Duration::from_secs(30));
        verify(&replica.folder);
        assert!(!files_with(&replica.folder, "shadowed").is_empty(), "each step is on record where it was asked for");
    }
}
