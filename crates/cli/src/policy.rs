//! `gatewright policy …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatewright_server::commands::policy::{self, Asked, Asking, Described, Whom};
use gatewright_server::commands::{Format, Outcome};

#[derive(Args)]
pub(crate) struct Configured {
    /// The configuration, which says what issuers, models and datasets there are.
    #[arg(long, value_name = "FILE", default_value = "gatewright.yaml")]
    config: PathBuf,
}

#[derive(Args)]
pub(crate) struct Gateway {
    /// The URL of the gateway's admin side.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    admin: String,
    /// The file with your identity token; without it GATEWRIGHT_TOKEN counts, then the stored login.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Change {
    /// Only where this version is still the newest; without it, whichever is.
    #[arg(long, value_name = "VERSION")]
    expect: Option<u64>,
    /// Why; it stands in the history.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Policy {
    /// Make a catalogue the newest version in a running gateway's store; all its replicas take it over at once.
    Apply {
        /// The catalogue: a file, with the .cedar files beside it, or a folder.
        catalogue: PathBuf,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// List the versions of a running gateway's catalogue, newest first.
    History {
        /// The most that are listed.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Print a version's files, or write them into a folder.
    Show {
        /// Which.
        version: u64,
        /// The folder; it is made where it is not there.
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Go back to an earlier version: a new version with its content.
    Rollback {
        /// Which.
        #[arg(value_name = "VERSION")]
        to: u64,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Have a catalogue decide beside a running gateway's own, without effect, and say how the two compare.
    Shadow {
        #[command(subcommand)]
        what: Shadow,
    },
    /// Say what is wrong with the catalogue, and what it says in vain: roles that nobody can have, rules that never speak, grants that another shadows.
    Check {
        #[command(flatten)]
        configured: Configured,
        /// Judge time windows at this moment.
        #[arg(long, value_name = "MOMENT")]
        at: Option<String>,
    },
    /// Ask the cases beside the catalogue (tests/*.yaml) and hold the answers against what they expect.
    Test {
        #[command(flatten)]
        configured: Configured,
        /// Files of cases.
        files: Vec<PathBuf>,
    },
    /// Say every question of one call, and the rules that decided, with file and line.
    Explain {
        #[command(flatten)]
        configured: Configured,
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        call: Call,
        /// A recorded call (req_…), in place of a described one.
        #[arg(long, value_name = "REQUEST", conflicts_with = "request")]
        recorded: Option<String>,
        /// A request in a JSON file (method, path, issuer, claims, body), in place of a described one.
        #[arg(long, value_name = "FILE")]
        request: Option<PathBuf>,
        /// The gateway's data folder, or a copy of it.
        #[arg(long, value_name = "DIR", default_value = "./gatewright-data")]
        data: PathBuf,
    },
    /// Say who reaches a model or dataset, or what a caller reaches.
    WhoCan {
        #[command(flatten)]
        configured: Configured,
        /// Who reaches this model.
        #[arg(long, value_name = "NAME", conflicts_with = "dataset")]
        model: Option<String>,
        /// Who reaches this dataset.
        #[arg(long, value_name = "NAME")]
        dataset: Option<String>,
        /// Only by this operation.
        #[arg(long, value_name = "NAME")]
        operation: Option<String>,
        #[command(flatten)]
        caller: Caller,
        /// At this moment.
        #[arg(long, value_name = "MOMENT")]
        at: Option<String>,
    },
    /// Say what one catalogue permits or refuses that another does not, with an example each.
    Diff {
        #[command(flatten)]
        configured: Configured,
        /// The old catalogue.
        old: PathBuf,
        /// The new catalogue.
        new: PathBuf,
        /// Judge time windows at this moment.
        #[arg(long, value_name = "MOMENT")]
        at: Option<String>,
    },
    /// Decide recorded calls again by a new catalogue.
    Backtest {
        #[command(flatten)]
        configured: Configured,
        /// The new catalogue.
        new: PathBuf,
        /// The gateway's data folder, or a copy of it.
        #[arg(long, value_name = "DIR", default_value = "./gatewright-data")]
        data: PathBuf,
        /// Only decisions from this moment on.
        #[arg(long, value_name = "MOMENT")]
        since: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Shadow {
    /// Have this catalogue decide along from now on, at every gateway.
    Set {
        /// The catalogue: a file, with the .cedar files beside it, or a folder.
        catalogue: PathBuf,
        /// Why; it stands beside the candidate.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// End that.
    Clear {
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Say how the candidate compares at this gateway; exit code 1 where anything differs.
    Status {
        /// Exit code 1 too where fewer decisions were compared.
        #[arg(long, value_name = "DECISIONS", default_value_t = 1)]
        at_least: u64,
        #[command(flatten)]
        gateway: Gateway,
    },
}

#[derive(Args)]
pub(crate) struct Caller {
    /// The caller's issuer.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// The issuer's key for the caller.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// A group of the caller; may be repeated.
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// A claim of the caller: /pointer=value; may be repeated.
    #[arg(long = "claim", value_name = "CLAIM")]
    claims: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Call {
    /// A role, in place of those that follow from the caller; may be repeated.
    #[arg(long = "role", value_name = "NAME")]
    roles: Vec<String>,
    /// What the call would do.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// The model that it names.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// A dataset that it reaches; may be repeated.
    #[arg(long = "dataset", value_name = "NAME")]
    datasets: Vec<String>,
    /// A parameter that it states: name=value; may be repeated.
    #[arg(long = "parameter", value_name = "PARAMETER")]
    parameters: Vec<String>,
    /// A content rule whose pattern its prompt matches; may be repeated.
    #[arg(long, value_name = "RULE")]
    matched: Vec<String>,
    /// An info type in its texts; may be repeated.
    #[arg(long, value_name = "TYPE")]
    found: Vec<String>,
    /// A rule whose hold a person has lifted; may be repeated.
    #[arg(long, value_name = "RULE")]
    approved: Vec<String>,
    /// When.
    #[arg(long, value_name = "MOMENT")]
    at: Option<String>,
}

pub(crate) fn run(typed: Policy, format: Format) -> Outcome {
    match typed {
        Policy::Apply { catalogue, change, gateway } => {
            policy::apply(&asking(gateway, format), &catalogue, change.expect, change.reason)
        }
        Policy::History { limit, gateway } => policy::history(&asking(gateway, format), limit),
        Policy::Show { version, into, gateway } => policy::show(&asking(gateway, format), version, into.as_deref()),
        Policy::Rollback { to, change, gateway } => {
            policy::rollback(&asking(gateway, format), to, change.expect, change.reason)
        }
        Policy::Shadow { what } => match what {
            Shadow::Set { catalogue, reason, gateway } => {
                policy::shadow::set(&asking(gateway, format), &catalogue, reason)
            }
            Shadow::Clear { gateway } => policy::shadow::clear(&asking(gateway, format)),
            Shadow::Status { at_least, gateway } => policy::shadow::status(&asking(gateway, format), at_least),
        },
        Policy::Check { configured, at } => policy::check(&configured.config, at.as_deref(), format),
        Policy::Test { configured, files } => policy::test(&configured.config, &files, format),
        Policy::Explain { configured, caller, call, recorded, request, data } => {
            let asked = match (recorded, request) {
                (Some(id), _) => Asked::Recorded(id, data),
                (None, Some(file)) => Asked::Request(file),
                (None, None) => Asked::Described(Box::new(described(caller, Some(call)))),
            };
            policy::explain(&configured.config, &asked, format)
        }
        Policy::WhoCan { configured, model, dataset, operation, caller, at } => {
            let whom = match (model, dataset) {
                (Some(model), _) => Whom::Model(model),
                (None, Some(dataset)) => Whom::Dataset(dataset),
                (None, None) => Whom::Caller(Box::new(described(caller, None))),
            };
            policy::who_can(&configured.config, &whom, operation.as_deref(), at.as_deref(), format)
        }
        Policy::Diff { configured, old, new, at } => {
            policy::diff(&configured.config, &old, &new, at.as_deref(), format)
        }
        Policy::Backtest { configured, new, data, since } => {
            policy::backtest(&configured.config, &new, &data, since.as_deref(), format)
        }
    }
}

fn asking(gateway: Gateway, format: Format) -> Asking {
    Asking { admin: gateway.admin, token_file: gateway.token_file, format }
}

fn described(caller: Caller, call: Option<Call>) -> Described {
    let Caller { issuer, subject, groups, claims } = caller;
    let who = Described { issuer, subject, groups, claims, ..Described::default() };
    let Some(Call { roles, operation, model, datasets, parameters, matched, found, approved, at }) = call else {
        return who;
    };
    Described { roles, operation, model, datasets, parameters, matched, found, approved, at, ..who }
}
