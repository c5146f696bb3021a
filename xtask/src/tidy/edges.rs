use super::Fault;
use super::graph::{Graph, Purpose};

/// Who may import whom: a crate, and the crates of this repository that its product code may name. Arrows only point
/// down. An edge that is not here needs a reason strong enough for a decision in `docs/adr/`.
const EDGES: &[(&str, &[&str])] = &[
    // Nouns.
    ("model", &[]),
    ("api", &[]),
    ("json", &[]),
    ("tunnel", &[]),
    // Pure: no socket, no clock, no database.
    ("policy", &["model", "json"]),
    ("masking", &["model"]),
    ("protocols", &["model", "json"]),
    ("ledger", &["model"]),
    // Doors.
    ("dial", &[]),
    ("store", &["model", "ledger"]),
    ("identity", &["model", "json", "dial", "store"]),
    ("upstream", &["model", "dial", "store", "tunnel"]),
    ("notify", &["model", "dial", "store"]),
    // Product.
    ("gateway", &["model", "json", "policy", "masking", "protocols", "ledger", "store", "identity", "upstream"]),
    ("admin", &["model", "api", "policy", "ledger", "store", "identity"]),
    ("console", &["api"]),
    ("agent", &["model", "tunnel"]),
    ("demo", &["model", "json"]),
    // Composition.
    (
        "server",
        &[
            "model",
            "api",
            "json",
            "tunnel",
            "policy",
            "masking",
            "protocols",
            "ledger",
            "dial",
            "store",
            "identity",
            "upstream",
            "notify",
            "gateway",
            "admin",
            "console",
            "agent",
            "demo",
        ],
    ),
    ("cli", &["model", "api", "json", "policy", "masking", "ledger", "agent", "server"]),
];

/// Crates that serve tests alone: they may import anything, and product code may import none of them.
const TEST_CRATES: &[&str] = &["testkit", "e2e", "bench"];

/// What any crate's tests may import besides what the crate itself may.
const FOR_TESTS: &[&str] = &["testkit", "demo"];

/// The project's own commands, which import nothing of the product.
const COMMANDS: &str = "xtask";

/// Holds the graph against the table.
pub(super) fn check(graph: &Graph) -> Vec<Fault> {
    let mut faults = Vec::new();
    for package in graph.members() {
        let Some(crate_name) = short(package) else {
            if package != COMMANDS {
                faults.push(Fault::new(package, "the package's name lacks the prefix `gatewright-`"));
            }
            faults.extend(
                graph
                    .imports(package)
                    .filter(|(to, _)| graph.is_member(to))
                    .map(|(to, _)| Fault::new(package, format!("imports {to}; it may import nothing of the product"))),
            );
            continue;
        };
        if TEST_CRATES.contains(&crate_name) {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == crate_name) else {
            faults.push(Fault::new(package, "the crate is not in tidy's table of edges; give it a row"));
            continue;
        };
        for (to, purpose) in graph.imports(package) {
            let Some(imported) = short(to).filter(|_| graph.is_member(to)) else { continue };
            let permitted = allowed.contains(&imported)
                || (purpose == Purpose::Test && (FOR_TESTS.contains(&imported) || imported == crate_name));
            if !permitted {
                let tests = if purpose == Purpose::Test { " for its tests" } else { "" };
                faults.push(Fault::new(package, format!("imports {imported}{tests}, which its row does not allow")));
            }
        }
    }
    faults
}

fn short(package: &str) -> Option<&str> {
    package.strip_prefix("gatewright-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &[&str] = &[
        "gatewright-policy",
        "gatewright-model",
        "gatewright-protocols",
        "gatewright-testkit",
        "gatewright-e2e",
        "xtask",
    ];

    fn faults(edges: &[(&str, &str, Purpose)]) -> Vec<String> {
        check(&Graph::of(MEMBERS, edges)).into_iter().map(|fault| format!("{}: {}", fault.place, fault.says)).collect()
    }

    #[test]
    fn an_edge_of_the_table_passes() {
        assert_eq!(faults(&[("gatewright-policy", "gatewright-model", Purpose::Product)]), [""; 0]);
    }

    #[test]
    fn an_edge_that_the_table_lacks_is_named() {
        assert_eq!(
            faults(&[("gatewright-policy", "gatewright-protocols", Purpose::Product)]),
            ["gatewright-policy: imports protocols, which its row does not allow"]
        );
    }

    #[test]
    fn an_edge_upwards_is_named() {
        assert_eq!(faults(&[("gatewright-model", "gatewright-policy", Purpose::Product)]).len(), 1);
    }

    #[test]
    fn the_test_kit_is_for_tests_alone() {
        assert_eq!(faults(&[("gatewright-policy", "gatewright-testkit", Purpose::Test)]), [""; 0]);
        assert_eq!(
            faults(&[("gatewright-policy", "gatewright-testkit", Purpose::Product)]),
            ["gatewright-policy: imports testkit, which its row does not allow"]
        );
        assert_eq!(faults(&[("gatewright-policy", "gatewright-e2e", Purpose::Test)]).len(), 1);
    }

    #[test]
    fn tests_get_no_edges_that_turn_the_layers_around() {
        assert_eq!(
            faults(&[("gatewright-policy", "gatewright-protocols", Purpose::Test)]),
            ["gatewright-policy: imports protocols for its tests, which its row does not allow"]
        );
    }

    #[test]
    fn a_crate_without_a_row_is_named() {
        let graph = Graph::of(&["gatewright-misc", "helpers"], &[]);
        assert_eq!(check(&graph).len(), 2);
    }

    #[test]
    fn the_commands_import_nothing_of_the_product() {
        assert_eq!(
            faults(&[("xtask", "gatewright-model", Purpose::Product)]),
            ["xtask: imports gatewright-model; it may import nothing of the product"]
        );
    }

    #[test]
    fn every_row_names_crates_that_have_rows_and_no_row_points_up() {
        for (index, (name, allowed)) in EDGES.iter().enumerate() {
            for imported in *allowed {
                let below = EDGES.iter().position(|(other, _)| other == imported);
                assert!(below.is_some_and(|below| below < index), "{name} -> {imported} does not point down");
            }
        }
    }
}
