use std::sync::Arc;

use gatewright_model::{Clock, Event, Moment, RequestId, Timestamp};
use gatewright_store::log::Ticket;

/// Whoever wants to hear how journeys went: metrics, the access log, a live console. Told once, at the end.
pub trait Audience: Send + Sync {
    /// A journey is over; `moments` is its whole story in order.
    fn hear(&self, request: RequestId, moments: &[Moment]);
}

/// A step's value that has something to tell.
pub(crate) trait Noteworthy {
    /// What happened.
    fn event(&self) -> Event;
}

/// The story of one journey while it is told. What it knows moves into the record when the record is opened; what
/// happens before that and ends in a refusal is told from here.
pub struct Journal {
    request: RequestId,
    clock: Arc<dyn Clock>,
    moments: Vec<Moment>,
    stage: Stage,
    ticket: Option<Ticket>,
}

/// How far a journey came, which decides how a refusal of it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody knows yet who asks: refusals are told in aggregate.
    Stranger,
    /// The caller is known: a refusal is recorded by itself.
    Known,
    /// The record is open: its outcome tells the rest.
    Opened,
}

impl Journal {
    pub(crate) fn new(request: RequestId, clock: Arc<dyn Clock>) -> Self {
        Self { request, clock, moments: Vec::with_capacity(12), stage: Stage::Stranger, ticket: None }
    }

    pub(crate) const fn request(&self) -> RequestId {
        self.request
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) const fn stage(&self) -> Stage {
        self.stage
    }

    pub(crate) fn reached(&mut self, stage: Stage) {
        self.stage = stage;
    }

    /// The record is open; the ticket says when it is on disk.
    pub(crate) fn opened(&mut self, ticket: Ticket) {
        self.stage = Stage::Opened;
        self.ticket = Some(ticket);
    }

    /// The ticket of the open record.
    pub(crate) const fn ticket(&self) -> Option<&Ticket> {
        self.ticket.as_ref()
    }

    /// Tells what a step found and hands its value on.
    pub(crate) fn note<T: Noteworthy>(&mut self, value: T) -> T {
        self.tell(value.event());
        value
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.moments.push(Moment { at: self.clock.now(), event });
    }

    /// Gives back the room for what is not told yet: the call waits for people now.
    pub(crate) fn rest(&mut self) {
        self.moments.shrink_to_fit();
    }

    /// Everything told so far; the journal forgets it.
    pub(crate) fn take(&mut self) -> Vec<Moment> {
        std::mem::take(&mut self.moments)
    }
}
