use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Frame, SizeHint};
use hyper_util::server::graceful::GracefulConnection;
use tokio::time::Sleep;

use super::activity::{Activity, Late, Patience};
use super::departure::Departure;

/// How long a connection that nobody uses may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);

/// How a connection came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, or because the caller left.
    Closed,
    /// It ran out of time.
    Late(Late),
}

/// Drives a connection and cuts it when its caller leaves or is late.
pub(super) struct Guarded<C, D> {
    pub(super) connection: Pin<Box<C>>,
    pub(super) activity: Arc<Activity>,
    pub(super) patience: Patience,
    pub(super) departure: Option<Departure>,
    pub(super) sleep: Pin<Box<Sleep>>,
    /// When `sleep` ends, as far as it was set.
    pub(super) alarm: Option<Instant>,
    /// Ends when the listener drains.
    pub(super) drain: Pin<Box<D>>,
    pub(super) finishing: bool,
    /// When a connection that was idle for too long is cut, having been told to finish.
    pub(super) farewell: Option<Instant>,
}

impl<C: GracefulConnection, D: Future<Output = ()>> Future for Guarded<C, D> {
    type Output = End;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<End> {
        let this = &mut *self;
        if !this.finishing && this.drain.as_mut().poll(context).is_ready() {
            this.finish();
        }
        if this.connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(End::Closed);
        }
        // Looked at after the connection was driven: what has just been answered is no longer waited for.
        if this.activity.answers_http1()
            && let Some(departure) = &mut this.departure
            && departure.poll(context).is_ready()
        {
            return Poll::Ready(End::Closed);
        }
        this.watch_the_clock(context)
    }
}

impl<C: GracefulConnection, D: Future<Output = ()>> Guarded<C, D> {
    fn finish(&mut self) {
        self.finishing = true;
        self.connection.as_mut().graceful_shutdown();
    }

    fn deadline(&self) -> Option<(Instant, Late)> {
        match (self.activity.deadline(&self.patience), self.farewell) {
            (Some((_, Late::Idle)), Some(farewell)) => Some((farewell, Late::Idle)),
            (deadline, _) => deadline,
        }
    }

    fn watch_the_clock(&mut self, context: &mut Context<'_>) -> Poll<End> {
        loop {
            let Some((deadline, _)) = self.deadline() else { return Poll::Pending };
            // An alarm that is too early finds nothing late and is set anew; setting it for every request would cost more.
            if self.alarm.is_none_or(|alarm| deadline < alarm) {
                self.sleep.as_mut().reset(deadline.into());
                self.alarm = Some(deadline);
            }
            if self.sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.alarm = None;
            // HTTP/2 streams end in tasks of their own, so the state may have moved while the alarm was set.
            let Some((_, late)) = self.deadline().filter(|(deadline, _)| *deadline <= Instant::now()) else { continue };
            if late != Late::Idle || self.farewell.is_some() {
                return Poll::Ready(End::Late(late));
            }
            self.farewell = Some(Instant::now() + FAREWELL);
            self.finish();
            if self.connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(End::Closed);
            }
        }
    }
}

/// An answer's body, which tells how far its caller has taken it, and when it has ended or was dropped.
pub(super) struct Told<B> {
    body: B,
    open: Open,
}

/// A request that is being answered.
pub(super) struct Open {
    activity: Arc<Activity>,
    /// Whether a piece was handed over after which nobody has asked for the next.
    handed: bool,
}

impl Open {
    pub(super) fn begin(activity: &Arc<Activity>, http2: bool) -> Self {
        activity.request_began(http2);
        Self { activity: Arc::clone(activity), handed: false }
    }

    fn asked_for_more(&mut self) {
        if std::mem::take(&mut self.handed) {
            self.activity.piece_taken();
        }
    }

    fn handed_over(&mut self) {
        self.handed = true;
        self.activity.piece_handed();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.asked_for_more();
        self.activity.answer_ended();
    }
}

impl<B> Told<B> {
    pub(super) const fn new(body: B, open: Open) -> Self {
        Self { body, open }
    }
}

impl<B: Body + Unpin> Body for Told<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.open.asked_for_more();
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(Some(_))) {
            self.open.handed_over();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
