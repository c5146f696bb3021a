//! Small steps between our names and Cedar's.

use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, RestrictedExpression, Schema, Validator};

/// The schema that every policy is validated against; published, so that operators can validate their own.
pub const SCHEMA: &str = include_str!("gatewright.cedarschema");

/// The parsed schema.
#[allow(clippy::expect_used, reason = "the schema is a constant of this crate; a test parses it")]
pub(crate) static PARSED_SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::from_cedarschema_str(SCHEMA).map(|(schema, _)| schema).expect("our own schema"));

/// Holds policies against it.
pub(crate) static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| Validator::new(PARSED_SCHEMA.clone()));

/// An entity's identity. `entity_type` is one of the schema's, never text from outside.
#[allow(clippy::expect_used, reason = "entity types are literals of this crate")]
pub(crate) fn uid(entity_type: &str, id: &str) -> EntityUid {
    let entity_type = EntityTypeName::from_str(entity_type).expect("an entity type of the schema");
    EntityUid::from_type_name_and_id(entity_type, EntityId::new(id))
}

pub(crate) fn uid_expression(uid: &EntityUid) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid.clone())
}

/// Text as a Cedar string literal.
pub(crate) fn literal(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

/// An entity as Cedar writes it.
pub(crate) fn entity(entity_type: &str, id: &str) -> String {
    format!("{entity_type}::{}", literal(id))
}

#[cfg(test)]
mod tests {
    use cedar_policy::EntityUid;

    use super::*;
    use crate::action::{Action, Target};

    #[test]
    fn the_schema_knows_every_action_and_nothing_else() {
        let (_, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        assert_eq!(warnings.count(), 0);
        let mut ours: Vec<EntityUid> = Action::all().map(|action| uid("Action", action.name())).collect();
        ours.push(uid("Action", "inference"));
        ours.push(uid("Action", "manage-model"));
        let mut known: Vec<EntityUid> = PARSED_SCHEMA.actions().cloned().collect();
        ours.sort();
        known.sort();
        assert_eq!(known, ours);
    }

    #[test]
    fn the_schema_gives_each_action_the_target_that_the_index_gives_it() {
        for action in Action::all() {
            let at = uid("Action", action.name());
            let targets: Vec<String> =
                PARSED_SCHEMA.resources_for_action(&at).unwrap().map(ToString::to_string).collect();
            assert_eq!(targets, [action.target().entity_type()], "{}", action.name());
            for group in ["inference", "manage-model"] {
                let policy = format!("permit(principal, action in Action::\"{group}\", resource) when {{ action == ");
                let policy: cedar_policy::PolicySet = format!("{policy}{at} }};").parse().unwrap();
                let mode = cedar_policy::ValidationMode::Strict;
                let result = cedar_policy::Validator::new(PARSED_SCHEMA.clone()).validate(&policy, mode);
                let can_apply = result.validation_passed_without_warnings();
                assert_eq!(can_apply, action.is_in(group), "{}", action.name());
                assert!(!action.is_in(group) || !action.is_explicit_only(), "{}", action.name());
            }
            assert!(!action.is_inference() || action.target() == Target::Model);
        }
    }

    #[test]
    fn names_of_any_kind_survive_as_literals() {
        for name in ["plain", "a\"b", "back\\slash", "new\nline", "\u{0}", "\u{202e}", "é日本", "'", "\u{7f}"] {
            let written: EntityUid = entity("Model", name).parse().unwrap();
            assert_eq!(written, uid("Model", name), "{name:?}");
        }
    }
}
