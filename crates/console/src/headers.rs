use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use maud::Markup;

/// Nothing but our own files: no inline script or style, no frame around a page, no form to elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every answer says. `same-origin` rather than `no-referrer`: the latter makes browsers say `Origin: null` when they
/// post a form.
const LINES: [(HeaderName, &str); 7] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// An answer of the console.
pub(crate) type Answer = Response<Full<Bytes>>;

/// A page.
pub(crate) fn page(status: StatusCode, markup: Markup) -> Answer {
    typed(status, "text/html; charset=utf-8", Bytes::from(markup.into_string()))
}

/// Sends the browser elsewhere, by GET (303).
pub(crate) fn go(location: &str) -> Answer {
    let mut answer = typed(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Bytes::new());
    // What cannot be a header is no place of ours; the home page is always one.
    let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/"));
    answer.headers_mut().insert(LOCATION, location);
    answer
}

/// A file of ours. Its name changes with its content, so that it may be kept for good.
pub(crate) fn file(media_type: &'static str, content: &'static str) -> Answer {
    let mut answer = typed(StatusCode::OK, media_type, Bytes::from_static(content.as_bytes()));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    answer
}

fn typed(status: StatusCode, media_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    for (name, value) in LINES {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}
