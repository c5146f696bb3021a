use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatewright_model::{Code, Effect, Event, Fate, Refusal, Trust};
use gatewright_store::log::{Kept, Opening, Ticket, Unrecorded, Urgency};
use http::{HeaderName, HeaderValue};

use crate::journal::Stage;
use crate::leash::Leash;
use crate::mask::{Destination, View};
use crate::story::Story;
use crate::{Drain, Gateway, Journal, Request};

/// A request whose record is open: durable already, or on its way to the disk while the model works. The only thing
/// that can be forwarded, and the only thing that can be answered.
#[must_use = "a recording that is dropped is booked as left by the caller"]
pub struct Recording(Box<Opened>);

/// In a box, since a recording is handed from step to step.
struct Opened {
    request: Request,
    story: Story,
    durability: Durability,
}

enum Durability {
    Awaited(Ticket),
    Reached(Kept),
    /// A benchmark's build that records nothing.
    Nothing,
}

/// The words for a recorder that cannot be relied on.
pub(crate) fn unrecorded(why: &Unrecorded) -> Refusal {
    match why {
        Unrecorded::TooLong { .. } => {
            Refusal::new(Code::TooLarge, "The request has more facts than one record can hold.")
        }
        Unrecorded::Broken(_) | Unrecorded::Busy | Unrecorded::HeldOff(_) => {
            Refusal::new(Code::NotReady, "The gateway cannot record this call, so it does not serve it.")
        }
    }
}

/// A receipt as the answer's header carries it.
pub(crate) fn receipt(kept: &Kept) -> Option<HeaderValue> {
    HeaderValue::try_from(kept.receipt()?.to_text()).ok()
}

/// From which usual first byte on a record that waits for company is on disk in time all the same.
const PATIENT: Duration = Duration::from_millis(4);

/// How soon the record must be on disk: before anything leaves for the model server, where that is outside of the
/// operator's own walls or has an effect; else before the answer's first byte leaves.
fn urgency(request: &Request) -> Urgency {
    if request.trust() == Trust::External
        || request.operation().effect() == Effect::Change
        // What is lent is on record before it is given.
        || request.is_lent()
        || request.kept().is_some_and(|kept| kept.outlasts() == Effect::Change)
    {
        return Urgency::Now;
    }
    match request.destination() {
        Destination::Upstream { connection, .. }
            if request.world().upstreams.usual_first_byte(connection) >= PATIENT =>
        {
            Urgency::Linger
        }
        Destination::Upstream { .. } | Destination::Here(_) => Urgency::Soon,
    }
}

impl Gateway {
    /// Opens the record of a request. No record, no road.
    pub(crate) async fn open(
        &self,
        journal: &mut Journal,
        drain: &Drain,
        mut request: Request,
    ) -> Result<Recording, Refusal> {
        let now = journal.now();
        let moments = journal.take();
        let urgency = urgency(&request);
        let opening = Opening {
            request: journal.request(),
            session: request.session(),
            at: now,
            moments,
            body: request.recorded().clone(),
            masked: request.masked().to_vec(),
            urgency,
        };
        let lent = request.take_lent();
        let id = journal.request();
        let story = |before, closing| {
            let (clock, audience) = (Arc::clone(&self.clock), Arc::clone(&self.audience));
            Story::new(id, clock, audience, drain.clone(), before, closing)
        };
        if !request.world().stages.records() {
            journal.reached(Stage::Opened);
            let mut story = story(opening.moments, None);
            if let Some(lent) = lent {
                story.lend(lent);
            }
            return Ok(Recording(Box::new(Opened { request, story, durability: Durability::Nothing })));
        }
        let (ticket, mut closing) = self.log.intent(opening).await.map_err(|why| unrecorded(&why))?;
        journal.opened(ticket.clone());
        let mut story = story(closing.take_opened(), Some(closing));
        if let Some(lent) = lent {
            story.lend(lent);
        }
        if let Some(held) = request.take_held() {
            request.tell_left(held.allowances().to_vec());
            story.hold(held);
        }
        let durability = Durability::Awaited(ticket);
        let mut recording = Recording(Box::new(Opened { request, story, durability }));
        if urgency == Urgency::Now
            && let Err(refusal) = recording.durable().await
        {
            return Err(recording.failed(refusal));
        }
        Ok(recording)
    }
}

impl Recording {
    pub(crate) fn request(&self) -> &Request {
        &self.0.request
    }

    /// Whether everything that the call depends on still is so.
    pub(crate) fn still_holds(&self) -> Result<(), Refusal> {
        match self.0.request.leash() {
            Some(leash) => leash.check(self.0.story.clock().now()),
            None => Ok(()),
        }
    }

    pub(crate) fn take_leash(&mut self) -> Option<Box<Leash>> {
        self.0.request.take_leash()
    }

    pub(crate) fn put_leash(&mut self, leash: Box<Leash>) {
        self.0.request.put_leash(leash);
    }

    /// The header of what the model server is lent.
    pub(crate) fn take_lent_header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        self.0.story.take_lent_header()
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.0.story.tell(event);
    }

    /// Waits until the record is on disk. Nothing of an answer leaves before that.
    pub(crate) async fn durable(&mut self) -> Result<(), Refusal> {
        if let Durability::Awaited(ticket) = &self.0.durability {
            let began = Instant::now();
            let kept = ticket.durable().await.map_err(|broken| unrecorded(&Unrecorded::Broken(broken)))?;
            self.0.durability = Durability::Reached(kept);
            let waited = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.0.story.tell(Event::Durable { waited });
        }
        Ok(())
    }

    /// The log's promise that the record is in it, once it is on disk.
    pub(crate) fn receipt(&self) -> Option<HeaderValue> {
        match &self.0.durability {
            Durability::Reached(kept) => receipt(kept),
            Durability::Awaited(_) | Durability::Nothing => None,
        }
    }

    /// Books a refusal as the outcome of an opened record, and hands it on.
    pub(crate) fn failed(mut self, why: Refusal) -> Refusal {
        self.0.story.status(why.code.http_status());
        self.0.story.end(Fate::Failed(why.code));
        why
    }

    /// Splits what is known from what is still being told; the story goes into the answer's body.
    pub(crate) fn into_parts(self) -> (Request, Story) {
        (self.0.request, self.0.story)
    }

    /// What the answer's masker knows at its end.
    pub(crate) fn told(&mut self, view: &View) {
        self.0.story.usage(view.usage());
        self.0.story.masked(view.tallies());
        self.0.story.alerted(view.alerted(), view.noticed());
    }

    pub(crate) fn piece(&mut self, bytes: Bytes) {
        self.0.story.piece(bytes);
    }

    /// Takes a whole answer's bytes from the budgets that count them.
    pub(crate) fn draw(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.0.story.draw(bytes, None)
    }
}
