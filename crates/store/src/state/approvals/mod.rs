//! Holds that people lift, and roles that they lend for a time.
//!
//! One approval lives for each (digest of a call, rule that holds it): a unique index says so, whatever replicas do at the
//! same time. What happens to an approval is one pure step ([`Approval::vote`], [`Approval::take`], [`Approval::lapse`])
//! that both backends make on the row while they hold it.

mod document;
mod shown;
mod step;

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{ApprovalId, Digest, GrantId, IssuerName, RoleName, RuleName, Timestamp};

use super::Answer;
pub use shown::{Shown, ShownText};
pub use step::{NotNow, Voted};

/// How an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApprovalState {
    /// It waits for people.
    Pending,
    /// Enough agreed, and it has uses left.
    Approved,
    /// Somebody said no.
    Denied,
    /// Nobody decided in time, or what was decided ran out.
    Expired,
    /// Every use was taken.
    Used,
    /// What was approved was taken back.
    Revoked,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Pending, Self::Approved, Self::Denied, Self::Expired, Self::Used, Self::Revoked];

    /// The word in tables and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::Revoked => "revoked",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Somebody, by issuer and the issuer's own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Who vouches.
    pub issuer: IssuerName,
    /// The issuer's key for them.
    pub subject: Arc<str>,
}

/// What somebody said of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub by: Party,
    /// What.
    pub choice: Choice,
    /// Why, masked.
    pub reason: Option<Arc<str>>,
    /// When.
    pub at: Timestamp,
    /// What it makes smaller.
    pub narrow: Narrow,
}

/// What an approver can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It may go ahead.
    Approve,
    /// It may not.
    Deny,
    /// What was approved is taken back.
    Revoke,
}

/// What approvers made smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// At most so many tokens of an answer.
    pub max_tokens: Option<u64>,
    /// The decision, or the role, counts for so long only.
    pub lasts: Option<Duration>,
}

impl Narrow {
    /// The narrower of both in everything.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let least = |left: Option<u64>, right: Option<u64>| left.into_iter().chain(right).min();
        Self {
            max_tokens: least(self.max_tokens, other.max_tokens),
            lasts: self.lasts.into_iter().chain(other.lasts).min(),
        }
    }
}

/// A role that is asked for, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessWish {
    /// Which role.
    pub role: RoleName,
    /// For how long.
    pub lasts: Duration,
}

/// What is asked for. The texts are for people: masked, and nothing here understands them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// Its id.
    pub id: ApprovalId,
    /// What exactly is to be approved.
    pub digest: Digest,
    /// The rule that holds it.
    pub rule: RuleName,
    /// The approval policy's name.
    pub policy: Arc<str>,
    /// Who asks.
    pub caller: Party,
    /// When.
    pub at: Timestamp,
    /// How long people have to decide.
    pub time_to_decide: Duration,
    /// How long a decision stands.
    pub valid: Duration,
    /// How many must agree; 0: the reason is enough, and it is approved as it is asked for.
    pub need: u32,
    /// For how many calls.
    pub uses: u32,
    /// Why, masked.
    pub reason: Option<Arc<str>>,
    /// The role, where it is one that is asked for.
    pub access: Option<AccessWish>,
    /// What approvers look at, in whatever form they read.
    pub shown: Arc<[u8]>,
    /// The original, sealed; destroyed with the decision.
    pub sealed: Option<Arc<[u8]>>,
}

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// What exactly is approved.
    pub digest: Digest,
    /// The rule that holds it.
    pub rule: RuleName,
    /// The approval policy's name.
    pub policy: Arc<str>,
    /// Who asks.
    pub caller: Party,
    /// How it stands.
    pub state: ApprovalState,
    /// When it was asked for.
    pub created: Timestamp,
    /// Pending: until when people can decide. Else until when the decision stands.
    pub expires: Timestamp,
    /// How long a decision stands.
    pub valid: Duration,
    /// How many must agree.
    pub need: u32,
    /// For how many calls.
    pub uses: u32,
    /// How many of them were taken.
    pub used: u32,
    /// What was said, in order.
    pub votes: Vec<Vote>,
    /// Why, masked.
    pub reason: Option<Arc<str>>,
    /// The role that is asked for.
    pub access: Option<AccessWish>,
    /// What approvers look at.
    pub shown: Arc<[u8]>,
}

impl Approval {
    /// What approvers made smaller, all of them together.
    pub fn narrow(&self) -> Narrow {
        self.votes.iter().fold(Narrow::default(), |narrow, vote| narrow.and(vote.narrow))
    }
}

/// What became of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It was not asked for before; where nobody has to agree, a wish for access is granted already.
    New(Voted),
    /// It was: pending, approved or denied, and this is it.
    Known(Approval),
    /// Too much is pending already, of this caller or in all.
    TooMany,
}

/// How much may be pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Of one caller.
    pub of_caller: u32,
    /// In all.
    pub in_all: u32,
}

/// Which approvals a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// In this state; `None`: in any.
    pub state: Option<ApprovalState>,
    /// Held by this rule; `None`: by any.
    pub rule: Option<RuleName>,
    /// How many at most.
    pub limit: usize,
}

/// A role that somebody has for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Whose it is.
    pub party: Party,
    /// Which role.
    pub role: RoleName,
    /// The approval that it came from.
    pub approval: ApprovalId,
    /// From when.
    pub from: Timestamp,
    /// Until when, excluded.
    pub until: Timestamp,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
}

impl Grant {
    /// Whether it counts at this moment.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.from <= now && now < self.until
    }
}

/// Approvals and the grants that come of them. The clock is passed in; what ran out by it counts as run out, whether
/// somebody has swept or not.
pub trait Approvals: Send + Sync {
    /// Asks for an approval, or finds the one that lives for the same digest and rule.
    fn ask(&self, new: NewApproval, most: Most) -> Answer<'_, Asked>;

    /// One approval.
    fn get(&self, id: ApprovalId, now: Timestamp) -> Answer<'_, Option<Approval>>;

    /// Approvals, the latest first.
    fn list(&self, listing: Listing, now: Timestamp) -> Answer<'_, Vec<Approval>>;

    /// Says something of an approval. The sealed original is destroyed with the decision. An approved wish for access
    /// becomes a grant in the same transaction.
    /// `wanted` must agree by the catalogue of this moment; never fewer than when it was asked for.
    fn vote(&self, id: ApprovalId, vote: Vote, wanted: u32) -> Answer<'_, Result<Voted, NotNow>>;

    /// Takes one use of each of these, or of none: `None` where one of them is not approved at this moment.
    fn take(&self, wanted: Vec<(Digest, RuleName)>, now: Timestamp) -> Answer<'_, Option<Vec<Approval>>>;

    /// Gives back one use of each of these, as far as they still stand and nobody has asked anew meanwhile.
    fn give_back(&self, taken: Vec<ApprovalId>, now: Timestamp) -> Answer<'_, ()>;

    /// Ends what ran out, and gives it.
    fn expire(&self, now: Timestamp) -> Answer<'_, Vec<Approval>>;

    /// The sealed original; `None` where it is decided, expired or was never there.
    fn sealed(&self, id: ApprovalId, now: Timestamp) -> Answer<'_, Option<Vec<u8>>>;

    /// Grants, the latest first; with `now`, those that count then.
    fn grants(&self, counting: Option<Timestamp>, limit: usize) -> Answer<'_, Vec<Grant>>;

    /// Takes a grant back; `None` where it does not count any more.
    fn revoke_grant(&self, id: GrantId, now: Timestamp) -> Answer<'_, Option<Grant>>;
}
