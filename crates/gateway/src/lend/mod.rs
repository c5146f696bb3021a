//! What a model server is lent for the length of a call: a token of the datasets that the call names, and what it is
//! exchanged for.
//!
//! A call that names datasets, and goes to a connection that may be lent for them, is [minted](mint) a token before its
//! record opens. The token counts while the call runs, for the workload that the connection names, and for nothing that
//! the call did not name; it is [presented](present) as any caller's token is, beside the workload's own, or
//! [exchanged](exchange) for a role of a database. The end of the call's story is its end, at once on this replica and, by
//! the state, on every other; what is lent in a database is ended by whoever [tends](tend) the leases.
//!
//! A call that names no dataset, or goes to another connection, costs nothing here.

mod door;
mod exchange;
mod mint;
mod narrow;
mod present;
mod tend;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatewright_identity::CallTokens;
use gatewright_model::{
    Clock, Code, DatasetName, Entropy, Event, LeaseId, LeaseKind, LeaseStep, Refusal, RequestId, Timestamp,
};
use gatewright_store::roles::RoleServer;
use gatewright_store::state::approvals::Party;
use gatewright_store::state::leases::{Holder, Lease, Leases};
use gatewright_store::state::{Sharing, State};
use http::HeaderName;
use tokio::sync::{Notify, Semaphore};

pub(crate) use mint::{LentCall, Wanted};
pub(crate) use narrow::narrowed;
pub(crate) use present::{Warrant, present};

/// The header that a workload's own token stands in, beside the token of a call.
pub(crate) const WORKLOAD: &str = "x-gatewright-workload";

/// The most calls of one replica that have something lent at the same time.
const MOST_RUNNING: usize = 20_000;

/// How many roles may be made at the same time.
const MOST_AT_ONCE: usize = 8;

/// How a connection's server is lent tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallToken {
    /// The header that carries the token; `None`: the server fetches it.
    pub header: Option<HeaderName>,
    /// Whom the token is meant for; `None`: the gateway itself.
    pub audience: Option<Arc<str>>,
    /// The one workload that may use it.
    pub workload: Party,
}

/// Datasets that are reached by a role of their own in a database.
#[derive(Default)]
pub struct Leasable {
    /// The databases by their names in the configuration.
    pub databases: HashMap<Arc<str>, RoleServer>,
    /// The datasets, each with its database and the group there that may read it.
    pub datasets: HashMap<DatasetName, (Arc<str>, Arc<str>)>,
}

/// What runs and has something lent.
pub struct Lending {
    tokens: CallTokens,
    lasts: Duration,
    holder: Holder,
    store: Arc<dyn Leases>,
    sharing: Sharing,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    running: Mutex<HashMap<RequestId, Arc<Lease>>>,
    /// Calls that are over, of which the state does not know yet. As many as were running at most.
    ended: Mutex<Vec<RequestId>>,
    bell: Notify,
    making: Semaphore,
}

impl Lending {
    /// Lends in the name of `issuer`, for `lasts` at most, under the deployment's key.
    pub fn new(
        state: &State,
        key: &[u8; 32],
        (issuer, lasts): (&str, Duration),
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let mut holder = [0; 16];
        entropy.fill(&mut holder);
        Self {
            tokens: CallTokens::new(key, issuer),
            lasts,
            holder: Holder::new(holder),
            store: Arc::clone(state.leases()),
            sharing: state.sharing(),
            clock,
            entropy,
            running: Mutex::default(),
            ended: Mutex::default(),
            bell: Notify::new(),
            making: Semaphore::new(MOST_AT_ONCE),
        }
    }

    /// Notes that a call runs.
    fn begin(&self, lease: &Arc<Lease>) -> Result<(), Refusal> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.len() >= MOST_RUNNING {
            return Err(Refusal::new(Code::NotReady, "Too many calls have something lent at the moment."));
        }
        running.insert(lease.call, Arc::clone(lease));
        Ok(())
    }

    /// The call is over: what was lent for it counts no more on this replica from here on, and soon nowhere.
    fn over(&self, call: RequestId) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&call);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        self.bell.notify_one();
    }

    /// The token of a call that runs, here or on another replica.
    async fn running(&self, call: RequestId, now: Timestamp) -> Result<Option<Arc<Lease>>, Refusal> {
        let here = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&call).cloned();
        let found = match (here, self.sharing) {
            (Some(lease), _) => Some(lease),
            (None, Sharing::Alone) => None,
            (None, Sharing::Replicas) => match self.store.running(call, now).await {
                // Whoever holds it here would have it in memory: it is over, and the state is about to hear of it.
                Ok(Some(lease)) if lease.holder == self.holder => None,
                Ok(lease) => lease.map(Arc::new),
                Err(why) => {
                    tracing::warn!(%why, "nobody can say which calls run elsewhere");
                    return Err(Refusal::new(Code::NotReady, "The gateway cannot say whether this call runs."));
                }
            },
        };
        Ok(found.filter(|lease| now < lease.until))
    }
}

/// What happened to a lease.
fn told(lease: &Lease, step: LeaseStep, datasets: Vec<DatasetName>) -> Event {
    event((lease.id, lease.call), lease.lent.kind(), step, datasets, &lease.workload, lease.until)
}

fn event(
    (lease, call): (LeaseId, RequestId),
    kind: LeaseKind,
    step: LeaseStep,
    datasets: Vec<DatasetName>,
    workload: &Party,
    until: Timestamp,
) -> Event {
    let (issuer, subject) = (workload.issuer.clone(), Arc::clone(&workload.subject));
    Event::Leased { lease, call, kind, step, datasets, issuer, subject, until }
}

/// A holder's bytes are what a token calls its run.
fn is_of(lease: &Lease, run: [u8; 16]) -> bool {
    *lease.holder.as_bytes() == run
}
