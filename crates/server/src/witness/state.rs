use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_ledger::{BadNote, Cosigner, Seen};
use gatewright_model::{Entropy, Secret};

use crate::keys::{create_folder, write_private};

/// Why a witness's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unkept {
    /// The operating system refused.
    #[error("{0}")]
    Disk(#[from] io::Error),
    /// Another witness works on it.
    #[error("another witness has this folder open")]
    InUse,
    /// The key cannot be read.
    #[error("the witness's key cannot be used: {0}")]
    Key(#[from] BadNote),
    /// The state cannot be read. Starting from nothing would cosign a history that this witness has ruled out.
    #[error("line {0} of the state cannot be read; put it back as it was")]
    State(usize),
}

/// What a witness has cosigned last, by log, in a file of lines `origin size root`.
pub struct State {
    file: PathBuf,
    seen: BTreeMap<String, Seen>,
    _lock: File,
}

impl State {
    /// Opens the folder of a witness, or makes it; gives its key too.
    pub fn open(folder: &Path, name: &str, entropy: &dyn Entropy) -> Result<(Self, Cosigner), Unkept> {
        create_folder(folder)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Unkept::InUse,
            TryLockError::Error(error) => Unkept::Disk(error),
        })?;
        let file = folder.join("seen");
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.into()),
        };
        let mut seen = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let (origin, last) = parse(line).ok_or(Unkept::State(number + 1))?;
            seen.insert(origin, last);
        }
        let key = key(folder, name, entropy)?;
        Ok((Self { file, seen, _lock: lock }, key))
    }

    /// What was seen of a log.
    pub fn seen(&self, origin: &str) -> Seen {
        self.seen.get(origin).copied().unwrap_or_else(Seen::nothing)
    }

    /// Keeps what is seen of a log from now on, durably, or fails and remembers nothing.
    pub fn keep(&mut self, origin: &str, last: Seen) -> io::Result<()> {
        let mut next = self.seen.clone();
        next.insert(origin.to_owned(), last);
        let line =
            |(origin, seen): (&String, &Seen)| format!("{origin} {} {}\n", seen.size, STANDARD.encode(seen.root));
        let text: String = next.iter().map(line).collect();
        write_private(&self.file, text.as_bytes())?;
        if let Some(folder) = self.file.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.seen = next;
        Ok(())
    }
}

fn parse(line: &str) -> Option<(String, Seen)> {
    let mut words = line.split(' ');
    let (origin, size, root) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    let root = STANDARD.decode(root).ok()?.try_into().ok()?;
    words.next().is_none().then(|| (origin.to_owned(), Seen { size, root }))
}

fn key(folder: &Path, name: &str, entropy: &dyn Entropy) -> Result<Cosigner, Unkept> {
    let file = folder.join("witness.key");
    let key = match fs::read_to_string(&file) {
        Ok(text) => Cosigner::from_text(Secret::new(text).expose())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut seed = [0; 32];
            entropy.fill(&mut seed);
            let key = Cosigner::from_seed(name, Secret::new(seed))?;
            write_private(&file, key.to_text().expose().as_bytes())?;
            key
        }
        Err(error) => return Err(error.into()),
    };
    fs::write(folder.join("witness.pub"), format!("{}\n", key.public()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemEntropy;

    #[test]
    fn what_was_seen_outlives_the_witness_and_is_not_forgotten_when_it_cannot_be_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (mut state, key) = State::open(folder.path(), "w.example", &SystemEntropy).expect("made");
        assert!(matches!(State::open(folder.path(), "w.example", &SystemEntropy), Err(Unkept::InUse)));
        let seen = Seen { size: 7, root: [3; 32] };
        state.keep("log.example/d/0a", seen).expect("kept");
        drop(state);
        let (state, again) = State::open(folder.path(), "another", &SystemEntropy).expect("opened");
        assert_eq!((state.seen("log.example/d/0a"), again.public()), (seen, key.public()));
        drop(state);
        fs::write(folder.path().join("seen"), "log.example/d/0a 7\n").expect("written");
        assert!(matches!(State::open(folder.path(), "w", &SystemEntropy), Err(Unkept::State(1))));
    }
}
