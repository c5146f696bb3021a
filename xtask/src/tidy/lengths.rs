use super::Fault;

/// Above this many lines of product code, the report names a file: look for a seam.
const SEAM: usize = 400;
/// Above this many, tidy fails.
const LIMIT: usize = 600;

/// How long one file is.
pub(super) struct Size {
    name: String,
    lines: usize,
}

/// Counts a file's lines up to its tests.
pub(super) fn measure(name: &str, text: &str) -> Size {
    let lines = text.lines().position(|line| line.starts_with("#[cfg(test)]")).unwrap_or_else(|| text.lines().count());
    Size { name: name.to_owned(), lines }
}

/// The files that are too long to be read in one sitting.
pub(super) fn check(sizes: &[Size]) -> Vec<Fault> {
    sizes
        .iter()
        .filter(|size| size.lines > LIMIT)
        .map(|size| Fault::new(&size.name, format!("{} lines of code; the limit is {LIMIT}", size.lines)))
        .collect()
}

/// A few lines on how long the files are.
pub(super) fn report(sizes: &[Size]) -> Vec<String> {
    let mut lines: Vec<usize> = sizes.iter().map(|size| size.lines).collect();
    lines.sort_unstable();
    let Some(longest) = lines.last() else { return vec!["tidy: there is no Rust file".into()] };
    let at = |share: usize| lines[(lines.len() - 1) * share / 100];
    let mut report = vec![format!(
        "tidy: {} Rust files; lines without tests: median {}, nine in ten below {}, longest {longest}",
        lines.len(),
        at(50),
        at(90) + 1,
    )];
    let mut long: Vec<&Size> = sizes.iter().filter(|size| size.lines > SEAM).collect();
    long.sort_by_key(|size| std::cmp::Reverse(size.lines));
    report.extend(long.iter().map(|size| format!("tidy: look for a seam: {} has {} lines", size.name, size.lines)));
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_at_the_end_do_not_count() {
        assert_eq!(measure("a.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n").lines, 2);
    }

    #[test]
    fn an_endless_file_fails() {
        let text = "line\n".repeat(LIMIT + 1);
        assert_eq!(check(&[measure("a.rs", &text)]).len(), 1);
        assert_eq!(check(&[measure("a.rs", &text[5..])]), []);
    }
}
