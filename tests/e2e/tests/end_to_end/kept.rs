//! What a model server keeps for callers that it cannot tell apart, by an unmodified SDK: each has their own, and nobody
//! anybody else's.

use std::sync::Arc;

use gatewright_demo::issuer::Person;
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::Sdk;
use gatewright_testkit::FakeModel;
use gatewright_testkit::kept::Keeper;
use serde_json::{Value, json};

const CATALOGUE: &str = "version: 1
masking: { internal: { in: redact, out: redact } }
roles:
  keeper:
    members: [{ issuer: corp, group: analysts }, { issuer: corp, group: ml-admins }]
    grants: [{ models: [sales-forecast], operations: [chat, files, batch] }]
";
const MASKED: &str = "Write to [EMAIL_ADDRESS].";

/// The ids in an object.
fn ids(of: &Value) -> Vec<&str> {
    of.as_object().expect("ids").values().filter_map(Value::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_caller_has_their_own() {
    let keeper = Arc::new(Keeper::default());
    let answering = Arc::clone(&keeper);
    let model = FakeModel::start(move |received| answering.answer(received)).await.unwrap();
    let mut setting = Setting::lay(&model.url()).await;
    setting.write("catalogue.yaml", CATALOGUE);
    setting.start().await;
    let url = format!("http://{}/v1", setting.data_address());
    for sdk in [Sdk::Python2, Sdk::Python3] {
        let run = |person: Person, words: &[&str]| {
            let token = setting.token(person);
            tokio::task::block_in_place(|| sdk.run(&url, &token, words))
        };
        model.forget();
        let alice = run(Person::Alice, &["kept", "sales-forecast"]);
        for text in ["text", "again", "streamed", "final"] {
            assert_eq!(alice[text], MASKED, "{sdk:?} {text}: {alice}");
        }
        assert!(alice["pieces"].as_u64().is_some_and(|pieces| pieces > 1), "{sdk:?}: {alice}");
        assert_eq!(alice["model"], "sales-forecast", "{sdk:?}");
        assert_eq!(alice["content"], "Ask [EMAIL_ADDRESS]", "{sdk:?}");
        assert_eq!(alice["found"], json!([MASKED]), "{sdk:?}");
        assert_eq!((&alice["deleted"], &alice["gone"]), (&json!(true), &json!(404)), "{sdk:?}");
        let results = alice["results"].as_array().expect("rows");
        assert_eq!(results.len(), 2, "{sdk:?}");
        for (number, row) in results.iter().enumerate() {
            assert_eq!(row["custom_id"], format!("call-{number}"), "{sdk:?}");
            assert_eq!(row["response"]["body"]["choices"][0]["message"]["content"], MASKED, "{sdk:?}: {row}");
        }
        // What arrived has no value in it, and every row of the file is what was decided.
        for request in model.received() {
            let raw = String::from_utf8_lossy(&request.raw).into_owned();
            assert!(!raw.contains("mustermann"), "{sdk:?}: {raw}");
            assert!(
                !(request.method == "GET" && request.target == "/v1/files"),
                "{sdk:?}: everybody's files were asked for"
            );
        }
        let calls = keeper.content(alice["ids"]["calls"].as_str().unwrap()).expect("the file is there");
        assert_eq!(calls.matches("I am [EMAIL_ADDRESS]").count(), 2, "{calls}");

        // Bob has the same rights, and none of it.
        let before = keeper.count();
        model.forget();
        let mut asked = alice["ids"].clone();
        asked["model"] = json!("sales-forecast");
        let bob = run(Person::Bob, &["reach", &asked.to_string()]);
        for (way, status) in bob["ways"].as_object().expect("ways") {
            assert_eq!(status, &json!(404), "{sdk:?}: bob got to alice's by {way}");
        }
        let reached: Vec<String> = model.received().iter().map(|request| request.target.clone()).collect();
        for id in ids(&alice["ids"]) {
            assert!(!reached.iter().any(|target| target.contains(id)), "{sdk:?}: {id} in {reached:?}");
        }
        assert_eq!(keeper.count(), before, "{sdk:?}: bob changed something");
        let his = run(Person::Bob, &["kept", "sales-forecast"]);
        let hers = run(
            Person::Alice,
            &["reach", &{
                let mut asked = his["ids"].clone();
                asked["model"] = json!("sales-forecast");
                asked.to_string()
            }],
        );
        assert!(hers["ways"].as_object().expect("ways").values().all(|status| status == &json!(404)), "{hers}");
        for (one, other) in [(&alice, &his), (&his, &alice)] {
            for list in ["files", "batches", "stores"] {
                let listed = one[list].as_array().expect("a list");
                assert!(!listed.is_empty(), "{sdk:?} {list}: {one}");
                let theirs = ids(&other["ids"]);
                assert!(listed.iter().all(|id| !theirs.contains(&id.as_str().unwrap_or_default())), "{sdk:?} {list}");
            }
        }
        assert!(hers["files"].as_array().is_some_and(|files| files.len() >= 3), "{hers}");
    }
    // Whose things are outlasts the gateway.
    let token = setting.token(Person::Alice);
    let alice = tokio::task::block_in_place(|| Sdk::Python3.run(&url, &token, &["kept", "sales-forecast"]));
    setting.stop();
    setting.start().await;
    let mut asked = alice["ids"].clone();
    asked["model"] = json!("sales-forecast");
    let statuses = |person: Person| {
        let token = setting.token(person);
        let said = tokio::task::block_in_place(|| Sdk::Python3.run(&url, &token, &["reach", &asked.to_string()]));
        said["ways"].clone()
    };
    assert!(statuses(Person::Bob).as_object().unwrap().values().all(|status| status == &json!(404)));
    let hers = statuses(Person::Alice);
    assert!(
        hers.as_object().unwrap().iter().all(|(way, status)| way == "delete"
            || status == &json!(200)
            || ["file", "content", "list", "run", "results"].contains(&way.as_str())),
        "{hers}"
    );
    assert_eq!((&hers["file"], &hers["response"], &hers["search"]), (&json!(200), &json!(200), &json!(200)), "{hers}");
    setting.stop();
    records::verify(&setting.data());
    assert_eq!(records::files_with(&setting.data(), "erika@mustermann.example"), [""; 0], "an original is on disk");
}
