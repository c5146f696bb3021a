use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use gatewright_model::Secret;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::LoginFault;

/// Bounds of what others on this machine may cost while a person signs in.
const MOST_CONNECTIONS: usize = 16;
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Browsers open connections in advance and leave them; they are not waited for long.
const FAREWELL: Duration = Duration::from_millis(500);
const LONGEST_VALUE: usize = 4_096;

/// What the browser must bring back.
pub(crate) struct Expected {
    pub(crate) state: String,
    pub(crate) issuer: String,
    /// Whether the provider said that it names itself (RFC 9207).
    pub(crate) issuer_required: bool,
}

/// What the provider sent through the browser.
pub(crate) type Outcome = Result<Secret<String>, LoginFault>;

/// Waits for the browser that belongs to this sign-in and gives its code.
///
/// Requests that do not carry the sign-in's state change nothing: any page in any browser can send one here.
pub(crate) async fn wait(listener: TcpListener, expected: Expected) -> Outcome {
    let host = listener.local_addr().map_err(LoginFault::Listener)?.to_string();
    let expected = Arc::new((host, expected));
    let (found, mut outcome) = mpsc::channel(1);
    let mut connections = JoinSet::new();
    let outcome = loop {
        tokio::select! {
            Some(outcome) = outcome.recv() => break outcome,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => {
                let (stream, _) = accepted.map_err(LoginFault::Listener)?;
                let (expected, found) = (Arc::clone(&expected), found.clone());
                let service = service_fn(move |request| {
                    let response = answer(&request, &expected.0, &expected.1, &found);
                    async move { Ok::<_, Infallible>(response) }
                });
                connections.spawn(
                    http1::Builder::new()
                        .keep_alive(false)
                        .timer(TokioTimer::new())
                        .header_read_timeout(HEAD_TIME)
                        .max_buf_size(32 << 10)
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        }
    };
    // The browser is still to be told; a connection that does not end is cut when the set is dropped.
    let _ = tokio::time::timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
    outcome
}

fn answer(
    request: &Request<Incoming>,
    host: &str,
    expected: &Expected,
    found: &mpsc::Sender<Outcome>,
) -> Response<Full<Bytes>> {
    let is_ours = request.headers().get(header::HOST).is_some_and(|given| given.as_bytes() == host.as_bytes());
    if !is_ours || request.uri().path() != "/callback" || request.method() != Method::GET {
        return page(StatusCode::NOT_FOUND, "There is nothing here.");
    }
    match read(request.uri().query().unwrap_or_default(), expected) {
        None => page(StatusCode::BAD_REQUEST, "This is not the answer to the sign-in that waits here."),
        Some(outcome) => {
            let words = match &outcome {
                Ok(_) => "Handed over to the terminal. You may close this window.",
                Err(_) => "The sign-in did not succeed. The terminal says why; you may close this window.",
            };
            // A second answer finds the place taken, and changes nothing either.
            let _ = found.try_send(outcome);
            page(StatusCode::OK, words)
        }
    }
}

/// Whether a query carries a sign-in's state.
pub(crate) fn has_state(query: &str, state: &str) -> bool {
    let given = fields(query).and_then(|mut fields| fields.remove("state")).unwrap_or_default();
    verify_slices_are_equal(given.as_bytes(), state.as_bytes()).is_ok()
}

fn fields(query: &str) -> Option<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if value.len() > LONGEST_VALUE || fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(fields)
}

/// The outcome in this query; `None` where it is not one of this sign-in.
pub(crate) fn read(query: &str, expected: &Expected) -> Option<Outcome> {
    let mut fields = fields(query)?;
    verify_slices_are_equal(fields.get("state")?.as_bytes(), expected.state.as_bytes()).ok()?;
    match fields.get("iss") {
        Some(issuer) if *issuer != expected.issuer => return Some(Err(mixed_up())),
        None if expected.issuer_required => return Some(Err(mixed_up())),
        Some(_) | None => {}
    }
    if let Some(error) = fields.get("error") {
        return Some(Err(LoginFault::Refused(error_word(error))));
    }
    let code = fields.remove("code").filter(|code| !code.is_empty())?;
    Some(Ok(Secret::new(code)))
}

/// RFC 9207: another provider's answer must not be exchanged at this one.
fn mixed_up() -> LoginFault {
    LoginFault::BadAnswer("it does not come from the provider that was asked".to_owned())
}

/// A provider's error code (RFC 6749, section 4.1.2.1), fit to be shown in a terminal.
pub(crate) fn error_word(error: &str) -> String {
    let is_word = !error.is_empty()
        && error.len() <= 64
        && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_word { error.to_owned() } else { "for a reason that it does not name plainly".to_owned() }
}

fn page(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Gatewright</title>\n<p>{words}</p>\n</html>\n"
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        // The address holds the code.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(query: &str, issuer_required: bool) -> Option<Result<String, String>> {
        let expected = Expected { state: "s".to_owned(), issuer: "https://idp.example".to_owned(), issuer_required };
        read(query, &expected)
            .map(|outcome| outcome.map(|code| code.expose().clone()).map_err(|fault| fault.to_string()))
    }

    #[test]
    fn takes_the_code_of_this_sign_in_alone() {
        assert_eq!(outcome("code=c&state=s", false), Some(Ok("c".to_owned())));
        assert_eq!(outcome("code=c&state=s&iss=https%3A%2F%2Fidp.example", true), Some(Ok("c".to_owned())));
        for query in [
            "",
            "code=c",
            "code=c&state=",
            "code=c&state=t",
            "code=c&state=s&state=s",
            "code=c&code=d&state=s",
            "state=s",
            "code=&state=s",
        ] {
            assert!(outcome(query, false).is_none(), "{query}");
        }
    }

    #[test]
    fn another_providers_answer_ends_it() {
        assert!(matches!(outcome("code=c&state=s", true), Some(Err(_))));
        assert!(matches!(outcome("code=c&state=s&iss=https%3A%2F%2Fevil.example", false), Some(Err(_))));
    }

    #[test]
    fn a_refusal_is_a_word() {
        let said = |query| outcome(query, false).and_then(Result::err).unwrap_or_default();
        assert!(said("error=access_denied&state=s").ends_with("access_denied"));
        assert!(!said("error=%1b%5b31m&state=s").contains('\u{1b}'));
    }
}
