use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_json::{Object, Value, to_bytes};

use super::OpenFault;

const FILE: &str = "issuer-key.p8";

/// The provider's ES256 key.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    id: String,
}

impl SigningKey {
    /// The key in this folder; made where there is none, readable for its owner alone.
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenFault> {
        let path = folder.join(FILE);
        let file_fault = |fault| OpenFault::File { path: path.clone(), fault };
        let document = match fs::read(&path) {
            Ok(document) => document,
            Err(fault) if fault.kind() == ErrorKind::NotFound => {
                let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                    .map_err(|_| OpenFault::NoKey)?;
                fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(file_fault)?;
                let mut file =
                    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(file_fault)?;
                file.write_all(document.as_ref()).and_then(|()| file.sync_all()).map_err(file_fault)?;
                document.as_ref().to_vec()
            }
            Err(fault) => return Err(file_fault(fault)),
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document)
            .map_err(|_| OpenFault::NotAKey(path.clone()))?;
        let id = thumbprint(&pair);
        Ok(Self { pair, id })
    }

    /// A JWT of this type with these claims.
    pub(crate) fn sign(&self, token_type: &str, claims: &Object) -> String {
        let header = Object::from_iter([("alg", "ES256"), ("typ", token_type), ("kid", &self.id)]);
        let part = |object: Object| base64url(&to_bytes(&Value::Object(object)));
        let signed = format!("{}.{}", part(header), part(claims.clone()));
        #[allow(clippy::expect_used, reason = "a valid P-256 key signs every message")]
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("a valid key signs");
        format!("{signed}.{}", base64url(signature.as_ref()))
    }

    /// The key set that verifies its tokens (RFC 7517).
    pub(crate) fn key_set(&self) -> Value {
        let (x, y) = coordinates(&self.pair);
        let key = Object::from_iter([
            ("kty", "EC"),
            ("crv", "P-256"),
            ("x", &x),
            ("y", &y),
            ("use", "sig"),
            ("alg", "ES256"),
            ("kid", &self.id),
        ]);
        Value::Object(Object::from_iter([("keys", vec![Value::Object(key)])]))
    }
}

/// RFC 7638: the key's own hash is its id, so that the id survives a restart and another key has another.
fn thumbprint(pair: &EcdsaKeyPair) -> String {
    let (x, y) = coordinates(pair);
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    base64url(digest(&SHA256, canonical.as_bytes()).as_ref())
}

/// The public point is 0x04, then both coordinates (SEC 1, section 2.3.3).
fn coordinates(pair: &EcdsaKeyPair) -> (String, String) {
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    (base64url(x), base64url(y))
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_restart_keeps_the_key_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("demo");
        let first = SigningKey::open(&folder).expect("made").id;
        assert_eq!(SigningKey::open(&folder).expect("read").id, first);
        let mode = fs::metadata(folder.join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.join(FILE), b"something else").expect("written");
        assert!(matches!(SigningKey::open(&folder), Err(OpenFault::NotAKey(_))));
    }
}
