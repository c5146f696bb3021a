//! Text that strangers wrote, made safe to look at: what would move, hide or reorder what stands beside it is spelled out.

/// One line: controls, line ends too, and characters that hide or reorder are spelled `⟨U+202E⟩`; at most so many characters,
/// and an ellipsis where it was longer.
pub fn line(text: &str, most: usize) -> String {
    shown(text, most, |_| false)
}

/// Several lines: as [`line()`], but line ends stay.
pub fn text(text: &str, most: usize) -> String {
    shown(text, most, |character| character == '\n')
}

fn shown(text: &str, most: usize, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len().min(most.saturating_mul(4)));
    let mut count = 0;
    for character in text.chars() {
        let spelled = (!keep(character) && deceives(character)).then(|| format!("⟨U+{:04X}⟩", u32::from(character)));
        let length = spelled.as_ref().map_or(1, |spelled| spelled.chars().count());
        if count + length > most {
            shown.push('…');
            return shown;
        }
        count += length;
        match spelled {
            Some(spelled) => shown.push_str(&spelled),
            None => shown.push(character),
        }
    }
    shown
}

/// Whether a character is a control, orders text (UAX #9), has no width, or is not for interchange.
fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_spelled_out() {
        assert_eq!(line("a\u{202e}b\u{200b}c\r\nd\u{1b}[31m", 100), "a⟨U+202E⟩b⟨U+200B⟩c⟨U+000D⟩⟨U+000A⟩d⟨U+001B⟩[31m");
        assert_eq!(text("a\nb\rc\u{85}", 100), "a\nb⟨U+000D⟩c⟨U+0085⟩");
        assert_eq!(line("größer 你好 😀", 100), "größer 你好 😀");
    }

    #[test]
    fn it_is_bounded_after_it_is_spelled_out() {
        assert_eq!(line("abcdef", 6), "abcdef");
        assert_eq!(line("abcdefg", 6), "abcdef…");
        assert_eq!(line(&"\u{202e}".repeat(1_000), 16), "⟨U+202E⟩⟨U+202E⟩…");
    }
}
