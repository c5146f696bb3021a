//! `gatewright approvals …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatewright_api::{Choice, Narrow};
use gatewright_server::commands::approvals::{self, Asking, Shown, Wanted};
use gatewright_server::commands::{Format, Outcome};

#[derive(Subcommand)]
pub(crate) enum Approvals {
    /// The approvals that you may see, the latest first.
    List {
        /// Only those in this state: pending, approved, denied, expired, used or revoked.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// One approval: who asks, what would run, and why it is held.
    Show {
        /// The approval's id.
        id: String,
        /// The prompt as it was sent, for those who may; recorded.
        #[arg(long)]
        original: bool,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Let it go ahead.
    Approve {
        /// The approval's id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        /// With an answer of at most so many tokens.
        #[arg(long, value_name = "N")]
        max_tokens: Option<u64>,
        /// For so many seconds only.
        #[arg(long, value_name = "SECONDS")]
        valid: Option<u64>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Do not let it go ahead; the caller is told the reason.
    Deny {
        /// The approval's id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Take back what was approved, as far as it is not used.
    Revoke {
        /// The approval's id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Tell what happens to approvals, until interrupted.
    Watch {
        #[command(flatten)]
        gateway: Gateway,
    },
}

#[derive(Args)]
pub(crate) struct Gateway {
    /// The URL of the gateway's admin side.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    pub(crate) admin: String,
    /// The file with your identity token; without it GATEWRIGHT_TOKEN counts, then the stored login.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

pub(crate) fn run(typed: Approvals, format: Format) -> Outcome {
    let decide = |id, choice, reason, narrow| Wanted::Decide { id, choice, reason, narrow };
    let (gateway, wanted) = match typed {
        Approvals::List { state, gateway } => (gateway, Wanted::List(state)),
        Approvals::Show { id, original, gateway } => {
            let original = if original { Shown::Original } else { Shown::Masked };
            (gateway, Wanted::Show { id, original })
        }
        Approvals::Approve { id, reason, max_tokens, valid, gateway } => {
            (gateway, decide(id, Choice::Approve, reason, Narrow { max_tokens, for_s: valid }))
        }
        Approvals::Deny { id, reason, gateway } => (gateway, decide(id, Choice::Deny, reason, Narrow::default())),
        Approvals::Revoke { id, reason, gateway } => (gateway, decide(id, Choice::Revoke, reason, Narrow::default())),
        Approvals::Watch { gateway } => (gateway, Wanted::Watch),
    };
    approvals::run(gateway.asking(format), wanted)
}

impl Gateway {
    pub(crate) fn asking(self, format: Format) -> Asking {
        Asking { admin: self.admin, token_file: self.token_file, format }
    }
}
