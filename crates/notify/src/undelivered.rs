use std::sync::Arc;
use std::time::Duration;

use gatewright_dial::Fault;
use http::header::RETRY_AFTER;

/// A channel did not take a notification. It is said in words of ours: no secret, no address that is one, and nothing that
/// the other side wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// What went wrong.
    pub trouble: Arc<str>,
    /// How long the other side asks to be left alone.
    pub after: Option<Duration>,
}

impl Undelivered {
    pub(crate) fn because(trouble: impl Into<Arc<str>>) -> Self {
        Self { trouble: trouble.into(), after: None }
    }

    /// What an HTTP answer other than 2xx says, with the time that it asks for (RFC 9110, section 10.2.3; seconds alone,
    /// as those who limit rates write it).
    pub(crate) fn answered(reply: &gatewright_dial::Reply) -> Self {
        let after = reply.header(&RETRY_AFTER).and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        Self { trouble: format!("it answered {}", reply.status().as_u16()).into(), after }
    }
}

impl From<Fault> for Undelivered {
    fn from(fault: Fault) -> Self {
        Self::because(fault.to_string())
    }
}
