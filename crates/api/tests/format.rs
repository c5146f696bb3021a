//! The formats as version 1 wrote them: what is read here was written before, and must be readable for ever.

use gatewright_api::{
    APPROVALS_SHOW, ENDPOINTS, Endpoint, Found, Health, Needs, Note, Problem, Readiness, Reason, ReasonCode, State,
    Takes,
};

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
    let problem = serde_json::to_string(&Problem::not_found("There is nothing here.")).expect("written");
    assert_eq!(problem, r#"{"status":404,"code":"not_found","detail":"There is nothing here."}"#);
}

#[test]
fn the_endpoints_are_those_of_the_golden_file() {
    let now: Vec<String> = ENDPOINTS
        .iter()
        .map(|endpoint| {
            let needs = match endpoint.needs {
                Needs::Permission(permission) => permission,
                Needs::Identity => "identity",
            };
            let takes = match endpoint.takes {
                Takes::Nothing => "-".to_owned(),
                Takes::Json(most) => format!("json<={most}"),
                Takes::Text(most) => format!("text<={most}"),
            };
            let query = if endpoint.query.is_empty() { "-".to_owned() } else { endpoint.query.join(",") };
            [endpoint.name, endpoint.method.name(), endpoint.path, &query, needs, &takes].join("\t")
        })
        .collect();
    let golden: Vec<&str> =
        include_str!("../../../tests/golden/endpoints.tsv").lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(now, golden);
}

#[test]
fn a_path_means_one_endpoint_or_none() {
    let id = "apr_01980000000177770077777777777777";
    let path = APPROVALS_SHOW.path_to(&[id]);
    assert_eq!(Endpoint::find(ENDPOINTS, "GET", &path), Found::Endpoint(&ENDPOINTS[1], vec![id]));
    assert_eq!(Endpoint::find(ENDPOINTS, "HEAD", &path), Found::Endpoint(&ENDPOINTS[1], vec![id]));
    assert_eq!(Endpoint::find(ENDPOINTS, "DELETE", &path), Found::OtherMethods(vec!["GET"]));
    for path in ["/api/v1/approvals/", "/api/v1/approvals/a%2fb", "/api/v1/approvals/..", "/api/v1//approvals", "/"] {
        assert_eq!(Endpoint::find(ENDPOINTS, "GET", path), Found::Nothing, "{path}");
    }
    for (at, endpoint) in ENDPOINTS.iter().enumerate() {
        let path = endpoint.path_to(&["a"]);
        let found = Endpoint::find(ENDPOINTS, endpoint.method.name(), &path);
        assert!(matches!(found, Found::Endpoint(found, _) if found == endpoint), "{}", endpoint.name);
        assert!(ENDPOINTS[at + 1..].iter().all(|other| other.name != endpoint.name));
    }
}
