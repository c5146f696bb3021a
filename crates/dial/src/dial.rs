use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use rustls::ClientConfig;

use crate::exchange::{Question, exchange};
use crate::target::Target;
use crate::{Fault, Roots, tls};

/// How long and how large a side request may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the whole exchange: name, connection, TLS, head and body.
    pub time: Duration,
    /// Bytes of the answer's body.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(3), body: 1 << 20 }
    }
}

/// Sends side requests. Cheap to clone; holds no connection.
#[derive(Clone)]
pub struct Dial {
    tls: Option<Arc<ClientConfig>>,
    limits: Limits,
}

/// A side request's answer, whatever its status but never a redirect.
#[derive(Clone)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Dial {
    /// A dial that trusts these certificate authorities. Reads them now.
    ///
    /// # Errors
    /// [`Fault::BadRoots`] where a configured CA file is of no use. An empty system store is no error until HTTPS is
    /// dialled.
    pub fn new(roots: &Roots) -> Result<Self, Fault> {
        Self::with_limits(roots, Limits::default())
    }

    /// The same with limits other than three seconds and one mebibyte.
    ///
    /// # Errors
    /// As [`Dial::new`].
    pub fn with_limits(roots: &Roots, limits: Limits) -> Result<Self, Fault> {
        Ok(Self { tls: tls::configure(roots)?, limits })
    }

    /// Whether this URL could be dialled as far as can be said without asking anyone: an absolute `https` URL, or
    /// `http` to a loopback address or `localhost`. For checks of a configuration.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_url(url: &str) -> Result<(), Fault> {
        Target::parse(url)?.check_without_resolving()
    }

    /// Asks for a JSON document.
    ///
    /// # Errors
    /// Every way in which no complete answer came, redirects among them.
    pub async fn get(&self, url: &str) -> Result<Reply, Fault> {
        self.send(url, Question { method: Method::GET, content_type: "", body: Bytes::new(), headers: Vec::new() })
            .await
    }

    /// Posts a form (`application/x-www-form-urlencoded`), as a token endpoint takes it.
    ///
    /// # Errors
    /// As [`Dial::get`].
    pub async fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Result<Reply, Fault> {
        self.post_form_with(url, Vec::new(), fields).await
    }

    /// The same with headers of the caller's own.
    ///
    /// # Errors
    /// As [`Dial::get`].
    pub async fn post_form_with(
        &self,
        url: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        fields: &[(&str, &str)],
    ) -> Result<Reply, Fault> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let content_type = "application/x-www-form-urlencoded";
        self.send(url, Question { method: Method::POST, content_type, body: Bytes::from(form), headers }).await
    }

    /// Posts a JSON document, with headers of the caller's own: a signature, a token.
    ///
    /// # Errors
    /// As [`Dial::get`].
    pub async fn post_json(
        &self,
        url: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<Reply, Fault> {
        let content_type = "application/json; charset=utf-8";
        self.send(url, Question { method: Method::POST, content_type, body, headers }).await
    }

    /// Posts plain text, as a witness of logs takes it.
    ///
    /// # Errors
    /// As [`Dial::get`].
    pub async fn post_text(&self, url: &str, text: String) -> Result<Reply, Fault> {
        let content_type = "text/plain; charset=utf-8";
        self.send(url, Question { method: Method::POST, content_type, body: Bytes::from(text), headers: Vec::new() })
            .await
    }

    /// Asks an API in the name of whoever this token is about, with a JSON body where there is one.
    ///
    /// # Errors
    /// As [`Dial::get`].
    pub async fn call(&self, method: &str, url: &str, token: &str, body: Bytes) -> Result<Reply, Fault> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| Fault::BadUrl("its method is none"))?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Fault::BadUrl("the token is not one word of plain characters"))?;
        bearer.set_sensitive(true);
        let content_type = "application/json";
        let headers = vec![(header::AUTHORIZATION, bearer)];
        self.send(url, Question { method, content_type, body, headers }).await
    }

    async fn send(&self, url: &str, question: Question) -> Result<Reply, Fault> {
        let target = Target::parse(url)?;
        let limits = self.limits;
        tokio::time::timeout(limits.time, exchange(&target, question, self.tls.as_ref(), limits.body))
            .await
            .unwrap_or(Err(Fault::TimedOut(limits.time.as_millis())))
    }
}

impl Reply {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// The status; never a 3xx.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The body, at most as long as the limit.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The only value of this header as text; `None` where it is absent, written twice, or not ASCII.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// How long the answer may be kept, as `Cache-Control: max-age` says (RFC 9111, section 5.2.2.1); `no-store` and
    /// `no-cache` count as zero.
    pub fn max_age(&self) -> Option<Duration> {
        let mut age = None;
        for value in self.headers.get_all(header::CACHE_CONTROL) {
            for directive in value.to_str().ok()?.split(',') {
                let directive = directive.trim().to_ascii_lowercase();
                if directive == "no-store" || directive == "no-cache" {
                    return Some(Duration::ZERO);
                }
                if let Some(seconds) = directive.strip_prefix("max-age=") {
                    age = Some(Duration::from_secs(seconds.trim_matches('"').parse().ok()?));
                }
            }
        }
        age
    }
}

/// Without the body: a token endpoint's answer is a secret.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).field("length", &self.body.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn max_age(values: &[&str]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CACHE_CONTROL, value.parse().expect("a header value"));
        }
        Reply::new(StatusCode::OK, headers, Bytes::new()).max_age()
    }

    #[test]
    fn reads_how_long_an_answer_may_be_kept() {
        assert_eq!(max_age(&[]), None);
        assert_eq!(max_age(&["public, max-age=600"]), Some(Duration::from_secs(600)));
        assert_eq!(max_age(&["public", "Max-Age=\"60\""]), Some(Duration::from_secs(60)));
        assert_eq!(max_age(&["max-age=600, no-store"]), Some(Duration::ZERO));
        assert_eq!(max_age(&["max-age=-1"]), None);
        assert_eq!(max_age(&["max-age=99999999999999999999999"]), None);
    }
}
