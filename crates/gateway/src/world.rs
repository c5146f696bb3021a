use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gatewright_identity::{Identities, Verified};
use gatewright_masking::Detectors;
use gatewright_model::{ConnectionName, Digest, Identity, IssuerName, ModelName, RuleName, Standing, Timestamp, Trust};
use gatewright_policy::{self as policy, Catalogue, ModelFacts, Roles};
use gatewright_protocols::{Dialect, Protocol};
use gatewright_store::state::approvals::Grant;
use gatewright_upstream::Upstreams;

use crate::{CallToken, Datasets, Leasable, Lent, Price, Proxies};

/// Everything that a journey is judged by, loaded once at its start, so that a reload never splits one in two.
pub struct World {
    /// Counts reloads, from 1; recorded with every decision.
    pub epoch: u64,
    /// The digest of the configuration.
    pub configuration: Digest,
    /// Who is asking.
    pub identities: Arc<Identities>,
    /// What is allowed.
    pub policy: Catalogue,
    /// What is sensitive; its order of info types is the one that the policy was compiled with.
    pub detectors: Arc<Detectors>,
    /// Content rules over prompts: their patterns, and the rule of each pattern's info type.
    pub prompt_rules: Option<ContentRules>,
    /// Content rules over answers.
    pub answer_rules: Option<ContentRules>,
    /// The connections.
    pub connections: HashMap<ConnectionName, Arc<Connection>>,
    /// The models, by the name that callers use.
    pub models: HashMap<ModelName, Model>,
    /// The currency that models' prices are in.
    pub currency: Option<Arc<str>>,
    /// The datasets, by the name that callers use.
    pub datasets: Datasets,
    /// Datasets that are reached by a role of their own in a database.
    pub leasable: Leasable,
    /// The way to the connections.
    pub upstreams: Upstreams,
    /// Bounds of every request.
    pub limits: Limits,
    /// Whose word on a client's address counts.
    pub proxies: Proxies,
    /// Whether each piece of an answer is on disk before the caller sees it.
    pub strict_answers: bool,
    /// Which steps run.
    pub stages: Stages,
    /// Roles by token, since they are the same for every call that carries it.
    pub roles: RoleCache,
    /// The roles that people have for a time, which no token tells of. Outlives the world.
    pub lent: Arc<Lent>,
    /// The issuers whose callers' answers end with the token that they were asked for with, each with how long after its
    /// end a token is good.
    pub cut_at_expiry: HashMap<IssuerName, Duration>,
}

/// Patterns of content rules, compiled as detectors of their own.
pub struct ContentRules {
    /// Finds the patterns.
    pub detectors: Detectors,
    /// The rule that each info type of `detectors` stands for, by index.
    pub rules: Vec<RuleName>,
}

/// A connection as the journey sees it: no URL, no credential.
pub struct Connection {
    /// Its name.
    pub name: ConnectionName,
    /// What it speaks.
    pub protocol: &'static dyn Protocol,
    /// With which extra fields.
    pub dialect: Dialect,
    /// How far it is trusted.
    pub trust: Trust,
    /// How its server is lent tokens for the datasets that a call names; `None`: it is not.
    pub call_token: Option<Arc<CallToken>>,
}

/// A model that callers can ask for.
pub struct Model {
    /// What policy knows of it.
    pub facts: ModelFacts,
    /// Where it runs.
    pub connection: Arc<Connection>,
    /// What it is called there.
    pub upstream: Arc<str>,
    /// What it costs, where anybody has said.
    pub price: Option<Price>,
}

/// Bounds of every request.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest request body, in bytes.
    pub body: usize,
    /// The longest whole answer, in bytes.
    pub answer: usize,
    /// How deep JSON may nest.
    pub depth: usize,
    /// How long a request's body may take to arrive.
    pub body_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 16 << 20, answer: 64 << 20, depth: 64, body_time: Duration::from_secs(30) }
    }
}

/// Which steps of the journey run. All of them, in every build but the benchmark's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stages {
    identity: bool,
    policy: bool,
    masking: bool,
    records: bool,
}

impl Stages {
    /// Every step.
    pub const ALL: Self = Self { identity: true, policy: true, masking: true, records: true };

    /// The first `count` of identity, policy, masking and records: what each layer costs. Only benchmark builds have it.
    #[cfg(feature = "bench-layers")]
    pub const fn danger_first(count: u8) -> Self {
        Self { identity: count > 0, policy: count > 1, masking: count > 2, records: count > 3 }
    }

    pub(crate) const fn identity(self) -> bool {
        self.identity
    }

    pub(crate) const fn policy(self) -> bool {
        self.policy
    }

    pub(crate) const fn masking(self) -> bool {
        self.masking
    }

    pub(crate) const fn records(self) -> bool {
        self.records
    }
}

/// Roles by token digest, for as long as the world lasts.
#[derive(Default)]
pub struct RoleCache(RwLock<HashMap<Digest, Known>>);

/// What a world knows of the holder of a token. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) roles: Roles,
    /// What records keep of the holder's groups and claims.
    pub(crate) standing: Standing,
    /// What is lent to the holder and counts at this moment; most have nothing.
    pub(crate) lent: Vec<Grant>,
}

impl RoleCache {
    /// More tokens than this, and it starts anew.
    const MOST: usize = 10_000;

    pub(crate) fn known(&self, world: &World, caller: &Verified, now: Timestamp) -> Known {
        let known = self.by_token(world, caller, now);
        let lent = world.lent_to(&caller.identity, now);
        if lent.is_empty() {
            return known;
        }
        Known { roles: world.roles_with(&caller.identity, &lent, now), lent, ..known }
    }

    fn by_token(&self, world: &World, caller: &Verified, now: Timestamp) -> Known {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&caller.digest) {
            return known.clone();
        }
        let mut standing = world.policy.standing_of(&caller.identity);
        standing.claims = without_values(&world.detectors, &standing.claims);
        let found = Known { roles: world.policy.roles_of(&caller.identity, now), standing, lent: Vec::new() };
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= Self::MOST {
            all.clear();
        }
        all.insert(caller.digest, found.clone());
        found
    }
}

impl World {
    /// What is lent to somebody and counts by this world's catalogue: what they could still ask for, and for no longer
    /// than it says now.
    pub(crate) fn lent_to(&self, identity: &Identity, now: Timestamp) -> Vec<Grant> {
        let lent = self.lent.of(identity, now);
        let counts = |grant: Grant| {
            let request = self.policy.requestable(&grant.role).filter(|request| request.may_ask(identity))?;
            let until = grant.until.min(grant.from.plus(request.longest));
            (now < until).then_some(Grant { until, ..grant })
        };
        lent.into_iter().filter_map(counts).collect()
    }

    /// The roles of somebody, those that were lent among them.
    pub(crate) fn roles_with(&self, identity: &Identity, lent: &[Grant], now: Timestamp) -> Roles {
        let lent: Vec<policy::Lent> = lent
            .iter()
            .map(|grant| policy::Lent { role: grant.role.clone(), from: grant.from, until: grant.until })
            .collect();
        self.policy.roles_with(identity, &lent, now)
    }
}

/// Claims as they are recorded: an issuer may put an address into one, and what is on record is the masked view.
fn without_values(detectors: &Detectors, claims: &[(Arc<str>, Arc<str>)]) -> Arc<[(Arc<str>, Arc<str>)]> {
    let shown = |value: &Arc<str>| match detectors.find(value).is_empty() {
        true => value.clone(),
        false => Standing::WITHHELD.into(),
    };
    claims.iter().map(|(pointer, value)| (pointer.clone(), shown(value))).collect()
}
