use std::path::{Path, PathBuf};
use std::process::Command;

use super::Tool;
use crate::commands::quiet;

/// A Debian package's files, unpacked beside the system rather than installed into it: no service is started, no
/// administrator is needed, nothing is left behind.
pub(super) fn unpacked(package: &'static str, proof: &'static str) -> Tool {
    let install = move |folder: &Path| {
        let download = || quiet(Command::new("apt-get").args(["download", package]).current_dir(folder));
        if download().is_err() {
            // A new machine has no package lists yet; only an administrator can fetch them.
            quiet(Command::new("apt-get").arg("update")).map_err(|error| {
                format!("Debian's package {package} cannot be downloaded; run `apt-get update` as root: {error}")
            })?;
            download()?;
        }
        let archive = std::fs::read_dir(folder)
            .map_err(|error| format!("{} cannot be read: {error}", folder.display()))?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .ok_or("apt-get download brought no package")?;
        quiet(Command::new("dpkg").arg("-x").arg(archive).arg(folder)).map(|_| ())
    };
    Tool { name: package, recipe: package.to_owned(), proof, install: Box::new(install) }
}

/// The machine's Chromium, or Debian's where there is none. A browser is the exception to leaving the system alone: it
/// needs a hundred libraries in their places.
pub(super) fn chromium() -> Tool {
    let install = |folder: &Path| {
        let apt = |words: &[&str]| {
            let mut command = Command::new("apt-get");
            quiet(command.args(words).env("DEBIAN_FRONTEND", "noninteractive"))
        };
        let program = match on_path() {
            Some(program) => program,
            None => {
                let wanted = ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"];
                if apt(&wanted).is_err() {
                    let failed = |error| format!("there is no chromium, and only root can install Debian's: {error}");
                    apt(&["update"]).and_then(|_| apt(&wanted)).map_err(failed)?;
                }
                on_path().ok_or("Debian's chromium was installed and is not on the path")?
            }
        };
        let link = folder.join("chromium");
        std::os::unix::fs::symlink(&program, &link)
            .map_err(|error| format!("a link to {} fails: {error}", program.display()))
    };
    Tool { name: "chromium", recipe: "chromium".to_owned(), proof: "chromium", install: Box::new(install) }
}

fn on_path() -> Option<PathBuf> {
    ["/usr/bin/chromium", "/usr/bin/google-chrome"].into_iter().map(PathBuf::from).find(|path| path.is_file())
}
