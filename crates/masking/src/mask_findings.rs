use gatewright_model::InfoType;

use crate::detect::token::{canonical, look_alikes};
use crate::render::{Rendered, render};
use crate::{Blocked, Detectors, Finding, Minter, Treatments};

/// The info type of the token that stands for a caller's own text that looks like a token. It is not sensitive: whoever
/// is answered gets it back.
pub(crate) const LITERAL: &str = "LITERAL_TEXT";

/// Who wrote a text of a request, which decides what becomes of text in it that looks like a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The caller, or whoever the caller got it from: it is text, and gets a token of its own, `<LITERAL_TEXT_1>`, so that
    /// nobody can speak of a token that is not theirs.
    Caller,
    /// The model, in an earlier turn: the token of a value that stood before it in the conversation stays what it was.
    Model,
}

/// Masks a whole text whose findings are known. Where values get tokens, what only looks like a token is escaped.
///
/// # Errors
///
/// When one of them has the treatment [`Treatment::Block`](gatewright_model::Treatment::Block).
pub fn mask_findings(
    detectors: &Detectors,
    text: &str,
    findings: &[Finding],
    treatments: &Treatments,
    author: Author,
    minter: &mut Minter<'_>,
) -> Result<String, Blocked> {
    let unknown = InfoType::new("UNKNOWN");
    let (mut masked, mut at) = (String::with_capacity(text.len()), 0);
    for finding in findings {
        // A finding of another text may lie anywhere: what does not fit is hidden to the end rather than shown.
        let (Some(before), Some(original)) = (text.get(at..finding.start), text.get(finding.start..finding.end)) else {
            masked.push_str("[UNKNOWN]");
            return Ok(masked);
        };
        push_escaped(&mut masked, before, detectors, treatments, author, minter);
        at = finding.end;
        let treatment = treatments.of(finding.info_type);
        let Some(name) = detectors.info_type(finding.info_type).or(unknown.as_ref()) else { continue };
        match render(treatment, name, original, finding.extent, minter)? {
            Rendered::Kept => masked.push_str(original),
            Rendered::Replaced(replacement) => masked.push_str(&replacement),
        }
    }
    push_escaped(&mut masked, text.get(at..).unwrap_or_default(), detectors, treatments, author, minter);
    Ok(masked)
}

fn push_escaped(
    masked: &mut String,
    text: &str,
    detectors: &Detectors,
    treatments: &Treatments,
    author: Author,
    minter: &mut Minter<'_>,
) {
    let mut at = 0;
    if let Some(literal) = InfoType::new(LITERAL).filter(|_| treatments.mint()) {
        for (start, end) in look_alikes(text).into_iter().filter(|(start, end)| is_name(detectors, &text[*start..*end]))
        {
            let look_alike = &text[start..end];
            masked.push_str(&text[at..start]);
            at = end;
            if author == Author::Model && minter.vault.restore(look_alike).is_some() {
                masked.push_str(look_alike);
            } else {
                masked.push_str(&minter.vault.token(&literal, look_alike));
            }
        }
    }
    masked.push_str(&text[at..]);
}

/// Whether this looks like a token that could be minted: `AES_128` is no info type's.
fn is_name(detectors: &Detectors, look_alike: &str) -> bool {
    let spelled = canonical(look_alike);
    let Some((name, _)) = spelled.rsplit_once('_') else { return false };
    let is_it = |info_type: &InfoType| info_type.as_str() == name || canonical(info_type.as_str()) == name;
    name == LITERAL || detectors.info_types().iter().any(is_it)
}
