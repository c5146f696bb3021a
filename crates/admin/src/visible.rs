/// Text as an approver may be shown it: what cannot be seen, or moves what can, is written out. A prompt that reads
/// harmlessly because it is written backwards, or whose words stand in invisible tags, shows what it is.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.push_str(&format!("\u{27e8}U+{:04X}\u{27e9}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Control and format characters (Unicode's Cc and Cf), the tags, variation selectors, and spaces that fill nothing.
fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        character if character.is_control() => true,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(visible("ab\u{202e}cd"), "ab⟨U+202E⟩cd");
        assert_eq!(visible("a\u{1b}[31m\r\u{7}"), "a⟨U+001B⟩[31m⟨U+000D⟩⟨U+0007⟩");
        assert_eq!(visible("x\u{e0041}\u{200b}\u{2066}"), "x⟨U+E0041⟩⟨U+200B⟩⟨U+2066⟩");
        assert_eq!(visible("übersicht\n\t€ 漢"), "übersicht\n\t€ 漢");
    }
}
