//! The house rules, checked by a program: which crate may import which, what the pure crates may reach, and what no
//! file may say.

mod edges;
mod graph;
mod lengths;
mod purity;
mod sources;
mod words;

use crate::workspace::Workspace;
use graph::Graph;

/// One breach of a rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    place: String,
    says: String,
}

impl Fault {
    fn new(place: impl Into<String>, says: impl Into<String>) -> Self {
        Self { place: place.into(), says: says.into() }
    }
}

/// Checks every rule and prints what was found; true when nothing was.
pub(crate) fn run(workspace: &Workspace) -> bool {
    match check(workspace) {
        Ok((faults, report)) => {
            for line in &report {
                println!("{line}");
            }
            for fault in &faults {
                eprintln!("tidy: {}: {}", fault.place, fault.says);
            }
            println!("tidy: {} {}", faults.len(), if faults.len() == 1 { "fault" } else { "faults" });
            faults.is_empty()
        }
        Err(error) => {
            eprintln!("tidy: {error}");
            false
        }
    }
}

fn check(workspace: &Workspace) -> Result<(Vec<Fault>, Vec<String>), String> {
    let graph = Graph::read(workspace)?;
    let mut faults = edges::check(&graph);
    faults.extend(purity::check(&graph));
    let mut files = Vec::new();
    for name in workspace.files()? {
        // What is not text is an image, or a file that vanished since git listed it.
        if let Ok(text) = std::fs::read_to_string(workspace.root().join(&name)) {
            files.push((name, text));
        }
    }
    let of_tests: Vec<String> = files.iter().flat_map(|(name, text)| sources::test_modules(name, text)).collect();
    let mut sizes = Vec::new();
    for (name, text) in files {
        faults.extend(words::check(&name, &text));
        if name.ends_with(".rs") {
            if !of_tests.iter().any(|module| name.starts_with(module.as_str())) {
                faults.extend(sources::check(&name, &text));
            }
            sizes.push(lengths::measure(&name, &text));
        }
        if sources::is_member_manifest(&name) {
            faults.extend(sources::check_manifest(&name, &text));
        }
    }
    faults.extend(lengths::check(&sizes));
    Ok((faults, lengths::report(&sizes)))
}
