use std::fmt::Write as _;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::cells::{CONNECTIONS, Cells, MODEL_TIMES, OPEN_STREAMS, PUMPED_STREAMS, RATE};

/// The results as a page of Markdown.
pub(crate) fn render(rows: &[(String, Cells)], arguments: &Arguments, took: Duration) -> String {
    let find = |name: &str| rows.iter().find(|(row, _)| row == name).map(|(_, cells)| cells);
    let (direct, nginx) = (find("direct"), find("nginx"));
    let mut text = format!(
        "# Gatewright beside others\n\n{}. Client, proxy and model share the machine: read the ratios, not the figures. Each \
         cell is the median of {} rounds of {:.1} s; the run took {:.1} minutes.\n\n",
        machine(),
        arguments.rounds,
        arguments.window.as_secs_f64(),
        took.as_secs_f64() / 60.0
    );
    let _ = writeln!(text, "## Whole answers: 2 KB request, 1.2 KB answer\n");
    let _ = writeln!(
        text,
        "| | CPU µs/request, {CONNECTIONS} connections | against nginx | requests/s | CPU µs/request at {RATE}/s |\n|---|---|---|---|---|"
    );
    for (name, cells) in rows {
        let ratio = ratio(cells.cpu, nginx.map(|nginx| nginx.cpu));
        let _ = writeln!(
            text,
            "| {name} | {} | {ratio} | {:.0} | {} |",
            figure(cells.cpu, 1),
            cells.throughput,
            figure(cells.cpu_at_rate, 1)
        );
    }
    let _ = writeln!(
        text,
        "\n## Added latency at {RATE} requests a second\n\nFrom the moment a request should have been sent to its answer's last \
         byte, less the same percentile of the direct connection; µs.\n"
    );
    let _ = write!(text, "| model answers in |");
    for (milliseconds, _) in MODEL_TIMES {
        let _ = write!(text, " {milliseconds} ms: p50 | p99 |");
    }
    let _ = writeln!(text, "\n|---|---|---|---|---|---|---|");
    for (name, cells) in rows {
        let _ = write!(text, "| {name} |");
        for (index, latency) in cells.latency.iter().enumerate() {
            let base = direct.filter(|_| name != "direct").map(|direct| direct.latency[index]);
            let (p50, p99) = (base.map_or(0.0, |base| base.p50), base.map_or(0.0, |base| base.p99));
            let _ = match base {
                Some(_) => write!(text, " {:+.0} | {:+.0} |", latency.p50 - p50, latency.p99 - p99),
                None => write!(text, " {:.0} | {:.0} |", latency.p50, latency.p99),
            };
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "\n## Streams\n\n| | CPU µs/chunk, {PUMPED_STREAMS} streams | against nginx | first byte p50 µs | p99 | memory at rest MiB | \
         KiB per open stream, {OPEN_STREAMS} streams |\n|---|---|---|---|---|---|---|"
    );
    for (name, cells) in rows {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {:.0} | {:.0} | {} | {} |",
            figure(cells.cpu_per_chunk, 1),
            ratio(cells.cpu_per_chunk, nginx.map(|nginx| nginx.cpu_per_chunk)),
            cells.first_byte.p50,
            cells.first_byte.p99,
            figure(cells.memory / 1024.0 / 1024.0, 1),
            figure(cells.memory_per_stream / 1024.0, 1),
        );
    }
    text
}

fn figure(value: f64, digits: usize) -> String {
    if value.is_finite() && value != 0.0 { format!("{value:.digits$}") } else { "–".into() }
}

fn ratio(value: f64, base: Option<f64>) -> String {
    base.filter(|base| *base > 0.0 && value > 0.0).map_or("–".into(), |base| format!("{:.2}", value / base))
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find_map(|line| line.strip_prefix("model name")).map(|rest| rest.trim_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {}", model.unwrap_or("an unnamed processor"))
}
