use bytes::Bytes;
use gatewright_masking::Treatments;
use gatewright_model::{Refusal, Treatment};
use gatewright_protocols::{Fault, ReplyHead};

use super::view::{Side, View};
use super::{Destination, Request};
use crate::forward::{Body, Head, Source, refused};
use crate::words::{Maskers, Restoring};
use crate::{Recording, Reply};

/// The longest text of a model server's refusal that is read.
const LONGEST_ERROR: usize = 64 * 1024;

/// An answer behind its masker. What is not masked cannot be followed.
pub struct Masked {
    flow: Flow,
    view: View,
}

/// Where the answer's bytes come from.
pub(crate) enum Flow {
    Here(Bytes),
    Upstream(Body),
}

/// Puts an answer behind its masker, or makes a refusal of it.
pub(crate) async fn reply(reply: Reply, recording: &Recording) -> Result<Masked, Refusal> {
    let request = recording.request();
    let (answer, body) = match reply.0 {
        Source::Here(bytes) => return Ok(Masked { flow: Flow::Here(bytes), view: View::none() }),
        Source::Upstream(answer, body) => (answer, body),
    };
    if !answer.status.is_success() {
        // Rare and large: it must not make every call's future as large.
        return Err(Box::pin(upstream_refusal(answer, body, request)).await);
    }
    let editor = || {
        let head = head_of(&answer);
        request.protocol.reply(request.route, request.delivery, head, request.asked.clone())
    };
    let side = |treatments: &Treatments, restoring| {
        let words = Maskers::new(request, treatments.clone(), restoring);
        Ok::<Side, Refusal>(Side::new(editor()?, words))
    };
    let shown = side(&request.reply.shown, Restoring::Tokens)?;
    let differ = request.world.stages.masking() && request.reply.recorded != request.reply.shown;
    let recorded = if differ { Some(side(&request.reply.recorded, Restoring::Nothing)?) } else { None };
    Ok(Masked { flow: Flow::Upstream(body), view: View::new(shown, recorded) })
}

fn head_of(answer: &Head) -> ReplyHead<'_> {
    ReplyHead {
        status: answer.status.as_u16(),
        content_type: answer.content_type.as_deref(),
        content_encoding: answer.encoding.as_deref(),
    }
}

/// What a model server's refusal becomes: its words masked and scrubbed of its credential, or ours.
async fn upstream_refusal(answer: Head, body: Body, request: &Request) -> Refusal {
    let Body::Coming(first, mut rest) = body else { return Fault::Reported.refusal() };
    let mut text = first.to_vec();
    while text.len() < LONGEST_ERROR {
        match rest.piece().await {
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
