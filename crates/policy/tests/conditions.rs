//! Rules that speak at some hours, above some size and about some datasets alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use gatewright_model::{Operation, Parameter, Verdict};
use gatewright_policy::parse_moment;
use support::{Ask, ask, compile, line, person};

fn catalogue(when: &str) -> String {
    format!(
        "version: 1
roles:
  staff:
    members: [{{ issuer: demo, group: staff }}]
    grants: [{{ models: [sales-forecast], operations: [inference] }}]
    datasets: {{ tickets: {{ allow: [read] }}, payroll: {{ allow: [read] }} }}
rules:
  - {{ name: careful, when: {when}, then: {{ hold: peer }} }}
approvals:
  peer: {{ approvers: [{{ issuer: demo, group: security }}] }}
"
    )
}

fn verdict(when: &str, asked: &Ask) -> Verdict {
    let catalogue = compile(&catalogue(when)).unwrap();
    let decision = asked.by(&person("sue", &["staff"]), &catalogue);
    assert_ne!(decision.verdict, Verdict::Deny, "{when}: {}", line(&decision));
    let lifted = asked.clone().approved("careful").by(&person("sue", &["staff"]), &catalogue);
    assert_eq!(lifted.verdict, Verdict::Allow, "{when}: what is approved goes ahead");
    decision.verdict
}

fn at(moment: &str) -> Ask {
    ask(Operation::Chat, "sales-forecast").at(parse_moment(moment).unwrap())
}

#[test]
fn a_rule_holds_at_its_hours_alone() {
    // The 25th of November 2026 is a Wednesday.
    let nights = r#"{ hours: { from: "18:00", until: "08:00" } }"#;
    let weekend = "{ hours: { days: [sat, sun] } }";
    let berlin = r#"{ hours: { days: [mon], from: "00:30", until: "09:00", utc_offset: "+01:00" } }"#;
    let office = r#"{ outside_hours: { days: [mon, tue, wed, thu, fri], from: "08:00", until: "18:00" } }"#;
    let late = r#"{ hours: { days: [sun], from: "22:00", until: "02:00" } }"#;
    for (when, moment, holds) in [
        (nights, "2026-11-25T17:59:59Z", false),
        (nights, "2026-11-25T18:00:00Z", true),
        (nights, "2026-11-26T07:59:59Z", true),
        (nights, "2026-11-26T08:00:00Z", false),
        (weekend, "2026-11-27T23:59:59Z", false),
        (weekend, "2026-11-28T00:00:00Z", true),
        (weekend, "2026-11-29T23:59:59Z", true),
        (weekend, "2026-11-30T00:00:00Z", false),
        (berlin, "2026-11-29T23:29:59Z", false),
        (berlin, "2026-11-29T23:30:00Z", true),
        (berlin, "2026-11-30T07:59:59Z", true),
        (berlin, "2026-11-30T08:00:00Z", false),
        (office, "2026-11-25T12:00:00Z", false),
        (office, "2026-11-25T18:00:00Z", true),
        (office, "2026-11-28T12:00:00Z", true),
        (late, "2026-11-29T22:00:00Z", true),
        (late, "2026-11-30T01:59:59Z", true),
        (late, "2026-11-30T02:00:00Z", false),
        (late, "2026-11-30T22:00:00Z", false),
    ] {
        let wanted = if holds { Verdict::Hold } else { Verdict::Allow };
        assert_eq!(verdict(when, &at(moment)), wanted, "{when} at {moment}");
    }
}

#[test]
fn a_rule_holds_what_is_over_a_size_and_an_answer_without_a_limit_is() {
    let long = "{ parameters: { max_tokens: { over: 4096 } } }";
    let chat = || ask(Operation::Chat, "sales-forecast");
    assert_eq!(verdict(long, &chat().stating(Parameter::MaxTokens, "4096")), Verdict::Allow);
    assert_eq!(verdict(long, &chat().stating(Parameter::MaxTokens, "4097")), Verdict::Hold);
    assert_eq!(verdict(long, &chat()), Verdict::Hold, "no limit is over any");
    assert_eq!(verdict(long, &ask(Operation::Embed, "sales-forecast")), Verdict::Allow, "vectors have no length");
    let both = "{ parameters: { n: { over: 2 }, temperature: { over: 1.5 } } }";
    assert_eq!(verdict(both, &chat().stating(Parameter::N, "3")), Verdict::Allow, "all that is written must hold");
    let over = chat().stating(Parameter::N, "3").stating(Parameter::Temperature, "1.500001");
    assert_eq!(verdict(both, &over), Verdict::Hold);
}

#[test]
fn a_rule_holds_what_reaches_a_dataset() {
    for when in ["{ datasets: [payroll] }", "{ datasets: { tag: finance } }"] {
        let chat = || ask(Operation::Chat, "sales-forecast");
        assert_eq!(verdict(when, &chat()), Verdict::Allow, "{when}");
        assert_eq!(verdict(when, &chat().reaching("tickets")), Verdict::Allow, "{when}");
        assert_eq!(verdict(when, &chat().reaching("payroll")), Verdict::Hold, "{when}");
        assert_eq!(verdict(when, &chat().reaching("tickets").reaching("payroll")), Verdict::Hold, "{when}");
    }
}

#[test]
fn what_a_rule_could_not_mean_is_a_fault() {
    for (when, says) in [
        ("{ hours: { days: [someday] } }", "unknown day"),
        (r#"{ hours: { from: "8:00" } }"#, "time of day"),
        (r#"{ hours: { from: "08:00", until: "08:00" } }"#, "never"),
        (r#"{ hours: { from: "24:00" } }"#, "never"),
        (r#"{ hours: { utc_offset: "+1" } }"#, "offset from UTC"),
        ("{ hours: [] }", "is empty"),
        ("{ parameters: { max_tokens: { max: 3 } } }", "unknown key"),
        ("{ parameters: { max_tokens: {} } }", "needs `over`"),
        ("{ parameters: { volume: { over: 3 } } }", "unknown parameter"),
        ("{ datasets: [nothing] }", "unknown dataset"),
        ("{ datasets: { tag: nothing } }", "has the tag"),
        ("{ datasets: [payroll], models: [sales-forecast] }", "the one is not asked of the other"),
        ("{ datasets: [payroll], operations: [chat] }", "operations on datasets only"),
    ] {
        let found = compile(&catalogue(when)).map(drop).unwrap_err();
        assert!(found.contains(says), "{when}: {found}");
    }
}
