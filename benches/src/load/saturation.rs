use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::{Delivery, Target, runtime};
use crate::wire::{self, Body};

/// How many requests were answered in the window.
pub(crate) struct Saturation {
    pub(crate) answered: u64,
    pub(crate) took: Duration,
}

/// Keeps `connections` connections busy; calls `mark` at the window's two ends.
pub(crate) fn saturate(
    target: &Target,
    connections: usize,
    warm_up: Duration,
    window: Duration,
    mut mark: impl FnMut(),
) -> Result<Saturation, String> {
    let request = Rc::new(target.request(Delivery::Whole));
    let answered = Rc::new(Cell::new(0_u64));
    let failure: Rc<Cell<Option<String>>> = Rc::default();
    let local = LocalSet::new();
    for _ in 0..connections {
        let (target, request, answered, failure) = (target.clone(), request.clone(), answered.clone(), failure.clone());
        local.spawn_local(async move {
            if let Err(error) = ask_on(&target, &request, &answered).await {
                failure.set(Some(error));
            }
        });
    }
    runtime()?.block_on(local.run_until(async {
        tokio::time::sleep(warm_up).await;
        mark();
        let (before, start) = (answered.get(), Instant::now());
        tokio::time::sleep(window).await;
        mark();
        let saturation = Saturation { answered: answered.get() - before, took: start.elapsed() };
        failure.take().map_or(Ok(saturation), Err)
    }))
}

async fn ask_on(target: &Target, request: &[u8], answered: &Cell<u64>) -> Result<(), String> {
    let mut stream = TcpStream::connect(target.address).await.map_err(|error| format!("connecting: {error}"))?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut buffer = Vec::with_capacity(8 * 1024);
    loop {
        stream.write_all(request).await.map_err(|error| format!("sending: {error}"))?;
        read_whole(&mut stream, &mut buffer).await?;
        answered.set(answered.get() + 1);
    }
}

async fn read_whole(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), String> {
    buffer.clear();
    let mut chunks = wire::Chunks::default();
    let mut fed = 0;
    loop {
        if let Some(message) = wire::head(buffer) {
            let status = wire::status(buffer);
            if status != Some(200) {
                return Err(format!("answered {}", String::from_utf8_lossy(buffer)));
            }
            match message.body {
                Body::Length(length) if buffer.len() >= message.head.end + length => return Ok(()),
                Body::Length(_) => {}
                Body::Chunked => {
                    fed = fed.max(message.head.end);
                    chunks.push(&buffer[fed..]);
                    fed = buffer.len();
                    if chunks.ended {
                        return Ok(());
                    }
                }
            }
        }
        if stream.read_buf(buffer).await.map_err(|error| format!("reading: {error}"))? == 0 {
            return Err("the connection was closed amid an answer".into());
        }
    }
}
