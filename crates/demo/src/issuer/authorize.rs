use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use super::form::Form;
use super::grants::Grant;
use super::{CLIENT, Issuer, Person, pages};

/// The longest value of any parameter that is repeated in a page or a redirect.
const LONGEST: usize = 1_024;

/// A checked authorization request (RFC 6749, section 4.1.1; RFC 7636; OpenID Connect Core 1.0, section 3.1.2.1).
#[derive(Debug)]
pub(crate) struct Request {
    redirect_uri: String,
    challenge: String,
    state: Option<String>,
    nonce: Option<String>,
}

/// Why a request is not answered as it asked.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Said on a page: the browser must not be sent anywhere, since whoever wrote the request chose where.
    Page(&'static str),
    /// Said to the client.
    Client { redirect_uri: String, state: Option<String>, error: &'static str },
}

impl Request {
    /// Checks the parameters, first those that say where an error may be sent.
    pub(crate) fn read(form: &Form) -> Result<Self, Fault> {
        if form.iter().any(|(_, value)| value.len() > LONGEST) {
            return Err(Fault::Page("A parameter of this request is too long."));
        }
        if form.get("client_id") != Some(CLIENT) {
            return Err(Fault::Page("This request is of a client that is not registered here."));
        }
        let redirect_uri = form.get("redirect_uri").filter(|uri| is_loopback_callback(uri));
        let redirect_uri = redirect_uri.ok_or(Fault::Page("This request wants to send you where nobody should go."))?;
        let text = |name| form.get(name).map(str::to_owned);
        let fault = |error| Err(Fault::Client { redirect_uri: redirect_uri.to_owned(), state: text("state"), error });
        if form.get("response_type") != Some("code") {
            return fault("unsupported_response_type");
        }
        if !form.get("scope").is_some_and(|scope| scope.split(' ').any(|one| one == "openid")) {
            return fault("invalid_scope");
        }
        // PKCE is required, and `plain` with it refused: it protects against nobody who reads the request.
        let challenge = form.get("code_challenge").filter(|challenge| is_challenge(challenge));
        let (Some(challenge), Some("S256")) = (challenge, form.get("code_challenge_method")) else {
            return fault("invalid_request");
        };
        Ok(Self {
            redirect_uri: redirect_uri.to_owned(),
            challenge: challenge.to_owned(),
            state: text("state"),
            nonce: text("nonce"),
        })
    }
}

/// `http://127.0.0.1:PORT/callback` or the same on `localhost`, at any port (RFC 8252, section 7.3): the command line's;
/// and `/sign-in/callback`, the console's.
fn is_loopback_callback(uri: &str) -> bool {
    let rest = uri.strip_prefix("http://127.0.0.1:").or_else(|| uri.strip_prefix("http://localhost:"));
    let port = rest.and_then(|rest| rest.strip_suffix("/sign-in/callback").or_else(|| rest.strip_suffix("/callback")));
    port.is_some_and(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

/// A SHA-256 in base64url is 43 characters.
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Issuer {
    /// The page that asks who is there.
    pub(crate) fn ask_who(&self, query: &[u8]) -> Response<Full<Bytes>> {
        let Some(form) = Form::read(query) else { return pages::fault("A parameter of this request comes twice.") };
        match Request::read(&form) {
            Ok(_) => pages::sign_in(&form),
            Err(fault) => self.tell(fault),
        }
    }

    /// The answer of that page: sends the browser back with a code.
    pub(crate) fn sign_in(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let Some(form) = Form::read(body) else { return pages::fault("A parameter of this request comes twice.") };
        let Some(person) = form.get("person").and_then(Person::from_name) else {
            return pages::fault("Nobody of that name is here.");
        };
        // Everything came back from the browser, so everything is checked again.
        let request = match Request::read(&form) {
            Ok(request) => request,
            Err(fault) => return self.tell(fault),
        };
        let code = self.inner.random_text();
        let Request { redirect_uri, challenge, state, nonce } = request;
        let grant = Grant { person, redirect_uri: redirect_uri.clone(), challenge, nonce };
        self.inner.grants.put_code(&code, grant, self.inner.clock.now());
        self.send_back(&redirect_uri, ("code", &code), state.as_deref())
    }

    fn tell(&self, fault: Fault) -> Response<Full<Bytes>> {
        match fault {
            Fault::Page(why) => pages::fault(why),
            Fault::Client { redirect_uri, state, error } => {
                self.send_back(&redirect_uri, ("error", error), state.as_deref())
            }
        }
    }

    /// Back to the client, with the issuer's name so that it notices a mix-up (RFC 9207). A 303 turns the browser's
    /// POST into a GET.
    fn send_back(&self, redirect_uri: &str, (name, value): (&str, &str), state: Option<&str>) -> Response<Full<Bytes>> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(name, value);
        query.append_pair("iss", self.url());
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        let Ok(location) = HeaderValue::try_from(format!("{redirect_uri}?{}", query.finish())) else {
            return pages::fault("This request wants to send you where nobody should go.");
        };
        let mut response = pages::plain(StatusCode::SEE_OTHER, "");
        response.headers_mut().insert(header::LOCATION, location);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_sent_to_loopback_callbacks_alone() {
        for uri in
            ["http://127.0.0.1:1/callback", "http://localhost:65535/callback", "http://127.0.0.1:8081/sign-in/callback"]
        {
            assert!(is_loopback_callback(uri), "{uri}");
        }
        for uri in [
            "https://127.0.0.1:1/callback",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:+1/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:1/callback/",
            "http://127.0.0.1:1/x/callback",
            "http://127.0.0.1:1/sign-in//callback",
            "http://127.0.0.1:1/sign-in/sign-in/callback",
            "http://127.0.0.1:1/callback?x",
            "http://127.0.0.1:1@evil.example/callback",
            "http://127.0.0.1:1.evil.example/callback",
            "http://localhost.evil.example:1/callback",
            "http://127.0.0.2:1/callback",
            "http://[::1]:1/callback",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!is_loopback_callback(uri), "{uri}");
        }
    }
}
