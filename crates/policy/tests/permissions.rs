//! The permission matrix of the starter catalogue, as text that a review can read. After a wanted change, write it anew
//! with `UPDATE_GOLDEN=1 cargo test -p gatewright-policy --test permissions`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use std::fmt::Write;

use gatewright_model::{Operation, Verdict};
use gatewright_policy::{ADMIN_PERMISSIONS, STARTER, STARTER_MODELS};
use support::{NOW, ask, compile_all, landscape, model, person, source};

fn matrix() -> String {
    let mut landscape = landscape();
    landscape.models = STARTER_MODELS.iter().map(|name| model(name, "inside", &[])).collect();
    let catalogue = compile_all(&[source("catalogue.yaml", STARTER)], &landscape).unwrap();
    let callers = [
        ("nobody", ""),
        ("analyst", "analysts"),
        ("ml-admin", "ml-admins"),
        ("model-viewer", "model-viewers"),
        ("restricted-prompt-executor", "prompt-executors"),
        ("admin-inference-operator", "inference-operators"),
        ("security-auditor", "security"),
    ];
    let people = callers.map(|(role, group)| (role, person(role, &[group])));
    let mut text = "# The starter catalogue: what each role may do. `x` is allowed, `h` held, `.` denied.\n".to_owned();
    for (role, caller) in &people {
        writeln!(text, "\n{role}").unwrap();
        let mark = |verdict| match verdict {
            Verdict::Allow => 'x',
            Verdict::Hold => 'h',
            Verdict::Deny => '.',
        };
        for operation in Operation::ALL {
            let of_dataset = operation.name().ends_with("-dataset");
            let (what, names) = match of_dataset {
                true => ("dataset", vec!["tickets", "payroll"]),
                false => ("model", STARTER_MODELS.into_iter().chain(["no-such-model", ""]).collect()),
            };
            let mut line = format!("  {:<20}", operation.name());
            for name in names {
                let asked = match what {
                    "dataset" => ask(*operation, "").reaching(name),
                    _ => ask(*operation, name),
                };
                let name = if name.is_empty() { "(none)" } else { name };
                let verdict = asked.by_in(caller, &catalogue, &landscape).verdict;
                write!(line, " {} {name:<15}", mark(verdict)).unwrap();
            }
            writeln!(text, "{}", line.trim_end()).unwrap();
        }
        let roles = catalogue.roles_of(caller, NOW);
        for permission in ADMIN_PERMISSIONS {
            let verdict = catalogue.permits_admin(caller, &roles, NOW, permission).verdict;
            writeln!(text, "  {permission:<20} {}", mark(verdict)).unwrap();
        }
    }
    text
}

#[test]
fn the_matrix_is_the_one_that_was_reviewed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/permissions.txt");
    let matrix = matrix();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &matrix).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), matrix, "see the head of this test");
}
