use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatewright_model::Digest;

use crate::note::{BadNote, SigningKey, TrustedKey};

/// What a log promises of itself (C2SP tlog-checkpoint): at this size it has this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root of its tree.
    pub root: Digest,
}

impl Checkpoint {
    /// The checkpoint as a note that the log's key has signed.
    pub fn sign(size: u64, root: &Digest, key: &SigningKey) -> String {
        key.sign(&format!("{}\n{size}\n{}\n", key.trusted().name(), STANDARD.encode(root)))
    }

    /// Reads a note that the trusted key has signed.
    pub fn open(note: &str, trusted: &TrustedKey) -> Result<Self, BadNote> {
        let checkpoint = Self::parse(trusted.open(note)?)?;
        if checkpoint.origin == trusted.name() { Ok(checkpoint) } else { Err(BadNote::Shape) }
    }

    /// Reads a note whoever has signed it: for a checkpoint whose holder vouches for it, of a log whose key is gone.
    pub fn danger_read_unsigned(note: &str) -> Result<Self, BadNote> {
        let end = note.rfind("\n\n").ok_or(BadNote::Shape)?;
        Self::parse(&note[..=end])
    }

    fn parse(text: &str) -> Result<Self, BadNote> {
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let (Some(origin), Some(size), Some(root)) = (origin, size, root) else { return Err(BadNote::Shape) };
        let canonical =
            !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        if !canonical {
            return Err(BadNote::Shape);
        }
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(BadNote::Shape)?;
        let size = size.parse().map_err(|_| BadNote::Shape)?;
        // Further lines are extensions, which the signature covers and readers may pass over.
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

#[cfg(test)]
mod tests {
    use gatewright_model::Secret;

    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed("log.example/a", Secret::new([7; 32])).expect("a good name")
    }

    #[test]
    fn opens_what_it_signed_and_nothing_else() {
        let note = Checkpoint::sign(42, &[9; 32], &key());
        let trusted: TrustedKey = key().trusted().to_string().parse().expect("its own text");
        let opened = Checkpoint::open(&note, &trusted).expect("its own note");
        assert_eq!((opened.size, opened.root), (42, [9; 32]));
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                if let Ok(changed) = String::from_utf8(bytes) {
                    assert!(Checkpoint::open(&changed, &trusted).is_err(), "bit {bit} of byte {at}");
                }
            }
        }
        let other = SigningKey::from_seed("log.example/a", Secret::new([8; 32])).expect("a good name");
        assert_eq!(Checkpoint::open(&note, other.trusted()), Err(BadNote::Unsigned));
    }

    #[test]
    fn takes_the_example_key_and_note_of_the_go_implementation() {
        // From the documentation of golang.org/x/mod/sumdb/note.
        let trusted: TrustedKey =
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().expect("a key");
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert!(trusted.open(note).is_ok());
        assert_eq!(trusted.open(&note.replacen("cryptography", "Cryptography", 1)), Err(BadNote::Signature));
    }

    #[test]
    fn a_private_key_comes_back_from_its_text() {
        let text = key().to_text();
        let back = SigningKey::from_text(text.expose()).expect("its own text");
        assert_eq!(back.trusted(), key().trusted());
        assert!(!format!("{back:?}").contains(&text.expose()[40..60]));
    }
}
