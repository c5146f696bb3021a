//! Whole tokens through the front door: who is accepted, who is refused, and in which words.

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use gatewright_identity::{Flaw, Identities, Rejection};
use gatewright_model::{Code, Refusal, Timestamp};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::{ProptestConfig, any, proptest};
use serde_json::{Value, json};
use support::{Key, NOW, Provider, StandingClock, ask, base64url, bearer, identities, sha256};

struct Scene {
    key: Key,
    provider: Provider,
    clock: Arc<StandingClock>,
    identities: Identities,
}

async fn scene() -> Scene {
    let (key, clock) = (Key::new("k"), StandingClock::new());
    let provider = Provider::new(&[&key]).await;
    let identities = identities(vec![provider.config("corp")], &clock).await;
    Scene { key, provider, clock, identities }
}

impl Scene {
    async fn with(&self, claim: &str, value: Value) -> Result<(), Rejection> {
        let mut claims = self.provider.claims();
        claims[claim] = value;
        ask(&self.identities, &self.key.token(&claims)).await.map(|_| ())
    }
}

#[tokio::test]
async fn a_good_token_is_its_caller_from_each_place() {
    let scene = scene().await;
    let token = scene.key.token(&scene.provider.claims());
    for name in ["x-api-key", "api-key", "authorization"] {
        let text = if name == "authorization" { format!("Bearer {token}") } else { token.clone() };
        let headers: HeaderMap =
            [(name.parse().expect("a name"), HeaderValue::from_str(&text).expect("a value"))].into_iter().collect();
        let verified = scene.identities.authenticate(&headers).await.expect("accepted");
        assert_eq!((&*verified.identity.subject, verified.identity.issuer.as_str()), ("alice", "corp"));
        assert_eq!(verified.identity.groups.as_ref(), [Arc::from("analysts")]);
        assert_eq!(verified.identity.expires, Timestamp::from_seconds(NOW + 3_630));
        assert_eq!(verified.digest.as_slice(), sha256(token.as_bytes()));
    }
}

#[tokio::test]
async fn each_refusal_has_its_word_and_its_status() {
    let scene = scene().await;
    let cases = [
        (scene.with("exp", json!(NOW - 31)).await, "expired", 401),
        (scene.with("iat", json!(NOW + 31)).await, "not_yet_valid", 401),
        (scene.with("aud", json!("other")).await, "wrong_audience", 401),
        (scene.with("iss", json!("https://other.example")).await, "unknown_issuer", 401),
        (scene.with("sub", json!(null)).await, "bad_claim", 401),
        (scene.with("exp", json!(NOW + 200_000)).await, "lives_too_long", 401),
        (scene.with("_claim_names", json!({"groups": "src1"})).await, "groups_overage", 401),
        (ask(&scene.identities, "sk-proj-abcdef").await.map(|_| ()), "malformed", 401),
        (scene.identities.authenticate(&HeaderMap::new()).await.map(|_| ()), "absent", 401),
    ];
    for (outcome, word, status) in cases {
        let rejection = outcome.expect_err(word);
        assert_eq!((rejection.word(), rejection.code().http_status()), (word, status));
        let refusal = Refusal::from(rejection);
        assert!(refusal.message.ends_with('.') && refusal.message.len() < 250, "{}", refusal.message);
    }
    let mut two = bearer("a.b.c");
    two.insert("x-api-key", HeaderValue::from_static("a.b.c"));
    let rejection = scene.identities.authenticate(&two).await.expect_err("ambiguous");
    assert_eq!((rejection.code(), rejection.code().http_status()), (Code::AmbiguousRequest, 400));
}

#[tokio::test]
async fn what_is_wrong_with_the_claims_is_told_only_to_who_holds_a_signed_token() {
    let scene = scene().await;
    let forger = Key::new("k");
    for (claim, value) in [("exp", json!(1)), ("aud", json!("other")), ("sub", json!(7)), ("groups", json!(7))] {
        let mut claims = scene.provider.claims();
        claims[claim] = value;
        assert_eq!(ask(&scene.identities, &forger.token(&claims)).await, Err(Rejection::BadSignature), "{claim}");
    }
}

#[tokio::test]
async fn forgeries_are_refused() {
    let scene = scene().await;
    let claims = scene.provider.claims();
    let good = scene.key.token(&claims);
    let parts: Vec<&str> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let spelled = |header: &Value| format!("{}.{payload}", base64url(header.to_string()));
    let with_secret = |header: Value, secret: &[u8]| {
        let signed = spelled(&header);
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        format!("{signed}.{}", base64url(aws_lc_rs::hmac::sign(&key, signed.as_bytes())))
    };
    let jwk = scene.key.jwk();
    let forger = Key::new("k");
    let resigned = |extra: Value| {
        let mut header = json!({"alg": "ES256", "kid": "k"});
        header.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        forger.sign(&header, &claims.to_string())
    };
    // Signed by the issuer's own key, and yet of another algorithm than that key is for.
    let mislabelled = |algorithm: &str| scene.key.sign(&json!({"alg": algorithm, "kid": "k"}), &claims.to_string());
    let der_signature = format!("{header}.{payload}.{}", base64url([0x30, 0x06, 2, 1, 0, 2, 1, 0]));
    let forgeries = [
        format!("{}.", spelled(&json!({"alg": "none"}))),
        format!("{}.{signature}", spelled(&json!({"alg": "none", "kid": "k"}))),
        with_secret(json!({"alg": "HS256", "kid": "k"}), jwk.to_string().as_bytes()),
        with_secret(json!({"alg": "HS256", "kid": "k"}), jwk["x"].as_str().expect("x").as_bytes()),
        with_secret(json!({"alg": "HS256", "kid": "k"}), b""),
        mislabelled("ES384"),
        mislabelled("RS256"),
        mislabelled("EdDSA"),
        mislabelled("HS256"),
        resigned(json!({})),
        resigned(json!({"jwk": forger.jwk()})),
        resigned(json!({"jku": "https://evil.example/jwks"})),
        resigned(json!({"x5u": "https://evil.example/x"})),
        resigned(json!({"x5c": ["AAAA"]})),
        resigned(json!({"crit": ["b64"], "b64": false})),
        resigned(json!({"kid": "../../../../dev/null"})),
        resigned(json!({"kid": "' OR 1=1 --"})),
        format!("{}.{signature}", spelled(&json!({"alg": "RS256", "kid": "k"}))),
        format!("{}.{signature}", spelled(&json!({"alg": "ES384", "kid": "k"}))),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}.{}", base64url([0; 64])),
        format!("{header}.{payload}.{}", base64url([0xff; 64])),
        der_signature,
        format!("{good}="),
        format!("{good}A"),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{signature}{signature}"),
        format!("{header}.{}.{signature}", base64url(claims.to_string().replace("alice", "bob"))),
    ];
    for forgery in &forgeries {
        let rejection = ask(&scene.identities, forgery).await.expect_err(forgery);
        let is_plain = matches!(rejection, Rejection::BadSignature | Rejection::Malformed(_));
        assert!(is_plain, "{rejection:?} for {forgery}");
    }
    assert!(ask(&scene.identities, &good).await.is_ok(), "and the good one is still good");
}

#[tokio::test]
async fn doubled_claims_are_refused_even_when_signed() {
    let scene = scene().await;
    let claims = scene.provider.claims().to_string();
    for extra in ["\"sub\":\"bob\"", "\"s\\u0075b\":\"bob\"", "\"x\":{\"a\":1,\"a\":2}", "\"x\":\"\\ud800\""] {
        let payload = claims.replacen('{', &format!("{{{extra},"), 1);
        let token = scene.key.sign(&json!({"alg": "ES256", "kid": "k"}), &payload);
        assert_eq!(ask(&scene.identities, &token).await, Err(Flaw::ClaimsNotJson.into()), "{extra}");
    }
    let deep = format!("{},\"x\":{}{}}}", claims.trim_end_matches('}'), "[".repeat(40), "]".repeat(40));
    let token = scene.key.sign(&json!({"alg": "ES256", "kid": "k"}), &deep);
    assert_eq!(ask(&scene.identities, &token).await, Err(Flaw::ClaimsNotJson.into()));
}

#[tokio::test]
async fn one_issuers_key_does_not_sign_for_another() {
    let (key, clock) = (Key::new("k"), StandingClock::new());
    let other_key = Key::new("k");
    let (corp, ci) = (Provider::new(&[&key]).await, Provider::new(&[&other_key]).await);
    let identities = identities(vec![corp.config("corp"), ci.config("ci")], &clock).await;
    assert_eq!(ask(&identities, &other_key.token(&corp.claims())).await, Err(Rejection::BadSignature));
    let (one, other) = (key.token(&corp.claims()), other_key.token(&ci.claims()));
    let one = ask(&identities, &one).await.expect("accepted");
    let other = ask(&identities, &other).await.expect("accepted");
    assert_eq!(one.identity.subject, other.identity.subject);
    assert_ne!(one.identity.issuer, other.identity.issuer, "the same subject of another issuer is somebody else");
}

#[tokio::test]
async fn a_remembered_token_ends_when_it_ends() {
    let scene = scene().await;
    let mut claims = scene.provider.claims();
    claims["exp"] = json!(NOW + 20);
    let token = scene.key.token(&claims);
    assert!(ask(&scene.identities, &token).await.is_ok());
    scene.clock.advance(49);
    assert!(ask(&scene.identities, &token).await.is_ok());
    scene.clock.advance(1);
    assert_eq!(ask(&scene.identities, &token).await, Err(Rejection::Expired));
}

/// Many callers whose tokens share their first bytes, asked for in turn by several threads: nobody is ever taken for
/// somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identities_never_cross() {
    let scene = scene().await;
    let mut tokens = HashMap::new();
    for number in 0..200 {
        let mut claims = scene.provider.claims();
        let name = format!("user-{number}");
        claims["sub"] = json!(name);
        tokens.insert(name, scene.key.token(&claims));
    }
    let (identities, tokens) = (Arc::new(scene.identities), Arc::new(tokens));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (identities, tokens) = (Arc::clone(&identities), Arc::clone(&tokens));
        tasks.spawn(async move {
            for _ in 0..15 {
                for (name, token) in tokens.iter() {
                    let verified = ask(&identities, token).await.expect("accepted");
                    assert_eq!(&*verified.identity.subject, name);
                }
            }
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.expect("no panic");
    }
}

#[test]
fn any_changed_byte_is_refused_and_nothing_panics() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let scene = runtime.block_on(scene());
    let good = scene.key.token(&scene.provider.claims());
    assert!(runtime.block_on(ask(&scene.identities, &good)).is_ok());
    for place in 0..good.len() {
        for replacement in [b'A', b'-', b'.', b'!'] {
            let mut bytes = good.clone().into_bytes();
            if bytes[place] != replacement {
                bytes[place] = replacement;
                let changed = String::from_utf8(bytes).expect("ASCII");
                assert!(runtime.block_on(ask(&scene.identities, &changed)).is_err(), "byte {place}");
            }
        }
        let short = &good[..place];
        assert!(runtime.block_on(ask(&scene.identities, short)).is_err(), "cut at {place}");
    }
    proptest!(ProptestConfig::with_cases(500), |(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), text in "[ -~]{0,200}")| {
        let token = format!("{}.{}.AAAA", base64url(header), base64url(payload));
        assert!(runtime.block_on(ask(&scene.identities, &token)).is_err());
        assert!(runtime.block_on(ask(&scene.identities, &text)).is_err());
    });
}

/// Prints both costs; asserts only what must hold on any machine and in any build.
#[tokio::test]
#[allow(clippy::print_stderr, reason = "the figures are what whoever runs it wants to see")]
async fn a_remembered_token_costs_far_less_than_a_verification() {
    let scene = scene().await;
    let fresh: Vec<HeaderMap> = (0..200)
        .map(|number| {
            let mut claims = scene.provider.claims();
            claims["sub"] = json!(format!("user-{number}"));
            bearer(&scene.key.token(&claims))
        })
        .collect();
    let started = Instant::now();
    for headers in &fresh {
        scene.identities.authenticate(headers).await.expect("accepted");
    }
    let verified = started.elapsed() / 200;
    let started = Instant::now();
    for headers in fresh.iter().cycle().take(20_000) {
        std::hint::black_box(scene.identities.authenticate(headers).await).expect("accepted");
    }
    let remembered = started.elapsed() / 20_000;
    eprintln!("verified: {verified:?}, remembered: {remembered:?}");
    assert!(remembered * 2 < verified, "verified: {verified:?}, remembered: {remembered:?}");
}
