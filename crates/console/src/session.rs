use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright_api::Person;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::cookies::Cookie;
use crate::door::{Surroundings, Token};
use crate::form::Form;
use crate::origin::Origin;
use crate::seal::{Purpose, Seal};

/// The key that sessions are sealed with: 32 bytes of the deployment's own, alike on every replica.
pub type SealingKey = [u8; 32];

/// The name of the field that every form carries.
pub(crate) const FORM_TOKEN: &str = "form";
/// The longest time that somebody stays signed in, whatever the token says.
const LONGEST: u64 = 12 * 3_600;
/// Sessions that were ended by their people and whose cookies would still open; beyond that the ones that end soonest
/// are forgotten.
const MOST_ENDED: usize = 100_000;

/// Somebody who is signed in. The whole of it is the cookie's content, so that a restart or another replica knows it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    id: String,
    /// What the admin API is called with.
    pub(crate) token: String,
    /// When it ends, no later than the token does.
    pub(crate) expires: u64,
    /// What every form of it must carry.
    pub(crate) form_token: String,
    /// Who, for the page's corner. What they may do is asked of the API each time.
    pub(crate) person: Person,
}

/// Opens, makes and ends sessions.
pub(crate) struct Sessions {
    ended: Mutex<HashMap<String, u64>>,
}

impl Session {
    /// A new one, with an id of its own: what a browser had before is never taken over (session fixation).
    pub(crate) fn begin(token: Token, person: Person, around: &dyn Surroundings) -> Self {
        let expires = token.expires.min(around.now() + LONGEST);
        Self { id: random(around), token: token.text, expires, form_token: random(around), person }
    }

    /// Whether a form was given out by this very session.
    pub(crate) fn gave(&self, form: &Form) -> bool {
        let given = form.get(FORM_TOKEN).unwrap_or_default();
        verify_slices_are_equal(given.as_bytes(), self.form_token.as_bytes()).is_ok()
    }

    /// The cookie lines that keep it; `None` where the token is too long for a browser.
    pub(crate) fn cookie(&self, seal: &Seal, origin: &Origin, now: u64) -> Option<Vec<HeaderValue>> {
        let sealed = seal.close(Purpose::Session, self)?;
        cookie(origin).set(&sealed, self.expires.saturating_sub(now))
    }
}

impl Sessions {
    pub(crate) fn new(ended: Vec<(String, u64)>) -> Self {
        Self { ended: Mutex::new(ended.into_iter().collect()) }
    }

    /// The session of a request, where it has one that counts.
    pub(crate) fn of(&self, headers: &HeaderMap, seal: &Seal, origin: &Origin, now: u64) -> Option<Session> {
        let session: Session = seal.open(Purpose::Session, &cookie(origin).read(headers)?)?;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        (now < session.expires && !ended.contains_key(&session.id)).then_some(session)
    }

    /// From now on it does not count, whoever kept a copy of its cookie.
    pub(crate) fn end(&self, session: &Session, around: &dyn Surroundings) {
        let now = around.now();
        around.keep_ended(&session.id, session.expires);
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= MOST_ENDED {
            ended.retain(|_, until| now < *until);
        }
        if ended.len() >= MOST_ENDED {
            let soonest = ended.iter().min_by_key(|(_, until)| **until).map(|(id, _)| id.clone());
            soonest.and_then(|id| ended.remove(&id));
        }
        ended.insert(session.id.clone(), session.expires);
    }
}

/// The session's cookie.
pub(crate) fn cookie(origin: &Origin) -> Cookie {
    Cookie::new(origin, "session")
}

/// 192 bits that nobody can guess, as text.
fn random(around: &dyn Surroundings) -> String {
    let mut bytes = [0; 24];
    around.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
