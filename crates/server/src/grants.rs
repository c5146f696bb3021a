//! The roles that people have for a time, beside the calls: read as they change, and written down when their time is over.

use std::sync::Arc;

use gatewright_gateway::Lent;
use gatewright_model::{Clock, Event, Moment};
use gatewright_store::log::Log;
use gatewright_store::state::State;
use gatewright_store::state::approvals::Grant;

/// Keeps what is lent as the state has it; for ever.
pub(crate) async fn tend(lent: Arc<Lent>, state: State, log: Log, clock: Arc<dyn Clock>) {
    let lapsed = |grants: Vec<Grant>| {
        let moment = |grant: Grant| Moment { at: clock.now(), event: Event::Lapsed { grant: grant.id } };
        let moments: Vec<Moment> = grants.into_iter().map(moment).collect();
        if !moments.is_empty() {
            // A log that is busy or broken says so where it matters; that it was granted until then is on record.
            let _ = log.note_lazily(None, moments);
        }
    };
    lent.tend(state, || clock.now(), lapsed).await;
}
