use std::io;

use gatewright_ledger::{BadNote, SigningKey};
use gatewright_model::{Entropy, Secret, to_hex};

use crate::disk::{Disk, Privacy, Settle, put_whole, read_whole};
use crate::folder::{KEY_FILE, TRUSTED_FILE};

/// The most bytes that a key file may have.
const KEY_LIMIT: usize = 4 << 10;

/// Reads the root key; `None` where there is none.
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

/// Makes the root key of a folder without a log. Its name, the deployment's, is unique by itself.
pub(super) fn create(disk: &dyn Disk, entropy: &dyn Entropy) -> io::Result<Result<SigningKey, BadNote>> {
    let (mut id, mut seed) = ([0; 8], [0; 32]);
    entropy.fill(&mut id);
    entropy.fill(&mut seed);
    let name = format!("gatewright.log/{}", to_hex(&id));
    let key = match SigningKey::from_seed(&name, Secret::new(seed)) {
        Ok(key) => key,
        Err(bad) => return Ok(Err(bad)),
    };
    put_whole(disk, KEY_FILE, Privacy::Owner, key.to_text().expose().as_bytes(), Settle::Now)?;
    Ok(Ok(key))
}

/// Puts the public key beside the private one, where it is not there yet.
pub(super) fn publish(disk: &dyn Disk, key: &SigningKey) -> io::Result<()> {
    let text = format!("{}\n", key.trusted());
    match read_whole(disk, TRUSTED_FILE, KEY_LIMIT) {
        Ok(bytes) if bytes == text.as_bytes() => Ok(()),
        Ok(_) | Err(_) => put_whole(disk, TRUSTED_FILE, Privacy::Group, text.as_bytes(), Settle::Now),
    }
}

/// Makes the key of one log, which is never written down: with the run that made it, the means to sign for it are gone.
pub(super) fn of_log(name: &str, entropy: &dyn Entropy) -> Result<SigningKey, BadNote> {
    let mut seed = [0; 32];
    entropy.fill(&mut seed);
    SigningKey::from_seed(name, Secret::new(seed))
}
