use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    ACCESS_LIST, ACCESS_REQUEST, ACCESS_REVOKE, APPROVALS_DECIDE, APPROVALS_LIST, APPROVALS_ORIGINAL, APPROVALS_SHOW,
    AccessAsked, AccessList, AccessRequest, Approval, ApprovalShown, ApprovalState, Decide, Endpoint, Grant, ME, Me,
    NOTIFICATIONS_LIST, Notification, NotificationState, Original, Problem,
};

/// A call of the admin API, however it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The verb.
    pub method: &'static str,
    /// The path, with its query.
    pub target: String,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What a transport gives back, some time.
pub type Sent<'a> = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send + 'a>>;

/// A way to the admin API: over HTTP for the command line, in process for the console. Either way a call goes through
/// the same authentication, the same policy and the same record; there is no second road.
pub trait Transport: Send + Sync {
    /// Sends a call in the name of whoever this token is about.
    fn send<'a>(&'a self, token: &'a str, call: Call) -> Sent<'a>;
}

/// The admin API in types.
pub struct Client<'t> {
    transport: &'t dyn Transport,
    token: &'t str,
}

impl fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl<'t> Client<'t> {
    /// Calls in the name of whoever this token is about.
    pub const fn new(transport: &'t dyn Transport, token: &'t str) -> Self {
        Self { transport, token }
    }

    /// Who one is.
    pub async fn me(&self) -> Result<Me, Problem> {
        self.get(&ME, &[], "").await
    }

    /// The approvals that one may see, the latest first; of one state or of all.
    pub async fn approvals(&self, state: Option<ApprovalState>) -> Result<Vec<Approval>, Problem> {
        let query = state.map(|state| format!("state={}", state.name())).unwrap_or_default();
        self.get(&APPROVALS_LIST, &[], &query).await
    }

    /// One approval.
    pub async fn approval(&self, id: &str) -> Result<ApprovalShown, Problem> {
        self.get(&APPROVALS_SHOW, &[id], "").await
    }

    /// Decides.
    pub async fn decide(&self, id: &str, decide: &Decide) -> Result<Approval, Problem> {
        self.put(&APPROVALS_DECIDE, &[id], decide).await
    }

    /// The prompt unmasked.
    pub async fn original(&self, id: &str) -> Result<Original, Problem> {
        self.get(&APPROVALS_ORIGINAL, &[id], "").await
    }

    /// What people were told of approvals, the latest first; of one state or of all.
    pub async fn notifications(&self, state: Option<NotificationState>) -> Result<Vec<Notification>, Problem> {
        let query = state.map(|state| format!("state={}", state.name())).unwrap_or_default();
        self.get(&NOTIFICATIONS_LIST, &[], &query).await
    }

    /// Granted and requested roles.
    pub async fn access(&self) -> Result<AccessList, Problem> {
        self.get(&ACCESS_LIST, &[], "").await
    }

    /// Asks for a role for a time.
    pub async fn request_access(&self, request: &AccessRequest) -> Result<AccessAsked, Problem> {
        self.put(&ACCESS_REQUEST, &[], request).await
    }

    /// Ends a grant.
    pub async fn revoke(&self, id: &str) -> Result<Grant, Problem> {
        self.get(&ACCESS_REVOKE, &[id], "").await
    }

    /// Asks an endpoint that takes no body.
    pub async fn get<T: DeserializeOwned>(&self, endpoint: &Endpoint, ids: &[&str], query: &str) -> Result<T, Problem> {
        let mut target = endpoint.path_to(ids);
        if !query.is_empty() {
            target.push('?');
            target.push_str(query);
        }
        self.send(Call { method: endpoint.method.name(), target, body: Vec::new() }).await
    }

    /// Asks an endpoint that takes one.
    pub async fn put<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        ids: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<T, Problem> {
        let body = serde_json::to_vec(body).map_err(|_| Problem::invalid("The request cannot be written as JSON."))?;
        self.send(Call { method: endpoint.method.name(), target: endpoint.path_to(ids), body }).await
    }

    async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, Problem> {
        let reply = self.transport.send(self.token, call).await?;
        let strange = |_| Problem::new(502, "strange_answer", "What answered does not speak this admin API.");
        match reply.status {
            200..=299 => serde_json::from_slice(&reply.body).map_err(strange),
            status => {
                let problem: Problem = serde_json::from_slice(&reply.body).map_err(strange)?;
                Err(Problem { status, ..problem })
            }
        }
    }
}
