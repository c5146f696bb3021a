//! What clients ask of a server before they ask for a collection. The gateway answers: its callers see one tenant and
//! one database, whatever their datasets' places are.

use gatewright_json::{Object, Value, to_bytes};
use gatewright_model::{Code, Refusal};

use super::operation::{MOST_RECORDS, check_namespace};
use super::place::{THE_DATABASE, THE_TENANT};
use super::{DATABASE, IDENTITY, LIST_COUNT, PREFLIGHT, TENANT, VERSION};
use crate::Route;

/// Whether the gateway answers this route by itself.
pub(super) fn is_answered_here(route: &Route) -> bool {
    [IDENTITY, VERSION, PREFLIGHT, TENANT, DATABASE, LIST_COUNT].contains(&route.id)
}

/// The answer; `names` are the datasets that the caller may read.
pub(super) fn answer(route: &Route, ids: &[&str], names: &[&str]) -> Result<Vec<u8>, Refusal> {
    check_namespace(ids)?;
    let answer: Value = match route.id {
        IDENTITY => Object::from_iter([
            ("user_id", Value::from("")),
            ("tenant", THE_TENANT.into()),
            ("databases", vec![Value::from(THE_DATABASE)].into()),
        ])
        .into(),
        TENANT => Object::from_iter([("name", Value::from(THE_TENANT)), ("resource_name", Value::Null)]).into(),
        DATABASE => Object::from_iter([
            ("id", Value::from("00000000-0000-0000-0000-000000000000")),
            ("name", THE_DATABASE.into()),
            ("tenant", THE_TENANT.into()),
        ])
        .into(),
        // The version of the HTTP API, as servers of it say: whose release runs behind the gateway is nobody's business.
        VERSION => "1.0.0".into(),
        PREFLIGHT => Object::from_iter([
            ("max_batch_size", Value::from(MOST_RECORDS as u64)),
            ("supports_base64_encoding", false.into()),
        ])
        .into(),
        LIST_COUNT => (names.len() as u64).into(),
        _ => return Err(Refusal::new(Code::UnknownOperation, "The gateway has no answer of its own to this.")),
    };
    Ok(to_bytes(&answer))
}
