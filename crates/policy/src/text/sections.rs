//! The smaller sections: `detectors:` and `approvals:`.

use std::time::Duration;

use gatewright_model::{InfoType, IssuerName};

use super::node::{Key, Node};
use super::reader::{Reader, quoted};
use super::{ApprovalText, Approver, DetectorRule, Pattern, ReasonPolicy};

/// Reads one entry of `detectors:`.
pub(super) fn detector(reader: &mut Reader, key: &Key, node: &Node) -> Option<DetectorRule> {
    let fields = reader.fields(node, &["words", "regex", "fields", "words_file"]);
    let place = reader.key_place(key);
    let name = InfoType::new(&key.name);
    if name.is_none() {
        let message = format!("{} is not an info type: A-Z, 0-9 and _, a letter first", quoted(&key.name));
        reader.fault(&place, message);
    }
    let written: Vec<&str> =
        ["words", "regex", "fields", "words_file"].into_iter().filter(|name| fields.get(name).is_some()).collect();
    let [way] = written[..] else {
        reader.fault(&place, "a detector needs exactly one of `words`, `regex`, `fields`, `words_file`");
        return None;
    };
    let node = fields.get(way)?;
    let texts = |reader: &mut Reader| {
        let texts: Vec<String> = reader.texts(node).into_iter().map(|text| text.value).collect();
        if texts.is_empty() {
            reader.fault(&place, format!("`{way}` is empty, so this detector would find nothing"));
        }
        texts
    };
    let pattern = match way {
        "words" => Pattern::Words(texts(reader)),
        "fields" => Pattern::Fields(texts(reader)),
        "regex" => Pattern::Regex(reader.text(node)?.value),
        _ => Pattern::WordsFile(reader.text(node)?.value),
    };
    Some(DetectorRule { name: name?, pattern, place })
}

/// Reads one entry of `approvals:`.
pub(super) fn approval(reader: &mut Reader, key: &Key, node: &Node) -> ApprovalText {
    let fields = reader.fields(node, &["approvers", "need", "reason", "wait", "valid", "uses"]);
    let place = reader.key_place(key);
    reader.name(&key.name, &place, "approval");
    if key.name == super::BREAK_GLASS {
        reader.fault(
            &place,
            "`break-glass` is what a decision is called that nobody makes; call this approval otherwise",
        );
    }
    let approvers: Vec<Approver> = fields
        .get("approvers")
        .map_or(Vec::new(), |node| reader.list(node).iter().filter_map(|item| approver(reader, item)).collect());
    let whole = |reader: &mut Reader, name: &str, default: u32| {
        let node = fields.get(name);
        let number = node.and_then(|node| reader.whole(node)).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        number.unwrap_or(default)
    };
    let (need, uses) = (whole(reader, "need", 1), whole(reader, "uses", 1));
    let reasons =
        [("none", ReasonPolicy::None), ("optional", ReasonPolicy::Optional), ("required", ReasonPolicy::Required)];
    let reason = fields.get("reason").and_then(|node| reader.one_of(node, "choice", &reasons));
    let reason = reason.unwrap_or(ReasonPolicy::Optional);
    let time = |reader: &mut Reader, name: &str, default: u64| {
        fields.get(name).and_then(|node| reader.duration(node)).unwrap_or(Duration::from_secs(default))
    };
    let (wait, valid) = (time(reader, "wait", 0), time(reader, "valid", 900));
    if need > 0 && approvers.is_empty() {
        reader.fault(&place, "nobody could approve: name `approvers`, or write `need: 0` with `reason: required`");
    }
    if need == 0 && reason != ReasonPolicy::Required {
        reader.fault(&place, "`need: 0` lifts the hold by itself; it takes `reason: required`");
    }
    if uses == 0 {
        reader.fault(&place, "`uses: 0` would approve nothing");
    }
    ApprovalText { name: key.name.clone(), approvers, need, reason, wait, valid, uses, place }
}

pub(super) fn approver(reader: &mut Reader, node: &Node) -> Option<Approver> {
    let fields = reader.fields(node, &["issuer", "group"]);
    let place = reader.place(node);
    let (Some(issuer), Some(group)) = (fields.get("issuer"), fields.get("group")) else {
        reader.fault(&place, "an approver is a group of an issuer: { issuer: …, group: … }");
        return None;
    };
    let (issuer, group) = (reader.text(issuer), reader.text(group));
    let (issuer, group) = (issuer?, group?);
    Some(Approver { issuer: IssuerName::new(issuer.value), group: group.value, place: issuer.place })
}
