use bytes::Bytes;
use gatewright_json::{Value, to_bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use super::Person;
use super::form::Form;

/// No script, nothing from elsewhere, no frame around it. `form-action` must name where the answer may be redirected to,
/// since browsers apply it to redirects as well.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      form-action 'self' http://127.0.0.1:* http://localhost:*";

/// The page's style, a resource of its own so that the policy needs no exception.
pub(crate) const STYLE: &str = include_str!("style.css");

/// Who is there?
pub(crate) fn sign_in(request: &Form) -> Response<Full<Bytes>> {
    let hidden: String = request
        .iter()
        .filter(|(name, _)| *name != "person")
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value)))
        .collect();
    let people: String = Person::ALL.into_iter().map(button).collect();
    let body = format!(
        "<h1>Who are you today?</h1>\n\
         <p>This is Gatewright's demo identity provider. It runs on this machine alone, and because it is a demo, it \
         asks for no password: pick somebody.</p>\n\
         <form method=\"post\" action=\"/authorize\">\n{hidden}{people}</form>\n\
         <p class=\"small\">A real deployment signs in at your organisation's own identity provider instead.</p>"
    );
    page(StatusCode::OK, "Sign in", &body)
}

fn button(person: Person) -> String {
    let (name, full, group, role) = (person.name(), person.full_name(), person.group(), person.role());
    format!("<button name=\"person\" value=\"{name}\"><b>{full}</b> <code>{group}</code><span>{role}</span></button>\n")
}

/// What a person sees who comes without a client.
pub(crate) fn welcome(url: &str) -> Response<Full<Bytes>> {
    let url = escape(url);
    let body = format!(
        "<h1>Demo identity provider</h1>\n\
         <p>Sign in from a terminal: <code>gatewright login --issuer {url}</code></p>\n\
         <p class=\"small\">Programs find it at <a href=\"/.well-known/openid-configuration\">its discovery \
         document</a>.</p>"
    );
    page(StatusCode::OK, "Demo identity provider", &body)
}

/// Something that a person must read, since no client can be told.
pub(crate) fn fault(why: &str) -> Response<Full<Bytes>> {
    let body = format!("<h1>This cannot go on</h1>\n<p>{}</p>", escape(why));
    page(StatusCode::BAD_REQUEST, "This cannot go on", &body)
}

fn page(status: StatusCode, title: &str, body: &str) -> Response<Full<Bytes>> {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title} · Gatewright \
         demo</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n\
         </html>\n"
    );
    typed(status, "text/html; charset=utf-8", html)
}

/// A JSON document, not to be kept.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    typed(status, "application/json", to_bytes(value))
}

/// A line of text.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", text)
}

/// The style.
pub(crate) fn style() -> Response<Full<Bytes>> {
    typed(StatusCode::OK, "text/css; charset=utf-8", STYLE)
}

fn typed(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    guard(response.headers_mut());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// `same-origin` rather than `no-referrer`: the latter makes browsers say `Origin: null` when they post the form.
fn guard(headers: &mut HeaderMap) {
    const LINES: [(HeaderName, &str); 6] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in LINES {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// For text and for quoted attribute values.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_cannot_become_markup() {
        assert_eq!(escape(r#""><script>'&"#), "&quot;&gt;&lt;script&gt;&#39;&amp;");
    }
}
