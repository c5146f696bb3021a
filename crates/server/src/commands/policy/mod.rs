//! `gatewright policy check | test | explain | who-can | diff | backtest`: a policy is code, and these are its tools, which
//! work offline on files. `apply | history | show | rollback | shadow` ask a running gateway.

mod backtest;
mod check;
mod described;
mod diff;
mod explain;
mod recorded;
mod request;
pub mod shadow;
mod test;
mod told;
mod versions;
mod who_can;

use std::path::{Path, PathBuf};

use gatewright_model::{Clock as _, Timestamp};
use gatewright_policy::parse_moment;

pub use backtest::backtest;
pub use check::check;
pub use described::Described;
pub use diff::diff;
pub use explain::{Asked, explain};
pub use test::test;
pub use versions::{Asking, apply, history, rollback, show};
pub use who_can::{Whom, who_can};

use super::{Outcome, complain};
use crate::config::ready::CatalogueFrom;
use crate::config::{Fault, Loaded, check as checked};
use crate::system::SystemClock;

/// Reads a configuration and its catalogue, or says every fault.
fn load(config: &Path) -> Result<Loaded, Outcome> {
    checked(config).map_err(|faults| faulty(&faults))
}

/// The same configuration with another catalogue.
fn with_catalogue(loaded: &Loaded, catalogue: PathBuf) -> Result<Loaded, Outcome> {
    let mut ready = loaded.ready.clone();
    ready.catalogue = CatalogueFrom::Path(catalogue);
    Loaded::assemble(ready, Vec::new()).map_err(|faults| faulty(&faults))
}

fn faulty(faults: &[Fault]) -> Outcome {
    faults.iter().fold(Outcome::BadConfiguration, |outcome, fault| complain(outcome, fault))
}

/// The moment that was named, or the present one.
fn moment(written: Option<&str>) -> Result<Timestamp, Outcome> {
    let Some(written) = written else { return Ok(SystemClock.now()) };
    let words = "expected a moment in UTC: 2026-12-31 or 2026-12-31T18:00:00Z";
    parse_moment(written).ok_or_else(|| complain(Outcome::Usage, &words))
}
