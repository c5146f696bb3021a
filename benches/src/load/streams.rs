use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use super::{Delivery, Target, runtime};
use crate::wire;

/// Reads `count` streams at once for a window and counts the events that arrive in it; calls `mark` at its two ends.
pub(crate) fn pump_streams(
    target: &Target,
    count: usize,
    warm_up: Duration,
    window: Duration,
    mut mark: impl FnMut(),
) -> Result<usize, String> {
    let request = Rc::new(target.request(Delivery::Streamed));
    let events = Rc::new(Cell::new(0_usize));
    let failure: Rc<Cell<Option<String>>> = Rc::default();
    let local = LocalSet::new();
    for _ in 0..count {
        let (target, request, events, failure) = (target.clone(), request.clone(), events.clone(), failure.clone());
        local.spawn_local(async move {
            if let Err(error) = follow(&target, &request, &events).await {
                failure.set(Some(error));
            }
        });
    }
    runtime()?.block_on(local.run_until(async {
        tokio::time::sleep(warm_up).await;
        mark();
        let before = events.get();
        tokio::time::sleep(window).await;
        mark();
        failure.take().map_or(Ok(events.get() - before), Err)
    }))
}

async fn follow(target: &Target, request: &[u8], events: &Cell<usize>) -> Result<(), String> {
    let mut stream = Stream::open(target, request).await?;
    while !stream.chunks.ended {
        let before = stream.chunks.events;
        stream.more().await?;
        events.set(events.get() + stream.chunks.events - before);
    }
    Ok(())
}

/// Opens `count` streams, waits until each has brought its first event, calls `measure` while all are open.
pub(crate) fn hold_streams<T>(target: &Target, count: usize, measure: impl FnOnce() -> T) -> Result<T, String> {
    let request = target.request(Delivery::Streamed);
    runtime()?.block_on(async {
        let mut streams = Vec::with_capacity(count);
        // In tens, so that no listener's backlog overflows.
        while streams.len() < count {
            let mut opening = JoinSet::new();
            for _ in 0..10.min(count - streams.len()) {
                let (target, request) = (target.clone(), request.clone());
                opening.spawn(async move {
                    let mut stream = Stream::open(&target, &request).await?;
                    while stream.chunks.events == 0 {
                        stream.more().await?;
                    }
                    Ok::<_, String>(stream)
                });
            }
            while let Some(opened) = opening.join_next().await {
                streams.push(opened.map_err(|error| error.to_string())??);
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(measure())
    })
}

/// Runs `count` short streams side by side, again and again, and gives each one's time to its first event.
pub(crate) fn first_bytes(target: &Target, count: usize, window: Duration) -> Result<Vec<Duration>, String> {
    let request = target.request(Delivery::Streamed);
    runtime()?.block_on(async {
        let end = Instant::now() + window;
        let mut clients = JoinSet::new();
        for _ in 0..count {
            let (target, request) = (target.clone(), request.clone());
            clients.spawn(async move {
                let mut times = Vec::new();
                let mut connection = None;
                while Instant::now() < end {
                    let mut stream = match connection.take() {
                        Some(stream) => Stream::reuse(stream),
                        None => Stream::connect(&target).await?,
                    };
                    let start = Instant::now();
                    stream.ask(&request).await?;
                    while stream.chunks.events == 0 {
                        stream.more().await?;
                    }
                    times.push(start.elapsed());
                    while !stream.chunks.ended {
                        stream.more().await?;
                    }
                    connection = Some(stream.socket);
                }
                Ok::<_, String>(times)
            });
        }
        let mut all = Vec::new();
        while let Some(times) = clients.join_next().await {
            all.extend(times.map_err(|error| error.to_string())??);
        }
        Ok(all)
    })
}

/// One streamed answer.
struct Stream {
    socket: TcpStream,
    buffer: Vec<u8>,
    in_body: bool,
    chunks: wire::Chunks,
}

impl Stream {
    async fn open(target: &Target, request: &[u8]) -> Result<Self, String> {
        let mut stream = Self::connect(target).await?;
        stream.ask(request).await?;
        Ok(stream)
    }

    async fn connect(target: &Target) -> Result<Self, String> {
        let socket = TcpStream::connect(target.address).await.map_err(|error| format!("connecting: {error}"))?;
        socket.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self::reuse(socket))
    }

    fn reuse(socket: TcpStream) -> Self {
        Self { socket, buffer: Vec::with_capacity(4 * 1024), in_body: false, chunks: wire::Chunks::default() }
    }

    async fn ask(&mut self, request: &[u8]) -> Result<(), String> {
        self.socket.write_all(request).await.map_err(|error| format!("sending: {error}"))
    }

    async fn more(&mut self) -> Result<(), String> {
        if self.socket.read_buf(&mut self.buffer).await.map_err(|error| format!("reading: {error}"))? == 0 {
            return Err("the connection was closed amid a stream".into());
        }
        if !self.in_body {
            let Some(message) = wire::head(&self.buffer) else { return Ok(()) };
            if wire::status(&self.buffer) != Some(200) {
                return Err(format!("answered {}", String::from_utf8_lossy(&self.buffer)));
            }
            self.buffer.drain(..message.head.end);
            self.in_body = true;
        }
        self.chunks.push(&self.buffer);
        self.buffer.clear();
        Ok(())
    }
}
