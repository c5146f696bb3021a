//! The JSONTestSuite's verdicts, file by file. It lies beside the repository; without it the test says so.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::path::PathBuf;

use gatewright_json::{Limits, parse, to_bytes};

/// The suite leaves these to the implementation; this crate accepts them. All other `i_` files are refused.
const ACCEPTED: &[&str] = &[
    "i_number_double_huge_neg_exp.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
    "i_structure_500_nested_arrays.json",
];

fn corpus() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/jsontestsuite");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "JSONTestSuite is absent: {}", folder.display());
    println!("skipped: JSONTestSuite is absent: {}", folder.display());
    None
}

fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(corpus.join(folder))
        .expect("the corpus has this folder")
        .map(|entry| entry.expect("a readable entry"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("a file")))
        .filter(|(name, _)| name.ends_with(".json"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_file_gets_its_verdict() {
    let limits = Limits { depth: 500, ..Limits::default() };
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, bytes) in files("test_parsing") {
        seen += 1;
        let accepted = parse(&bytes, &limits).is_ok();
        // The suite says yes to duplicate keys; refusing them is what this crate is for.
        let expected = match name.as_bytes()[0] {
            b'y' => !name.starts_with("y_object_duplicated_key"),
            b'n' => false,
            _ => ACCEPTED.contains(&name.as_str()),
        };
        if accepted != expected {
            wrong.push((name, parse(&bytes, &limits).map(|_| ())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen == 0 || seen > 300, "only {seen} files");
}

#[test]
fn what_is_accepted_is_written_so_that_others_read_the_same() {
    for (name, bytes) in files("test_parsing").into_iter().chain(files("test_transform")) {
        let Ok(value) = parse(&bytes, &Limits { depth: 500, ..Limits::default() }) else { continue };
        let written = to_bytes(&value);
        assert_eq!(parse(&written, &Limits { depth: 500, ..Limits::default() }).as_ref(), Ok(&value), "{name}");
        if let (Ok(ours), Ok(theirs)) =
            (serde_json::from_slice::<serde_json::Value>(&written), serde_json::from_slice::<serde_json::Value>(&bytes))
        {
            assert_eq!(ours, theirs, "{name}");
        }
    }
}
