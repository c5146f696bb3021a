//! What a catalogue says in vain: roles that nobody can have, grants that another shadows or a rule always refuses, rules
//! that can never speak. None of it is a fault; all of it is probably not what was meant.

use std::collections::BTreeSet;

use gatewright_model::{Operation, Timestamp};

use crate::action::{Action, Target};
use crate::index::{Effect, Shelf};
use crate::limits::{Limits, Vectors};
use crate::ranges::Range;
use crate::resources::{Named, Resources};
use crate::text::{DatasetGrant, Grant, Placed, RoleText, RuleText, Selector, is_explicit_only};
use crate::{Catalogue, Fault};

impl Catalogue {
    /// What cannot have an effect at this moment or ever, in the order of the files.
    pub fn lint(&self, now: Timestamp) -> Vec<Fault> {
        let mut found = Vec::new();
        for (at, role) in (0_u32..).zip(&self.text.roles) {
            found.extend(unheld(role, now).map(|why| role.place.fault(why)));
            for (at_grant, grant) in role.grants.iter().enumerate() {
                found.extend(self.shadowed(role, at_grant, grant));
                found.extend(self.refused(at, grant));
            }
        }
        for (at, role) in (0_u32..).zip(&self.text.roles) {
            for (at_grant, grant) in role.datasets.iter().enumerate() {
                found.extend(self.shadowed_dataset(role, at_grant, grant));
                found.extend(self.refused_dataset(at, grant));
            }
        }
        for rule in &self.text.rules {
            found.extend(self.unreachable(rule));
        }
        found.extend(self.unreachable_forbids());
        found.sort();
        found.dedup();
        found
    }

    /// A grant of which another one of the same role allows everything, and asks no more.
    fn shadowed(&self, role: &RoleText, at: usize, grant: &Grant) -> Option<Fault> {
        let resources = &self.compiled.resources;
        let mine = selected(&grant.models, Target::Model, resources);
        let covers = |(other_at, other): &(usize, &Grant)| {
            *other_at != at
                && grant.operations.iter().all(|operation| other.operations.contains(operation))
                && (other.window.is_always() || other.window == grant.window)
                && loosens(&other.ranges, &grant.ranges)
                && {
                    let theirs = selected(&other.models, Target::Model, resources);
                    mine.iter().all(|model| theirs.contains(model))
                }
                // Of two that say the same, the later one is in vain.
                && (*other_at < at || !(other.operations.len() == grant.operations.len() && same(other, grant)))
        };
        let (_, other) = role.grants.iter().enumerate().find(covers)?;
        let message =
            format!("this grant of {} is in vain: the one on line {} allows all of it", role.name, other.place.line);
        (!mine.is_empty()).then(|| grant.place.fault(message))
    }

    /// A grant that an unconditional rule refuses altogether.
    fn refused(&self, role: u32, grant: &Grant) -> Option<Fault> {
        let mut by = None;
        for resource in selected(&grant.models, Target::Model, &self.compiled.resources) {
            for operation in &grant.operations {
                by = Some(self.stern(role, *operation, resource)?);
            }
        }
        let rule = &self.compiled.rule(by?)?.reference;
        let place = format!("{}:{}", rule.file, rule.line);
        Some(grant.place.fault(format!("this grant is in vain: {} ({place}) refuses all of it", rule.name)))
    }

    /// A grant on datasets of which another one of the same role allows everything, and withholds no more.
    fn shadowed_dataset(&self, role: &RoleText, at: usize, grant: &DatasetGrant) -> Option<Fault> {
        let resources = &self.compiled.resources;
        let mine = selected(&grant.datasets, Target::Dataset, resources);
        let covers = |(other_at, other): &(usize, &DatasetGrant)| {
            let says_the_same = other.limits == grant.limits && other.window == grant.window;
            *other_at != at
                && grant.operations.iter().all(|operation| other.operations.contains(operation))
                && (other.window.is_always() || other.window == grant.window)
                && (other.limits == Limits { vectors: Vectors::Returned, ..Limits::default() }
                    || other.limits == grant.limits)
                && {
                    let theirs = selected(&other.datasets, Target::Dataset, resources);
                    mine.iter().all(|dataset| theirs.contains(dataset))
                        // Of two that say the same, the later one is in vain.
                        && (*other_at < at
                            || !(says_the_same
                                && theirs.len() == mine.len()
                                && other.operations.len() == grant.operations.len()))
                }
        };
        let (_, other) = role.datasets.iter().enumerate().find(covers)?;
        let line = other.place.line;
        let message = format!("this grant of {} is in vain: the one on line {line} allows all of it", role.name);
        (!mine.is_empty()).then(|| grant.place.fault(message))
    }

    /// A grant on datasets that unconditional rules refuse altogether.
    fn refused_dataset(&self, role: u32, grant: &DatasetGrant) -> Option<Fault> {
        let mut by = None;
        for resource in selected(&grant.datasets, Target::Dataset, &self.compiled.resources) {
            for operation in &grant.operations {
                by = Some(self.stern(role, *operation, resource)?);
            }
        }
        let rule = &self.compiled.rule(by?)?.reference;
        let place = format!("{}:{}", rule.file, rule.line);
        Some(grant.place.fault(format!("this grant is in vain: {} ({place}) refuses all of it", rule.name)))
    }

    /// Forbids of Cedar files about which no permit of anybody is: they have nothing to take away.
    fn unreachable_forbids(&self) -> Vec<Fault> {
        if self.text.cedar.is_empty() {
            return Vec::new();
        }
        let resources = &self.compiled.resources;
        let own = (0..crate::resources::number(self.compiled.roles.len())).flat_map(|role| self.compiled.own(role));
        let shelves: Vec<Shelf<'_>> = self.compiled.common_shelves().chain(own).collect();
        let (mut known, mut speaking) = (BTreeSet::new(), BTreeSet::new());
        for action in Action::all() {
            let at = action.index();
            let forbidding: Vec<Shelf<'_>> =
                self.compiled.common_shelves().filter(|shelf| shelf.forbidden(at).next().is_some()).collect();
            known.extend(forbidding.iter().flat_map(|shelf| shelf.forbidden(at)));
            if forbidding.is_empty() {
                continue;
            }
            let permitting: Vec<&Shelf<'_>> = shelves.iter().filter(|shelf| shelf.permits(at)).collect();
            for (resource, groups) in (0..).zip(&resources.groups) {
                let permits =
                    |shelf: &&Shelf<'_>| shelf.candidates(at, Effect::Permit, resource, groups).next().is_some();
                if resources.target(resource) != Some(action.target())
                    || !permitting.iter().copied().any(|shelf| permits(&shelf))
                {
                    continue;
                }
                let forbids =
                    forbidding.iter().flat_map(|shelf| shelf.candidates(at, Effect::Forbid, resource, groups));
                speaking.extend(forbids);
            }
        }
        let idle = known.difference(&speaking).filter_map(|number| self.compiled.rule(*number));
        let written = |file: &str| self.text.cedar.iter().any(|source| source.name == file);
        let idle = idle.map(|rule| &rule.reference).filter(|rule| written(&rule.file));
        let told = idle.map(|rule| Fault {
            file: rule.file.to_string(),
            line: rule.line,
            column: 0,
            message: format!("{} can never speak: nothing permits what it forbids", rule.name),
        });
        told.collect()
    }

    /// The operations that only a role that names them may allow, and that no protocol asks: grants of them have no effect
    /// with this release.
    pub fn unasked(&self, is_asked: impl Fn(Operation) -> bool) -> Vec<Fault> {
        let unasked = |operations: &[Operation]| -> Vec<&'static str> {
            let operations =
                operations.iter().filter(|operation| is_explicit_only(**operation) && !is_asked(**operation));
            operations.map(|operation| operation.name()).collect()
        };
        let grants = self.text.roles.iter().flat_map(|role| {
            let models = role.grants.iter().map(|grant| (&grant.place, grant.operations.as_slice()));
            models.chain(role.datasets.iter().map(|grant| (&grant.place, grant.operations.as_slice())))
        });
        let told = grants.filter_map(|(place, operations)| {
            let names = unasked(operations);
            let message = format!("no protocol of this release asks for {}", names.join(" or "));
            (!names.is_empty()).then(|| place.fault(message))
        });
        told.collect()
    }

    /// A forbid that fires whatever a call says, and that no approval lifts.
    fn stern(&self, role: u32, operation: Operation, resource: u32) -> Option<u32> {
        let groups = self.compiled.resources.groups.get(usize::try_from(resource).ok()?)?;
        let action = Action::Operation(operation).index();
        let shelves = std::iter::once(self.compiled.common()).chain(self.compiled.shelves(role));
        let mut candidates = shelves.flat_map(|shelf| shelf.candidates(action, Effect::Forbid, resource, groups));
        candidates.find(|number| {
            let rule = self.compiled.rule(*number);
            rule.is_some_and(|rule| rule.is_unconditional() && rule.approval.is_none())
        })
    }

    /// A rule about calls that no grant allows to anybody.
    fn unreachable(&self, rule: &RuleText) -> Option<Fault> {
        let resources = &self.compiled.resources;
        let named =
            |role: &RoleText| rule.roles.is_empty() || rule.roles.iter().any(|name| name.value == role.name.as_str());
        let roles = (0_u32..).zip(&self.text.roles).filter(|(_, role)| named(role));
        let own = roles.flat_map(|(role, _)| self.compiled.shelves(role));
        let shelves: Vec<_> = std::iter::once(self.compiled.common()).chain(own).collect();
        let operations: Vec<Operation> = match rule.operations.is_empty() {
            true => Operation::ALL.to_vec(),
            false => rule.operations.clone(),
        };
        let models = selected(&rule.models, Target::Model, resources);
        let datasets = selected(&rule.datasets, Target::Dataset, resources);
        let is_about = |resource: u32| match resources.target(resource) {
            Some(Target::Model) => rule.datasets.is_empty() && (rule.models.is_empty() || models.contains(&resource)),
            Some(Target::Dataset) => {
                rule.models.is_empty() && (rule.datasets.is_empty() || datasets.contains(&resource))
            }
            Some(Target::InfoType | Target::Gateway) | None => false,
        };
        let can_speak =
            (0..crate::resources::number(resources.groups.len())).filter(|at| is_about(*at)).any(|resource| {
                let groups = &resources.groups[resource as usize];
                operations.iter().any(|operation| {
                    let action = Action::Operation(*operation);
                    resources.target(resource) == Some(action.target())
                        && shelves.iter().any(|shelf| {
                            shelf.candidates(action.index(), Effect::Permit, resource, groups).next().is_some()
                        })
                })
            });
        let message = format!("the rule {} can never speak: no grant allows a call that it is about", rule.name);
        (!can_speak).then(|| rule.place.fault(message))
    }
}

/// Why nobody has a role, if nobody has.
fn unheld(role: &RoleText, now: Timestamp) -> Option<String> {
    let name = &role.name;
    if role.request.is_some() && role.window.until.is_none_or(|until| now < until) {
        return None;
    }
    if role.members.is_empty() {
        return Some(format!("nobody can have the role {name}: it has no `members`"));
    }
    let is_open = |member: &crate::text::Member| {
        let window = member.window.and(role.window);
        let opens = !matches!((window.from, window.until), (Some(from), Some(until)) if from >= until);
        opens && window.until.is_none_or(|until| now < until)
    };
    (!role.members.iter().any(is_open)).then(|| format!("nobody can have the role {name} any more: its time is over"))
}

/// The models or datasets that selectors name.
fn selected(selectors: &[Placed<Selector>], target: Target, resources: &Resources) -> Vec<u32> {
    let members = |kind: &str, id: &str| match resources.named(kind, id) {
        Named::Group(group) => resources.members(target, group).collect(),
        Named::Resource(_) | Named::Nothing => Vec::new(),
    };
    let selected = selectors.iter().flat_map(|selector| match &selector.value {
        Selector::Name(name) => match target {
            Target::Dataset => resources.dataset(name).into_iter().collect(),
            Target::Model | Target::InfoType | Target::Gateway => resources.model(name).into_iter().collect(),
        },
        Selector::Tag(tag) => members("Tag", tag),
        Selector::Connection(name) => members("Connection", name),
    });
    selected.collect()
}

/// Whether whatever these ranges let past, those do without changing it.
fn loosens(those: &[Range], these: &[Range]) -> bool {
    those.iter().all(|range| these.contains(range))
}

fn same(left: &Grant, right: &Grant) -> bool {
    let names = |grant: &Grant| grant.models.iter().map(|model| model.value.clone()).collect::<Vec<_>>();
    names(left) == names(right) && left.ranges == right.ranges && left.window == right.window
}
