//! What of an approval no query asks for, as one text in its row. Version 1; what it said once is read for ever.

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{RoleName, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AccessWish, Approval, Choice, Narrow, Party, Vote};
use crate::state::StateError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    policy: String,
    valid_us: u64,
    need: u32,
    uses: u32,
    used: u32,
    votes: Vec<WrittenVote>,
    reason: Option<String>,
    access: Option<(String, u64)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVote {
    issuer: String,
    subject: String,
    choice: WrittenChoice,
    reason: Option<String>,
    at_us: u64,
    max_tokens: Option<u64>,
    lasts_us: Option<u64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenChoice {
    Approve,
    Deny,
    Revoke,
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Approval {
    pub(in crate::state) fn document(&self) -> Result<String, StateError> {
        let votes = self.votes.iter().map(|vote| WrittenVote {
            issuer: vote.by.issuer.as_str().to_owned(),
            subject: vote.by.subject.to_string(),
            choice: match vote.choice {
                Choice::Approve => WrittenChoice::Approve,
                Choice::Deny => WrittenChoice::Deny,
                Choice::Revoke => WrittenChoice::Revoke,
            },
            reason: vote.reason.as_deref().map(str::to_owned),
            at_us: vote.at.micros(),
            max_tokens: vote.narrow.max_tokens,
            lasts_us: vote.narrow.lasts.map(micros),
        });
        let document = Document {
            version: 1,
            policy: self.policy.to_string(),
            valid_us: micros(self.valid),
            need: self.need,
            uses: self.uses,
            used: self.used,
            votes: votes.collect(),
            reason: self.reason.as_deref().map(str::to_owned),
            access: self.access.as_ref().map(|wish| (wish.role.as_str().to_owned(), micros(wish.lasts))),
        };
        serde_json::to_string(&document).map_err(StateError::fault)
    }

    /// Fills in what a row's document says.
    pub(in crate::state) fn read_document(&mut self, text: &str) -> Result<(), StateError> {
        // Not the error's own words: they may repeat what somebody wrote.
        let document: Document =
            serde_json::from_str(text).map_err(|_| StateError::fault("an approval's document cannot be read"))?;
        if document.version != 1 {
            return Err(StateError::fault("an approval's document is of a newer gateway"));
        }
        let votes = document.votes.into_iter().map(|vote| Vote {
            by: Party { issuer: vote.issuer.as_str().into(), subject: vote.subject.into() },
            choice: match vote.choice {
                WrittenChoice::Approve => Choice::Approve,
                WrittenChoice::Deny => Choice::Deny,
                WrittenChoice::Revoke => Choice::Revoke,
            },
            reason: vote.reason.map(Arc::from),
            at: Timestamp::from_micros(vote.at_us),
            narrow: Narrow { max_tokens: vote.max_tokens, lasts: vote.lasts_us.map(Duration::from_micros) },
        });
        self.policy = document.policy.into();
        self.valid = Duration::from_micros(document.valid_us);
        (self.need, self.uses, self.used) = (document.need, document.uses, document.used);
        self.votes = votes.collect();
        self.reason = document.reason.map(Arc::from);
        self.access = document
            .access
            .map(|(role, lasts)| AccessWish { role: RoleName::new(role), lasts: Duration::from_micros(lasts) });
        Ok(())
    }
}
