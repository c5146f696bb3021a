//! Project Wycheproof's JOSE vectors, read from beside the checkout. They speak of signatures and keys, not of claims.

use std::path::Path;

use serde_json::Value;

use super::{Algorithm, Compact, KeySet};

/// The vectors of a file; `None`, said plainly, where they are not there. Under CI they must be.
#[allow(clippy::print_stderr, reason = "whoever runs the tests must see that something was not tested")]
fn vectors(file: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/wycheproof").join(file);
    let Ok(text) = std::fs::read(&path) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is absent", path.display());
        eprintln!("ABSENT, nothing was tested: {}", path.display());
        return None;
    };
    Some(serde_json::from_slice(&text).expect("JSON"))
}

struct Case<'a> {
    /// A set, also where the vector has a single key.
    keys: Value,
    text: &'a str,
    is_valid: bool,
    about: String,
}

fn cases(file: &Value) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for group in file["testGroups"].as_array().expect("groups") {
        let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        let keys = if key["keys"].is_array() { key.clone() } else { serde_json::json!({ "keys": [key] }) };
        for test in group["tests"].as_array().expect("tests") {
            let text = test["jws"].as_str().or(test["jwe"].as_str());
            let is_valid = test["result"] == "valid";
            let about = format!("{} {} {}", group["comment"], test["tcId"], test["comment"]);
            cases.push(Case { keys: keys.clone(), text: text.unwrap_or_default(), is_valid, about });
        }
    }
    cases
}

fn is_accepted(case: &Case<'_>) -> bool {
    let Ok(keys) = KeySet::read(case.keys.to_string().as_bytes(), Algorithm::ALL) else { return false };
    Compact::read(case.text).is_ok_and(|compact| compact.verify(&keys).is_ok())
}

/// What is valid and yet refused here: symmetric keys, algorithms that are not offered, encryption, and a key used with
/// another algorithm than its own.
fn is_beyond_us(case: &Case<'_>) -> bool {
    use base64::Engine;
    let header = case.text.split('.').next().unwrap_or_default();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    let algorithm = header["alg"].as_str().unwrap_or_default();
    Algorithm::from_name(algorithm).is_none() || case.keys["keys"][0]["alg"] != algorithm
}

fn judge(file: &str, fewest_accepted: usize, fewest_refused: usize) {
    let Some(file) = vectors(file) else { return };
    let (mut accepted, mut refused) = (0, 0);
    for case in cases(&file) {
        let expected = case.is_valid && !is_beyond_us(&case);
        assert_eq!(is_accepted(&case), expected, "{}", case.about);
        if expected {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    assert!(accepted >= fewest_accepted && refused >= fewest_refused, "{accepted} accepted, {refused} refused");
}

#[test]
fn signatures() {
    judge("json_web_signature_test.json", 31, 355);
}

#[test]
fn keys() {
    judge("json_web_key_test.json", 1, 21);
}

#[test]
fn structures() {
    judge("json_web_crypto_test.json", 2, 77);
}

#[test]
fn encrypted_tokens_are_not_taken() {
    judge("json_web_encryption_test.json", 0, 100);
}
