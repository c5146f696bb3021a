use gatewright_model::{InfoType, Treatment};

use crate::text::as_seen;
use crate::{Extent, Substitutes};

/// A text holds a value of an info type that must not pass at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value of type {info_type} is blocked")]
pub struct Blocked {
    /// Which info type.
    pub info_type: InfoType,
}

/// What comes out in place of a value.
pub(crate) enum Rendered {
    Kept,
    Replaced(String),
}

pub(crate) fn render(
    treatment: Treatment,
    info_type: &InfoType,
    original: &str,
    extent: Extent,
    substitutes: &mut dyn Substitutes,
) -> Result<Rendered, Blocked> {
    let whole = extent == Extent::Whole;
    Ok(Rendered::Replaced(match treatment {
        Treatment::Keep | Treatment::Alert => return Ok(Rendered::Kept),
        Treatment::Block => return Err(Blocked { info_type: info_type.clone() }),
        Treatment::Pseudonym if whole => substitutes.pseudonym(info_type, original),
        Treatment::Token if whole => substitutes.token(info_type, original),
        Treatment::Partial if whole => partial(original).unwrap_or_else(|| redacted(info_type)),
        Treatment::Redact | Treatment::Token | Treatment::Partial | Treatment::Pseudonym => redacted(info_type),
    }))
}

fn redacted(info_type: &InfoType) -> String {
    format!("[{info_type}]")
}

/// The value with everything but its last four letters and digits starred; `None` for one so short that four of them
/// would be most of it.
fn partial(original: &str) -> Option<String> {
    let units = as_seen(original);
    let shown = String::from_utf8_lossy(&units);
    let letters = shown.chars().filter(|character| character.is_alphanumeric()).count();
    if letters < 9 {
        return None;
    }
    let mut hidden = letters - 4;
    let star = |character: char| match character {
        _ if !character.is_alphanumeric() => character,
        _ if hidden > 0 => {
            hidden -= 1;
            '*'
        }
        _ => character,
    };
    Some(shown.chars().map(star).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_keeps_four() {
        assert_eq!(partial("4111-1111-1111-1234").as_deref(), Some("****-****-****-1234"));
        assert_eq!(partial("４１１１ 1111 1111 \u{200b}1234").as_deref(), Some("**** **** **** 1234"));
        assert_eq!(partial("12345678"), None);
    }
}
