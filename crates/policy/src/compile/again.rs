//! A catalogue's policies for Cedar's own authorizer, made anew from what was written. Nothing of the index is used: not
//! where a policy was seated, nor what was lifted out of its conditions.

use std::collections::HashSet;
use std::str::FromStr;

use cedar_policy::{
    AuthorizationError, Authorizer, Effect as CedarEffect, Entities, Entity, EntityUid, Policy, PolicyId, PolicySet,
    Request,
};

use super::{Compiled, generate, without_unknown_tags};
use crate::cedar::uid;
use crate::index::Effect;
use crate::text::CatalogueText;

/// The policies that a caller's roles have, and everybody's; their ids are the numbers of the index's rules.
#[derive(Debug)]
pub(crate) struct Policies {
    permits: PolicySet,
    forbids: PolicySet,
    entities: Entities,
    count: usize,
}

/// What the authorizer says of the policies of one effect.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// Those that hold.
    pub(crate) held: Vec<u32>,
    /// Those that could not be evaluated.
    pub(crate) erred: Vec<u32>,
}

impl Policies {
    /// Asks about the policies of one effect.
    pub(crate) fn ask(&self, effect: Effect, request: &Request) -> Spoken {
        let set = match effect {
            Effect::Permit => &self.permits,
            Effect::Forbid => &self.forbids,
        };
        // Alone in their set, forbids that hold are the reasons of a denial.
        let response = Authorizer::new().is_authorized(request, set, &self.entities);
        let sorted = |ids: Vec<&PolicyId>| {
            let mut numbers: Vec<u32> = ids.into_iter().map(number_of).collect();
            numbers.sort_unstable();
            numbers
        };
        let erred = response.diagnostics().errors().map(|error| match error {
            AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
        });
        Spoken { held: sorted(response.diagnostics().reason().collect()), erred: sorted(erred.collect()) }
    }

    /// How many policies each question scans.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

/// An id that is no number is none of ours, and equals no rule.
fn number_of(id: &PolicyId) -> u32 {
    id.to_string().parse().unwrap_or(u32::MAX)
}

impl Compiled {
    /// The policies for a caller in these roles; an error says which text Cedar did not read a second time.
    pub(crate) fn policies_of(
        &self,
        text: &CatalogueText,
        principal: &EntityUid,
        roles: &[u32],
    ) -> Result<Policies, String> {
        let mut made: Vec<Policy> = Vec::new();
        for role in roles {
            let at = usize::try_from(*role).ok();
            let known = at.and_then(|at| Some((text.roles.get(at)?, *self.bases.get(at)?)));
            let (role, base) = known.ok_or("a role that the catalogue does not have")?;
            let drafts = generate::role(&without_unknown_tags(role, &self.resources));
            for (number, draft) in (base..).zip(drafts) {
                made.push(policy(number, &draft.text)?);
            }
        }
        let mut number = self.bases.last().copied().unwrap_or_default();
        for rule in &text.rules {
            for draft in generate::rule(rule) {
                made.push(policy(number, &draft.text)?);
                number += 1;
            }
        }
        for source in &text.cedar {
            let set = PolicySet::from_str(&source.text).map_err(|errors| errors.to_string())?;
            // Numbered as the compiler numbered them: in the order of the file.
            for at in 0..set.policies().count() {
                let policy = set.policy(&PolicyId::new(format!("policy{at}"))).ok_or("a policy is lost")?;
                made.push(policy.new_id(PolicyId::new(number.to_string())));
                number += 1;
            }
        }
        self.sets(made, text, principal, roles)
    }

    fn sets(
        &self,
        made: Vec<Policy>,
        text: &CatalogueText,
        principal: &EntityUid,
        roles: &[u32],
    ) -> Result<Policies, String> {
        let count = made.len();
        let (permits, forbids): (Vec<_>, Vec<_>) =
            made.into_iter().partition(|policy| policy.effect() == CedarEffect::Permit);
        let set = |policies| PolicySet::from_policies(policies).map_err(|error| error.to_string());
        let names = roles.iter().filter_map(|role| text.roles.get(usize::try_from(*role).ok()?));
        let parents: HashSet<EntityUid> = names.map(|role| uid("Role", role.name.as_str())).collect();
        let groups: Vec<Entity> =
            parents.iter().map(|role| Entity::new_no_attrs(role.clone(), HashSet::new())).collect();
        let caller = Entity::new_no_attrs(principal.clone(), parents);
        let entities = self.resources.entities.clone().add_entities(groups.into_iter().chain([caller]), None);
        Ok(Policies {
            permits: set(permits)?,
            forbids: set(forbids)?,
            entities: entities.map_err(|error| error.to_string())?,
            count,
        })
    }
}

fn policy(at: u32, text: &str) -> Result<Policy, String> {
    Policy::parse(Some(PolicyId::new(at.to_string())), text).map_err(|error| error.to_string())
}
