//! Which conjuncts are one of the forms that need no evaluator. What is not exactly such a form is left to Cedar.

use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp, Var};
use gatewright_model::Parameter;

use crate::action::Action;
use crate::test::{Actions, Stated, Test};

/// The test that this conjunct is, if it is one.
pub(super) fn test(conjunct: &Expr) -> Option<Test> {
    match conjunct {
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            let parameter = has_parameter(cond)?;
            let mut stated = Stated { parameter, lower: None, upper: None, needed_by: needed_by(else_expr)? };
            bounds(then_expr, &mut stated)?;
            Some(Test::Stated(stated))
        }
        Expr::UnaryOp { op: UnaryOp::Not, expr } => unlifted(expr).or_else(|| moment(expr, Sense::Negated)),
        _ => moment(conjunct, Sense::Plain),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sense {
    Plain,
    Negated,
}

/// A comparison, with `!(a < b)` as `a >= b`: Cedar keeps either of the two.
fn compared(expr: &Expr, sense: Sense) -> Option<(BinaryOp, &Expr, i64)> {
    let Expr::BinaryOp { op, left, right } = expr else { return None };
    let op = match (op, sense) {
        (BinaryOp::Less, Sense::Negated) => BinaryOp::GreaterEq,
        (BinaryOp::Less | BinaryOp::LessEq | BinaryOp::GreaterEq, Sense::Plain) => *op,
        _ => return None,
    };
    let Expr::Literal(Literal::Long(number)) = &**right else { return None };
    Some((op, &**left, *number))
}

/// `context.now >= N` or `context.now < N`.
fn moment(expr: &Expr, sense: Sense) -> Option<Test> {
    let (op, left, number) = compared(expr, sense)?;
    if !is_context(left, "now") {
        return None;
    }
    match op {
        BinaryOp::GreaterEq => Some(Test::From(number)),
        BinaryOp::Less => Some(Test::Until(number)),
        _ => None,
    }
}

/// `context.approvals.contains("RULE")`, whose negation it is.
fn unlifted(expr: &Expr) -> Option<Test> {
    let Expr::BinaryOp { op: BinaryOp::Contains, left, right } = expr else { return None };
    match &**right {
        Expr::Literal(Literal::String(rule)) if is_context(left, "approvals") => {
            Some(Test::Unlifted(rule.as_str().into()))
        }
        _ => None,
    }
}

/// `context.parameters has NAME`.
fn has_parameter(expr: &Expr) -> Option<Parameter> {
    match expr {
        Expr::HasAttr { expr, attrs } if is_context(expr, "parameters") && attrs.len() == 1 => {
            Parameter::from_name(&attrs.head)
        }
        _ => None,
    }
}

/// `context.parameters.NAME.at_least >= N`, `… .at_most <= N`, or both, of the parameter that is known to be there.
fn bounds(expr: &Expr, stated: &mut Stated) -> Option<()> {
    if let Expr::BinaryOp { op: BinaryOp::And, left, right } = expr {
        bounds(left, stated)?;
        return bounds(right, stated);
    }
    let (op, left, number) = match expr {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => compared(expr, Sense::Negated)?,
        _ => compared(expr, Sense::Plain)?,
    };
    let Expr::GetAttr { expr: of, attr: side } = left else { return None };
    let Expr::GetAttr { expr: of, attr: name } = &**of else { return None };
    if !is_context(of, "parameters") || Parameter::from_name(name) != Some(stated.parameter) {
        return None;
    }
    let slot = match (op, side.as_str()) {
        (BinaryOp::GreaterEq, "at_least") => &mut stated.lower,
        (BinaryOp::LessEq, "at_most") => &mut stated.upper,
        _ => return None,
    };
    // A second bound of one side would have to be joined with the first.
    slot.replace(number).is_none().then_some(())
}

/// `true`, or `!(action in [A, B])` of actions that are no groups.
fn needed_by(expr: &Expr) -> Option<Actions> {
    let mut needing = Actions::default();
    match expr {
        Expr::Literal(Literal::Bool(true)) => Some(needing),
        Expr::UnaryOp { op: UnaryOp::Not, expr } => {
            let Expr::BinaryOp { op: BinaryOp::In, left, right } = &**expr else { return None };
            let (Expr::Var(Var::Action), Expr::Set(listed)) = (&**left, &**right) else { return None };
            for item in listed {
                let Expr::Literal(Literal::EntityUID(uid)) = &**item else { return None };
                let named = Action::all().find(|action| uid.ty.to_string() == "Action" && action.name() == uid.eid)?;
                needing.add(named);
            }
            Some(needing)
        }
        _ => None,
    }
}

fn is_context(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::GetAttr { expr, attr } if attr == name && matches!(&**expr, Expr::Var(Var::Context)))
}
