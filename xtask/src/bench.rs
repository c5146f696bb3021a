//! Measures Gatewright beside others in one run. The measuring itself is the package `gatewright-bench`; here its tools
//! are installed and both programs are built, so that nothing compiles while it measures.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::provision;
use crate::release;
use crate::report::{Report, Tally};
use crate::test::passes;
use crate::workspace::Workspace;

/// Provisions, builds, measures; true when a table was written.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> bool {
    let mut report = Report::new();
    report.step("provision", || {
        provision::for_bench().and_then(|wanted| provision::install_all(&workspace.tools(), &wanted))
    });
    // Only a build of its own can leave layers out; the product has no such switch. The product is built last, so that
    // what lies in target/release is it.
    report.step("build with layers", || layered(workspace));
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
            command.arg("--layered").arg(layered_binary(workspace));
            command.arg("--tools").arg(workspace.tools());
            command.arg("--out").arg(workspace.target().join("bench"));
            passes(command.args(arguments))
        });
    }
    report.finish()
}

fn layered(workspace: &Workspace) -> Result<Tally, String> {
    let built = passes(&mut workspace.cargo(&["build", "--release", "--locked", "--features", "bench-layers"]))?;
    let binary = layered_binary(workspace);
    if let Some(folder) = binary.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::copy(workspace.target().join("release/gatewright"), &binary)
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    Ok(built)
}

fn layered_binary(workspace: &Workspace) -> PathBuf {
    workspace.target().join("bench/gatewright-with-layers")
}
