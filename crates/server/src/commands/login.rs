//! `gatewright login`, `token` and `logout`

use std::path::PathBuf;
use std::sync::Arc;

use gatewright_dial::{Dial, Roots};
use gatewright_identity::login::{LoginFault, SignIn, TokenFile, fresh_token, start};
use serde_json::json;

use super::{Format, Outcome, answer, complain};
use crate::run::on_runtime;
use crate::system::{SystemClock, SystemEntropy};

/// Signs in through the browser and keeps the tokens.
pub fn login(issuer: &str, client: &str, no_browser: bool, format: Format) -> Outcome {
    let (issuer, client) = (issuer.to_owned(), client.to_owned());
    on_runtime(async move {
        let signing_in = async {
            let dial = dial()?;
            let file = token_file()?;
            let what = SignIn::new(issuer, client);
            let login = start(what, dial, Arc::new(SystemClock), &SystemEntropy).await?;
            // Standard error, so that a program which reads the answer is not given the invitation.
            invite(login.url(), no_browser);
            let tokens = login.finish().await?;
            file.save(&tokens)?;
            Ok::<PathBuf, LoginFault>(file.path())
        };
        match signing_in.await {
            Ok(path) => {
                let path = path.display().to_string();
                match format {
                    Format::Json => answer(&format!("{}\n", json!({ "token_file": path }))),
                    Format::Text => answer(&format!(
                        "Signed in. The token is kept in {path}; `gatewright token` prints it, for an SDK's api_key.\n"
                    )),
                }
                Outcome::Holds
            }
            Err(fault) => complain(outcome(&fault), &fault),
        }
    })
}

/// Prints the token, renewed where it is about to expire.
pub fn token(format: Format) -> Outcome {
    if let Some(token) = given_token() {
        return print(&token, format);
    }
    on_runtime(async move {
        let fresh = async { fresh_token(&token_file()?, &dial()?, &SystemClock).await };
        match fresh.await {
            Ok(token) => print(token.expose(), format),
            Err(fault) => complain(outcome(&fault), &fault),
        }
    })
}

/// The token of whoever runs this command: the given one, or that of whoever signed in.
pub(super) async fn standing_token(dial: &Dial, clock: &SystemClock) -> Result<String, Outcome> {
    if let Some(token) = given_token() {
        return Ok(token);
    }
    let fresh = async { fresh_token(&token_file()?, dial, clock).await };
    match fresh.await {
        Ok(token) => Ok(token.expose().to_owned()),
        Err(fault) => Err(complain(outcome(&fault), &fault)),
    }
}

/// Forgets the tokens.
pub fn logout(format: Format) -> Outcome {
    match token_file().and_then(|file| file.remove()) {
        Ok(was) => {
            match format {
                Format::Json => answer(&format!("{}\n", json!({ "was_signed_in": was }))),
                Format::Text if was => answer("Signed out.\n"),
                Format::Text => answer("Nobody was signed in.\n"),
            }
            Outcome::Holds
        }
        Err(fault) => complain(outcome(&fault), &fault),
    }
}

fn print(token: &str, format: Format) -> Outcome {
    match format {
        Format::Json => answer(&format!("{}\n", json!({ "token": token }))),
        Format::Text => answer(&format!("{token}\n")),
    }
    Outcome::Holds
}

/// The token of a workload that has one already.
fn given_token() -> Option<String> {
    std::env::var("GATEWRIGHT_TOKEN").ok().map(|token| token.trim().to_owned()).filter(|token| !token.is_empty())
}

fn outcome(fault: &LoginFault) -> Outcome {
    match fault {
        LoginFault::Provider(_) | LoginFault::Listener(_) | LoginFault::TimedOut(_) => Outcome::Unreachable,
        LoginFault::Refused(_)
        | LoginFault::BadAnswer(_)
        | LoginFault::Unasked
        | LoginFault::NotSignedIn
        | LoginFault::Ended => Outcome::Finding,
        LoginFault::File { .. } | LoginFault::Exposed(_) | LoginFault::Unreadable(_) | LoginFault::Busy(_) => {
            Outcome::Internal
        }
    }
}

fn dial() -> Result<Dial, LoginFault> {
    Dial::new(&Roots::System).map_err(|fault| LoginFault::Provider(fault.to_string()))
}

/// The folder of the person's own configuration: `$XDG_CONFIG_HOME/gatewright`, else `~/.config/gatewright`.
fn token_file() -> Result<TokenFile, LoginFault> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    match folder {
        Some(folder) => Ok(TokenFile::in_folder(folder.join("gatewright"))),
        None => Err(LoginFault::File {
            path: PathBuf::from("gatewright"),
            fault: std::io::Error::other("neither XDG_CONFIG_HOME nor HOME is set"),
        }),
    }
}

#[allow(clippy::print_stderr, reason = "an invitation to a person at a terminal")]
fn invite(url: &str, no_browser: bool) {
    eprintln!("To sign in, open this address in a browser on this machine:\n\n  {url}\n");
    if no_browser {
        return;
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    // A machine without a browser has no opener either; the address above is enough.
    let _ = std::process::Command::new(opener).arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
}
