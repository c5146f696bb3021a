//! What other parts and other people rely on, held against the frozen files in `tests/golden`.

use gatewright_model::{
    AgentId, ApprovalId, Code, GrantId, KeyId, LeaseId, NotificationId, Operation, RequestId, SessionId,
};

fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn refusals() {
    let now: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("{}\t{}\t{}", code.name(), code.http_status(), code.grpc_status()))
        .collect();
    assert_eq!(now, lines(include_str!("../../../tests/golden/refusals.tsv")));
    for code in Code::ALL {
        assert_eq!(Code::from_name(code.name()), Some(*code));
        // SDKs retry these on their own; a person's decision must never be one of them.
        let retried = matches!(code.http_status(), 408 | 409 | 429 | 500..);
        let transient =
            matches!(code, Code::BudgetExhausted | Code::UpstreamFailed | Code::UpstreamTimeout | Code::NotReady);
        assert_eq!(retried, transient, "{code}");
    }
}

#[test]
fn identifiers() {
    let now = [
        ("request", RequestId::PREFIX),
        ("session", SessionId::PREFIX),
        ("approval", ApprovalId::PREFIX),
        ("grant", GrantId::PREFIX),
        ("lease", LeaseId::PREFIX),
        ("notification", NotificationId::PREFIX),
        ("key", KeyId::PREFIX),
        ("agent", AgentId::PREFIX),
    ]
    .map(|(what, prefix)| format!("{what}\t{prefix}"));
    assert_eq!(now.to_vec(), lines(include_str!("../../../tests/golden/ids.tsv")));
}

#[test]
fn operations() {
    let now: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(now, lines(include_str!("../../../tests/golden/operations.txt")));
}
