//! A whole sign-in against the demo identity provider, with a small browser in between.

mod support;

use std::sync::Arc;

use gatewright_demo::issuer::{Issuer, Person};
use gatewright_dial::{Dial, Roots};
use gatewright_identity::login::{self, Attempt, Login, LoginFault, SignIn, TokenFile, Tokens, WebSignIn};
use gatewright_identity::{Identities, IssuerConfig};
use gatewright_model::{Clock, Secret};
use serde_json::json;
use support::{Answer, Key, NOW, Provider, StandingClock, SystemEntropy, ask, dial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Scene {
    issuer: Issuer,
    clock: Arc<StandingClock>,
    dial: Dial,
    folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
    _serving: JoinHandle<()>,
}

async fn scene() -> Scene {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), StandingClock::new());
    let issuer =
        Issuer::open(&folder.path().join("demo"), url, Arc::<StandingClock>::clone(&clock), Arc::new(SystemEntropy));
    let issuer = issuer.expect("opened");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = issuer.clone();
    let serving = tokio::spawn(async move {
        serving.serve(listener, async { drop(stopped.await) }).await.expect("served");
    });
    let dial = Dial::new(&Roots::System).expect("a dial");
    Scene { issuer, clock, dial, folder, _stop: stop, _serving: serving }
}

impl Scene {
    async fn login(&self) -> Login {
        let sign_in = SignIn::new(self.issuer.url(), "gatewright-cli");
        login::start(sign_in, self.dial.clone(), Arc::<StandingClock>::clone(&self.clock), &SystemEntropy)
            .await
            .expect("started")
    }

    async fn sign_in(&self, person: &str) -> Tokens {
        let login = self.login().await;
        let location = pick(login.url(), person).await;
        let (tokens, page) = tokio::join!(login.finish(), get(&location));
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        tokens.expect("signed in")
    }
}

/// Sends one request to the host of a URL and reads the whole answer.
async fn send(url: &str, head: &str, body: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a loopback URL");
    let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let mut stream = TcpStream::connect(host).await.expect("connected");
    let (method, more) = head.split_once('\n').unwrap_or((head, ""));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(url: &str) -> String {
    send(url, "GET", "").await
}

async fn post(url: &str, body: &str) -> String {
    send(url, "POST\ncontent-type: application/x-www-form-urlencoded\r\n", body).await
}

/// Opens the sign-in page, checks it, picks a person, and gives where the browser is sent.
async fn pick(url: &str, person: &str) -> String {
    let page = get(url).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(page.contains("no password") && page.contains("Alice Adams") && !page.contains("<script"), "{page}");
    let (endpoint, query) = url.split_once('?').expect("a query");
    let answer = post(endpoint, &format!("{query}&person={person}")).await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).expect("a location");
    location.trim().to_owned()
}

#[tokio::test]
async fn a_person_signs_in_and_the_gateway_knows_them() {
    let scene = scene().await;
    let tokens = scene.sign_in("bob").await;
    let mut config = IssuerConfig::new("demo", scene.issuer.url(), "gatewright");
    config.groups = Some("/groups".to_owned());
    let clock: Arc<StandingClock> = Arc::clone(&scene.clock);
    let identities = Identities::new(vec![config], scene.dial.clone(), clock).expect("configured");
    identities.start();
    identities.tried().await;
    let verified = ask(&identities, tokens.token.expose()).await.expect("accepted");
    assert_eq!((&*verified.identity.subject, &*verified.identity.groups[0]), ("bob", "ml-admins"));
    let minted = ask(&identities, &scene.issuer.mint(Person::Carol)).await.expect("accepted");
    assert_eq!((&*minted.identity.subject, &*minted.identity.groups[0]), ("carol", "security"));
}

#[tokio::test]
async fn the_token_is_kept_refreshed_and_ended() {
    let scene = scene().await;
    let file = TokenFile::in_folder(scene.folder.path().join("cli"));
    let fresh = || login::fresh_token(&file, &scene.dial, &*scene.clock);
    assert!(matches!(fresh().await, Err(LoginFault::NotSignedIn)));
    let tokens = scene.sign_in("alice").await;
    file.save(&tokens).expect("saved");
    let first = fresh().await.expect("fresh").expose().clone();
    assert_eq!(&first, tokens.token.expose(), "what is good is not refreshed");
    scene.clock.advance(3_500);
    let second = fresh().await.expect("refreshed").expose().clone();
    assert_ne!(first, second);
    assert_eq!(file.load().expect("kept").expires, scene.clock.now().plus(std::time::Duration::from_secs(3_600)));
    // The refresh token rotated: using the first one again ends the whole sign-in.
    file.save(&tokens).expect("saved");
    scene.clock.advance(200);
    assert!(matches!(fresh().await, Err(LoginFault::Ended)));
    assert!(file.remove().expect("removed"));
    assert!(matches!(fresh().await, Err(LoginFault::NotSignedIn)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_refresh_once() {
    let scene = scene().await;
    let file = TokenFile::in_folder(scene.folder.path().join("cli"));
    file.save(&scene.sign_in("alice").await).expect("saved");
    scene.clock.advance(3_550);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (file, dial, clock) = (file.clone(), scene.dial.clone(), Arc::clone(&scene.clock));
        tasks.spawn(async move { login::fresh_token(&file, &dial, &*clock).await.map(|token| token.expose().clone()) });
    }
    let mut tokens: Vec<String> = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        tokens.push(outcome.expect("no panic").expect("a token"));
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all got the same token, so the provider saw one refresh");
}

#[tokio::test]
async fn a_refresh_that_fails_gives_the_old_token_while_it_is_good() {
    let scene = scene().await;
    let file = TokenFile::in_folder(scene.folder.path().join("cli"));
    let mut tokens = scene.sign_in("alice").await;
    tokens.refresh = None;
    file.save(&tokens).expect("saved");
    scene.clock.advance(3_590);
    let token = login::fresh_token(&file, &scene.dial, &*scene.clock).await.expect("still good");
    assert_eq!(token.expose(), tokens.token.expose());
    scene.clock.advance(10);
    assert!(matches!(login::fresh_token(&file, &scene.dial, &*scene.clock).await, Err(LoginFault::Ended)));
}

#[tokio::test]
async fn what_does_not_belong_to_the_sign_in_changes_nothing() {
    let scene = scene().await;
    let login = scene.login().await;
    let location = pick(login.url(), "alice").await;
    let (callback, _) = location.split_once('?').expect("a query");
    let strangers = [
        format!("{callback}?code=evil&state=guess"),
        format!("{callback}?error=access_denied"),
        callback.replace("/callback", "/favicon.ico"),
    ];
    let finish = tokio::spawn(login.finish());
    for stranger in &strangers {
        assert!(get(stranger).await.starts_with("HTTP/1.1 40"), "{stranger}");
    }
    let other_host = send(&location, "GET", "").await.replace("HTTP/1.1 200", "ok");
    assert!(other_host.starts_with("ok"), "{other_host}");
    assert!(finish.await.expect("no panic").is_ok());
}

#[tokio::test]
async fn another_sign_ins_code_is_not_taken() {
    let scene = scene().await;
    let (mine, theirs) = (scene.login().await, scene.login().await);
    let (my_location, their_location) = (pick(mine.url(), "alice").await, pick(theirs.url(), "carol").await);
    let part = |location: &str, name: &str| {
        location.split(['?', '&']).find_map(|part| part.strip_prefix(name).map(str::to_owned)).expect("a parameter")
    };
    // A login CSRF: somebody else's code with this sign-in's state. PKCE refuses it at the token endpoint.
    let swapped = my_location.replace(&part(&my_location, "code="), &part(&their_location, "code="));
    let (outcome, _) = tokio::join!(mine.finish(), get(&swapped));
    assert!(matches!(outcome, Err(LoginFault::Refused(word)) if word == "invalid_grant"));
}

/// A provider whose token endpoint answers what it likes to a sign-in that is otherwise in order.
#[tokio::test]
async fn tokens_that_are_not_of_this_sign_in_are_refused() {
    let (key, forger, clock) = (Key::new("k"), Key::new("k"), StandingClock::new());
    let provider = Provider::new(&[&key]).await;
    let at = |path: &str| format!("{}{path}", provider.url);
    let discovery = json!({
        "issuer": provider.url, "jwks_uri": at("/jwks"), "token_endpoint": at("/token"),
        "authorization_endpoint": at("/authorize"), "code_challenge_methods_supported": ["S256"],
    });
    provider.answer("/.well-known/openid-configuration", Answer::Json(discovery));
    let access = key.token(&provider.claims());
    let cases = [
        (None, json!("NONCE"), &key, "good"),
        (None, json!("another"), &key, "another sign-in"),
        (None, json!(null), &key, "another sign-in"),
        (None, json!("NONCE"), &forger, "signature"),
        (Some(("aud", json!("gatewright"))), json!("NONCE"), &key, "audience"),
        (Some(("iss", json!("https://evil.example"))), json!("NONCE"), &key, "issuer"),
        (Some(("exp", json!(NOW - 31))), json!("NONCE"), &key, "expired"),
    ];
    for (change, nonce, signer, word) in cases {
        let sign_in = SignIn::new(&*provider.url, "gatewright-cli");
        let clock: Arc<StandingClock> = Arc::clone(&clock);
        let login = login::start(sign_in, dial(), clock, &SystemEntropy).await.expect("started");
        let parameter = |name: &str| {
            let mut parts = login.url().split(['?', '&']);
            parts.find_map(|part| part.strip_prefix(name).map(str::to_owned)).expect("a parameter")
        };
        let mut claims = provider.claims();
        claims["aud"] = json!("gatewright-cli");
        claims["nonce"] = if nonce == "NONCE" { json!(parameter("nonce=")) } else { nonce };
        if let Some((claim, value)) = change {
            claims[claim] = value;
        }
        let answer = json!({"token_type": "Bearer", "access_token": access, "id_token": signer.token(&claims)});
        provider.answer("/token", Answer::Json(answer));
        let redirect = parameter("redirect_uri=").replace("%3A", ":").replace("%2F", "/");
        let callback = format!("{redirect}?code=c&state={}", parameter("state="));
        let (outcome, _) = tokio::join!(login.finish(), get(&callback));
        match outcome {
            Ok(tokens) => assert!(word == "good" && *tokens.token.expose() == access),
            Err(fault) => assert!(fault.to_string().contains(word), "{word}: {fault}"),
        }
    }
}

#[tokio::test]
async fn a_person_signs_in_through_a_page() {
    let scene = scene().await;
    let mut sign_in = WebSignIn {
        issuer: scene.issuer.url().to_owned(),
        client: "gatewright-cli".to_owned(),
        secret: None,
        redirect_uri: "http://127.0.0.1:8081/sign-in/callback".to_owned(),
    };
    let (url, attempt) = sign_in.begin(&scene.dial, &SystemEntropy).await.expect("begun");
    assert!(url.contains("code_challenge_method=S256") && !url.contains(&attempt.verifier), "{url}");
    let back = pick(&url, "carol").await;
    let (place, query) = back.split_once('?').expect("a query");
    assert_eq!(place, sign_in.redirect_uri);
    let finish = |sign_in: WebSignIn, attempt: Attempt, query: String| {
        let (dial, clock) = (scene.dial.clone(), Arc::clone(&scene.clock));
        async move { sign_in.finish(&attempt, &query, &dial, &*clock).await }
    };
    // What strangers send costs the provider no question and ends nothing.
    for stranger in ["", "code=c", "code=c&state=guess", &format!("{query}&state=x"), "error=access_denied"] {
        let outcome = finish(sign_in.clone(), attempt.clone(), stranger.to_owned()).await;
        assert!(matches!(outcome, Err(LoginFault::Unasked)), "{stranger}: {outcome:?}");
    }
    let mixed_up = query.replace("iss=http", "iss=https");
    let outcome = finish(sign_in.clone(), attempt.clone(), mixed_up).await;
    assert!(matches!(outcome, Err(LoginFault::BadAnswer(_))), "{outcome:?}");
    let tokens = finish(sign_in.clone(), attempt.clone(), query.to_owned()).await.expect("signed in");
    assert!(tokens.expires.seconds() > NOW);
    let again = finish(sign_in.clone(), attempt, query.to_owned()).await;
    assert!(matches!(again, Err(LoginFault::Refused(word)) if word == "invalid_grant"), "a code is good once");

    // Another attempt's nonce or verifier, or another way back, is refused with a code that is good.
    for change in ["nonce", "verifier", "redirect_uri"] {
        let (url, attempt) = sign_in.begin(&scene.dial, &SystemEntropy).await.expect("begun");
        let back = pick(&url, "carol").await;
        let (mut changed, mut there) = (attempt.clone(), sign_in.clone());
        match change {
            "nonce" => changed.nonce = "another".to_owned(),
            "verifier" => changed.verifier = "v".repeat(43),
            _ => there.redirect_uri = "http://127.0.0.1:8082/sign-in/callback".to_owned(),
        }
        let query = back.split_once('?').expect("a query").1.to_owned();
        assert!(finish(there, changed, query).await.is_err(), "{change}");
    }
    // A secret goes only to a provider that says that it takes one so.
    sign_in.secret = Some(Arc::new(Secret::new("s3cret".to_owned())));
    let outcome = sign_in.begin(&scene.dial, &SystemEntropy).await;
    assert!(matches!(outcome, Err(LoginFault::Provider(_))));
}

#[tokio::test]
async fn nobody_comes() {
    let scene = scene().await;
    let mut sign_in = SignIn::new(scene.issuer.url(), "gatewright-cli");
    sign_in.wait = std::time::Duration::from_millis(50);
    let clock: Arc<StandingClock> = Arc::clone(&scene.clock);
    let login = login::start(sign_in, scene.dial.clone(), clock, &SystemEntropy).await.expect("started");
    assert!(matches!(login.finish().await, Err(LoginFault::TimedOut(0))));
}

#[tokio::test]
async fn the_provider_refuses_what_is_not_a_proper_sign_in() {
    let scene = scene().await;
    let login = scene.login().await;
    let url = login.url().to_owned();
    for (from, to) in [
        ("client_id=gatewright-cli", "client_id=other"),
        ("redirect_uri=http%3A%2F%2F127.0.0.1", "redirect_uri=http%3A%2F%2Fevil.example"),
        ("redirect_uri=http", "redirect_uri=https"),
        ("state=", "state=a&state="),
    ] {
        assert!(url.contains(from));
        let answer = get(&url.replace(from, to)).await;
        assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("location:"), "{to}: {answer}");
    }
    for (from, to, error) in [
        ("code_challenge_method=S256", "code_challenge_method=plain", "invalid_request"),
        ("code_challenge=", "x=", "invalid_request"),
        ("response_type=code", "response_type=token", "unsupported_response_type"),
        ("scope=openid", "scope=email", "invalid_scope"),
    ] {
        let answer = get(&url.replace(from, to)).await;
        assert!(answer.starts_with("HTTP/1.1 303") && answer.contains(&format!("error={error}")), "{to}: {answer}");
    }
    let (endpoint, query) = url.split_once('?').expect("a query");
    let form = format!("{query}&person=alice");
    let head = "POST\ncontent-type: application/x-www-form-urlencoded\r\norigin: https://evil.example\r\n";
    assert!(send(endpoint, head, &form).await.starts_with("HTTP/1.1 403"));
    assert!(post(endpoint, &form.replace("alice", "mallory")).await.starts_with("HTTP/1.1 400"));
    let page = get(&url.replace("state=", "state=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")).await;
    assert!(!page.contains("<script"), "{page}");
}

#[tokio::test]
async fn the_provider_knows_its_own_name_alone() {
    let scene = scene().await;
    let host = scene.issuer.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&host).await.expect("connected");
    let request = "GET /jwks HTTP/1.1\r\nhost: rebound.example\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    let outside = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    assert!(scene.issuer.serve(outside, std::future::pending()).await.is_err());
}
