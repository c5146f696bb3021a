use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_json::{Object, Value};

use super::Algorithm;
use super::algorithm::Scheme;
use super::roca::is_roca;

/// Members of a private or symmetric key (RFC 7518, section 6).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
/// RSA moduli in bytes: below, keys can be factored; above, verifying costs more than a caller should be able to ask.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// A public key of an issuer, ready to verify with each algorithm that it may be used with.
#[derive(Debug)]
pub(crate) struct Jwk {
    pub(crate) id: Option<String>,
    pub(crate) uses: Vec<(Algorithm, ParsedPublicKey)>,
}

/// Why a JWK is not used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It spoils the whole set: an issuer that publishes it does something that nobody should rely on.
    Set(&'static str),
    /// It is passed over; real sets hold keys for other purposes.
    Key(&'static str),
}

impl Jwk {
    /// Reads one member of a key set (RFC 7517), for the algorithms that the issuer is configured for.
    pub(crate) fn read(jwk: &Value, configured: &[Algorithm]) -> Result<Self, Unfit> {
        let jwk = jwk.as_object().ok_or(Unfit::Set("a key is not an object"))?;
        let kind = jwk.get("kty").and_then(Value::as_str).ok_or(Unfit::Set("a key has no type"))?;
        if kind == "oct" {
            return Err(Unfit::Set("it holds a symmetric key"));
        }
        if PRIVATE_MEMBERS.iter().any(|member| jwk.get(member).is_some()) {
            return Err(Unfit::Set("it holds a private key"));
        }
        check_purpose(jwk)?;
        let id = key_id(jwk)?;
        let permitted = algorithms(jwk, configured)?;
        let uses = match kind {
            "RSA" => rsa(jwk, &permitted)?,
            "EC" => ec(jwk, &permitted)?,
            "OKP" => okp(jwk, &permitted)?,
            _ => return Err(Unfit::Key("its type is unknown")),
        };
        if uses.is_empty() { Err(Unfit::Key("no configured algorithm takes it")) } else { Ok(Self { id, uses }) }
    }
}

/// `use` and `key_ops` where they are present (RFC 7517, sections 4.2 and 4.3).
fn check_purpose(jwk: &Object) -> Result<(), Unfit> {
    if jwk.get("use").is_some_and(|purpose| purpose.as_str() != Some("sig")) {
        return Err(Unfit::Key("it is not for signatures"));
    }
    let Some(operations) = jwk.get("key_ops") else { return Ok(()) };
    let operations = operations.as_array().ok_or(Unfit::Key("its operations are not a list"))?;
    if operations.iter().all(|operation| operation.as_str() == Some("verify")) && operations.len() == 1 {
        Ok(())
    } else {
        Err(Unfit::Key("it is not for verifying alone"))
    }
}

fn key_id(jwk: &Object) -> Result<Option<String>, Unfit> {
    let Some(id) = jwk.get("kid") else { return Ok(None) };
    let id = id.as_str().ok_or(Unfit::Key("its id is not a text"))?;
    if id.is_empty() || id.len() > 256 { Err(Unfit::Key("its id is empty or too long")) } else { Ok(Some(id.into())) }
}

/// The configured algorithms, narrowed to the key's own `alg` where it has one.
fn algorithms(jwk: &Object, configured: &[Algorithm]) -> Result<Vec<Algorithm>, Unfit> {
    let Some(own) = jwk.get("alg") else { return Ok(configured.to_vec()) };
    let own = own.as_str().and_then(Algorithm::from_name).ok_or(Unfit::Key("its algorithm is not accepted"))?;
    Ok(configured.iter().copied().filter(|algorithm| *algorithm == own).collect())
}

fn rsa(jwk: &Object, permitted: &[Algorithm]) -> Result<Vec<(Algorithm, ParsedPublicKey)>, Unfit> {
    let (n, e) = (member(jwk, "n")?, member(jwk, "e")?);
    // Some issuers write the modulus with a leading zero, as ASN.1 has it.
    let n = n.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &n[first..]);
    if !MODULUS.contains(&n.len()) || (n.len() == *MODULUS.start() && n[0] < 0x80) {
        return Err(Unfit::Key("its modulus is shorter than 2048 or longer than 8192 bits"));
    }
    if e.first() == Some(&0) || e.len() > 4 || e == [1] || e.last().is_none_or(|last| last % 2 == 0) {
        return Err(Unfit::Key("its exponent is not an odd number from 3 to 2^32"));
    }
    if is_roca(n) {
        return Err(Unfit::Key("it was made by a generator whose keys can be factored (CVE-2017-15361)"));
    }
    let components = PublicKeyComponents { n, e: e.as_slice() };
    each(permitted, |algorithm| match algorithm.scheme() {
        Scheme::Rsa(parameters) => Some(components.to_parsed_public_key(parameters).ok()),
        Scheme::Ec(..) | Scheme::Ed25519(_) => None,
    })
}

fn ec(jwk: &Object, permitted: &[Algorithm]) -> Result<Vec<(Algorithm, ParsedPublicKey)>, Unfit> {
    let curve = jwk.get("crv").and_then(Value::as_str).ok_or(Unfit::Key("it has no curve"))?;
    let (x, y) = (member(jwk, "x")?, member(jwk, "y")?);
    each(permitted, |algorithm| match algorithm.scheme() {
        Scheme::Ec(name, length, verification) if name == curve => {
            // RFC 7518, section 6.2.1.2: each coordinate has the curve's full length.
            let whole = x.len() == length && y.len() == length;
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            Some(whole.then(|| ParsedPublicKey::new(verification, point).ok()).flatten())
        }
        Scheme::Ec(..) | Scheme::Rsa(_) | Scheme::Ed25519(_) => None,
    })
}

fn okp(jwk: &Object, permitted: &[Algorithm]) -> Result<Vec<(Algorithm, ParsedPublicKey)>, Unfit> {
    if jwk.get("crv").and_then(Value::as_str) != Some("Ed25519") {
        return Err(Unfit::Key("its curve is not accepted"));
    }
    let x = member(jwk, "x")?;
    each(permitted, |algorithm| match algorithm.scheme() {
        Scheme::Ed25519(verification) => {
            Some((x.len() == 32).then(|| ParsedPublicKey::new(verification, &x).ok()).flatten())
        }
        Scheme::Rsa(_) | Scheme::Ec(..) => None,
    })
}

/// The key for each algorithm that takes its kind; unfit where such an algorithm will not have it.
fn each(
    permitted: &[Algorithm],
    make: impl Fn(Algorithm) -> Option<Option<ParsedPublicKey>>,
) -> Result<Vec<(Algorithm, ParsedPublicKey)>, Unfit> {
    let mut uses = Vec::new();
    for algorithm in permitted {
        match make(*algorithm) {
            None => {}
            Some(Some(key)) => uses.push((*algorithm, key)),
            Some(None) => return Err(Unfit::Key("it is not a valid public key")),
        }
    }
    Ok(uses)
}

fn member(jwk: &Object, name: &str) -> Result<Vec<u8>, Unfit> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or(Unfit::Key("a part of it is missing"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Unfit::Key("a part of it is not base64url"))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
    use gatewright_json::{Limits, parse};
    use serde_json::{Value as Json, json};

    use super::*;

    fn base64url(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// An odd number of this many bytes; nobody needs its factors to read it.
    fn modulus(bytes: usize) -> Vec<u8> {
        let mut modulus = vec![0xc5; bytes];
        modulus[bytes - 1] = 0x0b;
        modulus
    }

    fn rsa_key() -> Json {
        json!({"kty": "RSA", "n": base64url(modulus(256)), "e": "AQAB", "kid": "k"})
    }

    fn ec_key() -> Json {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y), "kid": "k"})
    }

    fn ed_key() -> Json {
        let pair = Ed25519KeyPair::generate().expect("a key");
        json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key()), "kid": "k"})
    }

    fn read(jwk: &Json) -> Result<Vec<Algorithm>, Unfit> {
        let jwk = parse(jwk.to_string().as_bytes(), &Limits::default()).expect("JSON");
        Jwk::read(&jwk, Algorithm::ALL).map(|key| key.uses.iter().map(|(algorithm, _)| *algorithm).collect())
    }

    fn with(mut jwk: Json, member: &str, value: Json) -> Json {
        jwk[member] = value;
        jwk
    }

    fn why(jwk: &Json) -> &'static str {
        match read(jwk).expect_err("a key of no use") {
            Unfit::Set(why) | Unfit::Key(why) => why,
        }
    }

    #[test]
    fn a_key_is_used_with_the_algorithms_of_its_kind_alone() {
        use Algorithm::{EdDsa, Es256, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        assert_eq!(read(&rsa_key()), Ok(vec![Rs256, Rs384, Rs512, Ps256, Ps384, Ps512]));
        assert_eq!(read(&ec_key()), Ok(vec![Es256]));
        assert_eq!(read(&ed_key()), Ok(vec![EdDsa]));
        assert_eq!(read(&with(rsa_key(), "alg", json!("PS384"))), Ok(vec![Ps384]));
        let padded = [vec![0], modulus(256)].concat();
        assert!(read(&with(rsa_key(), "n", json!(base64url(padded)))).is_ok(), "as ASN.1 writes it");
    }

    #[test]
    fn weak_and_absurd_rsa_keys_are_passed_over() {
        let mut short = modulus(256);
        short[0] = 0x7f;
        for modulus in [modulus(128), modulus(255), short, modulus(1_025), vec![], vec![0; 256]] {
            assert!(why(&with(rsa_key(), "n", json!(base64url(modulus)))).contains("modulus"));
        }
        let exponents: [&[u8]; 7] = [&[], &[1], &[2], &[0, 1], &[1, 0, 0], &[0, 1, 0, 1], &[1, 0, 0, 0, 1]];
        for exponent in exponents {
            assert!(why(&with(rsa_key(), "e", json!(base64url(exponent)))).contains("exponent"), "{exponent:?}");
        }
    }

    #[test]
    fn points_that_are_none_are_passed_over() {
        for bad in [vec![0; 32], vec![0xff; 32], vec![1; 31], vec![1; 33], vec![]] {
            assert!(why(&with(ec_key(), "x", json!(base64url(&bad)))).contains("not a valid"), "{bad:?}");
        }
        for curve in ["P-384", "P-521", "secp256k1", "", "p-256"] {
            assert!(read(&with(ec_key(), "crv", json!(curve))).is_err(), "{curve}");
        }
        for (member, value) in [("x", json!("AAAA")), ("crv", json!("X25519")), ("crv", json!("Ed448"))] {
            assert!(read(&with(ed_key(), member, value)).is_err());
        }
    }

    #[test]
    fn one_private_or_symmetric_key_spoils_the_set() {
        for key in [rsa_key(), ec_key(), ed_key()] {
            for member in PRIVATE_MEMBERS {
                let outcome = read(&with(key.clone(), member, json!("AAAA")));
                assert!(matches!(outcome, Err(Unfit::Set(why)) if why.contains("private")), "{member}");
            }
        }
        assert!(matches!(read(&json!({"kty": "oct", "k": "AAAA"})), Err(Unfit::Set(why)) if why.contains("symmetric")));
        assert!(matches!(read(&json!("key")), Err(Unfit::Set(_))));
    }

    #[test]
    fn keys_for_other_purposes_are_passed_over() {
        for (member, value) in [
            ("use", json!("enc")),
            ("use", json!(null)),
            ("use", json!(["sig"])),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!(["verify", "sign"])),
            ("key_ops", json!([])),
            ("key_ops", json!("verify")),
            ("alg", json!("HS256")),
            ("alg", json!("RSA-OAEP")),
            ("alg", json!("none")),
            ("alg", json!("ES384")),
            ("alg", json!(1)),
            ("kid", json!("")),
            ("kid", json!(7)),
            ("kty", json!("ec")),
            ("kty", json!("RSA")),
            ("x", json!("AA+/")),
            ("y", json!(null)),
        ] {
            let outcome = read(&with(ec_key(), member, value.clone()));
            assert!(matches!(outcome, Err(Unfit::Key(_))), "{member}: {value}");
        }
        assert!(read(&with(with(ec_key(), "use", json!("sig")), "key_ops", json!(["verify"]))).is_ok());
    }

    #[test]
    fn configured_algorithms_bound_what_a_key_may_do() {
        let key = parse(rsa_key().to_string().as_bytes(), &Limits::default()).expect("JSON");
        let uses = Jwk::read(&key, &[Algorithm::Ps256]).expect("usable").uses;
        assert_eq!(uses.iter().map(|(algorithm, _)| *algorithm).collect::<Vec<_>>(), [Algorithm::Ps256]);
        assert!(matches!(Jwk::read(&key, &[Algorithm::Es256]), Err(Unfit::Key(_))));
    }
}
