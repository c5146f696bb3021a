use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatewright_admin::Admin;
use gatewright_api::Transport;
use gatewright_console::{Console, LONGEST_FORM, Visit};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;

use crate::listen::{Peer, Serve};
use crate::notifications::SlackHook;

/// How long a form may take to arrive.
const FORM_TIME: Duration = Duration::from_secs(10);

/// The longest that Slack says when a button is pressed, in bytes: it repeats the whole message.
const LONGEST_PRESS: usize = 256 << 10;

/// The operators' listener: the admin API for programs, the console for people, and Slack's buttons.
pub struct AdminSide {
    admin: Arc<Admin>,
    console: Option<Console>,
    hook: Option<SlackHook>,
}

impl AdminSide {
    /// Without a console.
    pub fn new(admin: Admin) -> Self {
        Self { admin: Arc::new(admin), console: None, hook: None }
    }

    /// With the console that is made over the admin API in process.
    #[must_use]
    pub fn with_console(self, make: impl FnOnce(Arc<dyn Transport>) -> Option<Console>) -> Self {
        let console = make(Arc::clone(&self.admin) as Arc<dyn Transport>);
        Self { console, ..self }
    }

    /// With what hears Slack's buttons.
    #[must_use]
    pub(crate) fn with_hook(self, hook: SlackHook) -> Self {
        Self { hook: Some(hook), ..self }
    }

    async fn press(&self, hook: &SlackHook, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        if let Some(refusal) = self.admin.stranger(&head) {
            return refusal;
        }
        match tokio::time::timeout(FORM_TIME, Limited::new(body, LONGEST_PRESS).collect()).await {
            Ok(Ok(said)) => {
                let channel = SlackHook::channel_of(head.uri.path()).unwrap_or_default();
                hook.answer(channel, &head, said.to_bytes()).await
            }
            Ok(Err(_)) | Err(_) => {
                let mut response = Response::new(Full::new(Bytes::new()));
                *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                response
            }
        }
    }

    async fn visit(&self, console: &Console, request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        if let Some(refusal) = self.admin.stranger(&head) {
            return refusal;
        }
        let body = match head.method {
            Method::GET | Method::HEAD => Bytes::new(),
            _ => match tokio::time::timeout(FORM_TIME, Limited::new(body, LONGEST_FORM).collect()).await {
                Ok(Ok(form)) => form.to_bytes(),
                Ok(Err(_)) | Err(_) => {
                    let mut response = Response::new(Full::from("The form did not arrive, or is too long.\n"));
                    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                    return response;
                }
            },
        };
        console.answer(Visit { head: &head, body, from: peer.address.ip(), secure: peer.secure }).await
    }
}

impl Serve for AdminSide {
    type Body = Full<Bytes>;

    async fn serve(&self, request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
        if let (Some(hook), Some(_)) = (&self.hook, SlackHook::channel_of(request.uri().path())) {
            return self.press(hook, request).await;
        }
        match &self.console {
            Some(console) if Console::has(request.uri().path()) => self.visit(console, request, peer).await,
            _ => self.admin.answer(request).await,
        }
    }
}
