//! An operator's regular expressions, each a dense automaton that is walked from where a match could begin.

use gatewright_model::InfoType;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

use crate::TypeIndex;
use crate::custom::RuleFault;
use crate::custom::starts::Beginning;
use crate::detect::{Answer, View};
use crate::text::fold_str;

/// How much of a text, in bytes as the detectors see it, a regular expression can match at most.
pub const MAX_MATCH: usize = 256;

/// The longest expression as written.
const MAX_WRITTEN: usize = 4_096;

/// The largest automaton of one expression.
const MAX_AUTOMATON: usize = 4 << 20;

/// A compiled expression.
pub(crate) struct Pattern {
    automaton: dense::DFA<Vec<u32>>,
    pub(crate) beginning: Beginning,
    pub(crate) info_type: TypeIndex,
}

impl Pattern {
    /// Compiles an expression; the fault says what is wrong with it.
    pub(crate) fn new(name: &InfoType, written: &str, info_type: TypeIndex) -> Result<Self, RuleFault> {
        let fault = |reason: String| RuleFault { rule: name.as_str().to_owned(), reason };
        if written.len() > MAX_WRITTEN {
            return Err(fault(format!("the expression is longer than {MAX_WRITTEN} bytes")));
        }
        let folded = fold_expression(written);
        // Letters and digits of other scripts have become ASCII before a text gets here, so ASCII classes suffice; an
        // expression that names other letters in a class needs Unicode ones.
        let parsed =
            parse(&folded, false).or_else(|_| parse(&folded, true)).map_err(|error| fault(error.to_string()))?;
        if parsed.properties().minimum_len().is_none_or(|length| length == 0) {
            return Err(fault("the expression matches the empty text, so it would match everywhere".to_owned()));
        }
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .which_captures(thompson::WhichCaptures::None)
                    .nfa_size_limit(Some(MAX_AUTOMATON)),
            )
            .build_from_hir(&parsed)
            .map_err(|error| fault(format!("the expression is too large: {error}")))?;
        let automaton = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .match_kind(MatchKind::All)
                    .start_kind(StartKind::Anchored)
                    .accelerate(false)
                    .dfa_size_limit(Some(MAX_AUTOMATON))
                    .determinize_size_limit(Some(4 * MAX_AUTOMATON)),
            )
            .build_from_nfa(&nfa)
            .map_err(|error| fault(format!("the expression is too large or looks around: {error}")))?;
        let beginning = Beginning::of(&automaton).map_err(fault)?;
        Ok(Self { automaton, beginning, info_type })
    }

    /// Looks for the longest match at `start`, at most [`MAX_MATCH`] units long.
    pub(crate) fn recognise(&self, view: View<'_>, start: usize) -> Answer {
        let before = start.checked_sub(1).map(|before| view.units[before]);
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        let Ok(mut state) = self.automaton.start_state(&config) else { return Answer::Nothing };
        let mut found = Answer::Nothing;
        // A match shows one unit after its end.
        for at in start..=start + MAX_MATCH {
            let Some(unit) = view.get(at) else {
                if view.is_open(at) {
                    return Answer::Undecided;
                }
                state = self.automaton.next_eoi_state(state);
                return match self.automaton.is_match_state(state) {
                    true => Answer::found(at, self.info_type),
                    false => found,
                };
            };
            state = self.automaton.next_state(state, unit);
            if self.automaton.is_special_state(state) {
                if self.automaton.is_match_state(state) {
                    found = Answer::found(at, self.info_type);
                } else if self.automaton.is_dead_state(state) || self.automaton.is_quit_state(state) {
                    return found;
                }
            }
        }
        found
    }
}

fn parse(written: &str, unicode: bool) -> Result<regex_syntax::hir::Hir, Box<regex_syntax::Error>> {
    let config = syntax::Config::new().unicode(unicode).utf8(false).nest_limit(64);
    syntax::parse_with(written, &config).map_err(Box::new)
}

/// The expression with its letters as the detectors see a text's; what is special in expressions stays.
fn fold_expression(written: &str) -> String {
    let mut folded = String::with_capacity(written.len());
    for character in written.chars() {
        let units = if character.is_ascii() { Vec::new() } else { fold_str(character.encode_utf8(&mut [0; 4])) };
        match units.as_slice() {
            [unit] if unit.is_ascii_alphanumeric() || matches!(unit, b' ' | b'@' | b':') => folded.push(*unit as char),
            _ => folded.push(character),
        }
    }
    folded
}
