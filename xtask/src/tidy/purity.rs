use super::Fault;
use super::graph::Graph;

/// Crates that take and give plain values. What they decide can be tested without a network, replayed, and fuzzed.
const PURE: &[&str] = &["model", "api", "json", "policy", "masking", "protocols", "ledger"];

/// What a pure crate must not reach, not even through another crate: a runtime, a socket, a database, randomness.
const BEYOND_PURE: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "hyper-util",
    "rustls",
    "tokio-rustls",
    "notify",
    "rusqlite",
    "libsqlite3-sys",
    "rand",
    "getrandom",
    "tracing-subscriber",
];

/// What only one crate may import directly, so that its knowledge stays in one place.
const OWNED: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("cedar-policy", &["policy"]),
    ("jsonwebtoken", &["identity"]),
    ("clap", &["cli"]),
    ("serde-saphyr", &["policy", "server"]),
    ("tracing-subscriber", &["server"]),
];

/// What must be nowhere in the build.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc-rs is the only cryptography; with two providers rustls panics at run time"),
    ("openssl-sys", "TLS is rustls"),
];

/// Follows every pure crate's imports to their ends, and looks for crates that are out of place.
pub(super) fn check(graph: &Graph) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in PURE {
        let package = format!("gatewright-{name}");
        for forbidden in BEYOND_PURE {
            if let Some(path) = graph.path(&package, forbidden) {
                faults.push(Fault::new(&package, format!("must stay pure but reaches {}", path.join(" -> "))));
            }
        }
    }
    for member in graph.members() {
        for (imported, _) in graph.imports(member) {
            let Some((_, owners)) = OWNED.iter().find(|(name, _)| *name == imported) else { continue };
            if !owners.iter().any(|owner| member.strip_prefix("gatewright-") == Some(owner)) {
                faults.push(Fault::new(member, format!("imports {imported}, which only {} may", owners.join(" and "))));
            }
        }
        for (banned, why) in BANNED {
            if let Some(path) = graph.path(member, banned) {
                faults.push(Fault::new(member, format!("{}: {why}", path.join(" -> "))));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::graph::Purpose;
    use super::*;

    #[test]
    fn a_runtime_is_found_behind_another_crate() {
        let graph = Graph::of(
            &["gatewright-masking"],
            &[("gatewright-masking", "innocent", Purpose::Product), ("innocent", "tokio", Purpose::Product)],
        );
        assert_eq!(
            check(&graph),
            [Fault::new("gatewright-masking", "must stay pure but reaches gatewright-masking -> innocent -> tokio")]
        );
    }

    #[test]
    fn tests_of_a_pure_crate_may_use_a_runtime() {
        let graph = Graph::of(&["gatewright-masking"], &[("gatewright-masking", "tokio", Purpose::Test)]);
        assert_eq!(check(&graph), []);
    }

    #[test]
    fn sql_stays_in_the_store() {
        let graph = Graph::of(
            &["gatewright-store", "gatewright-admin"],
            &[("gatewright-store", "rusqlite", Purpose::Product), ("gatewright-admin", "rusqlite", Purpose::Product)],
        );
        assert_eq!(check(&graph), [Fault::new("gatewright-admin", "imports rusqlite, which only store may")]);
    }

    #[test]
    fn a_second_cryptography_is_found_anywhere() {
        let graph = Graph::of(
            &["gatewright-dial"],
            &[("gatewright-dial", "tls", Purpose::Product), ("tls", "ring", Purpose::Product)],
        );
        assert_eq!(check(&graph).len(), 1);
    }
}
