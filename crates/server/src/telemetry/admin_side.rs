use std::sync::Arc;

use bytes::Bytes;
use gatewright_admin::{Admin, Authority, Part};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use crate::listen::{Peer, Serve};

/// The operators' listener.
pub struct AdminSide(Admin);

impl AdminSide {
    pub(super) const fn new(admin: Admin) -> Self {
        Self(admin)
    }

    /// Answers with `parts` those whom `authority` lets in.
    #[must_use]
    pub fn serving(self, authority: Arc<dyn Authority>, parts: Vec<Arc<dyn Part>>) -> Self {
        Self(self.0.serving(authority, parts))
    }
}

impl Serve for AdminSide {
    type Body = Full<Bytes>;

    async fn serve(&self, request: Request<Incoming>, _peer: Peer) -> Response<Full<Bytes>> {
        self.0.answer(request).await
    }
}
