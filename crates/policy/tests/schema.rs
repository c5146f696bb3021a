//! `schema/catalogue.schema.json`, for editors, says what the reader says: the same keys, the same words.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail by panicking")]

mod support;

use std::collections::BTreeSet;

use gatewright_model::{Operation, Parameter, Treatment};
use gatewright_policy::{ADMIN_PERMISSIONS, STARTER, parse};
use serde_json::Value;
use support::source;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../schema/catalogue.schema.json")).unwrap()
}

/// What the reader knows at the place where this text has the key `zzz`.
fn known_here(text: &str) -> BTreeSet<String> {
    let faults = parse(&[source("catalogue.yaml", &format!("version: 1\n{text}"))]).unwrap_err();
    let fault = faults
        .iter()
        .find(|fault| fault.message.starts_with("unknown key \"zzz\""))
        .unwrap_or_else(|| panic!("{text}: {faults:?}"));
    let (_, known) = fault.message.split_once("known here: ").unwrap();
    known.split(", ").map(str::to_owned).collect()
}

/// The keys of an object of the schema.
fn keys(schema: &Value, pointer: &str) -> BTreeSet<String> {
    let object = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
    assert_eq!(object["additionalProperties"], false, "{pointer}");
    object["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_has_the_keys_that_the_reader_knows() {
    let schema = schema();
    for (pointer, text) in [
        ("", "zzz: 1"),
        ("/$defs/masking", "masking: { zzz: 1 }"),
        ("/$defs/both_ways", "masking: { internal: { zzz: 1 } }"),
        (
            "/$defs/both_ways/properties/types/patternProperties/^[A-Z][A-Z0-9_]*$",
            "masking: { internal: { types: { A: { zzz: 1 } } } }",
        ),
        ("/$defs/masking/properties/embed", "masking: { embed: { zzz: 1 } }"),
        ("/$defs/detector", "detectors: { A: { zzz: 1 } }"),
        ("/$defs/role", "roles: { a: { zzz: 1 } }"),
        ("/$defs/member", "roles: { a: { members: [{ zzz: 1 }] } }"),
        ("/$defs/grant", "roles: { a: { grants: [{ zzz: 1 }] } }"),
        ("/$defs/group_selector", "roles: { a: { grants: [{ models: { zzz: 1 } }] } }"),
        ("/$defs/range", "roles: { a: { grants: [{ parameters: { n: { zzz: 1 } } }] } }"),
        ("/$defs/window", "roles: { a: { valid: { zzz: 1 } } }"),
        ("/$defs/dataset", "roles: { a: { datasets: { b: { zzz: 1 } } } }"),
        ("/$defs/dataset_grant", "roles: { a: { datasets: [{ zzz: 1 }] } }"),
        ("/$defs/budget", "roles: { a: { budget: { zzz: 1 } } }"),
        ("/$defs/budget", "budgets: { a: { zzz: 1 } }"),
        ("/$defs/rule", "rules: [{ zzz: 1 }]"),
        ("/$defs/rule/properties/when", "rules: [{ when: { zzz: 1 } }]"),
        ("/$defs/hours", "rules: [{ when: { hours: { zzz: 1 } } }]"),
        ("/$defs/hours", "rules: [{ when: { outside_hours: [{ zzz: 1 }] } }]"),
        ("/$defs/over", "rules: [{ when: { parameters: { n: { zzz: 1 } } } }]"),
        ("/$defs/rule/properties/then", "rules: [{ when: { roles: [a] }, then: { zzz: 1 } }]"),
        ("/$defs/pattern", "rules: [{ when: { prompt: { zzz: 1 } } }]"),
        ("/$defs/approval", "approvals: { a: { zzz: 1 } }"),
        ("/$defs/approver", "approvals: { a: { approvers: [{ zzz: 1 }] } }"),
        ("/$defs/request", "roles: { a: { request: { zzz: 1 } } }"),
        ("/$defs/approver", "roles: { a: { request: { by: [{ zzz: 1 }] } } }"),
    ] {
        assert_eq!(keys(&schema, pointer), known_here(text), "{pointer} of the schema, {text}");
    }
}

#[test]
fn the_schema_has_the_words_that_the_reader_knows() {
    let schema = schema();
    let words = |pointer: &str| -> BTreeSet<String> {
        let listed = schema.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("{pointer}"));
        listed.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let own =
        |words: &mut dyn Iterator<Item = &'static str>| -> BTreeSet<String> { words.map(str::to_owned).collect() };
    let operations = |fits: fn(&str) -> bool| {
        let named = Operation::ALL.iter().map(|operation| operation.name()).filter(|name| fits(name));
        own(&mut named.chain(["inference", "manage-model"]))
    };
    assert_eq!(words("/$defs/any_operation/enum"), operations(|_| true));
    assert_eq!(words("/$defs/operation/enum"), operations(|name| !name.ends_with("-dataset")));
    assert_eq!(words("/$defs/treatment/enum"), own(&mut Treatment::ALL.iter().map(|treatment| treatment.name())));
    assert_eq!(words("/$defs/role/properties/admin/items/enum"), own(&mut ADMIN_PERMISSIONS.iter().copied()));
    let parameters = own(&mut Parameter::ALL.iter().map(|parameter| parameter.name()));
    assert_eq!(keys(&schema, "/$defs/grant/properties/parameters"), parameters);
    assert_eq!(keys(&schema, "/$defs/rule/properties/when/properties/parameters"), parameters);
}

/// Whether a value fits a schema: as much of JSON Schema as ours uses, but for patterns and bounds.
fn fits(value: &Value, wanted: &Value, schema: &Value) -> Result<(), String> {
    let no = |why: &str| Err(format!("{why}: {value}"));
    if let Some(reference) = wanted["$ref"].as_str() {
        return fits(value, schema.pointer(reference.trim_start_matches('#')).unwrap(), schema);
    }
    if let Some(ways) = wanted["anyOf"].as_array() {
        return if ways.iter().any(|way| fits(value, way, schema).is_ok()) { Ok(()) } else { no("none of the ways") };
    }
    if let Some(words) = wanted["enum"].as_array() {
        return if words.contains(value) { Ok(()) } else { no("not one of the words") };
    }
    if let Some(items) = wanted.get("items") {
        let Some(listed) = value.as_array() else { return no("not a list") };
        return listed.iter().try_for_each(|item| fits(item, items, schema));
    }
    if wanted["type"] != "object" {
        return if value.is_object() || value.is_array() { no("not a scalar") } else { Ok(()) };
    }
    let Some(entries) = value.as_object() else { return no("not a mapping") };
    for needed in wanted["required"].as_array().into_iter().flatten() {
        if !entries.contains_key(needed.as_str().unwrap()) {
            return no(&format!("{needed} is missing"));
        }
    }
    let by_pattern = wanted["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
    for (key, entry) in entries {
        let property = wanted["properties"].get(key).or(by_pattern).unwrap_or(&wanted["additionalProperties"]);
        match property {
            Value::Object(property) => fits(entry, &Value::Object(property.clone()), schema)?,
            _ => return no(&format!("{key} is unknown")),
        }
    }
    Ok(())
}

#[test]
fn real_catalogues_fit_the_schema() {
    let schema = schema();
    let page = include_str!("../../../docs/catalogue.md");
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let golden = include_str!("../../../tests/golden/catalogue.yaml");
    let texts: Vec<String> = blocks
        .chain([golden, STARTER])
        .map(|text| if text.contains("version:") { text.to_owned() } else { format!("version: 1\n{text}") })
        .collect();
    assert!(texts.len() >= 5);
    for text in texts {
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        fits(&value, &schema, &schema).unwrap_or_else(|why| panic!("{why}\n{text}"));
    }
    let odd: Value =
        serde_saphyr::from_str("version: 1\nroles: { a: { grants: [{ models: [m], operations: [fly] }] } }").unwrap();
    assert!(fits(&odd, &schema, &schema).is_err());
}
