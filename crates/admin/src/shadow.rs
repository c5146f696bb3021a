//! The candidate: a catalogue that decides beside the live one, without effect.

use std::sync::Arc;

use gatewright_api as api;
use gatewright_api::{
    Person, Problem, SHADOW_CLEAR, SHADOW_SET, SHADOW_SHOW, SetShadow, Shadow, ShadowState, ShadowStep,
};
use gatewright_model::{Clock, Event, to_hex};
use gatewright_store::state::{CandidateStep, NewCandidate, PolicyFile, State, StateError};

use crate::desk::problem;
use crate::policies::{checked, judged, unkept};
use crate::{Asked, Authority, Given, Judge, Judged, Part, Pending};

/// What has become of the candidate at this gateway.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The last step of the state that this gateway has taken up; 0: none yet.
    pub step: u64,
    /// What it came to.
    pub outcome: Outcome,
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// There is no candidate.
    Absent,
    /// It decides along.
    Deciding(Box<api::ShadowCompared>),
    /// It does not hold here.
    Refused(Vec<String>),
}

/// Whoever looks at decisions a second time.
pub trait Looking: Send + Sync {
    /// What has become of the candidate here. Must not wait for anybody.
    fn taken(&self) -> Taken;

    /// What came of decisions that Cedar's authorizer made again.
    fn recheck(&self) -> api::Recheck;
}

/// Sets, clears and shows the candidate.
pub struct Shadows {
    state: State,
    judge: Arc<dyn Judge>,
    looking: Arc<dyn Looking>,
    authority: Arc<dyn Authority>,
    clock: Arc<dyn Clock>,
}

impl Shadows {
    /// Keeps candidates in `state` that hold by `judge`, and writes them down where `authority` does.
    pub fn new(
        state: State,
        judge: Arc<dyn Judge>,
        looking: Arc<dyn Looking>,
        authority: Arc<dyn Authority>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { state, judge, looking, authority, clock }
    }

    async fn set(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let SetShadow { files, reason } = asked.json()?;
        let reason = checked(reason)?;
        let written =
            |file: api::PolicyFile| PolicyFile { name: file.name.into(), bytes: file.text.into_bytes().into() };
        let Judged { digest, files } = judged(&*self.judge, files.into_iter().map(written).collect()).await?;
        self.step(asked, Some((digest, files)), reason).await
    }

    async fn clear(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let last = self.state.candidates().candidate().await.map_err(|error| unkept(&error))?;
        match last {
            Some((CandidateStep { digest: Some(_), .. }, _)) => self.step(asked, None, "".into()).await,
            Some(_) | None => Err(Problem::not_found("There is no candidate.")),
        }
    }

    async fn step(
        &self,
        asked: &Asked<'_>,
        catalogue: Option<(gatewright_model::Digest, Vec<PolicyFile>)>,
        reason: Arc<str>,
    ) -> Result<Given, Problem> {
        let identity = &asked.visitor.identity;
        let (issuer, subject) = (identity.issuer.clone(), Arc::clone(&identity.subject));
        let at = self.clock.now();
        let new = NewCandidate { catalogue, issuer: issuer.clone(), subject: Arc::clone(&subject), at, reason };
        let step = self.state.candidates().step(new).await.map_err(|error| match error {
            StateError::Conflict(_) => Problem::conflict("Somebody else set or cleared the candidate just now."),
            other => unkept(&other),
        })?;
        // That it was asked for is on disk already; should this fail, the step counts all the same and says who made it.
        let event = Event::Shadowed { issuer, subject, candidate: step.digest };
        self.authority.record(event).await.map_err(|refusal| problem(&refusal))?;
        Given::created(&shown(&step))
    }

    async fn show(&self) -> Result<Given, Problem> {
        let last = self.state.candidates().candidate().await.map_err(|error| unkept(&error))?;
        let last = last.map(|(step, _)| step).filter(|step| step.digest.is_some());
        let Taken { step, outcome } = self.looking.taken();
        let (mut faults, mut compared) = (Vec::new(), None);
        let state = match (&last, outcome) {
            (None, _) => ShadowState::Absent,
            (Some(last), Outcome::Deciding(by)) if last.number == step => {
                compared = Some(*by);
                ShadowState::Deciding
            }
            (Some(last), Outcome::Refused(why)) if last.number == step => {
                faults = why;
                ShadowState::Refused
            }
            (Some(_), Outcome::Absent | Outcome::Deciding(_) | Outcome::Refused(_)) => ShadowState::Coming,
        };
        let recheck = self.looking.recheck();
        Given::json(&Shadow { state, candidate: last.as_ref().map(shown), faults, compared, recheck })
    }
}

impl Part for Shadows {
    fn endpoints(&self) -> Vec<&'static str> {
        vec![SHADOW_SHOW.name, SHADOW_SET.name, SHADOW_CLEAR.name]
    }

    fn answer<'a>(&'a self, asked: Asked<'a>) -> Pending<'a, Result<Given, Problem>> {
        Box::pin(async move {
            match asked.endpoint.name {
                name if name == SHADOW_SET.name => self.set(&asked).await,
                name if name == SHADOW_CLEAR.name => self.clear(&asked).await,
                _ => self.show().await,
            }
        })
    }
}

fn shown(step: &CandidateStep) -> ShadowStep {
    ShadowStep {
        step: step.number,
        digest: step.digest.as_ref().map(|digest| to_hex(digest)),
        by: Person { issuer: step.issuer.as_str().to_owned(), subject: step.subject.to_string() },
        at: step.at.to_string(),
        reason: (!step.reason.is_empty()).then(|| step.reason.to_string()),
    }
}
