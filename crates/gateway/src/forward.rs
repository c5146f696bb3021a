//! The only module that calls the upstreams, and it takes nothing but a [`Recording`].

use bytes::Bytes;
use gatewright_model::{Code, Event, Operation, Refusal};
use gatewright_upstream::{Answer, AnswerBody, Failure, Outgoing};
use http::{Method, StatusCode};

use crate::mask::Destination;
use crate::{Gateway, Recording, Request};

/// What came back, unread and unmasked.
pub struct Reply(pub(crate) Source);

pub(crate) enum Source {
    /// A model server's answer, and its body.
    Upstream(Head, Body),
    /// The gateway's own answer, made of what policy allows.
    Here(Bytes),
}

/// The head of a model server's answer.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<String>,
    pub(crate) encoding: Option<String>,
}

/// The body of a model server's answer.
pub(crate) enum Body {
    /// What was read of it, and what is to come.
    Coming(Bytes, AnswerBody),
    /// All of it.
    Read(Bytes),
}

impl Gateway {
    /// Sends a recorded request where it was decided to go, and waits for the answer's beginning for as long as what the
    /// call depends on is so.
    pub(crate) async fn forward(&self, recording: &mut Recording) -> Result<Reply, Refusal> {
        let Some(leash) = recording.take_leash() else { return self.send(recording).await };
        // In a box: most calls depend on nothing and should not carry the room for it.
        let reply = Box::pin(async {
            tokio::select! {
                reply = self.send(recording) => reply,
                why = leash.ended(&*self.clock) => Err(why),
            }
        });
        let reply = reply.await;
        recording.put_leash(leash);
        reply
    }

    async fn send(&self, recording: &mut Recording) -> Result<Reply, Refusal> {
        let lent = recording.take_lent_header();
        let request = recording.request();
        let (connection, outgoing) = match request.destination() {
            Destination::Here(bytes) => return Ok(Reply(Source::Here(bytes.clone()))),
            Destination::Upstream { connection, method, path, .. } => (
                connection.clone(),
                Outgoing {
                    method: method.clone(),
                    path: path.clone(),
                    content_type: request.content_type().clone(),
                    accept: request.accept(),
                    body: request.sent().clone(),
                    request_id: request.id().to_string(),
                    lent,
                },
            ),
        };
        let world = request.world().clone();
        if let Some(page) = request.kept().and_then(|kept| kept.page.as_ref()) {
            // Rare and large, like the question where a dataset is.
            let list = Box::pin(self.gather(request, page)).await?;
            recording.tell(Event::Forwarded { attempt: 1 });
            let head =
                Head { status: StatusCode::OK, content_type: Some("application/json".to_owned()), encoding: None };
            return Ok(Reply(Source::Upstream(head, Body::Read(list))));
        }
        let outgoing = if is_looked_up(request) {
            // Rare and large: it must not make every call's future as large.
            match Box::pin(self.located(request)).await? {
                Some(path) => Outgoing { path, ..outgoing },
                None => outgoing,
            }
        } else {
            outgoing
        };
        recording.tell(Event::Forwarded { attempt: 1 });
        let answer = world.upstreams.send(&connection, outgoing).await.map_err(|failure| {
            tracing::warn!(connection = connection.as_str(), %failure, "a model server gave no answer");
            refused(&failure)
        })?;
        recording.tell(Event::FirstByte { status: answer.status.as_u16() });
        self.doubt(recording.request(), answer.status);
        let Answer { status, content_type, encoding, body, .. } = answer;
        Ok(Reply(Source::Upstream(Head { status, content_type, encoding }, Body::Coming(Bytes::new(), body))))
    }
}

/// Whether the server must be asked where the request's dataset is.
fn is_looked_up(request: &Request) -> bool {
    match request.destination() {
        Destination::Upstream { upstream, .. } => request.protocol().lookup_path(request.route(), upstream).is_some(),
        Destination::Here(_) => false,
    }
}

/// The longest answer to the question where a dataset is.
const LONGEST_DESCRIPTION: usize = 1 << 20;

impl Gateway {
    /// The path with the server's own id of a dataset, where the request needs one. The server is asked by name, by the
    /// gateway for itself: nothing of the caller's goes out with the question.
    async fn located(&self, request: &Request) -> Result<Option<String>, Refusal> {
        let Destination::Upstream { connection, upstream, .. } = request.destination() else { return Ok(None) };
        let (protocol, route) = (request.protocol(), request.route());
        let Some(path) = protocol.lookup_path(route, upstream) else { return Ok(None) };
        let now = self.clock.now();
        if let Some(place) = self.collections.located(connection, upstream, now) {
            return Ok(Some(protocol.upstream_path(route, &request.ids(), &place)));
        }
        let answer = self.ask_about(request, path).await?;
        let body = description(answer).await?;
        let place = protocol.looked_up(upstream, &body).map_err(gatewright_protocols::Fault::refusal)?;
        let place = place.into();
        self.collections.remember(connection, upstream, &place, now);
        Ok(Some(protocol.upstream_path(route, &request.ids(), &place)))
    }

    /// Asks the server of a request about something that it has, by the gateway for itself: nothing of the caller's goes
    /// out with the question.
    pub(crate) async fn ask_about(&self, request: &Request, path: String) -> Result<Answer, Refusal> {
        let Destination::Upstream { connection, .. } = request.destination() else {
            return Err(refused(&Failure::Unknown));
        };
        let question = Outgoing {
            method: Method::GET,
            path,
            content_type: "".into(),
            accept: "application/json",
            body: Bytes::new(),
            request_id: request.id().to_string(),
            lent: None,
        };
        request.world().upstreams.send(connection, question).await.map_err(|failure| refused(&failure))
    }

    /// Forgets a server's id of a dataset that the server no longer has, or that this call may have made anew.
    fn doubt(&self, request: &Request, status: StatusCode) {
        if let Destination::Upstream { connection, upstream, .. } = request.destination()
            && (status == StatusCode::NOT_FOUND || request.operation() == Operation::AdministerDataset)
        {
            self.collections.forget(connection, upstream);
        }
    }
}

/// The server's description of a dataset.
async fn description(mut answer: Answer) -> Result<Vec<u8>, Refusal> {
    let failed = |message| Err(Refusal::new(Code::UpstreamFailed, message));
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => {
            return Err(Refusal::new(Code::InvalidRequest, "The dataset is not there at its server."));
        }
        _ => return failed("The server does not say where the dataset is."),
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.body.piece().await {
        body.extend_from_slice(&piece.map_err(|failure| refused(&failure))?);
        if body.len() > LONGEST_DESCRIPTION {
            return failed("The server's description of the dataset is larger than this gateway takes.");
        }
    }
    Ok(body)
}

/// What a caller is told of a failure: our words, nothing of the upstream's.
pub(crate) fn refused(failure: &Failure) -> Refusal {
    match failure {
        Failure::TimedOut(_) => Refusal::new(Code::UpstreamTimeout, "The model server did not answer in time."),
        Failure::Cut => Refusal::new(Code::UpstreamFailed, "The model server's answer broke off."),
        Failure::Unreachable(_) | Failure::Unknown | Failure::Malformed => {
            Refusal::new(Code::UpstreamFailed, "The model server could not be reached.")
        }
        Failure::Unlent(_) => {
            Refusal::new(Code::UpstreamFailed, "The gateway could not present its credential to the model server.")
        }
    }
}
