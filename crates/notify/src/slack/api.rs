use bytes::Bytes;
use gatewright_dial::Dial;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::Slack;
use crate::Undelivered;

impl Slack {
    /// Calls a method of Slack's API. It says no with status 200 and a word in the body.
    pub(super) async fn call(&self, dial: &Dial, method: &str, body: &Value) -> Result<Value, Undelivered> {
        let url = format!("{}/{method}", self.api);
        let body = Bytes::from(body.to_string());
        let reply = dial.post_json(&url, vec![self.bearer()?], body).await?;
        if !reply.status().is_success() {
            return Err(Undelivered::answered(&reply));
        }
        let strange = || Undelivered::because("it answered what Slack does not");
        let said: Value = serde_json::from_slice(reply.body()).map_err(|_| strange())?;
        match (said["ok"].as_bool(), said["error"].as_str()) {
            (Some(true), _) => Ok(said),
            (Some(false), Some(word)) if is_word(word) => Err(Undelivered::because(format!("Slack says {word}"))),
            _ => Err(strange()),
        }
    }

    /// The mail address of somebody of this workspace, where Slack has verified it. A guest or a program has none that counts.
    pub(super) async fn verified_mail(
        &self,
        dial: &Dial,
        user: &str,
        team: &str,
    ) -> Result<Option<String>, Undelivered> {
        let form = [("user", user)];
        let url = format!("{}/users.info", self.api);
        let reply = dial.post_form_with(&url, vec![self.bearer()?], &form).await?;
        if !reply.status().is_success() {
            return Err(Undelivered::answered(&reply));
        }
        let said: Value = serde_json::from_slice(reply.body())
            .map_err(|_| Undelivered::because("it answered what Slack does not"))?;
        if said["ok"].as_bool() != Some(true) {
            return Err(Undelivered::because("Slack does not say who that is"));
        }
        let person = &said["user"];
        let says = |name: &str| person[name].as_bool() == Some(true);
        let is_ours = person["id"].as_str() == Some(user) && person["team_id"].as_str() == Some(team);
        let is_guest = says("deleted") || says("is_bot") || says("is_restricted") || says("is_ultra_restricted");
        if !is_ours || is_guest || says("is_stranger") || !says("is_email_confirmed") {
            return Ok(None);
        }
        Ok(person["profile"]["email"].as_str().map(str::to_owned))
    }

    fn bearer(&self) -> Result<(HeaderName, HeaderValue), Undelivered> {
        let token = (self.token)().map_err(Undelivered::because)?;
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose().trim()))
            .map_err(|_| Undelivered::because("the bot's token is not one word of plain characters"))?;
        value.set_sensitive(true);
        Ok((AUTHORIZATION, value))
    }
}

/// The words of Slack's errors; what looks otherwise is not repeated.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
}
