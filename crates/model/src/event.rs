use std::borrow::Cow;
use std::sync::Arc;

use crate::{
    Amounts, ApprovalId, ChargedTo, Code, ConnectionName, DatasetName, Delivery, GrantId, Grounds, InfoType,
    IssuerName, Kind, LeaseId, LeaseKind, LeaseStep, NotificationId, Occasion, Operation, Parameters, RequestId,
    RoleName, RuleName, RuleRef, SessionId, Setting, Timestamp, Told, Verdict,
};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// How many values of one info type were found or masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Which info type.
    pub info_type: InfoType,
    /// How many.
    pub count: u32,
}

/// Which of a call's two texts something was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// What the caller sent.
    Request,
    /// What the model said.
    Answer,
}

impl Side {
    /// The word in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// A body that is kept apart from the log: its salted commitment SHA-256(salt ‖ body), so that the digest of a small
/// body is no oracle, and its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyRef {
    /// SHA-256 over the salt and then the body's bytes. The salt lies beside the body, not in the log.
    pub commitment: Digest,
    /// Its length in bytes.
    pub length: u64,
}

/// Tokens, as the model server counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Those of the request's tokens that the model server took from a cache, which may have a price of their own.
    pub cached: u64,
}

/// The log that a gateway wrote before its present one, and how far that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its name.
    pub origin: Arc<str>,
    /// How many leaves it has.
    pub size: u64,
    /// The root of its tree.
    pub root: Digest,
}

/// How a journey that was opened came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The whole answer was handed to the caller's connection.
    Ended,
    /// The caller went away first.
    ClientLeft,
    /// The model server's answer broke off.
    UpstreamCut,
    /// The gateway cut it while shutting down.
    Drained,
    /// It was refused after it had been opened.
    Failed(Code),
    /// The gateway's process died under it; said by the next start.
    Interrupted,
}

impl Fate {
    /// The word in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::ClientLeft => "client_left",
            Self::UpstreamCut => "upstream_cut",
            Self::Drained => "drained",
            Self::Failed(_) => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What happened to an approval beside the journey that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Review {
    /// It was asked for.
    Asked,
    /// Somebody looked at it.
    Seen,
    /// Somebody looked at its prompt unmasked.
    OriginalSeen,
    /// Somebody agreed.
    Approved,
    /// Somebody agreed to less than was asked for.
    Narrowed,
    /// Somebody said no.
    Denied,
    /// Nobody decided in time, or what was decided ran out.
    Expired,
    /// A call went ahead with it.
    Used,
    /// A use of it was given back: the call that had taken it was refused before anything of it was sent.
    GivenBack,
    /// What was approved was taken back.
    Revoked,
    /// Somebody passed without it, by a role that may.
    GlassBroken,
}

impl Review {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Asked,
        Self::Seen,
        Self::OriginalSeen,
        Self::Approved,
        Self::Narrowed,
        Self::Denied,
        Self::Expired,
        Self::Used,
        Self::GivenBack,
        Self::Revoked,
        Self::GlassBroken,
    ];

    /// The word in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Seen => "seen",
            Self::OriginalSeen => "original_seen",
            Self::Approved => "approved",
            Self::Narrowed => "narrowed",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::GivenBack => "given_back",
            Self::Revoked => "revoked",
            Self::GlassBroken => "glass_broken",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|review| review.name() == name)
    }
}

/// The story of a journey and of the gateway around it. Closed: a new variant makes every reader (ledger, replay,
/// metrics, access log) fail to compile until it has an opinion.
///
/// No variant holds text that a person or a model wrote; bodies are kept apart, in their masked view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request's head was read.
    Arrived {
        /// The peer's IP address, or the one that a configured proxy vouched for.
        client: Option<Arc<str>>,
        /// The HTTP method.
        method: Cow<'static, str>,
        /// The path without its query; bounded, and masked where no route claims it.
        path: Cow<'static, str>,
    },
    /// It was refused. Before authentication, `count` refusals of one code are told in one event.
    Refused {
        /// Why.
        code: Code,
        /// The field it was about.
        param: Option<Cow<'static, str>>,
        /// The rule that decided, where policy did.
        rule: Option<RuleName>,
        /// How many refusals this tells of; 1 for every refusal after authentication.
        count: u64,
    },
    /// The caller is known.
    Authenticated {
        /// Who vouched.
        issuer: IssuerName,
        /// The issuer's key for the caller.
        subject: Arc<str>,
        /// Person or workload.
        kind: Kind,
    },
    /// What the request would do is known.
    Identified {
        /// The protocol's folder.
        protocol: Cow<'static, str>,
        /// What it would do.
        operation: Operation,
        /// The model as asked for; `None` where there is none or the name is not one that a model could have.
        model: Option<Arc<str>>,
        /// Where it would go; `None` where no such model is known.
        connection: Option<ConnectionName>,
        /// The model's name there.
        upstream: Option<Arc<str>>,
        /// Whole or streamed.
        delivery: Delivery,
        /// What it states.
        parameters: Parameters,
        /// What it reaches besides the model.
        datasets: Vec<DatasetName>,
    },
    /// Its texts were searched, once.
    Examined {
        /// What was found, by info type.
        found: Vec<Tally>,
    },
    /// Policy has spoken.
    Decided {
        /// What it said.
        verdict: Verdict,
        /// The caller's roles.
        roles: Vec<RoleName>,
        /// The rules that made the verdict.
        rules: Vec<RuleRef>,
        /// Parameters that it set.
        settings: Vec<Setting>,
        /// Which world it was decided in.
        epoch: u64,
        /// The digest of the catalogue it was decided by.
        catalogue: Digest,
        /// What it was made from; `None` in records of releases that did not keep it.
        grounds: Option<Grounds>,
    },
    /// A person is asked.
    Held {
        /// By which rule.
        rule: RuleName,
        /// Where.
        approval: ApprovalId,
    },
    /// A person has decided.
    Settled {
        /// Where.
        approval: ApprovalId,
        /// What the decision came to.
        verdict: Verdict,
    },
    /// Something happened to an approval.
    Reviewed {
        /// Which approval.
        approval: ApprovalId,
        /// What.
        review: Review,
        /// Who did it, by issuer; `None` where nobody did.
        issuer: Option<IssuerName>,
        /// And the issuer's key for them.
        subject: Option<Arc<str>>,
    },
    /// People were told of an approval through one channel, or could not be.
    Notified {
        /// Of which approval.
        approval: ApprovalId,
        /// Which notification; the same at every attempt.
        notification: NotificationId,
        /// What for.
        occasion: Occasion,
        /// Through which channel, as the configuration names it.
        channel: Arc<str>,
        /// How it ended.
        told: Told,
        /// How often it was attempted.
        attempts: u32,
    },
    /// Values passed unmasked of which policy wants to know: their treatment is `alert`.
    Alerted {
        /// On which way.
        side: Side,
        /// How many, by info type.
        passed: Vec<Tally>,
    },
    /// Its texts matched content rules that only want to be told: their action is `alert`.
    Noticed {
        /// In which text.
        side: Side,
        /// Which rules, each once.
        rules: Vec<RuleName>,
    },
    /// What the call may come to need is reserved in every budget that it falls under. Where no [`Event::Spent`] follows,
    /// it counts as used.
    Charged {
        /// Whose accounts, within which windows.
        to: Vec<ChargedTo>,
        /// How much is reserved.
        reserved: Amounts,
    },
    /// What the call did use up, in the place of what was reserved.
    Spent {
        /// How much.
        used: Amounts,
    },
    /// The record is open; nothing has left yet.
    Opened {
        /// The thread of calls that it belongs to.
        session: SessionId,
        /// The request as it will be sent, masked.
        request: BodyRef,
        /// What was masked in it.
        masked: Vec<Tally>,
    },
    /// The record is on disk.
    Durable {
        /// How long the answer or the sending waited for it, in microseconds.
        waited: u64,
    },
    /// The request went out.
    Forwarded {
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// The model server's answer began.
    FirstByte {
        /// Its HTTP status.
        status: u16,
    },
    /// A piece of the masked answer was handed over.
    Chunk {
        /// Its length in bytes.
        length: u32,
    },
    /// The journey is over.
    Closed {
        /// How.
        fate: Fate,
        /// The HTTP status that the caller was given; 0 where none was.
        status: u16,
        /// What the caller was given, masked.
        answer: BodyRef,
        /// In how many pieces.
        chunks: u64,
        /// What was masked in it.
        masked: Vec<Tally>,
        /// Tokens, where the model server said.
        usage: Option<Usage>,
    },
    /// The configuration or the catalogue was replaced.
    Reloaded {
        /// The new world.
        epoch: u64,
        /// The digest of the configuration.
        configuration: Digest,
        /// The digest of the catalogue.
        catalogue: Digest,
    },
    /// Somebody got a role for a time.
    Granted {
        /// Which grant.
        grant: GrantId,
        /// Whose issuer.
        issuer: IssuerName,
        /// Whose key.
        subject: Arc<str>,
        /// Which role.
        role: RoleName,
        /// Until when.
        until: Timestamp,
    },
    /// A grant was taken back.
    Revoked {
        /// Which grant.
        grant: GrantId,
        /// Who did it, by issuer; `None` in records of releases that did not say.
        issuer: Option<IssuerName>,
        /// And the issuer's key for them.
        subject: Option<Arc<str>>,
    },
    /// A grant's time was over.
    Lapsed {
        /// Which grant.
        grant: GrantId,
    },
    /// Something happened to what is lent for the length of a call.
    Leased {
        /// Which lease.
        lease: LeaseId,
        /// The call that it belongs to.
        call: RequestId,
        /// What is lent.
        kind: LeaseKind,
        /// What happened.
        step: LeaseStep,
        /// What it opens, or was to open.
        datasets: Vec<DatasetName>,
        /// Whose issuer it is that vouches for the workload it is lent to.
        issuer: IssuerName,
        /// And the issuer's key for that workload.
        subject: Arc<str>,
        /// Until when at the latest.
        until: Timestamp,
    },
    /// Somebody read a record.
    RecordRead {
        /// Whose issuer.
        issuer: IssuerName,
        /// Whose key.
        subject: Arc<str>,
        /// Which session.
        session: SessionId,
    },
    /// A record's content was made unreadable.
    RecordErased {
        /// Which session.
        session: SessionId,
    },
    /// Somebody asked the admin API.
    Visited {
        /// Whose issuer.
        issuer: IssuerName,
        /// Whose key.
        subject: Arc<str>,
        /// The endpoint's name.
        endpoint: Cow<'static, str>,
        /// Whether they were let in.
        verdict: Verdict,
        /// The rules that made the verdict; none where an identity was all that it needed.
        rules: Vec<RuleRef>,
    },
    /// Somebody made another version of the role catalogue the newest one.
    Versioned {
        /// Whose issuer.
        issuer: IssuerName,
        /// Whose key.
        subject: Arc<str>,
        /// The version's number.
        version: u64,
        /// Its digest.
        catalogue: Digest,
        /// The digest of the version before it.
        previous: Digest,
    },
    /// Somebody had another role catalogue decide beside the live one, without effect; or ended that.
    Shadowed {
        /// Whose issuer.
        issuer: IssuerName,
        /// Whose key.
        subject: Arc<str>,
        /// The candidate's digest; `None`: there is none from now on.
        candidate: Option<Digest>,
    },
    /// A decision that was made again by Cedar's own authorizer came out otherwise: the gateway's index of rules is wrong.
    Doubted {
        /// The call that was decided.
        call: RequestId,
        /// What of the decision differs: `verdict`, `rules`, `settings`, `exposure` or `terms`.
        about: Cow<'static, str>,
        /// What was decided.
        verdict: Verdict,
        /// What the authorizer decides.
        authorizer: Verdict,
        /// The rules that made the verdict.
        rules: Vec<RuleRef>,
        /// The digest of the catalogue.
        catalogue: Digest,
    },
    /// The gateway started: the first leaf of the log that it writes from then on.
    Started {
        /// Its version.
        build: Cow<'static, str>,
        /// The digest of the configuration.
        configuration: Digest,
        /// The digest of the catalogue.
        catalogue: Digest,
        /// Bytes of a torn tail that recovery cut off; nobody had been told of them.
        recovered: u64,
        /// Journeys that the last run left open.
        interrupted: Vec<RequestId>,
        /// The log's name.
        log: Option<Arc<str>>,
        /// The log before it; absent for the first of a data folder.
        previous: Option<Predecessor>,
    },
    /// The gateway stopped in order.
    Stopped {
        /// How many leaves the log had before this one.
        leaves: u64,
    },
}

impl Event {
    /// The event's name in records, metrics and the access log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Arrived { .. } => "arrived",
            Self::Refused { .. } => "refused",
            Self::Authenticated { .. } => "authenticated",
            Self::Identified { .. } => "identified",
            Self::Examined { .. } => "examined",
            Self::Decided { .. } => "decided",
            Self::Held { .. } => "held",
            Self::Settled { .. } => "settled",
            Self::Reviewed { .. } => "reviewed",
            Self::Notified { .. } => "notified",
            Self::Alerted { .. } => "alerted",
            Self::Noticed { .. } => "noticed",
            Self::Charged { .. } => "charged",
            Self::Spent { .. } => "spent",
            Self::Opened { .. } => "opened",
            Self::Durable { .. } => "durable",
            Self::Forwarded { .. } => "forwarded",
            Self::FirstByte { .. } => "first_byte",
            Self::Chunk { .. } => "chunk",
            Self::Closed { .. } => "closed",
            Self::Reloaded { .. } => "reloaded",
            Self::Granted { .. } => "granted",
            Self::Revoked { .. } => "revoked",
            Self::Lapsed { .. } => "lapsed",
            Self::Leased { .. } => "leased",
            Self::RecordRead { .. } => "record_read",
            Self::RecordErased { .. } => "record_erased",
            Self::Visited { .. } => "visited",
            Self::Versioned { .. } => "versioned",
            Self::Shadowed { .. } => "shadowed",
            Self::Doubted { .. } => "doubted",
            Self::Started { .. } => "started",
            Self::Stopped { .. } => "stopped",
        }
    }
}
