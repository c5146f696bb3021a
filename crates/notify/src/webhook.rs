//! Webhooks as the Standard Webhooks specification (1.0) has them: an id, a moment, and HMAC-SHA-256 over both and the body.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gatewright_dial::Dial;
use gatewright_model::{NotificationId, Secret, Timestamp};
use http::{HeaderName, HeaderValue};
use serde_json::json;

use crate::{Lookup, Message, Undelivered};

/// What a secret of a webhook begins with.
const PREFIX: &str = "whsec_";

/// A program of the operator's that is told by a signed request.
#[derive(Clone)]
pub struct Webhook {
    /// Where it listens. Only the operator's configuration says so; a redirect is not followed.
    pub url: String,
    /// What it is signed with, the newest first: several while they are rotated.
    pub secrets: Vec<Lookup>,
}

impl Webhook {
    pub(crate) async fn send(
        &self,
        dial: &Dial,
        message: &Message,
        id: NotificationId,
        now: Timestamp,
    ) -> Result<(), Undelivered> {
        let secrets: Result<Vec<_>, String> = self.secrets.iter().map(|lookup| lookup()).collect();
        let secrets = secrets.map_err(Undelivered::because)?;
        let keys =
            Keys::new(secrets.iter().map(|secret| &**secret)).map_err(|bad| Undelivered::because(bad.to_string()))?;
        let body = body(message, id, now);
        let mut headers = Vec::new();
        for (name, value) in keys.headers(&id.to_string(), now, &body) {
            let value = HeaderValue::try_from(value).map_err(|_| Undelivered::because("it cannot be signed"))?;
            headers.push((HeaderName::from_static(name), value));
        }
        let reply = dial.post_json(&self.url, headers, Bytes::from(body)).await?;
        if reply.status().is_success() { Ok(()) } else { Err(Undelivered::answered(&reply)) }
    }
}

/// A secret that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is `whsec_` and 24 to 64 bytes in base 64")]
pub struct BadSecret;

/// The keys that a webhook is signed with: several while they are rotated, so that its receiver may change at any time.
pub struct Keys(Vec<hmac::Key>);

impl Keys {
    /// Keys of these secrets, the newest first.
    ///
    /// # Errors
    /// Where there is none, or one is not as long as the specification asks.
    pub fn new<'s>(secrets: impl Iterator<Item = &'s Secret<String>>) -> Result<Self, BadSecret> {
        let key = |secret: &Secret<String>| {
            let text = secret.expose().trim();
            let bytes = STANDARD.decode(text.strip_prefix(PREFIX).ok_or(BadSecret)?).map_err(|_| BadSecret)?;
            if (24..=64).contains(&bytes.len()) {
                Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
            } else {
                Err(BadSecret)
            }
        };
        let keys: Vec<hmac::Key> = secrets.map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(BadSecret) } else { Ok(Self(keys)) }
    }

    /// The headers of a delivery. `id` is the same at every attempt, so that a receiver can tell a second one.
    pub fn headers(&self, id: &str, at: Timestamp, body: &[u8]) -> [(&'static str, String); 3] {
        let seconds = at.seconds().to_string();
        let sign = |key: &hmac::Key| {
            let mut signing = hmac::Context::with_key(key);
            for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
                signing.update(part);
            }
            format!("v1,{}", STANDARD.encode(signing.sign()))
        };
        let signatures: Vec<String> = self.0.iter().map(sign).collect();
        [("webhook-id", id.to_owned()), ("webhook-timestamp", seconds), ("webhook-signature", signatures.join(" "))]
    }
}

/// The body of a message, version 1 of its form.
pub fn body(message: &Message, id: NotificationId, at: Timestamp) -> Vec<u8> {
    let (issuer, subject) = &message.caller;
    let facts: serde_json::Map<String, serde_json::Value> = message
        .facts
        .iter()
        .map(|(words, value)| (words.to_lowercase().replace(' ', "_"), value.as_str().into()))
        .collect();
    let body = json!({
        "type": format!("approval.{}", message.occasion.name()),
        "timestamp": at.to_string(),
        "data": {
            "notification": id.to_string(),
            "approval": message.approval.to_string(),
            "state": message.state.name(),
            "rule": message.rule,
            "policy": message.policy,
            "caller": { "issuer": issuer, "subject": subject },
            "model": message.model,
            "reason": message.reason,
            "created": message.created.to_string(),
            "expires": message.expires.to_string(),
            "excerpt": message.excerpt,
            "summary": facts,
            "url": message.link,
        },
    });
    body.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const EXPECTED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signed(secrets: &[&str]) -> [(&'static str, String); 3] {
        let secrets: Vec<_> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
        let at = Timestamp::from_seconds(1_614_265_330);
        let keys = Keys::new(secrets.iter()).expect("keys");
        keys.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#)
    }

    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        let headers = signed(&[SECRET]);
        assert_eq!(headers[2], ("webhook-signature", EXPECTED.to_owned()));
        assert_eq!(headers[1], ("webhook-timestamp", "1614265330".to_owned()));
    }

    #[test]
    fn while_keys_are_rotated_each_signs() {
        let headers = signed(&["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SECRET]);
        let signatures: Vec<&str> = headers[2].1.split(' ').collect();
        assert_eq!((signatures.len(), signatures[1]), (2, EXPECTED));
    }

    #[test]
    fn a_short_secret_is_none() {
        let bad = ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base 64", &SECRET[6..]];
        for bad in bad {
            assert!(Keys::new([Secret::new(bad.to_owned())].iter()).is_err(), "{bad}");
        }
        assert!(Keys::new([].iter()).is_err());
    }
}
