use std::sync::Arc;

use gatewright_identity::{CallClaims, Rejection, Verified, bearer_of};
use gatewright_model::{Code, DatasetName, Event, LeaseKind, LeaseStep, Refusal};
use gatewright_store::state::approvals::Party;
use gatewright_store::state::leases::Lent;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::{Lending, WORKLOAD, event, is_of};
use crate::authenticate::Caller;
use crate::journal::Stage;
use crate::{Arrival, Journal, World};

/// By what right somebody calls in another's name: a token of a call that runs.
pub(crate) struct Warrant {
    pub(crate) workload: Arc<Verified>,
    pub(crate) datasets: Vec<DatasetName>,
}

/// Finds out for whom a workload calls that came with the token of a call, and with its own.
///
/// Whoever has the token alone is nobody: it counts only beside the token of the workload that it was lent to.
pub(crate) async fn present(
    lending: Option<&Arc<Lending>>,
    world: &World,
    arrival: &Arrival,
    journal: &mut Journal,
) -> Result<Caller, Refusal> {
    let Some(lending) = lending else {
        let message = "This gateway lends no tokens, so nothing is said by this header.";
        return Err(Refusal::new(Code::InvalidRequest, message).about(WORKLOAD));
    };
    let own = own_headers(arrival.headers())?;
    let token = bearer_of(arrival.headers())?;
    let workload = world.identities.authenticate(&own).await?;
    let now = journal.now();
    let claims = lending.tokens.verify(token, lending.tokens.issuer(), now)?;
    // The workload is known, and so is the call: what is refused from here on is on record by itself.
    let party = Party { issuer: workload.identity.issuer.clone(), subject: Arc::clone(&workload.identity.subject) };
    match by_right(lending, &claims, &party, journal).await {
        Ok(caller) => {
            journal.tell(used(&claims, LeaseStep::Used, &party));
            let warrant = Warrant { workload, datasets: claims.datasets };
            Ok(Caller::in_the_name_of(caller, warrant))
        }
        Err(refusal) => {
            journal.tell(Event::Authenticated {
                issuer: party.issuer.clone(),
                subject: Arc::clone(&party.subject),
                kind: workload.identity.kind,
            });
            journal.tell(used(&claims, LeaseStep::Refused, &party));
            journal.reached(Stage::Known);
            Err(refusal)
        }
    }
}

/// The caller in whose name the workload may ask.
async fn by_right(
    lending: &Lending,
    claims: &CallClaims,
    party: &Party,
    journal: &Journal,
) -> Result<Arc<Verified>, Refusal> {
    let refused = |message: &str| Refusal::new(Code::Unauthenticated, message);
    if claims.workload_issuer != party.issuer.as_str() || claims.workload != *party.subject {
        return Err(refused("This token was lent to another workload."));
    }
    let now = journal.now();
    let running = lending.running(claims.call, now).await?;
    let running = running.filter(|lease| lease.id == claims.id && is_of(lease, claims.holder));
    let Some(lease) = running else { return Err(refused("The call that this token was lent for is over.")) };
    // INVARIANT: of what the call names nothing is in the token that is not in the lease; a signer that is mistaken opens
    // nothing either.
    if lease.workload != *party || !claims.datasets.iter().all(|name| lease.datasets.contains(name)) {
        return Err(refused("This token says more than was lent."));
    }
    let Lent::Token(behalf) = &lease.lent else { return Err(refused("This is no token of a call.")) };
    if behalf.caller.expires <= now {
        return Err(Rejection::Expired.into());
    }
    Ok(Arc::new(Verified { identity: behalf.caller.clone(), digest: behalf.digest }))
}

fn used(claims: &CallClaims, step: LeaseStep, by: &Party) -> Event {
    event((claims.id, claims.call), LeaseKind::Token, step, claims.datasets.clone(), by, claims.expires)
}

/// The workload's token, where an identity is looked for.
fn own_headers(headers: &HeaderMap) -> Result<HeaderMap, Refusal> {
    let bad = || Refusal::new(Code::InvalidRequest, "This header is one token, without a scheme.").about(WORKLOAD);
    let value = headers.get(WORKLOAD).ok_or_else(bad)?.to_str().map_err(|_| bad())?;
    let mut own = HeaderMap::with_capacity(1);
    own.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {value}")).map_err(|_| bad())?);
    Ok(own)
}
