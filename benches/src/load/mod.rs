//! The clients. Three shapes: as fast as 64 connections can, at a fixed rate, and many streams at once.

mod fixed_rate;
mod saturation;
mod streams;

use std::net::SocketAddr;

pub(crate) use fixed_rate::fixed_rate;
pub(crate) use saturation::saturate;
pub(crate) use streams::{first_bytes, hold_streams, pump_streams};

use crate::model;

/// Whom to ask, and as whom.
#[derive(Clone)]
pub(crate) struct Target {
    /// Where the proxy, or the model itself, listens.
    pub(crate) address: SocketAddr,
    /// The caller's token, where one is asked for.
    pub(crate) token: Option<String>,
}

/// Whole or streamed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    Streamed,
}

impl Target {
    /// A chat request with a body of about 2 KB.
    pub(crate) fn request(&self, delivery: Delivery) -> Vec<u8> {
        let question =
            "Compare the regions of the last four quarters, name what drove each change, and keep it short. ";
        let body = format!(
            "{{\"model\":\"{}\",\"messages\":[{{\"role\":\"system\",\"content\":\"You are an analyst of the sales team.\"}},\
             {{\"role\":\"user\",\"content\":\"{}\"}}],\"temperature\":0.2,\"max_tokens\":256{}}}",
            model::NAME,
            question.repeat(19),
            if delivery == Delivery::Streamed { ",\"stream\":true" } else { "" },
        );
        let token = self.token.as_ref().map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\n{token}content-type: application/json\r\n\
             accept: application/json\r\nuser-agent: bench\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .into_bytes()
    }
}

/// Lets threads that are started from here on wake when they ask to, not up to 50 µs later.
pub(crate) fn sharpen_timers() {
    // Where the kernel refuses, every peer is measured with the same blunt timers.
    let _ = std::fs::write("/proc/self/timerslack_ns", "1");
}

/// A runtime for clients: one thread, so that they never take both cores from the proxy.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}
