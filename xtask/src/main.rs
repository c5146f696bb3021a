//! The project's own commands, run as `cargo xtask COMMAND`.
//!
//! This package knows how the project is built, checked, tested and measured, and nothing of how the gateway works. It
//! is compiled before every other thing, so it has no async runtime and one dependency.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on its standard streams")]

mod bench;
mod commands;
mod provision;
mod release;
mod report;
mod soak;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  tidy        check the house rules: crate edges, pure crates, forbidden words, crate docs, file lengths
  provision   install into target/ what the end-to-end tests and the bench need (SDKs, fake models, nginx, Envoy)
  test        everything that a change must pass
  release     build the release binary and check that the quickstart serves within two seconds
  ci          test, then release: what .ci/run runs
  bench       measure Gatewright beside a direct connection, nginx and Envoy; writes target/bench/
  soak        long runs: 100 kills, streams cut at every byte, slow and broken servers
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let workspace = match Workspace::find() {
        Ok(workspace) => workspace,
        Err(error) => {
            eprintln!("xtask: {error}");
            return ExitCode::FAILURE;
        }
    };
    let passed = match command.as_str() {
        "tidy" => tidy::run(&workspace),
        "provision" => provision::run(&workspace),
        "test" => test::run(&workspace),
        "release" => release::run(&workspace),
        "ci" => test::run_for_ci(&workspace),
        "bench" => bench::run(&workspace, rest),
        "soak" => soak::run(&workspace),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        unknown => {
            eprintln!("xtask: there is no command `{unknown}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
