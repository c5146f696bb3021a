//! A decision made again by Cedar's own authorizer. The index decides because it is fast; the authorizer is who it must
//! agree with, and is asked about some decisions of a running gateway, beside the calls.

use gatewright_model::{Treatment, Verdict};

use crate::ask::By;
use crate::{Case, Catalogue, Decision, decide};

/// More evaluations than these, and what happens to values is left out: a catalogue of very many common policies must not
/// keep the machine busy with its own doubts.
const MOST_EVALUATIONS: usize = 200_000;

/// What came of making a decision again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is the same.
    Agrees,
    /// It is not: the index, or what was kept of an earlier decision, is wrong.
    Differs(Doubt),
    /// It is of a kind that the authorizer cannot be asked about: the list of models is one of many answers.
    NotAsked,
}

/// Whether what a decision says of values is still what was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// It is.
    AsDecided,
    /// Whoever carries it out made it stricter, so that it says nothing of the rules.
    Altered,
}

/// A decision that comes out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which part of it: `verdict`, `rules`, `settings`, `exposure`, `terms`, or `policies` where Cedar does not read them
    /// a second time.
    pub about: &'static str,
    /// What the authorizer decides; denied where it could not be asked.
    pub authorizer: Verdict,
}

impl Catalogue {
    /// Has the authorizer make a decision of this catalogue again. Costs milliseconds: never on a call's own path.
    pub fn decide_again(&self, case: &Case, decided: &Decision, values: Values) -> Again {
        self.with(case, |question| {
            if decide::is_list(question) {
                return Again::NotAsked;
            }
            // Found anew, so that roles kept for too long, or for somebody else, are noticed too.
            let roles = question.roles;
            let numbers = roles.numbers(question.now);
            let policies = match self.compiled.policies_of(&self.text, &roles.0.principal, &numbers) {
                Ok(policies) => policies,
                Err(_) => return Again::Differs(Doubt { about: "policies", authorizer: Verdict::Deny }),
            };
            let again = self.decide_by(question, roles, By::Authorizer(&policies));
            let differing = differing(decided, &again).into_iter();
            let types = usize::try_from(self.compiled.resources.info_types()).unwrap_or(usize::MAX);
            let weighs_values = types.saturating_mul(3).saturating_mul(policies.count()) <= MOST_EVALUATIONS;
            let weighs_values = weighs_values && values == Values::AsDecided;
            let mut told = differing.filter(|about| weighs_values || *about != "exposure");
            match told.next() {
                None => Again::Agrees,
                Some(about) => Again::Differs(Doubt { about, authorizer: again.verdict }),
            }
        })
    }
}

/// The parts in which two decisions differ. Which rule is named in a denial is a matter of order, and is left out.
fn differing(one: &Decision, other: &Decision) -> Vec<&'static str> {
    let same_treatments = |left: &[Treatment], right: &[Treatment]| left == right;
    let values = same_treatments(&one.request, &other.request)
        && same_treatments(&one.reply, &other.reply)
        && same_treatments(&one.tools, &other.tools);
    let denied = one.verdict == Verdict::Deny;
    let parts = [
        ("verdict", one.verdict == other.verdict),
        ("rules", denied || one.rules == other.rules),
        ("settings", denied || one.settings == other.settings),
        ("exposure", denied || values),
        ("terms", denied || (one.datasets == other.datasets && one.budgets == other.budgets)),
    ];
    parts.into_iter().filter(|(_, same)| !same).map(|(about, _)| about).collect()
}
