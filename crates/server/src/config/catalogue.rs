use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use gatewright_masking::{CustomPattern, CustomRule};
use gatewright_policy::{DetectorRule, Pattern, Place, Source};

use super::fault::Fault;

/// The most bytes that a catalogue's files may have together, and a word list of its own: ten thousand roles
/// take some ten megabytes of text, and 300 MB of memory while one catalogue of them replaces another.
pub(super) const LONGEST: u64 = 64 * 1024 * 1024;

/// The most files of one catalogue.
pub(super) const MOST_FILES: usize = 1_000;

/// Reads a catalogue's files: those of a folder, or one file and the `.cedar` files beside it, in the order of their
/// names. What cannot be read is a fault in words; nothing is skipped.
pub fn sources(catalogue: &Path) -> Result<Vec<Source>, Vec<Fault>> {
    let unreadable =
        |path: &Path, why: &dyn std::fmt::Display| vec![whole(path, format!("the catalogue cannot be read: {why}"))];
    let metadata = fs::metadata(catalogue).map_err(|error| unreadable(catalogue, &error))?;
    let files = if metadata.is_dir() {
        listed(catalogue, &["yaml", "yml", "cedar"]).map_err(|error| unreadable(catalogue, &error))?
    } else {
        let beside = catalogue.parent().unwrap_or_else(|| Path::new("."));
        let mut files = listed(beside, &["cedar"]).map_err(|error| unreadable(beside, &error))?;
        files.insert(0, catalogue.to_owned());
        files
    };
    if files.is_empty() {
        return Err(unreadable(catalogue, &"the folder has no .yaml, .yml or .cedar file"));
    }
    if files.len() > MOST_FILES {
        return Err(unreadable(catalogue, &format!("it has more than {MOST_FILES} files")));
    }
    let mut left = LONGEST;
    let mut sources = Vec::with_capacity(files.len());
    let mut faults = Vec::new();
    for path in files {
        match bounded_text(&path, left) {
            Ok(text) => {
                left -= text.len() as u64;
                sources.push(Source { name: path.display().to_string(), text });
            }
            Err(error) => faults.extend(unreadable(&path, &error)),
        }
    }
    if faults.is_empty() { Ok(sources) } else { Err(faults) }
}

/// The files of a folder with one of these endings, sorted. Hidden ones are somebody else's: an editor's, or the
/// `..data` of a mounted ConfigMap.
fn listed(folder: &Path, endings: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let ending =
            path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending));
        if !hidden && ending && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A file's text, at most so long.
pub(super) fn bounded_text(path: &Path, longest: u64) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(longest + 1).read_to_string(&mut text)?;
    if text.len() as u64 > longest {
        return Err(std::io::Error::other("it is too long"));
    }
    Ok(text)
}

/// The catalogue's detectors as the masking engine takes them; word lists in files are read here. The detectors' order
/// is kept, so that a fault of the engine can be led back to its place.
pub fn custom_rules(detectors: &[DetectorRule]) -> Result<Vec<CustomRule>, Vec<Fault>> {
    custom_rules_with(detectors, &|catalogue, file| bounded_text(&words_path(catalogue, file), LONGEST))
}

/// Like [`custom_rules`]; `read` gives a word list by the catalogue's file that names it and the path that it says.
pub(super) fn custom_rules_with(
    detectors: &[DetectorRule],
    read: &dyn Fn(&str, &str) -> std::io::Result<String>,
) -> Result<Vec<CustomRule>, Vec<Fault>> {
    let mut rules = Vec::with_capacity(detectors.len());
    let mut faults = Vec::new();
    for detector in detectors {
        let pattern = match &detector.pattern {
            Pattern::Words(words) => CustomPattern::Words(words.clone()),
            Pattern::Regex(regex) => CustomPattern::Regex(regex.clone()),
            Pattern::Fields(fields) => CustomPattern::Fields(fields.clone()),
            Pattern::WordsFile(file) => match read(&detector.place.file, file).map(|text| words_of(&text)) {
                Ok(words) => CustomPattern::Words(words),
                Err(error) => {
                    faults.push(at(&detector.place, format!("the word list `{file}` cannot be read: {error}")));
                    continue;
                }
            },
        };
        rules.push(CustomRule { name: detector.name.clone(), pattern });
    }
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

/// The lines of a word list that are not empty and no comment.
fn words_of(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// Where a word list lies: its path starts from the folder of the catalogue's file that names it.
pub(super) fn words_path(catalogue: &str, file: &str) -> PathBuf {
    Path::new(catalogue).parent().unwrap_or_else(|| Path::new("")).join(file)
}

/// A fault at a place of the catalogue.
pub(super) fn at(place: &Place, message: String) -> Fault {
    Fault { file: place.file.to_string(), line: place.line, column: place.column, message }
}

fn whole(path: &Path, message: String) -> Fault {
    Fault { file: path.display().to_string(), line: 0, column: 0, message }
}
