//! The console as a browser meets it, over a made-up API.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gatewright_api::{ApprovalState, Grant, GrantState, Problem};
use gatewright_console::{Console, Visit};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use support::{Fake, NOW, access, held, parts, person, text};

const ORIGIN: &str = "http://127.0.0.1:8081";
const HOST: &str = "127.0.0.1:8081";

/// A browser with its cookies.
struct Browser {
    console: Arc<Console>,
    fake: Fake,
    clock: Arc<Mutex<u64>>,
    cookies: Vec<(String, String)>,
}

struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn location(&self) -> &str {
        self.headers.get("location").map_or("", |value| value.to_str().unwrap())
    }

    fn form_token(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"form\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    fn new() -> Self {
        let (fake, clock) = (Fake::default(), Arc::new(Mutex::new(NOW)));
        let console = Arc::new(Console::new(parts(&fake, &clock)).unwrap());
        Self { console, fake, clock, cookies: Vec::new() }
    }

    async fn signed_in(name: &str) -> Self {
        let mut browser = Self::new();
        browser.sign_in(name).await;
        browser
    }

    async fn sign_in(&mut self, name: &str) {
        assert_eq!(self.get("/sign-in/with/demo").await.status, 303);
        let back = self.get(&format!("/sign-in/callback?state=state-1&code={name}")).await;
        assert_eq!((back.status, back.location()), (303, "/"));
    }

    async fn send(&mut self, method: &str, target: &str, lines: &[(&str, &str)], body: &str) -> Page {
        let mut request = Request::builder().method(method).uri(target).header("host", HOST);
        let jar: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !jar.is_empty() {
            request = request.header("cookie", jar.join("; "));
        }
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let visit = Visit {
            head: &head,
            body: Bytes::from(body.to_owned()),
            from: IpAddr::from([127, 0, 0, 1]),
            secure: false,
        };
        let (head, body) = self.console.answer(visit).await.into_parts();
        for line in head.headers.get_all("set-cookie") {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Page { status: head.status.as_u16(), headers: head.headers, text }
    }

    async fn get(&mut self, target: &str) -> Page {
        self.send("GET", target, &[("sec-fetch-site", "none")], "").await
    }

    async fn post(&mut self, target: &str, body: &str) -> Page {
        let lines = [("origin", ORIGIN), ("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", target, &lines, body).await
    }

    fn holds(&self, shown: gatewright_api::ApprovalShown) {
        self.fake.0.lock().unwrap().shown.push(shown);
    }

    fn state(&self, id: &str) -> ApprovalState {
        let state = self.fake.0.lock().unwrap();
        state.shown.iter().find(|shown| shown.approval.id == id).unwrap().approval.state
    }

    /// What was asked of the API that was no reading.
    fn changes(&self) -> usize {
        self.fake.0.lock().unwrap().asked.iter().filter(|(_, method, ..)| *method != "GET").count()
    }
}

fn hello() -> gatewright_api::ApprovalShown {
    held("apr_1", "alice", vec![text("user", &[("please ", None), ("export", Some("bulk-export")), (" it", None)])])
}

const PAGES: [&str; 5] = ["/", "/approvals", "/approvals/apr_1", "/notifications", "/access"];

#[tokio::test]
async fn nobody_sees_anything_before_signing_in() {
    let mut browser = Browser::new();
    browser.holds(hello());
    for page in PAGES {
        let answer = browser.get(page).await;
        assert_eq!(answer.status, 303, "{page}");
        assert!(answer.location().starts_with("/sign-in"), "{page}");
        assert_eq!(answer.text, "");
    }
    assert_eq!(browser.get("/approvals/apr_1").await.location(), "/sign-in?to=%2Fapprovals%2Fapr_1");
    for form in
        ["/approvals/apr_1/decision", "/approvals/apr_1/original", "/access", "/access/grt_1/revoke", "/sign-out"]
    {
        assert_eq!(browser.post(form, "form=&verdict=approve").await.location(), "/sign-in", "{form}");
    }
    assert!(browser.fake.0.lock().unwrap().asked.is_empty());
}

#[tokio::test]
async fn every_answer_is_guarded_and_has_no_script_in_it() {
    let mut browser = Browser::signed_in("carol").await;
    browser.holds(hello());
    for page in
        PAGES.iter().chain(&["/sign-in?done=signed-out", "/nothing", "/approvals/apr_none", "/sign-in/callback"])
    {
        let answer = browser.get(page).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{page}");
        assert!(!policy.contains("unsafe"), "{page}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{page}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{page}");
        assert_eq!(answer.headers["referrer-policy"], "same-origin", "{page}");
        assert_eq!(answer.text.matches("<script").count(), answer.text.matches("<script src=\"/assets/live.").count());
        for handler in ["onclick", "onload", "onerror=", "style=\"", "javascript:"] {
            assert!(!answer.text.contains(handler), "{page}: {handler}");
        }
    }
    let page = browser.get("/approvals").await;
    for name in ["/assets/live.", "/assets/style.", "/assets/icon."] {
        let place = page.text.find(name).unwrap();
        let path = page.text[place..].split('"').next().unwrap().to_owned();
        let file = browser.get(&path).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(file.headers["cache-control"].to_str().unwrap().contains("immutable"));
    }
    assert_eq!(browser.get("/assets/live.0000000000000000.js").await.status, 404);
}

#[tokio::test]
async fn approves_denies_and_narrows_what_is_shown() {
    let mut browser = Browser::signed_in("carol").await;
    for id in ["apr_1", "apr_2", "apr_3"] {
        let mut shown = hello();
        shown.approval.id = id.to_owned();
        browser.holds(shown);
    }
    let page = browser.get("/approvals/apr_1").await;
    for words in ["alice", "sales-forecast", "data-analyst", "public-docs", "bulk-export", "<mark>export</mark>", "512"]
    {
        assert!(page.text.contains(words), "{words}");
    }
    let token = page.form_token();
    let done = browser
        .post("/approvals/apr_1/decision", &format!("form={token}&verdict=approve&max_tokens=100&minutes=5"))
        .await;
    assert_eq!((done.status, done.location()), (303, "/approvals/apr_1?done=approve"));
    let asked = browser.fake.0.lock().unwrap().asked.last().cloned().unwrap();
    assert_eq!(asked.0, "token-of-carol", "in the person's own name");
    assert_eq!(asked.3, r#"{"verdict":"approve","narrow":{"max_tokens":100,"for_s":300}}"#);
    assert_eq!(browser.state("apr_1"), ApprovalState::Approved);
    assert!(browser.get("/approvals/apr_1?done=approve").await.text.contains("Take back"));

    let bare = browser.post("/approvals/apr_2/decision", &format!("form={token}&verdict=deny")).await;
    assert_eq!(bare.status, 422);
    assert!(bare.text.contains("Say why you deny it") && bare.text.contains("autofocus"));
    assert_eq!(browser.state("apr_2"), ApprovalState::Pending);
    let denied =
        browser.post("/approvals/apr_2/decision", &format!("form={token}&verdict=deny&reason=Ask+%3Cfinance%3E")).await;
    assert_eq!(denied.status, 303);
    assert!(browser.get("/approvals/apr_2").await.text.contains("Ask &lt;finance&gt;"));
    let late = browser.post("/approvals/apr_2/decision", &format!("form={token}&verdict=approve")).await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("Somebody else has decided this already."));

    let list = browser.get("/approvals").await;
    assert!(list.text.contains("1 waits for a decision."));
    let waiting = list.text.find("apr_3").unwrap();
    assert!(waiting < list.text.find("apr_1").unwrap() && waiting < list.text.find("apr_2").unwrap());
    assert!(!browser.get("/approvals?state=denied").await.text.contains("/approvals/apr_3\""));
    assert!(!browser.get("/approvals?q=nobody").await.text.contains("/approvals/apr_3\""));
}

#[tokio::test]
async fn a_form_from_elsewhere_does_nothing() {
    let mut browser = Browser::signed_in("carol").await;
    browser.holds(hello());
    let token = browser.get("/approvals/apr_1").await.form_token();
    let good = format!("form={token}&verdict=approve");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let target = "/approvals/apr_1/decision";
    for lines in [
        vec![form],
        vec![form, ("origin", "http://evil.example")],
        vec![form, ("origin", "null")],
        vec![form, ("origin", "http://127.0.0.1:9999")],
        vec![form, ("origin", "http://localhost:8081")],
        vec![form, ("origin", ORIGIN), ("sec-fetch-site", "cross-site")],
        vec![form, ("sec-fetch-site", "same-site")],
    ] {
        assert_eq!(browser.send("POST", target, &lines, &good).await.status, 403, "{lines:?}");
    }
    assert_eq!(
        browser.send("POST", target, &[("origin", ORIGIN), ("content-type", "text/plain")], &good).await.status,
        400
    );
    for bad in
        ["verdict=approve".to_owned(), "form=x&verdict=approve".to_owned(), format!("form={token}x&verdict=approve")]
    {
        assert_eq!(browser.post(target, &bad).await.status, 403, "{bad}");
    }
    assert_eq!(browser.post(target, &format!("{good}&verdict=deny")).await.status, 400, "two verdicts");
    let mut other = Browser::signed_in("carol").await;
    let others = other.get("/access").await.form_token();
    assert_eq!(browser.post(target, &format!("form={others}&verdict=approve")).await.status, 403, "another session's");
    for target in ["/approvals/apr_1/decision", "/approvals/apr_1/original", "/access/grt_1/revoke", "/sign-out"] {
        let answer = browser.get(&format!("{target}?{good}")).await;
        assert_eq!((answer.status, &answer.headers["allow"]), (405, &"POST".parse().unwrap()), "{target}");
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        assert_eq!(browser.send(method, target, &[("origin", ORIGIN), form], &good).await.status, 405);
    }
    assert_eq!(browser.changes(), 0);
    assert_eq!(browser.state("apr_1"), ApprovalState::Pending);
    assert_eq!(browser.post(target, &good).await.status, 303, "and the real one works");
}

#[tokio::test]
async fn what_callers_wrote_is_text_and_all_of_it_can_be_seen() {
    let mut browser = Browser::signed_in("carol").await;
    let evil = "\"><script>alert(1)</script>'{{7*7}}${7*7}<img src=x onerror=alert(2)>\u{202e}\u{200b}\u{0}\u{1b}[2J";
    let mut shown = held("apr_1", evil, vec![text(evil, &[(evil, Some(evil)), (evil, None)])]);
    let approval = &mut shown.approval;
    for place in [&mut approval.rule, &mut approval.policy] {
        *place = evil.to_owned();
    }
    for place in [
        &mut approval.operation,
        &mut approval.model,
        &mut approval.connection,
        &mut approval.trust,
        &mut approval.reason,
        &mut approval.request,
        &mut approval.session,
    ] {
        *place = Some(evil.to_owned());
    }
    (approval.roles, approval.datasets) = (vec![evil.to_owned()], vec![evil.to_owned()]);
    (shown.tools, shown.parameters) = (vec![evil.to_owned()], vec![(evil.to_owned(), evil.to_owned())]);
    browser.holds(shown);
    let mut other = access("apr_2", evil, evil, 60);
    other.approval.may_decide = Some(evil.to_owned());
    browser.holds(other);
    let grant = Grant {
        id: "grt_1".into(),
        state: GrantState::Active,
        person: person(evil),
        role: evil.into(),
        approval: "apr_2".into(),
        from: evil.into(),
        until: evil.into(),
        break_glass: false,
    };
    browser.fake.0.lock().unwrap().grants.push(grant);
    let unseen = ['\u{202e}', '\u{200b}', '\u{0}', '\u{1b}'];
    for page in ["/", "/approvals", "/approvals/apr_1", "/approvals/apr_2", "/access"] {
        let answer = browser.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(!answer.text.contains("<script>") && !answer.text.contains("<img"), "{page}");
        assert!(!answer.text.contains(unseen), "{page}");
        if page.starts_with("/approvals/") {
            assert!(answer.text.contains("RLO ZWSP NUL ESC"), "{page}");
        }
    }
}

#[tokio::test]
async fn nobody_approves_what_is_not_shown() {
    let mut browser = Browser::signed_in("carol").await;
    let shown = held("apr_1", "alice", vec![text("user", &[(&"word ".repeat(200_000), None), ("the-end", None)])]);
    browser.holds(shown);
    let cut = browser.get("/approvals/apr_1").await.text;
    assert!(cut.len() < 40_000 && cut.contains("980007 more characters are not shown"));
    assert!(!cut.contains("value=\"approve\"") && cut.contains("value=\"deny\"") && cut.contains("texts=all"));
    let whole = browser.get("/approvals/apr_1?texts=all").await.text;
    assert!(whole.contains("the-end") && whole.contains("value=\"approve\"") && !whole.contains("not shown"));
}

#[tokio::test]
async fn the_original_is_asked_for_by_a_form_and_shown_once() {
    let mut browser = Browser::signed_in("carol").await;
    browser.holds(held(
        "apr_1",
        "alice",
        vec![text("user", &[("ask ", None), ("[EMAIL_ADDRESS]", Some("EMAIL_ADDRESS"))])],
    ));
    let page = browser.get("/approvals/apr_1").await;
    assert!(page.text.contains("[EMAIL_ADDRESS]") && !page.text.contains("Show original"), "without the permission");
    browser.fake.0.lock().unwrap().originals = true;
    let page = browser.get("/approvals/apr_1").await;
    assert!(page.text.contains("Show original (recorded)") && !page.text.contains("mia.wong"));
    let original = browser.post("/approvals/apr_1/original", &format!("form={}", page.form_token())).await;
    assert_eq!(original.status, 200);
    assert!(original.text.contains("mia.wong@example.com"));
    assert_eq!(original.headers["cache-control"], "no-store");
    assert_eq!(browser.changes(), 1, "the API was told");
    assert!(!browser.get("/approvals/apr_1").await.text.contains("mia.wong"));
}

#[tokio::test]
async fn a_role_is_asked_for_and_ended() {
    let mut browser = Browser::signed_in("dave").await;
    let page = browser.get("/access").await;
    let token = page.form_token();
    assert!(page.text.contains("billing-reader"));
    assert_eq!(browser.post("/access", &format!("form={token}&role=on-call&minutes=x")).await.status, 422);
    let asked = browser.post("/access", &format!("form={token}&role=on-call&minutes=30&reason=incident")).await;
    assert_eq!(asked.location(), "/approvals/apr_asked?done=asked");
    let sent = browser.fake.0.lock().unwrap().asked.last().cloned().unwrap();
    assert_eq!(sent.3, r#"{"role":"on-call","for_s":1800,"reason":"incident"}"#);
    let grant = Grant {
        id: "grt_1".into(),
        state: GrantState::Active,
        person: person("dave"),
        role: "on-call".into(),
        approval: "apr_asked".into(),
        from: "2027-01-15T08:00:00.000Z".into(),
        until: "2027-01-15T08:30:00.000Z".into(),
        break_glass: false,
    };
    browser.fake.0.lock().unwrap().grants.push(grant);
    assert!(browser.get("/access").await.text.contains("/access/grt_1/revoke"));
    assert_eq!(browser.post("/access/grt_1/revoke", &format!("form={token}")).await.location(), "/access?done=revoked");
    assert!(!browser.get("/access").await.text.contains("/access/grt_1/revoke"));
}

#[tokio::test]
async fn signing_out_ends_the_session_for_every_copy_of_its_cookie() {
    let mut browser = Browser::signed_in("carol").await;
    let token = browser.get("/").await.form_token();
    let kept = browser.cookies.clone();
    assert_eq!(browser.post("/sign-out", &format!("form={token}")).await.location(), "/sign-in?done=signed-out");
    assert!(browser.cookies.is_empty());
    browser.cookies = kept;
    assert_eq!(browser.get("/").await.status, 303, "the copy");
    browser.console = Arc::new(Console::new(parts(&browser.fake, &browser.clock)).unwrap());
    assert_eq!(browser.get("/").await.status, 303, "the copy, after a restart");
    browser.cookies.clear();
    browser.sign_in("carol").await;
    browser.console = Arc::new(Console::new(parts(&browser.fake, &browser.clock)).unwrap());
    assert_eq!(browser.get("/").await.status, 200, "a restart signs nobody out");
}

#[tokio::test]
async fn a_session_is_new_at_each_sign_in_and_ends_with_its_token() {
    let mut browser = Browser::signed_in("carol").await;
    let first = browser.cookies.clone();
    let first_token = browser.get("/").await.form_token();
    browser.sign_in("carol").await;
    assert_ne!(first, browser.cookies);
    assert_ne!(first_token, browser.get("/").await.form_token());
    let second = std::mem::replace(&mut browser.cookies, first);
    assert_eq!(browser.get("/").await.status, 303, "what was there before the sign-in ended with it");
    browser.cookies = second.clone();
    *browser.clock.lock().unwrap() = NOW + 3_599;
    assert_eq!(browser.get("/").await.status, 200);
    *browser.clock.lock().unwrap() = NOW + 3_600;
    assert_eq!(browser.get("/").await.status, 303);
    *browser.clock.lock().unwrap() = NOW;
    browser.fake.0.lock().unwrap().refuse = Some(Problem::new(401, "unauthenticated", "The token was taken back."));
    assert_eq!(browser.get("/approvals").await.location(), "/sign-in?to=%2Fapprovals");
    browser.fake.0.lock().unwrap().refuse = None;
    browser.cookies = second;
    assert_eq!(browser.get("/").await.status, 303, "it stays over");
}

#[tokio::test]
async fn a_sign_in_counts_in_the_browser_that_began_it() {
    let mut victim = Browser::new();
    let callback = "/sign-in/callback?state=state-1&code=mallory";
    assert_eq!(victim.get(callback).await.status, 400, "nobody began one here");
    assert!(victim.cookies.is_empty());
    victim.get("/sign-in/with/demo").await;
    assert_eq!(victim.get("/sign-in/callback?state=other&code=mallory").await.status, 400);
    assert_eq!(victim.cookies.len(), 1, "the one that waits still waits");
    let waiting = victim.cookies.clone();
    assert_eq!(victim.get("/sign-in/callback?state=state-1&code=carol").await.status, 303);
    // The cookie of a sign-in is no session, nor the other way round.
    let session = victim.cookies.iter().find(|(name, _)| name.ends_with("session")).unwrap().clone();
    victim.cookies = vec![(session.0.clone(), waiting[0].1.clone())];
    assert_eq!(victim.get("/").await.status, 303);
    victim.cookies = vec![(waiting[0].0.clone(), session.1)];
    assert_eq!(victim.get(callback).await.status, 400);
    // And it is not waited for without end.
    victim.cookies = waiting;
    *victim.clock.lock().unwrap() = NOW + 600;
    assert_eq!(victim.get(callback).await.status, 400);
}

#[tokio::test]
async fn goes_on_where_it_was_going_and_nowhere_else() {
    for (to, expected) in [
        ("%2Fapprovals%2Fapr_1", "/approvals/apr_1"),
        ("%2F%2Fevil.example", "/"),
        ("https%3A%2F%2Fevil.example", "/"),
        ("%2F%5Cevil.example", "/"),
        ("%2Fsign-out", "/"),
    ] {
        let mut browser = Browser::new();
        browser.get(&format!("/sign-in/with/demo?to={to}")).await;
        assert_eq!(browser.get("/sign-in/callback?state=state-1&code=carol").await.location(), expected, "{to}");
    }
    let mut browser = Browser::new();
    let lines = [("sec-fetch-site", "cross-site")];
    assert_eq!(
        browser.send("GET", "/sign-in/with/demo", &lines, "").await.location(),
        "/sign-in",
        "another site's link"
    );
    assert!(browser.cookies.is_empty());
    assert_eq!(browser.get("/sign-in/with/nobody").await.status, 404);
}

#[tokio::test]
async fn sign_ins_are_counted_and_tokens_have_a_size() {
    let mut browser = Browser::new();
    for _ in 0..18 {
        assert_eq!(browser.get("/sign-in/with/demo").await.status, 303);
    }
    let long = browser.get("/sign-in/callback?state=state-1&code=long").await;
    assert_eq!(long.status, 502);
    assert!(long.text.contains("does not take its token"));
    assert_eq!(browser.get("/sign-in/with/demo").await.status, 303);
    let many = browser.get("/sign-in/with/demo").await;
    assert_eq!((many.status, &many.headers["retry-after"]), (429, &"60".parse().unwrap()));
    let name = format!("{}carol", "x".repeat(9_000));
    let mut browser = Browser::new();
    browser.get("/sign-in/with/demo").await;
    assert_eq!(browser.get(&format!("/sign-in/callback?state=state-1&code={name}")).await.status, 303);
    assert!(browser.cookies.len() > 2, "in pieces");
    assert_eq!(browser.get("/").await.status, 200);
}

#[tokio::test]
async fn one_origin_where_one_is_configured() {
    let (fake, clock) = (Fake::default(), Arc::new(Mutex::new(NOW)));
    let mut parts = parts(&fake, &clock);
    parts.url = Some("https://ops.example".to_owned());
    let console = Arc::new(Console::new(parts).unwrap());
    let mut browser = Browser { console, fake, clock, cookies: Vec::new() };
    let other = browser.get("/approvals?q=a").await;
    assert_eq!((other.status, other.location()), (303, "https://ops.example/approvals?q=a"));
    let answer = browser.send("GET", "/sign-in/with/demo", &[], "").await;
    assert!(answer.location().starts_with("https://ops.example/"));
}

#[tokio::test]
async fn channels_in_trouble_stand_on_top_and_what_they_say_is_text() {
    let mut browser = Browser::signed_in("carol").await;
    let page = browser.get("/notifications").await;
    assert_eq!(page.status, 200);
    let (trouble, told) = page.text.split_once("Told").expect("both lists");
    assert!(trouble.contains("on-call") && trouble.contains("4 attempts") && told.contains("chat"), "{}", page.text);
    assert!(page.text.contains("503 &lt;b&gt;") && !page.text.contains('\u{202e}'), "{}", page.text);
    assert_eq!(browser.post("/notifications", "x=1").await.status, 405);
    browser.fake.0.lock().unwrap().refuse = Some(Problem::denied("Policy does not permit this."));
    assert_eq!(browser.get("/notifications").await.status, 403);
}
