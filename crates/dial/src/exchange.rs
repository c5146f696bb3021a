use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::target::{Scheme, Target};
use crate::{Fault, Reply, address};

/// Bounds of an answer's head.
const MOST_HEADERS: usize = 64;
const LONGEST_HEAD: usize = 64 << 10;
/// A host with more addresses than this is tried no further.
const MOST_ADDRESSES: usize = 8;

/// What is asked.
pub(crate) struct Question {
    pub(crate) method: Method,
    /// What the body is, where there is one.
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// What is said besides: in whose name it is asked, who signed it.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// One connection, one question, one answer.
pub(crate) async fn exchange(
    target: &Target,
    question: Question,
    tls: Option<&Arc<ClientConfig>>,
    longest_body: usize,
) -> Result<Reply, Fault> {
    let addresses = permitted_addresses(target).await?;
    match target.scheme {
        Scheme::Http => converse(connect(&addresses).await?, target, question, longest_body).await,
        Scheme::Https => {
            let tls = tls.ok_or(Fault::NoRoots)?;
            let name = ServerName::try_from(target.host.clone())
                .map_err(|_| Fault::BadUrl("its host is no name that a certificate could carry"))?;
            let stream = connect(&addresses).await?;
            let stream = TlsConnector::from(Arc::clone(tls))
                .connect(name, stream)
                .await
                .map_err(|fault| Fault::Tls(fault.to_string()))?;
            converse(stream, target, question, longest_body).await
        }
    }
}

impl Target {
    /// Refuses what is refused whatever the name resolves to.
    pub(crate) fn check_without_resolving(&self) -> Result<(), Fault> {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address::check(address, self.scheme),
            Err(_) if self.scheme == Scheme::Http && self.host != "localhost" => {
                Err(Fault::BadUrl("plain http reaches loopback addresses only; use https"))
            }
            Err(_) => Ok(()),
        }
    }
}

/// The addresses behind the name that may be connected to; a fault where there are none.
async fn permitted_addresses(target: &Target) -> Result<Vec<SocketAddr>, Fault> {
    target.check_without_resolving()?;
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await.map_err(|_| Fault::Unresolved)?;
    permitted(found, target.scheme)
}

/// Those of a name's addresses that may be connected to; where there are none, why.
fn permitted(found: impl Iterator<Item = SocketAddr>, scheme: Scheme) -> Result<Vec<SocketAddr>, Fault> {
    let mut refused = Fault::Unresolved;
    let mut permitted = Vec::new();
    for candidate in found.take(MOST_ADDRESSES) {
        match address::check(candidate.ip(), scheme) {
            Ok(()) => permitted.push(candidate),
            Err(fault) => refused = fault,
        }
    }
    if permitted.is_empty() { Err(refused) } else { Ok(permitted) }
}

/// Connects to the first address that answers: to an address, never to a name, so that what was checked is what is
/// reached.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Fault> {
    TcpStream::connect(addresses).await.map_err(|fault| Fault::Connect(fault.kind().to_string()))
}

async fn converse<S>(stream: S, target: &Target, question: Question, longest_body: usize) -> Result<Reply, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |fault: hyper::Error| Fault::Broken(fault.to_string());
    let request = request(target, question)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MOST_HEADERS)
        .max_buf_size(LONGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let ask = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        receive(response, longest_body).await
    };
    // The connection is driven here rather than by a task of its own, so that nothing outlives this call. When it ends
    // first, what it has already read still waits for `ask`.
    let drive = async {
        let _ = connection.await;
        pending::<Result<Reply, Fault>>().await
    };
    tokio::select! {
        biased;
        reply = ask => reply,
        reply = drive => reply,
    }
}

fn request(target: &Target, question: Question) -> Result<Request<Full<Bytes>>, Fault> {
    let sends = question.method == Method::POST || !question.body.is_empty();
    let content_type = sends.then_some(question.content_type);
    let mut request = Request::builder()
        .method(question.method)
        .uri(&target.path_and_query)
        .header(header::HOST, &target.authority)
        .header(header::ACCEPT, "application/json")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::USER_AGENT, concat!("gatewright/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Full::new(question.body))
        .map_err(|_| Fault::BadUrl("it cannot be sent in a request"))?;
    if let Some(content_type) = content_type {
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in question.headers {
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

async fn receive(response: Response<Incoming>, longest_body: usize) -> Result<Reply, Fault> {
    let (head, body) = response.into_parts();
    if head.status.is_redirection() {
        return Err(Fault::Redirect(head.status));
    }
    if head.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Fault::Encoded);
    }
    let body = Limited::new(body, longest_body).collect().await.map_err(|fault| {
        if fault.is::<LengthLimitError>() { Fault::TooLarge(longest_body) } else { Fault::Broken(fault.to_string()) }
    })?;
    Ok(Reply::new(head.status, head.headers, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(addresses: &[&str], scheme: Scheme) -> Result<Vec<SocketAddr>, Fault> {
        permitted(addresses.iter().map(|address| address.parse().expect("an address in a test")), scheme)
    }

    #[test]
    fn what_a_name_leads_to_is_checked_and_not_the_name() {
        let mixed = of(&["169.254.169.254:443", "10.0.0.1:443", "[fe80::1]:443"], Scheme::Https).expect("one");
        assert_eq!(mixed, ["10.0.0.1:443".parse().expect("an address")]);
        let metadata = of(&["[::ffff:169.254.169.254]:443"], Scheme::Https);
        assert!(matches!(metadata, Err(Fault::ForbiddenAddress(_))));
        assert!(matches!(of(&["93.184.216.34:80"], Scheme::Http), Err(Fault::PlainHttp(_))));
        assert_eq!(of(&[], Scheme::Https), Err(Fault::Unresolved));
        let many = ["10.0.0.1:1"; 50];
        assert_eq!(of(&many, Scheme::Https).map(|several| several.len()), Ok(MOST_ADDRESSES));
    }
}
