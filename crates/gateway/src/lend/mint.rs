use std::sync::Arc;
use std::time::Duration;

use gatewright_identity::{CallClaims, Verified};
use gatewright_model::{Code, ConnectionName, DatasetName, Event, LeaseId, LeaseStep, Refusal, RequestId};
use gatewright_policy::DatasetTerms;
use gatewright_store::state::leases::{Lease, Lent, OnBehalf, Recorded};
use http::{HeaderName, HeaderValue};

use super::{CallToken, Lending, told};
use crate::{Gateway, Journal, Request};

/// What a call is to be lent.
pub(crate) struct Wanted {
    caller: Arc<Verified>,
    connection: ConnectionName,
    how: Arc<CallToken>,
    datasets: Vec<DatasetName>,
    /// The shortest life that the caller's roles allow a token of these datasets.
    lives: Option<Duration>,
}

impl Wanted {
    /// What a permitted call wants lent: the datasets that it names.
    pub(crate) fn of(
        caller: &Arc<Verified>,
        (connection, how): (&ConnectionName, &Arc<CallToken>),
        datasets: &[DatasetName],
        terms: &[DatasetTerms],
    ) -> Box<Self> {
        let named = terms.iter().filter(|terms| datasets.contains(&terms.dataset));
        Box::new(Self {
            caller: Arc::clone(caller),
            connection: connection.clone(),
            how: Arc::clone(how),
            datasets: datasets.to_vec(),
            lives: named.filter_map(|terms| terms.token_ttl).min(),
        })
    }
}

/// What was lent to a call. It ends with this value.
pub(crate) struct LentCall {
    lending: Arc<Lending>,
    lease: Arc<Lease>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl LentCall {
    /// The header that the model server gets.
    pub(crate) fn take_header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        self.header.take()
    }

    /// What the record says at its end.
    pub(crate) fn ended(&self) -> Event {
        told(&self.lease, LeaseStep::Ended, self.lease.datasets.clone())
    }
}

impl Drop for LentCall {
    fn drop(&mut self) {
        self.lending.over(self.lease.call);
    }
}

impl Gateway {
    /// Lends a call what it wants. It is in the state before anybody is given it, and in the call's own record.
    pub(crate) async fn lend(&self, request: &mut Request, journal: &mut Journal) -> Result<(), Refusal> {
        let Some(wanted) = request.take_wanted() else { return Ok(()) };
        // INVARIANT: the configuration lets no connection lend where the gateway does not.
        let Some(lending) = &self.lending else { return Ok(()) };
        let lent = lending.mint(*wanted, journal.request()).await?;
        journal.tell(told(&lent.lease, LeaseStep::Issued, lent.lease.datasets.clone()));
        request.lent(Box::new(lent));
        Ok(())
    }
}

impl Lending {
    async fn mint(self: &Arc<Self>, wanted: Wanted, call: RequestId) -> Result<LentCall, Refusal> {
        let now = self.clock.now();
        let Wanted { caller, connection, how, datasets, lives } = wanted;
        let lives = lives.unwrap_or(self.lasts).min(self.lasts);
        let until = now.plus(lives).min(caller.identity.expires);
        let lease = Arc::new(Lease {
            id: LeaseId::new(now, &*self.entropy),
            call,
            holder: self.holder,
            lapses: self.lapses(now).min(until),
            until,
            datasets,
            workload: how.workload.clone(),
            lent: Lent::Token(Box::new(OnBehalf {
                caller: caller.identity.clone(),
                digest: caller.digest,
                connection: connection.clone(),
            })),
        });
        self.begin(&lease)?;
        // From here on it ends by itself, whatever comes.
        let mut lent = LentCall { lending: Arc::clone(self), lease: Arc::clone(&lease), header: None };
        match self.store.record((*lease).clone(), 0, now).await {
            Ok(Recorded::Yes) => {}
            Ok(Recorded::CallOver | Recorded::TooMany) => return Err(unlent()),
            Err(why) => {
                tracing::warn!(%why, "a lease cannot be written down");
                return Err(unlent());
            }
        }
        if let Some(name) = &how.header {
            let token = self.tokens.mint(&self.claims(&lease, &connection, &how)).map_err(|_| unlent())?;
            let mut value = HeaderValue::try_from(token.expose().as_str()).map_err(|_| unlent())?;
            value.set_sensitive(true);
            lent.header = Some((name.clone(), value));
        }
        Ok(lent)
    }

    /// What the token of a lease says, for this connection.
    pub(super) fn claims(&self, lease: &Lease, connection: &ConnectionName, how: &CallToken) -> CallClaims {
        let subject = match &lease.lent {
            Lent::Token(behalf) => behalf.caller.subject.to_string(),
            Lent::Postgresql { .. } => String::new(),
        };
        CallClaims {
            id: lease.id,
            call: lease.call,
            holder: *lease.holder.as_bytes(),
            subject,
            client: connection.as_str().to_owned(),
            workload_issuer: lease.workload.issuer.as_str().to_owned(),
            workload: lease.workload.subject.to_string(),
            audience: how.audience.as_deref().unwrap_or(self.tokens.issuer()).to_owned(),
            datasets: lease.datasets.clone(),
            issued: self.clock.now(),
            expires: lease.until,
        }
    }
}

fn unlent() -> Refusal {
    Refusal::new(Code::NotReady, "The gateway cannot lend this call access to its datasets, so it does not serve it.")
}
