//! Every endpoint of the admin side, and everything that is none.

mod support;

use gatewright_api::{
    Call, Client, ENDPOINTS, Endpoint, METRICS, Needs, PATHS, Reason, ReasonCode, Takes, Transport as _,
};
use gatewright_model::{Event, Verdict};
use http::Method;

use support::{Desk, Log, Policy, TOKEN};

#[tokio::test]
async fn says_that_it_lives() {
    let response = Desk::new().ask(Method::GET, "/healthz", "localhost:8081").await;
    assert_eq!(response.status(), 200);
    assert_eq!(support::text(response).await, "{\"status\":\"alive\",\"version\":\"1.2.3\"}\n");
}

#[tokio::test]
async fn says_why_it_is_not_ready_and_is_alive_all_the_same() {
    assert_eq!(Desk::new().ask(Method::GET, "/readyz", "localhost").await.status(), 200);
    let reason = Reason { code: ReasonCode::LogBroken, message: "The log cannot be written: EIO.".into() };
    let desk = Desk::standing(vec![reason]);
    let response = desk.ask(Method::GET, "/readyz", "localhost").await;
    assert_eq!(response.status(), 503);
    assert!(support::text(response).await.contains("The log cannot be written: EIO."));
    assert_eq!(desk.ask(Method::GET, "/healthz", "localhost").await.status(), 200);
}

#[tokio::test]
async fn gives_its_numbers_as_open_metrics() {
    let response = Desk::new().ask(Method::GET, METRICS, "127.0.0.1:8081").await;
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(support::text(response).await.ends_with("# EOF\n"));
}

#[tokio::test]
async fn knows_no_other_path_and_no_other_method() {
    let desk = Desk::new();
    for path in ["/", "/healthz/", "/HEALTHZ", "/metrics/x", "/v1/models", "/..%2freadyz", "//readyz", "/api/v1/"] {
        assert_eq!(desk.ask(Method::GET, path, "localhost").await.status(), 404, "{path}");
    }
    for path in PATHS {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE, Method::PATCH] {
            let response = desk.ask(method.clone(), path, "localhost").await;
            assert_eq!(
                (response.status().as_u16(), &response.headers()["allow"]),
                (405, &"GET, HEAD".parse().expect("a value"))
            );
        }
    }
}

#[tokio::test]
async fn a_strangers_name_reaches_nothing_and_no_answer_is_shared_across_origins() {
    let desk = Desk::new();
    for path in PATHS.iter().copied().chain(ENDPOINTS.iter().map(|endpoint| endpoint.path)) {
        assert_eq!(desk.ask(Method::GET, path, "evil.example").await.status(), 421, "{path}");
        let response = desk.ask(Method::GET, path, "localhost").await;
        assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control-")));
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    assert_eq!(desk.seen(), 0);
}

fn target(endpoint: &Endpoint) -> String {
    endpoint.path_to(&["apr_01980000000177770077777777777777"])
}

#[tokio::test]
async fn without_an_identity_no_endpoint_is_answered_or_fills_the_log() {
    for endpoint in ENDPOINTS {
        let desk = Desk::new();
        for token in [None, Some("forged")] {
            let response = desk.call(endpoint, &target(endpoint), token, b"{}").await;
            assert_eq!(response.status(), 401, "{}", endpoint.name);
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
        }
        assert_eq!((desk.seen(), desk.recorded().len(), desk.refused()), (0, 0, 2), "{}", endpoint.name);
    }
}

#[tokio::test]
async fn every_access_is_recorded_before_it_is_answered() {
    for endpoint in ENDPOINTS {
        let desk = Desk::new();
        let response = desk.call(endpoint, &target(endpoint), Some(TOKEN), b"{}").await;
        assert_eq!(response.status(), 200, "{}", endpoint.name);
        let recorded = desk.recorded();
        let [Event::Visited { subject, endpoint: name, verdict: Verdict::Allow, .. }] = &recorded[..] else {
            unreachable!("{}: {recorded:?}", endpoint.name)
        };
        assert_eq!((&**subject, &**name), ("carol", endpoint.name));
        // The part itself looked: the record was there when it was asked.
        assert_eq!(desk.seen_after_record(), 1, "{}", endpoint.name);
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    for endpoint in ENDPOINTS {
        let desk = Desk::with(Policy::Permits, Log::Broken);
        let response = desk.call(endpoint, &target(endpoint), Some(TOKEN), b"{}").await;
        assert_eq!((response.status().as_u16(), desk.seen()), (503, 0), "{}", endpoint.name);
    }
}

#[tokio::test]
async fn without_the_permission_it_is_refused_in_words_and_recorded() {
    let mut asked = 0;
    for endpoint in ENDPOINTS {
        let Needs::Permission(permission) = endpoint.needs else { continue };
        asked += 1;
        for verdict in [Verdict::Deny, Verdict::Hold] {
            let desk = Desk::with(Policy::Answers(verdict), Log::Works);
            let response = desk.call(endpoint, &target(endpoint), Some(TOKEN), b"{}").await;
            assert_eq!((response.status().as_u16(), desk.seen()), (403, 0), "{}", endpoint.name);
            let text = support::text(response).await;
            assert!(text.contains(r#""code":"permission_denied""#) && text.contains("default-deny"), "{text}");
            assert!(matches!(&desk.recorded()[..], [Event::Visited { verdict: recorded, .. }] if *recorded == verdict));
            assert_eq!(desk.asked_for(), [permission]);
        }
    }
    assert!(asked > 0, "no endpoint needs a permission");
}

#[tokio::test]
async fn bodies_are_bounded_and_of_one_type() {
    for endpoint in ENDPOINTS {
        let desk = Desk::new();
        match endpoint.takes {
            Takes::Nothing => {
                let response = desk.call(endpoint, &target(endpoint), Some(TOKEN), b"x").await;
                assert_eq!(response.status(), 400, "{}", endpoint.name);
            }
            Takes::Json(most) | Takes::Text(most) => {
                let response = desk.call(endpoint, &target(endpoint), Some(TOKEN), &vec![b' '; most + 1]).await;
                assert_eq!(response.status(), 413, "{}", endpoint.name);
                for media in ["application/x-www-form-urlencoded", "multipart/form-data", "text/html", ""] {
                    let response = desk.call_as(endpoint, &target(endpoint), Some(TOKEN), b"{}", media).await;
                    assert_eq!(response.status(), 415, "{} {media}", endpoint.name);
                }
            }
        }
        assert_eq!(desk.seen(), 0, "{}", endpoint.name);
    }
}

#[tokio::test]
async fn queries_are_known_names_each_once() {
    let desk = Desk::new();
    let list = &gatewright_api::APPROVALS_LIST;
    for query in ["evil=1", "state=a&state=b", "state=%0a", "state=a*b"] {
        let target = format!("{}?{query}", list.path);
        assert_eq!(desk.call(list, &target, Some(TOKEN), b"").await.status(), 400, "{query}");
    }
    let target = format!("{}?state=pending", list.path);
    assert_eq!(desk.call(list, &target, Some(TOKEN), b"").await.status(), 200);
}

#[tokio::test]
async fn in_process_it_is_the_same_road() {
    let desk = Desk::new();
    let problem = Client::new(desk.admin(), "forged").me().await.expect_err("a forged token");
    assert_eq!((problem.status, desk.seen()), (401, 0));
    let call = Call { method: "GET", target: "/api/v1/me".to_owned(), body: Vec::new() };
    assert_eq!(desk.admin().send(TOKEN, call).await.expect("an answer").status, 200);
    assert_eq!(desk.recorded().len(), 1);
    let newline = Client::new(desk.admin(), "a\r\nb").me().await.expect_err("no header");
    assert_eq!(newline.status, 400);
}
