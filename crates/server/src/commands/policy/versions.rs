//! `gatewright policy apply | history | show | rollback`, which ask a running gateway.

use std::path::{Path, PathBuf};

use gatewright_api::{
    ApplyPolicy, Client, POLICIES_APPLY, POLICIES_HISTORY, POLICIES_RESTORE, POLICIES_SHOW, PolicyApplied, PolicyFile,
    PolicyOutcome, PolicyShown, PolicyVersion, Problem, RestorePolicy,
};
use serde::Serialize;

use super::faulty;
use crate::commands::api::{Remote, refused};
use crate::commands::{Format, Outcome, answer, complain, visible};
use crate::config::Held;
use crate::run::on_runtime;

/// Which gateway is asked, and by whom.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Its admin side's URL.
    pub admin: String,
    /// Where the token lies; `None`: in `GATEWRIGHT_TOKEN`, or with whoever signed in.
    pub token_file: Option<PathBuf>,
    /// For people or programs.
    pub format: Format,
}

/// Makes a catalogue's files the newest version.
pub fn apply(asking: &Asking, catalogue: &Path, expect: Option<u64>, reason: Option<String>) -> Outcome {
    let held = match Held::bundle(catalogue) {
        Ok(held) => held,
        Err(faults) => return faulty(&faults),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let file = |file: &gatewright_store::state::PolicyFile| PolicyFile {
        name: file.name.to_string(),
        text: text(&file.bytes),
    };
    let apply = ApplyPolicy { files: held.files().iter().map(file).collect(), expect, reason };
    ask(asking, async move |client| client.put(&POLICIES_APPLY, &[], &apply).await, applied)
}

/// Makes an earlier version's files the newest version.
pub fn rollback(asking: &Asking, to: u64, expect: Option<u64>, reason: Option<String>) -> Outcome {
    let restore = RestorePolicy { expect, reason };
    let to = to.to_string();
    ask(asking, async move |client| client.put(&POLICIES_RESTORE, &[&to], &restore).await, applied)
}

/// Lists versions, newest first.
pub fn history(asking: &Asking, limit: usize) -> Outcome {
    let query = format!("limit={limit}");
    let told = |versions: &Vec<PolicyVersion>| versions.iter().map(line).collect::<String>();
    ask(asking, async move |client| client.get(&POLICIES_HISTORY, &[], &query).await, told)
}

/// Prints a version's files, or writes them into a folder.
pub fn show(asking: &Asking, version: u64, into: Option<&Path>) -> Outcome {
    let version = version.to_string();
    let written = std::cell::Cell::new(Ok(()));
    let told = |shown: &PolicyShown| match into {
        Some(folder) => {
            written.set(write(folder, &shown.files));
            line(&shown.version)
        }
        None => {
            let files = shown.files.iter().map(|file| format!("\n# {}\n{}", visible(&file.name), visible(&file.text)));
            [line(&shown.version)].into_iter().chain(files).collect()
        }
    };
    let outcome = ask(asking, async move |client| client.get(&POLICIES_SHOW, &[&version], "").await, told);
    match written.into_inner() {
        Ok(()) => outcome,
        Err(error) => complain(Outcome::Internal, &error),
    }
}

/// Writes files below a folder. Their names come from a gateway and may not lead out of it.
fn write(folder: &Path, files: &[PolicyFile]) -> Result<(), String> {
    let stored = |file: &PolicyFile| gatewright_store::state::PolicyFile {
        name: file.name.as_str().into(),
        bytes: file.text.as_bytes().into(),
    };
    let held =
        Held::new(0, files.iter().map(stored).collect()).map_err(|_| "the gateway's files have strange names")?;
    for file in held.files() {
        let path = folder.join(&*file.name);
        let parent = path.parent().unwrap_or(folder);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, &file.bytes));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

pub(super) fn ask<T: Serialize>(
    asking: &Asking,
    call: impl AsyncFnOnce(&Client<'_>) -> Result<T, Problem>,
    told: impl FnOnce(&T) -> String,
) -> Outcome {
    on_runtime(asked(asking, call, told))
}

pub(super) async fn asked<T: Serialize>(
    asking: &Asking,
    call: impl AsyncFnOnce(&Client<'_>) -> Result<T, Problem>,
    told: impl FnOnce(&T) -> String,
) -> Outcome {
    let remote = match Remote::new(&asking.admin, asking.token_file.as_deref()).await {
        Ok(remote) => remote,
        Err(outcome) => return outcome,
    };
    match call(&Client::new(&remote, remote.token())).await {
        Ok(given) => {
            // Made for programs too: making it may write files.
            let text = told(&given);
            match asking.format {
                Format::Json => answer(&format!("{}\n", serde_json::to_string(&given).unwrap_or_default())),
                Format::Text => answer(&text),
            }
            Outcome::Holds
        }
        Err(problem) => refused(&problem),
    }
}

fn applied(applied: &PolicyApplied) -> String {
    let version = applied.version.version;
    match applied.outcome {
        PolicyOutcome::Applied => {
            format!("version {version} is the newest; every gateway takes it over\n{}", line(&applied.version))
        }
        PolicyOutcome::Unchanged => format!("version {version} says the same already; nothing was changed\n"),
    }
}

fn line(version: &PolicyVersion) -> String {
    let PolicyVersion { version, digest, by, at, reason, restores } = version;
    let by =
        by.as_ref().map_or_else(|| "this machine's files".to_owned(), |by| format!("{} ({})", by.subject, by.issuer));
    let restores = restores.map(|to| format!("  goes back to {to}")).unwrap_or_default();
    let reason = reason.as_ref().map(|reason| format!("  {reason}")).unwrap_or_default();
    let short = digest.get(..12).unwrap_or(digest);
    visible(&format!("{version:>4}  {at}  {short}  {by}{restores}{reason}\n"))
}
