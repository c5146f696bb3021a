//! Cosignatures (C2SP tlog-cosignature, the Ed25519 kind): a witness's word that a checkpoint is consistent with all
//! that it has seen of the log, and when.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_model::{Secret, Timestamp};

use crate::commitment::sha256;
use crate::note::{BadNote, NOTE_LIMIT, SigningKey, TrustedKey};

/// The signature type of Ed25519 cosignatures, which is part of the key's hash.
const COSIGNATURE_TYPE: u8 = 4;

/// A witness's public key.
#[derive(Clone, PartialEq, Eq)]
pub struct CosignerKey {
    key: TrustedKey,
    hash: [u8; 4],
}

impl CosignerKey {
    fn new(key: TrustedKey) -> Self {
        let digest = sha256(&[key.name().as_bytes(), b"\n", &[COSIGNATURE_TYPE], key.public()]);
        Self { key, hash: [digest[0], digest[1], digest[2], digest[3]] }
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        self.key.name()
    }

    /// When this witness cosigned the note last; `None` where it has not. One bad line in its name spoils the note.
    pub fn cosigned(&self, note: &str) -> Result<Option<Timestamp>, BadNote> {
        if note.len() > NOTE_LIMIT || !note.ends_with('\n') {
            return Err(BadNote::Shape);
        }
        let at = note.rfind("\n\n").ok_or(BadNote::Shape)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        let mut latest = None;
        for line in signatures.lines() {
            let (name, signature) =
                line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(BadNote::Shape)?;
            let bytes = STANDARD.decode(signature).map_err(|_| BadNote::Shape)?;
            let (hash, rest) = bytes.split_at_checked(4).ok_or(BadNote::Shape)?;
            if name == self.name() && hash == self.hash {
                let (time, signature) = rest.split_first_chunk::<8>().ok_or(BadNote::Signature)?;
                let seconds = u64::from_be_bytes(*time);
                self.key.has_signed(message(seconds, text).as_bytes(), signature)?;
                latest = latest.max(Some(Timestamp::from_seconds(seconds)));
            }
        }
        Ok(latest)
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![COSIGNATURE_TYPE];
        key.extend_from_slice(self.key.public());
        write!(f, "{}+{:08x}+{}", self.name(), u32::from_be_bytes(self.hash), STANDARD.encode(key))
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CosignerKey {
    type Err = BadNote;

    fn from_str(text: &str) -> Result<Self, BadNote> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadNote::Key);
        };
        let key = STANDARD.decode(key).map_err(|_| BadNote::Key)?;
        let public = match key.split_first() {
            Some((&COSIGNATURE_TYPE, public)) => public.try_into().map_err(|_| BadNote::Key)?,
            Some(_) | None => return Err(BadNote::Key),
        };
        let cosigner = Self::new(TrustedKey::new(name, public)?);
        if format!("{:08x}", u32::from_be_bytes(cosigner.hash)) == hash { Ok(cosigner) } else { Err(BadNote::Key) }
    }
}

/// A witness's private key.
#[derive(Debug)]
pub struct Cosigner {
    key: SigningKey,
    public: CosignerKey,
}

impl Cosigner {
    /// The witness of this name whose key grows from this seed.
    pub fn from_seed(name: &str, seed: Secret<[u8; 32]>) -> Result<Self, BadNote> {
        SigningKey::from_seed(name, seed).map(Self::new)
    }

    /// Reads the text that [`to_text`](Self::to_text) gives.
    pub fn from_text(text: &str) -> Result<Self, BadNote> {
        SigningKey::from_text(text).map(Self::new)
    }

    fn new(key: SigningKey) -> Self {
        let public = CosignerKey::new(key.trusted().clone());
        Self { key, public }
    }

    /// The key as text.
    pub fn to_text(&self) -> Secret<String> {
        self.key.to_text()
    }

    /// Its public half.
    pub const fn public(&self) -> &CosignerKey {
        &self.public
    }

    /// The line that cosigns this checkpoint's text, which ends in a newline, at this time.
    pub fn line(&self, text: &str, at: Timestamp) -> String {
        let seconds = at.micros() / 1_000_000;
        let mut bytes = self.public.hash.to_vec();
        bytes.extend_from_slice(&seconds.to_be_bytes());
        bytes.extend_from_slice(&self.key.sign_bytes(message(seconds, text).as_bytes()));
        format!("\u{2014} {} {}\n", self.public.name(), STANDARD.encode(bytes))
    }
}

fn message(seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}
