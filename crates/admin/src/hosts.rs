use std::collections::BTreeSet;
use std::net::IpAddr;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

/// The names that a listener answers to.
///
/// A browser that was lured to `evil.example`, whose name then turned to this machine's address, still says
/// `Host: evil.example`. Addresses cannot be turned, so they are always taken; names must be known.
#[derive(Clone, Debug, Default)]
pub struct Hosts(BTreeSet<String>);

/// Why a request's host is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strange {
    /// None, several, or one that cannot be read.
    Malformed,
    /// Not one of ours.
    Unknown,
}

impl Hosts {
    /// `localhost`, every IP address, and these names.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut known: BTreeSet<String> = names.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        known.insert("localhost".to_owned());
        Self(known)
    }

    pub(crate) fn check(&self, head: &Parts) -> Result<(), Strange> {
        let authority = authority(head)?;
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if bare.parse::<IpAddr>().is_ok() || self.0.contains(&host) { Ok(()) } else { Err(Strange::Unknown) }
    }
}

/// The one authority that a request names: HTTP/2 has it in its target, HTTP/1.1 in one `Host`; where both speak, they
/// must agree.
fn authority(head: &Parts) -> Result<Authority, Strange> {
    let mut written = head.headers.get_all(HOST).iter();
    let header = match (written.next(), written.next()) {
        (Some(host), None) => {
            Some(host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()).ok_or(Strange::Malformed)?)
        }
        (None, None) => None,
        _ => return Err(Strange::Malformed),
    };
    let authority = match (head.uri.authority(), header) {
        (Some(target), Some(header)) if *target != header => return Err(Strange::Malformed),
        (Some(target), _) => target.clone(),
        (None, Some(header)) => header,
        (None, None) => return Err(Strange::Malformed),
    };
    if authority.as_str().contains('@') { Err(Strange::Malformed) } else { Ok(authority) }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(target: &str, hosts: &[&str]) -> Result<(), Strange> {
        let mut request = Request::get(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        Hosts::new(["Ops.Example".to_owned()]).check(&head)
    }

    #[test]
    fn answers_to_addresses_and_to_its_own_names() {
        for host in ["localhost:8081", "127.0.0.1:8081", "[::1]:8081", "10.0.0.7", "ops.example", "OPS.example.:443"] {
            assert_eq!(check("/readyz", &[host]), Ok(()), "{host}");
        }
        assert_eq!(check("http://ops.example/readyz", &[]), Ok(()), "HTTP/2");
    }

    #[test]
    fn does_not_answer_to_a_strangers_name() {
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "xlocalhost", "ops.example.evil"]
        {
            assert_eq!(check("/readyz", &[host]), Err(Strange::Unknown), "{host}");
        }
    }

    #[test]
    fn one_host_and_only_one() {
        assert_eq!(check("/readyz", &[]), Err(Strange::Malformed));
        assert_eq!(check("/readyz", &["localhost", "localhost"]), Err(Strange::Malformed));
        assert_eq!(check("/readyz", &["local host"]), Err(Strange::Malformed));
        assert_eq!(check("/readyz", &["evil.example@localhost"]), Err(Strange::Malformed));
        assert_eq!(check("http://evil.example/readyz", &["localhost"]), Err(Strange::Malformed));
    }
}
