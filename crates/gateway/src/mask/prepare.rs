use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gatewright_json::{Value, write};
use gatewright_masking::{Detectors, Finding, Minter, PseudonymKey, Treatments, TypeIndex, Vault, mask_findings};
use gatewright_model::{Code, Delivery, ModelName, Operation, Refusal, RequestId, Tally, Treatment, Trust};
use gatewright_policy::Decision;
use http::Method;

use super::{Destination, Request, Views, recorded_view};
use crate::{Call, Permit};

/// Makes of a permitted call what is sent and what is recorded.
pub(crate) fn request(permit: Permit, id: RequestId, pseudonyms: &Arc<PseudonymKey>) -> Result<Request, Refusal> {
    let (examined, decision) = permit.into_parts();
    let (call, findings) = examined.into_call();
    if matches!(call.terms().operation, Operation::ListModels | Operation::DescribeModel) {
        return answered_here(call, decision, id, pseudonyms);
    }
    sent_upstream(call, &findings, &decision, id, pseudonyms)
}

fn sent_upstream(
    mut call: Call,
    findings: &[Vec<Finding>],
    decision: &Decision,
    id: RequestId,
    pseudonyms: &Arc<PseudonymKey>,
) -> Result<Request, Refusal> {
    let world = Arc::clone(call.world());
    let (protocol, route) = (call.protocol(), call.route());
    // INVARIANT: a call with a connection has a model; `connection` comes from it.
    let (Some(model), Some(connection)) = (call.model(), call.connection().cloned()) else {
        return Err(Refusal::new(Code::PermissionDenied, "Policy denies this call."));
    };
    let (upstream, public) = (Arc::clone(&model.upstream), model.facts.name.clone());
    let asked = protocol.asked(route, call.body(), public.as_str(), id);
    let mut body = call.take_body();
    let sensitive = findings.iter().any(|texts| !texts.is_empty());
    let treatments = Treatments::new(Arc::clone(&decision.request));
    let record = recorded_view(&decision.request);
    let mut vault = Vault::new();
    let mut other = None;
    if sensitive {
        let mut minter = Minter { vault: &mut vault, key: pseudonyms };
        if record != treatments {
            let mut copy = body.clone();
            rewrite(&call, &mut copy, findings, &record, &mut minter)?;
            other = Some(copy);
        }
        rewrite(&call, &mut body, findings, &treatments, &mut minter)?;
    }
    let finished = |mut body: Value| {
        protocol.prepare(route, &mut body, &upstream, &decision.settings, &connection.dialect)?;
        let mut bytes = Vec::with_capacity(4096);
        write(&body, &mut bytes);
        Ok::<Bytes, Refusal>(Bytes::from(bytes))
    };
    let sent = finished(body)?;
    let recorded = other.map(finished).transpose()?.unwrap_or_else(|| sent.clone());
    Ok(Request {
        id,
        session: call.session(),
        operation: call.terms().operation,
        delivery: call.terms().delivery,
        trust: connection.trust,
        protocol,
        route,
        destination: Destination::Upstream {
            connection: connection.name.clone(),
            method: Method::POST,
            path: protocol.upstream_path(route, &upstream),
        },
        sent,
        recorded,
        masked: tallies(&world.detectors, findings, |_| true),
        alerted: tallies(&world.detectors, findings, |found| treatments.of(found) == Treatment::Alert),
        settings: decision.settings.clone(),
        answer_rules: decision.answer_rules.clone(),
        reply: Views::of(&decision.reply),
        asked,
        vault: Arc::new(vault),
        pseudonyms: Arc::clone(pseudonyms),
        world,
    })
}

/// A question that the gateway answers itself, of what this caller may use.
fn answered_here(
    call: Call,
    decision: Decision,
    id: RequestId,
    pseudonyms: &Arc<PseudonymKey>,
) -> Result<Request, Refusal> {
    let world = Arc::clone(call.world());
    let (protocol, route) = (call.protocol(), call.route());
    let names = call.visible_models();
    let names: Vec<&str> = names.iter().map(ModelName::as_str).collect();
    let ids: Vec<&str> = call.terms().model.iter().map(ModelName::as_str).collect();
    let answer = protocol.models(route, &ids, &names)?;
    Ok(Request {
        id,
        session: call.session(),
        operation: call.terms().operation,
        delivery: Delivery::Whole,
        trust: Trust::Internal,
        protocol,
        route,
        destination: Destination::Here(Bytes::from(answer)),
        sent: Bytes::new(),
        recorded: Bytes::new(),
        masked: Vec::new(),
        alerted: Vec::new(),
        settings: decision.settings,
        answer_rules: Vec::new(),
        reply: Views::of(&decision.reply),
        asked: protocol.asked(route, call.body(), "", id),
        vault: Arc::new(Vault::new()),
        pseudonyms: Arc::clone(pseudonyms),
        world,
    })
}

/// Rewrites every text of a body by what was found in it.
fn rewrite(
    call: &Call,
    body: &mut Value,
    findings: &[Vec<Finding>],
    treatments: &Treatments,
    minter: &mut Minter<'_>,
) -> Result<(), Refusal> {
    let detectors = &call.world().detectors;
    let mut findings = findings.iter();
    let mut outcome = Ok(());
    call.protocol().request_texts(call.route(), body, &mut |text| {
        // INVARIANT: texts are visited in the order in which they were examined; one that was not examined blocks.
        let Some(found) = findings.next() else {
            outcome = Err(Refusal::new(Code::BlockedContent, "A text of the request could not be inspected."));
            return;
        };
        match mask_findings(detectors, text.text, found, treatments, minter) {
            Ok(masked) => *text.text = masked,
            Err(blocked) => outcome = Err(blocked_request(&blocked)),
        }
    });
    outcome
}

fn blocked_request(blocked: &gatewright_masking::Blocked) -> Refusal {
    let message = format!("The request contains a value of type {}, which may not be sent.", blocked.info_type);
    Refusal::new(Code::BlockedContent, message)
}

/// How many values of each info type were found, of those info types that count.
fn tallies(detectors: &Detectors, findings: &[Vec<Finding>], counts: impl Fn(TypeIndex) -> bool) -> Vec<Tally> {
    let mut counted: BTreeMap<usize, u32> = BTreeMap::new();
    for finding in findings.iter().flatten().filter(|finding| counts(finding.info_type)) {
        *counted.entry(finding.info_type.place()).or_default() += 1;
    }
    let types = detectors.info_types();
    counted.into_iter().filter_map(|(at, count)| Some(Tally { info_type: types.get(at)?.clone(), count })).collect()
}
