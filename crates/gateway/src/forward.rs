//! The only module that calls the upstreams, and it takes nothing but a [`Recording`].

use bytes::Bytes;
use gatewright_model::{Code, Event, Refusal};
use gatewright_upstream::{Answer, Failure, Outgoing};

use crate::mask::Destination;
use crate::{Gateway, Recording};

/// What came back, unread and unmasked.
pub struct Reply(pub(crate) Source);

pub(crate) enum Source {
    /// A model server's answer.
    Upstream(Answer),
    /// The gateway's own answer, made of what policy allows.
    Here(Bytes),
}

impl Gateway {
    /// Sends a recorded request where it was decided to go.
    pub(crate) async fn forward(&self, recording: &mut Recording) -> Result<Reply, Refusal> {
        let request = recording.request();
        let (connection, outgoing) = match request.destination() {
            Destination::Here(bytes) => return Ok(Reply(Source::Here(bytes.clone()))),
            Destination::Upstream { connection, method, path } => (
                connection.clone(),
                Outgoing {
                    method: method.clone(),
                    path: path.clone(),
                    content_type: if request.sent().is_empty() { "" } else { "application/json" },
                    accept: request.accept(),
                    body: request.sent().clone(),
                    request_id: request.id().to_string(),
                },
            ),
        };
        let world = request.world().clone();
        recording.tell(Event::Forwarded { attempt: 1 });
        let answer = world.upstreams.send(&connection, outgoing).await.map_err(|failure| {
            tracing::warn!(connection = connection.as_str(), %failure, "a model server gave no answer");
            refused(&failure)
        })?;
        recording.tell(Event::FirstByte { status: answer.status.as_u16() });
        Ok(Reply(Source::Upstream(answer)))
    }
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
