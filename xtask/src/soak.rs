//! Long runs, for the night before a release: what `cargo xtask test` does twenty times, two hundred times; and the
//! properties of the crates with many more cases than a change can wait for, and ten minutes of made-up input.

use crate::commands::show;
use crate::provision;
use crate::report::{Report, count_tests};
use crate::test::passes;
use crate::workspace::Workspace;

const KILLS: &str = "200";
const CASES: &str = "20000";
const CUTS: &str = "100000";
const FUZZ_SECONDS: &str = "600";

/// Runs the long runs; true when all passed.
pub(crate) fn run(workspace: &Workspace) -> bool {
    let mut report = Report::new();
    report.step("provision", || {
        provision::for_tests(workspace).and_then(|wanted| provision::install_all(&workspace.tools(), &wanted))
    });
    report.step("build", || passes(&mut workspace.cargo(&["build", "--workspace", "--all-targets", "--locked"])));
    report.step("properties", || {
        let mut command =
            workspace.cargo(&["test", "--workspace", "--exclude", "gatewright-e2e", "--locked", "--no-fail-fast"]);
        command.env("PROPTEST_CASES", CASES).env("CUTS", CUTS).env("GATEWRIGHT_FUZZ_SECONDS", FUZZ_SECONDS);
        let finished = show(&mut command)?;
        Ok(count_tests(&finished.printed, finished.success))
    });
    report.step("every change of a log", || {
        let mut command = workspace.cargo(&["test", "-p", "gatewright-store", "--locked", "--test", "exhaustive"]);
        let finished = show(command.args(["--", "--ignored"]))?;
        Ok(count_tests(&finished.printed, finished.success))
    });
    report.step("end to end, long", || {
        let mut command = workspace.cargo(&["test", "--workspace", "--locked", "--test", "end_to_end"]);
        command.args(["--", "--test-threads=1", "--include-ignored"]);
        command.env("GATEWRIGHT_KILLS", KILLS);
        command.env("GATEWRIGHT_TOOLS", workspace.tools());
        command.env("GATEWRIGHT_BINARY", workspace.target().join("debug/gatewright"));
        let finished = show(&mut command)?;
        Ok(count_tests(&finished.printed, finished.success))
    });
    report.finish()
}
