//! The front door: what a request's head must be before anybody looks at it. Everything ambiguous is refused here,
//! so that the path that is routed, the path that is recorded and the path that is sent are one string.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use gatewright_model::{Code, Refusal};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, request};
use hyper::body::Incoming;

/// The body of a request: on the wire still, or held.
pub enum Inbound {
    /// Not read yet.
    Wire(Incoming),
    /// Read, or made by a test.
    Held(Bytes),
}

/// A request whose head passed the front door.
pub struct Arrival {
    head: request::Parts,
    body: Inbound,
    client: IpAddr,
}

/// Networks whose `x-forwarded-for` is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<(IpAddr, u8)>);

impl Proxies {
    /// Proxies in these networks, each an address and a prefix length.
    pub fn new(networks: Vec<(IpAddr, u8)>) -> Self {
        Self(networks)
    }

    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|(network, prefix)| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32_u32.saturating_sub(u32::from(*prefix));
                u32::from(*network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128_u32.saturating_sub(u32::from(*prefix));
                u128::from(*network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            _ => false,
        })
    }
}

/// The `x-gatewright-*` headers that a caller may send.
const OURS: [&str; 4] = ["x-gatewright-reason", "x-gatewright-session", "x-gatewright-dataset", crate::lend::WORKLOAD];

/// The longest path, in bytes.
const LONGEST_PATH: usize = 2048;

impl Arrival {
    /// Lets a request in, or says what is wrong with its head.
    pub fn admit(head: request::Parts, body: Inbound, peer: SocketAddr, proxies: &Proxies) -> Result<Self, Refusal> {
        check_path(&head)?;
        check_host(&head)?;
        check_framing(&head)?;
        check_names(&head.headers)?;
        let client = client_address(&head.headers, peer.ip().to_canonical(), proxies)?;
        Ok(Self { head, body, client })
    }

    /// The method.
    pub const fn method(&self) -> &Method {
        &self.head.method
    }

    /// The canonical path, without a query.
    pub fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// The query, where there is one.
    pub fn query(&self) -> Option<&str> {
        self.head.uri.query()
    }

    /// The headers.
    pub const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The address of the client: the peer, or whom a configured proxy names.
    pub fn client(&self) -> Arc<str> {
        self.client.to_string().into()
    }

    /// The body; a second time there is none.
    pub(crate) fn take_body(&mut self) -> Inbound {
        std::mem::replace(&mut self.body, Inbound::Held(Bytes::new()))
    }

    /// The same request with nothing that lies in its connection's buffer, which is many times as large as what a call that
    /// waits still needs of its head.
    pub(crate) fn apart(mut self) -> Self {
        let mut headers = HeaderMap::with_capacity(self.head.headers.len());
        for (name, value) in &self.head.headers {
            // INVARIANT: it was one, so it is one.
            if let Ok(mut copied) = HeaderValue::from_bytes(value.as_bytes()) {
                copied.set_sensitive(value.is_sensitive());
                headers.append(name.clone(), copied);
            }
        }
        self.head.headers = headers;
        if let Ok(uri) = self.head.uri.to_string().parse() {
            self.head.uri = uri;
        }
        self
    }

    /// The same request once more, with a body that was read from it.
    pub(crate) fn again(mut self, body: Bytes) -> Self {
        self.head.headers.insert(CONTENT_LENGTH, body.len().into());
        self.head.headers.remove(TRANSFER_ENCODING);
        Self { body: Inbound::Held(body), ..self }
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(Code::InvalidRequest, message)
}

fn ambiguous(message: &str) -> Refusal {
    Refusal::new(Code::AmbiguousRequest, message)
}

fn check_path(head: &request::Parts) -> Result<(), Refusal> {
    let path = head.uri.path();
    if path.len() > LONGEST_PATH {
        return Err(Refusal::new(Code::TooLarge, "The path is longer than 2048 bytes."));
    }
    // A percent sign would make two spellings of one path; nothing that we serve needs one.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~' | b':');
    let dotted = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if !path.starts_with('/') || path.contains("//") || dotted || !path.bytes().all(plain) {
        return Err(invalid("The path is not in canonical form."));
    }
    Ok(())
}

/// Exactly one host, and the same one wherever it is said (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
fn check_host(head: &request::Parts) -> Result<(), Refusal> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let stated = hosts.next();
    if hosts.next().is_some() {
        return Err(ambiguous("The request has more than one Host header."));
    }
    let authority = head.uri.authority().map(http::uri::Authority::as_str);
    let stated = match stated {
        Some(value) => Some(value.to_str().map_err(|_| invalid("The Host header is not text."))?),
        None => None,
    };
    match (authority, stated) {
        (None, None) => return Err(invalid("The request has no Host header.")),
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => {
            return Err(ambiguous("The Host header and the request's target name different hosts."));
        }
        _ => {}
    }
    let host = stated.or(authority).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_');
    if host.is_empty() || host.len() > 255 || !host.bytes().all(plain) {
        return Err(invalid("The Host header is not a host."));
    }
    Ok(())
}

/// One framing: no transfer coding but `chunked`, and never beside a length (RFC 9112, section 6).
fn check_framing(head: &request::Parts) -> Result<(), Refusal> {
    let headers = &head.headers;
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if codings.next().is_some() || headers.contains_key(CONTENT_LENGTH) {
            return Err(ambiguous("The request states its body's framing twice."));
        }
        if !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || head.version != Version::HTTP_11 {
            return Err(invalid("The only transfer coding here is chunked, in HTTP/1.1."));
        }
    }
    if headers.get_all(CONTENT_LENGTH).iter().count() > 1 {
        return Err(ambiguous("The request states its body's length twice."));
    }
    if headers.contains_key(UPGRADE) {
        return Err(invalid("This connection cannot be upgraded."));
    }
    if headers.get_all(EXPECT).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(invalid("The Expect header asks for something unknown."));
    }
    Ok(())
}

/// Header names that other parties read as ours, or that another spelling could alias.
fn check_names(headers: &HeaderMap) -> Result<(), Refusal> {
    for name in headers.keys() {
        let name = name.as_str();
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            // `x_gatewright_role` and `x-gatewright-role` are one name to many servers.
            return Err(invalid("Header names here are made of letters, digits and hyphens.").about("headers"));
        }
        if name.starts_with("x-gatewright-") && !OURS.contains(&name) {
            return Err(
                invalid("The request carries an x-gatewright- header that callers may not set.").about("headers")
            );
        }
    }
    for ours in OURS {
        if headers.get_all(ours).iter().count() > 1 {
            return Err(ambiguous("The request carries an x-gatewright- header twice.").about(ours));
        }
    }
    // A hop that strips what Connection names could be made to strip what we decide by.
    for value in headers.get_all(CONNECTION) {
        let text = value.to_str().map_err(|_| invalid("The Connection header is not text."))?;
        let harmless = |token: &str| {
            ["keep-alive", "close", "te", ""].iter().any(|known| token.trim().eq_ignore_ascii_case(known))
        };
        if !text.split(',').all(harmless) {
            return Err(invalid("The Connection header names something unknown."));
        }
    }
    Ok(())
}

const FORWARDED: [HeaderName; 5] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// Whose address the records name. Only a configured proxy's word counts, and only its last hop's; from anybody else
/// such headers are a claim, and claims are not ignored in silence.
fn client_address(headers: &HeaderMap, peer: IpAddr, proxies: &Proxies) -> Result<IpAddr, Refusal> {
    if !proxies.contain(peer) {
        if FORWARDED.iter().any(|name| headers.contains_key(name)) {
            return Err(invalid("Only a configured proxy may say whom it forwards for.").about("headers"));
        }
        return Ok(peer);
    }
    let mut values = headers.get_all("x-forwarded-for").iter();
    let Some(value) = values.next() else { return Ok(peer) };
    if values.next().is_some() {
        return Err(ambiguous("The request has more than one X-Forwarded-For header."));
    }
    let hops = value.to_str().unwrap_or_default();
    for hop in hops.rsplit(',') {
        let address: IpAddr = hop.trim().parse().map_err(|_| invalid("The X-Forwarded-For header is no address."))?;
        if !proxies.contain(address) {
            return Ok(address.to_canonical());
        }
    }
    Ok(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(build: impl FnOnce(request::Builder) -> request::Builder) -> Result<Arrival, Code> {
        let request = build(http::Request::builder()).body(()).expect("a request");
        let proxies = Proxies::new(vec![("10.0.0.0".parse().expect("an address"), 8)]);
        let peer: SocketAddr = "192.0.2.7:4711".parse().expect("an address");
        admit_from(request, peer, &proxies)
    }

    fn admit_from(request: http::Request<()>, peer: SocketAddr, proxies: &Proxies) -> Result<Arrival, Code> {
        let (head, ()) = request.into_parts();
        Arrival::admit(head, Inbound::Held(Bytes::new()), peer, proxies).map_err(|refusal| refusal.code)
    }

    fn plain(builder: request::Builder) -> request::Builder {
        builder.method("POST").uri("/v1/chat/completions").header("host", "gateway.example:8080")
    }

    #[test]
    fn lets_an_ordinary_request_in() {
        let arrival = admit(|builder| plain(builder).header("content-length", "2")).expect("admitted");
        assert_eq!(arrival.path(), "/v1/chat/completions");
        assert_eq!(&*arrival.client(), "192.0.2.7");
    }

    #[test]
    fn one_host() {
        assert_eq!(admit(|b| b.uri("/v1/models")).err(), Some(Code::InvalidRequest));
        assert_eq!(admit(|b| plain(b).header("host", "other")).err(), Some(Code::AmbiguousRequest));
        assert_eq!(admit(|b| b.uri("http://a/v1/models").header("host", "b")).err(), Some(Code::AmbiguousRequest));
        assert_eq!(admit(|b| b.uri("/v1/models").header("host", "a b")).err(), Some(Code::InvalidRequest));
        assert_eq!(admit(|b| b.uri("/v1/models").header("host", "u@h")).err(), Some(Code::InvalidRequest));
        assert!(admit(|b| b.uri("http://a/v1/models").header("host", "A")).is_ok());
    }

    #[test]
    fn one_framing() {
        let chunked = |b| plain(b).header("transfer-encoding", "chunked");
        assert!(admit(chunked).is_ok());
        assert_eq!(admit(|b| chunked(b).header("content-length", "3")).err(), Some(Code::AmbiguousRequest));
        assert_eq!(admit(|b| chunked(b).header("transfer-encoding", "chunked")).err(), Some(Code::AmbiguousRequest));
        for coding in ["identity, chunked", "gzip", "chunked, chunked", ",chunked"] {
            let outcome = admit(|b| plain(b).header("transfer-encoding", coding));
            assert_eq!(outcome.err(), Some(Code::InvalidRequest), "{coding}");
        }
        assert_eq!(admit(|b| plain(b).header("upgrade", "h2c")).err(), Some(Code::InvalidRequest));
        assert_eq!(admit(|b| plain(b).header("expect", "200-ok")).err(), Some(Code::InvalidRequest));
    }

    #[test]
    fn one_spelling_of_a_path() {
        for path in [
            "/v1/%63hat/completions",
            "//v1/chat",
            "/v1/../chat",
            "/v1/./chat",
            "/v1/chat;x=1",
            "/v1/chat%2fcompletions",
            "/v1/..",
        ] {
            let outcome = admit(|b| b.uri(path).header("host", "a"));
            assert_eq!(outcome.err(), Some(Code::InvalidRequest), "{path}");
        }
    }

    #[test]
    fn no_header_speaks_for_us() {
        for name in ["x-gatewright-role", "x-gatewright-decision", "x_gatewright_reason", "x_user"] {
            assert_eq!(admit(|b| plain(b).header(name, "1")).err(), Some(Code::InvalidRequest), "{name}");
        }
        assert!(admit(|b| plain(b).header("x-gatewright-session", "mine")).is_ok());
        assert!(admit(|b| plain(b).header("x-gatewright-session", "a").header("x-gatewright-session", "b")).is_err());
        assert!(admit(|b| plain(b).header("connection", "authorization")).is_err());
        assert!(admit(|b| plain(b).header("connection", "keep-alive, TE")).is_ok());
    }

    #[test]
    fn only_a_configured_proxy_is_believed() {
        assert_eq!(admit(|b| plain(b).header("x-forwarded-for", "1.2.3.4")).err(), Some(Code::InvalidRequest));
        let proxies = Proxies::new(vec![("10.0.0.0".parse().expect("an address"), 8)]);
        let from_proxy = |hops: &str| {
            let request = plain(http::Request::builder()).header("x-forwarded-for", hops).body(()).expect("a request");
            admit_from(request, "10.1.2.3:80".parse().expect("an address"), &proxies)
                .map(|arrival| arrival.client().to_string())
        };
        assert_eq!(from_proxy("198.51.100.9, 10.9.9.9"), Ok("198.51.100.9".to_owned()));
        // What the client wrote itself stands to the left of what the proxy added.
        assert_eq!(from_proxy("127.0.0.1, 198.51.100.9"), Ok("198.51.100.9".to_owned()));
        assert_eq!(from_proxy("somebody"), Err(Code::InvalidRequest));
    }
}
