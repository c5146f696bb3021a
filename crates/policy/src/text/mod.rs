//! What is written in a catalogue's files, read strictly and typed, before it is held against a [`crate::Landscape`].

mod budget;
mod cases;
mod conditions;
mod dataset;
mod declared;
mod grant;
mod masking;
mod node;
mod operations;
mod reader;
mod request;
mod role;
mod rule;
mod sections;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use gatewright_model::Digest;

pub(crate) use budget::BudgetText;
pub use cases::{Expected, parse_cases};
pub(crate) use conditions::{Hours, Over};
pub(crate) use dataset::DatasetGrant;
pub use declared::{
    Applies, ApprovalText, Approver, Consequence, ContentPattern, ContentRule, DetectorRule, Pattern, Place,
    ReasonPolicy,
};
pub(crate) use grant::{Grant, Selector};
pub(crate) use masking::{MaskingText, Way};
pub(crate) use operations::{includes, is_about_dataset, is_explicit_only, is_group};
pub(crate) use reader::{Placed, quoted};
pub use request::{BREAK_GLASS, Requestable, Through};
pub(crate) use role::{Member, RoleText};
pub(crate) use rule::RuleText;
pub use window::parse_moment;

use self::node::Node;
use self::reader::Reader;
use crate::{Fault, Source};

/// A catalogue whose every line was understood, but which was not yet held against a landscape.
#[derive(Clone, Debug, Default)]
pub struct CatalogueText {
    pub(crate) roles: Vec<Arc<RoleText>>,
    pub(crate) rules: Vec<RuleText>,
    /// Budgets of whoever calls.
    pub(crate) budgets: Vec<BudgetText>,
    pub(crate) masking: MaskingText,
    /// The operator's own Cedar files.
    pub(crate) cedar: Vec<Source>,
    pub(crate) warnings: Vec<Fault>,
    pub(crate) digest: Digest,
    detectors: Vec<DetectorRule>,
    content_rules: Vec<ContentRule>,
    approvals: Vec<ApprovalText>,
    /// What each YAML file says, for the next reading.
    pub(crate) files: Vec<Arc<FileText>>,
}

/// What one YAML file says.
#[derive(Debug)]
pub(crate) struct FileText {
    source: Source,
    digest: Digest,
    roles: Vec<Arc<RoleText>>,
    rules: Vec<RuleText>,
    budgets: Vec<BudgetText>,
    masking: Option<(Place, MaskingText)>,
    detectors: Vec<DetectorRule>,
    approvals: Vec<ApprovalText>,
    warnings: Vec<Fault>,
}

impl CatalogueText {
    /// The info types that the catalogue declares, in order.
    pub fn detectors(&self) -> &[DetectorRule] {
        &self.detectors
    }

    /// The rules that look at texts: those with a `prompt` or an `answer` pattern.
    pub fn content_rules(&self) -> &[ContentRule] {
        &self.content_rules
    }

    /// The same catalogue under another digest, by which records are to name it.
    #[must_use]
    pub fn known_by(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    /// Who may lift which hold, and how.
    pub fn approvals(&self) -> &[ApprovalText] {
        &self.approvals
    }
}

/// Reads a catalogue's files; all faults at once, each with its place.
///
/// Files that end in `.cedar` hold Cedar policies, all others YAML. What one YAML file declares may not be declared again
/// by another.
pub fn parse(sources: &[Source]) -> Result<CatalogueText, Vec<Fault>> {
    read(sources, &[])
}

/// Like [`parse`], and faster where little changed: a file with the same name and text as in `earlier` is not read again.
pub fn parse_after(sources: &[Source], earlier: &crate::Earlier) -> Result<CatalogueText, Vec<Fault>> {
    read(sources, &earlier.0.files)
}

fn read(sources: &[Source], earlier: &[Arc<FileText>]) -> Result<CatalogueText, Vec<Fault>> {
    let mut sources: Vec<&Source> = sources.iter().collect();
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    let (cedar, yaml): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| source.name.ends_with(".cedar"));
    let mut text = CatalogueText { cedar: cedar.into_iter().cloned().collect(), ..CatalogueText::default() };
    let mut faults = Vec::new();
    if yaml.is_empty() {
        let message = "there is no catalogue: a YAML file that begins with `version: 1`".to_owned();
        faults.push(Fault { file: "catalogue".into(), line: 0, column: 0, message });
    }
    let known: HashMap<&str, &Arc<FileText>> = earlier.iter().map(|file| (file.source.name.as_str(), file)).collect();
    for source in yaml {
        let same = known.get(source.name.as_str()).filter(|file| file.source == *source);
        match same {
            Some(file) => text.files.push((*file).clone()),
            // What is sound of a faulty file still counts, so that nothing is called missing that stands there.
            None => text.files.extend(file(source, &mut faults).map(Arc::new)),
        }
    }
    let yaml = text.files.iter().map(|file| (file.source.name.as_str(), file.digest));
    let cedar = text.cedar.iter().map(|source| (source.name.as_str(), crate::digest::of_text(&source.text)));
    text.digest = crate::digest::of(yaml.chain(cedar));
    text.join(&mut faults);
    refuse_duplicates(&text, &mut faults);
    check_holds(&text, &mut faults);
    text.content_rules = text.rules.iter().filter_map(content_rule).collect();
    if faults.is_empty() {
        Ok(text)
    } else {
        faults.sort();
        Err(faults)
    }
}

impl CatalogueText {
    /// Puts together what the files say.
    fn join(&mut self, faults: &mut Vec<Fault>) {
        let mut has_masking: Option<&Place> = None;
        for file in &self.files {
            self.roles.extend(file.roles.iter().cloned());
            self.rules.extend(file.rules.iter().cloned());
            self.budgets.extend(file.budgets.iter().cloned());
            self.detectors.extend(file.detectors.iter().cloned());
            self.approvals.extend(file.approvals.iter().cloned());
            self.warnings.extend(file.warnings.iter().cloned());
            let Some((place, masking)) = &file.masking else { continue };
            match has_masking {
                Some(first) => faults.push(place.fault(format!("`masking` stands in {} already", first.file))),
                None => self.masking = masking.clone(),
            }
            has_masking = has_masking.or(Some(place));
        }
    }
}

/// Reads one YAML file.
fn file(source: &Source, faults: &mut Vec<Fault>) -> Option<FileText> {
    let document = node::read(source).map_err(|fault| faults.push(fault)).ok()?;
    let mut file = FileText {
        source: source.clone(),
        digest: crate::digest::of_text(&source.text),
        roles: Vec::new(),
        rules: Vec::new(),
        budgets: Vec::new(),
        masking: None,
        detectors: Vec::new(),
        approvals: Vec::new(),
        warnings: Vec::new(),
    };
    let mut reader = Reader::new(&source.name);
    sections_of(&mut reader, &document, &mut file);
    file.warnings = reader.warnings;
    faults.append(&mut reader.faults);
    Some(file)
}

/// Reads a file's sections.
fn sections_of(reader: &mut Reader, document: &Node, text: &mut FileText) {
    let known = ["version", "detectors", "masking", "roles", "rules", "approvals", "budgets"];
    let fields = reader.fields(document, &known);
    let place = reader.place(document);
    match fields.get("version") {
        None => reader.fault(&place, "a catalogue begins with `version: 1`"),
        Some(node) => {
            if reader.whole(node).is_some_and(|version| version != 1) {
                let place = reader.place(node);
                reader.fault(&place, "this program reads version 1 of the catalogue");
            }
        }
    }
    if let Some(node) = fields.get("detectors") {
        for (key, node) in reader.entries(node) {
            text.detectors.extend(sections::detector(reader, key, node));
        }
    }
    if let Some(node) = fields.get("masking") {
        text.masking = Some((reader.place(node), masking::read(reader, node)));
    }
    if let Some(node) = fields.get("roles") {
        for (key, node) in reader.entries(node) {
            text.roles.push(Arc::new(role::read(reader, key, node)));
        }
    }
    if let Some(node) = fields.get("rules") {
        let rules = reader.list(node);
        text.rules.extend(rules.iter().filter_map(|node| rule::read(reader, node)));
    }
    if let Some(node) = fields.get("budgets") {
        for (key, node) in reader.entries(node) {
            text.budgets.extend(budget::common(reader, key, node));
        }
    }
    if let Some(node) = fields.get("approvals") {
        for (key, node) in reader.entries(node) {
            text.approvals.push(sections::approval(reader, key, node));
        }
    }
}

/// One name means one thing, across all files.
fn refuse_duplicates(text: &CatalogueText, faults: &mut Vec<Fault>) {
    fn check<'a>(what: &str, declared: impl Iterator<Item = (&'a str, &'a Place)>, faults: &mut Vec<Fault>) {
        let mut seen: HashMap<&str, &Place> = HashMap::new();
        for (name, place) in declared {
            if let Some(first) = seen.insert(name, place) {
                let message = format!("the {what} {} stands in {}:{} already", quoted(name), first.file, first.line);
                faults.push(place.fault(message));
            }
        }
    }
    check("role", text.roles.iter().map(|role| (role.name.as_str(), &role.place)), faults);
    check("rule", text.rules.iter().map(|rule| (rule.name.as_str(), &rule.place)), faults);
    check("detector", text.detectors.iter().map(|rule| (rule.name.as_str(), &rule.place)), faults);
    check("budget", text.budgets.iter().map(|budget| (budget.name.as_str(), &budget.place)), faults);
    check("approval", text.approvals.iter().map(|rule| (rule.name.as_str(), &rule.place)), faults);
}

/// A hold needs an approval that exists; this also keeps a misspelt one from holding for nobody. So does a role for a time.
fn check_holds(text: &CatalogueText, faults: &mut Vec<Fault>) {
    for request in text.roles.iter().filter_map(|role| role.request.as_ref()) {
        if let Through::Approval(name) = &request.through
            && !text.approvals.iter().any(|approval| approval.name == *name)
        {
            faults.push(request.place.fault(format!("no approval is called {}", quoted(name))));
        }
    }
    for rule in &text.rules {
        if let Consequence::Hold(name) = &rule.consequence
            && !text.approvals.iter().any(|approval| approval.name == *name)
        {
            faults.push(rule.hold_place.fault(format!("no approval is called {}", quoted(name))));
        }
    }
}

fn content_rule(rule: &RuleText) -> Option<ContentRule> {
    (rule.prompt.is_some() || rule.answer.is_some()).then(|| ContentRule {
        name: rule.name.clone(),
        prompt: rule.prompt.clone(),
        answer: rule.answer.clone(),
        consequence: rule.consequence.clone(),
        applies: rule.applies(),
        place: rule.place.clone(),
    })
}
