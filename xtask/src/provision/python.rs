use std::fs;
use std::path::Path;
use std::process::Command;

use super::Tool;
use crate::commands::quiet;

/// A virtual environment with exactly the packages of a requirements file.
pub(super) fn from_requirements(name: &'static str, file: &Path) -> Result<Tool, String> {
    let recipe = fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let packages = recipe
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    Ok(environment(name, recipe, packages, "bin/python"))
}

/// A virtual environment with these packages.
pub(super) fn from_packages(name: &'static str, packages: &[&str], proof: &'static str) -> Tool {
    environment(name, packages.join("\n"), packages.iter().map(|&package| package.to_owned()).collect(), proof)
}

fn environment(name: &'static str, recipe: String, packages: Vec<String>, proof: &'static str) -> Tool {
    let install = move |folder: &Path| {
        quiet(Command::new("python3").args(["-m", "venv"]).arg(folder)).map_err(|error| {
            format!("a Python with its venv module is needed (Debian: python3 and python3-venv): {error}")
        })?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--disable-pip-version-check",
            "--no-input",
            "--timeout",
            "60",
        ]);
        quiet(pip.args(&packages)).map(|_| ())
    };
    Tool { name, recipe, proof, install: Box::new(install) }
}
