use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatewright_json::{Object, Value};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::{Issuer, pages};

/// Bounds of what a client may cost.
const MOST_CONNECTIONS: usize = 256;
const LONGEST_BODY: usize = 64 << 10;
const HEAD_TIME: Duration = Duration::from_secs(10);
const BODY_TIME: Duration = Duration::from_secs(10);
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Why the provider does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// Anybody may sign in as anybody, so nobody else's machine may reach it.
    #[error("the demo identity provider listens on loopback addresses only, and {0} is none")]
    NotLoopback(std::net::SocketAddr),
    /// The listener's own address cannot be told.
    #[error("the demo identity provider's listener: {0}")]
    Listener(#[from] std::io::Error),
}

impl Issuer {
    /// Serves until `shutdown` ends, then lets running requests end for at most two seconds.
    ///
    /// # Errors
    /// The listener is not bound to a loopback address.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), ServeFault> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(ServeFault::NotLoopback(address));
        }
        let (stopping, stop) = watch::channel(false);
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let accepted = async {
                // The semaphore is never closed; were it, nobody would be let in any more.
                let place = Arc::clone(&room).acquire_owned().await.ok();
                (listener.accept().await, place)
            };
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                (accepted, Some(place)) = accepted => match accepted {
                    Ok((stream, _)) => {
                        let (issuer, stop) = (self.clone(), stop.clone());
                        connections.spawn(async move {
                            converse(issuer, stream, stop).await;
                            drop(place);
                        });
                    }
                    // Out of descriptors, as a rule: waiting lets others end.
                    Err(fault) => {
                        tracing::warn!(%fault, "the demo identity provider cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(listener);
        let _ = stopping.send(true);
        let _ = tokio::time::timeout(DRAIN_TIME, async { while connections.join_next().await.is_some() {} }).await;
        Ok(())
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let Some(own_origin) = self.own_origin(&head.headers) else {
            return pages::plain(StatusCode::MISDIRECTED_REQUEST, "This is not the host that was asked for.\n");
        };
        match (&head.method, head.uri.path()) {
            (&Method::GET, "/") => pages::welcome(self.url()),
            (&Method::GET, "/style.css") => pages::style(),
            (&Method::GET, "/.well-known/openid-configuration") => pages::json(StatusCode::OK, &self.discovery()),
            (&Method::GET, "/jwks") => pages::json(StatusCode::OK, &self.inner.key.key_set()),
            (&Method::GET, "/authorize") => self.ask_who(head.uri.query().unwrap_or_default().as_bytes()),
            (&Method::POST, "/authorize") if is_foreign(&head.headers, &own_origin) => {
                pages::plain(StatusCode::FORBIDDEN, "Another site posted this form.\n")
            }
            (&Method::POST, path @ ("/authorize" | "/token")) => {
                if !is_form(&head.headers) {
                    return pages::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "This takes a form.\n");
                }
                match read(body).await {
                    Some(body) if path == "/token" => self.exchange(&body),
                    Some(body) => self.sign_in(&body),
                    None => pages::plain(StatusCode::PAYLOAD_TOO_LARGE, "The form did not arrive, or is too long.\n"),
                }
            }
            (_, "/" | "/style.css" | "/.well-known/openid-configuration" | "/jwks" | "/authorize" | "/token") => {
                pages::plain(StatusCode::METHOD_NOT_ALLOWED, "Not by this method.\n")
            }
            _ => pages::plain(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        }
    }

    /// The origin that the browser knows this provider by; `None` where the name is another one's, as it is when a
    /// site on the Internet points its own name at loopback (DNS rebinding).
    fn own_origin(&self, headers: &HeaderMap) -> Option<String> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next()?.to_str().ok()?;
        let port = self.url().rsplit_once(':').map(|(_, port)| port)?;
        let names = [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        let is_own = hosts.next().is_none() && names.iter().any(|name| name.eq_ignore_ascii_case(host));
        is_own.then(|| format!("http://{}", host.to_ascii_lowercase()))
    }

    fn discovery(&self) -> Value {
        let at = |path: &str| Value::from(format!("{}{path}", self.url()));
        let list = |items: &[&str]| Value::from(items.iter().map(|item| Value::from(*item)).collect::<Vec<_>>());
        Value::Object(Object::from_iter([
            ("issuer", at("")),
            ("authorization_endpoint", at("/authorize")),
            ("token_endpoint", at("/token")),
            ("jwks_uri", at("/jwks")),
            ("response_types_supported", list(&["code"])),
            ("response_modes_supported", list(&["query"])),
            ("grant_types_supported", list(&["authorization_code", "refresh_token"])),
            ("code_challenge_methods_supported", list(&["S256"])),
            ("token_endpoint_auth_methods_supported", list(&["none"])),
            ("subject_types_supported", list(&["public"])),
            ("id_token_signing_alg_values_supported", list(&["ES256"])),
            ("scopes_supported", list(&["openid"])),
            ("claims_supported", list(&["sub", "groups", "name", "preferred_username"])),
            ("authorization_response_iss_parameter_supported", Value::from(true)),
        ]))
    }
}

async fn converse(issuer: Issuer, stream: TcpStream, mut stop: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let issuer = issuer.clone();
        async move { Ok::<_, Infallible>(issuer.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(32 << 10)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        _ = stop.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn read(body: Incoming) -> Option<Bytes> {
    let whole = tokio::time::timeout(BODY_TIME, Limited::new(body, LONGEST_BODY).collect()).await;
    Some(whole.ok()?.ok()?.to_bytes())
}

/// Whether a browser says that the form was on another site's page. Programs say nothing.
fn is_foreign(headers: &HeaderMap, own_origin: &str) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes() != own_origin.as_bytes())
}

fn is_form(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
