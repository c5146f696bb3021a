//! What a streamed chunk costs beside its masking: `cargo run --release -p gatewright-protocols --example answer_speed`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

use std::hint::black_box;
use std::time::Instant;

use gatewright_model::{Channel, Delivery, RequestId};
use gatewright_protocols::{Asked, Blocked, Claim, Piece, Place, ReplyHead, UsageReport, Words, claim};

struct Untouched;

impl Words for Untouched {
    fn begin(&mut self, _: Channel, _: Place<'_>) {}

    fn push(&mut self, _: Channel, text: &str, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        out(Piece::Kept(text));
        Ok(())
    }

    fn finish(&mut self, _: Channel, _: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        Ok(())
    }
}

fn main() {
    let chunk = br#"data: {"id":"chatcmpl-9Zq","object":"chat.completion.chunk","created":1767225600,"model":"llama-3","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" forecast"},"logprobs":null,"finish_reason":null}]}

"#;
    let Claim { protocol, route, .. } = claim("POST", "/v1/chat/completions").unwrap();
    let head = ReplyHead { status: 200, content_type: Some("text/event-stream"), content_encoding: None };
    let asked = Asked {
        request: RequestId::from_bytes([7; 16]),
        model: "sales-forecast".to_owned(),
        usage: UsageReport::Told,
        tools: Vec::new(),
        inputs: 0,
        reach: Default::default(),
    };
    let mut editor = protocol.reply(route, Delivery::Stream, head, asked).unwrap();
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(20);
    let (mut best, mut out) = (f64::MAX, Vec::new());
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..20_000 {
            out.clear();
            editor.push(black_box(chunk), &mut Untouched, &mut out).unwrap();
            black_box(&out);
        }
        best = best.min(start.elapsed().as_secs_f64() / 20_000.0);
    }
    println!("{} bytes in, {} bytes out: {:.2} us", chunk.len(), out.len(), best * 1e6);
}
