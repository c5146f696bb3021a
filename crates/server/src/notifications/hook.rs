use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatewright_admin::{Authority, Reviews, Visitor};
use gatewright_api::{Approval, ApprovalState, Choice, Decide, Problem};
use gatewright_model::{Clock, Code, Event, Identity, Kind, Verdict};
use gatewright_notify::slack::{Deciders, Member, Pressed, Signing, Slack, Strange};
use gatewright_notify::{Medium, Office};
use gatewright_store::state::approvals::Choice as Pushed;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;

/// Where Slack calls: this, and a channel's name.
const PATH: &str = "/notifications/slack/";

/// The longest that Slack's people wait for words; Slack itself waits three seconds for an answer.
const WORDS: Duration = Duration::from_secs(2);

/// The name under which a decision by a button stands in the record of visits.
const ENDPOINT: &str = "slack.decide";

/// What Slack says when somebody presses a button.
///
/// There is no token, so what a token would say is the operator's word: who that somebody is, and which groups count for
/// them. From there on it is the road of every decision: the approval's own rules, in the record first.
pub(crate) struct SlackHook {
    office: Arc<Office>,
    reviews: Arc<Reviews>,
    authority: Arc<dyn Authority>,
    signing: Signing,
    clock: Arc<dyn Clock>,
}

impl SlackHook {
    pub(crate) fn new(
        office: Arc<Office>,
        reviews: Arc<Reviews>,
        authority: Arc<dyn Authority>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { office, reviews, authority, signing: Signing::default(), clock }
    }

    /// The channel that a path is about; `None` for every other path.
    pub(crate) fn channel_of(path: &str) -> Option<&str> {
        path.strip_prefix(PATH)
    }

    /// Answers Slack, and decides where it says that somebody has who may.
    pub(crate) async fn answer(&self, channel: &str, head: &Parts, body: Bytes) -> Response<Full<Bytes>> {
        let status = match self.hear(channel, head, &body).await {
            Ok(()) => StatusCode::OK,
            Err(status) => status,
        };
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = status;
        response
    }

    async fn hear(&self, channel: &str, head: &Parts, body: &Bytes) -> Result<(), StatusCode> {
        let channel = self.office.channel(channel).ok_or(StatusCode::NOT_FOUND)?;
        let Medium::Slack(slack) = &channel.medium else { return Err(StatusCode::NOT_FOUND) };
        let deciders = slack.deciders.as_ref().ok_or(StatusCode::NOT_FOUND)?;
        if head.method != Method::POST {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        self.believe(deciders, head, body)?;
        let pressed = match Pressed::read(body) {
            Ok(pressed) => pressed,
            // A link that was followed, or something new of Slack's: nothing to do, and nothing wrong.
            Err(Strange::Nothing) => return Ok(()),
            Err(Strange::Malformed) => return Err(StatusCode::BAD_REQUEST),
        };
        let who = deciders.who(slack, self.office.dial(), &pressed).await.map_err(|undelivered| {
            tracing::warn!(trouble = %undelivered.trouble, "Slack does not say who pressed a button");
            StatusCode::SERVICE_UNAVAILABLE
        })?;
        let said = match who {
            Some(member) => self.decide(member, &pressed).await?,
            None => {
                Said::Whisper("You are nobody who decides from here. Open the page in Gatewright instead.".to_owned())
            }
        };
        self.say(slack, &pressed, said).await;
        Ok(())
    }

    /// Whether Slack says this, now, for the first time. Before that nothing of the body is looked at.
    fn believe(&self, deciders: &Deciders, head: &Parts, body: &Bytes) -> Result<(), StatusCode> {
        let one = |name: &str| {
            let mut values = head.headers.get_all(name).iter();
            match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
                (Some(value), None) => value,
                _ => "",
            }
        };
        let secret = (deciders.secret)().map_err(|why| {
            tracing::error!(%why, "the secret that Slack signs with cannot be read");
            StatusCode::SERVICE_UNAVAILABLE
        })?;
        let (timestamp, signature) = (one("x-slack-request-timestamp"), one("x-slack-signature"));
        let believed = self.signing.believe(&secret, timestamp, signature, body, self.clock.now());
        believed.map_err(|why| {
            tracing::warn!(%why, "a request that claims to be Slack's is refused");
            self.authority.refused(Code::Unauthenticated);
            StatusCode::UNAUTHORIZED
        })?;
        let is_form = one(CONTENT_TYPE.as_str()).starts_with("application/x-www-form-urlencoded");
        if is_form { Ok(()) } else { Err(StatusCode::UNSUPPORTED_MEDIA_TYPE) }
    }

    async fn decide(&self, member: &Member, pressed: &Pressed) -> Result<Said, StatusCode> {
        let visitor = visitor(member, self.clock.now().plus(Duration::from_secs(60)));
        let identity = &visitor.identity;
        let visited = Event::Visited {
            issuer: identity.issuer.clone(),
            subject: Arc::clone(&identity.subject),
            endpoint: ENDPOINT.into(),
            verdict: Verdict::Allow,
            rules: Vec::new(),
        };
        self.authority.record(visited).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let verdict = match pressed.choice {
            Pushed::Approve => Choice::Approve,
            Pushed::Deny => Choice::Deny,
            // No button says so.
            Pushed::Revoke => return Err(StatusCode::BAD_REQUEST),
        };
        let decide = Decide { verdict, reason: None, narrow: None };
        Ok(match self.reviews.decide_for(&visitor, &pressed.approval.to_string(), decide).await {
            Ok(approval) => Said::about(&approval, &identity.subject),
            Err(problem) => Said::refused(&problem),
        })
    }

    /// Words for people in Slack; nothing hangs on them.
    async fn say(&self, slack: &Slack, pressed: &Pressed, said: Said) {
        let saying = async {
            match &said {
                Said::Whisper(words) => slack.tell(self.office.dial(), pressed, words).await,
                Said::Over(words) => slack.close(self.office.dial(), pressed, words).await,
            }
        };
        match tokio::time::timeout(WORDS, saying).await {
            Ok(Ok(())) => {}
            Ok(Err(undelivered)) => {
                tracing::warn!(trouble = %undelivered.trouble, "Slack does not take what came of a button");
            }
            Err(_) => tracing::warn!("Slack does not take what came of a button in time"),
        }
    }
}

/// What people in Slack are told of what came of a button.
enum Said {
    /// To whoever pressed it.
    Whisper(String),
    /// To everybody, in the place of the message: its buttons are of no more use.
    Over(String),
}

impl Said {
    fn about(approval: &Approval, by: &str) -> Self {
        let by = gatewright_notify::visible::line(by, gatewright_notify::LONGEST_NAME);
        let (id, state) = (&approval.id, approval.state.name());
        match approval.state {
            ApprovalState::Pending => {
                let agreed = approval.votes.len();
                Self::Whisper(format!("Noted: {agreed} of {} have agreed to {id}.", approval.need))
            }
            ApprovalState::Approved
            | ApprovalState::Denied
            | ApprovalState::Expired
            | ApprovalState::Used
            | ApprovalState::Revoked => Self::Over(format!("{id} is {state}, by {by}.")),
        }
    }

    fn refused(problem: &Problem) -> Self {
        Self::Whisper(problem.detail.clone())
    }
}

/// Somebody whom the operator vouches for, for this one decision.
fn visitor(member: &Member, expires: gatewright_model::Timestamp) -> Visitor {
    let identity = Identity {
        issuer: member.issuer.clone(),
        subject: Arc::clone(&member.subject),
        kind: Kind::Person,
        groups: member.groups.clone().into(),
        claims: Arc::from([]),
        expires,
    };
    Visitor { identity, roles: Vec::new() }
}
