//! Budgets, counted at the model server: what is used up is used up, whoever asks at once and whatever becomes of the
//! process.

use std::time::Duration;

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::Sdk;
use gatewright_testkit::{Answer, FakeModel, RawClient, Reply, Step, openai};

const HELLO: &str = r#"{"model":"sales-forecast","messages":[{"role":"user","content":"hello"}]}"#;

/// A gateway with these budgets before a model server of the test's own.
async fn start(roles: &str, answer: impl Fn() -> Reply + Send + Sync + 'static) -> (Setting, FakeModel) {
    let model = FakeModel::start(move |_| answer()).await.unwrap();
    let mut setting = Setting::lay(&model.url()).await;
    setting.write("catalogue.yaml", &format!("version: 1\n{roles}"));
    let path = setting.path("gatewright.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let priced =
        text.replace("upstream: sales-forecast }", "upstream: sales-forecast, price: { input: 1, output: 10.5 } }");
    setting.write("gatewright.yaml", &format!("currency: EUR\n{priced}"));
    setting.start().await;
    (setting, model)
}

const fn fine() -> impl Fn() -> Reply + Send + Sync {
    || openai::chat("sales-forecast", "fine")
}

async fn chat(setting: &Setting, person: Person, body: &str) -> Answer {
    let headers = [setting.bearer(person), "content-type: application/json".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    asking(setting.data_address(), "POST", "/v1/chat/completions", &headers, body).await
}

/// How many of so many calls one after another are served.
async fn served(setting: &Setting, person: Person, body: &str, calls: usize) -> usize {
    let mut served = 0;
    for _ in 0..calls {
        let answer = chat(setting, person, body).await;
        match answer.status {
            200 => served += 1,
            429 => assert_eq!(code(&answer), "budget_exhausted", "{}", answer.text()),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    served
}

const BOTH: &str = "roles:
  analyst:
    members: [{ issuer: corp, group: analysts }, { issuer: corp, group: ml-admins }]
    grants: [{ models: [sales-forecast, restricted], operations: [chat], parameters: { max_tokens: { max: 10 } } }]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_role_a_person_and_a_model_each_have_their_own() {
    let each = |budget: &str| format!("{BOTH}    budget: {budget}\n");
    let other = HELLO.replace("sales-forecast", "restricted");
    let check = async |budget: &str, expected: [usize; 3]| {
        let (setting, model) = start(&each(budget), fine()).await;
        let alice = served(&setting, Person::Alice, HELLO, 4).await;
        let bob = served(&setting, Person::Bob, HELLO, 4).await;
        let bobs_other = served(&setting, Person::Bob, &other, 4).await;
        assert_eq!([alice, bob, bobs_other], expected, "{budget}");
        assert_eq!(model.count(), expected.iter().sum::<usize>(), "{budget}: what arrived at the model server");
    };
    check("{ requests: 3, per: day }", [3, 3, 0]).await;
    check("{ requests: 3, per: day, each: all }", [3, 0, 0]).await;
    check("{ requests: 3, per: day, each: model }", [3, 0, 3]).await;
    check("{ requests: 3, per: day, each: person-and-model }", [3, 3, 3]).await;
    check("{ requests: 3, per: day, models: [sales-forecast] }", [3, 3, 4]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_callers_at_once_do_not_overshoot() {
    // 17 tokens are used by a call, some sixty reserved: 500 are enough for eight reservations side by side.
    let budgets = "budgets:\n  common: { requests: 40, tokens: 500, per: day }\n";
    let (setting, model) =
        start(&format!("{BOTH}{budgets}"), || openai::chat("sales-forecast", "fine").after(Duration::from_millis(300)))
            .await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (address, bearer) = (setting.data_address(), setting.alice());
            let json = "content-type: application/json";
            tokio::spawn(async move { asking(address, "POST", "/v1/chat/completions", &[&bearer, json], HELLO).await })
        })
        .collect();
    let mut served = 0;
    for call in calls {
        let answer = call.await.unwrap();
        assert!(answer.status == 200 || code(&answer) == "budget_exhausted", "{}", answer.text());
        served += usize::from(answer.status == 200);
    }
    assert_eq!(model.count(), served, "a refused call arrived at the model server");
    // No answer comes before all have asked, so each of them had its reservation at once.
    let reserved = (10 + model.received()[0].body.len().div_ceil(4)) * served;
    assert!(served > 0 && reserved <= 500, "{served} calls with {reserved} tokens were let through together");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_stays_used_over_a_stop_and_a_kill() {
    let budgets = "budgets:\n  spend: { cost: 0.001, per: month, models: [sales-forecast] }\n  calls: { requests: 9, per: month }\n";
    let (mut setting, model) = start(&format!("{BOTH}{budgets}"), fine()).await;
    // 5 tokens of the request and 7 of the answer cost 0.0000785.
    assert_eq!(served(&setting, Person::Alice, HELLO, 3).await, 3);
    tokio::task::block_in_place(|| setting.stop());
    setting.start().await;
    assert_eq!(served(&setting, Person::Alice, HELLO, 3).await, 3);
    setting.process().kill();
    setting.start().await;
    let last = chat(&setting, Person::Alice, HELLO).await;
    assert_eq!(last.headers.get("x-ratelimit-remaining-requests"), Some("2"), "{}", last.text());
    // Without its index it reads the log from the start.
    setting.process().kill();
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = std::fs::remove_file(setting.data().join(name));
    }
    setting.start().await;
    assert_eq!(served(&setting, Person::Alice, HELLO, 5).await, 2);
    assert_eq!(model.count(), 9);
    setting.process().kill();
    records::verify(&setting.data());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_amid_an_answer_forgets_nothing_of_it() {
    let budget = "budgets:\n  tokens: { tokens: 70, per: month }\n  bytes: { answer_bytes: 200KB, per: month }\n";
    let budget = budget.replace("200KB", "200000");
    let (mut setting, model) = start(&format!("{BOTH}{budget}"), || {
        let events =
            (0..100).map(|_| openai::stream_event("m", 0, &format!("{{\"content\":\"{}\"}}", "x".repeat(900)), "null"));
        Reply::events(events).then(Step::Stall)
    })
    .await;
    let streamed = HELLO.replace("\"messages\"", "\"stream\":true,\"messages\"");
    let mut client = RawClient::connect(setting.data_address()).await.unwrap();
    let headers = [setting.alice(), "content-type: application/json".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    client.request("POST", "/v1/chat/completions", &headers, streamed.as_bytes()).await.unwrap();
    assert_eq!(client.head().await.unwrap().0, 200);
    let mut given = 0;
    while given < 90_000 {
        given += client.piece().await.unwrap().unwrap().len();
    }
    setting.process().kill();
    setting.start().await;
    let next = chat(&setting, Person::Alice, HELLO).await;
    assert_eq!(
        (next.status, code(&next).as_str()),
        (429, "budget_exhausted"),
        "its tokens were forgotten: {}",
        next.text()
    );
    let left: usize = next.headers.get("x-ratelimit-remaining-tokens").unwrap().parse().unwrap();
    let reserved = 10 + model.received()[0].body.len().div_ceil(4);
    assert_eq!(left, 70 - reserved, "what was reserved for the call that was cut off");
    assert_eq!(model.count(), 1);
    // The bytes: with no budget of tokens in the way, less is left than was given, and no more than is assumed too much.
    let catalogue = std::fs::read_to_string(setting.path("catalogue.yaml")).unwrap();
    setting.write("catalogue.yaml", &catalogue.replace("tokens: 70,", "tokens: 70000,"));
    tokio::task::block_in_place(|| setting.stop());
    setting.start().await;
    let mut client = RawClient::connect(setting.data_address()).await.unwrap();
    client.request("POST", "/v1/chat/completions", &headers, streamed.as_bytes()).await.unwrap();
    let (status, told) = client.head().await.unwrap();
    let state = told.get("ratelimit").unwrap_or_default().to_owned();
    let left = state.split("\"answer_bytes\";r=").nth(1).and_then(|rest| rest.split(';').next()).unwrap_or_default();
    let left: usize = left.parse().unwrap_or_else(|_| panic!("{status}: {state}"));
    assert!(left <= 200_000 - given, "{given} bytes were given, and {left} of 200000 are left");
    assert!(
        left + given + (64 << 10) + 2_000 >= 200_000 - 10_000,
        "{given} bytes were given, and only {left} are left"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sdk_raises_its_own_error_and_reads_the_headers() {
    let (setting, model) = start(&format!("{BOTH}    budget: {{ requests: 1, per: month }}\n"), fine()).await;
    let base = format!("http://{}/v1", setting.data_address());
    assert_eq!(served(&setting, Person::Alice, HELLO, 1).await, 1);
    for sdk in Sdk::ALL {
        let told = tokio::task::block_in_place(|| {
            sdk.run(&base, &setting.token(Person::Alice), &["refused", "sales-forecast"])
        });
        assert_eq!(told["exception"], "RateLimitError", "{sdk:?}: {told}");
        assert_eq!((&told["status"], &told["code"]), (&429.into(), &"budget_exhausted".into()), "{sdk:?}: {told}");
        assert_eq!(told["rule"], "analyst/budget-1", "{sdk:?}: {told}");
        // A month is no time to wait for.
        assert_eq!(told["tries"], 1, "{sdk:?} tried again");
        let limits = &told["limits"];
        if limits.is_object() {
            assert_eq!(limits["x-ratelimit-remaining-requests"], "0", "{sdk:?}: {told}");
            assert!(limits["ratelimit"].as_str().is_some_and(|text| text.starts_with("\"requests\";r=0;t=")), "{told}");
            assert!(limits["ratelimit-policy"].as_str().is_some_and(|text| text.starts_with("\"requests\";q=1;w=")));
            assert!(limits["retry-after"].as_str().is_some_and(|text| text.parse::<u64>().is_ok()), "{told}");
        }
    }
    assert_eq!(model.count(), 1);
}
