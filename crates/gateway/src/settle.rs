use gatewright_model::{ApprovalId, Code, Refusal, Verdict};
use gatewright_policy::Decision;

use crate::hold::held;
use crate::leash::Leash;
use crate::{Arrival, Decided, Examined, Gateway, Journal};

/// A call that may go ahead, and on which terms.
pub struct Permit {
    examined: Examined,
    decision: Decision,
    leash: Option<Box<Leash>>,
    /// The approvals of which it took a use.
    taken: Vec<ApprovalId>,
}

/// Lets an allowed call go ahead, and one that is held once people have lifted the hold.
pub(crate) async fn settle(
    gateway: &Gateway,
    decided: Decided,
    arrival: Arrival,
    journal: &mut Journal,
) -> Result<Permit, Refusal> {
    if decided.verdict() == Verdict::Hold
        && let Some(holds) = &gateway.holds
    {
        // In a box, since most calls are not held and should not carry the room for it.
        return Box::pin(held(gateway, holds, Box::new(decided), arrival, journal)).await;
    }
    Permit::of(decided)
}

impl Permit {
    /// The permit of a call that policy allows; no other way leads to one.
    pub(crate) fn of(decided: Decided) -> Result<Self, Refusal> {
        let (verdict, leash) = (decided.verdict(), decided.leash());
        let (examined, decision) = decided.into_parts();
        match (verdict, decision.refusal) {
            (Verdict::Allow, None) => {
                Ok(Self { examined, decision: Decision { refusal: None, ..decision }, leash, taken: Vec::new() })
            }
            (Verdict::Allow | Verdict::Hold | Verdict::Deny, Some(refusal)) => Err(refusal),
            // INVARIANT: policy gives a refusal with everything that it does not allow; without one it is refused all
            // the same.
            (Verdict::Hold | Verdict::Deny, None) => {
                Err(Refusal::new(Code::PermissionDenied, "Policy denies this call."))
            }
        }
    }

    /// The permit of a call whose hold these approvals lifted.
    pub(crate) fn having_taken(self, taken: Vec<ApprovalId>) -> Self {
        Self { taken, ..self }
    }

    /// The approvals of which a use was taken for it; none for most.
    pub(crate) fn taken(&self) -> &[ApprovalId] {
        &self.taken
    }

    pub(crate) fn into_parts(self) -> (Examined, Decision, Option<Box<Leash>>) {
        (self.examined, self.decision, self.leash)
    }
}
