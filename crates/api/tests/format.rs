//! The formats as version 1 wrote them: what is read here was written before, and must be readable for ever.

use gatewright_api::{Health, Note, Problem, Readiness, Reason, ReasonCode, State};

#[test]
fn readiness_keeps_its_format() {
    let text = r#"{"status":"not_ready","reasons":[{"code":"log_broken","message":"The log cannot be written."}],"notes":[{"message":"A reload was refused."}]}"#;
    let readiness: Readiness = serde_json::from_str(text).expect("version 1");
    assert_eq!(readiness.status, State::NotReady);
    assert_eq!(serde_json::to_string(&readiness).expect("written"), text);
}

#[test]
fn ready_means_no_reason() {
    let note = Note { message: "An issuer is slow.".into() };
    assert_eq!(Readiness::of(Vec::new(), vec![note]).status, State::Ready);
    let reason = Reason { code: ReasonCode::Draining, message: "It was told to stop.".into() };
    assert_eq!(Readiness::of(vec![reason], Vec::new()).status, State::NotReady);
}

#[test]
fn health_and_problems_keep_their_format() {
    let health = Health { status: "alive".into(), version: "0.1.0".into() };
    assert_eq!(serde_json::to_string(&health).expect("written"), r#"{"status":"alive","version":"0.1.0"}"#);
    let problem = serde_json::to_string(&Problem::new("not_found", "There is nothing here.")).expect("written");
    assert_eq!(problem, r#"{"error":{"code":"not_found","message":"There is nothing here."}}"#);
}
