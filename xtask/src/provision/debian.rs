use std::path::Path;
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
