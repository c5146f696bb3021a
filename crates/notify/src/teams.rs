//! Microsoft Teams: an adaptive card, sent to a workflow's webhook.

use bytes::Bytes;
use gatewright_dial::Dial;
use serde_json::{Value, json};

use crate::{Lookup, Message, Undelivered};

/// A channel of Microsoft Teams. Its card leads to the page and decides nothing.
#[derive(Clone)]
pub struct Teams {
    /// The workflow's webhook: its URL is what lets one in, so it is kept like a secret.
    pub url: Lookup,
}

impl Teams {
    pub(crate) async fn send(&self, dial: &Dial, message: &Message) -> Result<(), Undelivered> {
        let url = (self.url)().map_err(Undelivered::because)?;
        let body = Bytes::from(card(message).to_string());
        let reply = dial.post_json(url.expose().trim(), Vec::new(), body).await?;
        if reply.status().is_success() { Ok(()) } else { Err(Undelivered::answered(&reply)) }
    }
}

/// The body that a workflow's webhook takes.
///
/// What strangers wrote stands in `TextRun`s, which are plain text: no Markdown, no links, and no functions of the host
/// (`{{DATE(…)}}`), all of which a `TextBlock` has.
pub fn card(message: &Message) -> Value {
    let run = |text: &str, weight: &str| json!({ "type": "TextRun", "text": text, "weight": weight });
    let facts: Vec<Value> = message
        .facts
        .iter()
        .map(|(words, value)| {
            let runs = [run(&format!("{words}: "), "Bolder"), run(value, "Default")];
            json!({ "type": "RichTextBlock", "inlines": runs })
        })
        .collect();
    let mut body = vec![json!({
        "type": "TextBlock", "size": "Medium", "weight": "Bolder", "text": message.title, "wrap": true,
    })];
    body.extend(facts);
    if let Some(excerpt) = &message.excerpt {
        body.push(json!({ "type": "RichTextBlock", "separator": true, "inlines": [run(excerpt, "Default")] }));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": [{ "type": "Action.OpenUrl", "title": "Open in Gatewright", "url": message.link }],
            },
        }],
    })
}
