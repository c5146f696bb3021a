use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Dialer;
use hyper_util::rt::TokioExecutor;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use rustls::ClientConfig;

/// The most bytes of an answer: a piece and room for lists.
const ANSWER_LIMIT: usize = 32 << 20;

/// Gives the store's client the product's own HTTP and TLS, so that there is no second stack of either.
#[derive(Clone)]
pub(super) struct WireConnector {
    pub(super) tls: Arc<ClientConfig>,
    pub(super) patience: Duration,
}

impl fmt::Debug for WireConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireConnector").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl HttpConnector for WireConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut dialer = Dialer::new();
        dialer.enforce_http(false);
        dialer.set_connect_timeout(Some(self.patience));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config((*self.tls).clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(dialer);
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(30)).build(https);
        Ok(HttpClient::new(Wire { client, patience: self.patience }))
    }
}

struct Wire {
    client: Client<HttpsConnector<Dialer>, HttpRequestBody>,
    patience: Duration,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("patience", &self.patience).finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match tokio::time::timeout(self.patience, self.exchange(request)).await {
            Ok(answered) => answered,
            Err(late) => Err(HttpError::new(HttpErrorKind::Timeout, late)),
        }
    }
}

impl Wire {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.client.request(request).await.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
            HttpError::new(kind, error)
        })?;
        let (head, body) = answer.into_parts();
        let read = Limited::new(body, ANSWER_LIMIT).collect().await;
        let bytes: Bytes = read.map_err(|error| HttpError::new_boxed(HttpErrorKind::Interrupted, error))?.to_bytes();
        Ok(HttpResponse::from_parts(head, HttpResponseBody::from(bytes)))
    }
}
