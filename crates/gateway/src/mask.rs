//! What goes out and what comes back, with sensitive values treated as policy decided; and beside each the masked view
//! that is recorded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use gatewright_json::{Value, write};
use gatewright_masking::{Detectors, Finding, Minter, PseudonymKey, Treatments, Vault, mask_findings};
use gatewright_model::{
    Code, ConnectionName, Delivery, ModelName, Operation, Refusal, RequestId, RuleName, SessionId, Setting, Tally,
    Treatment, Trust, Usage, WhySet,
};
use gatewright_policy::Decision;
use gatewright_protocols::{Asked, Fault, Protocol, ReplyEditor, ReplyHead, Route};
use gatewright_upstream::{Answer, AnswerBody};
use http::Method;

use crate::forward::{Source, refused};
use crate::words::{Maskers, Restoring};
use crate::{Call, Permit, Recording, Reply, World};

/// The longest text of a model server's refusal that is read.
const LONGEST_ERROR: usize = 64 * 1024;

/// A request as it will be sent, and as it will be recorded.
pub struct Request {
    world: Arc<World>,
    id: RequestId,
    session: SessionId,
    operation: Operation,
    delivery: Delivery,
    trust: Trust,
    protocol: &'static dyn Protocol,
    route: &'static Route,
    destination: Destination,
    sent: Bytes,
    recorded: Bytes,
    masked: Vec<Tally>,
    settings: Vec<Setting>,
    answer_rules: Vec<RuleName>,
    /// What happens to each info type in the answer, as it is shown and as it is recorded.
    reply: Views,
    asked: Asked,
    vault: Arc<Vault>,
    pseudonyms: Arc<PseudonymKey>,
}

/// Where a request goes.
pub(crate) enum Destination {
    /// To a model server.
    Upstream { connection: ConnectionName, method: Method, path: String },
    /// Nowhere: the gateway itself has the answer.
    Here(Bytes),
}

/// What the record shows in place of what this treatment keeps.
const fn recorded(treatment: Treatment) -> Treatment {
    match treatment {
        Treatment::Keep => Treatment::Redact,
        Treatment::Redact | Treatment::Partial | Treatment::Pseudonym | Treatment::Token | Treatment::Block => {
            treatment
        }
    }
}

/// The two views of an answer.
struct Views {
    shown: Treatments,
    recorded: Treatments,
}

impl Views {
    fn of(decided: &[Treatment]) -> Self {
        // A token is for the way in: what an answer has of its own could not be restored by anybody.
        let shown: Vec<Treatment> = decided
            .iter()
            .map(|treatment| if *treatment == Treatment::Token { Treatment::Redact } else { *treatment })
            .collect();
        Self { recorded: recorded_view(&shown), shown: Treatments::new(shown) }
    }
}

fn recorded_view(treatments: &[Treatment]) -> Treatments {
    Treatments::new(treatments.iter().map(|treatment| recorded(*treatment)).collect::<Vec<_>>())
}

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
        let mut bytes = Vec::with_capacity(1024);
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
        masked: tallies(&world.detectors, findings),
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

fn tallies(detectors: &Detectors, findings: &[Vec<Finding>]) -> Vec<Tally> {
    let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
    for finding in findings.iter().flatten() {
        *counts.entry(finding.info_type.place()).or_default() += 1;
    }
    let types = detectors.info_types();
    counts.into_iter().filter_map(|(at, count)| Some(Tally { info_type: types.get(at)?.clone(), count })).collect()
}

impl Request {
    pub(crate) const fn world(&self) -> &Arc<World> {
        &self.world
    }

    pub(crate) const fn id(&self) -> RequestId {
        self.id
    }

    pub(crate) const fn session(&self) -> SessionId {
        self.session
    }

    pub(crate) const fn operation(&self) -> Operation {
        self.operation
    }

    pub(crate) const fn delivery(&self) -> Delivery {
        self.delivery
    }

    pub(crate) const fn trust(&self) -> Trust {
        self.trust
    }

    pub(crate) const fn destination(&self) -> &Destination {
        &self.destination
    }

    pub(crate) const fn sent(&self) -> &Bytes {
        &self.sent
    }

    pub(crate) const fn recorded(&self) -> &Bytes {
        &self.recorded
    }

    pub(crate) fn masked(&self) -> &[Tally] {
        &self.masked
    }

    pub(crate) const fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    pub(crate) const fn pseudonyms(&self) -> &Arc<PseudonymKey> {
        &self.pseudonyms
    }

    pub(crate) fn answer_rules(&self) -> &[RuleName] {
        &self.answer_rules
    }

    pub(crate) const fn protocol(&self) -> &'static dyn Protocol {
        self.protocol
    }

    /// What the answer may be, for the `accept` header.
    pub(crate) const fn accept(&self) -> &'static str {
        match self.delivery {
            Delivery::Whole => "application/json",
            Delivery::Stream => "text/event-stream",
        }
    }

    /// The parameters that policy moved into its range: `max_tokens=2048, temperature=1`; empty where it moved none.
    pub(crate) fn clamped(&self) -> String {
        let mut text = String::new();
        for setting in self.settings.iter().filter(|setting| setting.why == WhySet::Clamped) {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{}={}", setting.parameter.name(), setting.value);
        }
        text
    }
}

/// An answer behind its masker. What is not masked cannot be followed.
pub struct Masked {
    flow: Flow,
    view: View,
}

/// Where the answer's bytes come from.
pub(crate) enum Flow {
    Here(Bytes),
    Upstream(AnswerBody),
}

/// Puts an answer behind its masker, or makes a refusal of it.
pub(crate) async fn reply(reply: Reply, recording: &Recording) -> Result<Masked, Refusal> {
    let request = recording.request();
    let answer = match reply.0 {
        Source::Here(bytes) => return Ok(Masked { flow: Flow::Here(bytes), view: View::none() }),
        Source::Upstream(answer) => answer,
    };
    if !answer.status.is_success() {
        return Err(upstream_refusal(answer, request).await);
    }
    let editor = || {
        let head = head_of(&answer);
        request.protocol.reply(request.route, request.delivery, head, request.asked.clone())
    };
    let side = |treatments: &Treatments, restoring| {
        let words = Maskers::new(request, treatments.clone(), restoring);
        Ok::<Side, Refusal>(Side { editor: editor()?, words, out: Vec::new() })
    };
    let shown = side(&request.reply.shown, Restoring::Tokens)?;
    let differ = request.world.stages.masking() && request.reply.recorded != request.reply.shown;
    let recorded = if differ { Some(side(&request.reply.recorded, Restoring::Nothing)?) } else { None };
    Ok(Masked { flow: Flow::Upstream(answer.body), view: View { shown: Some(shown), recorded } })
}

fn head_of(answer: &Answer) -> ReplyHead<'_> {
    ReplyHead {
        status: answer.status.as_u16(),
        content_type: answer.content_type.as_deref(),
        content_encoding: answer.encoding.as_deref(),
    }
}

/// What a model server's refusal becomes: its words masked and scrubbed of its credential, or ours.
async fn upstream_refusal(mut answer: Answer, request: &Request) -> Refusal {
    let mut text = Vec::new();
    while text.len() < LONGEST_ERROR {
        match answer.body.piece().await {
            Some(Ok(piece)) => text.extend_from_slice(&piece[..piece.len().min(LONGEST_ERROR - text.len())]),
            Some(Err(failure)) => return refused(&failure),
            None => break,
        }
    }
    // Nobody may see any value of an error's text: which of them is the caller's own cannot be told.
    let redacting = Treatments::uniform(&request.world.detectors, Treatment::Redact);
    let mut words = Maskers::new(request, redacting, Restoring::Nothing);
    let mut refusal = request.protocol.upstream_error(request.route, head_of(&answer), &text, &mut words);
    if let Destination::Upstream { connection, .. } = &request.destination {
        request.world.upstreams.scrub(connection, &mut refusal.message);
    }
    refusal
}

impl Masked {
    pub(crate) fn into_parts(self) -> (Flow, View) {
        (self.flow, self.view)
    }
}

/// The answer as the caller is shown it, and as it is recorded where that differs.
pub(crate) struct View {
    shown: Option<Side>,
    recorded: Option<Side>,
}

struct Side {
    editor: Box<dyn ReplyEditor>,
    words: Maskers,
    out: Vec<u8>,
}

impl Side {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.editor.push(bytes, &mut self.words, &mut self.out)
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.editor.finish(&mut self.words, &mut self.out)
    }

    fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.out))
    }
}

impl View {
    const fn none() -> Self {
        Self { shown: None, recorded: None }
    }

    /// Both sides do the same; the record's first, so that nothing is shown that could not be recorded.
    fn both(&mut self, mut act: impl FnMut(&mut Side) -> Result<(), Fault>) -> Result<(), Refusal> {
        let mut outcome = Ok(());
        for side in self.recorded.iter_mut().chain(self.shown.iter_mut()) {
            if let Err(fault) = act(side) {
                outcome = Err(fault.refusal());
            }
        }
        outcome
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.both(|side| side.push(bytes))
    }

    pub(crate) fn finish(&mut self) -> Result<(), Refusal> {
        self.both(Side::finish)
    }

    /// Ends a stream with a refusal in the protocol's own in-stream form, after what was held, masked.
    pub(crate) fn refuse(&mut self, refusal: &Refusal, request: &Request) {
        if refusal.code != Code::BlockedContent {
            // Whether this finds the answer incomplete is of no interest now: it is.
            let _ = self.both(Side::finish);
        }
        let words = request.protocol().refusal_in_stream(refusal, &request.id());
        for side in self.recorded.iter_mut().chain(self.shown.iter_mut()) {
            side.out.extend_from_slice(&words);
        }
    }

    /// What may be shown and what is recorded of it, since the last time.
    pub(crate) fn take(&mut self) -> (Bytes, Bytes) {
        let shown = self.shown.as_mut().map(Side::take).unwrap_or_default();
        let recorded = self.recorded.as_mut().map_or_else(|| shown.clone(), Side::take);
        (shown, recorded)
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.shown.as_ref().and_then(|side| side.editor.usage())
    }

    /// What was masked in the recorded view.
    pub(crate) fn tallies(&self) -> Vec<Tally> {
        self.recorded.as_ref().or(self.shown.as_ref()).map(|side| side.words.tallies()).unwrap_or_default()
    }
}
