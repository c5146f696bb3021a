use std::time::Duration;

use crate::arguments::Arguments;
use crate::load;
use crate::model::Model;
use crate::peers::Running;
use crate::statistics::{Latency, median};

/// Requests a second of the fixed-rate cells.
pub(crate) const RATE: u32 = 2_000;
/// Connections at saturation.
pub(crate) const CONNECTIONS: usize = 64;
/// How long the model takes to its first byte in the fixed-rate cells, in milliseconds, and the connections that the
/// rate then needs.
pub(crate) const MODEL_TIMES: [(u64, u32); 3] = [(0, 64), (5, 64), (50, 256)];
/// Streams open at once when memory is measured.
pub(crate) const OPEN_STREAMS: usize = 1_000;
/// Streams at once when chunks are measured, and the time between two chunks of one.
pub(crate) const PUMPED_STREAMS: usize = 100;
const BETWEEN_CHUNKS: Duration = Duration::from_millis(10);
const WARM_UP: Duration = Duration::from_millis(700);

/// What was measured of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    /// Processor time per request at saturation, µs.
    pub(crate) cpu: f64,
    /// Requests a second at saturation.
    pub(crate) throughput: f64,
    /// Latency at the fixed rate, by how long the model takes.
    pub(crate) latency: [Latency; 3],
    /// Processor time per request at the fixed rate and an immediate model, µs.
    pub(crate) cpu_at_rate: f64,
    /// Processor time per streamed chunk, µs.
    pub(crate) cpu_per_chunk: f64,
    /// Time to a stream's first event.
    pub(crate) first_byte: Latency,
    /// Resident memory before any stream, bytes.
    pub(crate) memory: f64,
    /// Resident memory that one more open stream takes, bytes.
    pub(crate) memory_per_stream: f64,
}

/// Measures every cell of a peer.
pub(crate) fn measure(running: &Running, model: &Model, arguments: &Arguments) -> Result<Cells, String> {
    let (target, window) = (&running.target, arguments.window);
    let mut marks = Vec::new();
    let spent = |marks: &mut Vec<Duration>| match marks.drain(..).as_slice() {
        [before, after] => after.saturating_sub(*before).as_secs_f64() * 1e6,
        _ => f64::NAN,
    };

    model.answer_after(Duration::ZERO);
    let memory = running.memory() as f64;
    // Before anything else, so that memory is not what earlier requests left behind.
    model.stream(2, Duration::from_secs(30));
    let held = load::hold_streams(target, OPEN_STREAMS, || running.memory())? as f64;

    let saturated = load::saturate(target, CONNECTIONS, WARM_UP, window, || marks.push(running.processor_time()))?;
    let cpu = spent(&mut marks) / saturated.answered as f64;
    let throughput = saturated.answered as f64 / saturated.took.as_secs_f64();

    let mut latency = [Latency::default(); 3];
    let mut cpu_at_rate = f64::NAN;
    for (cell, (milliseconds, connections)) in latency.iter_mut().zip(MODEL_TIMES) {
        model.answer_after(Duration::from_millis(milliseconds));
        let before = running.processor_time();
        let times = load::fixed_rate(target, RATE, connections, WARM_UP, window)?;
        if milliseconds == 0 {
            let requests = (WARM_UP + window).as_secs_f64() * f64::from(RATE);
            cpu_at_rate = (running.processor_time() - before).as_secs_f64() * 1e6 / requests;
        }
        *cell = Latency::of(times);
    }

    model.answer_after(Duration::ZERO);
    model.stream(((WARM_UP + window).as_secs_f64() / BETWEEN_CHUNKS.as_secs_f64()) as u64 + 200, BETWEEN_CHUNKS);
    let chunks = load::pump_streams(target, PUMPED_STREAMS, WARM_UP, window, || marks.push(running.processor_time()))?;
    let cpu_per_chunk = spent(&mut marks) / chunks as f64;

    model.stream(4, Duration::ZERO);
    let first_byte = Latency::of(load::first_bytes(target, 4, window.min(Duration::from_secs(2)))?);

    Ok(Cells {
        cpu,
        throughput,
        latency,
        cpu_at_rate,
        cpu_per_chunk,
        first_byte,
        memory,
        memory_per_stream: (held - memory) / OPEN_STREAMS as f64,
    })
}

impl Cells {
    /// The median of several rounds, cell by cell.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let of = |pick: fn(&Self) -> f64| median(rounds.iter().map(pick));
        let latency = |pick: fn(&Self) -> Latency| Latency::median(&rounds.iter().map(pick).collect::<Vec<_>>());
        Self {
            cpu: of(|cells| cells.cpu),
            throughput: of(|cells| cells.throughput),
            latency: [
                latency(|cells| cells.latency[0]),
                latency(|cells| cells.latency[1]),
                latency(|cells| cells.latency[2]),
            ],
            cpu_at_rate: of(|cells| cells.cpu_at_rate),
            cpu_per_chunk: of(|cells| cells.cpu_per_chunk),
            first_byte: latency(|cells| cells.first_byte),
            memory: of(|cells| cells.memory),
            memory_per_stream: of(|cells| cells.memory_per_stream),
        }
    }

    /// The figures that matter, while the run goes on.
    pub(crate) fn one_line(&self) -> String {
        format!(
            "{:.1} µs/request at {:.0}/s; p50 {:.0}/{:.0}/{:.0} µs; {:.1} µs/chunk; first byte {:.0} µs; {:.0} KiB/stream",
            self.cpu,
            self.throughput,
            self.latency[0].p50,
            self.latency[1].p50,
            self.latency[2].p50,
            self.cpu_per_chunk,
            self.first_byte.p50,
            self.memory_per_stream / 1024.0,
        )
    }
}
