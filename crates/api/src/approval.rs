use serde::{Deserialize, Serialize};

use crate::Person;

/// How an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It waits for people.
    Pending,
    /// Enough people agreed, and it has uses left.
    Approved,
    /// Somebody said no.
    Denied,
    /// Nobody decided in time, or the decision ran out before it was used.
    Expired,
    /// Every use that was approved was taken.
    Used,
    /// It was approved and taken back.
    Revoked,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Pending, Self::Approved, Self::Denied, Self::Expired, Self::Used, Self::Revoked];

    /// The word in answers and queries.
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

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// That one call may go ahead.
    Call,
    /// A role for a time.
    Access,
}

/// An approval as lists show it. Every text in it is masked, and its control and bidirectional characters are visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// `apr_…`.
    pub id: String,
    /// How it stands.
    pub state: ApprovalState,
    /// What is asked for.
    pub wish: Wish,
    /// The rule that holds it; for access, `access/ROLE`.
    pub rule: String,
    /// The approval policy that says who may decide.
    pub policy: String,
    /// Who asks.
    pub caller: Person,
    /// The caller's roles when it was asked for.
    pub roles: Vec<String>,
    /// What the call would do.
    pub operation: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Where it would go, and whether that is outside: `internal` or `external`.
    pub connection: Option<String>,
    /// How far that is trusted.
    pub trust: Option<String>,
    /// The data that it reaches.
    pub datasets: Vec<String>,
    /// The role that is asked for, and for how many seconds.
    pub access: Option<Asked>,
    /// Why, in the caller's words, masked.
    pub reason: Option<String>,
    /// The request whose journey asked.
    pub request: Option<String>,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// When it was asked for, RFC 3339.
    pub created: String,
    /// Until when somebody can decide, or until when the decision stands.
    pub expires: String,
    /// How many must agree.
    pub need: u32,
    /// Who has spoken.
    pub votes: Vec<Vote>,
    /// How many calls it lifts the hold for, and how many of them are left.
    pub uses: Uses,
    /// What was narrowed by an approver.
    pub narrowed: Option<Narrow>,
    /// Whether whoever reads this may decide it, or why not.
    pub may_decide: Option<String>,
}

/// A role for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Which role.
    pub role: String,
    /// For how many seconds.
    pub for_s: u64,
}

/// How often an approval counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uses {
    /// In all.
    pub of: u32,
    /// Still.
    pub left: u32,
}

/// What somebody said of an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// Who.
    pub by: Person,
    /// What.
    pub verdict: Choice,
    /// Why, masked.
    pub reason: Option<String>,
    /// When, RFC 3339.
    pub at: String,
}

/// What an approver can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// It may go ahead.
    Approve,
    /// It may not.
    Deny,
    /// What was approved is taken back, as far as it is not used.
    Revoke,
}

/// What an approver makes smaller. Only smaller: what is larger than what was asked for is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrow {
    /// At most so many tokens of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// The decision stands for so many seconds only; for access, the role lasts so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<u64>,
}

/// The body of [`APPROVALS_DECIDE`](crate::APPROVALS_DECIDE).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// What one says.
    pub verdict: Choice,
    /// Why; the caller is told of it when it is no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is made smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrow: Option<Narrow>,
}

/// An approval with everything that an approver looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalShown {
    /// What lists show.
    pub approval: Approval,
    /// The texts of the call: all that will run, in order.
    pub texts: Vec<Text>,
    /// What was found in them, by info type.
    pub found: Vec<Count>,
    /// The parameters that will be sent, by name.
    pub parameters: Vec<(String, String)>,
    /// The tools that the model may call, masked; empty for none.
    pub tools: Vec<String>,
    /// How calls like it were decided, the latest first.
    pub similar: Vec<Similar>,
    /// Whether the original can still be seen by those who may.
    pub has_original: bool,
}

/// A text of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Whose: `user`, `system`, `tool`, or where it stands.
    pub place: String,
    /// Its pieces, in order; together they are the whole text.
    pub pieces: Vec<Piece>,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// Its characters; those that cannot be seen are written `⟨U+202E⟩`.
    pub text: String,
    /// Why it stands out: a rule that matched it, or the info type in whose place it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

/// How many values of an info type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Which.
    pub info_type: String,
    /// How many.
    pub count: u32,
}

/// An earlier decision on a call of the same rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Similar {
    /// `apr_…`.
    pub id: String,
    /// How it ended.
    pub state: ApprovalState,
    /// Who had asked.
    pub caller: Person,
    /// The model.
    pub model: Option<String>,
    /// When, RFC 3339.
    pub created: String,
}

/// A call's texts as they were sent. Never stored by whoever shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// The texts, in the order of [`ApprovalShown::texts`].
    pub texts: Vec<Text>,
}
