use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use gatewright_model::Digest;
use gatewright_policy::{Pattern, Source};
use gatewright_store::state::PolicyFile;

use super::Fault;
use super::catalogue::{LONGEST, MOST_FILES, bounded_text, sources, words_path};

/// The longest name of a file, in bytes.
const LONGEST_NAME: usize = 255;

/// A catalogue's files at hand: a version of the store, or what is to become one. Names are paths from the catalogue's
/// folder; YAML and Cedar lie in the folder itself, word lists in it or below.
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// The version's number; 0: none yet.
    pub version: u64,
    /// The digest over names and bytes: what records name the catalogue by.
    pub digest: Digest,
    files: Arc<[PolicyFile]>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held(version {}, {} files)", self.version, self.files.len())
    }
}

impl Held {
    /// Takes files whose names are clean and which are not too many or too long; what they say is not looked at.
    pub fn new(version: u64, mut files: Vec<PolicyFile>) -> Result<Self, Vec<Fault>> {
        let whole = |name: &str, message: String| Fault { file: name.to_owned(), line: 0, column: 0, message };
        let mut faults = Vec::new();
        files.sort_by(|left, right| left.name.cmp(&right.name));
        let mut names = BTreeSet::new();
        for file in &files {
            if !is_clean(&file.name) {
                faults.push(whole("catalogue", "a file's name is no plain path from the catalogue's folder".into()));
            } else if !names.insert(&*file.name) {
                faults.push(whole(&file.name, "the file is there twice".into()));
            } else if std::str::from_utf8(&file.bytes).is_err() {
                faults.push(whole(&file.name, "the file is not UTF-8".into()));
            }
        }
        if files.len() > MOST_FILES {
            faults.push(whole("catalogue", format!("it has more than {MOST_FILES} files")));
        }
        if files.iter().map(|file| file.bytes.len() as u64).sum::<u64>() > LONGEST {
            faults.push(whole("catalogue", format!("its files are longer than {LONGEST} bytes together")));
        }
        if faults.is_empty() { Ok(Self { version, digest: digest(&files), files: files.into() }) } else { Err(faults) }
    }

    /// Reads a catalogue's files, the word lists that it names included, as they are to be held.
    pub fn bundle(catalogue: &Path) -> Result<Self, Vec<Fault>> {
        let read = sources(catalogue)?;
        let folder = if catalogue.is_dir() { catalogue } else { catalogue.parent().unwrap_or_else(|| Path::new("")) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let whole =
            |path: &Path, why: String| Fault { file: path.display().to_string(), line: 0, column: 0, message: why };
        let text = gatewright_policy::parse(&read)?;
        let mut files = Vec::new();
        let mut faults = Vec::new();
        let mut take = |path: &Path, text: String, belongs: fn(&str) -> bool| {
            let name = within(folder, path).filter(|name| is_clean(name) && belongs(name));
            match name {
                Some(name) => files.push(PolicyFile { name: name.into(), bytes: text.into_bytes().into() }),
                None => faults.push(whole(
                    path,
                    "a catalogue in the store has its .yaml, .yml and .cedar files in one folder, and its word lists, \
                     named otherwise, in it or below"
                        .into(),
                )),
            }
        };
        for source in &read {
            take(Path::new(&source.name), source.text.clone(), is_source);
        }
        let mut lists = BTreeSet::new();
        for detector in text.detectors() {
            if let Pattern::WordsFile(file) = &detector.pattern {
                lists.insert(words_path(&detector.place.file, file));
            }
        }
        let mut unread = Vec::new();
        for list in lists {
            match bounded_text(&list, LONGEST) {
                Ok(text) => take(&list, text, |name| !is_source(name)),
                Err(error) => unread.push(whole(&list, format!("the word list cannot be read: {error}"))),
            }
        }
        faults.extend(unread);
        if faults.is_empty() { Self::new(0, files) } else { Err(faults) }
    }

    /// The same files as a version of the store.
    #[must_use]
    pub fn numbered(self, version: u64) -> Self {
        Self { version, ..self }
    }

    /// The files, in the order of their names.
    pub fn files(&self) -> &[PolicyFile] {
        &self.files
    }

    /// What the policy compiler reads.
    pub(super) fn sources(&self) -> Vec<Source> {
        let sources = self.files.iter().filter(|file| is_source(&file.name));
        let text = |file: &PolicyFile| String::from_utf8_lossy(&file.bytes).into_owned();
        sources.map(|file| Source { name: file.name.to_string(), text: text(file) }).collect()
    }

    /// A word list, by the file that names it and the path that it says.
    pub(super) fn words(&self, catalogue: &str, file: &str) -> io::Result<String> {
        let name = within(Path::new(""), &words_path(catalogue, file));
        let found = name.and_then(|name| self.files.iter().find(|file| *file.name == *name));
        let found = found.ok_or_else(|| io::Error::other("it is not among the catalogue's files"))?;
        Ok(String::from_utf8_lossy(&found.bytes).into_owned())
    }
}

/// Whether a file is read as YAML or Cedar; whatever else is there is a word list.
fn is_source(name: &str) -> bool {
    !name.contains('/') && [".yaml", ".yml", ".cedar"].iter().any(|ending| name.ends_with(ending))
}

/// A path that leads nowhere but down, in its one spelling.
fn is_clean(name: &str) -> bool {
    let plain = name.len() <= LONGEST_NAME && !name.chars().any(|letter| letter.is_control() || letter == '\\');
    let parts = || name.split('/');
    plain && parts().all(|part| !part.is_empty() && part != "." && part != "..")
}

/// A path as seen from a folder above it, with `.` and `..` worked out by the words alone.
fn within(folder: &Path, path: &Path) -> Option<String> {
    let (folder, path) = (straight(folder)?, straight(path)?);
    let name = path.strip_prefix(&folder).ok()?;
    let parts: Option<Vec<&str>> = name.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn straight(path: &Path) -> Option<PathBuf> {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !straight.pop() {
                    return None;
                }
            }
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => straight.push(part),
        }
    }
    Some(straight)
}

/// SHA-256 over each file's name and bytes, both preceded by their lengths.
fn digest(files: &[PolicyFile]) -> Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(b"gatewright policy version v1\n");
    for file in files {
        for part in [file.name.as_bytes(), &file.bytes] {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> PolicyFile {
        PolicyFile { name: name.into(), bytes: text.as_bytes().into() }
    }

    #[test]
    fn names_lead_nowhere_but_down() {
        for name in ["catalogue.yaml", "lists/words.txt", "a b.yaml"] {
            assert!(Held::new(0, vec![file(name, "")]).is_ok(), "{name}");
        }
        for name in ["", "/etc/passwd", "../x", "a/../b", "./a", "a//b", "a/", "a\\b", "a\nb", &"a".repeat(256)] {
            assert!(Held::new(0, vec![file(name, "")]).is_err(), "{name}");
        }
        assert!(Held::new(0, vec![file("a", "1"), file("a", "2")]).is_err(), "one name, two files");
    }

    #[test]
    fn the_digest_is_of_names_and_bytes_and_not_of_their_order() {
        let digest = |files: Vec<PolicyFile>| Held::new(7, files).expect("clean").digest;
        let one = digest(vec![file("a", "1"), file("b", "2")]);
        assert_eq!(one, digest(vec![file("b", "2"), file("a", "1")]));
        assert_ne!(one, digest(vec![file("a", "2"), file("b", "1")]));
        assert_ne!(one, digest(vec![file("a", "12"), file("b", "")]));
    }

    #[test]
    fn a_bundle_has_the_word_lists_and_reads_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("policy");
        std::fs::create_dir_all(root.join("lists")).expect("made");
        let text = "version: 1\ndetectors:\n  CODE: { words_file: ./lists/../lists/words.txt }\n";
        std::fs::write(root.join("catalogue.yaml"), text).expect("written");
        std::fs::write(root.join("lists/words.txt"), "aurora\n").expect("written");
        for catalogue in [root.clone(), root.join("catalogue.yaml")] {
            let held = Held::bundle(&catalogue).expect("it bundles");
            let names: Vec<&str> = held.files().iter().map(|file| &*file.name).collect();
            assert_eq!(names, ["catalogue.yaml", "lists/words.txt"]);
            assert_eq!(held.words("catalogue.yaml", "./lists/../lists/words.txt").expect("it is there"), "aurora\n");
            assert!(held.words("catalogue.yaml", "../secret").is_err());
        }
        std::fs::write(root.join("catalogue.yaml"), text.replace("./lists/../lists", "..")).expect("written");
        std::fs::write(folder.path().join("words.txt"), "aurora\n").expect("written");
        assert!(Held::bundle(&root).is_err(), "a list outside of the folder");
    }
}
