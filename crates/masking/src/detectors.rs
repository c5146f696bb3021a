use gatewright_model::InfoType;

use crate::custom::fields::FieldRule;
use crate::custom::pattern::Pattern;
use crate::custom::starts::Starts;
use crate::custom::words::{MAX_TERM, Words, normalise};
use crate::custom::{CustomPattern, CustomRule, FieldPath, RuleFault};
use crate::detect::context::CONTEXT;
use crate::detect::registry::entries;
use crate::detect::seeds::{self, Kind, Seed};
use crate::detect::{Answer, View};
use crate::scanner::Looking;
use crate::{Finding, Scanner, Span, TypeIndex};

/// The most expressions that an operator can declare; each is tried wherever it could begin.
const MAX_PATTERNS: usize = 256;

/// The most terms in all word lists together.
const MAX_TERMS: usize = 1_000_000;

/// Everything that looks for sensitive values, compiled. Immutable and cheap to share.
pub struct Detectors {
    builtin: Builtin,
    info_types: Vec<InfoType>,
    words: Option<Words>,
    patterns: Vec<Pattern>,
    starts: Starts,
    fields: Vec<FieldRule>,
}

/// Whether the built-in detectors look too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Builtin {
    Used,
    Left,
}

/// What is declared, not how it is compiled: word lists are what an operator keeps to itself.
impl std::fmt::Debug for Detectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detectors").field("info_types", &self.info_types).finish_non_exhaustive()
    }
}

impl Detectors {
    /// The built-in detectors.
    pub fn builtin() -> Self {
        seeds::prepare();
        crate::detect::context::prepare();
        crate::detect::names::prepare();
        crate::detect::national::prepare();
        let info_types = entries().filter_map(|entry| InfoType::new(entry.name)).collect();
        Self {
            builtin: Builtin::Used,
            info_types,
            words: None,
            patterns: Vec::new(),
            starts: Starts::default(),
            fields: Vec::new(),
        }
    }

    /// The built-in detectors and an operator's own.
    ///
    /// # Errors
    ///
    /// Every fault of every rule.
    pub fn with(rules: &[CustomRule]) -> Result<Self, Vec<RuleFault>> {
        Self::builtin().adding(rules)
    }

    /// An operator's own detectors and no others: what content rules look for.
    ///
    /// # Errors
    ///
    /// Every fault of every rule.
    pub fn only(rules: &[CustomRule]) -> Result<Self, Vec<RuleFault>> {
        let none = Self { builtin: Builtin::Left, info_types: Vec::new(), ..Self::builtin() };
        none.adding(rules)
    }

    fn adding(self, rules: &[CustomRule]) -> Result<Self, Vec<RuleFault>> {
        let mut detectors = self;
        let mut faults = Vec::new();
        let mut terms = Vec::new();
        for rule in rules {
            match detectors.place_of(&rule.name) {
                Ok(info_type) => detectors.add(rule, info_type, &mut terms, &mut faults),
                Err(fault) => faults.push(fault),
            }
        }
        if terms.len() > MAX_TERMS {
            faults.push(RuleFault {
                rule: "word lists".to_owned(),
                reason: format!("{} terms in all are more than {MAX_TERMS}", terms.len()),
            });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        detectors.words = Words::new(terms);
        detectors.starts = Starts::new(detectors.patterns.iter().map(|pattern| &pattern.beginning));
        Ok(detectors)
    }

    /// Every info type that can be found; its place is its [`TypeIndex`].
    pub fn info_types(&self) -> &[InfoType] {
        &self.info_types
    }

    /// The place of the info type of this name.
    pub fn index_of(&self, name: &str) -> Option<TypeIndex> {
        let place = self.info_types.iter().position(|info_type| info_type.as_str() == name)?;
        u16::try_from(place).ok().map(TypeIndex::new)
    }

    /// The info type at this place.
    pub fn info_type(&self, index: TypeIndex) -> Option<&InfoType> {
        self.info_types.get(index.place())
    }

    /// Everything sensitive in a text, in order, without overlaps: what begins first wins, then the longest, then the
    /// first in [`Detectors::info_types`].
    pub fn find(&self, text: &str) -> Vec<Finding> {
        self.find_with(Scanner::new(), text)
    }

    /// Everything sensitive in a text that is the value of a JSON field: as [`Detectors::find`], with the field's name as
    /// context; all of it where an operator's rule names the field.
    pub fn find_in_field(&self, field: &FieldPath, text: &str) -> Vec<Finding> {
        self.find_with(Scanner::in_field(self, field), text)
    }

    fn find_with(&self, mut scanner: Scanner, text: &str) -> Vec<Finding> {
        let (mut findings, mut at) = (Vec::<Finding>::new(), 0);
        let mut note = |span: Span<'_>| {
            let end = at + span.original().len();
            match span {
                Span::Clean(_) => {}
                Span::Found { info_type, extent, .. } => findings.push(Finding { start: at, end, info_type, extent }),
                Span::Swallowed { .. } => {
                    if let Some(last) = findings.last_mut() {
                        last.end = end;
                    }
                }
            }
            at = end;
        };
        scanner.end_with(self, text, &mut note);
        findings
    }

    /// The first sensitive value of decoded text; what is encoded twice is not seen through. What stands before it speaks of
    /// what is in it as well.
    fn first_within(&self, before: &[u8], text: &str) -> Option<TypeIndex> {
        let mut first = None;
        Scanner::within_encoded(before).end_with(self, text, &mut |span| match span {
            Span::Found { info_type, .. } => _ = first.get_or_insert(info_type),
            Span::Clean(_) | Span::Swallowed { .. } => {}
        });
        first
    }

    fn place_of(&mut self, name: &InfoType) -> Result<TypeIndex, RuleFault> {
        if let Some(index) = self.index_of(name.as_str()) {
            return Ok(index);
        }
        // The last place is what stands for a token.
        let place = u16::try_from(self.info_types.len()).ok().filter(|place| *place < u16::MAX);
        let Some(place) = place else {
            return Err(RuleFault { rule: name.as_str().to_owned(), reason: "too many info types".to_owned() });
        };
        self.info_types.push(name.clone());
        Ok(TypeIndex::new(place))
    }

    fn add(
        &mut self,
        rule: &CustomRule,
        info_type: TypeIndex,
        terms: &mut Vec<(Vec<u8>, TypeIndex)>,
        faults: &mut Vec<RuleFault>,
    ) {
        let fault = |reason: String| RuleFault { rule: rule.name.as_str().to_owned(), reason };
        match &rule.pattern {
            CustomPattern::Words(words) => {
                for word in words {
                    let term = normalise(word);
                    match term.len() {
                        0 => faults.push(fault(format!("the word {word:?} has no visible character"))),
                        length if length > MAX_TERM => {
                            faults.push(fault(format!("a word is longer than {MAX_TERM} bytes: {:.40}…", word)));
                        }
                        _ => terms.push((term, info_type)),
                    }
                }
            }
            CustomPattern::Regex(_) if self.patterns.len() == MAX_PATTERNS => {
                faults.push(fault(format!("there are more than {MAX_PATTERNS} regular expressions")));
            }
            CustomPattern::Regex(written) => match Pattern::new(&rule.name, written, info_type) {
                Ok(pattern) => self.patterns.push(pattern),
                Err(fault) => faults.push(fault),
            },
            CustomPattern::Fields(fields) => {
                for field in fields {
                    match FieldRule::new(field, info_type) {
                        Ok(field) => self.fields.push(field),
                        Err(reason) => faults.push(fault(reason)),
                    }
                }
            }
        }
    }

    /// The info type that an operator's rule gives the whole of this field.
    pub(crate) fn whole_field(&self, field: &FieldPath) -> Option<TypeIndex> {
        self.fields.iter().find(|rule| rule.covers(field)).map(|rule| rule.info_type)
    }

    /// Collects every place at or after `from` where a value could begin, in order.
    pub(crate) fn seeds(&self, view: View<'_>, from: usize, looking: Looking, seeds: &mut Vec<Seed>) {
        if self.builtin == Builtin::Used {
            seeds::collect(view, from, looking, seeds);
        }
        if self.words.is_some() || !self.patterns.is_empty() {
            self.own_seeds(view, from, seeds);
        }
        if !seeds.is_sorted_by_key(|seed| seed.start) {
            // Stable, because that is fast on what is nearly in order.
            seeds.sort_by_key(|seed| seed.start);
        }
    }

    fn own_seeds(&self, view: View<'_>, from: usize, seeds: &mut Vec<Seed>) {
        if let Some(words) = &self.words {
            seeds.extend(words.beginnings(view.units, from).map(|start| Seed { start, kind: Kind::Words }));
        }
        if self.patterns.is_empty() {
            return;
        }
        for start in from..view.units.len() {
            self.starts.each(view, start, |place| seeds.push(Seed { start, kind: Kind::Pattern(place as u16) }));
        }
    }

    /// Asks whoever a seed is for.
    pub(crate) fn ask(&self, view: View<'_>, seed: Seed) -> Answer {
        match seed.kind {
            Kind::Words => self.words.as_ref().map_or(Answer::Nothing, |words| words.recognise(view, seed.start)),
            Kind::Pattern(place) => self
                .patterns
                .get(usize::from(place))
                .map_or(Answer::Nothing, |pattern| pattern.recognise(view, seed.start)),
            Kind::Encoded | Kind::EncodedOn => {
                let before = &view.units[seed.start.saturating_sub(CONTEXT)..seed.start];
                let answer =
                    crate::detect::encoded::recognise(view, seed.start, |text| self.first_within(before, text));
                // A run that more could have followed was looked at before it was known to be long enough.
                match (seed.kind, answer) {
                    (Kind::Encoded, Answer::Found(_)) => match crate::detect::encoded::is_sought(view, seed.start) {
                        Some(true) => answer,
                        Some(false) => Answer::Nothing,
                        None => Answer::Undecided,
                    },
                    _ => answer,
                }
            }
            _ => seeds::ask(view, seed),
        }
    }
}
