//! What people are told, in no medium yet.

use gatewright_model::{ApprovalId, Occasion, Timestamp};
use gatewright_store::state::approvals::{Approval, ApprovalState, Choice, Party, Shown, Vote};

use crate::{Show, visible};

/// The longest text of a notification that people or models wrote, in characters. Who decides reads the rest on the page.
pub const LONGEST_TEXT: usize = 600;

/// The longest name.
pub const LONGEST_NAME: usize = 120;

/// How many words of one kind are told: datasets, info types, votes.
const MOST: usize = 10;

/// What people are told of an approval. Every text is masked, safe to look at and bounded: it is made so here, so that no
/// medium can forget to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub(crate) approval: ApprovalId,
    pub(crate) occasion: Occasion,
    pub(crate) state: ApprovalState,
    /// In one line of our own words: what is the matter.
    pub(crate) title: String,
    /// Who asks.
    pub(crate) caller: (String, String),
    /// What it is about, by the words that people are told it by, in the order in which they read it.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The masked prompt's beginning, where the channel shows it.
    pub(crate) excerpt: Option<String>,
    pub(crate) rule: String,
    pub(crate) policy: String,
    pub(crate) model: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
    /// The page where it is decided. Opening it decides nothing.
    pub(crate) link: String,
}

impl Message {
    /// What is to be told of an approval on an occasion. `link` leads to its page.
    pub fn of(approval: &Approval, occasion: Occasion, link: &str, show: Show) -> Self {
        let shown = Shown::from_bytes(&approval.shown).unwrap_or_default();
        let what = what(approval, &shown);
        let caller = (name(approval.caller.issuer.as_str()), name(&approval.caller.subject));
        let rule = name(approval.rule.as_str());
        let reason = approval.reason.as_deref().map(|reason| visible::line(reason, LONGEST_TEXT));
        let title = title(approval, occasion).to_owned();
        let mut facts = vec![("Who", party(&approval.caller)), ("What", what), ("Why held", rule.clone())];
        let mut add = |words: &'static str, value: String| {
            if !value.is_empty() {
                facts.push((words, value));
            }
        };
        add("Data", list(shown.datasets.iter().map(|dataset| name(dataset))));
        add("Masked in it", list(shown.found.iter().map(|(info_type, count)| format!("{count} {}", name(info_type)))));
        add("Their reason", reason.clone().unwrap_or_default());
        match occasion {
            Occasion::Asked => add("Decide until", approval.expires.to_string()),
            Occasion::Decided => add("By", list(approval.votes.iter().map(vote))),
        }
        let excerpt = match show {
            Show::Summary => None,
            Show::Excerpt => Some(excerpt(&shown)).filter(|excerpt| !excerpt.is_empty()),
        };
        Self {
            approval: approval.id,
            occasion,
            state: approval.state,
            title,
            caller,
            facts,
            excerpt,
            rule,
            policy: name(&approval.policy),
            model: shown.model.as_deref().map(name),
            reason,
            created: approval.created,
            expires: approval.expires,
            link: link.to_owned(),
        }
    }
}

/// In words of our own: what is the matter.
fn title(approval: &Approval, occasion: Occasion) -> &'static str {
    match (occasion, approval.state) {
        (Occasion::Asked, _) | (Occasion::Decided, ApprovalState::Pending) => "An approval is asked for",
        // Nobody was asked, so nobody else hears of it.
        (Occasion::Decided, ApprovalState::Approved | ApprovalState::Used) if approval.need == 0 => {
            match approval.access {
                Some(_) => "A role was taken that nobody had to approve",
                None => "A call went ahead on its reason alone",
            }
        }
        (Occasion::Decided, ApprovalState::Approved | ApprovalState::Used) => "An approval was given",
        (Occasion::Decided, ApprovalState::Denied) => "An approval was denied",
        (Occasion::Decided, ApprovalState::Expired) => "Nobody decided in time, or a decision ran out",
        (Occasion::Decided, ApprovalState::Revoked) => "An approval was taken back",
    }
}

fn name(text: &str) -> String {
    visible::line(text, LONGEST_NAME)
}

fn party(party: &Party) -> String {
    format!("{} ({})", name(&party.subject), name(party.issuer.as_str()))
}

fn what(approval: &Approval, shown: &Shown) -> String {
    if let Some(wish) = &approval.access {
        return format!("the role {} for {} minutes", name(wish.role.as_str()), wish.lasts.as_secs().div_ceil(60));
    }
    let operation = name(shown.operation.as_deref().unwrap_or("a call"));
    match &shown.model {
        Some(model) => format!("{operation} with {}", name(model)),
        None => operation,
    }
}

fn vote(vote: &Vote) -> String {
    let said = match vote.choice {
        Choice::Approve => "approved",
        Choice::Deny => "denied",
        Choice::Revoke => "took back",
    };
    match &vote.reason {
        Some(reason) => format!("{} {said}: {}", party(&vote.by), visible::line(reason, LONGEST_TEXT)),
        None => format!("{} {said}", party(&vote.by)),
    }
}

fn list(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.take(MOST).collect();
    words.join(", ")
}

/// The beginning of what a person would be shown on the page: the masked texts, one after the other.
fn excerpt(shown: &Shown) -> String {
    let mut whole = String::new();
    for text in &shown.texts {
        for (piece, _) in &text.pieces {
            whole.push_str(piece);
            if whole.len() > LONGEST_TEXT * 4 {
                return visible::text(&whole, LONGEST_TEXT);
            }
        }
        whole.push('\n');
    }
    visible::text(whole.trim_end(), LONGEST_TEXT)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use gatewright_model::RuleName;
    use gatewright_store::state::approvals::{Narrow, ShownText};

    use super::*;

    /// What every text of a stranger's says here: line ends, an override, escape codes, and the markup of every medium.
    pub(crate) const TRICK: &str =
        "x\r\nBcc: evil@example.com\r\n\r\n\u{202e}\u{1b}[31m<!channel><b>[a](http://evil.example) {{DATE(1)}}";

    /// An approval of which everything that somebody wrote is hostile.
    pub(crate) fn hostile() -> Approval {
        let shown = Shown {
            version: 1,
            operation: Some(TRICK.to_owned()),
            model: Some(TRICK.to_owned()),
            datasets: vec![TRICK.to_owned(); 50],
            found: vec![("EMAIL_ADDRESS".to_owned(), 2)],
            texts: vec![ShownText { place: "user".to_owned(), pieces: vec![(TRICK.repeat(1_000), None)] }],
            ..Shown::default()
        };
        let carol = Party { issuer: TRICK.into(), subject: TRICK.into() };
        let at = Timestamp::from_seconds(1_800_000_000);
        Approval {
            id: ApprovalId::from_bytes([5; 16]),
            digest: [1; 32],
            rule: RuleName::new(TRICK),
            policy: TRICK.into(),
            caller: carol.clone(),
            state: ApprovalState::Denied,
            created: at,
            expires: at,
            valid: Duration::ZERO,
            need: 1,
            uses: 1,
            used: 0,
            votes: vec![Vote {
                by: carol,
                choice: Choice::Deny,
                reason: Some(TRICK.repeat(100).into()),
                at,
                narrow: Narrow::default(),
            }],
            reason: Some(TRICK.repeat(100).into()),
            access: None,
            shown: Arc::from(shown.to_bytes()),
        }
    }

    pub(crate) fn of_hostile(occasion: Occasion, show: Show) -> Message {
        Message::of(&hostile(), occasion, "https://gateway.example/approvals/apr_05", show)
    }

    /// Every text in a JSON value.
    pub(crate) fn texts(value: &serde_json::Value, texts: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => texts.push(text.clone()),
            serde_json::Value::Array(values) => values.iter().for_each(|value| self::texts(value, texts)),
            serde_json::Value::Object(map) => map.values().for_each(|value| self::texts(value, texts)),
            _ => {}
        }
    }

    #[test]
    fn no_medium_shows_what_deceives_or_more_than_it_should() {
        use crate::slack::{Buttons, message};
        let id = gatewright_model::NotificationId::from_bytes([7; 16]);
        for occasion in Occasion::ALL {
            for show in [Show::Summary, Show::Excerpt] {
                let told = of_hostile(occasion, show);
                let webhook = crate::webhook::body(&told, id, Timestamp::from_seconds(1));
                let webhook = serde_json::from_slice(&webhook).expect("it is JSON");
                let slack = message(&told, "C1", Buttons::Offered);
                for body in [webhook, slack, crate::teams::card(&told)] {
                    let mut all = Vec::new();
                    texts(&body, &mut all);
                    for text in &all {
                        assert!(!text.contains(['\r', '\u{1b}', '\u{202e}']), "{text}");
                        assert!(text.chars().count() <= 2_001, "{}", text.len());
                    }
                    assert!(body.to_string().len() < 30_000, "{}", body.to_string().len());
                }
                assert_eq!(told.excerpt.is_some(), show == Show::Excerpt);
                assert!(told.excerpt.is_none_or(|excerpt| excerpt.chars().count() <= LONGEST_TEXT + 1));
            }
        }
    }

    #[test]
    fn what_nobody_had_to_approve_says_so() {
        let told = |need, access: bool| {
            let access = access.then(|| gatewright_store::state::approvals::AccessWish {
                role: "on-call".into(),
                lasts: Duration::from_secs(90),
            });
            let approval = Approval { need, access, state: ApprovalState::Used, votes: Vec::new(), ..hostile() };
            Message::of(&approval, Occasion::Decided, "https://gateway.example/", Show::Summary)
        };
        assert_eq!(told(0, true).title, "A role was taken that nobody had to approve");
        assert_eq!(told(0, true).facts[1].1, "the role on-call for 2 minutes");
        assert_eq!(told(0, false).title, "A call went ahead on its reason alone");
        assert_eq!(told(1, false).title, "An approval was given");
    }

    #[test]
    fn buttons_are_for_what_waits() {
        use crate::slack::{Buttons, message};
        let buttons = |occasion, offered| {
            let body = message(&of_hostile(occasion, Show::Summary), "C1", offered).to_string();
            body.contains("gatewright_approve")
        };
        assert!(buttons(Occasion::Asked, Buttons::Offered));
        assert!(!buttons(Occasion::Asked, Buttons::LinkOnly));
        assert!(!buttons(Occasion::Decided, Buttons::Offered));
    }
}
