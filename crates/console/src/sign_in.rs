use gatewright_api::Client;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::console::{Console, Visit, add_cookies};
use crate::cookies::Cookie;
use crate::door::{Begun, Closed, Started};
use crate::form::Form;
use crate::headers::{self, Answer};
use crate::origin::{Origin, Sender};
use crate::pages::{fault, sign_in as page};
use crate::route::{self, CALLBACK};
use crate::seal::Purpose;
use crate::session::Session;

/// How long somebody may take at the identity provider, in seconds.
const PATIENCE: u64 = 600;

/// A sign-in on its way, sealed into a cookie of the browser that began it. So the answer counts in that browser alone
/// (login CSRF), and nobody can fill this gateway's memory by beginning sign-ins.
#[derive(Serialize, Deserialize)]
struct OnTheWay {
    started: Started,
    to: String,
    until: u64,
}

impl Console {
    /// The page that says where one can sign in.
    pub(crate) fn choose_issuer(&self, visit: &Visit<'_>, origin: &Origin) -> Answer {
        let query = Form::read(visit.head.uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
        let to = query.get("to").and_then(route::local).unwrap_or("/");
        if self.sessions.of(&visit.head.headers, &self.seal, origin, self.around.now()).is_some() {
            return headers::go(to);
        }
        let done = query.get("done") == Some("signed-out");
        headers::page(StatusCode::OK, page::choose(&self.door.issuers(), to, done))
    }

    /// Sends the browser to the identity provider.
    pub(crate) async fn begin_sign_in(&self, issuer: &str, visit: &Visit<'_>, origin: &Origin) -> Answer {
        // Only by our own page's link or by hand: another site must not start sign-ins in somebody's browser.
        if origin.sender(&visit.head.headers) == Sender::Foreign {
            return headers::go("/sign-in");
        }
        let now = self.around.now();
        if let Err(wait) = self.attempts.count(visit.from, now) {
            return fault::too_many(wait);
        }
        let query = Form::read(visit.head.uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
        let to = query.get("to").and_then(route::local).unwrap_or("/").to_owned();
        let Begun { url, started } = match self.door.begin(issuer, &redirect_uri(origin)).await {
            Ok(begun) => begun,
            Err(closed) => return fault::closed(&closed),
        };
        let on_the_way = OnTheWay { started, to, until: now + PATIENCE };
        let lines =
            self.seal.close(Purpose::SignIn, &on_the_way).and_then(|sealed| cookie(origin).set(&sealed, PATIENCE));
        let Some(lines) = lines else { return fault::closed(&Closed::NotThisSignIn) };
        let mut answer = headers::go(&url);
        add_cookies(&mut answer, lines);
        answer
    }

    /// The browser comes back.
    pub(crate) async fn end_sign_in(&self, visit: &Visit<'_>, origin: &Origin) -> Answer {
        let now = self.around.now();
        let query = visit.head.uri.query().unwrap_or_default();
        let sealed = cookie(origin).read(&visit.head.headers);
        let on_the_way: Option<OnTheWay> = sealed.and_then(|sealed| self.seal.open(Purpose::SignIn, &sealed));
        let Some(on_the_way) = on_the_way.filter(|on_the_way| now < on_the_way.until) else {
            return fault::closed(&Closed::NotThisSignIn);
        };
        if let Err(wait) = self.attempts.count(visit.from, now) {
            return fault::too_many(wait);
        }
        let mut answer = match self.admit(&on_the_way.started, query, visit, origin).await {
            Ok(lines) => {
                let mut answer = headers::go(&on_the_way.to);
                add_cookies(&mut answer, lines);
                answer
            }
            // Anybody can send a browser here with a made-up query; the sign-in that waits is not theirs to end.
            Err(Closed::NotThisSignIn) => return fault::closed(&Closed::NotThisSignIn),
            Err(closed) => fault::closed(&closed),
        };
        add_cookies(&mut answer, cookie(origin).clear(&visit.head.headers));
        answer
    }

    /// The cookie of a session that just began.
    async fn admit(
        &self,
        started: &Started,
        query: &str,
        visit: &Visit<'_>,
        origin: &Origin,
    ) -> Result<Vec<http::HeaderValue>, Closed> {
        let token = self.door.finish(started, &redirect_uri(origin), query).await?;
        // The gateway itself says whether it takes this token, and who that is.
        let me = Client::new(&*self.api, &token.text).me().await;
        let me =
            me.map_err(|problem| Closed::Provider(format!("the gateway does not take its token: {}", problem.detail)))?;
        let now = self.around.now();
        if let Some(before) = self.sessions.of(&visit.head.headers, &self.seal, origin, now) {
            self.sessions.end(&before, &*self.around);
        }
        let session = Session::begin(token, me.person, &*self.around);
        let too_long =
            || Closed::Provider("its token is too long to be kept in a browser; leave out claims or groups".to_owned());
        session.cookie(&self.seal, origin, now).ok_or_else(too_long)
    }
}

fn cookie(origin: &Origin) -> Cookie {
    Cookie::new(origin, "sign-in")
}

/// What must be registered at the identity provider.
fn redirect_uri(origin: &Origin) -> String {
    format!("{}{CALLBACK}", origin.url())
}
