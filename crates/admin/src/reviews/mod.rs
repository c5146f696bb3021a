//! Approvals as people see and decide them.
//!
//! Who may decide is said by the approval's policy in the live catalogue, by what the visitor's token says now; who may
//! look is whoever may decide, whoever asked, and whoever reads records. To all others an approval is not there.

pub(crate) mod told;

use std::sync::Arc;
use std::time::Duration;

use gatewright_api::{
    APPROVALS_DECIDE, APPROVALS_LIST, APPROVALS_ORIGINAL, APPROVALS_SHOW, Choice, Decide, Original, Piece, Problem,
    Text,
};
use gatewright_model::{ApprovalId, Clock, Digest, Event, Review, RoleName, Verdict};
use gatewright_policy::{ApprovalText, Requestable};
use gatewright_store::state::approvals::{
    self as kept, Approval, ApprovalState, Approvals, Listing, NotNow, Party, Vote,
};
use gatewright_store::state::{Heard, State, StateError, Topic};

use crate::access::granted;
use crate::approvers::{is_party, why_not};
use crate::looks::Look;
use crate::visible::visible;
use crate::{Asked, Authority, Given, Part, Pending, Visitor};

/// How many approvals a list shows.
const MOST: usize = 500;

/// How many earlier decisions stand beside an approval.
const SIMILAR: usize = 5;

/// The longest reason, in bytes.
const LONGEST_REASON: usize = 1_024;

/// The longest that a question for news is kept open.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A call's texts, each with the place where it stands.
pub type Texts = Vec<(String, String)>;

/// What the live gateway knows of approvals.
pub trait Bench: Send + Sync {
    /// The approval policy of this name in the live catalogue.
    fn policy(&self, name: &str) -> Option<ApprovalText>;

    /// The roles that can be had for a time, and how, in the live catalogue.
    fn requestables(&self) -> Vec<(RoleName, Requestable)>;

    /// How this role can be had for a time in the live catalogue; `None` where it cannot.
    fn requestable(&self, role: &RoleName) -> Option<Requestable>;

    /// What a wish of somebody's for a role is known by, decided by the approval of this name.
    fn digest_of_access(&self, caller: &Party, role: &RoleName, policy: &str) -> Digest;

    /// A text that somebody wrote, without its sensitive values.
    fn masked(&self, text: &str) -> String;

    /// The texts of a call that still waits, as they were sent.
    fn original(&self, id: ApprovalId) -> Pending<'_, Result<Option<Texts>, StateError>>;
}

/// The endpoints of approvals.
pub struct Reviews {
    authority: Arc<dyn Authority>,
    bench: Arc<dyn Bench>,
    state: State,
    store: Arc<dyn Approvals>,
    clock: Arc<dyn Clock>,
}

impl Reviews {
    /// Shows and decides what is kept in `state`.
    pub fn new(authority: Arc<dyn Authority>, bench: Arc<dyn Bench>, state: State, clock: Arc<dyn Clock>) -> Self {
        let store = Arc::clone(state.approvals());
        Self { authority, bench, state, store, clock }
    }

    /// Why a visitor may not decide; `None`: they may.
    fn why_not(&self, visitor: &Visitor, approval: &Approval) -> Option<String> {
        why_not(&*self.bench, &visitor.identity, approval)
    }

    fn may_look(&self, visitor: &Visitor, approval: &Approval) -> bool {
        is_party(&visitor.identity, &approval.caller) || self.why_not(visitor, approval).is_none()
    }

    fn reads_records(&self, visitor: &Visitor) -> bool {
        self.authority.permits(visitor, "records.read").verdict == Verdict::Allow
    }

    /// An approval that the visitor may look at.
    async fn find(&self, visitor: &Visitor, id: &str) -> Result<Approval, Problem> {
        let gone = || Problem::not_found("There is no such approval, or none that you may see.");
        let id: ApprovalId = id.parse().map_err(|_| gone())?;
        let found = self.store.get(id, self.clock.now()).await.map_err(unreachable)?;
        let found = found.filter(|approval| self.may_look(visitor, approval) || self.reads_records(visitor));
        found.ok_or_else(gone)
    }

    async fn list(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let state = match asked.query("state") {
            None => None,
            Some(name) => {
                Some(ApprovalState::from_name(name).ok_or_else(|| Problem::invalid("There is no such state."))?)
            }
        };
        if let Some(wait) = asked.query("wait_s") {
            let seconds = wait.parse().map_err(|_| Problem::invalid("`wait_s` is a number of seconds."))?;
            self.news(Duration::from_secs(seconds).min(LONGEST_WAIT)).await;
        }
        let listing = Listing { state, rule: None, limit: MOST };
        let all = self.store.list(listing, self.clock.now()).await.map_err(unreachable)?;
        let reads = self.reads_records(asked.visitor);
        let seen = all.iter().filter(|approval| reads || self.may_look(asked.visitor, approval));
        let told: Vec<_> =
            seen.map(|approval| told::approval(approval, self.why_not(asked.visitor, approval))).collect();
        Given::json(&told)
    }

    /// Waits until something happens to an approval.
    async fn news(&self, most: Duration) {
        let mut changes = self.state.changes();
        let heard = async {
            loop {
                match changes.next().await {
                    Heard::Change(change) if matches!(change.topic, Topic::Approvals | Topic::Grants) => return,
                    Heard::Change(_) => {}
                    Heard::Everything | Heard::Closed => return,
                }
            }
        };
        let _ = tokio::time::timeout(most, heard).await;
    }

    async fn show(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let approval = self.find(asked.visitor, asked.id()).await?;
        if asked.look == Look::First {
            self.record(asked.visitor, approval.id, Review::Seen).await?;
        }
        let listing = Listing { state: None, rule: Some(approval.rule.clone()), limit: SIMILAR + 1 };
        let similar = self.store.list(listing, self.clock.now()).await.map_err(unreachable)?;
        let similar: Vec<_> = similar
            .into_iter()
            .filter(|other| other.id != approval.id && other.state != ApprovalState::Pending)
            .take(SIMILAR)
            .collect();
        Given::json(&told::whole(&approval, self.why_not(asked.visitor, &approval), &similar))
    }

    async fn decide(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let said: Decide = asked.json()?;
        Given::json(&self.decide_for(asked.visitor, asked.id(), said).await?)
    }

    /// Decides in the name of a visitor whom somebody else than a token vouches for: who has recorded the visit already, and
    /// knows who it is. The rules are those of everybody.
    ///
    /// # Errors
    /// Where the visitor may not, or it cannot be decided any more.
    pub async fn decide_for(
        &self,
        visitor: &Visitor,
        id: &str,
        said: Decide,
    ) -> Result<gatewright_api::Approval, Problem> {
        let approval = self.find(visitor, id).await?;
        if let Some(why) = self.why_not(visitor, &approval) {
            return Err(Problem::denied(why));
        }
        // What was asked for under an earlier catalogue is not given on fewer words than the live one wants.
        let wanted = self.bench.policy(&approval.policy).map_or(approval.need, |policy| policy.need);
        let reason = reason(&*self.bench, said.reason.as_deref())?;
        let narrow = told::narrow(&approval, said.verdict, said.narrow.as_ref())?;
        let choice = match said.verdict {
            Choice::Approve => kept::Choice::Approve,
            Choice::Deny => kept::Choice::Deny,
            Choice::Revoke => kept::Choice::Revoke,
        };
        let identity = &visitor.identity;
        let by = Party { issuer: identity.issuer.clone(), subject: Arc::clone(&identity.subject) };
        let vote = Vote { by, choice, reason, at: self.clock.now(), narrow };
        let voted = self.store.vote(approval.id, vote, wanted).await.map_err(unreachable)?.map_err(not_now)?;
        let review = match said.verdict {
            Choice::Approve if narrow != kept::Narrow::default() => Review::Narrowed,
            Choice::Approve => Review::Approved,
            Choice::Deny => Review::Denied,
            Choice::Revoke => Review::Revoked,
        };
        self.record(visitor, approval.id, review).await?;
        if let Some(grant) = &voted.grant {
            self.authority.record(granted(grant)).await.map_err(|refusal| crate::desk::problem(&refusal))?;
        }
        Ok(told::approval(&voted.approval, None))
    }

    async fn original(&self, asked: &Asked<'_>) -> Result<Given, Problem> {
        let approval = self.find(asked.visitor, asked.id()).await?;
        // On disk before it is shown.
        self.record(asked.visitor, approval.id, Review::OriginalSeen).await?;
        let gone = || Problem::not_found("The original was destroyed when the call was decided or ran out.");
        let texts = self.bench.original(approval.id).await.map_err(unreachable)?.ok_or_else(gone)?;
        let text = |(place, text): (String, String)| Text {
            place: visible(&place),
            pieces: vec![Piece { text: visible(&text), mark: None }],
        };
        Given::json(&Original { texts: texts.into_iter().map(text).collect() })
    }

    async fn record(&self, visitor: &Visitor, approval: ApprovalId, review: Review) -> Result<(), Problem> {
        let (issuer, subject) = (visitor.identity.issuer.clone(), Arc::clone(&visitor.identity.subject));
        let event = Event::Reviewed { approval, review, issuer: Some(issuer), subject: Some(subject) };
        self.authority.record(event).await.map_err(|refusal| crate::desk::problem(&refusal))
    }
}

/// Why, as it is kept: masked, and with everything in it that cannot be seen written out.
pub(crate) fn reason(bench: &dyn Bench, written: Option<&str>) -> Result<Option<Arc<str>>, Problem> {
    match written.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) if reason.len() > LONGEST_REASON => {
            Err(Problem::invalid(format!("A reason has at most {LONGEST_REASON} bytes.")))
        }
        Some(reason) => Ok(Some(visible(&bench.masked(reason)).into())),
        None => Ok(None),
    }
}

pub(crate) fn unreachable(why: StateError) -> Problem {
    tracing::error!(%why, "approvals cannot be read or written");
    Problem::not_ready("Approvals cannot be reached now.")
}

fn not_now(why: NotNow) -> Problem {
    match why {
        NotNow::Unknown => Problem::not_found("There is no such approval, or none that you may see."),
        NotNow::OwnWish => Problem::denied("Nobody approves their own request."),
        NotNow::SpokenAlready => Problem::conflict("You have decided this already; another person has to agree."),
        NotNow::Decided(state) => Problem::conflict(format!("It is decided already: {}.", state.name())),
        NotNow::Expired => Problem::conflict("It has expired."),
    }
}

impl Part for Reviews {
    fn endpoints(&self) -> Vec<&'static str> {
        vec![APPROVALS_LIST.name, APPROVALS_SHOW.name, APPROVALS_DECIDE.name, APPROVALS_ORIGINAL.name]
    }

    fn answer<'a>(&'a self, asked: Asked<'a>) -> Pending<'a, Result<Given, Problem>> {
        Box::pin(async move {
            match asked.endpoint.name {
                name if name == APPROVALS_LIST.name => self.list(&asked).await,
                name if name == APPROVALS_SHOW.name => self.show(&asked).await,
                name if name == APPROVALS_DECIDE.name => self.decide(&asked).await,
                _ => self.original(&asked).await,
            }
        })
    }
}
