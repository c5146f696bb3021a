use gatewright_masking::{Detectors, Finding};
use gatewright_model::{ChannelKind, RequestId};
use gatewright_policy::Decision;
use gatewright_protocols::Place;
use gatewright_store::state::approvals::{Shown, ShownText};

use crate::Examined;
use crate::world::ContentRules;

/// The most text that an approver is shown, in bytes; a call that is longer is not held but refused.
pub(super) const MOST: usize = 1 << 20;

/// What approvers look at, and the original of it.
pub(super) struct Views {
    pub(super) shown: Shown,
    pub(super) original: Vec<(String, String)>,
}

/// Both views of a call, whole; `None` where it is longer than people can be shown.
pub(super) fn views(examined: &mut Examined, decision: &Decision, request: RequestId) -> Option<Views> {
    let mut original = Vec::new();
    let (protocol, route) = (examined.call().protocol(), examined.call().route());
    protocol.request_texts(route, examined.call_mut().body_mut(), &mut |text| {
        let place = match text.place {
            Place::Plain => kind(text.channel.kind).to_owned(),
            Place::Field(path) => path.to_owned(),
        };
        original.push((place, text.text.clone()));
    });
    if original.iter().map(|(place, text)| place.len() + text.len()).sum::<usize>() > MOST {
        return None;
    }
    let call = examined.call();
    let world = call.world();
    let rules = world.prompt_rules.as_ref();
    let texts = original.iter().zip(examined.findings()).map(|((place, text), found)| {
        let place = masked(&world.detectors, place, &world.detectors.find(place), None);
        ShownText {
            place: place.into_iter().map(|(piece, _)| piece).collect(),
            pieces: masked(&world.detectors, text, found, rules),
        }
    });
    let texts = texts.collect();
    let set = |parameter| decision.settings.iter().find(|setting| setting.parameter == parameter);
    let stated = call.terms().parameters.iter().filter(|(parameter, _)| set(*parameter).is_none());
    let effective = stated.chain(decision.settings.iter().map(|setting| (setting.parameter, setting.value)));
    let shown = Shown {
        version: 1,
        operation: Some(call.terms().operation.name().to_owned()),
        model: call.target().map(|target| target.public.to_owned()),
        connection: call.connection().map(|connection| connection.name.as_str().to_owned()),
        trust: call.connection().map(|connection| connection.trust.name().to_owned()),
        datasets: call.terms().datasets.iter().map(|name| name.as_str().to_owned()).collect(),
        roles: decision.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        request: Some(request.to_string()),
        session: Some(call.session().to_string()),
        parameters: effective.map(|(parameter, value)| (parameter.name().to_owned(), value.to_string())).collect(),
        texts,
        found: examined.tallies().iter().map(|tally| (tally.info_type.as_str().to_owned(), tally.count)).collect(),
    };
    Some(Views { shown, original })
}

/// A text without its values, in pieces; what a rule looks for stands out.
fn masked(
    detectors: &Detectors,
    text: &str,
    found: &[Finding],
    rules: Option<&ContentRules>,
) -> Vec<(String, Option<String>)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for finding in found {
        // INVARIANT: findings of a text lie in it, in order; one that does not hides the rest.
        let Some(before) = text.get(at..finding.start) else { break };
        marked(before, rules, &mut pieces);
        let name = detectors.info_type(finding.info_type).map_or("UNKNOWN", |info_type| info_type.as_str());
        pieces.push((format!("[{name}]"), Some(name.to_owned())));
        at = finding.end;
    }
    match text.get(at..) {
        Some(rest) => marked(rest, rules, &mut pieces),
        None => pieces.push(("[UNKNOWN]".to_owned(), None)),
    }
    pieces
}

fn marked(text: &str, rules: Option<&ContentRules>, pieces: &mut Vec<(String, Option<String>)>) {
    let mut at = 0;
    for finding in rules.map(|rules| rules.detectors.find(text)).unwrap_or_default() {
        let (Some(before), Some(hit)) = (text.get(at..finding.start), text.get(finding.start..finding.end)) else {
            break;
        };
        push(before, None, pieces);
        let rule = rules.and_then(|rules| rules.rules.get(finding.info_type.place()));
        push(hit, rule.map(|rule| rule.as_str().to_owned()), pieces);
        at = finding.end;
    }
    push(text.get(at..).unwrap_or_default(), None, pieces);
}

fn push(text: &str, mark: Option<String>, pieces: &mut Vec<(String, Option<String>)>) {
    if !text.is_empty() {
        pieces.push((text.to_owned(), mark));
    }
}

/// A text that people wrote about a call, without its values.
pub(crate) fn without_values(detectors: &Detectors, text: &str) -> String {
    masked(detectors, text, &detectors.find(text), None).into_iter().map(|(piece, _)| piece).collect()
}

const fn kind(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::System => "system",
        ChannelKind::User => "user",
        ChannelKind::Assistant => "assistant",
        ChannelKind::ToolResult => "tool result",
        ChannelKind::Reasoning => "reasoning",
        ChannelKind::Refusal => "refusal",
        ChannelKind::ToolName => "tool name",
        ChannelKind::ToolArguments => "tool arguments",
        ChannelKind::ToolDefinition => "tool definition",
        ChannelKind::Input => "input",
        ChannelKind::Other => "other",
        ChannelKind::Content => "content",
        ChannelKind::LogProbabilities => "log probabilities",
        ChannelKind::Transcript => "transcript",
        ChannelKind::Annotation => "annotation",
        ChannelKind::Error => "error",
    }
}
