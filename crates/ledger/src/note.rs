//! Signed notes (C2SP signed-note) with Ed25519 keys: text that a key vouches for, and what such keys look like as text.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_model::Secret;

use crate::commitment::sha256;

/// The signature type of Ed25519 notes, which is part of the key's hash.
const ED25519_TYPE: u8 = 1;

/// The most bytes that a note may have; a checkpoint with a hundred cosignatures has fewer.
pub(crate) const NOTE_LIMIT: usize = 65_536;

/// A text that is not a note, or not a key, or a signature that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// Not shaped like a signed note.
    #[error("it is not a signed note")]
    Shape,
    /// Not shaped like a note key.
    #[error("it is not a note key of the Ed25519 kind")]
    Key,
    /// No signature by the trusted key.
    #[error("the trusted key has not signed it")]
    Unsigned,
    /// A signature that claims to be by the trusted key and is not.
    #[error("its signature does not hold")]
    Signature,
}

/// A public key with its name: `name+hash+key`, as C2SP's tools write it.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedKey {
    name: String,
    hash: [u8; 4],
    public: [u8; 32],
}

impl TrustedKey {
    /// The key of this name.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, BadNote> {
        let fit = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if name.is_empty() || name.len() > 256 || !name.chars().all(fit) {
            return Err(BadNote::Key);
        }
        let digest = sha256(&[name.as_bytes(), b"\n", &[ED25519_TYPE], &public]);
        Ok(Self { name: name.to_owned(), hash: [digest[0], digest[1], digest[2], digest[3]], public })
    }

    /// The key's name, which is its log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its 32 bytes.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The same key under the name of something that its owner keeps.
    pub fn named(&self, name: &str) -> Result<Self, BadNote> {
        Self::new(name, self.public)
    }

    /// Whether the key has signed exactly these bytes.
    pub fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> Result<(), BadNote> {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(bytes, signature).map_err(|_| BadNote::Signature)
    }

    /// The line by which a note carries a signature of this key.
    pub(crate) fn signature_line(&self, signature: &[u8]) -> String {
        let mut bytes = self.hash.to_vec();
        bytes.extend_from_slice(signature);
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode(bytes))
    }

    /// Gives the text of a note that this key has signed, with its final newline.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, BadNote> {
        if note.len() > NOTE_LIMIT || !note.ends_with('\n') {
            return Err(BadNote::Shape);
        }
        // The text ends at the last blank line; signatures follow, one a line.
        let at = note.rfind("\n\n").ok_or(BadNote::Shape)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(BadNote::Shape);
        }
        let mut found = Err(BadNote::Unsigned);
        for line in signatures.lines() {
            let (name, signature) =
                line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(BadNote::Shape)?;
            let signature = STANDARD.decode(signature).map_err(|_| BadNote::Shape)?;
            let (hash, signature) = signature.split_at_checked(4).ok_or(BadNote::Shape)?;
            if name == self.name && hash == self.hash {
                // Even one bad signature by the trusted key spoils the note.
                UnparsedPublicKey::new(&ED25519, &self.public)
                    .verify(text.as_bytes(), signature)
                    .map_err(|_| BadNote::Signature)?;
                found = Ok(text);
            }
        }
        found
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_TYPE];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.hash), STANDARD.encode(key))
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TrustedKey {
    type Err = BadNote;

    fn from_str(text: &str) -> Result<Self, BadNote> {
        let mut parts = text.trim().splitn(3, '+');
        let (name, hash, key) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(hash), Some(key)) = (name, hash, key) else { return Err(BadNote::Key) };
        let key = STANDARD.decode(key).map_err(|_| BadNote::Key)?;
        let public: [u8; 32] = match key.split_first() {
            Some((&ED25519_TYPE, public)) => public.try_into().map_err(|_| BadNote::Key)?,
            Some(_) | None => return Err(BadNote::Key),
        };
        let trusted = Self::new(name, public)?;
        let claimed = u32::from_str_radix(hash, 16).map_err(|_| BadNote::Key)?;
        if hash.len() == 8 && claimed == u32::from_be_bytes(trusted.hash) { Ok(trusted) } else { Err(BadNote::Key) }
    }
}

/// A private key with its name.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: Secret<[u8; 32]>,
    trusted: TrustedKey,
}

impl SigningKey {
    /// The key of this name that grows from this seed.
    pub fn from_seed(name: &str, seed: Secret<[u8; 32]>) -> Result<Self, BadNote> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| BadNote::Key)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| BadNote::Key)?;
        Ok(Self { pair, seed, trusted: TrustedKey::new(name, public)? })
    }

    /// Reads the text that [`to_text`](Self::to_text) gives.
    pub fn from_text(text: &str) -> Result<Self, BadNote> {
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or(BadNote::Key)?;
        let mut parts = rest.splitn(3, '+');
        let (name, hash, key) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(hash), Some(key)) = (name, hash, key) else { return Err(BadNote::Key) };
        let key = Secret::new(STANDARD.decode(key).map_err(|_| BadNote::Key)?);
        let seed = match key.expose().split_first() {
            Some((&ED25519_TYPE, seed)) => Secret::new(seed.try_into().map_err(|_| BadNote::Key)?),
            Some(_) | None => return Err(BadNote::Key),
        };
        let signing = Self::from_seed(name, seed)?;
        if format!("{:08x}", u32::from_be_bytes(signing.trusted.hash)) == hash {
            Ok(signing)
        } else {
            Err(BadNote::Key)
        }
    }

    /// The key as text, in the form that C2SP's tools use: `PRIVATE+KEY+name+hash+seed`.
    pub fn to_text(&self) -> Secret<String> {
        let mut key = vec![ED25519_TYPE; 33];
        key[1..].copy_from_slice(self.seed.expose());
        let text = format!(
            "PRIVATE+KEY+{}+{:08x}+{}\n",
            self.trusted.name,
            u32::from_be_bytes(self.trusted.hash),
            STANDARD.encode(&key)
        );
        drop(Secret::new(key));
        Secret::new(text)
    }

    /// Its public half.
    pub fn trusted(&self) -> &TrustedKey {
        &self.trusted
    }

    /// The same key under the name of something that its owner keeps.
    pub fn named(&self, name: &str) -> Result<Self, BadNote> {
        Self::from_seed(name, Secret::new(*self.seed.expose()))
    }

    /// Its signature of exactly these bytes.
    pub fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        // INVARIANT: an Ed25519 signature has 64 bytes.
        signature.copy_from_slice(self.pair.sign(bytes).as_ref());
        signature
    }

    /// The note that says this text, which ends in a newline, with this key's signature.
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", self.trusted.signature_line(&self.sign_bytes(text.as_bytes())))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.trusted.name)
    }
}
