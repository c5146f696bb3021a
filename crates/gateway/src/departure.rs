use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gatewright_model::Fate;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::follow::Following;
use crate::story::Story;

/// An answer that may leave: recorded, durable and masked. Only [`Recording`](crate::Recording) makes one.
pub struct Departure {
    status: StatusCode,
    headers: HeaderMap,
    body: Outbound,
}

impl Departure {
    pub(crate) const fn new(status: StatusCode, headers: HeaderMap, body: Outbound) -> Self {
        Self { status, headers, body }
    }

    /// The response. Beside a refusal's, the only way to one.
    pub fn into_response(self) -> Response<Outbound> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// The body of a response.
pub struct Outbound(Kind);

enum Kind {
    /// A refusal's words.
    Words(Option<Bytes>),
    /// A whole answer and the story that its leaving ends.
    Held { bytes: Option<Bytes>, story: Box<Story> },
    /// An answer that is still being given.
    Following(Box<Following>),
}

/// An answer that stops in the middle, because nothing more may be disclosed; the connection is cut.
#[derive(Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer cannot be recorded, so it stops here")
    }
}

impl std::error::Error for Stopped {}

impl Outbound {
    /// A body of our own words, with no journey behind it.
    pub fn words(bytes: Bytes) -> Self {
        Self(Kind::Words(Some(bytes)))
    }

    pub(crate) fn held(bytes: Bytes, story: Story) -> Self {
        Self(Kind::Held { bytes: Some(bytes), story: Box::new(story) })
    }

    pub(crate) fn following(following: Following) -> Self {
        Self(Kind::Following(Box::new(following)))
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = Stopped;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        match &mut self.0 {
            Kind::Words(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Held { bytes, story } => {
                let taken = bytes.take();
                // The connection drops a body of known length without asking for its end, so the end is booked here.
                story.end(Fate::Ended);
                Poll::Ready(taken.map(|bytes| Ok(Frame::data(bytes))))
            }
            Kind::Following(following) => following.poll(context).map(|next| next.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Words(bytes) | Kind::Held { bytes, .. } => bytes.is_none(),
            Kind::Following(following) => following.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Words(bytes) | Kind::Held { bytes, .. } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            // Never exact: a body whose length is known is dropped before it can say how it ended.
            Kind::Following(_) => SizeHint::default(),
        }
    }
}
