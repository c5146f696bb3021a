use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection's bytes, plain or within TLS.
pub(super) type Wire = MaybeHttpsStream<TokioIo<TcpStream>>;

/// One HTTP/1.1 connection.
///
/// It has no task of its own: whoever waits for its answer drives it. That saves two wake-ups in each exchange, and a
/// caller who leaves closes it by dropping it. It is handed from future to future, so it is a pointer.
pub(super) struct Line(Box<Link>);

struct Link {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<Wire, Full<Bytes>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
}

impl Line {
    pub(super) async fn open(wire: Wire) -> hyper::Result<Self> {
        let (sender, connection) = Builder::new().max_headers(100).max_buf_size(256 * 1024).handshake(wire).await?;
        Ok(Self(Box::new(Link { sender, connection, state: State::Open })))
    }

    /// Sends a request and waits for its answer's head. The request comes back with the error where none of it was
    /// sent, so that it may go out again on another connection.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let Link { sender, connection, state } = &mut *self.0;
        let mut answer = pin!(sender.try_send_request(request));
        poll_fn(|context| {
            drive(connection, state, context);
            answer.as_mut().poll(context)
        })
        .await
    }

    /// Lets the connection read and write what it can.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.0.connection, &mut self.0.state, context);
    }

    /// Ready when the next request may be sent at once; pending for a connection that is closed or not done.
    pub(super) fn poll_usable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.drive(context);
        match (self.0.state, self.0.sender.poll_ready(context)) {
            (State::Open, Poll::Ready(Ok(()))) => Poll::Ready(()),
            (State::Open | State::Closed, _) => Poll::Pending,
        }
    }
}

fn drive(connection: &mut Connection<Wire, Full<Bytes>>, state: &mut State, context: &mut Context<'_>) {
    // A connection that has ended must not be polled again; how it ended is told to whoever waits for the answer.
    if *state == State::Open && Pin::new(connection).poll(context).is_ready() {
        *state = State::Closed;
    }
}
