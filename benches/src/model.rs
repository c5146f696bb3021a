//! The model server between which and the clients everything is measured: it answers at once or after a set time, whole
//! or streamed, and does as little else as it can.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::wire::{self, Body};

/// The name of its one model; the quickstart gives alice a model of this name where an upstream has one.
pub(crate) const NAME: &str = "sales-forecast";

/// What its answers are like; changed between cells.
#[derive(Default)]
struct Manner {
    first_byte: AtomicU64,
    interval: AtomicU64,
    chunks: AtomicU64,
}

/// A running model server.
pub(crate) struct Model {
    address: SocketAddr,
    manner: Arc<Manner>,
}

impl Model {
    /// Starts it on a thread and a runtime of its own, so that the clients' work does not delay its answers.
    pub(crate) fn start() -> Result<Self, String> {
        let manner = Arc::new(Manner::default());
        let listener =
            std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| format!("the model cannot listen: {error}"))?;
        listener.set_nonblocking(true).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let shared = manner.clone();
        std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, shared.clone()));
                }
            });
        });
        Ok(Self { address, manner })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets how long it waits before an answer's first byte.
    pub(crate) fn answer_after(&self, wait: Duration) {
        self.manner.first_byte.store(wait.as_micros() as u64, Ordering::Relaxed);
    }

    /// Sets how many chunks a streamed answer has, and how far apart they are.
    pub(crate) fn stream(&self, chunks: u64, interval: Duration) {
        self.manner.chunks.store(chunks, Ordering::Relaxed);
        self.manner.interval.store(interval.as_micros() as u64, Ordering::Relaxed);
    }
}

async fn serve(mut stream: TcpStream, manner: Arc<Manner>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(8 * 1024);
    let whole = whole_answer();
    loop {
        let (end, streamed, models) = loop {
            if let Some(message) = wire::head(&buffer) {
                let Body::Length(length) = message.body else { return };
                let end = message.head.end + length;
                if buffer.len() >= end {
                    let body = &buffer[message.head.end..end];
                    let streamed = wire::find(body, b"\"stream\":true").is_some();
                    break (end, streamed, buffer.starts_with(b"GET /v1/models "));
                }
            }
            if !matches!(stream.read_buf(&mut buffer).await, Ok(count) if count > 0) {
                return;
            }
        };
        buffer.drain(..end);
        pause(manner.first_byte.load(Ordering::Relaxed)).await;
        let sent = if models {
            stream.write_all(&models_answer()).await
        } else if streamed {
            send_stream(&mut stream, &manner).await
        } else {
            stream.write_all(&whole).await
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn send_stream(stream: &mut TcpStream, manner: &Manner) -> std::io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        .await?;
    let chunk = chunk(&event("{\"content\":\" steady growth in the northern\"}", "null"));
    for index in 0..manner.chunks.load(Ordering::Relaxed) {
        if index > 0 {
            pause(manner.interval.load(Ordering::Relaxed)).await;
        }
        stream.write_all(&chunk).await?;
    }
    let mut last = self::chunk(&event("{}", "\"stop\""));
    last.extend_from_slice(&self::chunk("data: [DONE]\n\n"));
    last.extend_from_slice(b"0\r\n\r\n");
    stream.write_all(&last).await
}

async fn pause(micros: u64) {
    if micros > 0 {
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}

fn chunk(content: &str) -> Vec<u8> {
    format!("{:x}\r\n{content}\r\n", content.len()).into_bytes()
}

fn event(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-b3a1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"{NAME}\",\
         \"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
    )
}

fn models_answer() -> Vec<u8> {
    answer(&format!(
        "{{\"object\":\"list\",\"data\":[{{\"id\":\"{NAME}\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"lab\"}}]}}"
    ))
}

/// About 1.2 KB.
fn whole_answer() -> Vec<u8> {
    let text =
        "Revenue grew in every region but one, and the pipeline for the next quarter is fuller than it was. ".repeat(9);
    answer(&format!(
        "{{\"id\":\"chatcmpl-b3a1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"{NAME}\",\"choices\":[\
         {{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"logprobs\":null,\
         \"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":411,\"completion_tokens\":180,\"total_tokens\":591}}}}"
    ))
}

fn answer(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}
