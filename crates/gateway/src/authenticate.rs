use std::sync::Arc;

use gatewright_identity::Verified;
use gatewright_model::{Event, Refusal};

use crate::journal::Noteworthy;
use crate::{Arrival, World};

/// Somebody whom an issuer vouched for.
pub struct Caller {
    verified: Arc<Verified>,
}

/// Finds out who asks.
pub(crate) async fn authenticate(world: &World, arrival: &Arrival) -> Result<Caller, Refusal> {
    #[cfg(feature = "bench-layers")]
    if !world.stages.identity() {
        return Ok(Caller { verified: anonymous() });
    }
    let _ = world.stages.identity();
    Ok(Caller { verified: world.identities.authenticate(arrival.headers()).await? })
}

impl Caller {
    pub(crate) fn verified(&self) -> &Arc<Verified> {
        &self.verified
    }
}

impl Noteworthy for Caller {
    fn event(&self) -> Event {
        let identity = &self.verified.identity;
        Event::Authenticated {
            issuer: identity.issuer.clone(),
            subject: Arc::clone(&identity.subject),
            kind: identity.kind,
        }
    }
}

#[cfg(feature = "bench-layers")]
fn anonymous() -> Arc<Verified> {
    use gatewright_model::{Identity, Kind, Timestamp};
    static NOBODY: std::sync::OnceLock<Arc<Verified>> = std::sync::OnceLock::new();
    Arc::clone(NOBODY.get_or_init(|| {
        let identity = Identity {
            issuer: "none".into(),
            subject: "nobody".into(),
            kind: Kind::Workload,
            groups: [].into(),
            claims: [].into(),
            expires: Timestamp::from_micros(u64::MAX),
        };
        Arc::new(Verified { identity, digest: [0; 32] })
    }))
}
