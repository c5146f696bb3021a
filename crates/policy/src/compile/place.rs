//! Takes a validated policy apart: whose it is, where the index finds it, and what is left for Cedar to evaluate.
//!
//! Only scope tests and the leading conjuncts of the first `when` are lifted into the index. Nothing that stands before
//! them can err, so decisions, reasons and errors are those of Cedar. What cannot be placed is refused, never guessed.

use std::sync::Arc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, Policy as Parts, PrincipalConstraint,
    ResourceConstraint, Var,
};
use cedar_policy::{Effect, Policy};

use super::mentions::{Mentions, mentions};
use super::recognise;
use crate::action::{Action, Target};
use crate::index::{Seat, Trigger};
use crate::resources::{Named, Resources};
use crate::test::Test;
use crate::text::is_group;

/// Where a policy goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The role's name; `None` for everybody.
    pub(crate) role: Option<String>,
    pub(crate) actions: Vec<Action>,
    pub(crate) seat: Seat,
    pub(crate) trigger: Option<Trigger>,
    /// What is decided by comparison.
    pub(crate) tests: Arc<[Test]>,
    /// The remaining condition, as Cedar text.
    pub(crate) condition: Option<String>,
    pub(crate) mentions: Mentions,
    /// Whether its resources are listed in a way that the index cannot use.
    pub(crate) hides_its_list: bool,
}

/// Finds a policy's place, or says why it has none.
pub(crate) fn place(policy: &Policy, resources: &Resources) -> Result<Placement, String> {
    let Ok(Parts::Static(parts)) = policy.to_pst() else {
        return Err("templates have no place in a catalogue: write the policy out".to_owned());
    };
    let body = parts.body();
    let role = role(&body.principal)?;
    let mut actions = actions(&body.action)?;
    let (mut seat, target) = seat(&body.resource, resources)?;
    let mut conjuncts = conjuncts(body.clauses());
    let mut trigger = None;
    let mut tests = Vec::new();
    // INVARIANT: each round takes the first of what remains, and what it takes cannot err.
    while let Some(first) = conjuncts.first() {
        if let (Seat::Any, Some(named)) = (&seat, allow_list(first)) {
            let listed = named.iter().map(|uid| resource(uid, resources)).collect::<Result<Vec<_>, _>>()?;
            let listed: Option<Vec<u32>> = listed.into_iter().collect();
            let Some(listed) = listed else { break };
            seat = Seat::Resources(listed);
        } else if let (None, Some(found)) = (&trigger, lifted_trigger(first, resources)) {
            trigger = Some(found?);
        } else if let Some(test) = recognise::test(first) {
            tests.push(test);
        } else {
            break;
        }
        conjuncts.remove(0);
    }
    actions.retain(|action| fits(*action, &seat, target.as_ref(), resources));
    if policy.effect() == Effect::Permit
        && let Some(action) = actions.iter().find(|action| action.is_explicit_only())
        && (role.is_none() || matches!(body.action, ActionConstraint::Any))
    {
        let name = action.name();
        return Err(format!("{name} is permitted to a role that names it only: write the role and the actions out"));
    }
    if actions.is_empty() {
        return Err("this policy can never apply: none of its actions is done to its resource".to_owned());
    }
    let mut mentioned = Mentions::default();
    conjuncts.iter().for_each(|conjunct| mentions(conjunct, &mut mentioned));
    if mentioned.principal {
        let message = "conditions cannot speak of `principal`: name the role in the scope (`principal in Role::\"…\"`), \
                       or ask `context.caller`";
        return Err(message.to_owned());
    }
    let hides_its_list = seat == Seat::Any && conjuncts.first().is_some_and(|first| is_alternatives(first));
    let printed: Vec<String> = conjuncts.iter().map(|conjunct| format!("({conjunct})")).collect();
    let condition = (!printed.is_empty()).then(|| printed.join(" && "));
    let tests = tests.into();
    Ok(Placement { role, actions, seat, trigger, tests, condition, mentions: mentioned, hides_its_list })
}

fn role(principal: &PrincipalConstraint) -> Result<Option<String>, String> {
    match principal {
        PrincipalConstraint::Any => Ok(None),
        PrincipalConstraint::Is(entity_type) if entity_type.to_string() == "User" => Ok(None),
        PrincipalConstraint::In(EntityOrSlot::Entity(uid))
        | PrincipalConstraint::IsIn(_, EntityOrSlot::Entity(uid))
            if uid.ty.to_string() == "Role" =>
        {
            Ok(Some(uid.eid.to_string()))
        }
        _ => Err("a policy is for everybody (`principal`) or for a role (`principal in Role::\"…\"`)".to_owned()),
    }
}

fn actions(constraint: &ActionConstraint) -> Result<Vec<Action>, String> {
    let named = match constraint {
        ActionConstraint::Any => return Ok(Action::all().collect()),
        ActionConstraint::Eq(uid) if is_group(&uid.eid) => {
            return Err(format!("`{0}` is a group of actions: write `action in Action::\"{0}\"`", uid.eid));
        }
        ActionConstraint::Eq(uid) => std::slice::from_ref(uid),
        ActionConstraint::In(uids) => uids.as_slice(),
    };
    let mut actions = Vec::new();
    for uid in named {
        let before = actions.len();
        let is_named = |action: &Action| action.name() == uid.eid || action.is_in(&uid.eid);
        actions.extend(Action::all().filter(is_named));
        if actions.len() == before {
            return Err(format!("there is no action {uid}"));
        }
    }
    actions.sort_unstable();
    actions.dedup();
    Ok(actions)
}

/// The seat that the scope gives, and the one kind of resource that it admits, if it says.
fn seat(constraint: &ResourceConstraint, resources: &Resources) -> Result<(Seat, Option<String>), String> {
    let one = |uid: &EntityUID| match resources.named(&uid.ty.to_string(), &uid.eid) {
        Named::Resource(resource) => Ok(Seat::Resources(vec![resource])),
        Named::Group(group) => Ok(Seat::Group(group)),
        Named::Nothing => Err(format!("there is no {uid} in the configuration")),
    };
    match constraint {
        ResourceConstraint::Any => Ok((Seat::Any, None)),
        ResourceConstraint::Is(entity_type) => Ok((Seat::Any, Some(entity_type.to_string()))),
        ResourceConstraint::Eq(EntityOrSlot::Entity(uid)) => match one(uid)? {
            Seat::Group(_) => Err(format!("{uid} is a group: write `resource in {uid}`")),
            seat => Ok((seat, None)),
        },
        ResourceConstraint::In(EntityOrSlot::Entity(uid)) => Ok((one(uid)?, None)),
        ResourceConstraint::IsIn(entity_type, EntityOrSlot::Entity(uid)) => {
            Ok((one(uid)?, Some(entity_type.to_string())))
        }
        _ => Err("templates have no place in a catalogue: write the resource out".to_owned()),
    }
}

/// Whether an action's resources can be those of this seat. A list keeps its foreign members: no question finds them.
fn fits(action: Action, seat: &Seat, target: Option<&String>, resources: &Resources) -> bool {
    let entity_type = action.target().entity_type();
    let is_kind = target.is_none_or(|target| target == entity_type);
    let is_listed = match seat {
        Seat::Resources(listed) => listed.iter().any(|at| resources.target(*at) == Some(action.target())),
        Seat::Group(_) => matches!(action.target(), Target::Model | Target::Dataset),
        Seat::Any => true,
    };
    is_kind && is_listed
}

/// The conjuncts of all clauses, in Cedar's order of evaluation.
fn conjuncts(clauses: &[Clause]) -> Vec<Arc<Expr>> {
    fn flatten(expr: &Arc<Expr>, into: &mut Vec<Arc<Expr>>) {
        match &**expr {
            Expr::BinaryOp { op: BinaryOp::And, left, right } => {
                flatten(left, into);
                flatten(right, into);
            }
            _ => into.push(expr.clone()),
        }
    }
    let mut conjuncts = Vec::new();
    for clause in clauses {
        match clause {
            Clause::When(expr) => flatten(expr, &mut conjuncts),
            Clause::Unless(expr) => {
                let negated = Expr::UnaryOp { op: cedar_policy::pst::UnaryOp::Not, expr: expr.clone() };
                conjuncts.push(Arc::new(negated));
            }
        }
    }
    conjuncts
}

/// `[A, B].contains(resource)`, `resource in [A, B]` or `resource == A`: the entities, where all are literals.
fn allow_list(expr: &Expr) -> Option<Vec<EntityUID>> {
    let Expr::BinaryOp { op, left, right } = expr else { return None };
    let is_resource = |expr: &Expr| matches!(expr, Expr::Var(Var::Resource));
    match op {
        BinaryOp::Contains if is_resource(right) => entity_set(left),
        BinaryOp::In if is_resource(left) => entity_set(right).or_else(|| entity(right).map(|uid| vec![uid])),
        BinaryOp::Eq if is_resource(left) => entity(right).map(|uid| vec![uid]),
        BinaryOp::Eq if is_resource(right) => entity(left).map(|uid| vec![uid]),
        _ => None,
    }
}

/// `resource == A || resource == B`: a list of resources that is evaluated on every question of its actions.
fn is_alternatives(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { op: BinaryOp::Or, left, right } => {
            [left, right].into_iter().all(|side| is_alternatives(side) || allow_list(side).is_some())
        }
        _ => false,
    }
}

fn entity(expr: &Expr) -> Option<EntityUID> {
    match expr {
        Expr::Literal(Literal::EntityUID(uid)) => Some(uid.clone()),
        _ => None,
    }
}

fn entity_set(expr: &Expr) -> Option<Vec<EntityUID>> {
    match expr {
        Expr::Set(items) => items.iter().map(|item| entity(item)).collect(),
        _ => None,
    }
}

/// The resource of an allow-list's entity; `None` for a group, which leaves the list to Cedar.
fn resource(uid: &EntityUID, resources: &Resources) -> Result<Option<u32>, String> {
    match resources.named(&uid.ty.to_string(), &uid.eid) {
        Named::Resource(resource) => Ok(Some(resource)),
        Named::Group(_) => Ok(None),
        Named::Nothing => Err(format!("there is no {uid} in the configuration")),
    }
}

/// `context.matched.contains("NAME")` or `context.found.contains(InfoType::"NAME")`.
fn lifted_trigger(expr: &Expr, resources: &Resources) -> Option<Result<Trigger, String>> {
    let Expr::BinaryOp { op: BinaryOp::Contains, left, right } = expr else { return None };
    let Expr::GetAttr { expr: of, attr } = &**left else { return None };
    if !matches!(&**of, Expr::Var(Var::Context)) {
        return None;
    }
    match (attr.as_str(), &**right) {
        ("matched", Expr::Literal(Literal::String(name))) => Some(Ok(Trigger::Matched(name.as_str().into()))),
        ("found", Expr::Literal(Literal::EntityUID(uid))) => {
            let index = resources.info_type_index(&uid.eid);
            Some(index.map(Trigger::Found).ok_or_else(|| format!("no detector finds {uid}")))
        }
        _ => None,
    }
}
