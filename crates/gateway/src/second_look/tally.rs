use std::collections::BTreeMap;

use gatewright_model::{DatasetName, ModelName, Operation, RequestId, RoleName, RuleRef, Verdict};
use gatewright_policy::Change;

/// How many kinds of differences are told apart; the others are counted together.
const MOST_GROUPS: usize = 200;

/// How many calls are named as examples of one kind.
const MOST_EXAMPLES: usize = 5;

/// How a candidate's decisions compare with those that were made.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The same verdict on the same terms.
    pub agreed: u64,
    /// What the candidate would permit, or let wait, and was not.
    pub permitted: u64,
    /// What the candidate would refuse, or hold, and was not.
    pub refused: u64,
    /// The same verdict on other terms: parameters, limits, budgets, values shown.
    pub on_other_terms: u64,
    /// The differences by kind.
    pub groups: BTreeMap<Group, Counted>,
    /// How many differences are of further kinds.
    pub ungrouped: u64,
}

/// A kind of difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// How it counts.
    pub change: Change,
    /// The caller's roles under the live catalogue.
    pub roles: Vec<RoleName>,
    /// What was asked for.
    pub operation: Operation,
    /// On which model, where the configuration knows it.
    pub model: Option<ModelName>,
    /// On which dataset: the first that the configuration knows.
    pub dataset: Option<DatasetName>,
    /// What was decided.
    pub was: Verdict,
    /// What the candidate would decide.
    pub would_be: Verdict,
}

/// How often, by which rules, and some of the calls.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// How often.
    pub count: u64,
    /// The rules that decided the first of them.
    pub was_by: Vec<RuleRef>,
    /// The candidate's rules on it.
    pub would_be_by: Vec<RuleRef>,
    /// The first calls, by which records are found.
    pub examples: Vec<RequestId>,
}

impl Tally {
    pub(super) fn agree(&mut self) {
        self.agreed += 1;
    }

    pub(super) fn differ(&mut self, group: Group, request: RequestId, was_by: &[RuleRef], would_be_by: &[RuleRef]) {
        let sum = match group.change {
            Change::Permitted => &mut self.permitted,
            Change::Refused => &mut self.refused,
            Change::Terms => &mut self.on_other_terms,
        };
        *sum += 1;
        if self.groups.len() >= MOST_GROUPS && !self.groups.contains_key(&group) {
            self.ungrouped += 1;
            return;
        }
        let counted = self.groups.entry(group).or_insert_with(|| Counted {
            was_by: was_by.to_vec(),
            would_be_by: would_be_by.to_vec(),
            ..Counted::default()
        });
        counted.count += 1;
        if counted.examples.len() < MOST_EXAMPLES {
            counted.examples.push(request);
        }
    }
}
