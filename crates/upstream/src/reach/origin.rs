use std::fmt;

use http::Uri;
use http::uri::{Authority, PathAndQuery};

/// A URL that no connection can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOrigin {
    /// Not a URL with a scheme and a host.
    #[error("not a URL of the form http://host:port or https://host")]
    Malformed,
    /// Another scheme.
    #[error("the scheme must be http or https")]
    Scheme,
    /// A name or password in the URL.
    #[error("a URL must not carry a credential; use `credential` with a reference")]
    Credential,
    /// A query or a fragment.
    #[error("a connection's URL has no query and no fragment")]
    Query,
    /// A path that is not in canonical form.
    #[error("the base path must be plain: no '..', '//', '%' or ';'")]
    Path,
}

/// Plain or TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// The scheme as a URL writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Where a connection leads: scheme, host and port, and a base path. A credential is bound to exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    authority: Authority,
    /// Without a trailing slash; empty for the root.
    base: String,
}

impl Origin {
    /// Reads a connection's URL.
    pub fn parse(url: &str) -> Result<Self, BadOrigin> {
        if url.contains(['?', '#']) {
            return Err(BadOrigin::Query);
        }
        let uri: Uri = url.parse().map_err(|_| BadOrigin::Malformed)?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(_) => return Err(BadOrigin::Scheme),
            None => return Err(BadOrigin::Malformed),
        };
        let authority = uri.authority().cloned().ok_or(BadOrigin::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(BadOrigin::Credential);
        }
        if authority.host().is_empty() {
            return Err(BadOrigin::Malformed);
        }
        let base = uri.path().trim_end_matches('/').to_owned();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
        let dotted = base.split('/').any(|segment| matches!(segment, "." | ".."));
        if dotted || base.contains("//") || !base.bytes().all(plain) {
            return Err(BadOrigin::Path);
        }
        Ok(Self { scheme, authority, base })
    }

    /// Plain or TLS.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host name or address, without brackets and port.
    pub fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// Host and port as the `Host` header writes them.
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What a request's line says for a canonical path below the base.
    pub(crate) fn target(&self, path: &str) -> Result<Uri, http::Error> {
        let target = if self.base.is_empty() { path.parse() } else { format!("{}{path}", self.base).parse() };
        Ok(target?)
    }

    /// Where to connect to.
    pub(crate) fn uri(&self) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(match self.scheme {
            Scheme::Http => http::uri::Scheme::HTTP,
            Scheme::Https => http::uri::Scheme::HTTPS,
        });
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        // INVARIANT: a URI with all three parts is whole, which is all that is asked of it here.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.name(), self.authority, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let origin = Origin::parse("https://models.example:8443/api/").expect("an origin");
        assert_eq!((origin.scheme(), origin.host()), (Scheme::Https, "models.example"));
        assert_eq!(origin.target("/v1/models").expect("a target").to_string(), "/api/v1/models");
        assert_eq!(Origin::parse("http://[::1]:80").map(|origin| origin.host().to_owned()), Ok("::1".to_owned()));
    }

    #[test]
    fn refuses_what_could_lead_elsewhere() {
        assert_eq!(Origin::parse("ftp://x"), Err(BadOrigin::Scheme));
        assert_eq!(Origin::parse("/v1"), Err(BadOrigin::Malformed));
        assert_eq!(Origin::parse("http://key@host"), Err(BadOrigin::Credential));
        assert_eq!(Origin::parse("http://host/?a=b"), Err(BadOrigin::Query));
        assert_eq!(Origin::parse("http://host/#x"), Err(BadOrigin::Query));
        for path in ["/a/../b", "/a//b", "/%2e", "/a;b"] {
            assert_eq!(Origin::parse(&format!("http://host{path}")), Err(BadOrigin::Path), "{path}");
        }
    }
}
