//! `gatewright notifications …` as it is typed.

use clap::Subcommand;
use gatewright_server::commands::approvals::Asking;
use gatewright_server::commands::{Format, Outcome, notifications};

use crate::approvals::Gateway;

#[derive(Subcommand)]
pub(crate) enum Notifications {
    /// What people were told of approvals, and what they could not be told, the latest first.
    List {
        /// Only those in this state: waiting, delivered, failed or moot.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        gateway: Gateway,
    },
}

pub(crate) fn run(typed: Notifications, format: Format) -> Outcome {
    let Notifications::List { state, gateway } = typed;
    notifications::list(Asking { admin: gateway.admin, token_file: gateway.token_file, format }, state)
}
