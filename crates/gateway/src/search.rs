use gatewright_json::Value;
use gatewright_masking::{Detectors, Finding};
use gatewright_model::RuleName;
use gatewright_protocols::{Place, Protocol, Route};

use crate::words::field;

/// What stands in a request's texts.
#[derive(Debug, Default)]
pub struct Searched {
    /// What was found in each text, in the order in which the protocol visits them.
    pub findings: Vec<Vec<Finding>>,
    /// The content rules whose patterns stand in some text.
    pub matched: Vec<RuleName>,
}

/// What content rules look for, and the rule of each pattern.
pub type Patterns<'a> = (&'a Detectors, &'a [RuleName]);

/// Searches every text of a request, once: a call that waits and one that a file describes are searched alike. A rule does
/// not count for a text for which its hold was `lifted`.
pub fn search(
    protocol: &dyn Protocol,
    route: &Route,
    body: &mut Value,
    detectors: &Detectors,
    patterns: Option<Patterns<'_>>,
    lifted: &dyn Fn(&RuleName, &str) -> bool,
) -> Searched {
    let (mut searched, mut seams) = (Searched::default(), Seams::default());
    protocol.request_texts(route, body, &mut |text| {
        searched.findings.push(match text.place {
            Place::Field(path) => detectors.find_in_field(&field(path), text.text),
            Place::Plain => detectors.find(text.text),
        });
        let Some(patterns) = patterns else { return };
        let whole = |_: &Finding, rule: &RuleName| !lifted(rule, text.text);
        note_matches(patterns, text.text, &whole, &mut searched.matched);
        seams.each(text.text, |seam, at| {
            // What stands on one side alone was found there already, and may have been lifted there.
            let over = |finding: &Finding, _: &RuleName| finding.start < at && at < finding.end;
            note_matches(patterns, seam, &over, &mut searched.matched);
        });
    });
    searched
}

/// Adds the rules whose patterns stand in this text, where that counts.
fn note_matches(
    (detectors, rules): Patterns<'_>,
    text: &str,
    counts: &dyn Fn(&Finding, &RuleName) -> bool,
    matched: &mut Vec<RuleName>,
) {
    for finding in detectors.find(text) {
        if let Some(rule) = rules.get(finding.info_type.place())
            && !matched.contains(rule)
            && counts(&finding, rule)
        {
            matched.push(rule.clone());
        }
    }
}

/// How much of the texts before a seam, and behind it, a rule's words may take up: a word, or a few short ones.
const SEAM: usize = 64;

/// Where one text of a request ends and the next begins. A word that is split over parts or messages stands in neither of
/// them, and a model reads it all the same.
#[derive(Default)]
struct Seams {
    /// The end of what came before; of several short texts, all of them.
    before: String,
}

impl Seams {
    /// Shows the seam before this text, with nothing between and with a space, and where it is.
    fn each(&mut self, text: &str, mut show: impl FnMut(&str, usize)) {
        let head = &text[..text.floor_char_boundary(SEAM)];
        if !self.before.is_empty() && !head.is_empty() {
            for between in ["", " "] {
                show(&format!("{}{between}{head}", self.before), self.before.len());
            }
        }
        self.before.push_str(&text[text.ceil_char_boundary(text.len().saturating_sub(SEAM))..]);
        let cut = self.before.ceil_char_boundary(self.before.len().saturating_sub(SEAM));
        self.before.drain(..cut);
    }
}

#[cfg(test)]
mod tests {
    use gatewright_masking::{CustomPattern, CustomRule};
    use gatewright_model::InfoType;

    use super::*;

    /// Whether a rule against these words speaks of a request with these texts.
    fn is_matched(words: &str, texts: &[&str]) -> bool {
        let name = InfoType::new("RULE").expect("a name");
        let rule = CustomRule { name, pattern: CustomPattern::Words(vec![words.to_owned()]) };
        let detectors = Detectors::only(&[rule]).expect("it compiles");
        let patterns: Patterns<'_> = (&detectors, &["rule".into()]);
        let (mut seams, mut matched) = (Seams::default(), Vec::new());
        for text in texts {
            note_matches(patterns, text, &|_, _| true, &mut matched);
            seams.each(text, |seam, at| {
                note_matches(patterns, seam, &|found, _| found.start < at && at < found.end, &mut matched);
            });
        }
        !matched.is_empty()
    }

    #[test]
    fn words_are_found_over_the_seams_of_parts_and_messages() {
        assert!(is_matched("export", &["please ex", "port all of it"]));
        assert!(is_matched("export", &["e", "x", "p", "o", "r", "t"]));
        assert!(is_matched("launch code", &["what is the launch", "code of it?"]));
        assert!(is_matched("export", &[&"long ".repeat(1_000), &format!("{}ex", "before ".repeat(100)), "port"]));
        assert!(is_matched("export", &["наш ех", "роrt"]), "look-alikes too");
    }

    #[test]
    fn what_is_no_word_over_a_seam_is_none() {
        assert!(!is_matched("export", &["what comes next", "port of call"]));
        assert!(!is_matched("export", &["ex", "", "important"]));
        assert!(!is_matched("launch code", &["launch", "the code"]));
        assert!(!is_matched("export", &["\u{1F600}".repeat(40).as_str(), "port"]));
    }
}
