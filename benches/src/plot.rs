use std::fmt::Write as _;

use crate::cells::Cells;

const WIDTH: f64 = 760.0;
const LABEL: f64 = 170.0;
const BAR: f64 = 16.0;
const GAP: f64 = 7.0;

/// One panel of bars.
struct Panel {
    title: &'static str,
    pick: fn(&Cells) -> f64,
}

/// What the plot shows: the figures that a layer adds to.
const PANELS: [Panel; 4] = [
    Panel { title: "CPU µs per request at saturation", pick: |cells| cells.cpu },
    Panel { title: "CPU µs per streamed chunk, 100 streams", pick: |cells| cells.cpu_per_chunk },
    Panel { title: "First byte of a stream, p50 µs", pick: |cells| cells.first_byte.p50 },
    Panel { title: "Latency p99 µs at 2,000/s, model answers at once", pick: |cells| cells.latency[0].p99 },
];

/// The results as bars.
pub(crate) fn render(rows: &[(String, Cells)]) -> String {
    let panel_height = 34.0 + rows.len() as f64 * (BAR + GAP);
    let height = panel_height * PANELS.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for (index, panel) in PANELS.iter().enumerate() {
        let top = 22.0 + index as f64 * panel_height;
        let _ = writeln!(svg, "<text x=\"10\" y=\"{top}\" font-weight=\"bold\">{}</text>", panel.title);
        let most =
            rows.iter().map(|(_, cells)| (panel.pick)(cells)).filter(|value| value.is_finite()).fold(1.0, f64::max);
        for (row, (name, cells)) in rows.iter().enumerate() {
            let value = (panel.pick)(cells);
            let value = if value.is_finite() { value } else { 0.0 };
            let y = top + 10.0 + row as f64 * (BAR + GAP);
            let length = (WIDTH - LABEL - 80.0) * value / most;
            let colour = if name.starts_with("Gatewright") { "#1f6feb" } else { "#8b949e" };
            let _ = writeln!(
                svg,
                "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
                 <rect x=\"{LABEL}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{value:.1}</text>",
                LABEL - 8.0,
                y + 12.0,
                LABEL + length + 6.0,
                y + 12.0
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}
