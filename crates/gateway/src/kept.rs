//! What a call names that a server keeps, and whose it is; and what it reaches that is declared as a dataset.
//!
//! All callers share a connection's credential, so the server cannot tell whose an id is. A call that names none costs
//! nothing here.

use std::sync::Arc;

use gatewright_identity::Verified;
use gatewright_json::Value;
use gatewright_model::{
    Code, ConnectionName, DatasetName, Delivery, Effect, ModelName, Operation, Parameters, Refusal, SessionId,
    StoredKind, Terms, Timestamp, Verdict,
};
use gatewright_policy::{Question, Roles};
use gatewright_protocols::{Naming, Reaching, Stored, StoredEffect, no_such_thing};
use gatewright_store::state::{Order, Owner, Page, StateError, Thing};

use crate::datasets::Dataset;
use crate::reached::{Entrance, Reached};
use crate::rows::{self, RowCall};
use crate::world::{Connection, Model};
use crate::{Gateway, World};

/// The models of one connection that are looked at for one that allows what has no model of its own.
const MOST_MODELS: usize = 256;

/// How many things a list has where the caller does not say, and at most.
const USUAL_PAGE: usize = 20;
const LONGEST_PAGE: usize = 100;

/// The place of a dataset that a server reaches by itself.
const DECLARED: &str = "declared";

/// The words for a header that says what nothing could reach.
pub(crate) fn nothing_declared() -> Refusal {
    Refusal::new(Code::UnsupportedField, "This operation reaches no dataset.").about("x-gatewright-dataset")
}

/// What a call does with things that a server keeps.
pub(crate) struct Kept {
    pub(crate) owner: Owner,
    pub(crate) connection: ConnectionName,
    pub(crate) effect: StoredEffect,
    /// The things that it names, in their order; all are the owner's.
    pub(crate) named: Vec<Thing>,
    /// Which part of a list it asks for.
    pub(crate) page: Option<Page>,
    /// What is noted with a thing that it makes: what a file of calls was allowed to hold, an answer's session.
    pub(crate) note: Arc<str>,
}

impl Kept {
    /// What was said before that it goes on from.
    pub(crate) fn continues(&self) -> Option<Continued<'_>> {
        self.named.iter().find_map(|thing| match thing.kind {
            StoredKind::Response => thing.note.parse().ok().map(Continued::Response),
            StoredKind::Conversation => Some(Continued::Conversation(&thing.id)),
            StoredKind::File | StoredKind::Batch | StoredKind::VectorStore => None,
        })
    }

    /// Whether what it does outlasts the call, so that its record is on disk before it is sent.
    pub(crate) const fn outlasts(&self) -> Effect {
        match self.effect {
            StoredEffect::Makes | StoredEffect::Ends => Effect::Change,
            StoredEffect::Uses | StoredEffect::Lists(_) => Effect::Reading,
        }
    }
}

/// What a call goes on from: an answer, with the session that it belongs to, or a conversation.
pub(crate) enum Continued<'k> {
    Response(SessionId),
    Conversation(&'k str),
}

/// What a call is bound to.
#[derive(Default)]
pub(crate) struct Bound {
    pub(crate) reached: Reached,
    /// The model by which policy judges it, where it names none itself.
    pub(crate) by_model: Option<ModelName>,
    pub(crate) kept: Option<Box<Kept>>,
    pub(crate) rows: Vec<RowCall>,
}

/// A call on its way to be identified.
pub(crate) struct Asking<'a> {
    pub(crate) world: &'a World,
    pub(crate) caller: &'a Verified,
    pub(crate) entrance: Entrance<'a>,
    pub(crate) ids: &'a [&'a str],
    pub(crate) body: &'a Value,
    /// The dataset that its header declares.
    pub(crate) declared: Option<&'a str>,
    /// The model that it names, where there is one.
    pub(crate) model: Option<&'a Model>,
    pub(crate) now: Timestamp,
}

/// A connection that a call without a model may go to, and the model by which it may.
struct Candidate<'w> {
    connection: &'w Arc<Connection>,
    by_model: &'w ModelName,
}

impl Gateway {
    /// Finds out what a call names and reaches, whether all of it is the caller's or a dataset, and where it lies.
    pub(crate) async fn bind(&self, asking: &Asking<'_>, terms: &mut Terms) -> Result<Bound, Refusal> {
        let Entrance { protocol, route, .. } = asking.entrance;
        let stored = protocol.stored(route, asking.ids, asking.body)?;
        let reaching = protocol.reaching(route, asking.ids, asking.body)?;
        let plain = stored == Stored::default() && reaching.is_empty() && asking.declared.is_none();
        if asking.declared.is_some() && protocol.is_answered_here(route) {
            return Err(nothing_declared());
        }
        let unknown = terms.model.is_some() && asking.model.is_none();
        if unknown || plain && terms.model.is_some() || protocol.is_answered_here(route) {
            // Policy says of a model that does not exist what it says of one that is forbidden.
            return Ok(Bound::default());
        }
        // Rare and large: it must not make every call's future as large.
        Box::pin(self.bind_kept(asking, terms, stored, &reaching)).await
    }

    async fn bind_kept<'a>(
        &self,
        asking: &Asking<'a>,
        terms: &mut Terms,
        stored: Stored<'a>,
        reaching: &[Reaching<'a>],
    ) -> Result<Bound, Refusal> {
        let mut bound = Bound { rows: rows::read(asking)?, ..Bound::default() };
        let mut named = stored.named;
        if let Some(name) = asking.declared {
            match asking.declared_for_a_token(name)? {
                Some(names) => {
                    bound.reached.named.extend_from_slice(&names);
                    bound.reached.by_token = names;
                }
                None => bound.reached.named.push(asking.declared_by_header(name)?),
            }
        }
        for reaching in reaching {
            match (asking.dataset_at(reaching)?, reaching.own) {
                (Some(name), _) => {
                    if terms.model.is_none() {
                        bound.reached.dataset = Some(name.clone());
                    }
                    if !bound.reached.named.contains(&name) {
                        bound.reached.named.push(name);
                    }
                }
                (None, Some(kind)) => named.push(Naming { kind, id: reaching.place, param: "vector_store_ids" }),
                (None, None) => return Err(undeclared(reaching)),
            }
        }
        let is_dataset = matches!(
            terms.operation,
            Operation::ReadDataset | Operation::WriteDataset | Operation::AdministerDataset | Operation::ExportDataset
        );
        if is_dataset && bound.reached.dataset.is_none() {
            // A store that nobody has declared is one of the caller's own files.
            terms.operation = Operation::Files;
        }
        let candidates = self.candidates(asking, terms.operation, &bound);
        if candidates.is_empty() && asking.model.is_none() && bound.reached.dataset.is_none() {
            // Who may do nothing of the kind does not even have the books opened.
            return Err(Refusal::new(Code::PermissionDenied, "You may not do this here."));
        }
        let things = self.owned_things(asking, &named).await?;
        let (connection, by_model) = choose(asking, &bound, &candidates, &things)?;
        let named = in_order(&named, &things, &connection)?;
        for thing in &named {
            rows::may_still_run(asking, thing)?;
        }
        bound.by_model = by_model;
        if named.is_empty() && stored.effect == StoredEffect::Uses {
            return Ok(bound);
        }
        let page = match stored.effect {
            StoredEffect::Lists(kind) => Some(page(asking.body, &connection, kind)),
            StoredEffect::Uses | StoredEffect::Makes | StoredEffect::Ends => None,
        };
        let note = rows::note(&bound.rows);
        let owner = owner_of(asking.caller);
        bound.kept = Some(Box::new(Kept { owner, connection, effect: stored.effect, named, page, note }));
        Ok(bound)
    }

    /// The connections that a call without a model may go to, each with the first model by which policy lets it.
    fn candidates<'w>(&self, asking: &Asking<'w>, operation: Operation, bound: &Bound) -> Vec<Candidate<'w>> {
        if asking.model.is_some() || bound.reached.dataset.is_some() {
            return Vec::new();
        }
        let roles = asking.world.roles.known(asking.world, asking.caller, asking.now).roles;
        let mut models: Vec<(&ModelName, &Model)> =
            asking.world.models.iter().filter(|(_, model)| asking.fits(&model.connection)).collect();
        models.sort_unstable_by_key(|(name, model)| (&model.connection.name, *name));
        let mut found: Vec<Candidate<'w>> = Vec::new();
        let mut looked_at = 0;
        let mut at = None;
        for (name, model) in models {
            if at != Some(&model.connection.name) {
                (at, looked_at) = (Some(&model.connection.name), 0);
            }
            let decided = found.last().is_some_and(|last| last.connection.name == model.connection.name);
            if decided || looked_at >= MOST_MODELS || bound.rows.first().is_some_and(|row| !row.is_at(asking, model)) {
                continue;
            }
            looked_at += 1;
            if may(asking, &roles, operation, model) != Verdict::Deny {
                found.push(Candidate { connection: &model.connection, by_model: name });
            }
        }
        found
    }

    /// Those of the named things that are the caller's. Asked at once: what is somebody else's and what is nobody's cost
    /// the same.
    async fn owned_things(&self, asking: &Asking<'_>, named: &[Naming<'_>]) -> Result<Vec<Thing>, Refusal> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Arc<str>> = named.iter().map(|naming| Arc::from(naming.id)).collect();
        self.owned.find(owner_of(asking.caller), ids).await.map_err(|why| unkept(&why))
    }
}

impl Asking<'_> {
    fn fits(&self, connection: &Connection) -> bool {
        connection.protocol.name() == self.entrance.protocol.name()
            && self.entrance.insisted.is_none_or(|insisted| insisted == connection.name.as_str())
    }

    /// The datasets of a header that a model server reaches by a token, where its connection lends one: any that there are.
    /// What policy says of them is asked as ever.
    fn declared_for_a_token(&self, names: &str) -> Result<Option<Vec<DatasetName>>, Refusal> {
        if self.model.is_none_or(|model| model.connection.call_token.is_none()) {
            return Ok(None);
        }
        let mut found: Vec<DatasetName> = Vec::new();
        for name in names.split(',').map(|name| name.trim_matches(' ')) {
            let beyond = |dataset: &Dataset| *dataset.place != *DECLARED;
            let known = self.world.datasets.named(name).filter(|(_, dataset)| beyond(dataset)).map(|(name, _)| name);
            let known = known.or_else(|| self.world.leasable.datasets.get_key_value(name).map(|(name, _)| name));
            match known {
                Some(name) if found.contains(name) => {}
                Some(name) => found.push(name.clone()),
                // One that the server reaches by itself, by its own words for it.
                None if found.is_empty() && !names.contains(',') => return Ok(None),
                None => return Err(Refusal::new(Code::PermissionDenied, "You may not read this dataset.")),
            }
        }
        Ok(Some(found))
    }

    /// The dataset of a header: one that a server reaches by itself, without a field that says which. It counts only where
    /// the configuration has such datasets at the model's connection; it is asked and recorded, and never sent.
    fn declared_by_header(&self, name: &str) -> Result<DatasetName, Refusal> {
        let here = |dataset: &Dataset| {
            *dataset.place == *DECLARED
                && self.model.is_some_and(|model| model.connection.name == dataset.connection.name)
        };
        let lends = self.model.is_some_and(|model| model.connection.call_token.is_some());
        if !lends && !self.world.datasets.at(DECLARED).any(|(_, dataset)| here(dataset)) {
            return Err(nothing_declared());
        }
        match self.world.datasets.named(name).filter(|(_, dataset)| here(dataset)) {
            Some((name, _)) => Ok(name.clone()),
            None => Err(Refusal::new(Code::PermissionDenied, "You may not read this dataset.")),
        }
    }

    /// The dataset that is declared at this place.
    fn dataset_at(&self, reaching: &Reaching<'_>) -> Result<Option<DatasetName>, Refusal> {
        let mut found = self.world.datasets.at(reaching.place).filter(|(_, dataset)| match self.model {
            Some(model) => model.connection.name == dataset.connection.name,
            None => self.fits(&dataset.connection),
        });
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => {
                let message =
                    "Several datasets lie at this place; say at which connection: /c/CONNECTION before the path.";
                Err(Refusal::new(Code::AmbiguousRequest, message))
            }
            (found, _) => Ok(found.map(|(name, _)| name.clone())),
        }
    }
}

/// Whose a caller's things are.
pub(crate) fn owner_of(caller: &Verified) -> Owner {
    Owner { issuer: caller.identity.issuer.clone(), subject: Arc::clone(&caller.identity.subject) }
}

/// The words for books that cannot be relied on.
pub(crate) fn unkept(why: &StateError) -> Refusal {
    tracing::warn!(%why, "the books of whose things are cannot be read or written");
    Refusal::new(Code::NotReady, "The gateway cannot say whose this is, so it does not serve it.")
}

/// What nobody has declared is refused like any tool that reaches beyond the gateway.
fn undeclared(reaching: &Reaching<'_>) -> Refusal {
    let message = "This reaches something that is declared as no dataset here.";
    Refusal::new(Code::UnsupportedField, message).about(reaching.param.clone().into_owned())
}

/// What policy says of an operation by one model.
pub(crate) fn may(asking: &Asking<'_>, roles: &Roles, operation: Operation, model: &Model) -> Verdict {
    let terms = Terms {
        operation,
        model: None,
        datasets: Vec::new(),
        parameters: Parameters::new(),
        delivery: Delivery::Whole,
    };
    let question = Question {
        identity: &asking.caller.identity,
        roles,
        now: asking.now,
        terms: &terms,
        model: Some(&model.facts),
        trust: model.connection.trust,
        matched: &[],
        found: &[],
        approvals: &[],
    };
    asking.world.policy.decide(&question).verdict
}

/// The one connection that a call goes to: its model's, its dataset's, the one where its things are, or the only one
/// that it may go to.
fn choose(
    asking: &Asking<'_>,
    bound: &Bound,
    candidates: &[Candidate<'_>],
    things: &[Thing],
) -> Result<(ConnectionName, Option<ModelName>), Refusal> {
    if let Some(model) = asking.model {
        return Ok((model.connection.name.clone(), None));
    }
    if let Some((_, dataset)) =
        bound.reached.dataset.as_ref().and_then(|name| asking.world.datasets.named(name.as_str()))
    {
        return Ok((dataset.connection.name.clone(), None));
    }
    let there = |candidate: &&Candidate<'_>| things.iter().any(|thing| thing.connection == candidate.connection.name);
    match candidates {
        [] => Err(Refusal::new(Code::PermissionDenied, "You may not do this here.")),
        [only] => Ok((only.connection.name.clone(), Some(only.by_model.clone()))),
        many => match many.iter().find(there) {
            Some(one) => Ok((one.connection.name.clone(), Some(one.by_model.clone()))),
            None => {
                let message =
                    "Several connections could do this for you; say which one: /c/CONNECTION before the path.";
                Err(Refusal::new(Code::AmbiguousRequest, message))
            }
        },
    }
}

/// The things by the order in which they were named; one that is missing, elsewhere or of another kind is none.
fn in_order(named: &[Naming<'_>], things: &[Thing], connection: &ConnectionName) -> Result<Vec<Thing>, Refusal> {
    let found = |naming: &Naming<'_>| {
        let is =
            |thing: &&Thing| *thing.id == *naming.id && thing.kind == naming.kind && thing.connection == *connection;
        things.iter().find(is).cloned().ok_or_else(no_such_thing)
    };
    named.iter().map(found).collect()
}

fn page(query: &Value, connection: &ConnectionName, kind: StoredKind) -> Page {
    let text = |name: &str| query.get(name).and_then(Value::as_str);
    Page {
        connection: connection.clone(),
        kind,
        order: if text("order") == Some("asc") { Order::Oldest } else { Order::Newest },
        after: text("after").map(Arc::from),
        limit: text("limit").and_then(|text| text.parse().ok()).unwrap_or(USUAL_PAGE).clamp(1, LONGEST_PAGE),
    }
}
