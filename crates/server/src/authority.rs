use std::sync::Arc;

use gatewright_admin::{Authority, Pending, Visitor};
use gatewright_gateway::Gateway;
use gatewright_model::{Clock, Code, Event, Moment, Refusal};
use gatewright_policy::Permission;
use gatewright_store::log::Log;
use http::HeaderMap;

/// Lets visitors into the admin API by what the gateway runs with at this moment.
pub(crate) struct LiveAuthority {
    gateway: Arc<Gateway>,
    log: Log,
    clock: Arc<dyn Clock>,
}

impl LiveAuthority {
    pub(crate) fn new(gateway: Arc<Gateway>, log: Log, clock: Arc<dyn Clock>) -> Self {
        Self { gateway, log, clock }
    }
}

impl Authority for LiveAuthority {
    fn authenticate<'a>(&'a self, headers: &'a HeaderMap) -> Pending<'a, Result<Visitor, Refusal>> {
        Box::pin(async move {
            let visit = self.gateway.visit(headers).await?;
            Ok(Visitor { identity: visit.identity().clone(), roles: visit.roles().to_vec() })
        })
    }

    fn permits(&self, visitor: &Visitor, permission: &str) -> Permission {
        self.gateway.permits_admin(&visitor.identity, permission)
    }

    fn record(&self, event: Event) -> Pending<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let moments = vec![Moment { at: self.clock.now(), event }];
            self.log
                .note(None, moments)
                .await
                .map(drop)
                .map_err(|_| Refusal::new(Code::NotReady, "The gateway cannot record this, so it does not do it."))
        })
    }

    fn refused(&self, code: Code) {
        self.gateway.count_stranger(code);
    }
}
