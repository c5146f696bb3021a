use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gatewright_model::{BodyRef, Clock, Event, Fate, Moment, Refusal, RequestId, RuleName, Side, Tally, Usage};
use gatewright_store::log::{Broken, Closing, Ending};
use gatewright_store::quotas::AHEAD_OF_RECORD;
use http::{HeaderName, HeaderValue};

use crate::Audience;
use crate::budgets::Held;
use crate::lend::LentCall;

/// Whether the gateway is cutting what is still open, so that a cut is not booked as the caller's leaving.
#[derive(Clone)]
pub struct Drain(Arc<dyn Fn() -> bool + Send + Sync>);

impl Drain {
    /// Asks `cutting` whenever an answer is dropped before its end.
    pub fn new(cutting: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(cutting))
    }

    /// A gateway that never cuts.
    pub fn never() -> Self {
        Self::new(|| false)
    }

    fn cuts(&self) -> bool {
        (self.0)()
    }
}

/// The story of a journey from the opening of its record to its end. Dropping it is an end too: the caller left, or
/// the gateway cut it. It never ends without an outcome, and never twice.
pub(crate) struct Story {
    request: RequestId,
    clock: Arc<dyn Clock>,
    audience: Arc<dyn Audience>,
    drain: Drain,
    /// What the record's intent says, for the audience.
    before: Vec<Moment>,
    /// Told since, for the record's outcome and the audience.
    since: Vec<Moment>,
    closing: Option<Closing>,
    ended: bool,
    status: u16,
    delivered: u64,
    chunks: u64,
    usage: Option<Usage>,
    masked: Vec<Tally>,
    alerted: Vec<Tally>,
    noticed: Vec<RuleName>,
    /// What is reserved of budgets until the end.
    held: Option<Box<Held>>,
    /// What the model server is lent until the end.
    lent: Option<Box<LentCall>>,
    /// Bytes of the answer that count and may not be on record yet.
    unproven: u64,
}

/// Whether the caller may have what was just drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// As soon as it likes.
    Unneeded,
    /// Once every piece so far is on disk: after a crash, more than is assumed would be forgotten.
    Needed,
}

impl Story {
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn new(
        request: RequestId,
        clock: Arc<dyn Clock>,
        audience: Arc<dyn Audience>,
        drain: Drain,
        before: Vec<Moment>,
        closing: Option<Closing>,
    ) -> Self {
        Self {
            request,
            clock,
            audience,
            drain,
            before,
            since: Vec::with_capacity(4),
            closing,
            ended: false,
            status: 0,
            delivered: 0,
            chunks: 0,
            usage: None,
            masked: Vec::new(),
            alerted: Vec::new(),
            noticed: Vec::new(),
            held: None,
            lent: None,
            unproven: 0,
        }
    }

    /// Keeps a reservation until the end settles it.
    pub(crate) fn hold(&mut self, held: Box<Held>) {
        self.held = Some(held);
    }

    /// Keeps what is lent until the end ends it.
    pub(crate) fn lend(&mut self, lent: Box<LentCall>) {
        self.lent = Some(lent);
    }

    pub(crate) fn take_lent_header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        self.lent.as_mut()?.take_header()
    }

    /// Takes more bytes of the answer from the budgets that count them, and what the model server counted beyond what is
    /// reserved.
    pub(crate) fn draw(&mut self, bytes: usize, usage: Option<Usage>) -> Result<(), Refusal> {
        let Some(held) = &mut self.held else { return Ok(()) };
        held.draw(bytes as u64, usage, self.clock.now())?;
        if held.counts_bytes() {
            self.unproven = self.unproven.saturating_add(bytes as u64);
        }
        Ok(())
    }

    pub(crate) const fn proof(&self) -> Proof {
        if self.unproven > AHEAD_OF_RECORD { Proof::Needed } else { Proof::Unneeded }
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.since.push(Moment { at: self.clock.now(), event });
    }

    pub(crate) fn status(&mut self, status: u16) {
        self.status = status;
    }

    pub(crate) fn usage(&mut self, usage: Option<Usage>) {
        self.usage = usage;
    }

    pub(crate) fn masked(&mut self, masked: Vec<Tally>) {
        self.masked = masked;
    }

    /// What the caller was given unmasked that policy wants to know of.
    pub(crate) fn alerted(&mut self, passed: Vec<Tally>, noticed: Vec<RuleName>) {
        (self.alerted, self.noticed) = (passed, noticed);
    }

    /// Records a piece of the answer, in its masked view, as it is delivered.
    pub(crate) fn piece(&mut self, bytes: Bytes) {
        self.delivered += bytes.len() as u64;
        self.chunks += 1;
        if let Some(closing) = &mut self.closing {
            closing.chunk(self.clock.now(), bytes);
        }
    }

    /// Whether the recorder has room for more of this answer; bounds what a fast model can pile up in memory.
    pub(crate) fn poll_room(&self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match &self.closing {
            Some(closing) => closing.poll_room(context),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Whether every piece so far is on disk.
    pub(crate) fn poll_durable(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let durable = match &self.closing {
            Some(closing) => closing.poll_chunks_durable(context),
            None => Poll::Ready(Ok(())),
        };
        if let Poll::Ready(Ok(())) = durable {
            self.unproven = 0;
        }
        durable
    }

    /// The end; a later end counts nothing.
    pub(crate) fn end(&mut self, fate: Fate) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        // First, so that nothing that is said of the end comes before it.
        if let Some(lent) = self.lent.take() {
            let ended = lent.ended();
            drop(lent);
            self.tell(ended);
        }
        if !self.alerted.is_empty() {
            let passed = std::mem::take(&mut self.alerted);
            self.tell(Event::Alerted { side: Side::Answer, passed });
        }
        if !self.noticed.is_empty() {
            let rules = std::mem::take(&mut self.noticed);
            self.tell(Event::Noticed { side: Side::Answer, rules });
        }
        if let Some(held) = self.held.take() {
            let spent = held.settle(fate, self.usage, self.delivered);
            self.tell(spent);
        }
        let (at, status, usage) = (self.clock.now(), self.status, self.usage);
        let (mut moments, masked) = (std::mem::take(&mut self.since), std::mem::take(&mut self.masked));
        let mut after = match self.closing.take() {
            Some(closing) => closing.close(Ending { at, moments, fate, status, masked, usage }),
            None => {
                let (answer, chunks) = (BodyRef { commitment: [0; 32], length: self.delivered }, self.chunks);
                let event = Event::Closed { fate, status, answer, chunks, masked, usage };
                moments.push(Moment { at, event });
                moments
            }
        };
        let mut moments = std::mem::take(&mut self.before);
        moments.append(&mut after);
        self.audience.hear(self.request, &moments);
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        self.end(if self.drain.cuts() { Fate::Drained } else { Fate::ClientLeft });
    }
}
