use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gatewright_ledger::{BODY_LIMIT, Commitment, Leaf, LeafKind};
use gatewright_model::{Clock, Event, Fate, Moment, RequestId, Tally, Timestamp, Usage};
use tokio::sync::OwnedSemaphorePermit;

use super::Broken;
use super::queue::{Entry, Shared};
use super::ticket::{PiecePromise, Progress};
use crate::sessions::Gist;

/// How a journey ended; becomes its `Closed` event, whose answer the log fills in.
#[derive(Clone, Debug)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// What happened since the record was opened.
    pub moments: Vec<Moment>,
    /// How.
    pub fate: Fate,
    /// The HTTP status that the caller was given; 0 where none was.
    pub status: u16,
    /// What was masked in the answer.
    pub masked: Vec<Tally>,
    /// Tokens, where the model server said.
    pub usage: Option<Usage>,
}

/// An open journey's right to write its answer and its one outcome, whose place in the queue is reserved.
///
/// Dropped without [`close`](Self::close) it books the journey as left by the caller, never as ended. Neither way can
/// fail, block or start a task.
#[must_use = "dropping it books the journey as left by the caller"]
pub struct Closing {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    request: RequestId,
    progress: Arc<Progress>,
    open: Option<Open>,
    /// What the intent says.
    opened: Vec<Moment>,
    chunks: u64,
}

struct Open {
    place: OwnedSemaphorePermit,
    answer: Commitment,
}

impl Closing {
    pub(super) fn new(
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
        request: RequestId,
        (place, answer_salt): (OwnedSemaphorePermit, &[u8; 32]),
        opened: Vec<Moment>,
    ) -> Self {
        let open = Some(Open { place, answer: Commitment::new(answer_salt) });
        Self { shared, clock, request, progress: Arc::default(), open, opened, chunks: 0 }
    }

    /// Records a piece of the masked answer as it is handed over, at this moment. It is on disk with the next commit.
    pub fn chunk(&mut self, at: Timestamp, mut bytes: Bytes) {
        let Some(open) = &mut self.open else { return };
        open.answer.update(&bytes);
        loop {
            let piece = bytes.split_to(bytes.len().min(BODY_LIMIT));
            self.chunks += 1;
            let promise = PiecePromise::new(self.progress.clone(), self.chunks);
            let entry = Entry::Piece { request: self.request, at, bytes: piece, promise };
            // A broken log has marked the promise: whoever asks for the pieces learns of it there.
            let _ = self.shared.push(entry, self.shared.options.chunk_delay);
            if bytes.is_empty() {
                return;
            }
        }
    }

    /// Waits while too many answer bytes wait for a slow disk: call it before pulling more from the model server.
    pub async fn room(&self) -> Result<(), Broken> {
        poll_fn(|cx| self.poll_room(cx)).await
    }

    /// [`room`](Self::room) for a body's `poll_frame`.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.shared.poll_room(self.request, cx)
    }

    /// Waits until every piece so far is on disk, for `records: {answers: strict}`.
    pub async fn chunks_durable(&self) -> Result<(), Broken> {
        poll_fn(|cx| self.poll_chunks_durable(cx)).await
    }

    /// [`chunks_durable`](Self::chunks_durable) for a body's `poll_frame`.
    pub fn poll_chunks_durable(&self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.progress.poll(self.chunks, cx)
    }

    /// What the journey's intent says, its `Opened` event last; there once.
    pub fn take_opened(&mut self) -> Vec<Moment> {
        std::mem::take(&mut self.opened)
    }

    /// Books how the journey ended, and gives back what its outcome says.
    pub fn close(mut self, ending: Ending) -> Vec<Moment> {
        self.book(ending)
    }

    fn book(&mut self, ending: Ending) -> Vec<Moment> {
        let Some(open) = self.open.take() else { return Vec::new() };
        let Ending { at, mut moments, fate, status, masked, usage } = ending;
        let answer = open.answer.finish();
        moments.push(Moment { at, event: Event::Closed { fate, status, answer, chunks: self.chunks, masked, usage } });
        let story = Leaf { kind: LeafKind::Outcome, request: Some(self.request), moments };
        // One that had to be shortened is read back: the index is told what was written, and nothing else.
        let (leaf, gist) = match story.encode() {
            Ok(leaf) => (leaf, Some(Box::new(Gist::of(&story)))),
            Err(_) => (story.clone().encode_shortened(), None),
        };
        let entry = Entry::Outcome { request: self.request, leaf, gist, place: open.place };
        // A broken log has no place for it; the next start books the journey as interrupted.
        let _ = self.shared.push(entry, self.shared.outcome_delay());
        story.moments
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if self.open.is_some() {
            let _ = self.book(Ending {
                at: self.clock.now(),
                moments: Vec::new(),
                fate: Fate::ClientLeft,
                status: 0,
                masked: Vec::new(),
                usage: None,
            });
        }
    }
}
