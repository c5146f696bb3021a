use std::io;

use gatewright_ledger::{BadNote, SigningKey};
use gatewright_model::{Entropy, Secret, to_hex};

use crate::disk::{Access, Disk, Privacy, read_whole};
use crate::folder::{KEY_FILE, KEYS, TRUSTED_FILE};

/// The most bytes that a key file may have.
const KEY_LIMIT: usize = 4 << 10;

/// Reads the log's key; `None` where there is none.
pub(super) fn load(disk: &dyn Disk) -> io::Result<Option<Result<SigningKey, BadNote>>> {
    match read_whole(disk, KEY_FILE, KEY_LIMIT) {
        Ok(bytes) => {
            let text = Secret::new(String::from_utf8(bytes).unwrap_or_default());
            Ok(Some(SigningKey::from_text(text.expose())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a key for a log that does not exist yet. Its name, the log's origin, is unique by itself.
pub(super) fn create(disk: &dyn Disk, entropy: &dyn Entropy) -> io::Result<Result<SigningKey, BadNote>> {
    let (mut id, mut seed) = ([0; 8], [0; 32]);
    entropy.fill(&mut id);
    entropy.fill(&mut seed);
    let name = format!("gatewright.log/{}", to_hex(&id));
    let key = match SigningKey::from_seed(&name, Secret::new(seed)) {
        Ok(key) => key,
        Err(bad) => return Ok(Err(bad)),
    };
    put(disk, KEY_FILE, Privacy::Owner, key.to_text().expose().as_bytes())?;
    Ok(Ok(key))
}

/// Puts the public key beside the private one, where it is not there yet.
pub(super) fn publish(disk: &dyn Disk, key: &SigningKey) -> io::Result<()> {
    let text = format!("{}\n", key.trusted());
    match read_whole(disk, TRUSTED_FILE, KEY_LIMIT) {
        Ok(bytes) if bytes == text.as_bytes() => Ok(()),
        Ok(_) | Err(_) => put(disk, TRUSTED_FILE, Privacy::Group, text.as_bytes()),
    }
}

/// Writes a small file so that after a crash it is there whole or not at all.
fn put(disk: &dyn Disk, path: &str, privacy: Privacy, bytes: &[u8]) -> io::Result<()> {
    let draft = format!("{path}.draft");
    let file = match disk.create(&draft, privacy) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.open(&draft, Access::Write)?,
        created => created?,
    };
    file.set_len(0)?;
    file.write_at(0, bytes)?;
    file.sync()?;
    disk.rename(&draft, path)?;
    disk.sync_dir(KEYS)
}
