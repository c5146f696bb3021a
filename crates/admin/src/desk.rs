//! What every endpoint that asks for an identity goes through, in one order: who asks, whether they may, written down,
//! and only then read and answered.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatewright_api::{Endpoint, Needs, Problem, Takes};
use gatewright_model::{Code, Event, Refusal, RuleRef, Verdict};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::looks::{Look, Looks};
use crate::{Asked, Authority, Given, Part, Visitor};

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The parts, behind the one who lets visitors in.
pub(crate) struct Desk {
    authority: Arc<dyn Authority>,
    parts: Vec<Arc<dyn Part>>,
    looks: Looks,
}

impl Desk {
    pub(crate) fn new(authority: Arc<dyn Authority>, parts: Vec<Arc<dyn Part>>) -> Self {
        Self { authority, parts, looks: Looks::default() }
    }

    /// Whether some part answers an endpoint.
    pub(crate) fn serves(&self, name: &str) -> bool {
        self.part(name).is_some()
    }

    fn part(&self, name: &str) -> Option<&Arc<dyn Part>> {
        self.parts.iter().find(|part| part.endpoints().contains(&name))
    }

    /// Answers an endpoint.
    pub(crate) async fn answer<B>(
        &self,
        endpoint: &'static Endpoint,
        ids: Vec<&str>,
        head: &Parts,
        body: B,
    ) -> Result<Given, Problem>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(part) = self.part(endpoint.name) else {
            return Err(Problem::not_found("This gateway does not serve this endpoint."));
        };
        let visitor = match self.authority.authenticate(&head.headers).await {
            Ok(visitor) => visitor,
            Err(refusal) => {
                self.authority.refused(refusal.code);
                return Err(problem(&refusal));
            }
        };
        let look = self.admit(endpoint, &visitor, &ids).await?;
        let query = query(endpoint, head.uri.query())?;
        let body = read(endpoint.takes, &head.headers, body).await?;
        part.answer(Asked { endpoint, visitor: &visitor, ids, query, body: &body, look }).await
    }

    /// Lets a visitor in, or says why not. Either is on disk before anything is told.
    async fn admit(&self, endpoint: &'static Endpoint, visitor: &Visitor, ids: &[&str]) -> Result<Look, Problem> {
        let look = self.looks.of(visitor, endpoint, ids);
        if look == Look::Again {
            return Ok(look);
        }
        let (verdict, rules, refusal) = match endpoint.needs {
            Needs::Identity => (Verdict::Allow, Vec::new(), None),
            Needs::Permission(permission) => {
                let answer = self.authority.permits(visitor, permission);
                (answer.verdict, answer.rules, answer.refusal)
            }
        };
        let names = rules.iter().map(|rule| rule.name.as_str().to_owned()).collect();
        self.authority.record(visited(endpoint, visitor, verdict, rules)).await.map_err(|refusal| problem(&refusal))?;
        match verdict {
            Verdict::Allow => {
                self.looks.recorded(visitor, endpoint, ids);
                Ok(look)
            }
            Verdict::Hold | Verdict::Deny => {
                let denied = Refusal::new(Code::PermissionDenied, "Policy does not permit this.");
                Err(Problem { rules: names, ..problem(&refusal.unwrap_or(denied)) })
            }
        }
    }
}

fn visited(endpoint: &Endpoint, visitor: &Visitor, verdict: Verdict, rules: Vec<RuleRef>) -> Event {
    Event::Visited {
        issuer: visitor.identity.issuer.clone(),
        subject: Arc::clone(&visitor.identity.subject),
        endpoint: endpoint.name.into(),
        verdict,
        rules,
    }
}

/// A refusal as the admin side says it.
pub(crate) fn problem(refusal: &Refusal) -> Problem {
    Problem::new(refusal.code.http_status(), refusal.code.name(), refusal.message.clone())
}

/// The query's values by name: known names only, each once, plain characters only.
fn query<'q>(endpoint: &Endpoint, query: Option<&'q str>) -> Result<Vec<(&'q str, &'q str)>, Problem> {
    let mut values: Vec<(&str, &str)> = Vec::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !endpoint.query.contains(&name) {
            return Err(Problem::invalid("The query has a name that this endpoint does not take."));
        }
        if values.iter().any(|(known, _)| *known == name) {
            return Err(Problem::invalid(format!("The query says `{name}` twice.")));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'~' | b'@');
        if value.len() > 256 || !value.bytes().all(plain) {
            return Err(Problem::invalid(format!(
                "The query's `{name}` is too long or has characters that no value has."
            )));
        }
        values.push((name, value));
    }
    Ok(values)
}

/// The body, where the endpoint takes one.
async fn read<B>(takes: Takes, headers: &HeaderMap, body: B) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (most, media) = match takes {
        Takes::Nothing => (0, None),
        Takes::Json(most) => (most, Some("application/json")),
        Takes::Text(most) => (most, Some("text/plain")),
    };
    let unsupported = |detail: String| Problem::new(415, "unsupported_media", detail);
    if let Some(media) = media {
        // A form of another site can be sent with the types of forms only, so this is a wall against it too.
        let stated = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = stated.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(media) || headers.get_all(CONTENT_TYPE).iter().count() != 1 {
            return Err(unsupported(format!("The body must be {media}.")));
        }
        if headers.contains_key(CONTENT_ENCODING) {
            return Err(unsupported("The body must not be compressed.".to_owned()));
        }
    }
    match tokio::time::timeout(BODY_TIME, Limited::new(body, most).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() && most == 0 => {
            Err(Problem::invalid("This endpoint takes no body."))
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(413, "too_large", format!("The body is longer than {most} bytes.")))
        }
        Ok(Err(_)) => Err(Problem::invalid("The body broke off.")),
        Err(_) => Err(Problem::invalid("The body took too long to arrive.")),
    }
}
