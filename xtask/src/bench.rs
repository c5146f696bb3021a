//! Measures Gatewright beside others in one run. The measuring itself is the package `gatewright-bench`; here its tools
//! are installed and both programs are built, so that nothing compiles while it measures.

use std::process::Command;

use crate::provision;
use crate::release;
use crate::report::Report;
use crate::test::passes;
use crate::workspace::Workspace;

/// Provisions, builds, measures; true when a table was written.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> bool {
    let mut report = Report::new();
    report.step("provision", || {
        provision::for_bench().and_then(|wanted| provision::install_all(&workspace.tools(), &wanted))
    });
    report.step("release build", || release::build(workspace));
    report.step("bench build", || {
        passes(&mut workspace.cargo(&["build", "--release", "--locked", "-p", "gatewright-bench"]))
    });
    if report.passed() {
        report.step("bench", || {
            // A thousand open streams take three thousand sockets; the proxies inherit the limit.
            let raise = "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\"";
            let mut command = Command::new("sh");
            command.args(["-c", raise]).arg(workspace.target().join("release/gatewright-bench"));
            command
                .current_dir(workspace.root())
                .arg("--gatewright")
                .arg(workspace.target().join("release/gatewright"));
            command.arg("--tools").arg(workspace.tools());
            command.arg("--out").arg(workspace.target().join("bench"));
            passes(command.args(arguments))
        });
    }
    report.finish()
}
