//! From the ways to people that a configuration writes to those that hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatewright_dial::Dial;
use gatewright_model::{IssuerName, Occasion};
use gatewright_notify::Show;
use gatewright_notify::email::Address;
use gatewright_notify::slack::{Known, Member};
use gatewright_upstream::lend::Reference;

use super::convert::Conversion;
use super::fault::Mark;
use super::raw::Raw;
use super::raw::notifications as raw;
use super::read::At;
use super::ready::Issuer;

/// How long a notification is tried where nothing is said: as long as people have to decide.
const GIVE_UP: Duration = Duration::from_secs(24 * 3_600);

/// Slack's API, where nothing else is said.
const SLACK: &str = "https://slack.com/api";

/// A way to people that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Where it is written.
    pub mark: Mark,
    /// On which occasions it tells.
    pub occasions: BTreeSet<Occasion>,
    /// Of which approval policies; `None`: of all.
    pub policies: Option<BTreeSet<String>>,
    /// How much it shows.
    pub show: Show,
    /// How long a notification is tried.
    pub give_up: Duration,
    /// How it reaches people.
    pub medium: Medium,
}

/// How a channel reaches people, with its secrets as references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Medium {
    /// By signed requests.
    Webhook {
        /// Where to.
        url: String,
        /// What they are signed with.
        secrets: Vec<Reference>,
    },
    /// Through Slack.
    Slack {
        /// Slack's API.
        api: String,
        /// The bot's token.
        token: Reference,
        /// The channel's id.
        channel: String,
        /// Whose buttons count.
        deciders: Option<Deciders>,
    },
    /// Through Microsoft Teams.
    Teams {
        /// The URL of the workflow's webhook.
        url: Reference,
    },
    /// By mail.
    Email(Box<Email>),
}

/// Whose buttons count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deciders {
    /// What Slack signs with.
    pub secret: Reference,
    /// The workspace's id.
    pub team: String,
    /// Who is whom.
    pub members: Vec<Member>,
}

/// Mailboxes and their server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// The server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub tls: Tls,
    /// Authorities of its own.
    pub ca: Option<PathBuf>,
    /// Who sends.
    pub login: Option<(String, Reference)>,
    /// From whom.
    pub from: Address,
    /// To whom.
    pub to: Vec<Address>,
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Over TLS after a greeting.
    Starttls,
    /// Over TLS from the first byte.
    Wrapped,
    /// In the clear, on this machine.
    None,
}

impl Conversion<'_> {
    pub(super) fn channels(&mut self, raw: &Raw, issuers: &BTreeMap<IssuerName, Issuer>) -> BTreeMap<String, Channel> {
        let mut channels = BTreeMap::new();
        for (name, written) in self.named(raw.notifications.as_ref()) {
            if name.value.contains('/') {
                self.faults.add(name.mark, "a channel's name stands in a path and cannot have a `/`");
            }
            if let Some(channel) = self.channel(written, issuers) {
                channels.insert(name.value.clone(), channel);
            }
        }
        channels
    }

    fn channel(&mut self, raw: &raw::Channel, issuers: &BTreeMap<IssuerName, Issuer>) -> Option<Channel> {
        let written = [raw.webhook.is_some(), raw.slack.is_some(), raw.teams.is_some(), raw.email.is_some()];
        if written.iter().filter(|is_written| **is_written).count() != 1 {
            self.faults.add(raw.mark, "a channel is exactly one of `webhook`, `slack`, `teams` and `email`");
            return None;
        }
        let choices = Occasion::ALL.map(|occasion| (occasion.name(), occasion));
        let mut occasions = BTreeSet::new();
        for text in raw.about.iter().flatten() {
            occasions.extend(self.choice(Some(text), &choices));
        }
        if raw.about.is_none() {
            occasions.insert(Occasion::Asked);
        } else if occasions.is_empty() {
            self.faults.add(raw.mark, "`about` names no occasion, so this channel would never tell anything");
        }
        let policies = raw.approvals.as_ref();
        let policies = policies.map(|names| names.iter().map(|name| name.value.clone()).collect());
        let shows = [("summary", Show::Summary), ("excerpt", Show::Excerpt)];
        let show = self.choice(raw.show.as_ref(), &shows).unwrap_or_default();
        let give_up = self.duration(raw.give_up.as_ref(), GIVE_UP);
        let medium = match (&raw.webhook, &raw.slack, &raw.teams, &raw.email) {
            (Some(webhook), ..) => self.webhook(webhook),
            (_, Some(slack), ..) => self.slack(slack, issuers),
            (.., Some(teams), _) => self.teams(teams),
            (.., Some(email)) => self.email(email),
            (None, None, None, None) => None,
        };
        Some(Channel { mark: raw.mark, occasions, policies, show, give_up, medium: medium? })
    }

    fn webhook(&mut self, raw: &raw::Webhook) -> Option<Medium> {
        let url = self.required(raw.url.as_ref(), raw.mark, "url").and_then(|url| self.destination(url));
        let written = self.required(raw.secrets.as_ref(), raw.mark, "secrets")?;
        let secrets: Vec<Reference> = written.iter().filter_map(|text| self.reference(text)).collect();
        if written.is_empty() {
            self.faults.add(raw.mark, "`secrets` is empty: a webhook is always signed");
        }
        Some(Medium::Webhook { url: url?, secrets })
    }

    /// A URL that side requests may reach.
    fn destination(&mut self, text: &At<String>) -> Option<String> {
        if let Err(fault) = Dial::check_url(&text.value) {
            self.faults.add(text.mark, fault.to_string());
            return None;
        }
        Some(text.value.clone())
    }

    fn slack(&mut self, raw: &raw::Slack, issuers: &BTreeMap<IssuerName, Issuer>) -> Option<Medium> {
        let token = self.required(raw.token.as_ref(), raw.mark, "token").and_then(|text| self.reference(text));
        let channel = self.required(raw.channel.as_ref(), raw.mark, "channel").and_then(|text| self.slack_id(text));
        let api = match &raw.api {
            Some(text) => self.destination(text).map(|url| url.trim_end_matches('/').to_owned()),
            None => Some(SLACK.to_owned()),
        };
        let deciders = match &raw.people {
            Some(people) => {
                let secret = self.required(raw.signing_secret.as_ref(), raw.mark, "signing_secret");
                let secret = secret.and_then(|text| self.reference(text));
                let team = self.required(raw.team.as_ref(), raw.mark, "team").and_then(|text| self.slack_id(text));
                Some(Deciders { secret: secret?, team: team?, members: self.members(people, issuers) })
            }
            None => {
                if let Some(written) = raw.signing_secret.as_ref().or(raw.team.as_ref()) {
                    self.faults
                        .add(written.mark, "`signing_secret` and `team` are for buttons, which `people` may press");
                }
                None
            }
        };
        Some(Medium::Slack { api: api?, token: token?, channel: channel?, deciders })
    }

    fn slack_id(&mut self, text: &At<String>) -> Option<String> {
        let fits = (2..=64).contains(&text.value.len())
            && text.value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !fits {
            self.faults.add(text.mark, "expected an id of Slack such as C024BE91L, not a name");
        }
        fits.then(|| text.value.clone())
    }

    fn members(&mut self, people: &[raw::Person], issuers: &BTreeMap<IssuerName, Issuer>) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::new();
        for raw in people {
            let known = match (&raw.slack, &raw.mail) {
                (Some(id), None) => self.slack_id(id).map(Known::Id),
                (None, Some(mail)) => Some(Known::Mail(mail.value.to_ascii_lowercase())),
                _ => {
                    self.faults.add(raw.mark, "somebody is known by either `slack`, an id, or `mail`");
                    None
                }
            };
            let issuer = self.required(raw.issuer.as_ref(), raw.mark, "issuer");
            let subject = self.required(raw.subject.as_ref(), raw.mark, "subject");
            let (Some(known), Some(issuer), Some(subject)) = (known, issuer, subject) else { continue };
            let issuer_name = IssuerName::from(issuer.value.as_str());
            if !issuers.contains_key(&issuer_name) {
                self.faults.add(issuer.mark, "there is no such issuer");
            }
            if members.iter().any(|other| other.known == known) {
                self.faults.add(raw.mark, "this person is there twice");
            }
            let groups = raw.groups.iter().flatten().map(|group| Arc::from(group.value.as_str())).collect();
            members.push(Member { known, issuer: issuer_name, subject: subject.value.as_str().into(), groups });
        }
        members
    }

    fn teams(&mut self, raw: &raw::Teams) -> Option<Medium> {
        let url = self.required(raw.webhook.as_ref(), raw.mark, "webhook").and_then(|text| self.reference(text));
        Some(Medium::Teams { url: url? })
    }

    fn email(&mut self, raw: &raw::Email) -> Option<Medium> {
        let choices = [("starttls", Tls::Starttls), ("tls", Tls::Wrapped), ("none", Tls::None)];
        let tls = self.choice(raw.tls.as_ref(), &choices).unwrap_or(Tls::Starttls);
        let server = self.required(raw.server.as_ref(), raw.mark, "server").and_then(|text| self.server(text, tls));
        let from = self.required(raw.from.as_ref(), raw.mark, "from").and_then(|text| self.mailbox(text));
        let written = self.required(raw.to.as_ref(), raw.mark, "to")?;
        let to: Vec<Address> = written.iter().filter_map(|text| self.mailbox(text)).collect();
        if written.is_empty() {
            self.faults.add(raw.mark, "`to` is empty");
        }
        let ca = raw.ca.as_ref().and_then(|path| self.authorities(path));
        let password = raw.password.as_ref().and_then(|text| self.reference(text));
        let login = match (&raw.user, password) {
            (Some(user), Some(password)) => Some((user.value.clone(), password)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                self.faults.add(raw.mark, "`user` and `password` belong together");
                None
            }
        };
        let (host, port) = server?;
        Some(Medium::Email(Box::new(Email { host, port, tls, ca, login, from: from?, to })))
    }

    /// A mail server's host and port. Mail in the clear stays on this machine.
    fn server(&mut self, text: &At<String>, tls: Tls) -> Option<(String, u16)> {
        let usual = match tls {
            Tls::Starttls => 587,
            Tls::Wrapped => 465,
            Tls::None => 25,
        };
        let (host, port) = match text.value.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)),
            None => (text.value.as_str(), Some(usual)),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let (Some(port), true) = (port, !host.is_empty() && host.bytes().all(plain)) else {
            self.faults.add(text.mark, "expected a mail server such as smtp.example.com or smtp.example.com:587");
            return None;
        };
        let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if tls == Tls::None && !is_here {
            self.faults.add(text.mark, "mail beyond this machine needs `tls: starttls` or `tls: tls`");
        }
        Some((host.to_owned(), port))
    }

    fn mailbox(&mut self, text: &At<String>) -> Option<Address> {
        match text.value.parse() {
            Ok(address) => Some(address),
            Err(bad) => {
                let words: gatewright_notify::email::BadAddress = bad;
                self.faults.add(text.mark, words.to_string());
                None
            }
        }
    }
}
