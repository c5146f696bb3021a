//! The catalogue's roles and rules as Cedar text: what is written in YAML decides through the same language as the
//! operator's own files, and can be shown to them.

use std::fmt::Write;
use std::sync::Arc;

use gatewright_model::{Operation, RuleName, RuleRef};

use crate::action::{Action, Target};
use crate::cedar::{entity, literal};
use crate::index::Origin;
use crate::permissions::ADMIN_PERMISSIONS;
use crate::roles::Window;
use crate::text::{Consequence, Grant, Place, Placed, RoleText, RuleText, Selector};

/// A policy as it was generated, with what the index keeps of where it came from.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) reference: RuleRef,
    pub(crate) origin: Origin,
    pub(crate) approval: Option<String>,
}

/// The policies of one role.
pub(crate) fn role(role: &RoleText) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let principal = format!("principal in {}", entity("Role", role.name.as_str()));
    let reference = |suffix: &str, place: &Place| RuleRef {
        name: RuleName::new(format!("{}/{suffix}", role.name)),
        file: place.file.clone(),
        line: place.line,
    };
    for (at, grant) in role.grants.iter().enumerate() {
        grant_policies(grant, &principal, &reference(&format!("grant-{}", at + 1), &grant.place), &mut drafts);
    }
    for dataset in &role.datasets {
        let names: Vec<&str> = dataset.operations.iter().map(|operation| operation.name()).collect();
        if names.is_empty() {
            continue;
        }
        let limits = Arc::new(dataset.limits.clone());
        for (resource, allow_list) in scopes(Target::Dataset, &dataset.datasets) {
            let conditions: Vec<String> = allow_list.into_iter().chain(window(dataset.window)).collect();
            drafts.push(Draft {
                text: policy("permit", &principal, &names, &resource, &conditions),
                reference: reference(&dataset.name, &dataset.place),
                origin: Origin::Dataset(limits.clone()),
                approval: None,
            });
        }
    }
    let exposures = [
        (Action::Reveal, &role.reveal),
        (Action::RevealToTools, &role.reveal_to_tools),
        (Action::Disclose, &role.disclose),
    ];
    for (action, listed) in exposures {
        let action = action.name();
        if let Some(first) = listed.first() {
            let names: Vec<String> = listed.iter().map(|placed| entity("InfoType", placed.value.as_str())).collect();
            let condition = format!("[{}].contains(resource)", names.join(", "));
            let text = policy("permit", &principal, &[action], "resource is InfoType", &[condition]);
            drafts.push(plain(text, reference(action, &first.place)));
        }
    }
    if let Some(first) = role.admin.first() {
        let names: Vec<&str> = role.admin.iter().map(|placed| ADMIN_PERMISSIONS[placed.value]).collect();
        let text = policy("permit", &principal, &names, &format!("resource == {}", entity("Gateway", "gateway")), &[]);
        drafts.push(plain(text, reference("admin", &first.place)));
    }
    drafts
}

/// A grant's operations, and with inference the right to see the models that one may use.
fn grant_policies(grant: &Grant, principal: &str, reference: &RuleRef, drafts: &mut Vec<Draft>) {
    let names: Vec<&str> = grant.operations.iter().map(|operation| operation.name()).collect();
    let infers = grant.operations.iter().any(|operation| Action::Operation(*operation).is_inference());
    let sees: Vec<&str> = [Operation::ListModels, Operation::DescribeModel]
        .iter()
        .filter(|operation| infers && !grant.operations.contains(operation))
        .map(|operation| operation.name())
        .collect();
    let ranges: Arc<[_]> = grant.ranges.iter().copied().collect();
    for (resource, allow_list) in scopes(Target::Model, &grant.models) {
        let window = window(grant.window);
        let conditions: Vec<String> = allow_list.iter().cloned().chain(window.clone()).collect();
        let ranged = grant.ranges.iter().filter_map(|range| range.condition());
        let conditions_with_ranges: Vec<String> = conditions.iter().cloned().chain(ranged).collect();
        drafts.push(Draft {
            text: policy("permit", principal, &names, &resource, &conditions_with_ranges),
            reference: reference.clone(),
            origin: Origin::Grant(ranges.clone(), grant.window),
            approval: None,
        });
        if !sees.is_empty() {
            drafts.push(plain(policy("permit", principal, &sees, &resource, &conditions), reference.clone()));
        }
    }
}

/// The policies of one rule; none for a rule that looks at answers only, which are not there yet when Cedar is asked.
pub(crate) fn rule(rule: &RuleText) -> Vec<Draft> {
    if rule.prompt.is_none() && rule.answer.is_some() {
        return Vec::new();
    }
    let reference = RuleRef { name: rule.name.clone(), file: rule.place.file.clone(), line: rule.place.line };
    let principals: Vec<String> = match rule.roles.is_empty() {
        true => vec!["principal".to_owned()],
        false => rule.roles.iter().map(|role| format!("principal in {}", entity("Role", &role.value))).collect(),
    };
    let mut triggers: Vec<Option<String>> = rule
        .found
        .iter()
        .map(|found| Some(format!("context.found.contains({})", entity("InfoType", found.value.as_str()))))
        .collect();
    if triggers.is_empty() {
        triggers.push(None);
    }
    let matched = rule.prompt.as_ref().map(|_| format!("context.matched.contains({})", literal(rule.name.as_str())));
    let approval = match &rule.consequence {
        Consequence::Refuse => None,
        Consequence::Hold(name) => Some(name.clone()),
    };
    let lifted = approval.as_ref().map(|_| format!("!context.approvals.contains({})", literal(rule.name.as_str())));
    let origin = if rule.prompt.is_some() { Origin::Content } else { Origin::Plain };
    let mut drafts = Vec::new();
    for (actions, resource, allow_list) in targets(rule) {
        for principal in &principals {
            for trigger in &triggers {
                let parts = [&allow_list, &matched, trigger, &lifted];
                let conditions: Vec<String> = parts.into_iter().flatten().cloned().collect();
                drafts.push(Draft {
                    text: policy("forbid", principal, &actions, &resource, &conditions),
                    reference: reference.clone(),
                    origin: origin.clone(),
                    approval: approval.clone(),
                });
            }
        }
    }
    drafts
}

/// The actions and resources that a rule is about. One without operations is about every call that does something;
/// reading lists and descriptions of models carries no prompt and changes nothing.
fn targets(rule: &RuleText) -> Vec<(Vec<&'static str>, String, Option<String>)> {
    let wanted = |operation: &&Operation| match rule.operations.is_empty() {
        true => !matches!(operation, Operation::ListModels | Operation::DescribeModel),
        false => rule.operations.contains(operation),
    };
    let of = |target: Target| -> Vec<&'static str> {
        let operations = Operation::ALL.iter().filter(wanted);
        operations.filter(|operation| Action::Operation(**operation).target() == target).map(|o| o.name()).collect()
    };
    let (models, datasets) = (of(Target::Model), of(Target::Dataset));
    let mut targets = Vec::new();
    if !models.is_empty() {
        if rule.models.is_empty() {
            targets.push((models, "resource is Model".to_owned(), None));
        } else {
            targets.extend(
                scopes(Target::Model, &rule.models).into_iter().map(|(scope, list)| (models.clone(), scope, list)),
            );
        }
    }
    if !datasets.is_empty() && rule.models.is_empty() {
        targets.push((datasets, "resource is Dataset".to_owned(), None));
    }
    targets
}

/// Selectors as scopes: all names as one allow-list, each tag and connection as a group.
fn scopes(target: Target, selectors: &[Placed<Selector>]) -> Vec<(String, Option<String>)> {
    let kind = target.entity_type();
    let mut names = Vec::new();
    let mut scopes = Vec::new();
    for selector in selectors {
        match &selector.value {
            Selector::Name(name) => names.push(entity(kind, name)),
            Selector::Tag(tag) => scopes.push((format!("resource is {kind} in {}", entity("Tag", tag)), None)),
            Selector::Connection(name) => {
                scopes.push((format!("resource is {kind} in {}", entity("Connection", name)), None));
            }
        }
    }
    match &names[..] {
        [] => {}
        [name] => scopes.push((format!("resource == {name}"), None)),
        _ => {
            let list = format!("[{}].contains(resource)", names.join(", "));
            scopes.push((format!("resource is {kind}"), Some(list)));
        }
    }
    scopes
}

fn window(window: Window) -> Vec<String> {
    let from = window.from.map(|from| format!("context.now >= {}", from.millis()));
    let until = window.until.map(|until| format!("context.now < {}", until.millis()));
    from.into_iter().chain(until).collect()
}

fn plain(text: String, reference: RuleRef) -> Draft {
    Draft { text, reference, origin: Origin::Plain, approval: None }
}

fn policy(effect: &str, principal: &str, actions: &[&str], resource: &str, conditions: &[String]) -> String {
    let actions: Vec<String> = actions.iter().map(|name| entity("Action", name)).collect();
    let action = match &actions[..] {
        [one] => format!("action == {one}"),
        _ => format!("action in [{}]", actions.join(", ")),
    };
    let mut text = format!("{effect}({principal}, {action}, {resource})");
    if !conditions.is_empty() {
        // Each stands in parentheses: a range is an if-then-else, which would else swallow its successors.
        let conditions: Vec<String> = conditions.iter().map(|condition| format!("({condition})")).collect();
        let _ = write!(text, "\nwhen {{ {} }}", conditions.join(" && "));
    }
    text.push_str(";\n");
    text
}
