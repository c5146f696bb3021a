use super::Fault;

/// Text that must stand in no file, as two halves so that this file does not hold it, and why.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("/wo", "rk/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("/tm", "p/", "a fixed path; use the test's own temporary folder"),
    ("crates", ".io/api", "a registry's host; name the package and let its client find it"),
    ("index.crates", ".io", "a registry's host"),
    ("static.crates", ".io", "a registry's host"),
    ("registry.npm", "js", "a registry's host; in a package-lock.json set npm's omit-lockfile-registry-resolved"),
    ("pypi", ".org", "a registry's host"),
    ("pythonhosted", ".org", "a registry's host"),
    ("deb.debian", ".org", "a registry's host"),
    ("TO", "DO", "unfinished work; do it or file it"),
    ("FIX", "ME", "unfinished work; do it or file it"),
];

/// The lock file names its registry by its very format.
const EXEMPT: &[&str] = &["Cargo.lock", "LICENSE"];

/// Looks for forbidden words in one file.
pub(super) fn check(name: &str, text: &str) -> Vec<Fault> {
    if EXEMPT.contains(&name) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (first, second, why) in FORBIDDEN {
        let word = format!("{first}{second}");
        for (index, line) in text.lines().enumerate().filter(|(_, line)| line.contains(&word)) {
            let only_inside_a_longer_word = word.chars().all(char::is_uppercase) && !stands_alone(line, &word);
            if !only_inside_a_longer_word {
                faults.push(Fault::new(format!("{name}:{}", index + 1), format!("`{word}`: {why}")));
            }
        }
    }
    faults
}

/// Whether the word occurs with no letter or digit at its sides, so that base64 text does not cry wolf.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_file_and_line() {
        let word = format!("/wo{}", "rk/");
        let expected = Fault::new("docs/a.md:2", format!("`{word}`: a path of one machine"));
        assert_eq!(check("docs/a.md", &format!("fine\ncd {word}main\n")), [expected]);
    }

    #[test]
    fn ordinary_words_pass() {
        assert_eq!(check("a.md", "the network works; a template; mastodons; see ../shared\n"), []);
    }

    #[test]
    fn unfinished_work_is_found_but_not_inside_base64() {
        assert_eq!(check("a.rs", &format!("// TO{}: later", "DO")).len(), 1);
        assert_eq!(check("a.txt", &format!("xTO{}y", "DO")), []);
    }
}
