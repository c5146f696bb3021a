use std::fs::File;
use std::time::Duration;

use gatewright_dial::Dial;
use gatewright_model::{Clock, Secret, Timestamp};

use super::{LoginFault, TokenFile, Tokens, tokens};
use crate::oidc::Discovery;

/// A token that ends sooner than this is refreshed, so that what is printed can still be used.
const SOON: Duration = Duration::from_secs(120);
/// How long another process's refresh is waited for, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// The token of the sign-in in this file, refreshed and saved where it is about to end.
///
/// A refresh that fails gives the old token as long as that is good.
///
/// # Errors
/// Nobody is signed in, or the sign-in has ended.
pub async fn fresh_token(file: &TokenFile, dial: &Dial, clock: &dyn Clock) -> Result<Secret<String>, LoginFault> {
    let tokens = file.load()?;
    if !ends_within(&tokens, SOON, clock.now()) {
        return Ok(tokens.token);
    }
    let lock = lock(file).await?;
    // Another process may have refreshed it while this one waited.
    let tokens = file.load()?;
    if !ends_within(&tokens, SOON, clock.now()) {
        return Ok(tokens.token);
    }
    let still_good = !ends_within(&tokens, Duration::ZERO, clock.now());
    let Tokens { issuer, client, token, refresh, .. } = tokens;
    let outcome = match refresh {
        Some(refresh) => renew(&issuer, &client, refresh, dial, clock).await,
        None => Err(LoginFault::Ended),
    };
    let outcome = outcome.and_then(|new| file.save(&new).map(|()| new.token));
    drop(lock);
    match outcome {
        Err(_) if still_good => Ok(token),
        outcome => outcome,
    }
}

fn ends_within(tokens: &Tokens, time: Duration, now: Timestamp) -> bool {
    tokens.expires <= now.plus(time)
}

async fn lock(file: &TokenFile) -> Result<File, LoginFault> {
    let waiting = async {
        loop {
            match file.try_lock()? {
                Some(lock) => return Ok(lock),
                None => tokio::time::sleep(LOOK).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| Err(LoginFault::Busy(file.path())))
}

/// RFC 6749, section 6.
async fn renew(
    issuer: &str,
    client: &str,
    refresh: Secret<String>,
    dial: &Dial,
    clock: &dyn Clock,
) -> Result<Tokens, LoginFault> {
    let discovery = Discovery::fetch(dial, issuer).await.map_err(LoginFault::Provider)?;
    let endpoint = discovery.endpoint("token_endpoint").map_err(LoginFault::Provider)?;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose().as_str()), ("client_id", client)];
    match tokens::ask(dial, endpoint, &fields).await {
        Ok(answer) => answer.or_refresh(refresh).into_tokens(issuer, client, clock.now()),
        Err(LoginFault::Refused(word)) if word == "invalid_grant" => Err(LoginFault::Ended),
        Err(fault) => Err(fault),
    }
}
