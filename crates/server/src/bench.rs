use std::sync::Arc;

use gatewright_admin::{Bench, Pending, Texts};
use gatewright_gateway::{Gateway, Holds};
use gatewright_model::{ApprovalId, Clock, Digest, Event, Moment, Review, RoleName};
use gatewright_policy::{ApprovalText, Requestable};
use gatewright_store::log::Log;
use gatewright_store::state::StateError;
use gatewright_store::state::approvals::{Approval, ApprovalState, Party};

/// What the running gateway knows of approvals.
pub(crate) struct LiveBench {
    gateway: Arc<Gateway>,
    holds: Arc<Holds>,
    clock: Arc<dyn Clock>,
}

impl LiveBench {
    pub(crate) fn new(gateway: Arc<Gateway>, holds: Arc<Holds>, clock: Arc<dyn Clock>) -> Self {
        Self { gateway, holds, clock }
    }
}

impl Bench for LiveBench {
    fn policy(&self, name: &str) -> Option<ApprovalText> {
        self.gateway.world().policy.approval(name).cloned()
    }

    fn requestables(&self) -> Vec<(RoleName, Requestable)> {
        let world = self.gateway.world();
        world.policy.requestables().map(|(role, request)| (role.clone(), request.clone())).collect()
    }

    fn requestable(&self, role: &RoleName) -> Option<Requestable> {
        self.gateway.world().policy.requestable(role).cloned()
    }

    fn digest_of_access(&self, caller: &Party, role: &RoleName, policy: &str) -> Digest {
        self.holds.digest_of_access(caller, role, policy)
    }

    fn masked(&self, text: &str) -> String {
        self.gateway.without_values(text)
    }

    fn original(&self, id: ApprovalId) -> Pending<'_, Result<Option<Texts>, StateError>> {
        Box::pin(async move { self.holds.original(id, self.clock.now()).await })
    }
}

/// Wakes those who wait, and writes down what nobody decided in time; for ever.
pub(crate) async fn tend(holds: Arc<Holds>, log: Log, clock: Arc<dyn Clock>) {
    let expired = |lapsed: Vec<Approval>| {
        let lapsed = lapsed.into_iter().filter(|approval| approval.state == ApprovalState::Expired);
        let moments = lapsed.map(|approval| Moment {
            at: clock.now(),
            event: Event::Reviewed { approval: approval.id, review: Review::Expired, issuer: None, subject: None },
        });
        let moments: Vec<Moment> = moments.collect();
        if !moments.is_empty() {
            // A log that is busy or broken says so where it matters; the approval's row tells the same.
            let _ = log.note_lazily(None, moments);
        }
    };
    holds.tend(|| clock.now(), expired).await;
}
