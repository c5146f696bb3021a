use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gatewright_json::Value;
use gatewright_masking::{
    Author, Detectors, Finding, Minter, PseudonymKey, Treatments, TypeIndex, Vault, mask_findings,
};
use gatewright_model::{ChannelKind, Code, Delivery, InfoType, ModelName, Refusal, RequestId, Tally, Treatment, Trust};
use gatewright_policy::Decision;
use gatewright_protocols::{Clause, Encoded, Route, Serves, Text};
use http::Method;

use super::{Destination, Request, Views, recorded_view};
use crate::bounds::{bounds_of, without_values};
use crate::budgets::Spending;
use crate::lend::Wanted;
use crate::{Call, Permit};

/// Makes of a permitted call what is sent and what is recorded.
pub(crate) fn request(permit: Permit, id: RequestId, pseudonyms: &Arc<PseudonymKey>) -> Result<Request, Refusal> {
    let (examined, decision, leash) = permit.into_parts();
    let (call, findings) = examined.into_call();
    let request = match call.protocol().is_answered_here(call.route()) {
        true => answered_here(call, decision, id, pseudonyms),
        false => sent_upstream(call, &findings, &decision, id, pseudonyms),
    };
    request.map(|request| request.on(leash))
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
    // The request is moved into its bounds before anything of it is masked: what is moved is no text.
    // What is reached by a token is bounded where the token is used.
    let by_token = call.by_token().to_vec();
    let bounds = bounds_of(decision.datasets.iter().filter(|terms| !by_token.contains(&terms.dataset)));
    let moved = match &bounds {
        Some(bounds) => protocol.bound(route, call.body_mut(), bounds)?,
        None => Vec::new(),
    };
    let rows = bounds.map(|bounds| bounds.filter).unwrap_or_default();
    let rows_on_record = without_values(&world.detectors, &rows);
    // INVARIANT: what policy allows is there; where it were not, nothing is sent.
    let Some(target) = call.target() else {
        return Err(Refusal::new(Code::PermissionDenied, "Policy denies this call."));
    };
    let (upstream, connection) = (Arc::<str>::from(target.upstream), Arc::clone(target.connection));
    let wanted = match &connection.call_token {
        Some(how) if !by_token.is_empty() => {
            Some(Wanted::of(call.caller_kept(), (&connection.name, how), &by_token, &decision.datasets))
        }
        Some(_) | None => None,
    };
    let mut asked = protocol.asked(route, call.body(), target.public, id);
    asked.reach.datasets.extend_from_slice(call.shown());
    let path = protocol.upstream_path(route, &call.ids(), &upstream);
    let path = match protocol.upstream_query(route, call.body()) {
        query if query.is_empty() => path,
        query => format!("{path}?{query}"),
    };
    let mut body = call.take_body();
    let sensitive = findings.iter().any(|texts| !texts.is_empty());
    let treatments = Treatments::new(Arc::clone(&decision.request));
    let record = recorded_view(&decision.request);
    let mut vault = Vault::new();
    let mut other = None;
    if sensitive {
        let mut minter = Minter { vault: &mut vault, key: pseudonyms };
        number_by_messages(&call, &mut body, findings, &treatments, &mut minter)?;
        if record != treatments {
            let mut copy = body.clone();
            rewrite(&call, &mut copy, findings, &record, &mut minter)?;
            other = Some(copy);
        }
        rewrite(&call, &mut body, findings, &treatments, &mut minter)?;
    }
    if other.is_none() && rows_on_record != rows {
        other = Some(body.clone());
    }
    let finished = |mut body: Value, rows: &[Clause]| {
        if !rows.is_empty() {
            protocol.keep_to(route, &mut body, rows)?;
        }
        protocol.prepare(route, &mut body, &upstream, &decision.settings, &connection.dialect)?;
        protocol.salt(route, &mut body, &connection.dialect, &|| salt(decision, pseudonyms));
        for (body, row) in protocol.row_bodies(route, &mut body).into_iter().zip(call.rows()) {
            let upstream = row.upstream(&world).map_or("", |upstream| &**upstream);
            protocol.prepare(row.route, body, upstream, &row.settings, &connection.dialect)?;
        }
        // The request's id, which nobody could put into a file that was sent before it was made.
        let boundary = gatewright_model::to_hex(id.as_bytes());
        protocol.encode(route, &body, &boundary)
    };
    let Encoded { content_type, bytes } = finished(body, &rows)?;
    let sent = Bytes::from(bytes);
    let recorded = match other {
        Some(body) => Bytes::from(finished(body, &rows_on_record)?.bytes),
        None => sent.clone(),
    };
    Ok(Request {
        spending: Spending::of(decision, &call, sent.len()),
        held: None,
        leash: None,
        left: Vec::new(),
        id,
        session: call.session(),
        operation: call.terms().operation,
        delivery: call.terms().delivery,
        trust: connection.trust,
        protocol,
        route,
        destination: Destination::Upstream {
            connection: connection.name.clone(),
            method: method(route),
            path,
            upstream,
        },
        ids: call.ids().into_iter().map(str::to_owned).collect(),
        kept: call.take_kept(),
        wanted,
        lent: None,
        content_type,
        sent,
        recorded,
        masked: tallies(&world.detectors, findings, |_| true),
        alerted: tallies(&world.detectors, findings, |found| treatments.of(found) == Treatment::Alert),
        settings: decision.settings.clone(),
        moved,
        answer_rules: decision.answer_rules.clone(),
        answer_alerts: decision.answer_alerts.clone(),
        reply: Views::of(decision),
        asked,
        vault: Arc::new(vault),
        pseudonyms: Arc::clone(pseudonyms),
        world,
    })
}

/// One salt for each set of roles, the same on every replica.
fn salt(decision: &Decision, key: &PseudonymKey) -> String {
    // Each name behind its length, so that no two sets are written alike.
    let roles: String = decision.roles.iter().map(|role| format!("{}:{role} ", role.as_str().len())).collect();
    match InfoType::new("CACHE_SALT") {
        Some(kind) => key.pseudonym(&kind, &roles),
        // INVARIANT: that is a name. Without one the roles themselves part the caches, only less discreetly.
        None => roles,
    }
}

/// The method of a route, which is the same at its server.
fn method(route: &Route) -> Method {
    // INVARIANT: every route's method is one; the conformance suite holds the table.
    Method::from_bytes(route.method.as_bytes()).unwrap_or(Method::POST)
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
    let models = if protocol.serves() != Serves::Datasets { call.visible_models() } else { Vec::new() };
    let names = models.iter().map(ModelName::as_str).chain(call.shown().iter().map(|dataset| dataset.name.as_str()));
    let names: Vec<&str> = names.collect();
    let ids: Vec<&str> = call.terms().model.iter().map(ModelName::as_str).collect();
    let answer = protocol.models(route, &ids, &names)?;
    Ok(Request {
        spending: Spending::of(&decision, &call, 0),
        held: None,
        leash: None,
        left: Vec::new(),
        id,
        session: call.session(),
        operation: call.terms().operation,
        delivery: Delivery::Whole,
        trust: Trust::Internal,
        protocol,
        route,
        destination: Destination::Here(Bytes::from(answer)),
        ids: Vec::new(),
        kept: None,
        wanted: None,
        lent: None,
        content_type: "".into(),
        sent: Bytes::new(),
        recorded: Bytes::new(),
        masked: Vec::new(),
        alerted: Vec::new(),
        reply: Views::of(&decision),
        settings: decision.settings,
        moved: Vec::new(),
        answer_rules: Vec::new(),
        answer_alerts: Vec::new(),
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
    each_text(call, body, findings, &mut |text, found| {
        *text.text = masked(call, &text, found, treatments, minter)?;
        Ok(())
    })
}

/// Gives values their tokens in the order of the conversation's messages. They only grow, so a value keeps its number in
/// every later turn, whatever else the request carries before them.
fn number_by_messages(
    call: &Call,
    body: &mut Value,
    findings: &[Vec<Finding>],
    treatments: &Treatments,
    minter: &mut Minter<'_>,
) -> Result<(), Refusal> {
    let mut elsewhere = false;
    each_text(call, body, findings, &mut |text, found| {
        elsewhere |= !found.is_empty() && !is_of_a_message(text.channel.kind);
        Ok(())
    })?;
    if !elsewhere {
        return Ok(());
    }
    each_text(call, body, findings, &mut |text, found| match is_of_a_message(text.channel.kind) {
        true => masked(call, &text, found, treatments, minter).map(drop),
        false => Ok(()),
    })
}

/// What is done with a text and what was found in it.
type Visit<'v> = dyn FnMut(Text<'_>, &[Finding]) -> Result<(), Refusal> + 'v;

/// Visits every text of a body with what was found in it.
fn each_text(call: &Call, body: &mut Value, findings: &[Vec<Finding>], visit: &mut Visit<'_>) -> Result<(), Refusal> {
    let mut findings = findings.iter();
    let mut outcome = Ok(());
    call.protocol().request_texts(call.route(), body, &mut |text| {
        if outcome.is_err() {
            return;
        }
        // INVARIANT: texts are visited in the order in which they were examined; one that was not examined blocks.
        outcome = match findings.next() {
            Some(found) => visit(text, found),
            None => Err(Refusal::new(Code::BlockedContent, "A text of the request could not be inspected.")),
        };
    });
    outcome
}

fn masked(
    call: &Call,
    text: &Text<'_>,
    found: &[Finding],
    treatments: &Treatments,
    minter: &mut Minter<'_>,
) -> Result<String, Refusal> {
    let author = author(text.channel.kind);
    mask_findings(&call.world().detectors, text.text, found, treatments, author, minter)
        .map_err(|blocked| blocked_request(&blocked))
}

const fn is_of_a_message(kind: ChannelKind) -> bool {
    match kind {
        ChannelKind::System
        | ChannelKind::User
        | ChannelKind::Assistant
        | ChannelKind::ToolResult
        | ChannelKind::Reasoning
        | ChannelKind::Refusal
        | ChannelKind::ToolName
        | ChannelKind::ToolArguments => true,
        ChannelKind::ToolDefinition
        | ChannelKind::Input
        | ChannelKind::Other
        | ChannelKind::Content
        | ChannelKind::LogProbabilities
        | ChannelKind::Transcript
        | ChannelKind::Annotation
        | ChannelKind::Error => false,
    }
}

/// Who wrote the texts of this kind in a request. A tool's result is what somebody else wrote.
const fn author(kind: ChannelKind) -> Author {
    match kind {
        ChannelKind::Assistant
        | ChannelKind::Reasoning
        | ChannelKind::Refusal
        | ChannelKind::ToolName
        | ChannelKind::ToolArguments => Author::Model,
        ChannelKind::System
        | ChannelKind::User
        | ChannelKind::ToolResult
        | ChannelKind::ToolDefinition
        | ChannelKind::Input
        | ChannelKind::Other
        | ChannelKind::Content
        | ChannelKind::LogProbabilities
        | ChannelKind::Transcript
        | ChannelKind::Annotation
        | ChannelKind::Error => Author::Caller,
    }
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
