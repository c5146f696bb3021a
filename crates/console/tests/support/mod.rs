//! An admin API and an identity provider that are made up, behind the console's own traits.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use gatewright_api::*;
use gatewright_console::{Begun, Closed, Console, Door, Later, Parts, Started, Surroundings, Token, Visit};
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// 2027-01-15T08:00:00Z
pub const NOW: u64 = 1_800_000_000;

/// One that was delivered, and one of a channel that is in trouble and says so in markup.
pub fn notifications() -> Vec<Notification> {
    let delivered = Notification {
        id: "ntf_1".into(),
        approval: "apr_1".into(),
        occasion: "asked".into(),
        channel: "chat".into(),
        state: NotificationState::Delivered,
        attempts: 1,
        created: "2027-01-15T07:50:00.000Z".into(),
        due: None,
        ended: Some("2027-01-15T07:50:01.000Z".into()),
        trouble: None,
    };
    let waiting = Notification {
        id: "ntf_2".into(),
        channel: "on-call".into(),
        state: NotificationState::Waiting,
        attempts: 4,
        due: Some("2027-01-15T08:00:08.000Z".into()),
        ended: None,
        trouble: Some("it answered 503 <b>\u{202e}".into()),
        ..delivered.clone()
    };
    vec![waiting, delivered]
}

/// What the fake was asked: whose token, which method and path, which body.
pub type Asked = (String, &'static str, String, String);

#[derive(Default)]
pub struct State {
    pub shown: Vec<ApprovalShown>,
    pub grants: Vec<Grant>,
    pub asked: Vec<Asked>,
    pub refuse: Option<Problem>,
    pub originals: bool,
}

#[derive(Clone, Default)]
pub struct Fake(pub Arc<Mutex<State>>, pub Arc<Mutex<Vec<(String, u64)>>>);

pub struct Clock(pub Arc<Mutex<u64>>, pub Arc<Mutex<Vec<(String, u64)>>>);

impl Surroundings for Clock {
    fn now(&self) -> u64 {
        *self.0.lock().unwrap()
    }

    fn fill(&self, bytes: &mut [u8]) {
        static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let count = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        bytes.fill(7);
        bytes[..8].copy_from_slice(&count.to_le_bytes());
    }

    fn keep_ended(&self, id: &str, until: u64) {
        self.1.lock().unwrap().push((id.to_owned(), until));
    }
}

/// Lets in whoever's name is the code.
pub struct OpenDoor;

impl Door for OpenDoor {
    fn issuers(&self) -> Vec<String> {
        vec!["demo".to_owned(), "corp".to_owned()]
    }

    fn begin<'a>(&'a self, issuer: &'a str, redirect_uri: &'a str) -> Later<'a, Result<Begun, Closed>> {
        Box::pin(async move {
            if issuer != "demo" {
                return Err(Closed::UnknownIssuer);
            }
            // Whoever knocks is carol: the provider sends the browser straight back.
            let url = format!("{redirect_uri}?state=state-1&code=carol");
            let text = |text: &str| text.to_owned();
            let (state, nonce, verifier) = (text("state-1"), text("nonce-1"), text("verifier-1"));
            Ok(Begun { url, started: Started { issuer: text(issuer), state, nonce, verifier } })
        })
    }

    fn finish<'a>(
        &'a self,
        started: &'a Started,
        _redirect_uri: &'a str,
        query: &'a str,
    ) -> Later<'a, Result<Token, Closed>> {
        Box::pin(async move {
            let code = query.strip_prefix("state=state-1&code=").ok_or(Closed::NotThisSignIn)?;
            assert_eq!(started.verifier, "verifier-1");
            let text = if code == "long" { "x".repeat(40_000) } else { format!("token-of-{code}") };
            Ok(Token { text, expires: NOW + 3_600 })
        })
    }
}

impl Transport for Fake {
    fn send<'a>(&'a self, token: &'a str, call: Call) -> Sent<'a> {
        Box::pin(async move {
            let mut state = self.0.lock().unwrap();
            let body = String::from_utf8(call.body.clone()).unwrap();
            state.asked.push((token.to_owned(), call.method, call.target.clone(), body));
            let who = token.strip_prefix("token-of-").map(|name| name.trim_start_matches('x').to_owned());
            let Some(who) = who else { return Ok(reply(401, &Problem::new(401, "unauthenticated", "No."))) };
            if let Some(problem) = &state.refuse {
                return Ok(reply(problem.status, problem));
            }
            let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
            let (endpoint, ids) = match Endpoint::find(ENDPOINTS, call.method, path) {
                Found::Endpoint(endpoint, ids) => (endpoint.name, ids),
                other => panic!("{other:?}"),
            };
            let id = ids.first().copied().unwrap_or_default();
            let place = state.shown.iter().position(|shown| shown.approval.id == id);
            let gone = || Ok(reply(404, &Problem::not_found("There is no such approval.")));
            match endpoint {
                "me" => Ok(reply(200, &me(&who, state.originals))),
                "approvals.list" => {
                    let wanted = query.strip_prefix("state=").and_then(ApprovalState::from_name);
                    let all = state.shown.iter().map(|shown| &shown.approval);
                    let list: Vec<&Approval> =
                        all.filter(|one| wanted.is_none_or(|wanted| one.state == wanted)).collect();
                    Ok(reply(200, &list))
                }
                "approvals.show" => place.map_or_else(gone, |place| Ok(reply(200, &state.shown[place]))),
                "approvals.original" => {
                    let Some(place) = place else { return gone() };
                    let texts = state.shown[place].texts.iter().map(|text| {
                        let plain = |piece: &Piece| Piece {
                            text: piece.text.replace("[EMAIL_ADDRESS]", "mia.wong@example.com"),
                            mark: piece.mark.clone(),
                        };
                        Text { place: text.place.clone(), pieces: text.pieces.iter().map(plain).collect() }
                    });
                    Ok(reply(200, &Original { texts: texts.collect() }))
                }
                "approvals.decide" => {
                    let Some(place) = place else { return gone() };
                    let decide: Decide = serde_json::from_slice(&call.body).unwrap();
                    let approval = &mut state.shown[place].approval;
                    if approval.state != ApprovalState::Pending {
                        return Ok(reply(409, &Problem::conflict("Somebody else has decided this already.")));
                    }
                    approval.state = match decide.verdict {
                        Choice::Approve => ApprovalState::Approved,
                        Choice::Deny => ApprovalState::Denied,
                        Choice::Revoke => ApprovalState::Revoked,
                    };
                    approval.narrowed = decide.narrow;
                    let at = "2027-01-15T08:00:00.000Z".to_owned();
                    approval.votes.push(Vote { by: person(&who), verdict: decide.verdict, reason: decide.reason, at });
                    Ok(reply(200, &*approval))
                }
                "notifications.list" => Ok(reply(200, &notifications())),
                "access.list" => {
                    let may_ask = vec![
                        MayAsk {
                            role: "billing-reader".into(),
                            max_s: 3_600,
                            policy: "peer".into(),
                            break_glass: false,
                        },
                        MayAsk { role: "on-call".into(), max_s: 14_400, policy: "peer".into(), break_glass: false },
                        MayAsk {
                            role: "firefighter".into(),
                            max_s: 1_800,
                            policy: "break-glass".into(),
                            break_glass: true,
                        },
                    ];
                    let waits = |one: &&ApprovalShown| {
                        one.approval.wish == Wish::Access && one.approval.state == ApprovalState::Pending
                    };
                    let pending = state.shown.iter().filter(waits).map(|one| one.approval.clone()).collect();
                    Ok(reply(200, &AccessList { may_ask, pending, grants: state.grants.clone() }))
                }
                "access.request" => {
                    let request: AccessRequest = serde_json::from_slice(&call.body).unwrap();
                    let mut shown = access("apr_asked", &who, &request.role, request.for_s);
                    shown.approval.reason = request.reason;
                    let approval = shown.approval.clone();
                    state.shown.push(shown);
                    Ok(reply(200, &AccessAsked { approval, grant: None }))
                }
                "access.revoke" => {
                    let Some(grant) = state.grants.iter_mut().find(|grant| grant.id == id) else { return gone() };
                    grant.state = GrantState::Revoked;
                    Ok(reply(200, &*grant))
                }
                other => panic!("{other}"),
            }
        })
    }
}

fn reply(status: u16, body: &impl serde::Serialize) -> Reply {
    Reply { status, body: serde_json::to_vec(body).unwrap() }
}

fn me(who: &str, originals: bool) -> Me {
    let mut permissions = vec!["access.read".to_owned()];
    permissions.extend(originals.then(|| "records.original".to_owned()));
    let roles = vec!["audit-viewer".to_owned()];
    Me { person: person(who), kind: "person".into(), roles, permissions, expires: "2027-01-15T09:00:00.000Z".into() }
}

pub fn person(name: &str) -> Person {
    Person { issuer: "demo".to_owned(), subject: name.to_owned() }
}

pub fn text(place: &str, pieces: &[(&str, Option<&str>)]) -> Text {
    let piece = |(text, mark): &(&str, Option<&str>)| Piece { text: (*text).to_owned(), mark: mark.map(str::to_owned) };
    Text { place: place.to_owned(), pieces: pieces.iter().map(piece).collect() }
}

/// A held call with these texts.
pub fn held(id: &str, who: &str, texts: Vec<Text>) -> ApprovalShown {
    let approval = Approval {
        id: id.to_owned(),
        state: ApprovalState::Pending,
        wish: Wish::Call,
        rule: "bulk-export".into(),
        policy: "peer".into(),
        caller: person(who),
        roles: vec!["data-analyst".into()],
        operation: Some("chat".into()),
        model: Some("sales-forecast".into()),
        connection: Some("lab".into()),
        trust: Some("internal".into()),
        datasets: vec!["public-docs".into()],
        access: None,
        reason: None,
        request: Some("req_019b1a2b3c4d7e8f9a0b1c2d3e4f5a6b".into()),
        session: Some("ses_019b1a2b3c4d7e8f9a0b1c2d3e4f5a6b".into()),
        created: "2027-01-15T07:59:18.000Z".into(),
        expires: "2027-01-15T08:14:18.000Z".into(),
        need: 1,
        votes: Vec::new(),
        uses: Uses { of: 1, left: 1 },
        narrowed: None,
        may_decide: None,
    };
    ApprovalShown {
        approval,
        texts,
        found: vec![Count { info_type: "EMAIL_ADDRESS".into(), count: 1 }],
        parameters: vec![("max_tokens".into(), "512".into()), ("temperature".into(), "0.2".into())],
        tools: Vec::new(),
        similar: Vec::new(),
        has_original: true,
    }
}

/// Somebody asks for a role.
pub fn access(id: &str, who: &str, role: &str, for_s: u64) -> ApprovalShown {
    let mut shown = held(id, who, Vec::new());
    let approval = &mut shown.approval;
    approval.wish = Wish::Access;
    approval.rule = format!("access/{role}");
    (approval.operation, approval.model, approval.connection, approval.trust) = (None, None, None, None);
    approval.datasets.clear();
    approval.access = Some(gatewright_api::Asked { role: role.to_owned(), for_s });
    (shown.found, shown.parameters, shown.has_original) = (Vec::new(), Vec::new(), false);
    shown
}

/// Answers browsers on this port with a console over these, until it is dropped.
pub async fn serve(listener: tokio::net::TcpListener, console: Arc<Console>) {
    loop {
        let (stream, peer) = listener.accept().await.unwrap();
        let console = Arc::clone(&console);
        tokio::spawn(async move {
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let console = Arc::clone(&console);
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let visit = Visit { head: &head, body, from: peer.ip(), secure: false };
                    Ok::<_, Infallible>(console.answer(visit).await)
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A console over these.
pub fn parts(fake: &Fake, clock: &Arc<Mutex<u64>>) -> Parts {
    Parts {
        key: [9; 32],
        door: Arc::new(OpenDoor),
        api: Arc::new(fake.clone()),
        around: Arc::new(Clock(Arc::clone(clock), Arc::clone(&fake.1))),
        ended: fake.1.lock().unwrap().clone(),
        url: None,
    }
}
