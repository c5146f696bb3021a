//! The versions of the role catalogue: applied, listed, shown, gone back to.

use std::sync::Arc;

use gatewright_api as api;
use gatewright_api::{
    ApplyPolicy, POLICIES_APPLY, POLICIES_HISTORY, POLICIES_RESTORE, POLICIES_SHOW, PolicyApplied, PolicyOutcome,
    PolicyShown, Problem, RestorePolicy,
};
use gatewright_model::{Clock, Digest, Event, to_hex};
use gatewright_store::state::{Author, NewPolicy, Origin, PolicyFile, PolicyVersion, State, StateError};

use crate::desk::problem;
use crate::{Asked, Authority, Given, Part, Pending, Visitor};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

/// The most versions in one answer.
const MOST_VERSIONS: usize = 200;

/// How many faults of a catalogue are told.
const MOST_FAULTS: usize = 20;

/// A catalogue that holds at this gateway.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What records will name it by.
    pub digest: Digest,
    /// Its files, in their order.
    pub files: Vec<PolicyFile>,
}

/// Whoever knows whether a catalogue would hold here.
pub trait Judge: Send + Sync {
    /// Compiles it against everything that this gateway is configured with; or tells every fault.
    fn judge(&self, files: Vec<PolicyFile>) -> Pending<'_, Result<Judged, Vec<String>>>;
}

/// Makes and shows versions.
pub struct Policies {
    state: State,
    judge: Arc<dyn Judge>,
    authority: Arc<dyn Authority>,
    clock: Arc<dyn Clock>,
}

impl Policies {
    /// Keeps versions in `state` that hold by `judge`, and writes them down where `authority` does.
    pub fn new(state: State, judge: Arc<dyn Judge>, authority: Arc<dyn Authority>, clock: Arc<dyn Clock>) -> Self {
        Self { state, judge, authority, clock }
    }

    async fn apply(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let apply: ApplyPolicy = asked.json()?;
        let reason = checked(apply.reason)?;
        let newest = self.expected(apply.expect).await?;
        let written =
            |file: api::PolicyFile| PolicyFile { name: file.name.into(), bytes: file.text.into_bytes().into() };
        let judged = judged(&*self.judge, apply.files.into_iter().map(written).collect()).await?;
        self.append(asked.visitor, newest, judged, reason, Origin::Files).await
    }

    async fn restore(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let restore: RestorePolicy = asked.json()?;
        let reason = checked(restore.reason)?;
        let number = number(asked.id())?;
        let newest = self.expected(restore.expect).await?;
        let (_, files) = self.version(number).await?;
        // What held when it was made may speak of a model that is gone.
        let judged = judged(&*self.judge, files).await?;
        self.append(asked.visitor, newest, judged, reason, Origin::Version(number)).await
    }

    /// The newest version, if it is the one that the visitor knows.
    async fn expected(&self, expected: Option<u64>) -> Result<PolicyVersion, Problem> {
        let newest = self.state.policies().newest().await.map_err(|error| unkept(&error))?;
        let newest = newest.ok_or_else(|| Problem::not_found("There is no version yet."))?;
        match expected {
            Some(expected) if expected != newest.number => Err(moved(newest.number)),
            Some(_) | None => Ok(newest),
        }
    }

    async fn version(&self, number: u64) -> Result<(PolicyVersion, Vec<PolicyFile>), Problem> {
        let found = self.state.policies().version(number).await.map_err(|error| unkept(&error))?;
        found.ok_or_else(|| Problem::not_found(format!("There is no version {number}.")))
    }

    async fn append(
        &self,
        visitor: &Visitor,
        newest: PolicyVersion,
        judged: Judged,
        reason: Arc<str>,
        origin: Origin,
    ) -> Result<Given, Problem> {
        if newest.digest == judged.digest {
            return Given::json(&PolicyApplied { outcome: PolicyOutcome::Unchanged, version: shown(&newest) });
        }
        let (issuer, subject) = (visitor.identity.issuer.clone(), Arc::clone(&visitor.identity.subject));
        let new = NewPolicy {
            parent: newest.number,
            digest: judged.digest,
            files: judged.files,
            author: Author::Caller { issuer: issuer.clone(), subject: Arc::clone(&subject) },
            at: self.clock.now(),
            reason,
            origin,
        };
        let added = self.state.policies().append(new).await.map_err(|error| match error {
            StateError::Conflict(_) => moved(newest.number.saturating_add(1)),
            other => unkept(&other),
        })?;
        let (catalogue, previous) = (added.digest, newest.digest);
        // That it was asked for is on disk already; should this fail, the version counts all the same and says who made it.
        let event = Event::Versioned { issuer, subject, version: added.number, catalogue, previous };
        self.authority.record(event).await.map_err(|refusal| problem(&refusal))?;
        Given::created(&PolicyApplied { outcome: PolicyOutcome::Applied, version: shown(&added) })
    }

    async fn history(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let read = |name: &str| asked.query(name).map(number).transpose();
        let (before, limit) = (read("before")?, read("limit")?);
        let limit = usize::try_from(limit.unwrap_or(50)).unwrap_or(MOST_VERSIONS).min(MOST_VERSIONS);
        let history = self.state.policies().history(before, limit).await.map_err(|error| unkept(&error))?;
        Given::json(&history.iter().map(shown).collect::<Vec<_>>())
    }

    async fn show(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let (version, files) = self.version(number(asked.id())?).await?;
        let text = |file: &PolicyFile| String::from_utf8_lossy(&file.bytes).into_owned();
        let files = files.iter().map(|file| api::PolicyFile { name: file.name.to_string(), text: text(file) });
        Given::json(&PolicyShown { version: shown(&version), files: files.collect() })
    }
}

impl Part for Policies {
    fn endpoints(&self) -> Vec<&'static str> {
        vec![POLICIES_HISTORY.name, POLICIES_SHOW.name, POLICIES_APPLY.name, POLICIES_RESTORE.name]
    }

    fn answer<'a>(&'a self, asked: Asked<'a>) -> Pending<'a, Result<Given, Problem>> {
        Box::pin(async move {
            match asked.endpoint.name {
                name if name == POLICIES_APPLY.name => self.apply(&asked).await,
                name if name == POLICIES_RESTORE.name => self.restore(&asked).await,
                name if name == POLICIES_SHOW.name => self.show(&asked).await,
                _ => self.history(&asked).await,
            }
        })
    }
}

/// A catalogue that holds here, or every fault in the caller's words.
pub(crate) async fn judged(judge: &dyn Judge, files: Vec<PolicyFile>) -> Result<Judged, Problem> {
    judge.judge(files).await.map_err(|faults| {
        let more = faults.len().saturating_sub(MOST_FAULTS);
        let mut told: Vec<String> = faults.into_iter().take(MOST_FAULTS).collect();
        if more > 0 {
            told.push(format!("and {more} more faults"));
        }
        let detail = format!("The catalogue does not hold here; nothing was changed.\n{}", told.join("\n"));
        Problem::new(422, "invalid_catalogue", detail)
    })
}

/// A reason that can be kept and shown.
pub(crate) fn checked(reason: Option<String>) -> Result<Arc<str>, Problem> {
    let reason = reason.unwrap_or_default();
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Problem::invalid(format!("A reason has at most {LONGEST_REASON} characters, in one line.")));
    }
    Ok(reason.into())
}

/// A version's number in its one spelling.
fn number(text: &str) -> Result<u64, Problem> {
    let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text);
    // What a database counts by ends earlier than u64.
    let number = number.filter(|number| i64::try_from(*number).is_ok());
    number.ok_or_else(|| Problem::invalid("A version is a number, such as 7."))
}

fn moved(newest: u64) -> Problem {
    Problem::conflict(format!("Another version is the newest by now ({newest}); look at it and decide again."))
}

pub(crate) fn unkept(error: &StateError) -> Problem {
    match error {
        StateError::Unreachable(_) => {
            Problem::not_ready("What replicas share cannot be reached; nothing is known to be changed.")
        }
        StateError::Conflict(why) => Problem::conflict(*why),
        StateError::Fault(why) => {
            tracing::error!(%why, "the state is at fault");
            Problem::new(500, "internal", "What replicas share is at fault; the gateway's log says how.")
        }
    }
}

fn shown(version: &PolicyVersion) -> api::PolicyVersion {
    api::PolicyVersion {
        version: version.number,
        digest: to_hex(&version.digest),
        by: match &version.author {
            Author::Caller { issuer, subject } => {
                Some(api::Person { issuer: issuer.as_str().to_owned(), subject: subject.to_string() })
            }
            Author::Machine => None,
        },
        at: version.at.to_string(),
        reason: (!version.reason.is_empty()).then(|| version.reason.to_string()),
        restores: match version.origin {
            Origin::Files => None,
            Origin::Version(number) => Some(number),
        },
    }
}
