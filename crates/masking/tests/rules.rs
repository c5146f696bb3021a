//! An operator's own rules.
#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::err_expect,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop, and measurements are read by whoever runs it"
)]

use gatewright_masking::{CustomPattern, CustomRule, Detectors, FieldPath};
use gatewright_model::InfoType;

fn rule(name: &str, pattern: CustomPattern) -> CustomRule {
    CustomRule { name: InfoType::new(name).expect("a name"), pattern }
}

fn words(words: &[&str]) -> CustomPattern {
    CustomPattern::Words(words.iter().map(|word| (*word).to_owned()).collect())
}

fn found(detectors: &Detectors, text: &str) -> Vec<(String, String)> {
    let findings = detectors.find(text);
    findings
        .iter()
        .map(|f| (detectors.info_types()[f.info_type.place()].to_string(), text[f.start..f.end].to_owned()))
        .collect()
}

#[track_caller]
fn check(pattern: CustomPattern, text: &str, expected: &[&str]) {
    let detectors = Detectors::with(&[rule("OWN", pattern)]).expect("the rule compiles");
    let expected: Vec<_> = expected.iter().map(|value| ("OWN".to_owned(), (*value).to_owned())).collect();
    assert_eq!(found(&detectors, text), expected, "{text}");
}

#[test]
fn words_are_whole_and_seen_through_disguise() {
    let list = || words(&["Aurora", "launch code", "größe", "日本", "жук", "c++"]);
    check(list(), "AURORA, aurora's, Auroras, xaurora", &["AURORA", "aurora"]);
    check(list(), "the launch\n  code, launch-code", &["launch\n  code"]);
    check(list(), "ａｕｒｏｒａ au\u{200b}rora аurоrа", &["ａｕｒｏｒａ", "au\u{200b}rora", "аurоrа"]);
    check(list(), "die GRÖSSE, Grösse, Größe", &["Größe"]);
    check(list(), "在日本的 ЖУК жуки", &["日本", "ЖУК"]);
    check(list(), "C++ and c", &["C++"]);
}

#[test]
fn the_longest_word_counts() {
    check(words(&["north", "north star", "star"]), "north star north starling", &["north star", "north"]);
}

#[test]
fn a_million_words() {
    let terms = (0..1_000_000).map(|number| format!("term{number:06}x")).collect();
    let detectors = Detectors::with(&[rule("OWN", CustomPattern::Words(terms))]).expect("a million are allowed");
    assert_eq!(found(&detectors, "a term123456x, a term12345x and TERM999999X").len(), 2);
    let more = (0..1_000_001).map(|number| format!("t{number}")).collect();
    let faults = Detectors::with(&[rule("OWN", CustomPattern::Words(more))]).err().expect("one too many");
    assert!(faults[0].reason.contains("1000001"), "{}", faults[0]);
}

#[test]
fn expressions() {
    let regex = |written: &str| CustomPattern::Regex(written.to_owned());
    check(
        regex(r"ACME-EMP-\d{6}"),
        "ACME-EMP-123456, ACME-EMP-１２３４５６ ACME\u{ad}-EMP-654321",
        &["ACME-EMP-123456", "ACME-EMP-１２３４５６", "ACME\u{ad}-EMP-654321"],
    );
    check(regex(r"\b[A-Z]{2}\d+\b"), "xAB1 AB1 AB12.", &["AB1", "AB12"]);
    check(regex(r"(?i)größe\s*\d"), "GRÖẞE GROSSE, Größe 4", &["Größe 4"]);
    check(regex(r"項目\d+"), "新項目12号", &["項目12"]);
    check(regex("^begin"), "begin begin", &["begin"]);
    check(regex("end$"), "end end", &["end"]);
}

#[test]
fn every_fault_is_told_with_its_rule() {
    let rules = [
        rule("BROKEN", CustomPattern::Regex("a(".to_owned())),
        rule("EMPTY", CustomPattern::Regex("a*".to_owned())),
        rule("HUGE", CustomPattern::Regex(r"[ab]*a[ab]{25}c".to_owned())),
        rule("LOOKS", CustomPattern::Regex(r"a(?=b)".to_owned())),
        rule("LONG", CustomPattern::Regex("a".repeat(5_000))),
        rule("NOTHING", words(&["fine", " \u{200b} "])),
        rule("FIELD", CustomPattern::Fields(vec!["$.fine".to_owned(), "ssn".to_owned()])),
    ];
    let faults = Detectors::with(&rules).err().expect("seven faults");
    let names: Vec<_> = faults.iter().map(|fault| fault.rule.as_str()).collect();
    assert_eq!(names, ["BROKEN", "EMPTY", "HUGE", "LOOKS", "LONG", "NOTHING", "FIELD"]);
    assert!(faults.iter().all(|fault| !fault.reason.is_empty()));
}

#[test]
fn a_rule_may_widen_a_built_in_type() {
    let detectors = Detectors::with(&[rule("SECRET", words(&["open sesame"]))]).expect("the rule compiles");
    assert_eq!(detectors.info_types().len(), Detectors::builtin().info_types().len());
    assert_eq!(found(&detectors, "say Open Sesame")[0].0, "SECRET");
}

#[test]
fn fields_are_values_or_context() {
    let fields = CustomPattern::Fields(vec!["$.customer.name".to_owned(), "*.salary".to_owned()]);
    let detectors = Detectors::with(&[rule("OWN", fields)]).expect("the rule compiles");
    let own = detectors.index_of("OWN").expect("declared");
    let name = FieldPath::root().key("customer").key("name");
    let finding = detectors.find_in_field(&name, "Jane Evans")[0];
    assert_eq!((finding.start, finding.end, finding.info_type), (0, 10, own));
    let long = "x".repeat(10_000);
    let finding = detectors.find_in_field(&FieldPath::root().element().key("salary"), &long)[0];
    assert_eq!((finding.start, finding.end), (0, 10_000));
    assert!(detectors.find_in_field(&FieldPath::root().key("name"), "Jane Evans").is_empty());
    // A built-in detector takes the field's name for context.
    assert!(detectors.find("148819194").is_empty());
    assert_eq!(detectors.find_in_field(&FieldPath::root().key("ssn"), "148819194").len(), 1);
    assert_eq!(detectors.find_in_field(&FieldPath::root().key("db_password"), "hunter2Horse9!").len(), 1);
}
