//! Configuration: [`raw`] is exactly what a file says, [`ready`] is what runs. Reading reports every fault at once, each
//! with its file, line and column; nothing of a faulty configuration ever runs.
//!
//! Secrets are references, never values; a message never repeats what stands where a reference belongs.

mod assemble;
mod bucket;
mod catalogue;
pub mod channels;
mod convert;
mod digest;
mod fault;
mod held;
mod issuers;
mod lend;
mod network;
pub mod raw;
mod reach;
mod read;
pub mod ready;
mod reload;
pub mod secrets;
mod state;
mod tree;
mod watch;

pub use assemble::{ContentDetectors, Loaded};
pub use catalogue::{custom_rules, sources};
pub use fault::{Fault, Mark};
pub use held::Held;
pub use network::Network;
pub use read::{At, Bytes, Named};
pub use ready::Ready;
pub use reload::{Change, Reloader, ReloaderStatus, Side};

use std::path::Path;

use convert::Conversion;
use fault::Faults;
use read::Read as _;

/// The exit code of a configuration that cannot run. No port was bound.
pub const EXIT_BAD_CONFIGURATION: u8 = 64;

/// Why a configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To say whether it holds, perhaps on another machine: a secret or certificate that is not here is a warning.
    Check,
    /// To run it: everything that it refers to must be here.
    Serve,
}

/// What `gatewright config check FILE` does: reads the configuration, its catalogue and its detectors, and says all that
/// is wrong. Binds nothing, dials nobody.
pub fn check(path: &Path) -> Result<Loaded, Vec<Fault>> {
    Loaded::read(path, Purpose::Check, None)
}

/// Reads a configuration to be run whose catalogue is in files.
pub fn load(path: &Path) -> Result<Loaded, Vec<Fault>> {
    Loaded::read(path, Purpose::Serve, None)
}

/// What a running gateway loads again; what did not change since `earlier` is neither read nor compiled again.
/// A catalogue in the store is `held`.
fn load_after(path: &Path, earlier: &gatewright_policy::Earlier, held: Option<Held>) -> Result<Loaded, Vec<Fault>> {
    let (mut ready, warnings) = read(path, Purpose::Serve)?;
    if let (ready::CatalogueFrom::Store { .. }, Some(held)) = (&ready.catalogue, held) {
        ready.catalogue = ready::CatalogueFrom::Held(held);
    }
    Loaded::put_together(ready, warnings, Some(earlier))
}

/// Reads the configuration file alone, with its warnings; the catalogue is not looked at.
pub fn read(path: &Path, purpose: Purpose) -> Result<(Ready, Vec<Fault>), Vec<Fault>> {
    let name = path.display().to_string();
    let text = catalogue::bounded_text(path, tree::LONGEST as u64).map_err(|error| {
        let message = format!("the configuration cannot be read: {error}");
        vec![Fault { file: name.clone(), line: 0, column: 0, message }]
    })?;
    parse(&text, path, purpose)
}

/// Reads a configuration's text as if it stood in `path`: relative paths start from that file's folder.
pub fn parse(text: &str, path: &Path, purpose: Purpose) -> Result<(Ready, Vec<Fault>), Vec<Fault>> {
    let mut faults = Faults::of(path.display().to_string());
    let raw = tree::parse(text, &mut faults).and_then(|node| raw::Raw::read(&node, &mut faults));
    let Some(raw) = raw else { return Err(faults.into_sorted()) };
    let base = path.parent().unwrap_or_else(|| Path::new(""));
    let mut conversion = Conversion { base, purpose, faults, warnings: Vec::new() };
    let ready = conversion.ready(&raw, path, digest::sha256(text.as_bytes()));
    match ready {
        Some(ready) if conversion.faults.is_empty() => Ok((ready, conversion.warnings)),
        _ => Err(conversion.faults.into_sorted()),
    }
}

/// How long a model server may take where a connection says nothing.
pub fn default_timeouts() -> gatewright_upstream::reach::Timeouts {
    gatewright_upstream::reach::Timeouts::default()
}
