use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_json::{Object, Value, parse};

use super::{Algorithm, KeySet, NoKey, limits};
use crate::Flaw;

/// Longer tokens are refused before anything of them is decoded.
pub(crate) const LONGEST_TOKEN: usize = 16 << 10;
/// A key id is looked up in a map and used for nothing else; longer ones have no honest use.
const LONGEST_KEY_ID: usize = 256;

/// A signed JWT in its compact form (RFC 7515, section 7.1), read but not verified.
pub(crate) struct Compact<'a> {
    header: Header,
    signed: &'a [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

struct Header {
    algorithm: Algorithm,
    key_id: Option<String>,
}

impl<'a> Compact<'a> {
    /// Takes the token apart. Nothing in it is believed yet.
    pub(crate) fn read(token: &'a str) -> Result<Self, Flaw> {
        if token.len() > LONGEST_TOKEN {
            return Err(Flaw::TooLong);
        }
        // Counted without allocating: a token of dots alone would otherwise make one string for each.
        if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return Err(Flaw::NotThreeSegments);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::NotThreeSegments)?;
        let (header, payload) = signed.split_once('.').ok_or(Flaw::NotThreeSegments)?;
        Ok(Self {
            header: Header::read(&decode(header)?)?,
            signed: signed.as_bytes(),
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// The key that the header names.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.key_id.as_deref()
    }

    /// The payload as an object, before the signature says that it may be believed: for `iss`, which names the keys.
    pub(crate) fn unverified_claims(&self) -> Result<Value, Flaw> {
        let claims = parse(&self.payload, &limits(LONGEST_TOKEN, 4_096)).map_err(|_| Flaw::ClaimsNotJson)?;
        if claims.as_object().is_some() { Ok(claims) } else { Err(Flaw::ClaimsNotJson) }
    }

    /// Whether one of these keys made the signature with an algorithm that the set offers for it.
    pub(crate) fn verify(&self, keys: &KeySet) -> Result<(), NoKey> {
        let key = keys.find(self.key_id(), self.header.algorithm)?;
        key.verify_sig(self.signed, &self.signature).map_err(|_| NoKey::Unfit)
    }
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        let header = parse(bytes, &limits(LONGEST_TOKEN, 64)).map_err(|_| Flaw::HeaderNotJson)?;
        let header = header.as_object().ok_or(Flaw::HeaderNotJson)?;
        if !header.iter().all(|(name, _)| is_accepted(name)) {
            return Err(Flaw::HeaderField);
        }
        let algorithm =
            header.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name).ok_or(Flaw::Algorithm)?;
        check_type(header)?;
        Ok(Self { algorithm, key_id: key_id(header)? })
    }
}

/// An allow-list, so that `crit`, `b64`, `jwk`, `jku`, `x5u`, `x5c`, `zip`, `enc`, `p2c`, `p2s`, `cty`, and whatever a
/// later standard adds are refused by their mere presence. The two thumbprints are what Entra ID and AD FS always
/// send; they are ignored.
fn is_accepted(field: &str) -> bool {
    matches!(field, "alg" | "kid" | "typ" | "x5t" | "x5t#S256")
}

/// Tokens for other purposes (`dpop+jwt`, `logout+jwt`, `secevent+jwt`…) are signed by the same keys (RFC 8725, 3.11).
fn check_type(header: &Object) -> Result<(), Flaw> {
    let Some(given) = header.get("typ") else { return Ok(()) };
    let given = given.as_str().ok_or(Flaw::TokenType)?.to_ascii_lowercase();
    let given = given.strip_prefix("application/").unwrap_or(&given);
    if matches!(given, "jwt" | "at+jwt") { Ok(()) } else { Err(Flaw::TokenType) }
}

fn key_id(header: &Object) -> Result<Option<String>, Flaw> {
    let Some(given) = header.get("kid") else { return Ok(None) };
    let given = given.as_str().ok_or(Flaw::KeyId)?;
    let is_plain = !given.is_empty() && given.len() <= LONGEST_KEY_ID && !given.chars().any(char::is_control);
    if is_plain { Ok(Some(given.to_owned())) } else { Err(Flaw::KeyId) }
}

/// Canonical base64url: no padding, no other alphabet, no bits left over, so that one token has one spelling.
fn decode(segment: &str) -> Result<Vec<u8>, Flaw> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| Flaw::NotBase64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(header: &str, payload: &str, signature: &str) -> Option<Flaw> {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Compact::read(&format!("{}.{}.{signature}", encode(header), encode(payload))).err()
    }

    fn header_flaw(header: &str) -> Option<Flaw> {
        flaw(header, "{}", "AAAA")
    }

    #[test]
    fn takes_a_plain_header() {
        for header in [
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt"}"#,
            r#"{"alg":"PS256","typ":"application/AT+jwt"}"#,
            r#"{"typ":"JWT","alg":"RS256","x5t":"abc","x5t#S256":"def","kid":"abc"}"#,
        ] {
            assert_eq!(header_flaw(header), None, "{header}");
        }
    }

    #[test]
    fn refuses_dangerous_fields_by_presence() {
        for field in ["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc", "p2c", "p2s", "cty", "epk", "new", "KID"]
        {
            for value in ["null", "\"\"", "[]", "{}", "true", "2147483648"] {
                let header = format!(r#"{{"alg":"RS256","{field}":{value}}}"#);
                assert_eq!(header_flaw(&header), Some(Flaw::HeaderField), "{header}");
            }
        }
    }

    #[test]
    fn refuses_algorithms_that_prove_nothing() {
        for algorithm in
            ["none", "None", "nOnE", "NONE", "", "HS256", "HS384", "HS512", "rs256", "RS256 ", "RS1", "ES256K", "dir"]
        {
            let header = format!(r#"{{"alg":"{algorithm}"}}"#);
            assert_eq!(header_flaw(&header), Some(Flaw::Algorithm), "{header}");
        }
        for header in ["{}", r#"{"alg":null}"#, r#"{"alg":["RS256"]}"#, r#"{"alg":1}"#] {
            assert_eq!(header_flaw(header), Some(Flaw::Algorithm), "{header}");
        }
    }

    #[test]
    fn refuses_a_header_that_is_not_strict_json() {
        for header in [
            "",
            "[]",
            "\"RS256\"",
            r#"{"alg":"RS256","alg":"none"}"#,
            r#"{"alg":"none","\u0061lg":"RS256"}"#,
            r#"{"alg":"RS256""#,
            r#"{"alg":"RS256"}{}"#,
            r#"{"alg":"RS256","kid":"\ud800"}"#,
        ] {
            assert_eq!(header_flaw(header), Some(Flaw::HeaderNotJson), "{header}");
        }
    }

    #[test]
    fn refuses_other_kinds_of_token() {
        for given in ["\"dpop+jwt\"", "\"logout+jwt\"", "\"txntoken+jwt\"", "\"JWE\"", "\"\"", "1", "null", "[\"JWT\"]"]
        {
            assert_eq!(header_flaw(&format!(r#"{{"alg":"RS256","typ":{given}}}"#)), Some(Flaw::TokenType), "{given}");
        }
    }

    #[test]
    fn refuses_key_ids_that_are_no_names() {
        let long = format!("\"{}\"", "k".repeat(257));
        for given in ["\"\"", "1", "null", "[]", "\"a\\u0000b\"", "\"a\\nb\"", &long] {
            assert_eq!(header_flaw(&format!(r#"{{"alg":"RS256","kid":{given}}}"#)), Some(Flaw::KeyId), "{given}");
        }
    }

    #[test]
    fn refuses_other_shapes_before_decoding() {
        let dots = ".".repeat(16_000);
        for token in
            ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "sk-proj-abcdef", &dots, r#"{"payload":"","signatures":[]}"#]
        {
            assert_eq!(Compact::read(token).err(), Some(Flaw::NotThreeSegments), "{}", token.len());
        }
        for token in [".".repeat(1_000_000), "a".repeat(8 << 20), format!("e30.{}.AAAA", "a".repeat(16 << 10))] {
            assert_eq!(Compact::read(&token).err(), Some(Flaw::TooLong));
        }
    }

    #[test]
    fn refuses_base64_that_is_not_canonical() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        for (payload, signature) in [
            ("e30=", "AAAA"),
            ("e30", "AA=="),
            ("e30", "AB"),
            ("e31", "AAAA"),
            ("e3 0", "AAAA"),
            ("e30", "A+/A"),
            ("e30", "AAAA\n"),
        ] {
            let token = format!("{header}.{payload}.{signature}");
            assert_eq!(Compact::read(&token).err(), Some(Flaw::NotBase64), "{payload} {signature}");
        }
    }
}
