use gatewright_model::Occasion;
use serde_json::{Value, json};

use super::pressed::{APPROVE, DENY};
use crate::{Message, visible};

/// Whether a message has buttons that decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buttons {
    /// It has, beside the link.
    Offered,
    /// It leads to the page.
    LinkOnly,
}

/// The most characters of a text object in a block's fields.
const LONGEST_FIELD: usize = 2_000;

/// Text in which Slack makes nothing of markup: no links, no mentions, no emphasis.
fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": visible::text(text, LONGEST_FIELD), "emoji": false })
}

/// The arguments of `chat.postMessage`. What strangers wrote stands in plain text alone.
pub fn message(message: &Message, channel: &str, buttons: Buttons) -> Value {
    let approval = message.approval.to_string();
    let facts: Vec<Value> =
        message.facts.iter().take(10).map(|(words, value)| plain(&format!("{words}: {value}"))).collect();
    let mut blocks =
        vec![json!({ "type": "header", "text": plain(&message.title) }), json!({ "type": "section", "fields": facts })];
    if let Some(excerpt) = &message.excerpt {
        blocks.push(json!({ "type": "section", "text": plain(excerpt) }));
    }
    let mut elements = Vec::new();
    if buttons == Buttons::Offered && message.occasion == Occasion::Asked {
        elements.push(button(&approval, "Approve", APPROVE, "primary"));
        elements.push(button(&approval, "Deny", DENY, "danger"));
    }
    elements.push(json!({
        "type": "button", "text": plain("Open in Gatewright"), "action_id": "open", "url": message.link,
    }));
    blocks.push(json!({ "type": "actions", "elements": elements }));
    posted(channel, &format!("{}: {approval}", message.title), blocks)
}

fn button(approval: &str, words: &str, action: &str, style: &str) -> Value {
    json!({
        "type": "button", "text": plain(words), "action_id": action, "value": approval, "style": style,
        "confirm": {
            "title": plain(&format!("{words}?")), "text": plain("This decides for the call exactly as it was sent."),
            "confirm": plain(words), "deny": plain("Not yet"), "style": style,
        },
    })
}

/// `text` is what is shown where blocks are not. Slack reads markup there, so no stranger's word is in it.
fn posted(channel: &str, text: &str, blocks: Vec<Value>) -> Value {
    json!({
        "channel": channel, "text": text, "blocks": blocks,
        "mrkdwn": false, "unfurl_links": false, "unfurl_media": false, "link_names": false, "parse": "none",
    })
}

/// The arguments of `chat.update` for a message whose buttons are of no more use.
pub fn closed(channel: &str, message: &str, words: &str) -> Value {
    let blocks = vec![json!({ "type": "section", "text": plain(words) })];
    let mut body = posted(channel, "An approval was decided", blocks);
    body["ts"] = message.into();
    body
}

/// The arguments of `chat.postEphemeral`.
pub(super) fn whisper(channel: &str, user: &str, words: &str) -> Value {
    let blocks = vec![json!({ "type": "section", "text": plain(words) })];
    let mut body = posted(channel, "Your decision did not count", blocks);
    body["user"] = user.into();
    body
}
