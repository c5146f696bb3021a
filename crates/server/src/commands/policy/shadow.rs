//! `gatewright policy shadow set | clear | status`, which ask a running gateway.

use std::fmt::Write as _;
use std::path::Path;

use gatewright_api::{
    Client, PolicyFile, Problem, Recheck, SHADOW_CLEAR, SHADOW_SET, SHADOW_SHOW, SetShadow, Shadow, ShadowChange,
    ShadowCompared, ShadowDifference, ShadowState, ShadowStep,
};

use super::faulty;
use super::versions::{Asking, ask, asked};
use crate::commands::{Outcome, complain, visible};
use crate::config::Held;
use crate::run::on_runtime;

/// Has a catalogue decide beside the live one, without effect.
pub fn set(asking: &Asking, catalogue: &Path, reason: Option<String>) -> Outcome {
    let held = match Held::bundle(catalogue) {
        Ok(held) => held,
        Err(faults) => return faulty(&faults),
    };
    let file = |file: &gatewright_store::state::PolicyFile| PolicyFile {
        name: file.name.to_string(),
        text: String::from_utf8_lossy(&file.bytes).into_owned(),
    };
    let wish = SetShadow { files: held.files().iter().map(file).collect(), reason };
    let told = |step: &ShadowStep| format!("every gateway has it decide along, without effect\n{}", line(step));
    ask(asking, async move |client: &Client<'_>| client.put(&SHADOW_SET, &[], &wish).await, told)
}

/// Ends that.
pub fn clear(asking: &Asking) -> Outcome {
    let told = |step: &ShadowStep| format!("no candidate decides along any more\n{}", line(step));
    ask(asking, async move |client: &Client<'_>| client.get(&SHADOW_CLEAR, &[], "").await, told)
}

/// Says how the candidate compares. Exit code 1 where anything differs, was dropped, or came of fewer than `at_least`
/// decisions; and where Cedar's authorizer is in doubt about the live catalogue.
pub fn status(asking: &Asking, at_least: u64) -> Outcome {
    on_runtime(async {
        let seen = std::cell::Cell::new(Verdict::Differs);
        let outcome = asked(
            asking,
            async |client: &Client<'_>| -> Result<Shadow, Problem> { client.get(&SHADOW_SHOW, &[], "").await },
            |shadow| {
                seen.set(verdict(shadow, at_least));
                in_words(shadow)
            },
        )
        .await;
        if outcome != Outcome::Holds {
            return outcome;
        }
        match seen.get() {
            Verdict::Agrees => Outcome::Holds,
            Verdict::Differs => Outcome::Finding,
            Verdict::Untried(decisions) => {
                complain(Outcome::Finding, &format!("only {decisions} decisions were compared, not {at_least}"))
            }
        }
    })
}

/// What a pipeline is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Agrees,
    Differs,
    Untried(u64),
}

fn verdict(shadow: &Shadow, at_least: u64) -> Verdict {
    let compared = match (&shadow.compared, shadow.recheck.doubted) {
        (Some(compared), 0) => compared,
        // A check of the live catalogue alone, where nothing is tried.
        (None, 0) if shadow.state == ShadowState::Absent && at_least == 0 => return Verdict::Agrees,
        (Some(_) | None, _) => return Verdict::Differs,
    };
    match (compared.decisions, compared.agreed, compared.dropped) {
        (decisions, agreed, dropped) if decisions != agreed || dropped > 0 => Verdict::Differs,
        (decisions, ..) if decisions < at_least => Verdict::Untried(decisions),
        _ => Verdict::Agrees,
    }
}

fn in_words(shadow: &Shadow) -> String {
    let mut text = match shadow.state {
        ShadowState::Absent => "no candidate decides along\n".to_owned(),
        ShadowState::Coming => "the candidate is not yet taken up by this gateway\n".to_owned(),
        ShadowState::Deciding => "the candidate decides along, without effect\n".to_owned(),
        ShadowState::Refused => "the candidate does not hold at this gateway\n".to_owned(),
    };
    text.extend(shadow.candidate.as_ref().map(line));
    text.extend(shadow.faults.iter().map(|fault| format!("    {}\n", visible(fault))));
    text.extend(shadow.compared.as_ref().map(comparison));
    text + &recheck(&shadow.recheck)
}

fn comparison(compared: &ShadowCompared) -> String {
    let ShadowCompared { since, decisions, agreed, newly_permitted, newly_refused, on_other_terms, dropped, .. } =
        compared;
    let mut text = format!(
        "since {since}: {decisions} decisions compared, {agreed} the same, {newly_permitted} newly permitted, \
         {newly_refused} newly refused, {on_other_terms} on other terms; {dropped} not looked at\n"
    );
    compared.differences.iter().for_each(|kind| text.push_str(&difference(kind)));
    if compared.more > 0 {
        let _ = writeln!(text, "{} more differences of other kinds", compared.more);
    }
    for words in &compared.not_foreseen {
        let _ = writeln!(text, "not foreseen: {}", visible(words));
    }
    text
}

fn difference(kind: &ShadowDifference) -> String {
    let change = match kind.change {
        ShadowChange::NewlyPermitted => "newly permitted",
        ShadowChange::NewlyRefused => "newly refused",
        ShadowChange::OnOtherTerms => "on other terms",
    };
    let roles = if kind.roles.is_empty() { "no role".to_owned() } else { kind.roles.join(", ") };
    let model = kind.model.iter().map(|model| format!(" on the model {model}"));
    let dataset = kind.dataset.iter().map(|dataset| format!(" with the dataset {dataset}"));
    let about: String = model.chain(dataset).collect();
    visible(&format!(
        "{change}, {} times: {roles}: {}{about}\n    was {} by {}\n    would be {} by {}\n    such as {}\n",
        kind.count,
        kind.operation,
        kind.was,
        kind.was_by.join(", "),
        kind.would_be,
        kind.would_be_by.join(", "),
        kind.examples.join(" ")
    ))
}

fn recheck(recheck: &Recheck) -> String {
    let Recheck { one_of, agreed, doubted, not_asked, dropped, first_doubt } = recheck;
    let mut text = match one_of {
        0 => "no live decision is made again by Cedar's authorizer\n".to_owned(),
        _ => format!(
            "of {one_of} live decisions one is made again by Cedar's authorizer: {agreed} came out the same, {doubted} \
             otherwise; {not_asked} cannot be asked, {dropped} not looked at\n"
        ),
    };
    if let Some(request) = first_doubt {
        let _ = writeln!(text, "THE INDEX OF RULES IS WRONG: see {} and the events `doubted`", visible(request));
    }
    text
}

fn line(step: &ShadowStep) -> String {
    let ShadowStep { step, digest, by, at, reason } = step;
    let digest = digest.as_deref().map_or("cleared", |digest| digest.get(..12).unwrap_or(digest));
    let reason = reason.as_ref().map(|reason| format!("  {reason}")).unwrap_or_default();
    visible(&format!("{step:>4}  {at}  {digest}  {} ({}){reason}\n", by.subject, by.issuer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shadow(compared: Option<(u64, u64, u64)>, doubted: u64) -> Shadow {
        Shadow {
            state: if compared.is_some() { ShadowState::Deciding } else { ShadowState::Absent },
            candidate: None,
            faults: Vec::new(),
            compared: compared.map(|(decisions, agreed, dropped)| ShadowCompared {
                since: "2026-11-24T00:00:00Z".to_owned(),
                live: "00".to_owned(),
                decisions,
                agreed,
                newly_permitted: decisions - agreed,
                newly_refused: 0,
                on_other_terms: 0,
                dropped,
                differences: Vec::new(),
                more: 0,
                not_foreseen: Vec::new(),
            }),
            recheck: Recheck { one_of: 1_000, agreed: 7, doubted, not_asked: 0, dropped: 0, first_doubt: None },
        }
    }

    #[test]
    fn a_pipeline_goes_on_only_where_enough_was_seen_and_all_of_it_agrees() {
        assert_eq!(verdict(&shadow(Some((10, 10, 0)), 0), 10), Verdict::Agrees);
        assert_eq!(verdict(&shadow(Some((10, 9, 0)), 0), 1), Verdict::Differs);
        assert_eq!(verdict(&shadow(Some((10, 10, 1)), 0), 1), Verdict::Differs);
        assert_eq!(verdict(&shadow(Some((10, 10, 0)), 0), 11), Verdict::Untried(10));
        assert_eq!(verdict(&shadow(Some((10, 10, 0)), 1), 1), Verdict::Differs);
        assert_eq!(verdict(&shadow(None, 0), 1), Verdict::Differs);
        assert_eq!(verdict(&shadow(None, 0), 0), Verdict::Agrees);
        assert_eq!(verdict(&shadow(None, 1), 0), Verdict::Differs);
    }
}
