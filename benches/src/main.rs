//! Measures what Gatewright costs, beside a direct connection, nginx and Envoy, in one run on one machine.
//!
//! The clients and the model server are small and our own, so that what is measured is the proxy between them. It says
//! nothing of how fast any of these are elsewhere: `docs/benchmarks.md` tells how to read what it writes.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on its standard streams")]

mod arguments;
mod cells;
mod load;
mod model;
mod peers;
mod plot;
mod process;
mod statistics;
mod table;
mod wire;

use std::process::ExitCode;

use arguments::Arguments;
use cells::Cells;
use model::Model;
use peers::Peer;

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Every round measures every peer once, so that a disturbance of the machine falls on all of them.
fn run(arguments: &Arguments) -> Result<(), String> {
    let start = std::time::Instant::now();
    load::sharpen_timers();
    let model = Model::start()?;
    let mut rows: Vec<(Peer, Vec<Cells>)> = arguments.peers()?.into_iter().map(|peer| (peer, Vec::new())).collect();
    for round in 1..=arguments.rounds {
        for (peer, measured) in &mut rows {
            println!("round {round} of {}: {}", arguments.rounds, peer.name());
            let running = peer.start(arguments, &model)?;
            let cells = cells::measure(&running, &model, arguments)
                .map_err(|error| format!("{}: {error}\n{}", peer.name(), running.last_words()))?;
            println!("  {}", cells.one_line());
            measured.push(cells);
        }
    }
    let rows: Vec<(String, Cells)> =
        rows.into_iter().map(|(peer, measured)| (peer.name().to_owned(), Cells::median(&measured))).collect();
    let text = table::render(&rows, arguments, start.elapsed());
    std::fs::create_dir_all(&arguments.out).map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    let write = |name: &str, text: &str| {
        let path = arguments.out.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
    };
    write("table.md", &text)?;
    write("plot.svg", &plot::render(&rows))?;
    println!("\n{text}");
    println!("written to {}", arguments.out.display());
    Ok(())
}
