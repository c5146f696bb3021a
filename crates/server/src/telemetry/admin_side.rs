use bytes::Bytes;
use gatewright_admin::Admin;
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
}

impl Serve for AdminSide {
    type Body = Full<Bytes>;

    async fn serve(&self, request: Request<Incoming>, _peer: Peer) -> Response<Full<Bytes>> {
        self.0.answer(&request.into_parts().0)
    }
}
