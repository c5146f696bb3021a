//! The calls that a file holds: each is a request of its own, and one that may not run keeps the file from being sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use gatewright_model::{
    Code, Delivery, ModelName, Operation, Refusal, Setting, StoredKind, Terms, Timestamp, Treatment, Verdict,
};
use gatewright_policy::{Decision, Question, Roles};
use gatewright_protocols::{Claim, Route, Stored, claim};
use gatewright_store::state::Thing;

use crate::kept::{Asking, may};
use crate::world::Model;
use crate::{Examined, World};

/// More models than one file may use: what it uses is noted with the file.
const MOST_MODELS: usize = 32;

/// A call of a file.
pub(crate) struct RowCall {
    pub(crate) route: &'static Route,
    pub(crate) terms: Terms,
    pub(crate) model: ModelName,
    /// What policy has set in it.
    pub(crate) settings: Vec<Setting>,
}

impl RowCall {
    /// Whether it would run where this model does.
    pub(crate) fn is_at(&self, asking: &Asking<'_>, model: &Model) -> bool {
        let own = asking.world.models.get(&self.model);
        own.is_some_and(|own| own.connection.name == model.connection.name)
    }

    /// The model's name at its server.
    pub(crate) fn upstream<'w>(&self, world: &'w World) -> Option<&'w Arc<str>> {
        world.models.get(&self.model).map(|model| &model.upstream)
    }
}

/// A refusal of one row, which is one of the whole file.
fn of_row(number: usize, refusal: Refusal) -> Refusal {
    Refusal { message: format!("Row {number} of the file: {}", refusal.message), ..refusal }.about("file")
}

/// Reads every call of a file.
pub(crate) fn read(asking: &Asking<'_>) -> Result<Vec<RowCall>, Refusal> {
    let Some(rows) = asking.entrance.protocol.rows(asking.entrance.route, asking.body) else { return Ok(Vec::new()) };
    let mut calls: Vec<RowCall> = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let call = read_row(asking, row.method, row.path, row.body).map_err(|refusal| of_row(at + 1, refusal))?;
        let elsewhere = calls.first().is_some_and(|first| {
            let there = |call: &RowCall| asking.world.models.get(&call.model).map(|model| &model.connection.name);
            there(first) != there(&call)
        });
        if elsewhere {
            let message = "its model runs at another connection than the first row's.";
            return Err(of_row(at + 1, Refusal::new(Code::InvalidRequest, message)));
        }
        calls.push(call);
    }
    Ok(calls)
}

fn read_row(asking: &Asking<'_>, method: &str, path: &str, body: &gatewright_json::Value) -> Result<RowCall, Refusal> {
    let ours = asking.entrance.protocol;
    let Some(Claim { protocol, route, ids }) = claim(method, path).filter(|claim| claim.protocol.name() == ours.name())
    else {
        return Err(Refusal::new(Code::UnknownOperation, "this gateway serves no such operation."));
    };
    let forbidden = || Refusal::new(Code::PermissionDenied, "you may not use this model.");
    let name = protocol.model(route, &ids, body)?.ok_or_else(forbidden)?;
    let fits = |model: &&Model| asking.entrance.insisted.is_none_or(|it| it == model.connection.name.as_str());
    let model = asking.world.models.get(&name).filter(fits).ok_or_else(forbidden)?;
    let terms = protocol.read(route, &ids, body, &model.connection.dialect)?;
    let plain = terms.delivery == Delivery::Whole
        && protocol.stored(route, &ids, body)? == Stored::default()
        && protocol.reaching(route, &ids, body)?.is_empty();
    if !plain {
        let message = "a row is answered whole, and reaches nothing besides its model.";
        return Err(Refusal::new(Code::InvalidRequest, message));
    }
    Ok(RowCall { route, terms, model: name, settings: Vec::new() })
}

/// What is noted with a file of calls: its operations and models, so that they can be judged again when it is run.
pub(crate) fn note(rows: &[RowCall]) -> Arc<str> {
    let uses: BTreeSet<(&str, &str)> =
        rows.iter().map(|row| (row.terms.operation.name(), row.model.as_str())).collect();
    let lines: Vec<String> = uses.iter().map(|(operation, model)| format!("{operation} {model}")).collect();
    lines.join("\n").into()
}

/// Whether what was noted with a thing may still be run by who wants it run: its file was allowed when it was sent, and
/// roles change.
pub(crate) fn may_still_run(asking: &Asking<'_>, thing: &Thing) -> Result<(), Refusal> {
    if asking.entrance.route.operation != Operation::Batch || thing.kind != StoredKind::File {
        return Ok(());
    }
    if thing.note.is_empty() {
        // Its rows were searched as text, and never decided as calls.
        return Err(Refusal::new(Code::InvalidRequest, "This file holds no calls.").about("input_file_id"));
    }
    let roles = asking.world.roles.known(asking.world, asking.caller, asking.now).roles;
    let allowed = |line: &str| {
        let (operation, model) = line.split_once(' ')?;
        let (operation, model) = (Operation::from_name(operation)?, asking.world.models.get(model)?);
        (may(asking, &roles, operation, model) == Verdict::Allow).then_some(())
    };
    match thing.note.lines().all(|line| allowed(line).is_some()) {
        true => Ok(()),
        false => Err(Refusal::new(Code::PermissionDenied, "You may no longer use a model of this file.").about("file")),
    }
}

/// Decides every call of a file after the file itself. What is not allowed to one of them is not allowed to the file.
pub(crate) fn decide(examined: &mut Examined, mut decision: Decision, roles: &Roles, now: Timestamp) -> Decision {
    if examined.call().kept().is_some() {
        // What is kept is read again when nobody knows the tokens any more.
        decision.request = without_tokens(&decision.request);
    }
    if decision.verdict != Verdict::Allow || examined.call().rows().is_empty() {
        return decision;
    }
    let outcome = decide_rows(examined, &mut decision, roles, now);
    match outcome {
        Ok(settings) => {
            for (row, settings) in examined.call_mut().rows_mut().iter_mut().zip(settings) {
                row.settings = settings;
            }
            decision
        }
        Err((number, denied)) => {
            let refusal = denied.refusal.unwrap_or_else(|| Refusal::new(Code::PermissionDenied, "policy denies it."));
            // A file cannot wait for a person as one call does: who approves it could not see which rows there are.
            Decision { verdict: Verdict::Deny, refusal: Some(of_row(number, refusal)), rules: denied.rules, ..decision }
        }
    }
}

fn decide_rows(
    examined: &Examined,
    decision: &mut Decision,
    roles: &Roles,
    now: Timestamp,
) -> Result<Vec<Vec<Setting>>, (usize, Decision)> {
    let call = examined.call();
    let world = call.world();
    let mut models = BTreeSet::new();
    let mut all = Vec::with_capacity(call.rows().len());
    for (at, row) in call.rows().iter().enumerate() {
        let model = world.models.get(&row.model);
        let own = world.policy.decide(&Question {
            identity: &call.caller().identity,
            roles,
            now,
            terms: &row.terms,
            model: model.map(|model| &model.facts),
            trust: call.trust(),
            matched: examined.matched(),
            found: examined.found(),
            approvals: &[],
        });
        models.insert(&row.model);
        // A budget is settled by what one answer says; a file's answers come long after it was sent.
        let uncounted = !own.budgets.is_empty();
        if own.verdict != Verdict::Allow || uncounted || models.len() > MOST_MODELS {
            let refusal = match own.refusal {
                Some(refusal) => refusal,
                None if uncounted => Refusal::new(Code::PermissionDenied, "its model is under a budget of yours."),
                None => Refusal::new(Code::TooLarge, "the file uses too many models."),
            };
            return Err((at + 1, Decision { refusal: Some(refusal), ..own }));
        }
        let sterner = decision.request.iter().zip(own.request.iter()).map(|(one, other)| *one.max(other));
        decision.request = without_tokens(&sterner.collect::<Vec<_>>());
        all.push(own.settings);
    }
    Ok(all)
}

fn without_tokens(treatments: &[Treatment]) -> Arc<[Treatment]> {
    let lasting = |one: &Treatment| if *one == Treatment::Token { Treatment::Redact } else { *one };
    treatments.iter().map(lasting).collect()
}
