use gatewright_model::{Code, Refusal, Verdict};
use gatewright_policy::Decision;

use crate::{Decided, Examined};

/// A call that may go ahead, and on which terms.
pub struct Permit {
    examined: Examined,
    decision: Decision,
}

/// Lets an allowed call go ahead. A hold is a denial until a person lifts it.
pub(crate) fn settle(decided: Decided) -> Result<Permit, Refusal> {
    let verdict = decided.verdict();
    let (examined, decision) = decided.into_parts();
    match (verdict, decision.refusal) {
        (Verdict::Allow, None) => Ok(Permit { examined, decision: Decision { refusal: None, ..decision } }),
        (Verdict::Allow | Verdict::Hold | Verdict::Deny, Some(refusal)) => Err(refusal),
        // INVARIANT: policy gives a refusal with everything that it does not allow; without one it is refused all the same.
        (Verdict::Hold | Verdict::Deny, None) => Err(Refusal::new(Code::PermissionDenied, "Policy denies this call.")),
    }
}

impl Permit {
    pub(crate) fn into_parts(self) -> (Examined, Decision) {
        (self.examined, self.decision)
    }
}
