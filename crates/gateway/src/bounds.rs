//! What policy says of a dataset, as protocols take it.

use gatewright_json::Value;
use gatewright_masking::Detectors;
use gatewright_policy::{DatasetTerms, FilterClause, FilterValue};
use gatewright_protocols::{Bounds, Clause, Vectors};

/// The bounds of a call on all of these datasets: those of each hold. `None` where it reaches none.
pub(crate) fn bounds_of<'t>(all: impl Iterator<Item = &'t DatasetTerms>) -> Option<Bounds> {
    let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
    all.map(bounds_on).reduce(|mut one, other| {
        one.top_k = least(one.top_k, other.top_k);
        one.rows = least(one.rows, other.rows);
        if other.vectors == Vectors::Withheld {
            one.vectors = Vectors::Withheld;
        }
        one.filter.extend(other.filter.into_iter().filter(|clause| !one.filter.contains(clause)).collect::<Vec<_>>());
        one
    })
}

/// The bounds of a call on this dataset.
fn bounds_on(terms: &DatasetTerms) -> Bounds {
    Bounds {
        top_k: terms.top_k.map(u64::from),
        rows: terms.rows.map(u64::from),
        vectors: match terms.vectors {
            gatewright_policy::Vectors::Returned => Vectors::Returned,
            gatewright_policy::Vectors::Withheld => Vectors::Withheld,
        },
        filter: terms.filter.iter().map(clause_of).collect(),
    }
}

fn clause_of(clause: &FilterClause) -> Clause {
    let value = |value: &FilterValue| match value {
        FilterValue::Text(text) => Value::from(text.as_str()),
        FilterValue::Whole(number) => (*number).into(),
        FilterValue::Truth(truth) => (*truth).into(),
    };
    Clause { field: clause.field.clone(), values: clause.values.iter().map(value).collect() }
}

/// Clauses as they are recorded: a value may be a claim about the caller, such as an address.
pub(crate) fn without_values(detectors: &Detectors, clauses: &[Clause]) -> Vec<Clause> {
    let shown = |value: &Value| match value {
        Value::String(text) if !detectors.find(text).is_empty() => Value::from("[VALUE]"),
        other => other.clone(),
    };
    let each =
        |clause: &Clause| Clause { field: clause.field.clone(), values: clause.values.iter().map(shown).collect() };
    clauses.iter().map(each).collect()
}
