use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use gatewright_model::{Secret, Timestamp, from_hex};

/// How far Slack's clock and ours may differ, in seconds (Slack's own advice).
const WINDOW: u64 = 300;

/// How many requests of one window are remembered. Only Slack can fill this, and then it is not believed for a while.
const MOST: usize = 10_000;

/// Why something was not said by Slack, now, for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    /// A header is missing or not what Slack writes.
    #[error("the signature or its moment is missing or malformed")]
    Malformed,
    /// It is too old, or from the future.
    #[error("the request is not of this moment")]
    Stale,
    /// Somebody else signed it, or something else was signed.
    #[error("the signature is not Slack's")]
    Forged,
    /// The very same request was heard before.
    #[error("the request was heard before")]
    Replayed,
}

/// Judges whether Slack says something, now, for the first time.
#[derive(Default)]
pub struct Signing(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    signatures: BTreeSet<[u8; 32]>,
    /// The same in the order in which they are forgotten.
    order: VecDeque<(u64, [u8; 32])>,
}

impl Signing {
    /// Believes a request: `v0=` HMAC-SHA-256 over `v0:TIMESTAMP:BODY`, of the body's bytes as they came, within five
    /// minutes, once.
    ///
    /// # Errors
    /// [`Unbelieved`], and then nothing of the body may be acted upon.
    pub fn believe(
        &self,
        secret: &Secret<String>,
        timestamp: &str,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Unbelieved> {
        let tag = verify(secret, timestamp, signature, body, now)?;
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.seconds();
        while heard.order.front().is_some_and(|(until, _)| *until < now) {
            if let Some((_, old)) = heard.order.pop_front() {
                heard.signatures.remove(&old);
            }
        }
        if heard.signatures.len() >= MOST || !heard.signatures.insert(tag) {
            return Err(Unbelieved::Replayed);
        }
        // Its moment may lie ahead of our clock by a window, and it is fresh for another one.
        heard.order.push_back((now + 2 * WINDOW, tag));
        Ok(())
    }
}

fn verify(
    secret: &Secret<String>,
    timestamp: &str,
    signature: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<[u8; 32], Unbelieved> {
    if timestamp.is_empty() || timestamp.len() > 12 || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unbelieved::Malformed);
    }
    let seconds: u64 = timestamp.parse().map_err(|_| Unbelieved::Malformed)?;
    let tag = signature.strip_prefix("v0=").and_then(from_hex).ok_or(Unbelieved::Malformed)?;
    let tag: [u8; 32] = tag.try_into().map_err(|_| Unbelieved::Malformed)?;
    if seconds.abs_diff(now.seconds()) > WINDOW {
        return Err(Unbelieved::Stale);
    }
    let secret = secret.expose().trim();
    if secret.is_empty() {
        // An empty key signs for everybody.
        return Err(Unbelieved::Forged);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [b"v0:", timestamp.as_bytes(), b":", body].concat();
    // Compared in constant time.
    hmac::verify(&key, &signed, &tag).map_err(|_| Unbelieved::Forged)?;
    Ok(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: &str = "1531420618";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
        channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
        response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
        trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    fn judged(at: &str, signature: &str, body: &str, seconds: u64) -> Result<(), Unbelieved> {
        believed(&Signing::default(), at, signature, body, seconds)
    }

    fn believed(signing: &Signing, at: &str, signature: &str, body: &str, seconds: u64) -> Result<(), Unbelieved> {
        let secret = Secret::new(SECRET.to_owned());
        signing.believe(&secret, at, signature, body.as_bytes(), Timestamp::from_seconds(seconds))
    }

    #[test]
    fn slacks_own_example_is_believed_and_nothing_beside_it() {
        let now = 1_531_420_618;
        assert_eq!(judged(AT, SIGNATURE, BODY, now), Ok(()));
        assert_eq!(judged(AT, SIGNATURE, BODY, now + 300), Ok(()));
        assert_eq!(judged(AT, SIGNATURE, BODY, now + 301), Err(Unbelieved::Stale));
        assert_eq!(judged(AT, SIGNATURE, BODY, now - 301), Err(Unbelieved::Stale));
        assert_eq!(judged(AT, SIGNATURE, &format!("{BODY}&"), now), Err(Unbelieved::Forged));
        assert_eq!(judged("1531420619", SIGNATURE, BODY, now), Err(Unbelieved::Forged));
        for bad in ["", "v0=", "v1=a2", "a2114d", &SIGNATURE[..SIGNATURE.len() - 2], &SIGNATURE.replace("v0", "v1")] {
            assert_eq!(judged(AT, bad, BODY, now), Err(Unbelieved::Malformed), "{bad}");
        }
        for bad in ["", "-1", "+1531420618", "1531420618.0", "99999999999999999999"] {
            assert_eq!(judged(bad, SIGNATURE, BODY, now), Err(Unbelieved::Malformed), "{bad}");
        }
        let empty = Signing::default().believe(
            &Secret::new(" \n".to_owned()),
            AT,
            SIGNATURE,
            BODY.as_bytes(),
            Timestamp::from_seconds(now),
        );
        assert_eq!(empty, Err(Unbelieved::Forged));
    }

    #[test]
    fn it_is_believed_once() {
        let (signing, now) = (Signing::default(), 1_531_420_618);
        assert_eq!(believed(&signing, AT, SIGNATURE, BODY, now - 300), Ok(()));
        for later in [now - 300, now, now + 300] {
            assert_eq!(believed(&signing, AT, SIGNATURE, BODY, later), Err(Unbelieved::Replayed), "{later}");
        }
        assert_eq!(believed(&signing, AT, SIGNATURE, BODY, now + 301), Err(Unbelieved::Stale));
    }
}
