//! The catalogue's roles and rules as Cedar text: what is written in YAML decides through the same language as the
//! operator's own files, and can be shown to them.

use std::fmt::Write;
use std::sync::Arc;

use gatewright_model::{Operation, Parameter, RuleName, RuleRef};

use crate::action::{Action, Target};
use crate::cedar::{entity, literal};
use crate::index::{Origin, Seat};
use crate::permissions::ADMIN_PERMISSIONS;
use crate::resources::{Named, Resources};
use crate::roles::Window;
use crate::text::{Consequence, Grant, Hours, Over, Place, Placed, RoleText, RuleText, Selector};

/// A policy as it was generated, with what the index keeps of where it came from.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) text: String,
    /// What is left of the text without its names; `None` for one that is always read by itself.
    pub(crate) shape: Option<Shape>,
    pub(crate) reference: RuleRef,
    pub(crate) origin: Origin,
    pub(crate) approval: Option<String>,
}

/// A permit of a role, apart from who and what it names. Policies of one shape differ in the names of a role and of
/// resources only, so that Cedar has to read, validate and take apart the first of them; the others are placed like it.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) key: String,
    pub(crate) role: String,
    pub(crate) scope: Scope,
}

/// The resources that a policy is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// These, by name.
    Named(Target, Vec<String>),
    /// The members of a tag or connection.
    Members(Target, &'static str, String),
    /// All of a kind.
    Kind(Target),
}

impl Scope {
    /// What stands in the policy's scope.
    fn resource(&self) -> String {
        match self {
            Self::Named(target, names) if names.len() == 1 => {
                format!("resource == {}", entity(target.entity_type(), &names[0]))
            }
            Self::Named(target, _) | Self::Kind(target) => format!("resource is {}", target.entity_type()),
            Self::Members(target, kind, id) => {
                format!("resource is {} in {}", target.entity_type(), entity(kind, id))
            }
        }
    }

    /// What stands first in its `when`.
    fn allow_list(&self) -> Option<String> {
        match self {
            Self::Named(target, names) if names.len() > 1 => {
                let names: Vec<String> = names.iter().map(|name| entity(target.entity_type(), name)).collect();
                Some(format!("[{}].contains(resource)", names.join(", ")))
            }
            Self::Named(..) | Self::Members(..) | Self::Kind(_) => None,
        }
    }

    /// The scope without its names.
    fn shape(&self) -> String {
        match self {
            Self::Named(target, names) if names.len() == 1 => format!("one {}", target.entity_type()),
            Self::Named(target, _) => format!("some {}", target.entity_type()),
            Self::Members(target, kind, _) => format!("{} in {kind}", target.entity_type()),
            Self::Kind(target) => format!("every {}", target.entity_type()),
        }
    }

    /// Where the index finds it; `None` where a name is unknown.
    pub(crate) fn seat(&self, resources: &Resources) -> Option<Seat> {
        match self {
            Self::Named(target, names) => {
                let find = |name: &String| match resources.named(target.entity_type(), name) {
                    Named::Resource(resource) => Some(resource),
                    Named::Group(_) | Named::Nothing => None,
                };
                names.iter().map(find).collect::<Option<_>>().map(Seat::Resources)
            }
            Self::Members(_, kind, id) => match resources.named(kind, id) {
                Named::Group(group) => Some(Seat::Group(group)),
                Named::Resource(_) | Named::Nothing => None,
            },
            Self::Kind(_) => Some(Seat::Any),
        }
    }
}

/// A permit of a role.
fn permit(
    role: &RoleText,
    names: &[&str],
    scope: Scope,
    conditions: &[String],
    (reference, origin): (RuleRef, Origin),
) -> Draft {
    let principal = format!("principal in {}", entity("Role", role.name.as_str()));
    let listed: Vec<String> = scope.allow_list().into_iter().chain(conditions.iter().cloned()).collect();
    let text = policy("permit", &principal, names, &scope.resource(), &listed);
    let key = format!("{}\n{}\n{}", names.join(","), scope.shape(), conditions.join("\n"));
    let shape = Shape { key, role: role.name.as_str().to_owned(), scope };
    Draft { text, shape: Some(shape), reference, origin, approval: None }
}

/// The policies of one role.
pub(crate) fn role(role: &RoleText) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let reference = |suffix: &str, place: &Place| RuleRef {
        name: RuleName::new(format!("{}/{suffix}", role.name)),
        file: place.file.clone(),
        line: place.line,
    };
    for (at, grant) in role.grants.iter().enumerate() {
        grant_policies(role, grant, &reference(&format!("grant-{}", at + 1), &grant.place), &mut drafts);
    }
    for dataset in &role.datasets {
        let names: Vec<&str> = dataset.operations.iter().map(|operation| operation.name()).collect();
        if names.is_empty() {
            continue;
        }
        let limits = Arc::new(dataset.limits.clone());
        for scope in scopes(Target::Dataset, &dataset.datasets) {
            let label = (reference(&dataset.name, &dataset.place), Origin::Dataset(limits.clone()));
            drafts.push(permit(role, &names, scope, &window(dataset.window), label));
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
            let names = listed.iter().map(|placed| placed.value.as_str().to_owned()).collect();
            let label = (reference(action, &first.place), Origin::Plain);
            drafts.push(permit(role, &[action], Scope::Named(Target::InfoType, names), &[], label));
        }
    }
    if let Some(first) = role.admin.first() {
        let names: Vec<&str> = role.admin.iter().map(|placed| ADMIN_PERMISSIONS[placed.value]).collect();
        let scope = Scope::Named(Target::Gateway, vec!["gateway".to_owned()]);
        drafts.push(permit(role, &names, scope, &[], (reference("admin", &first.place), Origin::Plain)));
    }
    drafts
}

/// A grant's operations, and with inference the right to see the models that one may use.
fn grant_policies(role: &RoleText, grant: &Grant, reference: &RuleRef, drafts: &mut Vec<Draft>) {
    let names: Vec<&str> = grant.operations.iter().map(|operation| operation.name()).collect();
    let infers = grant.operations.iter().any(|operation| Action::Operation(*operation).is_inference());
    let sees: Vec<&str> = [Operation::ListModels, Operation::DescribeModel]
        .iter()
        .filter(|operation| infers && !grant.operations.contains(operation))
        .map(|operation| operation.name())
        .collect();
    let ranges: Arc<[_]> = grant.ranges.iter().copied().collect();
    let window = window(grant.window);
    let ranged = grant.ranges.iter().filter_map(|range| range.condition());
    let with_ranges: Vec<String> = window.iter().cloned().chain(ranged).collect();
    for scope in scopes(Target::Model, &grant.models) {
        let label = (reference.clone(), Origin::Grant(ranges.clone(), grant.window));
        drafts.push(permit(role, &names, scope.clone(), &with_ranges, label));
        if !sees.is_empty() {
            drafts.push(permit(role, &sees, scope, &window, (reference.clone(), Origin::Plain)));
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
    let sized: Vec<String> = rule.parameters.iter().map(over).collect();
    let during = rule.hours.as_ref().map(within);
    let outside = rule.outside_hours.as_ref().map(|hours| format!("!({})", within(hours)));
    let approval = match &rule.consequence {
        // It decides nothing.
        Consequence::Alert => return Vec::new(),
        Consequence::Refuse => None,
        Consequence::Hold(name) => Some(name.clone()),
    };
    let lifted = approval.as_ref().map(|_| format!("!context.approvals.contains({})", literal(rule.name.as_str())));
    let origin = if rule.prompt.is_some() { Origin::Content } else { Origin::Plain };
    let mut drafts = Vec::new();
    for (actions, scope) in targets(rule) {
        let (resource, allow_list) = (scope.resource(), scope.allow_list());
        for principal in &principals {
            for trigger in &triggers {
                let parts = [&allow_list, &matched, trigger, &during, &outside, &lifted];
                let conditions: Vec<String> = parts.into_iter().flatten().chain(&sized).cloned().collect();
                drafts.push(Draft {
                    text: policy("forbid", principal, &actions, &resource, &conditions),
                    shape: None,
                    reference: reference.clone(),
                    origin: origin.clone(),
                    approval: approval.clone(),
                });
            }
        }
    }
    drafts
}

/// At these minutes of the week.
fn within(hours: &Hours) -> String {
    let now = "context.minute_of_week";
    let spans = hours.0.iter().map(|(from, until)| format!("({now} >= {from} && {now} < {until})"));
    spans.collect::<Vec<_>>().join(" || ")
}

/// A parameter above a value. An answer without a limit is longer than any.
fn over(over: &Over) -> String {
    let (name, value) = (over.parameter.name(), over.value.floor_e6());
    let above = format!("context.parameters has {name} && context.parameters.{name}.at_most > {value}");
    match over.parameter {
        Parameter::MaxTokens => format!(
            r#"({above}) || (!(context.parameters has {name}) && ["chat", "complete"].contains(context.operation))"#
        ),
        _ => above,
    }
}

/// The actions and resources that a rule is about. One without operations is about every call that does something;
/// reading lists and descriptions of models carries no prompt and changes nothing.
fn targets(rule: &RuleText) -> Vec<(Vec<&'static str>, Scope)> {
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
    if !rule.datasets.is_empty() {
        targets.extend(scopes(Target::Dataset, &rule.datasets).into_iter().map(|scope| (datasets.clone(), scope)));
        return targets;
    }
    if !models.is_empty() {
        if rule.models.is_empty() {
            targets.push((models, Scope::Kind(Target::Model)));
        } else {
            targets.extend(scopes(Target::Model, &rule.models).into_iter().map(|scope| (models.clone(), scope)));
        }
    }
    if !datasets.is_empty() && rule.models.is_empty() {
        targets.push((datasets, Scope::Kind(Target::Dataset)));
    }
    targets
}

/// Selectors as scopes: all names together, each tag and connection by itself.
fn scopes(target: Target, selectors: &[Placed<Selector>]) -> Vec<Scope> {
    let mut names = Vec::new();
    let mut scopes = Vec::new();
    for selector in selectors {
        match &selector.value {
            Selector::Name(name) => names.push(name.clone()),
            Selector::Tag(tag) => scopes.push(Scope::Members(target, "Tag", tag.clone())),
            Selector::Connection(name) => scopes.push(Scope::Members(target, "Connection", name.clone())),
        }
    }
    if !names.is_empty() {
        scopes.push(Scope::Named(target, names));
    }
    scopes
}

fn window(window: Window) -> Vec<String> {
    let from = window.from.map(|from| format!("context.now >= {}", from.millis()));
    let until = window.until.map(|until| format!("context.now < {}", until.millis()));
    from.into_iter().chain(until).collect()
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
