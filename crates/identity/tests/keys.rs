//! Issuers' keys: fetched, rotated, taken back; and issuers that are gone, broken or hostile.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_identity::{Identities, Rejection};
use serde_json::json;
use support::{Answer, Key, Provider, StandingClock, ask, base64url, dial, identities};
use tokio::net::TcpListener;

const DISCOVERY: &str = "/.well-known/openid-configuration";

fn fault(identities: &Identities) -> String {
    let readiness = identities.readiness();
    readiness.into_iter().find_map(|(_, outcome)| outcome.err()).unwrap_or_default()
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::new(&[&old]).await;
    let clock = StandingClock::new();
    let identities = identities(vec![provider.config("corp")], &clock).await;
    assert!(ask(&identities, &old.token(&provider.claims())).await.is_ok());
    provider.publish(&[&old, &new]);
    clock.advance(31);
    assert!(ask(&identities, &new.token(&provider.claims())).await.is_ok());
    assert!(ask(&identities, &old.token(&provider.claims())).await.is_ok());
    assert_eq!(provider.hits("/jwks"), 2);
}

#[tokio::test]
async fn a_key_that_was_taken_back_stops_verifying_at_once_even_what_it_verified_before() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::new(&[&old]).await;
    let clock = StandingClock::new();
    let identities = identities(vec![provider.config("corp")], &clock).await;
    let token = old.token(&provider.claims());
    assert!(ask(&identities, &token).await.is_ok());
    provider.publish(&[&new]);
    identities.refresh().await;
    assert_eq!(ask(&identities, &token).await, Err(Rejection::BadSignature));
    assert!(ask(&identities, &new.token(&provider.claims())).await.is_ok());
    provider.publish(&[]);
    identities.refresh().await;
    assert_eq!(ask(&identities, &new.token(&provider.claims())).await, Err(Rejection::BadSignature));
    assert!(fault(&identities).contains("no usable key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_made_up_key_ids_makes_one_fetch() {
    let key = Key::new("real");
    let provider = Provider::new(&[&key]).await;
    let clock = StandingClock::new();
    let identities = Arc::new(identities(vec![provider.config("corp")], &clock).await);
    assert_eq!(provider.hits("/jwks"), 1);
    clock.advance(31);
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..500 {
        let token = Key::new(&format!("made-up-{number}")).token(&provider.claims());
        let identities = Arc::clone(&identities);
        flood.spawn(async move { ask(&identities, &token).await });
    }
    let good = key.token(&provider.claims());
    assert!(ask(&identities, &good).await.is_ok(), "others are not kept waiting");
    while let Some(outcome) = flood.join_next().await {
        assert_eq!(outcome.expect("no panic"), Err(Rejection::BadSignature));
    }
    assert_eq!(provider.hits("/jwks"), 2);
    assert_eq!(provider.hits(DISCOVERY), 2);
}

#[tokio::test]
async fn an_id_that_a_fetch_did_not_bring_is_not_asked_for_again_soon() {
    let key = Key::new("real");
    let provider = Provider::new(&[&key]).await;
    let clock = StandingClock::new();
    let identities = identities(vec![provider.config("corp")], &clock).await;
    let token = Key::new("gone").token(&provider.claims());
    for (wait, hits) in [(31, 2), (31, 2), (200, 2), (70, 3)] {
        clock.advance(wait);
        assert_eq!(ask(&identities, &token).await, Err(Rejection::BadSignature));
        assert_eq!(provider.hits("/jwks"), hits);
    }
}

#[tokio::test]
async fn an_issuer_that_is_unreachable_at_start_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let key = Key::new("k");
    let other = Provider::new(&[&key]).await;
    let clock = StandingClock::new();
    let mut config = other.config("gone");
    config.url = format!("http://{address}");
    let identities = identities(vec![config, other.config("there")], &clock).await;
    let mut claims = other.claims();
    claims["iss"] = json!(format!("http://{address}"));
    let token = key.token(&claims);
    assert_eq!(ask(&identities, &token).await, Err(Rejection::NotReady("gone".into())));
    assert!(ask(&identities, &key.token(&other.claims())).await.is_ok(), "another issuer is not harmed");
    let readiness = identities.readiness();
    assert!(readiness[0].1.as_ref().is_err_and(|why| why.contains("could not connect")), "{readiness:?}");
    assert_eq!(readiness[1].1, Ok(()));

    let _late = Provider::on(TcpListener::bind(address).await.expect("the port is free"), &[&key]).await;
    let started = Instant::now();
    while ask(&identities, &token).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(20), "it is asked again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(identities.readiness()[0].1, Ok(()));
}

#[tokio::test]
async fn keys_outlive_a_short_outage_and_not_a_long_one() {
    let key = Key::new("k");
    let provider = Provider::new(&[&key]).await;
    let clock = StandingClock::new();
    let mut config = provider.config("corp");
    config.stale_keys = Duration::from_secs(600);
    let identities = identities(vec![config], &clock).await;
    let token = key.token(&provider.claims());
    assert!(ask(&identities, &token).await.is_ok());
    provider.answer(DISCOVERY, Answer::Status(500));
    clock.advance(590);
    identities.refresh().await;
    assert!(ask(&identities, &token).await.is_ok(), "stale keys are used for a while");
    assert!(fault(&identities).contains("500"), "{}", fault(&identities));
    clock.advance(10);
    assert_eq!(ask(&identities, &token).await, Err(Rejection::NotReady("corp".into())), "and no longer");
}

#[tokio::test]
async fn hostile_answers_bring_no_keys() {
    let (key, evil) = (Key::new("k"), Key::new("evil"));
    let attacker = Provider::new(&[&evil]).await;
    let url = |path: &str| format!("{}{path}", attacker.url);
    let mut private = key.jwk();
    private["d"] = json!(base64url([7; 32]));
    let cases = [
        (DISCOVERY, Answer::Redirect(url(DISCOVERY)), "redirect"),
        ("/jwks", Answer::Redirect(url("/jwks")), "redirect"),
        (DISCOVERY, Answer::Json(json!({"issuer": attacker.url, "jwks_uri": url("/jwks")})), "another issuer"),
        ("/jwks", Answer::Huge, "longer than"),
        (DISCOVERY, Answer::Huge, "longer than"),
        ("/jwks", Answer::Silence, "no complete answer"),
        ("/jwks", Answer::Status(404), "404"),
        ("/jwks", Answer::Text("{\"keys\":[],\"keys\":[]}".to_owned()), "not strict JSON"),
        ("/jwks", Answer::Json(json!({"keys": {}})), "no list"),
        ("/jwks", Answer::Json(json!({"keys": [key.jwk(), key.jwk()]})), "same id"),
        ("/jwks", Answer::Json(json!({"keys": [private]})), "private"),
        ("/jwks", Answer::Json(json!({"keys": [key.jwk(), {"kty": "oct", "k": "AAAA", "kid": "s"}]})), "symmetric"),
        ("/jwks", Answer::Json(json!({"keys": vec![json!({"kty": "EC"}); 101]})), "more than 100"),
    ];
    for (path, answer, word) in cases {
        let provider = Provider::new(&[&key]).await;
        provider.answer(path, answer);
        let clock = StandingClock::new();
        let identities = identities(vec![provider.config("corp")], &clock).await;
        for signer in [&key, &evil] {
            let outcome = ask(&identities, &signer.token(&provider.claims())).await;
            assert_eq!(outcome, Err(Rejection::NotReady("corp".into())), "{path} {word}");
        }
        assert!(fault(&identities).contains(word), "{word}: {}", fault(&identities));
    }
    assert_eq!(attacker.hits("/jwks") + attacker.hits(DISCOVERY), 0, "nobody followed anything");
}

#[tokio::test]
async fn keys_on_another_host_are_not_fetched() {
    let key = Key::new("k");
    let (provider, elsewhere) = (Provider::new(&[&key]).await, Provider::new(&[&key]).await);
    let discovery = json!({"issuer": provider.url, "jwks_uri": format!("{}/jwks", elsewhere.url)});
    provider.answer(DISCOVERY, Answer::Json(discovery));
    let clock = StandingClock::new();
    let refused = identities(vec![provider.config("corp")], &clock).await;
    assert!(fault(&refused).contains("neither its own nor configured"), "{}", fault(&refused));
    assert_eq!(elsewhere.hits("/jwks"), 0);
    let mut config = provider.config("corp");
    let host = elsewhere.url.trim_start_matches("http://").to_owned();
    config.keys = gatewright_identity::KeySource::Discovery { hosts: vec![host] };
    let accepted = identities(vec![config], &clock).await;
    assert!(ask(&accepted, &key.token(&provider.claims())).await.is_ok());
}

#[tokio::test]
async fn a_new_configuration_keeps_the_keys_of_unchanged_issuers_and_no_verification() {
    let key = Key::new("k");
    let (same, changed) = (Provider::new(&[&key]).await, Provider::new(&[&key]).await);
    let clock = StandingClock::new();
    let before = identities(vec![same.config("same"), changed.config("changed")], &clock).await;
    let (to_same, to_changed) = (key.token(&same.claims()), key.token(&changed.claims()));
    assert!(ask(&before, &to_same).await.is_ok() && ask(&before, &to_changed).await.is_ok());
    let mut stricter = changed.config("changed");
    stricter.audience = "another".to_owned();
    let after = before.successor(vec![same.config("same"), stricter]).expect("a good configuration");
    after.start();
    after.tried().await;
    drop(before);
    assert!(ask(&after, &to_same).await.is_ok());
    assert_eq!(ask(&after, &to_changed).await, Err(Rejection::WrongAudience));
    assert_eq!((same.hits("/jwks"), changed.hits("/jwks")), (1, 2));
    after.refresh().await;
    assert_eq!(same.hits("/jwks"), 2, "the task lives on");
}

#[tokio::test]
async fn nothing_goes_on_after_the_last_configuration_is_dropped() {
    let key = Key::new("k");
    let provider = Provider::new(&[&key]).await;
    let clock = StandingClock::new();
    let configured = Identities::new(vec![provider.config("corp")], dial(), clock).expect("a good configuration");
    configured.start();
    configured.tried().await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let with = metrics.num_alive_tasks();
    drop(configured);
    let started = Instant::now();
    while metrics.num_alive_tasks() >= with {
        assert!(started.elapsed() < Duration::from_secs(5), "its task ends");
        tokio::task::yield_now().await;
    }
}
