use super::Fault;

/// Crates that speak to a person on their standard streams. Every other crate is a library and gives values.
const SPEAKING: &[&str] = &["crates/cli/", "crates/server/src/commands/", "xtask/", "benches/", "tests/"];

/// What a pure crate's code must not name: time, randomness and the world outside are passed in.
const IMPURE: &[&str] =
    &["std::fs", "std::net", "std::env::var", "std::process", "std::thread::sleep", "SystemTime::now", "Instant::now"];

const PURE: &[&str] = &["model", "api", "json", "policy", "masking", "protocols", "ledger"];

/// The one module that sends a caller's request to a model server: what it takes proves that the request was
/// authenticated, permitted, masked and recorded, so a second sender would be a road around all of these. The quickstart
/// asks a server for its list of models, on nobody's behalf.
const THE_ONE_ROAD: &[&str] = &["crates/gateway/src/forward", "crates/server/src/quickstart/", "crates/upstream/"];

/// What every request to a model server is made of.
const A_REQUEST: &str = "Outgoing";

/// Who may read the process's environment: the composition root, the lender of `env:` credentials, and what serves tests
/// alone.
const READS_ENVIRONMENT: &[&str] =
    &["crates/server/", "crates/cli/", "crates/testkit/", "crates/upstream/src/lend", "xtask/", "benches/", "tests/"];

/// Looks at one Rust file.
pub(super) fn check(name: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if is_crate_root(name) && !text.starts_with("//!") {
        faults.push(Fault::new(name, "the crate does not open with a paragraph: what it is, what it does not do"));
    }
    let inside_tests =
        ["/tests/", "/examples/"].iter().any(|folder| name.contains(folder)) || name.ends_with("/tests.rs");
    for (number, line) in product_lines(text) {
        let place = || format!("{name}:{number}");
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        if !starts(SPEAKING) && !inside_tests {
            for speaking in ["println!(", "print!(", "dbg!("] {
                if line.contains(speaking) {
                    faults.push(Fault::new(place(), format!("`{speaking}…)`: a library gives values or traces")));
                }
            }
        }
        if !inside_tests {
            if let Some(word) = pure_crate(name).and_then(|_| IMPURE.iter().find(|word| line.contains(**word))) {
                faults.push(Fault::new(place(), format!("`{word}` in a pure crate; pass the value in")));
            }
            if line.contains("env::var") && !starts(READS_ENVIRONMENT) && pure_crate(name).is_none() {
                faults.push(Fault::new(place(), "reads the environment; configuration is read by `server`"));
            }
        }
        if name.starts_with("crates/") && !inside_tests && !starts(THE_ONE_ROAD) && line.contains(A_REQUEST) {
            faults.push(Fault::new(place(), "makes a request to a model server; only `gateway::forward` may"));
        }
    }
    faults
}

/// The files, or the folders of files, that one file declares as modules of its tests: `#[cfg(test)] mod scene;`.
pub(super) fn test_modules(name: &str, text: &str) -> Vec<String> {
    let Some((folder, file)) = name.rsplit_once('/') else { return Vec::new() };
    let stem = file.trim_end_matches(".rs");
    let folder = if ["lib", "main", "mod"].contains(&stem) { folder.to_owned() } else { format!("{folder}/{stem}") };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].strip_suffix(';')?.rsplit_once("mod ").map(|(_, module)| module))
        .flat_map(|module| [format!("{folder}/{module}.rs"), format!("{folder}/{module}/")])
        .collect()
}

/// Whether the file is the manifest of a package of this workspace.
pub(super) fn is_member_manifest(name: &str) -> bool {
    name.ends_with("/Cargo.toml")
}

/// Looks at one package's manifest.
pub(super) fn check_manifest(name: &str, text: &str) -> Vec<Fault> {
    if text.contains("[lints]\nworkspace = true") {
        Vec::new()
    } else {
        vec![Fault::new(name, "does not inherit the workspace's lints")]
    }
}

fn is_crate_root(name: &str) -> bool {
    name.ends_with("src/lib.rs") || name.ends_with("src/main.rs")
}

fn pure_crate(name: &str) -> Option<&'static str> {
    let rest = name.strip_prefix("crates/")?;
    PURE.iter().find(|pure| rest.strip_prefix(**pure).is_some_and(|rest| rest.starts_with("/src/"))).copied()
}

/// The lines before the tests, without comments, numbered from 1.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_opens_with_a_paragraph() {
        assert_eq!(check("crates/x/src/lib.rs", "pub mod a;\n").len(), 1);
        assert_eq!(check("crates/x/src/lib.rs", "//! What it is.\n"), []);
        assert_eq!(check("crates/x/src/other.rs", "pub mod a;\n"), []);
    }

    #[test]
    fn a_library_does_not_print() {
        assert_eq!(check("crates/x/src/a.rs", "fn a() { println!(\"b\") }\n").len(), 1);
        assert_eq!(check("crates/cli/src/a.rs", "fn a() { println!(\"b\") }\n"), []);
        assert_eq!(check("crates/x/src/a.rs", "// println!(\"b\")\n#[cfg(test)]\nfn a() { println!(\"b\") }\n"), []);
    }

    #[test]
    fn a_pure_crate_does_not_look_at_the_clock() {
        assert_eq!(check("crates/masking/src/a.rs", "let now = SystemTime::now();\n").len(), 1);
        assert_eq!(check("crates/server/src/a.rs", "let now = SystemTime::now();\n"), []);
        assert_eq!(check("crates/masking/tests/a.rs", "std::fs::read(path);\n"), []);
    }

    #[test]
    fn only_one_module_calls_model_servers() {
        let line = "use gatewright_upstream::Outgoing;\n";
        assert_eq!(check("crates/server/src/run.rs", line).len(), 1);
        assert_eq!(check("crates/gateway/src/mask.rs", line).len(), 1);
        assert_eq!(check("crates/gateway/src/forward.rs", line), []);
        assert_eq!(check("crates/gateway/src/forward/send.rs", line), []);
    }

    #[test]
    fn only_the_composition_root_reads_the_environment() {
        let line = "let value = std::env::var(\"X\");\n";
        assert_eq!(check("crates/identity/src/a.rs", line).len(), 1);
        assert_eq!(check("crates/masking/src/a.rs", line).len(), 1);
        assert_eq!(check("crates/server/src/a.rs", line), []);
    }

    #[test]
    fn modules_of_tests_are_known_by_their_declaration() {
        let text = "mod a;\n#[cfg(test)]\nmod scene;\n";
        assert_eq!(test_modules("crates/x/src/lib.rs", text), ["crates/x/src/scene.rs", "crates/x/src/scene/"]);
        assert_eq!(test_modules("crates/x/src/b.rs", text)[0], "crates/x/src/b/scene.rs");
    }

    #[test]
    fn lints_are_inherited() {
        assert_eq!(check_manifest("crates/x/Cargo.toml", "[package]\n").len(), 1);
        assert_eq!(check_manifest("crates/x/Cargo.toml", "[lints]\nworkspace = true\n"), []);
    }
}
