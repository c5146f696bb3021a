use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use gatewright_identity::Verified;
use gatewright_json::{FaultKind, Value, parse};
use gatewright_model::{Code, DatasetName, Event, ModelName, Operation, Refusal, SessionId, Terms, Timestamp, Trust};
use gatewright_protocols::{BodyKind, Claim, Protocol, Route, Serves, Shown, claim};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::journal::Noteworthy;
use crate::kept::{Asking, Bound, Continued, Kept, nothing_declared};
use crate::lend::Warrant;
use crate::query::query_of;
use crate::reached::{Entrance, Reached, only_data};
use crate::rows::RowCall;
use crate::world::{Connection, Limits, Model};
use crate::{Arrival, Caller, Gateway, Inbound, World};

/// What a caller's request would do.
pub struct Call {
    caller: Caller,
    world: Arc<World>,
    protocol: &'static dyn Protocol,
    route: &'static Route,
    terms: Terms,
    body: Value,
    /// The model's name in `world.models`; `None` where there is no such model, or the operation has none.
    model: Option<ModelName>,
    reached: Reached,
    /// Ids in its path.
    ids: Vec<String>,
    kept: Option<Box<Kept>>,
    /// The calls that its file holds.
    rows: Vec<RowCall>,
    session: SessionId,
    /// Why, in the caller's words, for whoever has to approve it.
    reason: Option<Arc<str>>,
    now: Timestamp,
}

/// Where a call would go.
pub(crate) struct Target<'c> {
    pub(crate) connection: &'c Arc<Connection>,
    /// What callers call it.
    pub(crate) public: &'c str,
    /// What it is called there.
    pub(crate) upstream: &'c str,
}

/// A path of ours: which connection it insists on, and the rest, which is the protocol's.
pub fn insisted(path: &str) -> (Option<&str>, &str) {
    match path.strip_prefix("/c/").and_then(|rest| rest.find('/').map(|at| rest.split_at(at))) {
        Some((connection, rest)) => (Some(connection), rest),
        None => (None, path),
    }
}

/// The protocol in whose shape a refusal of this path is said.
pub(crate) fn protocol_of(path: &str) -> &'static dyn Protocol {
    gatewright_protocols::speaking(insisted(path).1)
}

/// Whether some protocol owns this request.
pub(crate) fn is_claimed(arrival: &Arrival) -> bool {
    claim(arrival.method().as_str(), insisted(arrival.path()).1).is_some()
}

/// Finds out what a request would do.
pub(crate) async fn identify(
    gateway: &Gateway,
    world: &Arc<World>,
    caller: Caller,
    arrival: &mut Arrival,
) -> Result<Call, Refusal> {
    let path = arrival.path().to_owned();
    let (insisted, inner) = self::insisted(&path);
    let Some(Claim { protocol, route, ids }) = claim(arrival.method().as_str(), inner) else {
        return Err(Refusal::new(Code::UnknownOperation, "This gateway serves no such operation at this path."));
    };
    let query = match (route.body, arrival.query()) {
        (_, None | Some("")) => Value::Null,
        (BodyKind::Query(names), Some(query)) => query_of(query, names)?,
        (BodyKind::None | BodyKind::Json | BodyKind::Form, Some(_)) => {
            return Err(Refusal::new(Code::InvalidRequest, "This operation takes no query.").about("query"));
        }
    };
    let named = header(arrival.headers(), "x-gatewright-session", 256)?.map(str::to_owned);
    let reason = header(arrival.headers(), "x-gatewright-reason", 1_024)?.map(Arc::from);
    let declared = header(arrival.headers(), "x-gatewright-dataset", 128)?.map(str::to_owned);
    let body = match route.body {
        BodyKind::Query(_) => {
            body_of(route.body, arrival, &world.limits).await?;
            query
        }
        BodyKind::None | BodyKind::Json => body_of(route.body, arrival, &world.limits).await?,
        BodyKind::Form => form_of(protocol, route, arrival, &world.limits).await?,
    };
    // The dialect is the connection's, and the connection is the model's: the model's name is read first, once.
    let asked = protocol.model(route, &ids, &body)?;
    let known = asked.as_ref().and_then(|name| {
        let (name, model) = world.models.get_key_value(name.as_str())?;
        let fits = insisted.is_none_or(|connection| model.connection.name.as_str() == connection);
        (fits && model.connection.protocol.name() == protocol.name()).then_some((name, model))
    });
    let dialect = known.map_or_else(Default::default, |(_, model)| model.connection.dialect);
    let mut terms = protocol.read(route, &ids, &body, &dialect)?;
    let now = gateway.clock.now();
    let entrance = Entrance { protocol, route, insisted };
    let Bound { reached, by_model, mut kept, rows } = match protocol.serves() {
        Serves::Models | Serves::Both if caller.warrant().is_some() => return Err(only_data()),
        Serves::Datasets if declared.is_some() => return Err(nothing_declared()),
        Serves::Datasets => {
            Bound { reached: gateway.reached(world, &caller, &entrance, (&ids, &body), now)?, ..Bound::default() }
        }
        Serves::Models | Serves::Both => {
            let model = known.map(|(_, model)| model);
            let (caller, declared) = (caller.verified(), declared.as_deref());
            let asking = Asking { world, caller, entrance, ids: &ids, body: &body, declared, model, now };
            gateway.bind(&asking, &mut terms).await?
        }
    };
    terms.datasets.extend_from_slice(&reached.named);
    let history = protocol.turns(route, &body);
    let identity = &caller.verified().identity;
    let threaded = |name: Option<&str>| gateway.threads.session(identity, name, history, now, &*gateway.entropy);
    // What the caller names comes first, then what it goes on from.
    let session = match (named.as_deref(), kept.as_deref().and_then(Kept::continues)) {
        (None, Some(Continued::Response(session))) => session,
        (None, Some(Continued::Conversation(id))) => threaded(Some(id)),
        (named, _) => threaded(named),
    };
    if route.operation == Operation::Chat
        && let Some(kept) = &mut kept
    {
        kept.note = session.to_string().into();
    }
    let model = known.map(|(name, _)| name.clone()).or(by_model);
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let world = Arc::clone(world);
    Ok(Call { caller, world, protocol, route, terms, body, model, reached, ids, kept, rows, session, reason, now })
}

impl Call {
    pub(crate) fn caller(&self) -> &Verified {
        self.caller.verified()
    }

    /// The caller, to be kept beyond the call.
    pub(crate) fn caller_kept(&self) -> &Arc<Verified> {
        self.caller.verified()
    }

    /// By what right somebody else asks in the caller's name.
    pub(crate) fn warrant(&self) -> Option<&Warrant> {
        self.caller.warrant()
    }

    /// The datasets that the model server is to be lent a token for.
    pub(crate) fn by_token(&self) -> &[DatasetName] {
        &self.reached.by_token
    }

    pub(crate) fn world(&self) -> &Arc<World> {
        &self.world
    }

    pub(crate) const fn protocol(&self) -> &'static dyn Protocol {
        self.protocol
    }

    pub(crate) const fn route(&self) -> &'static Route {
        self.route
    }

    pub(crate) const fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(crate) const fn session(&self) -> SessionId {
        self.session
    }

    /// Stays in the session that it was in before it was held.
    pub(crate) fn stay_in(&mut self, session: SessionId) {
        self.session = session;
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    pub(crate) fn model(&self) -> Option<&Model> {
        self.model.as_ref().and_then(|name| self.world.models.get(name))
    }

    pub(crate) fn connection(&self) -> Option<&Arc<Connection>> {
        self.target().map(|target| target.connection)
    }

    /// Where it would go: to its model, or to the dataset that it reaches.
    pub(crate) fn target(&self) -> Option<Target<'_>> {
        if let Some(model) = self.model() {
            // A call that names no model is only judged by one, and must not be told of it.
            let (public, upstream) = match self.terms.model {
                Some(_) => (model.facts.name.as_str(), &*model.upstream),
                None => ("", ""),
            };
            return Some(Target { connection: &model.connection, public, upstream });
        }
        let (name, dataset) = self.world.datasets.named(self.reached.dataset.as_ref()?.as_str())?;
        let public = if self.protocol.serves() == Serves::Datasets { name.as_str() } else { "" };
        Some(Target { connection: &dataset.connection, public, upstream: &dataset.place })
    }

    /// How far the place is trusted where it would go; where it goes nowhere, as little as possible.
    pub(crate) fn trust(&self) -> Trust {
        self.connection().map_or(Trust::External, |connection| connection.trust)
    }

    /// The ids in its path.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.ids.iter().map(String::as_str).collect()
    }

    /// What it does with things that a server keeps.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.kept.as_deref()
    }

    pub(crate) fn take_kept(&mut self) -> Option<Box<Kept>> {
        self.kept.take()
    }

    /// The calls that its file holds.
    pub(crate) fn rows(&self) -> &[RowCall] {
        &self.rows
    }

    pub(crate) fn rows_mut(&mut self) -> &mut [RowCall] {
        &mut self.rows
    }

    /// The datasets that an answer may show.
    pub(crate) fn shown(&self) -> &[Shown] {
        &self.reached.shown
    }

    /// The models that this caller may use, in the order of their names.
    pub(crate) fn visible_models(&self) -> Vec<ModelName> {
        let roles = self.world.roles.known(&self.world, self.caller(), self.now).roles;
        self.world.policy.models_for(&self.caller().identity, &roles, self.now)
    }

    pub(crate) const fn body(&self) -> &Value {
        &self.body
    }

    pub(crate) fn body_mut(&mut self) -> &mut Value {
        &mut self.body
    }

    pub(crate) fn take_body(&mut self) -> Value {
        std::mem::replace(&mut self.body, Value::Null)
    }
}

impl Noteworthy for Call {
    fn event(&self) -> Event {
        Event::Identified {
            protocol: Cow::Borrowed(self.protocol.name()),
            operation: self.terms.operation,
            model: self.terms.model.as_ref().and_then(|name| recordable(name.as_str())),
            connection: self.connection().map(|connection| connection.name.clone()),
            upstream: self.target().map(|target| target.upstream).filter(|name| !name.is_empty()).map(Arc::from),
            delivery: self.terms.delivery,
            parameters: self.terms.parameters.clone(),
            datasets: self.terms.datasets.iter().filter(|name| recordable(name.as_str()).is_some()).cloned().collect(),
        }
    }
}

/// A name as asked for, where it has the shape of a model's; anything else is text that a person wrote.
fn recordable(name: &str) -> Option<Arc<str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/');
    (name.len() <= 128 && name.bytes().all(plain)).then(|| name.into())
}

/// One of our headers, as bounded text.
fn header<'h>(headers: &'h HeaderMap, name: &'static str, longest: usize) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::new(Code::AmbiguousRequest, format!("The header {name} is there twice.")).about(name));
    }
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= longest => Ok(Some(text)),
        _ => Err(Refusal::new(Code::InvalidRequest, format!("The header {name} is empty, too long or not text."))
            .about(name)),
    }
}

/// The body as a value that means one thing, or a refusal.
async fn body_of(kind: BodyKind, arrival: &mut Arrival, limits: &Limits) -> Result<Value, Refusal> {
    let stated = stated_length(arrival.headers())?;
    if kind != BodyKind::Json {
        // A body where none belongs is text that nobody inspects.
        let bytes = read(arrival.take_body(), 0, limits).await;
        return match bytes {
            Ok(_) if stated.unwrap_or(0) == 0 => Ok(Value::Null),
            _ => Err(Refusal::new(Code::InvalidRequest, "This operation takes no body.")),
        };
    }
    check_media(arrival.headers())?;
    if stated.is_some_and(|length| length > limits.body) {
        return Err(too_large(limits.body));
    }
    let bytes = read(arrival.take_body(), limits.body, limits).await?;
    let bounds = gatewright_json::Limits { bytes: limits.body, depth: limits.depth, ..Default::default() };
    parse(&bytes, &bounds).map_err(|fault| {
        let code = match fault.kind() {
            FaultKind::DuplicateKey => Code::AmbiguousRequest,
            FaultKind::TooLarge | FaultKind::TooDeep | FaultKind::TooMany => Code::TooLarge,
            _ => Code::InvalidRequest,
        };
        Refusal::new(code, format!("The body is not acceptable JSON: {fault}.")).about("body")
    })
}

/// A form as the value that its protocol reads it into.
async fn form_of(
    protocol: &'static dyn Protocol,
    route: &Route,
    arrival: &mut Arrival,
    limits: &Limits,
) -> Result<Value, Refusal> {
    let headers = arrival.headers();
    check_encoding(headers)?;
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let stated = match (types.next().and_then(|value| value.to_str().ok()), types.next()) {
        (Some(stated), None) => stated.to_owned(),
        _ => return Err(unsupported("The body must have one type.", &CONTENT_TYPE)),
    };
    if stated_length(headers)?.is_some_and(|length| length > limits.body) {
        return Err(too_large(limits.body));
    }
    let bytes = read(arrival.take_body(), limits.body, limits).await?;
    protocol.form(route, &stated, &bytes)
}

fn stated_length(headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
    let Some(value) = headers.get(CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| Refusal::new(Code::InvalidRequest, "The Content-Length header is no length."))
}

fn too_large(limit: usize) -> Refusal {
    Refusal::new(Code::TooLarge, format!("The body is longer than {limit} bytes."))
}

fn unsupported(message: &str, about: &HeaderName) -> Refusal {
    Refusal::new(Code::UnsupportedMedia, message).about(about.as_str())
}

fn check_encoding(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("The body must not be compressed.", &CONTENT_ENCODING));
    }
    Ok(())
}

fn check_media(headers: &HeaderMap) -> Result<(), Refusal> {
    check_encoding(headers)?;
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (stated, another) = (types.next(), types.next());
    let json = stated.and_then(|value| value.to_str().ok()).is_some_and(|text| {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let utf_8 =
            |part: &str| part.eq_ignore_ascii_case("charset=utf-8") || part.eq_ignore_ascii_case("charset=\"utf-8\"");
        essence.eq_ignore_ascii_case("application/json") && parts.all(utf_8)
    });
    if json && another.is_none() {
        Ok(())
    } else {
        Err(unsupported("The body must be application/json in UTF-8.", &CONTENT_TYPE))
    }
}

async fn read(body: Inbound, most: usize, limits: &Limits) -> Result<Bytes, Refusal> {
    let incoming = match body {
        Inbound::Held(bytes) if bytes.len() > most => return Err(too_large(most)),
        Inbound::Held(bytes) => return Ok(bytes),
        Inbound::Wire(incoming) => incoming,
    };
    match tokio::time::timeout(limits.body_time, Limited::new(incoming, most).collect()).await {
        Ok(Ok(collected)) if collected.trailers().is_some() => {
            Err(Refusal::new(Code::InvalidRequest, "The request has trailers, which nobody here reads."))
        }
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(most)),
        Ok(Err(_)) => Err(Refusal::new(Code::InvalidRequest, "The body broke off or is not framed as HTTP demands.")),
        Err(_) => Err(Refusal::new(Code::InvalidRequest, "The body took too long to arrive.")),
    }
}
