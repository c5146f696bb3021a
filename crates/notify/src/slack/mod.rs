//! Slack: a message with buttons, and what Slack says when one of them is pressed.
//!
//! A button says who pressed it, and no more. Whether that somebody may decide is for whoever decides approvals: here are
//! only the signature ([`Signing`]), the words of what was pressed ([`Pressed`]) and the people whom the configuration knows
//! ([`Member`]).

mod api;
mod message;
mod pressed;
mod signing;

pub use message::{Buttons, closed, message};
pub use pressed::{Pressed, Strange};
pub use signing::{Signing, Unbelieved};

use std::sync::Arc;

use gatewright_dial::Dial;
use gatewright_model::IssuerName;

use crate::{Lookup, Message, Undelivered};

/// A channel of Slack, written to by a bot.
#[derive(Clone)]
pub struct Slack {
    /// Where Slack's API is.
    pub api: String,
    /// The bot's token.
    pub token: Lookup,
    /// The channel's id.
    pub channel: String,
    /// Whose buttons count; without it a message has a link alone.
    pub deciders: Option<Arc<Deciders>>,
}

/// Whose buttons count.
pub struct Deciders {
    /// What Slack signs with.
    pub secret: Lookup,
    /// The workspace's id. A channel may be shared with another one, whose people are none of ours.
    pub team: String,
    /// Who is whom.
    pub members: Vec<Member>,
}

/// Somebody in Slack, and who that is to the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// How Slack knows them.
    pub known: Known,
    /// Who vouches for them.
    pub issuer: IssuerName,
    /// The issuer's key for them.
    pub subject: Arc<str>,
    /// The groups that count for them here.
    pub groups: Vec<Arc<str>>,
}

/// How Slack knows somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// By their id.
    Id(String),
    /// By a mail address that Slack has verified.
    Mail(String),
}

impl Slack {
    pub(crate) async fn send(&self, dial: &Dial, message: &Message) -> Result<(), Undelivered> {
        let buttons = match self.deciders {
            Some(_) => Buttons::Offered,
            None => Buttons::LinkOnly,
        };
        self.call(dial, "chat.postMessage", &self::message(message, &self.channel, buttons)).await.map(drop)
    }

    /// Puts words in the place of a message whose buttons are of no more use.
    ///
    /// # Errors
    /// Where Slack does not take it; nothing hangs on it.
    pub async fn close(&self, dial: &Dial, pressed: &Pressed, words: &str) -> Result<(), Undelivered> {
        self.call(dial, "chat.update", &closed(&pressed.channel, &pressed.message, words)).await.map(drop)
    }

    /// Says something to whoever pressed a button, and to nobody else.
    ///
    /// # Errors
    /// Where Slack does not take it; nothing hangs on it.
    pub async fn tell(&self, dial: &Dial, pressed: &Pressed, words: &str) -> Result<(), Undelivered> {
        let body = message::whisper(&pressed.channel, &pressed.user, words);
        self.call(dial, "chat.postEphemeral", &body).await.map(drop)
    }
}

impl Deciders {
    /// Who pressed it, by the configuration; `None`: nobody whom it knows.
    ///
    /// # Errors
    /// Where Slack has to be asked for an address and does not say.
    pub async fn who(&self, slack: &Slack, dial: &Dial, pressed: &Pressed) -> Result<Option<&Member>, Undelivered> {
        if pressed.team != self.team {
            return Ok(None);
        }
        if let Some(member) = self.members.iter().find(|member| member.known == Known::Id(pressed.user.clone())) {
            return Ok(Some(member));
        }
        if !self.members.iter().any(|member| matches!(member.known, Known::Mail(_))) {
            return Ok(None);
        }
        let Some(mail) = slack.verified_mail(dial, &pressed.user, &self.team).await? else { return Ok(None) };
        let has = |member: &&Member| matches!(&member.known, Known::Mail(known) if known.eq_ignore_ascii_case(&mail));
        Ok(self.members.iter().find(has))
    }
}

#[cfg(test)]
mod tests {
    use gatewright_dial::Roots;
    use gatewright_model::{ApprovalId, Secret};
    use gatewright_store::state::approvals::Choice;

    use super::*;

    fn secret(text: &'static str) -> Lookup {
        let secret = Arc::new(Secret::new(text.to_owned()));
        Arc::new(move || Ok(Arc::clone(&secret)))
    }

    #[tokio::test]
    async fn only_people_of_the_workspace_are_known() {
        let slack = Slack {
            // Nobody is there to be asked.
            api: "http://127.0.0.1:9".to_owned(),
            token: secret("xoxb"),
            channel: "C1".to_owned(),
            deciders: None,
        };
        let carol = Member {
            known: Known::Id("U1".to_owned()),
            issuer: "corp".into(),
            subject: "carol".into(),
            groups: Vec::new(),
        };
        let deciders = Deciders { secret: secret("s"), team: "T1".to_owned(), members: vec![carol.clone()] };
        let dial = Dial::new(&Roots::System).expect("a dial");
        let pressed = |user: &str, team: &str| Pressed {
            user: user.to_owned(),
            team: team.to_owned(),
            choice: Choice::Approve,
            approval: ApprovalId::from_bytes([5; 16]),
            channel: "C1".to_owned(),
            message: "1.1".to_owned(),
        };
        let who = |user, team| {
            let (deciders, slack, dial, pressed) = (&deciders, &slack, &dial, pressed(user, team));
            async move { deciders.who(slack, dial, &pressed).await.map(|member| member.cloned()) }
        };
        assert_eq!(who("U1", "T1").await, Ok(Some(carol)));
        assert_eq!(who("U1", "T2").await, Ok(None), "somebody else's person with the same id");
        assert_eq!(who("U2", "T1").await, Ok(None));
        assert_eq!(who("u1", "T1").await, Ok(None), "ids are compared exactly");
    }
}
