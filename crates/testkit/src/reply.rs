use std::time::Duration;

use bytes::Bytes;

/// One step of sending an answer's body.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends these bytes, in one write and, when the body is chunked, as one chunk.
    Send(Bytes),
    /// Waits.
    Wait(Duration),
    /// Sends nothing more and keeps the connection open until the peer leaves.
    Stall,
    /// Closes in order, without ending the body.
    Close,
    /// Closes with a TCP reset.
    Reset,
}

/// How the answer tells its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `content-length` with the true length.
    Length,
    /// `content-length` with this number, true or not.
    Announced(usize),
    /// `transfer-encoding: chunked`.
    Chunked,
    /// By closing the connection.
    Close,
}

/// An answer of the fake model server, step by step.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) before_head: Vec<Step>,
    pub(crate) steps: Vec<Step>,
    pub(crate) framing: Framing,
}

impl Reply {
    /// An answer of this status and no body.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), before_head: Vec::new(), steps: Vec::new(), framing: Framing::Length }
    }

    /// A whole JSON answer.
    pub fn json(status: u16, text: impl Into<Bytes>) -> Self {
        Self::status(status).header("content-type", "application/json").send(text)
    }

    /// A chunked `text/event-stream` with one chunk for each of `events`; each is sent as it is, line ends included.
    pub fn events<E: Into<Bytes>>(events: impl IntoIterator<Item = E>) -> Self {
        let reply = Self::status(200).header("content-type", "text/event-stream").framed(Framing::Chunked);
        events.into_iter().fold(reply, Self::send)
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the content type.
    #[must_use]
    pub fn content_type(mut self, value: &str) -> Self {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        self.header("content-type", value)
    }

    /// Replaces how the length is told.
    #[must_use]
    pub fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Adds bytes to the body.
    #[must_use]
    pub fn send(self, bytes: impl Into<Bytes>) -> Self {
        self.then(Step::Send(bytes.into()))
    }

    /// Adds a step to the body.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Waits before the first byte of the head.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.before_head.push(Step::Wait(wait));
        self
    }

    /// Does this instead of sending a head, as a server does that hangs or dies.
    #[must_use]
    pub fn instead_of_head(mut self, step: Step) -> Self {
        self.before_head.push(step);
        self
    }

    /// Waits before every piece of the body but the first.
    #[must_use]
    pub fn every(mut self, wait: Duration) -> Self {
        let mut steps = Vec::with_capacity(self.steps.len() * 2);
        for step in self.steps {
            if !steps.is_empty() {
                steps.push(Step::Wait(wait));
            }
            steps.push(step);
        }
        self.steps = steps;
        self
    }

    /// Sends the same body in pieces of `size` bytes, each in its own write and chunk.
    #[must_use]
    pub fn in_pieces_of(mut self, size: usize) -> Self {
        let mut steps = Vec::new();
        for step in self.steps {
            match step {
                Step::Send(bytes) => steps.extend(
                    (0..bytes.len())
                        .step_by(size.max(1))
                        .map(|at| Step::Send(bytes.slice(at..bytes.len().min(at + size.max(1))))),
                ),
                other => steps.push(other),
            }
        }
        self.steps = steps;
        self
    }

    /// Sends the same body cut in two at byte `at`.
    #[must_use]
    pub fn cut_at(mut self, at: usize) -> Self {
        let whole = self.body();
        let at = at.min(whole.len());
        self.steps = vec![Step::Send(whole.slice(..at)), Step::Send(whole.slice(at..))];
        self
    }

    /// Sends the first `count` bytes of the body, then does `step` instead of the rest.
    #[must_use]
    pub fn broken_at(mut self, count: usize, step: Step) -> Self {
        let whole = self.body();
        if self.framing == Framing::Length {
            self.framing = Framing::Announced(whole.len());
        }
        self.steps = vec![Step::Send(whole.slice(..count.min(whole.len()))), step];
        self
    }

    /// The bytes of the whole body.
    pub fn body(&self) -> Bytes {
        let mut whole = Vec::new();
        for step in &self.steps {
            if let Step::Send(bytes) = step {
                whole.extend_from_slice(bytes);
            }
        }
        whole.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_keeps_the_bytes() {
        let reply = Reply::events(["data: a\n\n", "data: bc\n\n"]);
        let whole = reply.body();
        assert_eq!(reply.clone().in_pieces_of(1).steps.len(), whole.len());
        assert_eq!(reply.clone().in_pieces_of(1).body(), whole);
        for at in 0..=whole.len() {
            assert_eq!(reply.clone().cut_at(at).body(), whole);
        }
        assert_eq!(reply.every(Duration::ZERO).body(), whole);
    }

    #[test]
    fn a_broken_answer_still_announces_the_whole() {
        let reply = Reply::json(200, "{\"a\":1}").broken_at(3, Step::Close);
        assert_eq!(reply.framing, Framing::Announced(7));
        assert_eq!(reply.body(), "{\"a");
    }
}
