use crate::note::{BadNote, SigningKey, TrustedKey};

/// The key of one log, and the root key's word that it is. A log is written by one run of a gateway, which makes the
/// key when it starts and never writes the private half down: once the run is over, nobody can sign for it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    key: TrustedKey,
    signature: [u8; 64],
}

impl Certificate {
    /// Certifies the key of a log.
    pub fn issue(root: &SigningKey, key: &TrustedKey) -> Self {
        let text = text(root.trusted().name(), key);
        Self { key: key.clone(), signature: root.sign_bytes(text.as_bytes()) }
    }

    /// A certificate as it is kept, unchecked.
    pub fn from_parts(origin: &str, public: [u8; 32], signature: [u8; 64]) -> Result<Self, BadNote> {
        Ok(Self { key: TrustedKey::new(origin, public)?, signature })
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.key.name()
    }

    /// The public key, unchecked.
    pub const fn public(&self) -> [u8; 32] {
        *self.key.public()
    }

    /// The root key's signature.
    pub const fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The log's key, where the root key vouches for it and the log's name is one that the root key may name:
    /// `ROOT/REPLICA/EPOCH`.
    pub fn open(&self, root: &TrustedKey) -> Result<&TrustedKey, BadNote> {
        if Origin::parse(self.origin()).is_none_or(|origin| origin.root != root.name()) {
            return Err(BadNote::Key);
        }
        root.has_signed(text(root.name(), &self.key).as_bytes(), &self.signature)?;
        Ok(&self.key)
    }

    /// The certificate as the signed note that it is.
    pub fn to_note(&self, root: &TrustedKey) -> String {
        format!("{}\n{}", text(root.name(), &self.key), root.signature_line(&self.signature))
    }
}

/// What the root key signs. The second line is no number, so that this is never taken for a checkpoint.
fn text(root: &str, key: &TrustedKey) -> String {
    format!("{root}\ncertifies the key of a log\n{key}\n")
}

/// The parts of a log's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The root key's name: the deployment.
    pub root: &'a str,
    /// The data folder, in hexadecimal.
    pub replica: &'a str,
    /// Which run of the gateway on it; rises.
    pub epoch: u64,
}

impl<'a> Origin<'a> {
    /// Takes a log's name apart.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (rest, epoch) = name.rsplit_once('/')?;
        let (root, replica) = rest.rsplit_once('/')?;
        let canonical = epoch.bytes().all(|byte| byte.is_ascii_digit()) && !epoch.starts_with('0');
        let hexadecimal = !replica.is_empty() && replica.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (canonical && hexadecimal).then_some(())?;
        Some(Self { root, replica, epoch: epoch.parse().ok()? })
    }

    /// The name of the register that the log is entered in.
    pub fn register(&self) -> String {
        format!("{}/{}", self.root, self.replica)
    }

    /// The log's name.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.root, self.replica, self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use gatewright_model::Secret;

    use super::*;

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name, Secret::new([seed; 32])).expect("a good name")
    }

    #[test]
    fn a_certificate_holds_for_its_key_its_log_and_its_root_alone() {
        let root = key("log.example/d", 1);
        let log = key("log.example/d/0a/7", 2);
        let good = Certificate::issue(&root, log.trusted());
        assert_eq!(good.open(root.trusted()), Ok(log.trusted()));
        assert!(root.trusted().open(&good.to_note(root.trusted())).is_ok(), "a note that ordinary tools can check");
        assert!(good.open(key("log.example/d", 3).trusted()).is_err());
        let other = Certificate::from_parts("log.example/d/0a/8", good.public(), *good.signature()).expect("a name");
        assert_eq!(other.open(root.trusted()), Err(BadNote::Signature));
        for bit in 0..512 {
            let mut signature = *good.signature();
            signature[bit / 8] ^= 1 << (bit % 8);
            let forged = Certificate::from_parts(good.origin(), good.public(), signature).expect("a name");
            assert!(forged.open(root.trusted()).is_err());
        }
        // The root key may not name a log of another deployment.
        let foreign = Certificate::issue(&root, key("log.example/e/0a/7", 2).trusted());
        assert_eq!(foreign.open(root.trusted()), Err(BadNote::Key));
    }
}
