//! The deployment's own keys in `DATA/keys`, made at the first start and kept.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use gatewright_model::{Entropy, from_hex, to_hex};

/// A key that cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[error("the key file {path} cannot be used: {reason}")]
pub struct KeyFault {
    path: PathBuf,
    reason: String,
}

/// Keys that decide which values belong together; losing them breaks no record, but sessions and pseudonyms start anew.
pub struct DeploymentKeys {
    /// Hashes conversations.
    pub threads: [u8; 32],
    /// Makes pseudonyms.
    pub pseudonyms: [u8; 32],
    /// Seals the console's sessions; who replaces it signs everybody out.
    pub console: [u8; 32],
    /// Names held calls and seals their originals; the same on every replica.
    pub approvals: [u8; 32],
    /// Signs what is lent for the length of a call; the same on every replica.
    pub call_tokens: [u8; 32],
}

impl DeploymentKeys {
    /// Reads the keys in this folder, or makes them.
    pub fn open(folder: &Path, entropy: &dyn Entropy) -> Result<Self, KeyFault> {
        create_folder(folder).map_err(|error| fault(folder, &error.to_string()))?;
        Ok(Self {
            threads: key(&folder.join("threads.key"), entropy)?,
            pseudonyms: key(&folder.join("pseudonyms.key"), entropy)?,
            console: key(&folder.join("console.key"), entropy)?,
            approvals: key(&folder.join("approvals.key"), entropy)?,
            call_tokens: key(&folder.join("call-tokens.key"), entropy)?,
        })
    }
}

fn fault(path: &Path, reason: &str) -> KeyFault {
    KeyFault { path: path.to_owned(), reason: reason.to_owned() }
}

fn key(path: &Path, entropy: &dyn Entropy) -> Result<[u8; 32], KeyFault> {
    match fs::read_to_string(path) {
        Ok(text) => from_hex(text.trim_end())
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| fault(path, "it does not hold 32 bytes in hexadecimal")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            write_private(path, format!("{}\n", to_hex(&bytes)).as_bytes())
                .map_err(|error| fault(path, &error.to_string()))?;
            Ok(bytes)
        }
        Err(error) => Err(fault(path, &error.to_string())),
    }
}

/// Makes a folder that only its owner can look into; one that exists stays as it is.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Writes a file that only its owner can read, and never a half of it: beside it first, then in its place.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemEntropy;

    #[test]
    fn keys_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = folder.path().join("keys");
        let first = DeploymentKeys::open(&keys, &SystemEntropy).expect("made");
        let again = DeploymentKeys::open(&keys, &SystemEntropy).expect("read");
        assert_eq!((first.threads, first.pseudonyms), (again.threads, again.pseudonyms));
        assert_ne!(first.threads, first.pseudonyms);
        fs::write(keys.join("threads.key"), "short").expect("written");
        assert!(DeploymentKeys::open(&keys, &SystemEntropy).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = folder.path().join("keys");
        DeploymentKeys::open(&keys, &SystemEntropy).expect("made");
        let mode = |path: &Path| fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o777).ok();
        assert_eq!(mode(&keys), Some(0o700));
        assert_eq!(mode(&keys.join("threads.key")), Some(0o600));
    }
}
