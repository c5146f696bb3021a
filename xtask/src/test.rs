//! Everything that a change must pass. Building and installing overlap, since one needs the processor and the other the
//! network; two builds never do.

use std::process::Command;
use std::thread;

use crate::commands::{quiet, show};
use crate::provision;
use crate::release;
use crate::report::{Report, Tally, count_tests};
use crate::tidy;
use crate::workspace::Workspace;

/// How often `cargo xtask test` kills the gateway under load; `soak` does it a hundred times.
const KILLS: &str = "20";

/// For how many seconds `cargo xtask test` makes up inputs for the masking; `soak` takes ten minutes.
const FUZZ_SECONDS: &str = "60";

/// Where the made-up input begins: the same for every change, so that a change is judged by what it changes. `soak` goes
/// on to input that nobody has seen.
const SEED: &str = "1141508018";

/// Runs every check; true when all passed.
pub(crate) fn run(workspace: &Workspace) -> bool {
    let mut report = Report::new();
    everything(workspace, &mut report);
    report.finish()
}

/// Runs every check, and the quickstart as a newcomer builds it.
pub(crate) fn run_for_ci(workspace: &Workspace) -> bool {
    let mut report = Report::new();
    everything(workspace, &mut report);
    release::steps(workspace, &mut report);
    report.finish()
}

fn everything(workspace: &Workspace, report: &mut Report) {
    report.step("tidy", || Ok(Tally::of(tidy::run(workspace))));
    report.step("format", || passes(&mut workspace.cargo(&["fmt", "--all", "--check"])));
    let tools = workspace.tools();
    let provisioned = thread::scope(|scope| {
        let installing =
            scope.spawn(|| provision::for_tests(workspace).and_then(|wanted| provision::install_all(&tools, &wanted)));
        report.step("build", || passes(&mut workspace.cargo(&["build", "--workspace", "--all-targets", "--locked"])));
        installing.join().unwrap_or_else(|_| Err("the installing thread panicked".into()))
    });
    report.step("provision", || provisioned);
    report.step("tests", || tests(workspace, Which::Crates));
    report.step("documentation tests", || {
        let finished = show(&mut workspace.cargo(&["test", "--doc", "--workspace", "--locked"]))?;
        Ok(count_tests(&finished.printed, finished.success))
    });
    report.step("end to end", || tests(workspace, Which::EndToEnd));
    report.step("clippy", || {
        passes(&mut workspace.cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    });
    report.step("documentation", || {
        passes(workspace.cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))
    });
    report.step("bans, licences, sources", || deny(workspace));
}

/// Which tests to run.
pub(crate) enum Which {
    /// Those of the crates themselves.
    Crates,
    /// Those of `tests/e2e`.
    EndToEnd,
}

/// Runs tests with nextest where it is installed, else with cargo's own runner.
///
/// The whole workspace is always named and then filtered, never one package: which features a shared dependency is
/// compiled with follows from the packages named, and another choice would compile everything a second time.
pub(crate) fn tests(workspace: &Workspace, which: Which) -> Result<Tally, String> {
    let nextest = quiet(&mut workspace.cargo(&["nextest", "--version"])).is_ok();
    let mut command = match (&which, nextest) {
        (Which::Crates, true) => nextest_run(workspace, "not package(gatewright-e2e)"),
        (Which::EndToEnd, true) => nextest_run(workspace, "package(gatewright-e2e)"),
        (Which::Crates, false) => {
            let mut command = workspace.cargo(&["test", "--workspace", "--exclude", "gatewright-e2e"]);
            command.args(["--all-targets", "--locked", "--no-fail-fast"]);
            command
        }
        (Which::EndToEnd, false) => {
            let mut command = workspace.cargo(&["test", "-p", "gatewright-e2e", "--all-targets"]);
            command.args(["--locked", "--no-fail-fast", "--", "--test-threads=1"]);
            command
        }
    };
    set_default(&mut command, "GATEWRIGHT_KILLS", KILLS);
    set_default(&mut command, "GATEWRIGHT_FUZZ_SECONDS", FUZZ_SECONDS);
    if let Which::Crates = which {
        // The kills of the end-to-end tests keep moments of their own.
        set_default(&mut command, "GATEWRIGHT_SEED", SEED);
    }
    set_default(&mut command, "GATEWRIGHT_TOOLS", &workspace.tools().to_string_lossy());
    let debug = workspace.target().join("debug/gatewright");
    set_default(&mut command, "GATEWRIGHT_BINARY", &debug.to_string_lossy());
    let finished = show(&mut command)?;
    Ok(count_tests(&finished.printed, finished.success))
}

fn nextest_run(workspace: &Workspace, filter: &str) -> Command {
    workspace.cargo(&["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "-E", filter])
}

/// Lets a caller choose otherwise, by its own environment.
fn set_default(command: &mut Command, name: &str, value: &str) {
    if std::env::var_os(name).is_none() {
        command.env(name, value);
    }
}

/// Advisories are not among the checks: their database lies on a code host, which machines behind a registry mirror do
/// not reach. `deny.toml` says how to check them by hand.
fn deny(workspace: &Workspace) -> Result<Tally, String> {
    let program = workspace.tools().join("cargo-deny/bin/cargo-deny");
    let mut command = Command::new(program);
    command.args(["--log-level", "error", "check", "bans", "licenses", "sources"]).current_dir(workspace.root());
    println!("advisories are left out: their database is not on a package registry");
    passes(&mut command)
}

pub(crate) fn passes(command: &mut Command) -> Result<Tally, String> {
    Ok(Tally::of(show(command)?.success))
}
