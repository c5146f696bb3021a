//! `gatewright`: the one binary. It reads what was typed and hands it to the server crate; it decides nothing itself.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's answer is what it prints")]

mod access;
mod approvals;
mod notifications;
mod policy;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gatewright_server::commands::mask::{Cut, Form, Shown};
use gatewright_server::commands::{self, Format, Outcome};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An identity-aware gateway for AI models: who asks, what they may, what must not be seen, and a record of it all.
#[derive(Parser)]
#[command(name = "gatewright", version, disable_help_subcommand = true, arg_required_else_help = true)]
struct Typed {
    /// Text for people or JSON for programs.
    #[arg(short = 'o', long = "output", value_enum, default_value_t = Output::Text, global = true)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Text,
    Json,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a process's life")]
enum Command {
    /// Run everything on this machine with nothing to configure: a demo identity provider, a demo model, a gateway.
    Quickstart(Quickstart),
    /// Run the gateway of a configuration.
    Serve {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Look at configurations.
    #[command(subcommand, arg_required_else_help = true)]
    Config(Config),
    /// Sign in through the browser; the token is kept for `gatewright token`.
    Login {
        /// The identity provider's URL.
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8082")]
        issuer: String,
        /// The client that this command signs in as there.
        #[arg(long, value_name = "ID", default_value = "gatewright-cli")]
        client: String,
        /// Print the address to open, and open no browser.
        #[arg(long)]
        no_browser: bool,
    },
    /// Print the identity token of whoever signed in, renewed where needed: what an SDK takes as its API key.
    Token,
    /// Forget the token.
    Logout,
    /// Look at calls that wait for a person, and decide them.
    #[command(subcommand, arg_required_else_help = true)]
    Approvals(approvals::Approvals),
    /// Ask for a role for a time, decide who gets one, and end it.
    #[command(subcommand, arg_required_else_help = true)]
    Access(access::Access),
    /// Look at what people were told of approvals.
    #[command(subcommand, arg_required_else_help = true)]
    Notifications(notifications::Notifications),
    /// Look at recorded sessions.
    #[command(subcommand, arg_required_else_help = true)]
    Sessions(Sessions),
    /// Give records to other systems.
    #[command(subcommand, arg_required_else_help = true)]
    Records(Records),
    /// Look at the append-only log.
    #[command(subcommand, arg_required_else_help = true)]
    Ledger(Ledger),
    /// Look at the receipts that callers are given.
    #[command(subcommand, arg_required_else_help = true)]
    Receipt(Receipt),
    /// Cosign the registers of gateways, on a machine that their operator does not hold (C2SP tlog-witness).
    Witness {
        /// Where gateways connect.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
        /// The folder of the witness's key and of what it has seen.
        #[arg(long, value_name = "DIR", default_value = "./gatewright-witness")]
        data: PathBuf,
        /// The witness's name, for its key when that is made.
        #[arg(long, default_value = "witness")]
        name: String,
        /// The public root key of a deployment, or the key of one log, or a file that holds it.
        #[arg(long = "log", value_name = "KEY", required = true)]
        logs: Vec<String>,
        /// A certificate chain, for HTTPS.
        #[arg(long, value_name = "FILE", requires = "key")]
        certificate: Option<PathBuf>,
        /// The certificate's private key.
        #[arg(long, value_name = "FILE", requires = "certificate")]
        key: Option<PathBuf>,
    },
    /// Mask text from standard input.
    Mask(Mask),
    /// Check, test, explain and compare role catalogues, offline.
    #[command(subcommand, arg_required_else_help = true)]
    Policy(policy::Policy),
}

#[derive(Args)]
struct Quickstart {
    /// Where callers connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where operators connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    admin: SocketAddr,
    /// The folder of everything that is kept.
    #[arg(long, value_name = "DIR", default_value = "./gatewright-data")]
    data: PathBuf,
    /// A real OpenAI-style model server to stand before, in place of the demo model.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Where that server's credential lies: env:NAME or file:/path.
    #[arg(long, value_name = "REFERENCE", requires = "upstream")]
    upstream_key: Option<String>,
    /// Print one line of JSON for scripts, once ready.
    #[arg(long)]
    json: bool,
    /// Write the configuration and the catalogue that the quickstart runs into this folder, and stop.
    #[arg(long, value_name = "DIR")]
    eject: Option<PathBuf>,
}

#[derive(Args)]
struct Mask {
    /// Take the input for rows {"id","text"}, one a line; otherwise the first line decides.
    #[arg(long, conflicts_with = "text")]
    jsonl: bool,
    /// Take the input for one text, whatever it looks like.
    #[arg(long)]
    text: bool,
    /// Print where values are, as rows {"id","spans","unit"}, instead of masking them.
    #[arg(long)]
    spans: bool,
    /// The names of types that are printed.
    #[arg(long, value_enum, default_value_t = Types::Presidio)]
    types: Types,
    /// Feed the text as a stream, in pieces of N bytes or of random length.
    #[arg(long, value_name = "N|random:SEED")]
    cut: Option<Cut>,
    /// Add the detectors of this catalogue.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Types {
    /// As policies name them.
    Presidio,
    /// As the masking corpus names them.
    Corpus,
}

#[derive(Subcommand)]
enum Config {
    /// Say everything that is wrong with a configuration and its catalogue, with line and column.
    Check {
        /// The configuration file.
        file: PathBuf,
    },
}

#[derive(Args)]
struct Data {
    /// The gateway's data folder, or a copy of it.
    #[arg(long, value_name = "DIR", default_value = "./gatewright-data")]
    data: PathBuf,
}

#[derive(Subcommand)]
enum Sessions {
    /// The sessions, newest first.
    List {
        #[command(flatten)]
        data: Data,
        /// The most that are listed.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only those of this caller, as lists have it: `alice@corp`.
        #[arg(long, value_name = "SUBJECT@ISSUER")]
        caller: Option<String>,
    },
    /// What happens in sessions from now on: a line whenever a call begins or ends.
    Tail {
        #[command(flatten)]
        data: Data,
    },
    /// Every call of a session: who, what, the decision and its rules, what was masked.
    Show {
        /// The session, or `last`.
        session: String,
        #[command(flatten)]
        data: Data,
    },
    /// A session's calls as they were given, with the original timing.
    Replay {
        /// The session, or `last`.
        session: String,
        #[command(flatten)]
        data: Data,
        /// How many times faster than it happened; 0 waits for nothing.
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
    },
}

#[derive(Subcommand)]
enum Records {
    /// Every record as a line of JSON, from a cursor: at least once, and no call waits for it.
    Export {
        #[command(flatten)]
        data: Data,
        /// The form of a line.
        #[arg(long, value_enum, default_value_t = LineForm::Ocsf)]
        format: LineForm,
        /// The file that says how far it came; without it everything is written.
        #[arg(long, value_name = "FILE")]
        cursor: Option<PathBuf>,
        /// Go on with the records to come.
        #[arg(long)]
        follow: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum LineForm {
    /// Open Cybersecurity Schema Framework, API Activity.
    Ocsf,
    /// As `sessions show -o json` has it.
    Plain,
}

#[derive(Args)]
struct Trusting {
    #[command(flatten)]
    data: Data,
    /// The public root key to trust, or a file that holds it, in place of the one beside the log.
    #[arg(long, value_name = "KEY")]
    trust: Option<String>,
}

#[derive(Subcommand)]
enum Ledger {
    /// Check every record, offline. Exit code 0 only when everything holds.
    Verify {
        #[command(flatten)]
        of: Trusting,
        /// A checkpoint or a receipt that was kept elsewhere, or a file that holds it. Can be given several times.
        #[arg(long, value_name = "CHECKPOINT|RECEIPT")]
        since: Vec<String>,
        /// A bucket in the folder's place; the access key is taken from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
        #[arg(long, value_name = "s3://NAME/PREFIX", conflicts_with = "data")]
        bucket: Option<String>,
        /// The URL of the bucket's API, where it is not AWS.
        #[arg(long, value_name = "URL", requires = "bucket")]
        endpoint: Option<String>,
        /// The region that requests to the bucket are signed for.
        #[arg(long, value_name = "NAME", default_value = "us-east-1")]
        region: String,
        /// A policy file: which witnesses must have cosigned.
        #[arg(long, value_name = "FILE")]
        witnesses: Option<PathBuf>,
        /// How many hours ago they must have at most.
        #[arg(long, value_name = "HOURS", default_value_t = 24, requires = "witnesses")]
        max_age: u64,
    },
    /// Prove to somebody else that a record is in its log (C2SP tlog-proof).
    Prove {
        /// A record's number, a call's id, or a receipt.
        record: String,
        #[command(flatten)]
        of: Trusting,
    },
    /// Write every log as tiles, checkpoints and entries that standard tools read (C2SP tlog-tiles).
    Export {
        /// The folder to write into.
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
        #[command(flatten)]
        of: Trusting,
    },
    /// Build the index of sessions anew from the log, whatever it held.
    Reindex {
        #[command(flatten)]
        data: Data,
    },
    /// Print the checkpoint to keep elsewhere: it vouches for everything recorded so far.
    Checkpoint {
        #[command(flatten)]
        of: Trusting,
    },
}

#[derive(Subcommand)]
enum Receipt {
    /// Check the receipt that came with an answer, and, with --data, that the log keeps its promise.
    Verify {
        /// The receipt, or a file that holds it.
        receipt: String,
        /// The public root key to trust, or a file that holds it.
        #[arg(long, value_name = "KEY")]
        trust: Option<String>,
        /// The data folder, or a copy of it.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let typed = match Typed::try_parse() {
        Ok(typed) => typed,
        Err(error) => {
            let _ = error.print();
            // clap's own code for help and version is 0, and for a wrong command line 2, which is ours too.
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let format = match typed.output {
        Output::Text => Format::Text,
        Output::Json => Format::Json,
    };
    run(typed.command, format).into()
}

fn run(command: Command, format: Format) -> Outcome {
    match command {
        Command::Quickstart(typed) => commands::quickstart::run(commands::quickstart::Wanted {
            listen: typed.listen,
            admin: typed.admin,
            data: typed.data,
            upstream: typed.upstream,
            upstream_key: typed.upstream_key,
            json: typed.json || matches!(format, Format::Json),
            eject: typed.eject,
        }),
        Command::Serve { config } => commands::serve::run(&config),
        Command::Config(Config::Check { file }) => commands::config::check(&file, format),
        Command::Login { issuer, client, no_browser } => commands::login::login(&issuer, &client, no_browser, format),
        Command::Token => commands::login::token(format),
        Command::Logout => commands::login::logout(format),
        Command::Sessions(Sessions::List { data, limit, caller }) => {
            commands::sessions::list(&data.data, limit, caller.as_deref(), format)
        }
        Command::Sessions(Sessions::Tail { data }) => commands::tail::tail(&data.data, format),
        Command::Sessions(Sessions::Show { session, data }) => commands::sessions::show(&data.data, &session, format),
        Command::Sessions(Sessions::Replay { session, data, speed }) => {
            commands::sessions::replay(&data.data, &session, speed, format)
        }
        Command::Records(Records::Export { data, format, cursor, follow }) => {
            use commands::records::{Form, Then, Wanted};
            let form = match format {
                LineForm::Ocsf => Form::Ocsf,
                LineForm::Plain => Form::Plain,
            };
            let then = if follow { Then::Follow } else { Then::End };
            commands::records::export(&Wanted { data: data.data, form, cursor, then })
        }
        Command::Ledger(typed) => ledger(typed, format),
        Command::Witness { listen, data, name, logs, certificate, key } => {
            let tls = certificate.zip(key);
            commands::witness::run(commands::witness::Wanted { listen, data, name, logs, tls, format })
        }
        Command::Receipt(Receipt::Verify { receipt, trust, data }) => {
            commands::ledger::verify_receipt(&receipt, trust.as_deref(), data.as_deref(), format)
        }
        Command::Approvals(typed) => approvals::run(typed, format),
        Command::Access(typed) => access::run(typed, format),
        Command::Notifications(typed) => notifications::run(typed, format),
        Command::Policy(typed) => policy::run(typed, format),
        Command::Mask(typed) => commands::mask::run(&commands::mask::Wanted {
            form: match (typed.jsonl, typed.text) {
                (true, _) => Form::Rows,
                (false, true) => Form::Text,
                (false, false) => Form::Guessed,
            },
            shown: if typed.spans { Shown::Spans } else { Shown::Masked },
            types: match typed.types {
                Types::Presidio => commands::mask::Types::Presidio,
                Types::Corpus => commands::mask::Types::Corpus,
            },
            cut: typed.cut.unwrap_or(Cut::Whole),
            rules: typed.rules,
            format,
        }),
    }
}

fn ledger(command: Ledger, format: Format) -> Outcome {
    match command {
        Ledger::Verify { of, since, bucket, endpoint, region, witnesses, max_age } => {
            let wanted = commands::ledger::Wanted {
                data: &of.data.data,
                bucket: bucket.as_deref().map(|url| commands::ledger::InBucket {
                    url,
                    endpoint: endpoint.as_deref(),
                    region: &region,
                }),
                trust: of.trust.as_deref(),
                since: &since,
                witnesses: witnesses.as_deref(),
                max_age: std::time::Duration::from_secs(max_age.saturating_mul(3_600)),
            };
            commands::ledger::verify(wanted, format)
        }
        Ledger::Reindex { data } => commands::ledger::reindex(&data.data, format),
        Ledger::Prove { record, of } => commands::ledger::prove(&of.data.data, of.trust.as_deref(), &record, format),
        Ledger::Export { into, of } => commands::ledger::export(&of.data.data, of.trust.as_deref(), &into, format),
        Ledger::Checkpoint { of } => commands::ledger::checkpoint(&of.data.data, of.trust.as_deref(), format),
    }
}
