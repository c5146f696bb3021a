//! The product as a newcomer builds it: with optimisation, started once, and used as its own output says.

use crate::report::{Report, Tally, count_tests};
use crate::test::passes;
use crate::workspace::Workspace;

/// Builds the release binary and tries it; true when all passed.
pub(crate) fn run(workspace: &Workspace) -> bool {
    let mut report = Report::new();
    steps(workspace, &mut report);
    report.finish()
}

/// The steps, for a larger report.
pub(crate) fn steps(workspace: &Workspace, report: &mut Report) {
    report.step("release build", || build(workspace));
    report.step("quickstart as released", || {
        let mut command = workspace.cargo(&["test", "--workspace", "--locked", "--test", "end_to_end"]);
        command.args(["--", "--test-threads=1", "quickstart::"]);
        command.env("GATEWRIGHT_TOOLS", workspace.tools());
        command.env("GATEWRIGHT_BINARY", workspace.target().join("release/gatewright"));
        let finished = crate::commands::show(&mut command)?;
        Ok(count_tests(&finished.printed, finished.success))
    });
}

/// Builds the binary as `cargo run --release` does.
pub(crate) fn build(workspace: &Workspace) -> Result<Tally, String> {
    passes(&mut workspace.cargo(&["build", "--release", "--locked"]))
}
