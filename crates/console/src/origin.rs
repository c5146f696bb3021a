use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where the console is, as the browser knows it: scheme, host and port.
///
/// Cookies, redirect URIs and the check of who posted a form all hang on it, so there is one for each request: the
/// configured one, or else the one that the request names. A request's host was held against the listener's own names
/// before (an attacker's name that was turned to this address is none of them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    url: String,
    secure: bool,
}

/// Whose page sent a request, as far as a browser says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// One of ours, or the person's own hand.
    Ours,
    /// Somebody else's.
    Foreign,
    /// It does not say. No browser of the last years keeps silent on a form.
    Unsaid,
}

impl Origin {
    /// The configured one.
    pub(crate) fn configured(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_ascii_lowercase();
        Self { secure: url.starts_with("https://"), url }
    }

    /// The one that a request names; `None` where it names none.
    pub(crate) fn of(head: &Parts, secure: bool) -> Option<Self> {
        let host = match head.uri.authority() {
            Some(authority) => authority.as_str(),
            None => head.headers.get(HOST)?.to_str().ok()?,
        };
        let scheme = if secure { "https" } else { "http" };
        Some(Self { url: format!("{scheme}://{}", host.to_ascii_lowercase()), secure })
    }

    /// Without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether browsers reach it by HTTPS.
    pub(crate) const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Digits of the port where one is written.
    pub(crate) fn port(&self) -> &str {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) { port } else { "" }
    }

    /// Whose page sent this.
    pub(crate) fn sender(&self, headers: &HeaderMap) -> Sender {
        let text = |name: &HeaderName| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().map(|value| value.to_str().unwrap_or("?"));
            if values.next().is_some() { Some("?") } else { value }
        };
        let origin = text(&ORIGIN);
        let site = text(&SEC_FETCH_SITE);
        let foreign_origin = origin.is_some_and(|origin| !origin.eq_ignore_ascii_case(&self.url));
        let foreign_site = site.is_some_and(|site| site != "same-origin" && site != "none");
        match (origin, site) {
            _ if foreign_origin || foreign_site => Sender::Foreign,
            (None, None) => Sender::Unsaid,
            _ => Sender::Ours,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn sender(lines: &[(&str, &str)]) -> Sender {
        let mut request = Request::get("/");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        Origin::configured("https://Ops.example/").sender(&head.headers)
    }

    #[test]
    fn tells_our_own_pages_from_others() {
        assert_eq!(sender(&[("origin", "https://ops.example"), ("sec-fetch-site", "same-origin")]), Sender::Ours);
        assert_eq!(sender(&[("origin", "https://ops.example")]), Sender::Ours);
        assert_eq!(sender(&[("sec-fetch-site", "none")]), Sender::Ours);
        assert_eq!(sender(&[]), Sender::Unsaid);
        for foreign in [
            [("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            [("origin", "https://ops.example"), ("sec-fetch-site", "cross-site")],
            [("origin", "https://ops.example"), ("sec-fetch-site", "same-site")],
            [("origin", "null"), ("sec-fetch-site", "same-origin")],
            [("origin", "http://ops.example"), ("sec-fetch-site", "same-origin")],
            [("origin", "https://ops.example:444"), ("sec-fetch-site", "same-origin")],
            [("origin", "https://ops.example"), ("origin", "https://ops.example")],
        ] {
            assert_eq!(sender(&foreign), Sender::Foreign, "{foreign:?}");
        }
    }
}
