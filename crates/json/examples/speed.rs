//! How long parsing and writing a 2 KB chat request takes: `cargo run --release -p gatewright-json --example speed`.

use std::hint::black_box;
use std::time::Instant;

use gatewright_json::{Limits, parse, write};

#[allow(clippy::print_stdout, reason = "the example's output")]
fn main() {
    let sentence = "The quarter's figures are ready; please compare them with last year's and name the outliers. ";
    let body = format!(
        r#"{{"model":"sales-forecast","messages":[{{"role":"system","content":"You are a careful analyst.\nAnswer briefly."}},{{"role":"user","content":"{}"}},{{"role":"assistant","content":"{}"}},{{"role":"user","content":"{}"}}],"temperature":0.7,"max_tokens":512,"n":1,"stream":true,"stream_options":{{"include_usage":true}}}}"#,
        sentence.repeat(8),
        sentence.repeat(6),
        sentence.repeat(5)
    );
    let limits = Limits::default();
    let mut out = Vec::with_capacity(4096);
    let mut best = f64::MAX;
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(20);
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..20_000 {
            out.clear();
            let value = parse(black_box(body.as_bytes()), &limits);
            if let Ok(value) = &value {
                write(value, &mut out);
            }
            black_box(&out);
        }
        best = best.min(start.elapsed().as_secs_f64() / 20_000.0);
    }
    println!("{} bytes: {:.2} us parsed and written", body.len(), best * 1e6);
}
