use http::Uri;

use crate::Fault;

/// How to speak to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Loopback only.
    Http,
    /// With TLS.
    Https,
}

/// A URL taken apart: where to connect and what to ask for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) scheme: Scheme,
    /// Without the brackets of an IPv6 literal.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What goes into `Host`: with brackets, and with the port where it was written.
    pub(crate) authority: String,
    pub(crate) path_and_query: String,
}

/// Longer URLs have no honest use here.
const LONGEST_URL: usize = 2_048;

impl Target {
    /// Takes an absolute `http` or `https` URL without user information and fragment.
    pub(crate) fn parse(url: &str) -> Result<Self, Fault> {
        if url.len() > LONGEST_URL {
            return Err(Fault::BadUrl("it is too long"));
        }
        // `Uri` drops a fragment silently; whoever wrote one means something that would not happen.
        if url.contains('#') {
            return Err(Fault::BadUrl("it has a fragment"));
        }
        let uri: Uri = url.parse().map_err(|_| Fault::BadUrl("it is not a URL"))?;
        let (scheme, default_port) = match uri.scheme_str() {
            Some("https") => (Scheme::Https, 443),
            Some("http") => (Scheme::Http, 80),
            _ => return Err(Fault::BadUrl("it must start with https:// (http:// on loopback)")),
        };
        let authority = uri.authority().ok_or(Fault::BadUrl("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(Fault::BadUrl("it carries a user name"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(Fault::BadUrl("it has no host"));
        }
        // `Authority` keeps a port that is no port as text; only its number is trusted.
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" => default_port,
            _ => authority.port_u16().filter(|port| *port != 0).ok_or(Fault::BadUrl("its port is not a port"))?,
        };
        let path_and_query = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            scheme,
            host,
            port,
            authority: authority.as_str().to_owned(),
            path_and_query: if path_and_query.starts_with('/') {
                path_and_query.to_owned()
            } else {
                format!("/{path_and_query}")
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_url_apart() {
        let target = Target::parse("https://idp.example:8443/a/b?c=d").expect("a good URL");
        assert_eq!((target.scheme, target.host.as_str(), target.port), (Scheme::Https, "idp.example", 8443));
        assert_eq!((target.authority.as_str(), target.path_and_query.as_str()), ("idp.example:8443", "/a/b?c=d"));
        let target = Target::parse("http://[::1]:9/").expect("a good URL");
        assert_eq!((target.host.as_str(), target.port, target.authority.as_str()), ("::1", 9, "[::1]:9"));
        let target = Target::parse("https://idp.example").expect("a good URL");
        assert_eq!((target.port, target.path_and_query.as_str()), (443, "/"));
    }

    #[test]
    fn refuses_what_could_mean_something_else() {
        for url in [
            "",
            "idp.example",
            "/keys",
            "ftp://idp.example/",
            "file:///etc/passwd",
            "https://user@idp.example/",
            "https://user:pass@idp.example/",
            "https://idp.example/#a",
            "https://",
            "https://idp.example:99999/",
            "https://idp.example:/",
            "https://idp.example:0/",
            "https://idp example/",
            "https://idp.example/\r\nHost: x",
            "javascript:alert(1)",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        assert!(Target::parse(&format!("https://idp.example/{}", "a".repeat(3_000))).is_err());
    }
}
