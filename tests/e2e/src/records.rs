//! What is on disk after a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::gateway::offline;

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().map_while(Result::ok) {
            let path = entry.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files
}

/// The files under a folder that hold this text, as it is or in hexadecimal digits.
pub fn files_with(folder: &Path, text: &str) -> Vec<String> {
    assert!(text.len() >= 8, "so short a text may be anywhere by chance");
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let needles = [text.to_owned(), hex.clone(), hex.to_uppercase()];
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        needles.iter().any(|needle| contains(&bytes, needle.as_bytes()))
    };
    files(folder).into_iter().filter(holds).map(|path| path.display().to_string()).collect()
}

/// Whether `bytes` hold `needle`.
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Checks the log of a data folder offline; panics with what it says when it does not hold.
pub fn verify(data: &Path) {
    let ran = offline(data, &["ledger", "verify"]);
    assert_eq!(ran.code, Some(0), "the log does not hold:\n{}\n{}", ran.out, ran.err);
}

/// The calls of the newest thousand sessions of a data folder by request id, as `sessions show` tells of them.
pub fn journeys(data: &Path) -> BTreeMap<String, Value> {
    let list = told(data, &["sessions", "list", "-o", "json", "--limit", "1000"]);
    let sessions = list.as_array().expect("a list of sessions");
    sessions.iter().flat_map(|session| calls(data, session["session"].as_str().expect("a session has an id"))).collect()
}

/// The calls of one session by request id.
pub fn calls(data: &Path, session: &str) -> BTreeMap<String, Value> {
    let calls = told(data, &["sessions", "show", session, "-o", "json"]);
    let calls = calls.as_array().expect("a list of calls");
    let id = |call: &Value| call["request"].as_str().expect("a call has a request's id").to_owned();
    calls.iter().map(|call| (id(call), call.clone())).collect()
}

fn told(data: &Path, words: &[&str]) -> Value {
    let ran = offline(data, words);
    assert_eq!(ran.code, Some(0), "{words:?} failed:\n{}", ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{words:?} printed no JSON: {error}: {}", ran.out))
}
