use std::fmt::Write as _;

use maud::{Markup, PreEscaped, Render, html};

/// Combining marks in a row that a letter of a living language may carry; more of them only cover what is around.
const MOST_MARKS: usize = 4;

/// Text that somebody wrote, in one line: whatever cannot be seen is written out.
pub(crate) fn line(text: &str) -> Markup {
    Writer::new(Lines::WrittenOut).markup(text)
}

/// Text that somebody wrote, with its lines as they are.
pub(crate) fn lines(text: &str) -> Markup {
    Writer::new(Lines::Kept).markup(text)
}

/// The same where there is no room for markup: a window's title, a hint.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|character| if is_unseen(character) { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Kept,
    WrittenOut,
}

/// Writes text so that its reader sees every character that a model would be given: control characters, those that turn
/// the direction of writing around, those without a width, blanks that are no space, and heaps of accents. In their place
/// stands their number. Several in a row share one mark, so that a megabyte of them stays a page.
struct Writer {
    lines: Lines,
    html: String,
    unseen: Vec<(char, usize)>,
    marks: usize,
}

impl Writer {
    const fn new(lines: Lines) -> Self {
        Self { lines, html: String::new(), unseen: Vec::new(), marks: 0 }
    }

    fn markup(mut self, text: &str) -> Markup {
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            match spelled_out(rest) {
                Some((unseen, after)) => {
                    self.hold(unseen);
                    rest = after;
                }
                None => {
                    self.take(character);
                    rest = &rest[character.len_utf8()..];
                }
            }
        }
        self.flush();
        PreEscaped(self.html)
    }

    fn take(&mut self, character: char) {
        self.marks = if is_mark(character) { self.marks + 1 } else { 0 };
        let kept = match character {
            '\n' | '\t' => self.lines == Lines::Kept,
            // A line's end as Windows writes it shows nothing that `\n` does not; alone it is written out.
            _ => !is_unseen(character) && self.marks <= MOST_MARKS,
        };
        if kept {
            self.flush();
            character.encode_utf8(&mut [0; 4]).render_to(&mut self.html);
            return;
        }
        self.hold(character);
    }

    fn hold(&mut self, character: char) {
        match self.unseen.last_mut() {
            Some((last, count)) if *last == character => *count += 1,
            _ => self.unseen.push((character, 1)),
        }
    }

    fn flush(&mut self) {
        if self.unseen.is_empty() {
            return;
        }
        let mut words = String::new();
        for (character, count) in self.unseen.drain(..) {
            let space = if words.is_empty() { "" } else { " " };
            let _ = match name(character) {
                Some(name) => write!(words, "{space}{name}"),
                None => write!(words, "{space}U+{:04X}", u32::from(character)),
            };
            if count > 1 {
                let _ = write!(words, "×{count}");
            }
        }
        html! { span.unseen title="A character that cannot be seen" { (words) } }.render_to(&mut self.html);
    }
}

/// The API writes what cannot be seen as `⟨U+202E⟩`: that character, and what follows. Whoever types this themselves only
/// looks more suspicious than they are.
fn spelled_out(text: &str) -> Option<(char, &str)> {
    let (digits, after) = text.strip_prefix("⟨U+")?.split_once('⟩')?;
    let fits = (4..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let character = u32::from_str_radix(digits, 16).ok().filter(|_| fits).and_then(char::from_u32)?;
    is_unseen(character).then_some((character, after))
}

/// What people know by a name; everything else is a number.
const fn name(character: char) -> Option<&'static str> {
    match character {
        '\n' => Some("⏎"),
        '\r' => Some("CR"),
        '\t' => Some("TAB"),
        '\0' => Some("NUL"),
        '\x1b' => Some("ESC"),
        '\u{a0}' => Some("NBSP"),
        '\u{ad}' => Some("SHY"),
        '\u{200b}' => Some("ZWSP"),
        '\u{200c}' => Some("ZWNJ"),
        '\u{200d}' => Some("ZWJ"),
        '\u{200e}' => Some("LRM"),
        '\u{200f}' => Some("RLM"),
        '\u{202a}' => Some("LRE"),
        '\u{202b}' => Some("RLE"),
        '\u{202c}' => Some("PDF"),
        '\u{202d}' => Some("LRO"),
        '\u{202e}' => Some("RLO"),
        '\u{2066}' => Some("LRI"),
        '\u{2067}' => Some("RLI"),
        '\u{2068}' => Some("FSI"),
        '\u{2069}' => Some("PDI"),
        '\u{feff}' => Some("BOM"),
        _ => None,
    }
}

/// Control and format characters, blanks other than the space, variation selectors, tags, private use: whatever most
/// fonts show as nothing, or as something else.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1f' | '\x7f'..='\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{1680}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}'
    )
}

/// The blocks of combining marks.
const fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(markup: &Markup) -> String {
        markup
            .0
            .replace("<span class=\"unseen\" title=\"A character that cannot be seen\">", "[")
            .replace("</span>", "]")
    }

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        for (text, expected) in [
            ("plain, ünïcödé 漢字 🙂", "plain, ünïcödé 漢字 🙂"),
            ("abc\u{202e}fed", "abc[RLO]fed"),
            ("a\u{200b}\u{200b}\u{200b}b", "a[ZWSP×3]b"),
            ("a\u{2066}\u{ad}b", "a[LRI SHY]b"),
            ("a\u{e0041}\u{e0042}", "a[U+E0041 U+E0042]"),
            ("a⟨U+202E⟩b⟨U+0041⟩⟨U+⟩⟨U+1234567⟩⟨U+202E", "a[RLO]b⟨U+0041⟩⟨U+⟩⟨U+1234567⟩⟨U+202E"),
            ("a\x1b[31mred", "a[ESC][31mred"),
            ("a\r\nb", "a[CR]\nb"),
            ("e\u{301}", "e\u{301}"),
            ("Z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}x", "Z\u{301}\u{302}\u{303}\u{304}[U+0305 U+0306]x"),
            ("<script>alert('x')</script>&amp;\"", "&lt;script&gt;alert('x')&lt;/script&gt;&amp;amp;&quot;"),
        ] {
            assert_eq!(bare(&lines(text)), expected, "{text:?}");
        }
        assert_eq!(bare(&line("a\nb\tc")), "a[⏎]b[TAB]c");
    }

    #[test]
    fn no_unseen_character_is_left_in_a_page() {
        let every: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
        let html = line(&every).into_string();
        assert!(!html.chars().any(is_unseen));
        let text = html
            .replace("<span class=\"unseen\" title=\"A character that cannot be seen\">", "")
            .replace("</span>", "");
        assert!(!text.contains(['<', '>', '"']));
    }

    #[test]
    fn a_megabyte_of_nothing_stays_a_page() {
        let same = "\u{200b}".repeat(350_000);
        assert!(lines(&same).into_string().len() < 200);
        let two = "\u{200b}\u{200c}".repeat(175_000);
        assert!(lines(&two).into_string().len() < 4_000_000);
    }
}
