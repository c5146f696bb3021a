use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use gatewright_model::{Entropy, Secret, to_hex};

/// PostgreSQL's own number. The secret has 256 random bits, so iterations add nothing to it.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4_096).expect("it is not zero");

/// The secret of a lent role: 256 random bits in hexadecimal, which every client sends as it is.
pub struct RolePassword(Secret<String>);

impl RolePassword {
    /// A secret that nobody can guess.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        Self(Secret::new(to_hex(&bytes)))
    }

    /// The secret, for whom it is lent to.
    pub const fn expose(&self) -> &Secret<String> {
        &self.0
    }

    /// What the server needs to know of it: `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER` (RFC 5803, as PostgreSQL has it).
    pub(super) fn verifier(&self, entropy: &dyn Entropy) -> String {
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        verifier(self.0.expose(), &salt)
    }
}

fn verifier(password: &str, salt: &[u8]) -> String {
    let mut salted = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt, password.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let stored = digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref());
    let server = hmac::sign(&key, b"Server Key");
    let (salt, stored, server) = (base64(salt), base64(stored.as_ref()), base64(server.as_ref()));
    format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}")
}

/// Base64 with padding (RFC 4648, section 4): three short texts are not worth a dependency.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let sextet = (number >> (18 - 6 * place)) & 0x3f;
            text.push(if place <= three.len() { char::from(LETTERS[sextet as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let known =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (text, encoded) in known {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn a_verifier_does_not_hold_the_secret() {
        let made = verifier("secret-of-a-role", b"0123456789abcdef");
        assert!(made.starts_with("SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$"), "{made}");
        assert!(!made.contains("secret-of-a-role"));
        assert_ne!(made, verifier("secret-of-a-role", b"0123456789abcdeg"));
    }
}
