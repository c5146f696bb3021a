use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use gatewright_identity::Verified;
use gatewright_json::{FaultKind, Value, parse};
use gatewright_model::{Code, Event, ModelName, Refusal, SessionId, Terms, Timestamp};
use gatewright_protocols::{BodyKind, Claim, Protocol, Route, Serves, Shown, claim};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::journal::Noteworthy;
use crate::query::query_of;
use crate::reached::{Entrance, Reached};
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
    session: SessionId,
    now: Timestamp,
}

/// Where a call would go.
pub(crate) struct Target<'c> {
    pub(crate) connection: &'c Arc<Connection>,
    /// What callers call it.
    pub(crate) public: &'c str,
    /// What it is called there.
    pub(crate) upstream: &'c Arc<str>,
}

/// A path of ours: which connection it insists on, and the rest, which is the protocol's.
fn split(path: &str) -> (Option<&str>, &str) {
    match path.strip_prefix("/c/").and_then(|rest| rest.find('/').map(|at| rest.split_at(at))) {
        Some((connection, rest)) => (Some(connection), rest),
        None => (None, path),
    }
}

/// The protocol in whose shape a refusal of this path is said.
pub(crate) fn protocol_of(path: &str) -> &'static dyn Protocol {
    gatewright_protocols::speaking(split(path).1)
}

/// Whether some protocol owns this request.
pub(crate) fn is_claimed(arrival: &Arrival) -> bool {
    claim(arrival.method().as_str(), split(arrival.path()).1).is_some()
}

/// Finds out what a request would do.
pub(crate) async fn identify(
    gateway: &Gateway,
    world: &Arc<World>,
    caller: Caller,
    arrival: Arrival,
) -> Result<Call, Refusal> {
    let path = arrival.path().to_owned();
    let (insisted, inner) = split(&path);
    let Some(Claim { protocol, route, ids }) = claim(arrival.method().as_str(), inner) else {
        return Err(Refusal::new(Code::UnknownOperation, "This gateway serves no such operation at this path."));
    };
    let query = match (route.body, arrival.query()) {
        (_, None | Some("")) => Value::Null,
        (BodyKind::Query(names), Some(query)) => query_of(query, names)?,
        (BodyKind::None | BodyKind::Json, Some(_)) => {
            return Err(Refusal::new(Code::InvalidRequest, "This operation takes no query.").about("query"));
        }
    };
    let named = header(arrival.headers(), "x-gatewright-session", 256)?.map(str::to_owned);
    if arrival.headers().contains_key("x-gatewright-dataset") {
        return Err(
            Refusal::new(Code::UnsupportedField, "This operation reaches no dataset.").about("x-gatewright-dataset")
        );
    }
    let body = match (body_of(route.body, arrival, &world.limits).await?, route.body) {
        (_, BodyKind::Query(_)) => query,
        (body, BodyKind::None | BodyKind::Json) => body,
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
    let reached = match protocol.serves() {
        Serves::Models => Reached::default(),
        Serves::Datasets => {
            let entrance = Entrance { protocol, route, insisted };
            gateway.reached(world, caller.verified(), &entrance, (&ids, &body), now)?
        }
    };
    terms.datasets.extend_from_slice(&reached.named);
    let history = protocol.turns(route, &body);
    let identity = &caller.verified().identity;
    let session = gateway.threads.session(identity, named.as_deref(), history, now, &*gateway.entropy);
    let model = known.map(|(name, _)| name.clone());
    Ok(Call { caller, world: Arc::clone(world), protocol, route, terms, body, model, reached, session, now })
}

impl Call {
    pub(crate) fn caller(&self) -> &Verified {
        self.caller.verified()
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

    pub(crate) fn model(&self) -> Option<&Model> {
        self.model.as_ref().and_then(|name| self.world.models.get(name))
    }

    pub(crate) fn connection(&self) -> Option<&Arc<Connection>> {
        self.target().map(|target| target.connection)
    }

    /// Where it would go: to its model, or to the dataset that it reaches.
    pub(crate) fn target(&self) -> Option<Target<'_>> {
        if let Some(model) = self.model() {
            let (public, upstream) = (model.facts.name.as_str(), &model.upstream);
            return Some(Target { connection: &model.connection, public, upstream });
        }
        let (name, dataset) = self.world.datasets.named(self.reached.dataset.as_ref()?.as_str())?;
        Some(Target { connection: &dataset.connection, public: name.as_str(), upstream: &dataset.place })
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
            upstream: self.target().map(|target| Arc::clone(target.upstream)),
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
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= longest => Ok(Some(text)),
        _ => Err(Refusal::new(Code::InvalidRequest, format!("The header {name} is empty, too long or not text."))
            .about(name)),
    }
}

/// The body as a value that means one thing, or a refusal.
async fn body_of(kind: BodyKind, arrival: Arrival, limits: &Limits) -> Result<Value, Refusal> {
    let stated = stated_length(arrival.headers())?;
    if kind != BodyKind::Json {
        // A body where none belongs is text that nobody inspects.
        let bytes = read(arrival.into_body(), 0, limits).await;
        return match bytes {
            Ok(_) if stated.unwrap_or(0) == 0 => Ok(Value::Null),
            _ => Err(Refusal::new(Code::InvalidRequest, "This operation takes no body.")),
        };
    }
    check_media(arrival.headers())?;
    if stated.is_some_and(|length| length > limits.body) {
        return Err(too_large(limits.body));
    }
    let bytes = read(arrival.into_body(), limits.body, limits).await?;
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

fn stated_length(headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
    let Some(value) = headers.get(CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| Refusal::new(Code::InvalidRequest, "The Content-Length header is no length."))
}

fn too_large(limit: usize) -> Refusal {
    Refusal::new(Code::TooLarge, format!("The body is longer than {limit} bytes."))
}

fn check_media(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported =
        |message: &str, about: HeaderName| Refusal::new(Code::UnsupportedMedia, message).about(about.as_str());
    if headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("The body must not be compressed.", CONTENT_ENCODING));
    }
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
        Err(unsupported("The body must be application/json in UTF-8.", CONTENT_TYPE))
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
