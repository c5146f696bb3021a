//! E-mail by SMTP: one message with a plain and an HTML part, over TLS.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gatewright_model::{NotificationId, Timestamp};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use maud::{Markup, html};

use crate::{Lookup, Message, Undelivered};

/// How long one step of a conversation with a mail server may take.
const STEP: Duration = Duration::from_secs(8);

/// Mailboxes, and the server that takes their mail.
#[derive(Clone)]
pub struct Email {
    /// The server's name, by which its certificate must know it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub privacy: Privacy,
    /// Who sends, where the server asks.
    pub login: Option<(String, Lookup)>,
    /// From whom.
    pub from: Address,
    /// To whom.
    pub to: Vec<Address>,
}

/// How a mail server is spoken to.
#[derive(Clone)]
pub enum Privacy {
    /// In the clear; for a server on this machine.
    Plain,
    /// Over TLS after a greeting in the clear, and not at all without.
    StartTls(Trust),
    /// Over TLS from the first byte.
    Tls(Trust),
}

/// Who may vouch for a mail server.
#[derive(Clone)]
pub enum Trust {
    /// The machine's authorities.
    System,
    /// Those of this PEM text and no others.
    Only(Arc<[u8]>),
}

/// A mailbox, as `name@example.com` or `Name <name@example.com>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Mailbox);

/// A text that is no mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a mailbox such as approvals@example.com")]
pub struct BadAddress;

impl std::str::FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        // Nothing that could end a line of a header, whatever the parser behind makes of it.
        if text.chars().any(char::is_control) {
            return Err(BadAddress);
        }
        text.parse().map(Self).map_err(|_| BadAddress)
    }
}

impl Email {
    pub(crate) async fn send(&self, message: &Message, id: NotificationId, now: Timestamp) -> Result<(), Undelivered> {
        let mail = self.mail(message, id, now)?;
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.host.as_str())
            .port(self.port)
            .tls(self.tls()?)
            .timeout(Some(STEP));
        if let Some((user, password)) = &self.login {
            let password = password().map_err(Undelivered::because)?;
            server = server.credentials(Credentials::new(user.clone(), password.expose().clone()));
        }
        // Not the error's own words: they repeat what the server said.
        server.build().send(mail).await.map(drop).map_err(|error| {
            Undelivered::because(match error.status() {
                Some(code) => format!("the mail server answered {code}"),
                None if error.is_tls() => "the mail server's TLS cannot be trusted".to_owned(),
                None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
                None if error.is_client() => "the mail server does not offer what is asked of it".to_owned(),
                None => "the mail server cannot be reached".to_owned(),
            })
        })
    }

    fn tls(&self) -> Result<Tls, Undelivered> {
        let parameters = |trust: &Trust| {
            let builder = TlsParameters::builder(self.host.clone());
            let builder = match trust {
                Trust::System => builder,
                Trust::Only(pem) => {
                    builder.certificate_store(CertificateStore::None).add_root_certificate(Certificate::from_pem(pem)?)
                }
            };
            builder.build_rustls()
        };
        let tls = match &self.privacy {
            Privacy::Plain => Ok(Tls::None),
            Privacy::StartTls(trust) => parameters(trust).map(Tls::Required),
            Privacy::Tls(trust) => parameters(trust).map(Tls::Wrapper),
        };
        tls.map_err(|_| Undelivered::because("the authorities for the mail server cannot be used"))
    }

    /// The mail. Headers are encoded by the library (RFC 2047), and no text that reaches them has a line end.
    pub(crate) fn mail(
        &self,
        message: &Message,
        id: NotificationId,
        now: Timestamp,
    ) -> Result<lettre::Message, Undelivered> {
        let domain = self.from.0.email.domain();
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let mut mail = lettre::Message::builder()
            .from(self.from.0.clone())
            .subject(format!("{}: {}", message.title, message.rule))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(now.seconds()))
            // The same at every attempt, so that a mailbox which has it can tell.
            .message_id(Some(format!("<{id}@{domain}>")))
            .raw_header(automatic);
        for to in &self.to {
            mail = mail.to(to.0.clone());
        }
        let parts = MultiPart::alternative_plain_html(plain(message), page(message).into_string());
        mail.multipart(parts).map_err(|_| Undelivered::because("the mail cannot be written"))
    }
}

fn plain(message: &Message) -> String {
    let mut text = format!("{}\n\n", message.title);
    for (words, value) in &message.facts {
        text.push_str(&format!("{words}: {value}\n"));
    }
    if let Some(excerpt) = &message.excerpt {
        // Each line is marked, so that no line of the prompt looks like one of ours.
        let quoted: String = excerpt.split('\n').map(|line| format!("> {line}\n")).collect();
        text.push_str(&format!("\n{quoted}"));
    }
    text.push_str(&format!("\nOpen in Gatewright: {}\n", message.link));
    text
}

fn page(message: &Message) -> Markup {
    html! {
        p { strong { (message.title) } }
        table {
            @for (words, value) in &message.facts {
                tr { th align="left" { (words) } td { (value) } }
            }
        }
        @if let Some(excerpt) = &message.excerpt { blockquote { pre { (excerpt) } } }
        p { a href=(message.link) { "Open in Gatewright" } }
    }
}

#[cfg(test)]
mod tests {
    use gatewright_model::Occasion;

    use super::*;
    use crate::Show;
    use crate::message::tests::of_hostile;

    fn email() -> Email {
        let address = |text: &str| text.parse().expect("an address");
        Email {
            host: "smtp.example.com".to_owned(),
            port: 587,
            privacy: Privacy::StartTls(Trust::System),
            login: None,
            from: address("Gatewright <gatewright@example.com>"),
            to: vec![address("approvers@example.com")],
        }
    }

    #[test]
    fn nothing_that_anybody_wrote_becomes_a_header() {
        let id = NotificationId::from_bytes([7; 16]);
        let message = of_hostile(Occasion::Decided, Show::Excerpt);
        let mail = email().mail(&message, id, Timestamp::from_seconds(1_800_000_000)).expect("a mail");
        let text = String::from_utf8(mail.formatted()).expect("mail is ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(|line| line.split(':').next())
            .collect();
        for name in &names {
            let known =
                ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"];
            assert!(known.contains(name), "{name} in {head}");
        }
        assert_eq!(names.iter().filter(|name| **name == "To").count(), 1);
        assert!(head.contains(&format!("Message-ID: <{id}@example.com>")), "{head}");
        assert_eq!(mail.envelope().to().len(), 1);
        assert!(!body.contains('\u{202e}'), "{body}");
    }

    #[test]
    fn html_is_text() {
        let page = page(&of_hostile(Occasion::Asked, Show::Excerpt)).into_string();
        assert!(page.contains("&lt;!channel&gt;&lt;b&gt;") && !page.contains("<b>") && !page.contains("<!channel>"));
        let plain = plain(&of_hostile(Occasion::Asked, Show::Excerpt));
        assert!(!plain.lines().any(|line| line.starts_with("Bcc:")), "{plain}");
    }

    #[test]
    fn a_mailbox_has_no_line_ends() {
        for bad in ["", "a", "a@", "a@example.com\r\nBcc: b@example.com", "a@example.com\n", "A\r\n <a@example.com>"] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
        assert!("Großer Verteiler <a@example.com>".parse::<Address>().is_ok());
    }
}
