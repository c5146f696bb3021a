use gatewright_model::ApprovalId;
use gatewright_store::state::approvals::Choice;
use serde_json::Value;

pub(super) const APPROVE: &str = "gatewright_approve";
pub(super) const DENY: &str = "gatewright_deny";

/// The longest id that Slack has.
const LONGEST_ID: usize = 64;

/// A button that decides was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// By whom, by Slack's id for them.
    pub user: String,
    /// Whose that is: the workspace that they belong to.
    pub team: String,
    /// Which button.
    pub choice: Choice,
    /// On which approval.
    pub approval: ApprovalId,
    /// In which channel.
    pub channel: String,
    /// Under which message, by its moment.
    pub message: String,
}

/// What Slack said is no button that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Strange {
    /// Something that this app does not ask for, or a link that was followed: to be taken and left alone.
    #[error("nothing that decides was pressed")]
    Nothing,
    /// Not the form in which Slack speaks.
    #[error("the body is not what Slack sends")]
    Malformed,
}

impl Pressed {
    /// Reads what Slack posts (`application/x-www-form-urlencoded` with one `payload`), once its signature was believed.
    ///
    /// # Errors
    /// [`Strange`], and then nothing is decided.
    pub fn read(body: &[u8]) -> Result<Self, Strange> {
        let mut payloads = form_urlencoded::parse(body).filter(|(name, _)| name == "payload");
        let (Some((_, payload)), None) = (payloads.next(), payloads.next()) else { return Err(Strange::Malformed) };
        let said: Value = serde_json::from_str(&payload).map_err(|_| Strange::Malformed)?;
        if said["type"].as_str() != Some("block_actions") {
            return Err(Strange::Nothing);
        }
        let Some([action]) = said["actions"].as_array().map(Vec::as_slice) else { return Err(Strange::Malformed) };
        let choice = match action["action_id"].as_str() {
            Some(APPROVE) => Choice::Approve,
            Some(DENY) => Choice::Deny,
            _ => return Err(Strange::Nothing),
        };
        let approval = action["value"].as_str().and_then(|id| id.parse().ok()).ok_or(Strange::Malformed)?;
        let id = |value: &Value| match value.as_str() {
            Some(id) if is_id(id) => Ok(id.to_owned()),
            _ => Err(Strange::Malformed),
        };
        Ok(Self {
            user: id(&said["user"]["id"])?,
            // The user's own workspace, not the one where the message stands: a shared channel has guests of others.
            team: id(&said["user"]["team_id"])?,
            choice,
            approval,
            channel: id(&said["channel"]["id"])?,
            message: id(&said["container"]["message_ts"])?,
        })
    }
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(payload: &Value) -> Vec<u8> {
        let text = payload.to_string();
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &text).finish().into_bytes()
    }

    fn said() -> Value {
        serde_json::json!({
            "type": "block_actions",
            "team": { "id": "T0000001", "domain": "example" },
            "user": { "id": "U0000001", "username": "carol", "team_id": "T0000001" },
            "container": { "type": "message", "message_ts": "1700000000.000100", "channel_id": "C0000001" },
            "channel": { "id": "C0000001", "name": "approvals" },
            "response_url": "https://hooks.slack.example/actions/x",
            "actions": [{ "action_id": APPROVE, "value": ApprovalId::from_bytes([5; 16]).to_string(), "type": "button" }],
        })
    }

    #[test]
    fn a_button_says_who_pressed_which() {
        let pressed = Pressed::read(&body(&said())).expect("a button");
        assert_eq!((pressed.user.as_str(), pressed.choice), ("U0000001", Choice::Approve));
        assert_eq!(pressed.approval, ApprovalId::from_bytes([5; 16]));
        let mut foreign = said();
        foreign["user"]["team_id"] = "T0000009".into();
        assert_eq!(Pressed::read(&body(&foreign)).expect("a button").team, "T0000009", "not where the message stands");
    }

    #[test]
    fn what_is_no_button_decides_nothing() {
        let mut link = said();
        link["actions"][0]["action_id"] = "open".into();
        assert_eq!(Pressed::read(&body(&link)), Err(Strange::Nothing));
        let mut view = said();
        view["type"] = "view_submission".into();
        assert_eq!(Pressed::read(&body(&view)), Err(Strange::Nothing));
        let mut two = said();
        two["actions"] = Value::Array(vec![said()["actions"][0].clone(), said()["actions"][0].clone()]);
        assert_eq!(Pressed::read(&body(&two)), Err(Strange::Malformed));
        let mut nobody = said();
        nobody["user"]["id"] = "U1\n".into();
        assert_eq!(Pressed::read(&body(&nobody)), Err(Strange::Malformed));
        let mut twice = body(&said());
        twice.extend_from_slice(b"&");
        twice.extend_from_slice(&body(&said()));
        assert_eq!(Pressed::read(&twice), Err(Strange::Malformed));
        for bad in [&b""[..], b"payload=", b"payload={}x", b"{}", b"\xff\xfe"] {
            assert!(Pressed::read(bad).is_err());
        }
    }
}
