use std::sync::Arc;

use gatewright_notify::email::{Email, Privacy, Trust};
use gatewright_notify::slack::{Deciders, Slack};
use gatewright_notify::teams::Teams;
use gatewright_notify::webhook::{Keys, Webhook};
use gatewright_notify::{Channel, Lookup, Medium};
use gatewright_upstream::lend::Reference;

use crate::config::channels::{self as written, Tls};
use crate::config::{Ready, secrets};
use crate::start_fault::StartFault;

/// The channels of a configuration, with their secrets at hand.
pub(crate) fn channels(ready: &Ready) -> Result<Vec<Channel>, StartFault> {
    let channel = |(name, written): (&String, &written::Channel)| {
        let medium = medium(&written.medium);
        let medium = medium.map_err(|why| StartFault::Channel { channel: name.clone(), why })?;
        Ok(Channel {
            name: name.as_str().into(),
            occasions: written.occasions.clone(),
            policies: written.policies.clone(),
            show: written.show,
            give_up: written.give_up,
            medium,
        })
    };
    ready.notifications.iter().map(channel).collect()
}

fn medium(written: &written::Medium) -> Result<Medium, String> {
    Ok(match written {
        written::Medium::Webhook { url, secrets } => {
            let secrets: Vec<Lookup> = secrets.iter().map(lookup).collect::<Result<_, _>>()?;
            // Said now rather than at the first notification.
            let now: Vec<_> = secrets.iter().map(|lookup| lookup()).collect::<Result<_, String>>()?;
            Keys::new(now.iter().map(|secret| &**secret)).map_err(|bad| bad.to_string())?;
            Medium::Webhook(Webhook { url: url.clone(), secrets })
        }
        written::Medium::Slack { api, token, channel, deciders } => {
            let deciders = match deciders {
                Some(deciders) => Some(Arc::new(Deciders {
                    secret: lookup(&deciders.secret)?,
                    team: deciders.team.clone(),
                    members: deciders.members.clone(),
                })),
                None => None,
            };
            Medium::Slack(Slack { api: api.clone(), token: lookup(token)?, channel: channel.clone(), deciders })
        }
        written::Medium::Teams { url } => Medium::Teams(Teams { url: lookup(url)? }),
        written::Medium::Email(email) => Medium::Email(mail(email)?),
    })
}

fn mail(written: &written::Email) -> Result<Email, String> {
    let trust = match &written.ca {
        Some(file) => Trust::Only(std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?.into()),
        None => Trust::System,
    };
    let login = match &written.login {
        Some((user, password)) => Some((user.clone(), lookup(password)?)),
        None => None,
    };
    Ok(Email {
        host: written.host.clone(),
        port: written.port,
        privacy: match written.tls {
            Tls::Starttls => Privacy::StartTls(trust),
            Tls::Wrapped => Privacy::Tls(trust),
            Tls::None => Privacy::Plain,
        },
        login,
        from: written.from.clone(),
        to: written.to.clone(),
    })
}

/// A file that was replaced counts at the next notification.
fn lookup(reference: &Reference) -> Result<Lookup, String> {
    let lender = secrets::open(reference).map_err(|why| why.to_string())?;
    Ok(Arc::new(move || lender.lend().map_err(|why| why.to_string())))
}
