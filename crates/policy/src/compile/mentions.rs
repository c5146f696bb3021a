//! What a condition speaks of, so that a question's context is built no larger than it has to be.

use cedar_policy::pst::{Expr, Var};

use crate::context::Attributes;

/// What was found in an expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    /// `principal`, in any way.
    pub(crate) principal: bool,
    /// Attributes of `context`.
    pub(crate) attributes: Attributes,
}

/// Adds what this expression speaks of. What is not understood counts as speaking of everything.
pub(crate) fn mentions(expr: &Expr, found: &mut Mentions) {
    match expr {
        Expr::Literal(_) => {}
        Expr::Var(Var::Principal) => found.principal = true,
        Expr::Var(Var::Context) => found.attributes = Attributes::all(),
        Expr::Var(Var::Action | Var::Resource) => {}
        Expr::GetAttr { expr, attr } if is_context(expr) => found.attributes.add(attr),
        Expr::HasAttr { expr, attrs } if is_context(expr) => found.attributes.add(&attrs.head),
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => mentions(expr, found),
        Expr::BinaryOp { left, right, .. } => {
            mentions(left, found);
            mentions(right, found);
        }
        Expr::Is { expr, in_expr, .. } => {
            mentions(expr, found);
            in_expr.iter().for_each(|expr| mentions(expr, found));
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            [cond, then_expr, else_expr].into_iter().for_each(|expr| mentions(expr, found));
        }
        Expr::Set(items) => items.iter().for_each(|item| mentions(item, found)),
        Expr::Record(entries) => entries.values().for_each(|value| mentions(value, found)),
        // Slots, unknowns and whatever a later Cedar adds: nothing that a catalogue may hold.
        _ => *found = Mentions { principal: true, attributes: Attributes::all() },
    }
}

fn is_context(expr: &Expr) -> bool {
    matches!(expr, Expr::Var(Var::Context))
}
