//! The words of an answer, channel by channel, through the masking engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use gatewright_masking::{FieldPath, Masker, PseudonymKey, Scanner, Span, Substitutes, Treatments, Vault};
use gatewright_model::{Channel, ChannelKind, InfoType, RuleName, Tally};
use gatewright_protocols::{Blocked, Piece, Place, Words};

use crate::{Request, World};

/// Whether tokens of the request become their values again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restoring {
    /// Those whose info types the caller may see.
    Tokens,
    /// None: the record is taken before anything is revealed.
    Nothing,
}

/// One masker per channel of an answer.
pub(crate) struct Maskers {
    world: Arc<World>,
    treatments: Treatments,
    tools: Treatments,
    vault: Arc<Vault>,
    substitutes: Answered,
    restoring: Restoring,
    rules: Vec<RuleName>,
    /// The rules that only want to be told.
    alerts: Vec<RuleName>,
    /// Those of them that matched, each once.
    noticed: Vec<RuleName>,
    open: Vec<(Channel, Lane)>,
    masked: Counts,
    alerted: Counts,
}

/// What one channel goes through: content rules over what the model said, then the masker.
struct Lane {
    rules: Option<Scanner>,
    masker: Masker,
}

impl Maskers {
    pub(crate) fn new(request: &Request, treatments: Treatments, restoring: Restoring) -> Self {
        let world = Arc::clone(request.world());
        Self {
            treatments,
            tools: request.tools().clone(),
            vault: Arc::clone(request.vault()),
            substitutes: Answered { key: Arc::clone(request.pseudonyms()) },
            restoring: if request.vault().is_empty() { Restoring::Nothing } else { restoring },
            rules: request.answer_rules().to_vec(),
            alerts: request.answer_alerts().to_vec(),
            noticed: Vec::new(),
            open: Vec::new(),
            masked: Counts::default(),
            alerted: Counts::default(),
            world,
        }
    }

    /// What was masked so far, by info type.
    pub(crate) fn tallies(&self) -> Vec<Tally> {
        let detectors = &self.world.detectors;
        self.masked.and(self.open.iter().map(|(_, lane)| lane.masker.tally(detectors)))
    }

    /// What passed so far that policy wants to know of, by info type.
    pub(crate) fn alerted(&self) -> Vec<Tally> {
        let detectors = &self.world.detectors;
        self.alerted.and(self.open.iter().map(|(_, lane)| lane.masker.alerted(detectors)))
    }

    /// The rules that only want to be told and that matched so far.
    pub(crate) fn noticed(&self) -> Vec<RuleName> {
        self.noticed.clone()
    }

    fn lane(&self, channel: Channel, place: Place<'_>) -> Lane {
        let mut masker = Masker::new(self.treatments.clone());
        if let Some(revealed) = self.revealed(channel) {
            masker = masker.restoring(&self.vault, revealed.clone());
        }
        if let Place::Field(path) = place {
            masker = masker.in_field(&self.world.detectors, &field(path));
        }
        let looks = !(self.rules.is_empty() && self.alerts.is_empty());
        let rules = (looks && self.world.answer_rules.is_some()).then(Scanner::new);
        Lane { rules, masker }
    }
}

impl Maskers {
    /// Whose tokens become values on this channel; `None` where no token does.
    fn revealed(&self, channel: Channel) -> Option<&Treatments> {
        match (self.restoring, channel.kind) {
            (Restoring::Nothing, _) | (Restoring::Tokens, ChannelKind::ToolName) => None,
            // A value restored inside a tool's arguments goes wherever the model wants it to go.
            (Restoring::Tokens, ChannelKind::ToolArguments) => Some(&self.tools),
            (Restoring::Tokens, _) => Some(&self.treatments),
        }
    }
}

/// Values by info type.
#[derive(Clone, Default)]
struct Counts(BTreeMap<InfoType, u32>);

impl Counts {
    fn add(&mut self, tallies: Vec<Tally>) {
        for tally in tallies {
            let count = self.0.entry(tally.info_type).or_default();
            *count = count.saturating_add(tally.count);
        }
    }

    /// These, and those of the channels that are still open.
    fn and(&self, open: impl Iterator<Item = Vec<Tally>>) -> Vec<Tally> {
        let mut counts = self.clone();
        open.for_each(|tallies| counts.add(tallies));
        counts.0.into_iter().map(|(info_type, count)| Tally { info_type, count }).collect()
    }
}

/// A path as protocols write it, `$.customer.items[0]`, as the detectors take it.
pub(crate) fn field(path: &str) -> FieldPath {
    let mut field = FieldPath::default();
    for step in path.trim_start_matches('$').split('.') {
        let (name, elements) = step.find('[').map_or((step, ""), |at| step.split_at(at));
        if !name.is_empty() {
            field = field.key(name);
        }
        for _ in elements.matches('[') {
            field = field.element();
        }
    }
    field
}

/// The stages of a text of an answer, borrowed apart so that each can call the next.
struct Stages<'m> {
    world: &'m World,
    wanted: &'m [RuleName],
    alerts: &'m [RuleName],
    noticed: &'m mut Vec<RuleName>,
    substitutes: &'m mut Answered,
}

impl Stages<'_> {
    /// Takes text through the content rules, where there are any, and what they let pass through the masker.
    fn push(&mut self, lane: &mut Lane, text: Option<&str>, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        let Lane { rules, masker } = lane;
        let detectors = &self.world.detectors;
        let (Some(scanner), Some(rules)) = (rules, &self.world.answer_rules) else {
            return match text {
                Some(text) => {
                    masked(masker.push(detectors, self.substitutes, text, &mut |piece| out(converted(piece))))
                }
                None => masked(masker.finish(detectors, self.substitutes, &mut |piece| out(converted(piece)))),
            };
        };
        let mut outcome = Ok(());
        let mut pass = |span: Span<'_>| {
            let broken = match span {
                Span::Found { info_type, .. } => match rules.rules.get(info_type.place()) {
                    Some(rule) if self.alerts.contains(rule) => {
                        if !self.noticed.contains(rule) {
                            self.noticed.push(rule.clone());
                        }
                        false
                    }
                    Some(rule) => self.wanted.contains(rule),
                    None => true,
                },
                Span::Clean(_) | Span::Swallowed { .. } => false,
            };
            if broken {
                outcome = Err(Blocked);
            } else if outcome.is_ok() {
                let substitutes = &mut *self.substitutes;
                outcome =
                    masked(masker.push(detectors, substitutes, span.original(), &mut |piece| out(converted(piece))));
            }
        };
        match text {
            Some(text) => scanner.push(&rules.detectors, text, &mut pass),
            None => scanner.finish(&rules.detectors, &mut pass),
        }
        outcome?;
        match text {
            Some(_) => Ok(()),
            None => masked(masker.finish(detectors, self.substitutes, &mut |piece| out(converted(piece)))),
        }
    }
}

fn masked(outcome: Result<(), gatewright_masking::Blocked>) -> Result<(), Blocked> {
    outcome.map_err(|_| Blocked)
}

impl Words for Maskers {
    fn begin(&mut self, channel: Channel, place: Place<'_>) {
        let lane = self.lane(channel, place);
        match self.open.iter_mut().find(|(open, _)| *open == channel) {
            Some(slot) => slot.1 = lane,
            None => self.open.push((channel, lane)),
        }
    }

    fn push(&mut self, channel: Channel, text: &str, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        if !self.world.stages.masking() {
            out(Piece::Kept(text));
            return Ok(());
        }
        // A channel that nobody began is an answer that nobody understood.
        let (_, lane) = self.open.iter_mut().find(|(open, _)| *open == channel).ok_or(Blocked)?;
        let mut stages = Stages {
            world: &self.world,
            wanted: &self.rules,
            alerts: &self.alerts,
            noticed: &mut self.noticed,
            substitutes: &mut self.substitutes,
        };
        stages.push(lane, Some(text), out)
    }

    fn finish(&mut self, channel: Channel, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        let at = self.open.iter().position(|(open, _)| *open == channel).ok_or(Blocked)?;
        let (_, mut lane) = self.open.swap_remove(at);
        if !self.world.stages.masking() {
            return Ok(());
        }
        let mut stages = Stages {
            world: &self.world,
            wanted: &self.rules,
            alerts: &self.alerts,
            noticed: &mut self.noticed,
            substitutes: &mut self.substitutes,
        };
        let outcome = stages.push(&mut lane, None, out);
        self.masked.add(lane.masker.tally(&self.world.detectors));
        self.alerted.add(lane.masker.alerted(&self.world.detectors));
        outcome
    }
}

fn converted(piece: gatewright_masking::Piece<'_>) -> Piece<'_> {
    match piece {
        gatewright_masking::Piece::Kept(text) => Piece::Kept(text),
        gatewright_masking::Piece::Masked { original_len, replacement, .. } => {
            Piece::Masked { original_len, replacement }
        }
        gatewright_masking::Piece::Swallowed { original_len } => Piece::Swallowed { original_len },
    }
}

/// What stands in an answer for values.
struct Answered {
    key: Arc<PseudonymKey>,
}

impl Substitutes for Answered {
    fn token(&mut self, info_type: &InfoType, _: &str) -> String {
        // Answers are not given tokens of their own; should one be asked for, the value is hidden all the same.
        format!("[{info_type}]")
    }

    fn pseudonym(&mut self, info_type: &InfoType, original: &str) -> String {
        self.key.pseudonym(info_type, original)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_known_by_its_last_name() {
        assert_eq!(field("$.customer.cards[0].number").name(), Some("number"));
        assert_eq!(field("$.ssn").name(), Some("ssn"));
        assert_eq!(field("$").name(), None);
    }
}
