//! Every endpoint of the admin side, and everything that is none.

use std::sync::Arc;

use bytes::Bytes;
use gatewright_admin::{Admin, Hosts, Metrics, Standing};
use gatewright_api::{PATHS, Readiness, Reason, ReasonCode};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};

struct Numbers;

impl Metrics for Numbers {
    fn encode(&self) -> String {
        "# EOF\n".to_owned()
    }
}

struct Stands(Vec<Reason>);

impl Standing for Stands {
    fn readiness(&self) -> Readiness {
        Readiness::of(self.0.clone(), Vec::new())
    }
}

fn ask(reasons: Vec<Reason>, method: Method, target: &str, host: &str) -> Response<Full<Bytes>> {
    let admin = Admin::new("1.2.3", Hosts::new([]), Arc::new(Stands(reasons)), Arc::new(Numbers));
    let request = Request::builder().method(method).uri(target).header("host", host).body(()).expect("a request");
    admin.answer(&request.into_parts().0)
}

async fn text(response: Response<Full<Bytes>>) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn says_that_it_lives() {
    let response = ask(Vec::new(), Method::GET, "/healthz", "localhost:8081");
    assert_eq!(response.status(), 200);
    assert_eq!(text(response).await, "{\"status\":\"alive\",\"version\":\"1.2.3\"}\n");
}

#[tokio::test]
async fn says_why_it_is_not_ready_and_is_alive_all_the_same() {
    assert_eq!(ask(Vec::new(), Method::GET, "/readyz", "localhost").status(), 200);
    let reason = Reason { code: ReasonCode::LogBroken, message: "The log cannot be written: EIO.".into() };
    let response = ask(vec![reason.clone()], Method::GET, "/readyz", "localhost");
    assert_eq!(response.status(), 503);
    assert!(text(response).await.contains("The log cannot be written: EIO."));
    assert_eq!(ask(vec![reason], Method::GET, "/healthz", "localhost").status(), 200);
}

#[tokio::test]
async fn gives_its_numbers_as_open_metrics() {
    let response = ask(Vec::new(), Method::GET, "/metrics", "127.0.0.1:8081");
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(text(response).await.ends_with("# EOF\n"));
}

#[test]
fn knows_no_other_path_and_no_other_method() {
    for path in ["/", "/healthz/", "/HEALTHZ", "/metrics/x", "/v1/models", "/..%2freadyz", "//readyz"] {
        assert_eq!(ask(Vec::new(), Method::GET, path, "localhost").status(), 404, "{path}");
    }
    for path in PATHS {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE, Method::PATCH] {
            let response = ask(Vec::new(), method.clone(), path, "localhost");
            assert_eq!(
                (response.status().as_u16(), &response.headers()["allow"]),
                (405, &"GET, HEAD".parse().expect("a value"))
            );
        }
    }
}

#[test]
fn a_strangers_name_reaches_nothing_and_no_answer_is_shared_across_origins() {
    for path in PATHS {
        assert_eq!(ask(Vec::new(), Method::GET, path, "evil.example").status(), 421, "{path}");
        let response = ask(Vec::new(), Method::GET, path, "localhost");
        assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control-")));
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}
