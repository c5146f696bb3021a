//! The answer's way out: masked, recorded as it is delivered, and given only once the request's record is durable.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gatewright_model::{Code, Delivery, Fate, Refusal};
use gatewright_upstream::AnswerBody;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::departure::Stopped;
use crate::forward::{Body, refused};
use crate::mask::{Flow, View};
use crate::open::unrecorded;
use crate::story::{Proof, Story};
use crate::{Departure, Masked, Outbound, Recording, Request, allowances};

/// How often one poll may go round before it lets others run.
const ROUNDS: usize = 32;

impl Recording {
    /// Gives the answer once the record is durable: all of it, or piece by piece as it comes.
    pub(crate) async fn follow(mut self, masked: Masked) -> Result<Departure, Refusal> {
        let (flow, mut view) = masked.into_parts();
        let (first, mut upstream) = match flow {
            Flow::Here(bytes) => return self.depart_whole(bytes.clone(), bytes).await,
            Flow::Upstream(Body::Coming(first, rest)) => (first, Some(rest)),
            Flow::Upstream(Body::Read(bytes)) => (bytes, None),
        };
        if self.request().delivery() == Delivery::Stream {
            if let Err(refusal) = self.durable().await {
                return Err(self.failed(refusal));
            }
            let strict = self.request().world().strict_answers;
            let headers = headers(self.request(), "text/event-stream", self.receipt());
            let (mut request, mut story) = self.into_parts();
            story.status(200);
            let Some(upstream) = upstream else {
                story.end(Fate::Failed(Code::UpstreamFailed));
                return Err(Refusal::new(Code::UpstreamFailed, "The model server's answer is no stream."));
            };
            let (waiting, end) = (VecDeque::new(), End::Open);
            let leash = request.take_leash().map(|leash| {
                let clock = story.clock();
                let ended: Ended = Box::pin(async move { leash.ended(&*clock).await });
                ended
            });
            let mut following = Following { upstream, view, story, request, strict, waiting, end, leash };
            if !first.is_empty() {
                following.take_in(Some(Ok(first)));
            }
            return Ok(Departure::new(StatusCode::OK, headers, Outbound::following(following)));
        }
        match read_whole(&first, upstream.as_mut(), &mut view, self.request().world().limits.answer).await {
            Ok((shown, recorded)) => {
                self.told(&view);
                self.depart_whole(shown, recorded).await
            }
            Err(refusal) => {
                self.told(&view);
                Err(self.failed(refusal))
            }
        }
    }

    async fn depart_whole(mut self, shown: Bytes, recorded: Bytes) -> Result<Departure, Refusal> {
        if let Err(refusal) = self.still_holds() {
            return Err(self.failed(refusal));
        }
        // It was computed, but what does not fit into a budget is not given.
        if let Err(refusal) = self.draw(shown.len()) {
            return Err(self.failed(refusal));
        }
        if let Err(refusal) = self.durable().await {
            return Err(self.failed(refusal));
        }
        let content_type = self.request().protocol().answer_type(self.request().route());
        let headers = headers(self.request(), content_type, self.receipt());
        self.piece(recorded);
        let strict = self.request().world().strict_answers;
        let (_, mut story) = self.into_parts();
        story.status(200);
        let wait = strict || story.proof() == Proof::Needed;
        if wait && let Err(broken) = poll_fn(|context| story.poll_durable(context)).await {
            let refusal = unrecorded(&broken.into());
            story.status(refusal.code.http_status());
            story.end(Fate::Failed(refusal.code));
            return Err(refusal);
        }
        Ok(Departure::new(StatusCode::OK, headers, Outbound::held(shown, story)))
    }
}

/// Reads an answer to its end through its masker: what the caller is shown, and what is recorded.
async fn read_whole(
    first: &Bytes,
    mut upstream: Option<&mut AnswerBody>,
    view: &mut View,
    most: usize,
) -> Result<(Bytes, Bytes), Refusal> {
    let mut length = first.len();
    view.push(first)?;
    while let Some(upstream) = &mut upstream
        && let Some(piece) = upstream.piece().await
    {
        let piece = piece.map_err(|failure| refused(&failure))?;
        length = length.saturating_add(piece.len());
        if length > most {
            return Err(Refusal::new(
                Code::UpstreamFailed,
                "The model server's answer is longer than this gateway takes.",
            ));
        }
        view.push(&piece)?;
    }
    view.finish()?;
    Ok(view.take())
}

/// The headers of every answer: its type, and what the caller may know of its journey.
fn headers(request: &Request, content_type: &'static str, receipt: Option<HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-gatewright-decision", HeaderValue::from_static("allow"));
    if let Some(receipt) = receipt {
        headers.insert("x-gatewright-receipt", receipt);
    }
    let texts = [
        ("x-gatewright-request-id", request.id().to_string()),
        ("x-gatewright-session", request.session().to_string()),
        ("x-gatewright-clamped", request.clamped()),
    ];
    for (name, text) in texts {
        if !text.is_empty()
            && let Ok(value) = HeaderValue::try_from(text)
        {
            headers.insert(name, value);
        }
    }
    allowances::tell(request.left(), &mut headers);
    headers
}

/// A streamed answer on its way.
pub(crate) struct Following {
    upstream: AnswerBody,
    view: View,
    story: Story,
    request: Request,
    strict: bool,
    /// Masked and recorded, to be given next; only ever filled while `strict` waits for the disk or a refusal follows.
    waiting: VecDeque<Bytes>,
    end: End,
    /// Ready when what the call depends on has ended; most depend on nothing.
    leash: Option<Ended>,
}

/// Gives the reason when what a call depends on has ended.
type Ended = Pin<Box<dyn Future<Output = Refusal> + Send>>;

enum End {
    Open,
    /// Everything was said; when it has been given, the story ends so.
    Said(Fate),
    Over,
}

impl Following {
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.end, End::Over)
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Stopped>>> {
        self.poll_leash(context);
        for _ in 0..ROUNDS {
            if let Some(ready) = self.poll_waiting(context) {
                return ready;
            }
            match self.end {
                End::Open => {}
                End::Said(fate) => {
                    self.finish(fate);
                    return Poll::Ready(None);
                }
                End::Over => return Poll::Ready(None),
            }
            match self.story.poll_room(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return self.stop(),
                Poll::Pending => return Poll::Pending,
            }
            match self.upstream.poll_piece(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(next) => self.take_in(next),
            }
        }
        // A model that is faster than the caller must not keep this thread to itself.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ends the answer where what it depends on has ended: what was not given yet is not given, but the reason is.
    fn poll_leash(&mut self, context: &mut Context<'_>) {
        if let Some(leash) = &mut self.leash
            && let Poll::Ready(refusal) = leash.as_mut().poll(context)
        {
            self.leash = None;
            if matches!(self.end, End::Open) {
                self.waiting.clear();
                let (words, recorded) = self.cut(&refusal);
                self.story.piece(recorded);
                self.waiting.push_back(words);
            }
        }
    }

    /// What is ready to be given, or a reason to wait; `None` where there is nothing.
    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Option<Poll<Option<Result<Bytes, Stopped>>>> {
        if self.waiting.is_empty() {
            return None;
        }
        if self.strict || self.story.proof() == Proof::Needed {
            match self.story.poll_durable(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Some(self.stop()),
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        self.waiting.pop_front().map(|bytes| Poll::Ready(Some(Ok(bytes))))
    }

    /// Masks and records the next piece, or the end.
    fn take_in(&mut self, next: Option<Result<Bytes, gatewright_upstream::Failure>>) {
        let (outcome, fate) = match next {
            Some(Ok(piece)) => (self.view.push(&piece), None),
            Some(Err(failure)) => (Err(refused(&failure)), Some(Fate::UpstreamCut)),
            None => (self.view.finish(), Some(Fate::Ended)),
        };
        if let Err(refusal) = outcome {
            // What was held back is flushed, masked, before the caller is told why the answer ends here.
            self.view.refuse(&refusal, &self.request);
            self.end = End::Said(match fate {
                Some(Fate::UpstreamCut) => Fate::UpstreamCut,
                _ => Fate::Failed(refusal.code),
            });
        } else if let Some(fate) = fate {
            self.end = End::Said(fate);
        }
        let (shown, recorded) = self.view.take();
        // What the model server counted ends an answer that goes on, not one that has just been said.
        let usage = if self.view.is_complete() { None } else { self.view.usage() };
        let (shown, recorded) = match self.story.draw(shown.len(), usage) {
            Ok(()) => (shown, recorded),
            Err(refusal) => self.cut(&refusal),
        };
        if !recorded.is_empty() {
            self.story.piece(recorded);
        }
        if !shown.is_empty() {
            self.waiting.push_back(shown);
        }
    }

    /// The answer ends here: the piece that a budget has no room for is not given, nor what is held, but the reason is.
    fn cut(&mut self, refusal: &Refusal) -> (Bytes, Bytes) {
        self.end = End::Said(Fate::Failed(refusal.code));
        let words = Bytes::from(self.request.protocol().refusal_in_stream(refusal, &self.request.id()));
        (words.clone(), words)
    }

    fn finish(&mut self, fate: Fate) {
        self.story.usage(self.view.usage());
        self.story.masked(self.view.tallies());
        self.story.alerted(self.view.alerted(), self.view.noticed());
        self.story.end(fate);
        self.end = End::Over;
    }

    /// Nothing more may be disclosed: the connection is cut, without a proper end that could be taken for one.
    fn stop(&mut self) -> Poll<Option<Result<Bytes, Stopped>>> {
        self.waiting.clear();
        self.finish(Fate::Failed(Code::NotReady));
        Poll::Ready(Some(Err(Stopped)))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if !self.is_over() {
            self.story.usage(self.view.usage());
            self.story.masked(self.view.tallies());
            self.story.alerted(self.view.alerted(), self.view.noticed());
        }
    }
}
