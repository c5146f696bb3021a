//! Whatever is asked has an answer, and whatever is written is read or refused; nothing panics.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use std::sync::LazyLock;

use gatewright_model::{
    Code, DatasetName, Delivery, ModelName, Operation, Parameter, Parameters, Quantity, RuleName, Terms, Timestamp,
    Trust, Verdict, WhySet,
};
use gatewright_policy::{Catalogue, Question};
use proptest::prelude::*;
use support::{compile, compile_all, identity, landscape, lines, source};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let yaml = "version: 1
roles:
  a:
    members: [{ issuer: demo, group: a }]
    grants:
      - models: { tag: finance }
        operations: [chat, embed, batch]
        parameters: { max_tokens: { min: 5, max: 100, over: clamp }, temperature: { max: 0.5 }, inputs: { max: 3 } }
    datasets: { tickets: { allow: [read, write] } }
    reveal: [US_SSN]
  b:
    valid: { until: 2030-01-01 }
    members: [{ issuer: demo, group: b }]
    grants: [{ models: [text-embed], operations: [chat, embed, files, fine-tune] }]
rules:
  - { name: words, when: { prompt: { words: [x] }, answer: { words: [y] } }, then: { refuse: true } }
  - { name: held, when: { operations: [batch, write-dataset] }, then: { hold: peer } }
approvals:
  peer: { approvers: [{ issuer: demo, group: a }] }
";
    let cedar = "forbid(principal, action == Action::\"chat\", resource) when { context.now * 3000000 > 5 && context.trust == \"external\" };
        @approval(\"peer\") forbid(principal in Role::\"a\", action == Action::\"chat\", resource)
          when { context.parameters has temperature && context.parameters.temperature.at_most > 400000 };";
    let sources = [source("catalogue.yaml", yaml), source("own.cedar", cedar)];
    compile_all(&sources, &landscape()).unwrap_or_else(|faults| panic!("{}", lines(&faults)))
});

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("sales-forecast".to_owned()),
        Just("text-embed".to_owned()),
        Just("frontier-large".to_owned()),
        Just("tickets".to_owned()),
        ".{0,12}",
    ]
}

prop_compose! {
    fn terms()(
        operation in 0..Operation::ALL.len(),
        model in proptest::option::of(names()),
        datasets in proptest::collection::vec(names(), 0..4),
        parameters in proptest::collection::vec((0..Parameter::ALL.len(), "-?[0-9]{1,7}(\\.[0-9]{1,8})?"), 0..6),
        stream in any::<bool>(),
    ) -> Terms {
        let mut stated = Parameters::new();
        for (parameter, value) in parameters {
            if let Some(value) = Quantity::parse(&value) {
                stated.set(Parameter::ALL[parameter], value);
            }
        }
        Terms {
            operation: Operation::ALL[operation],
            model: model.map(|name| ModelName::new(name.as_str())),
            datasets: datasets.iter().map(|name| DatasetName::new(name.as_str())).collect(),
            parameters: stated,
            delivery: if stream { Delivery::Stream } else { Delivery::Whole },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_question_has_one_answer(
        terms in terms(),
        groups in proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
        now in prop_oneof![Just(0), 1_700_000_000_000_000..2_000_000_000_000_000_u64, any::<u64>()],
        external in any::<bool>(),
        matched in proptest::sample::subsequence(vec!["words", "other"], 0..=2),
        found in proptest::collection::vec(0..4_u16, 0..3),
        approvals in proptest::sample::subsequence(vec!["held", "words"], 0..=2),
    ) {
        let landscape = landscape();
        let caller = identity("demo", "x", &groups, &[]);
        let now = Timestamp::from_micros(now);
        let rules = |names: Vec<&str>| names.into_iter().map(RuleName::from).collect::<Vec<_>>();
        let (matched, approvals) = (rules(matched), rules(approvals));
        let roles = CATALOGUE.roles_of(&caller, now);
        let question = Question {
            identity: &caller,
            roles: &roles,
            now,
            terms: &terms,
            model: landscape.models.iter().find(|model| Some(&model.name) == terms.model.as_ref()),
            trust: if external { Trust::External } else { Trust::Internal },
            matched: &matched,
            found: &found,
            approvals: &approvals,
        };
        let decision = CATALOGUE.decide(&question);
        prop_assert_eq!(&decision, &CATALOGUE.decide(&question), "the same question, another answer");
        prop_assert_eq!(decision.refusal.is_none(), decision.verdict == Verdict::Allow);
        prop_assert!(!decision.rules.is_empty());
        prop_assert_eq!(decision.request.len(), landscape.info_types.len());
        prop_assert_eq!(decision.reply.len(), landscape.info_types.len());
        let is_pending = decision.refusal.as_ref().is_some_and(|refusal| refusal.code == Code::ApprovalPending);
        prop_assert_eq!(is_pending, decision.verdict == Verdict::Hold);
        if decision.verdict == Verdict::Deny {
            prop_assert!(decision.settings.is_empty());
        }
        if groups.is_empty() {
            prop_assert_eq!(decision.verdict, Verdict::Deny, "nobody may do nothing");
        }
        for setting in &decision.settings {
            let stated = terms.parameters.get(setting.parameter).is_some();
            prop_assert_eq!(stated, setting.why == WhySet::Clamped);
        }
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in "(version: 1\n)?(roles|rules|masking|detectors|approvals): ?\n?[ a-z:\\[\\]{},&*!0-9\n-]{0,80}") {
        let _ = compile(&text);
    }
}

#[test]
fn every_cut_of_a_real_catalogue_is_read_or_refused() {
    let text = include_str!("../../../tests/golden/catalogue.yaml");
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let faults = compile(&text[..at]).err().unwrap_or_default();
        assert!(!faults.contains("cannot be expressed"), "{at}: {faults}");
    }
}
