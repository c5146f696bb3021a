use gatewright_api::{Piece, Text};
use maud::{Markup, html};

use crate::visible;

/// Characters of a call's texts that a page shows before it asks whether to show more: a phone shall not choke on a
/// megabyte that nobody reads.
const SHORT: usize = 20_000;

/// How much of a call's texts is on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every character.
    Whole,
    /// So many characters are left out at the end.
    Cut(usize),
}

/// What a page was asked to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The beginning.
    Beginning,
    /// All of it.
    All,
}

/// How much of these would be shown.
pub(super) fn extent(texts: &[Text], wanted: Wanted) -> Extent {
    let all: usize = texts.iter().flat_map(|text| &text.pieces).map(|piece| piece.text.chars().count()).sum();
    match wanted {
        Wanted::Beginning if all > SHORT => Extent::Cut(all - SHORT),
        Wanted::Beginning | Wanted::All => Extent::Whole,
    }
}

/// A call's texts, each with its place, in the order in which the model is given them.
pub(super) fn show(texts: &[Text], extent: Extent) -> Markup {
    let mut room = match extent {
        Extent::Whole => usize::MAX,
        Extent::Cut(_) => SHORT,
    };
    html! {
        ol.texts {
            @for text in texts {
                @if room > 0 || text.pieces.is_empty() {
                    li {
                        h3 { (visible::line(&text.place)) }
                        // Each text for itself, whatever direction its first letter has: none may reorder its neighbours.
                        div.text dir="auto" {
                            @for piece in &text.pieces { (part(piece, &mut room)) }
                            @if text.pieces.is_empty() { span.faint { "(empty)" } }
                        }
                    }
                }
            }
        }
    }
}

fn part(piece: &Piece, room: &mut usize) -> Markup {
    if *room == 0 {
        return html! {};
    }
    let text = match piece.text.char_indices().nth(*room) {
        Some((end, _)) => &piece.text[..end],
        None => piece.text.as_str(),
    };
    *room -= text.chars().count().min(*room);
    match &piece.mark {
        Some(mark) if is_info_type(mark) => {
            html! { span.masked title={ "Found: " (visible::plain(mark)) } { (visible::lines(text)) } }
        }
        Some(rule) => html! { mark title={ "Rule " (visible::plain(rule)) } { (visible::lines(text)) } },
        None => visible::lines(text),
    }
}

/// `EMAIL_ADDRESS` and its like, which no rule is called.
fn is_info_type(mark: &str) -> bool {
    mark.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// What stands out in the texts and why, each once: the answer to "why was it held" without reading all of it.
pub(super) fn marked<'t>(texts: &'t [Text], rule: &str) -> Vec<&'t str> {
    const MOST: usize = 8;
    let mut found: Vec<&str> = Vec::new();
    for piece in texts.iter().flat_map(|text| &text.pieces) {
        if piece.mark.as_deref() == Some(rule) && found.len() < MOST {
            let words = piece.text.as_str();
            if !found.iter().any(|known| known.eq_ignore_ascii_case(words)) {
                found.push(words);
            }
        }
    }
    found
}
