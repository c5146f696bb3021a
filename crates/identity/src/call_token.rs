//! Tokens that the gateway itself signs, for the length of a call (RFC 9068).
//!
//! The keys come of the deployment's own key, one for each day, so that every replica has them, none of them is kept
//! anywhere, and they change by themselves. Only public keys leave this module.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_json::{Object, Value, to_bytes};
use gatewright_model::{DatasetName, LeaseId, RequestId, Secret, Timestamp, from_hex, to_hex};

use crate::oidc::{Algorithm, Claims, Compact, KeySet};
use crate::{Flaw, Rejection};

/// How long one key signs.
const TURN: Duration = Duration::from_secs(24 * 3_600);

/// The longest life of a token, whatever is asked for.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The type of `authorization_details` (RFC 9396) that says what a token opens.
const DETAILS: &str = "dataset_access";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallClaims {
    /// The token's own id.
    pub id: LeaseId,
    /// The call that it belongs to, and ends with.
    pub call: RequestId,
    /// The run of a gateway that lent it: another start is another one.
    pub holder: [u8; 16],
    /// The issuer's key for whoever made the call.
    pub subject: String,
    /// The connection that it was lent to.
    pub client: String,
    /// Whose issuer vouches for the workload that may use it, by its configured name.
    pub workload_issuer: String,
    /// And the issuer's key for that workload.
    pub workload: String,
    /// Whom it is meant for.
    pub audience: String,
    /// What it opens, for reading.
    pub datasets: Vec<DatasetName>,
    /// When it was made.
    pub issued: Timestamp,
    /// When it ends at the latest.
    pub expires: Timestamp,
}

/// Signs and verifies tokens of calls.
pub struct CallTokens {
    key: hmac::Key,
    issuer: String,
    /// The keys of the last few turns that were asked for.
    signers: Mutex<Vec<Arc<Signer>>>,
}

struct Signer {
    turn: u64,
    id: String,
    pair: Ed25519KeyPair,
    keys: KeySet,
}

impl CallTokens {
    /// Tokens of this issuer, under the deployment's key.
    pub fn new(key: &[u8; 32], issuer: impl Into<String>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), issuer: issuer.into(), signers: Mutex::default() }
    }

    /// Whose tokens they are: `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A token that says this. Its life is cut to a quarter of an hour where more is asked for.
    ///
    /// # Errors
    /// Where the cryptographic library fails.
    pub fn mint(&self, claims: &CallClaims) -> Result<Secret<String>, Rejection> {
        let signer = self.signer(turn_of(claims.issued))?;
        let mut header = Object::default();
        header.set("alg", Algorithm::EdDsa.name());
        header.set("kid", signer.id.as_str());
        header.set("typ", "at+jwt");
        let expires = claims.expires.min(claims.issued.plus(LONGEST));
        let payload = to_bytes(&Value::from(self.payload(claims, expires)));
        let mut token = URL_SAFE_NO_PAD.encode(to_bytes(&Value::from(header)));
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = signer.pair.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(Secret::new(token))
    }

    /// What a token says that this deployment signed for this audience and whose time is not over. Whether its call still
    /// runs is not known here.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, token: &str, audience: &str, now: Timestamp) -> Result<CallClaims, Rejection> {
        let compact = Compact::read(token)?;
        let payload = compact.unverified_claims()?;
        let claims = Claims::of(&payload).ok_or(Flaw::ClaimsNotJson)?;
        if claims.issuer()? != self.issuer {
            return Err(Rejection::UnknownIssuer);
        }
        let present = turn_of(now);
        let verified = [present, present.saturating_sub(1)]
            .into_iter()
            .any(|turn| self.signer(turn).is_ok_and(|signer| compact.verify(&signer.keys).is_ok()));
        if !verified {
            return Err(Rejection::BadSignature);
        }
        let claims = read(&payload)?;
        if claims.audience != audience {
            return Err(Rejection::WrongAudience);
        }
        if claims.expires <= now {
            return Err(Rejection::Expired);
        }
        if claims.issued > now.plus(Duration::from_secs(5)) {
            return Err(Rejection::NotYetValid);
        }
        Ok(claims)
    }

    /// The public keys (RFC 7517): of the turn before, of this one, and of the next, so that whoever keeps a copy has it
    /// in time.
    ///
    /// # Errors
    /// Where the cryptographic library fails.
    pub fn key_set(&self, now: Timestamp) -> Result<Vec<u8>, Rejection> {
        let present = turn_of(now);
        let mut keys = Vec::new();
        for turn in [present.saturating_sub(1), present, present + 1] {
            keys.push(Value::from(jwk(&Signer::derive(&self.key, turn)?)));
        }
        let mut set = Object::default();
        set.set("keys", keys);
        Ok(to_bytes(&Value::from(set)))
    }

    fn signer(&self, turn: u64) -> Result<Arc<Signer>, Rejection> {
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = signers.iter().find(|signer| signer.turn == turn) {
            return Ok(Arc::clone(signer));
        }
        let signer = Arc::new(Signer::derive(&self.key, turn)?);
        if signers.len() >= 3 {
            signers.remove(0);
        }
        signers.push(Arc::clone(&signer));
        Ok(signer)
    }

    fn payload(&self, claims: &CallClaims, expires: Timestamp) -> Object {
        let mut actor = Object::default();
        actor.set("iss", claims.workload_issuer.as_str());
        actor.set("sub", claims.workload.as_str());
        let details = claims.datasets.iter().map(|name| {
            let mut detail = Object::default();
            detail.set("type", DETAILS);
            detail.set("identifier", name.as_str());
            detail.set("actions", vec![Value::from("read")]);
            Value::from(detail)
        });
        let mut payload = Object::default();
        payload.set("iss", self.issuer.as_str());
        payload.set("sub", claims.subject.as_str());
        payload.set("aud", claims.audience.as_str());
        payload.set("client_id", claims.client.as_str());
        payload.set("iat", claims.issued.seconds());
        payload.set("exp", expires.seconds());
        payload.set("jti", claims.id.to_string());
        payload.set("txn", claims.call.to_string());
        payload.set("run", to_hex(&claims.holder));
        payload.set("act", actor);
        payload.set("authorization_details", details.collect::<Vec<_>>());
        payload
    }
}

fn turn_of(at: Timestamp) -> u64 {
    at.seconds() / TURN.as_secs()
}

impl Signer {
    fn derive(key: &hmac::Key, turn: u64) -> Result<Self, Rejection> {
        let seed = hmac::sign(key, &[b"call token signer v1", &turn.to_be_bytes()[..]].concat());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| Rejection::BadSignature)?;
        let hash = digest(&SHA256, pair.public_key().as_ref());
        let id = to_hex(&hash.as_ref()[..8]);
        let mut signer = Self { turn, id, pair, keys: KeySet::none() };
        let mut set = Object::default();
        set.set("keys", vec![Value::from(jwk(&signer))]);
        signer.keys =
            KeySet::read(&to_bytes(&Value::from(set)), &[Algorithm::EdDsa]).map_err(|_| Rejection::BadSignature)?;
        Ok(signer)
    }
}

/// RFC 8037, section 2.
fn jwk(signer: &Signer) -> Object {
    let mut key = Object::default();
    key.set("kty", "OKP");
    key.set("crv", "Ed25519");
    key.set("x", URL_SAFE_NO_PAD.encode(signer.pair.public_key().as_ref()));
    key.set("kid", signer.id.as_str());
    key.set("use", "sig");
    key.set("alg", Algorithm::EdDsa.name());
    key
}

fn read(payload: &Value) -> Result<CallClaims, Rejection> {
    let text = |name: &'static str| {
        payload.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(Rejection::BadClaim(name))
    };
    let time = |name: &'static str| {
        let digits = payload.get(name).and_then(Value::as_number).map(|number| number.as_str());
        let seconds = digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or(Rejection::BadClaim(name))?;
        Ok::<_, Rejection>(Timestamp::from_seconds(seconds))
    };
    let actor = |name: &str| payload.get("act").and_then(|actor| actor.get(name)).and_then(Value::as_str);
    let details = payload.get("authorization_details").and_then(Value::as_array);
    let dataset = |detail: &Value| {
        let ours = detail.get("type").and_then(Value::as_str) == Some(DETAILS);
        detail.get("identifier").and_then(Value::as_str).filter(|_| ours).map(DatasetName::from)
    };
    let datasets = details.and_then(|details| details.iter().map(dataset).collect::<Option<Vec<_>>>());
    let run = from_hex(&text("run")?).and_then(|bytes| bytes.try_into().ok());
    Ok(CallClaims {
        id: text("jti")?.parse().map_err(|_| Rejection::BadClaim("jti"))?,
        call: text("txn")?.parse().map_err(|_| Rejection::BadClaim("txn"))?,
        holder: run.ok_or(Rejection::BadClaim("run"))?,
        subject: text("sub")?,
        client: text("client_id")?,
        workload_issuer: actor("iss").ok_or(Rejection::BadClaim("act"))?.to_owned(),
        workload: actor("sub").ok_or(Rejection::BadClaim("act"))?.to_owned(),
        audience: text("aud")?,
        datasets: datasets.ok_or(Rejection::BadClaim("authorization_details"))?,
        issued: time("iat")?,
        expires: time("exp")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn tokens() -> CallTokens {
        CallTokens::new(&[5; 32], "https://gateway.example")
    }

    fn claims(at: u64) -> CallClaims {
        CallClaims {
            id: LeaseId::from_bytes([1; 16]),
            call: RequestId::from_bytes([2; 16]),
            holder: [3; 16],
            subject: "alice".to_owned(),
            client: "lab".to_owned(),
            workload_issuer: "ci".to_owned(),
            workload: "rag\"server".to_owned(),
            audience: "https://gateway.example".to_owned(),
            datasets: vec!["public-docs".into(), "sales/rows".into()],
            issued: Timestamp::from_seconds(at),
            expires: Timestamp::from_seconds(at + 60),
        }
    }

    fn mint(at: u64) -> String {
        tokens().mint(&claims(at)).expect("minted").expose().clone()
    }

    fn verify(token: &str, at: u64) -> Result<CallClaims, Rejection> {
        tokens().verify(token, "https://gateway.example", Timestamp::from_seconds(at))
    }

    #[test]
    fn every_replica_reads_what_one_says_while_its_time_lasts() {
        let at = 20_000 * DAY + DAY - 10;
        let token = mint(at);
        assert_eq!(verify(&token, at), Ok(claims(at)));
        assert_eq!(verify(&token, at + 59), Ok(claims(at)), "the day changed meanwhile");
        assert_eq!(verify(&token, at + 60), Err(Rejection::Expired));
        assert_eq!(verify(&token, at - 60), Err(Rejection::NotYetValid));
        let now = Timestamp::from_seconds(at);
        assert_eq!(tokens().verify(&token, "https://other.example", now), Err(Rejection::WrongAudience));
        let foreign = CallTokens::new(&[6; 32], "https://gateway.example");
        assert_eq!(foreign.verify(&token, "https://gateway.example", now), Err(Rejection::BadSignature));
        let renamed = CallTokens::new(&[5; 32], "https://gateway.example/");
        assert_eq!(renamed.verify(&token, "https://gateway.example", now), Err(Rejection::UnknownIssuer));
    }

    #[test]
    fn no_byte_of_a_token_may_change() {
        let at = 20_000 * DAY;
        let token = mint(at);
        for place in 0..token.len() {
            for other in [b'A', b'B', b'.', b'=', b'-'] {
                let mut bytes = token.clone().into_bytes();
                if bytes[place] == other {
                    continue;
                }
                bytes[place] = other;
                let changed = String::from_utf8(bytes).expect("text");
                assert!(verify(&changed, at).is_err(), "byte {place} as {}", char::from(other));
            }
        }
    }

    #[test]
    fn a_token_never_lives_long_whatever_is_asked_for() {
        let at = 20_000 * DAY;
        let asked = CallClaims { expires: Timestamp::from_seconds(at + 10 * DAY), ..claims(at) };
        let token = tokens().mint(&asked).expect("minted");
        let read = verify(token.expose(), at + 899).expect("it counts");
        assert_eq!(read.expires, Timestamp::from_seconds(at + 900));
        assert_eq!(verify(token.expose(), at + 900), Err(Rejection::Expired));
    }

    #[test]
    fn published_keys_are_public_and_change_by_the_day() {
        let set = |at: u64| {
            let bytes = tokens().key_set(Timestamp::from_seconds(at)).expect("keys");
            serde_json::from_slice::<serde_json::Value>(&bytes).expect("JSON")["keys"].as_array().expect("keys").clone()
        };
        let (today, tomorrow) = (set(20_000 * DAY), set(20_001 * DAY));
        assert_eq!((today.len(), &today[1..]), (3, &tomorrow[..2]));
        assert!(today.iter().all(|key| key.get("d").is_none() && key["alg"] == "EdDSA"));
        let header = URL_SAFE_NO_PAD.decode(mint(20_000 * DAY).split('.').next().expect("a header")).expect("base64");
        let header: serde_json::Value = serde_json::from_slice(&header).expect("JSON");
        assert_eq!((&header["kid"], &header["typ"]), (&today[1]["kid"], &"at+jwt".into()));
    }
}
