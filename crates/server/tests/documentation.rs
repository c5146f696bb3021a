//! `docs/configuration.md` tells every key, no other, and shows examples that hold.

#![allow(clippy::panic, reason = "a test that cannot go on says why")]

use std::collections::BTreeSet;
use std::path::Path;

use gatewright_server::config::{self, Purpose, raw};

fn documentation() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sections by their headings.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let mut sections = Vec::new();
    for part in text.split("\n## ").flat_map(|part| part.split("\n### ")) {
        let (heading, body) = part.split_once('\n').unwrap_or((part, ""));
        sections.push((heading, body));
    }
    sections
}

/// The keys that a section's tables tell: their rows' first cells.
fn told(body: &str) -> BTreeSet<String> {
    let cells = body.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| line.split_once('`'));
    cells.filter(|(_, rest)| rest.starts_with(" |")).map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn every_key_is_told_and_no_other() {
    let text = documentation();
    let sections = sections(&text);
    let headings: BTreeSet<&str> = raw::SECTIONS.iter().map(|(heading, _)| *heading).collect();
    for heading in headings {
        let keys = raw::SECTIONS.iter().filter(|(of, _)| *of == heading).flat_map(|(_, keys)| keys.iter());
        let keys: BTreeSet<String> = keys.map(|key| (*key).to_owned()).collect();
        let body = sections.iter().find(|(of, _)| *of == heading).map_or("", |(_, body)| *body);
        assert_eq!(told(body), keys, "section {heading} of docs/configuration.md");
    }
}

#[test]
fn every_section_is_in_the_list_of_sections() {
    // A section that nobody lists would be documented by nobody. The macro's own invocations are the truth.
    let sources = [include_str!("../src/config/raw.rs"), include_str!("../src/config/raw/notifications.rs")];
    let declared = sources.iter().flat_map(|source| source.lines()).filter(|line| *line == "section! {").count();
    assert_eq!(declared, raw::SECTIONS.len());
}

#[test]
fn every_default_that_is_told_is_the_one_that_runs() {
    let text = documentation();
    let limits = config::ready::Limits::default();
    let shown = |bytes: usize| match bytes {
        bytes if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        bytes => format!("{}KiB", bytes >> 10),
    };
    let timeouts = gatewright_server::config::default_timeouts();
    let lasting = |duration: std::time::Duration| match duration.as_secs() {
        seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    };
    for (key, default) in [
        ("header_bytes", shown(limits.header_bytes)),
        ("header_count", limits.header_count.to_string()),
        ("body_bytes", shown(limits.body_bytes)),
        ("answer_bytes", shown(limits.answer_bytes)),
        ("json_depth", limits.json_depth.to_string()),
        ("header_timeout", lasting(limits.header_timeout)),
        ("body_timeout", lasting(limits.body_timeout)),
        ("write_timeout", lasting(limits.write_timeout)),
        ("connections", limits.connections.to_string()),
        ("streams", limits.streams.to_string()),
        ("connect", lasting(timeouts.connect)),
        ("first_byte", lasting(timeouts.first_byte)),
        ("idle", lasting(timeouts.idle)),
    ] {
        let row = format!("| `{key}` | `{default}` |");
        assert!(text.contains(&row), "docs/configuration.md does not say {row}");
    }
}

#[test]
fn every_channel_that_is_shown_holds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/notifications.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let least = "version: 1\nlisten: { data: \"127.0.0.1:8080\", admin: \"127.0.0.1:8081\" }\ndata: d\ncatalogue: c\n\
                 issuers:\n  corp: { url: \"https://idp.corp.example\", audience: gatewright }\n";
    let examples: Vec<&str> =
        text.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(example, _)| example).collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        let whole = format!("{least}{example}");
        if let Err(faults) = config::parse(&whole, Path::new("/etc/gatewright/gatewright.yaml"), Purpose::Check) {
            panic!("{example}\n{faults:#?}");
        }
    }
}

#[test]
fn every_example_holds() {
    let text = documentation();
    let least = [
        ("version:", "version: 1\n"),
        ("listen:", "listen: { data: \"127.0.0.1:8080\", admin: \"127.0.0.1:8081\" }\n"),
        ("data:", "data: d\n"),
        ("catalogue:", "catalogue: c\n"),
    ];
    let examples: Vec<&str> =
        text.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(example, _)| example).collect();
    assert!(examples.len() >= 5, "{} examples", examples.len());
    for example in examples {
        let missing = least.iter().filter(|(key, _)| !example.lines().any(|line| line.starts_with(key)));
        let whole: String = missing.map(|(_, line)| *line).chain([example]).collect();
        if let Err(faults) = config::parse(&whole, Path::new("/etc/gatewright/gatewright.yaml"), Purpose::Check) {
            panic!("{example}\n{faults:#?}");
        }
    }
}
