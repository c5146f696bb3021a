use std::sync::Arc;

use gatewright_identity::Verified;
use gatewright_model::{Event, Refusal};

use crate::journal::Noteworthy;
use crate::lend::{WORKLOAD, Warrant, present};
use crate::{Arrival, Gateway, Journal, World};

/// Somebody whom an issuer vouched for.
pub struct Caller {
    verified: Arc<Verified>,
    /// By what right somebody else asks in the caller's name.
    warrant: Option<Box<Warrant>>,
}

/// Finds out who asks.
pub(crate) async fn authenticate(
    gateway: &Gateway,
    world: &World,
    arrival: &Arrival,
    journal: &mut Journal,
) -> Result<Caller, Refusal> {
    if arrival.headers().contains_key(WORKLOAD) {
        // Rare and large: it must not make every call's future as large.
        return Box::pin(present(gateway.lending.as_ref(), world, arrival, journal)).await;
    }
    #[cfg(feature = "bench-layers")]
    if !world.stages.identity() {
        return Ok(Caller { verified: anonymous(), warrant: None });
    }
    let _ = world.stages.identity();
    Ok(Caller { verified: world.identities.authenticate(arrival.headers()).await?, warrant: None })
}

impl Caller {
    /// A caller in whose name a workload asks.
    pub(crate) fn in_the_name_of(verified: Arc<Verified>, warrant: Warrant) -> Self {
        Self { verified, warrant: Some(Box::new(warrant)) }
    }

    /// By what right somebody else asks in the caller's name; `None` where the caller asks.
    pub(crate) fn warrant(&self) -> Option<&Warrant> {
        self.warrant.as_deref()
    }

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
