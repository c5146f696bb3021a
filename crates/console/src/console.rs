use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use gatewright_api::{Client, Problem, Transport};
use http::header::{ALLOW, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};

use crate::assets;
use crate::attempts::Attempts;
use crate::door::{Door, Surroundings};
use crate::form::Form;
use crate::headers::{self, Answer};
use crate::origin::{Origin, Sender};
use crate::pages::{access, approval, approvals, fault, home, notifications};
use crate::route::Route;
use crate::seal::Seal;
use crate::session::{self, SealingKey, Session, Sessions};

/// The longest form that the console reads, in bytes.
pub const LONGEST_FORM: usize = 64 << 10;

/// What a console is made of.
pub struct Parts {
    /// The key that sessions are sealed with.
    pub key: SealingKey,
    /// Where people sign in.
    pub door: Arc<dyn Door>,
    /// The way to the admin API.
    pub api: Arc<dyn Transport>,
    /// Clock, randomness and memory.
    pub around: Arc<dyn Surroundings>,
    /// Sessions that were ended before this process began, and until when their cookies would open.
    pub ended: Vec<(String, u64)>,
    /// Where browsers reach the console, where that is configured: scheme, host and port.
    pub url: Option<String>,
}

/// A request on the operators' listener.
pub struct Visit<'v> {
    /// Its head; its host was held against the listener's names before.
    pub head: &'v http::request::Parts,
    /// Its whole body, at most [`LONGEST_FORM`] bytes.
    pub body: Bytes,
    /// Where it came from.
    pub from: IpAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}

/// The web console.
pub struct Console {
    pub(crate) seal: Seal,
    pub(crate) door: Arc<dyn Door>,
    pub(crate) api: Arc<dyn Transport>,
    pub(crate) around: Arc<dyn Surroundings>,
    pub(crate) sessions: Sessions,
    pub(crate) attempts: Attempts,
    url: Option<Origin>,
}

/// Somebody who is signed in, and what they came for.
pub(crate) struct Guest<'c> {
    pub(crate) console: &'c Console,
    pub(crate) session: Session,
    pub(crate) query: Form,
    pub(crate) now: u64,
}

impl Guest<'_> {
    /// The admin API in this person's name.
    pub(crate) fn api(&self) -> Client<'_> {
        Client::new(&*self.console.api, &self.session.token)
    }
}

/// What a page gives: an answer, or the API's no.
pub(crate) type Paged = Result<Answer, Problem>;

impl Console {
    /// A console; `None` where the key cannot be used.
    pub fn new(parts: Parts) -> Option<Self> {
        let Parts { key, door, api, around, ended, url } = parts;
        let url = url.as_deref().map(Origin::configured);
        let seal = Seal::new(&key)?;
        let (sessions, attempts) = (Sessions::new(ended), Attempts::default());
        Some(Self { seal, door, api, around, sessions, attempts, url })
    }

    /// Whether a path is one of the console's.
    pub fn has(path: &str) -> bool {
        Route::of(path).is_some()
    }

    /// Answers a request for one of the console's paths.
    pub async fn answer(&self, visit: Visit<'_>) -> Answer {
        let path = visit.head.uri.path();
        let Some(route) = Route::of(path) else { return fault::not_found() };
        let reads = matches!(visit.head.method, Method::GET | Method::HEAD);
        let wanted = if reads { "GET" } else { visit.head.method.as_str() };
        if !route.methods().split(", ").any(|method| method == wanted) {
            return not_by_this_method(route);
        }
        if route == Route::Asset {
            return assets::find(path).unwrap_or_else(fault::not_found);
        }
        let Some(named) = Origin::of(visit.head, visit.secure) else { return fault::not_found() };
        let origin = match &self.url {
            // Cookies belong to one host: who comes by another name of this console goes on by the configured one.
            Some(url) if reads && *url.url() != *named.url() && !is_behind_proxy(url, &named) => {
                let rest = visit.head.uri.path_and_query().map_or("/", |rest| rest.as_str());
                return headers::go(&format!("{}{rest}", url.url()));
            }
            Some(url) => url.clone(),
            None => named,
        };
        if reads { self.read(route, &visit, &origin).await } else { self.write(route, &visit, &origin).await }
    }

    /// GET: looks, and changes nothing.
    async fn read(&self, route: Route<'_>, visit: &Visit<'_>, origin: &Origin) -> Answer {
        match route {
            Route::SignIn => return self.choose_issuer(visit, origin),
            Route::SignInWith(issuer) => return self.begin_sign_in(issuer, visit, origin).await,
            Route::Callback => return self.end_sign_in(visit, origin).await,
            _ => {}
        }
        let guest = match self.guest(visit, origin) {
            Ok(guest) => guest,
            Err(answer) => return answer,
        };
        let outcome = match route {
            Route::Home => home::show(&guest).await,
            Route::Approvals => approvals::list(&guest).await,
            Route::Approval(id) => approval::show(&guest, id).await,
            Route::Access => access::list(&guest).await,
            Route::Notifications => notifications::list(&guest).await,
            Route::SignIn | Route::SignInWith(_) | Route::Callback | Route::SignOut | Route::Asset => {
                return fault::not_found();
            }
            Route::Decide(_) | Route::Original(_) | Route::Revoke(_) => return not_by_this_method(route),
        };
        self.finish(outcome, &guest, visit, origin)
    }

    /// POST: a form of ours, from a page of ours, of this very session; anything else does nothing.
    async fn write(&self, route: Route<'_>, visit: &Visit<'_>, origin: &Origin) -> Answer {
        if origin.sender(&visit.head.headers) != Sender::Ours {
            return fault::foreign_form();
        }
        let form = is_form(visit.head).then(|| Form::read(&visit.body)).flatten();
        let Some(form) = form else { return fault::unreadable_form() };
        let guest = match self.guest(visit, origin) {
            Ok(guest) => guest,
            Err(answer) => return answer,
        };
        if !guest.session.gave(&form) {
            return fault::stale_form();
        }
        let outcome = match route {
            Route::SignOut => return self.sign_out(&guest, visit, origin),
            Route::Decide(id) => approval::decide(&guest, id, &form).await,
            Route::Original(id) => approval::original(&guest, id).await,
            Route::Access => access::request(&guest, &form).await,
            Route::Revoke(id) => access::revoke(&guest, id).await,
            Route::Home
            | Route::SignIn
            | Route::SignInWith(_)
            | Route::Callback
            | Route::Approvals
            | Route::Approval(_)
            | Route::Notifications
            | Route::Asset => return not_by_this_method(route),
        };
        self.finish(outcome, &guest, visit, origin)
    }

    /// Who is signed in, or where they do that.
    fn guest(&self, visit: &Visit<'_>, origin: &Origin) -> Result<Guest<'_>, Answer> {
        let now = self.around.now();
        let Some(session) = self.sessions.of(&visit.head.headers, &self.seal, origin, now) else {
            return Err(to_sign_in(visit));
        };
        let query = Form::read(visit.head.uri.query().unwrap_or_default().as_bytes());
        let query = query.ok_or_else(fault::unreadable_form)?;
        Ok(Guest { console: self, session, query, now })
    }

    fn finish(&self, outcome: Paged, guest: &Guest<'_>, visit: &Visit<'_>, origin: &Origin) -> Answer {
        match outcome {
            Ok(answer) => answer,
            // The token ended or was taken back meanwhile; so has the session.
            Err(problem) if problem.status == 401 => {
                self.sessions.end(&guest.session, &*self.around);
                let mut answer = to_sign_in(visit);
                add_cookies(&mut answer, session::cookie(origin).clear(&visit.head.headers));
                answer
            }
            Err(problem) => fault::problem(guest, &problem),
        }
    }

    fn sign_out(&self, guest: &Guest<'_>, visit: &Visit<'_>, origin: &Origin) -> Answer {
        self.sessions.end(&guest.session, &*self.around);
        let mut answer = headers::go("/sign-in?done=signed-out");
        add_cookies(&mut answer, session::cookie(origin).clear(&visit.head.headers));
        answer
    }
}

/// To the sign-in, and back to where they wanted to go.
fn to_sign_in(visit: &Visit<'_>) -> Answer {
    let target = visit.head.uri.path_and_query().map_or("/", |target| target.as_str());
    let target = match crate::route::local(target) {
        Some(local) if visit.head.method == Method::GET && local != "/" => local,
        _ => return headers::go("/sign-in"),
    };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", target).finish();
    headers::go(&format!("/sign-in?{query}"))
}

/// A proxy that ends TLS asks by plain HTTP and passes the browser's host on; sending the browser to HTTPS once more would
/// go round in circles.
fn is_behind_proxy(url: &Origin, named: &Origin) -> bool {
    let host = |origin: &Origin| origin.url().split_once("://").map(|(_, host)| host.to_owned());
    url.is_secure() && !named.is_secure() && host(url) == host(named)
}

fn is_form(head: &http::request::Parts) -> bool {
    let given = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn not_by_this_method(route: Route<'_>) -> Answer {
    let mut answer = fault::wrong_method();
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(route.methods()));
    *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    answer
}

pub(crate) fn add_cookies(answer: &mut Answer, lines: Vec<HeaderValue>) {
    for line in lines {
        answer.headers_mut().append(SET_COOKIE, line);
    }
}
